/* SPDX-License-Identifier: BSD-3-Clause */
/* lcores.h - which lcore a worker gets: one near its device, if there is one left. */
#ifndef RIPOSTE_LCORES_H
#define RIPOSTE_LCORES_H

#include <stdbool.h>

#include <rte_lcore.h>

/* EAL's lcores in the order in which workers are put on them: the main one first. */
struct lcores {
	unsigned int count;
	unsigned int id[RTE_MAX_LCORE];
	int node[RTE_MAX_LCORE]; /* NUMA node of id[i]; -1: it may run on several, or is not known
				  */
	bool taken[RTE_MAX_LCORE];
};

void lcores_list(struct lcores *lcores);

/* Takes the first lcore left that is on node (-1: any), or the first left where none is; there is
 * one. The index of it. */
unsigned int lcores_take(struct lcores *lcores, int node);

#endif
