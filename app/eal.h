/* SPDX-License-Identifier: BSD-3-Clause */
/* eal.h - starts DPDK's environment without its chatter. */
#ifndef RIPOSTE_EAL_H
#define RIPOSTE_EAL_H

/* rte_eal_init() with the argc first of argv. 0 once there is at least one device and every --vdev
 * could be made; else an exit status, and the error has been said in one line. eal_stop() is due
 * only after 0. */
int eal_start(int argc, char **argv);

void eal_stop(void);

#endif
