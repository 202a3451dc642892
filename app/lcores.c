/* SPDX-License-Identifier: BSD-3-Clause */
/* lcores.c - EAL's lcores and the NUMA nodes they are on. */
#define _GNU_SOURCE /* cpu_set_t */
#include <assert.h>
#include <numa.h>

#include "lcores.h"

/* The node that all of an lcore's CPUs are on; -1 if there is none such. */
static int
node_of(unsigned int lcore)
{
	const rte_cpuset_t cpus = rte_lcore_cpuset(lcore);
	int node = -1;

	if (numa_available() < 0)
		return -1;
	for (unsigned int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		int here;

		if (!CPU_ISSET(cpu, &cpus))
			continue;
		here = numa_node_of_cpu((int)cpu);
		if (here < 0 || (node >= 0 && here != node))
			return -1;
		node = here;
	}
	return node;
}

void
lcores_list(struct lcores *lcores)
{
	*lcores = (struct lcores){.count = rte_lcore_count()};
	lcores->id[0] = rte_get_main_lcore();
	for (unsigned int i = 0; i < lcores->count; i++) {
		if (i > 0)
			lcores->id[i] = rte_get_next_lcore(lcores->id[i - 1], 1, 1);
		lcores->node[i] = node_of(lcores->id[i]);
	}
}

unsigned int
lcores_take(struct lcores *lcores, int node)
{
	unsigned int first = RTE_MAX_LCORE;
	unsigned int i = 0;

	for (; i < lcores->count; i++) {
		if (lcores->taken[i])
			continue;
		if (node < 0 || lcores->node[i] == node)
			break;
		if (first == RTE_MAX_LCORE)
			first = i;
	}
	if (i == lcores->count)
		i = first;
	assert(i < lcores->count);
	lcores->taken[i] = true;
	return i;
}
