/* SPDX-License-Identifier: BSD-3-Clause */
/* dpdk_compat.h - what changed between DPDK 22.11 and later releases. */
#ifndef RIPOSTE_DPDK_COMPAT_H
#define RIPOSTE_DPDK_COMPAT_H

#include <pthread.h>

#include <rte_lcore.h>
#include <rte_thread.h>
#include <rte_version.h>

/* Starts a thread that stays off the workers' lcores; 0, or an error number (negative in some
 * releases). name has at most 15 characters. */
static inline int
dpdk_control_thread(pthread_t *thread, const char *name, void *(*function)(void *), void *arg)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
	/* Its thread function returns uint32_t; a plain thread on the control set is as good. */
	rte_cpuset_t all;
	pthread_attr_t attr;
	int error;

	(void)name;
	CPU_ZERO(&all);
	for (int i = 0; i < CPU_SETSIZE; i++)
		CPU_SET(i, &all);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(all), &all);
	error = pthread_create(thread, &attr, function, arg);
	pthread_attr_destroy(&attr);
	return error;
#else
	return rte_ctrl_thread_create(thread, name, NULL, function, arg);
#endif
}

#endif
