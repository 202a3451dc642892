/* SPDX-License-Identifier: BSD-3-Clause */
/* memory.h - a worker's memory: taken whole at start, on its NUMA node. */
#ifndef RIPOSTE_MEMORY_H
#define RIPOSTE_MEMORY_H

#include <stddef.h>

/* bytes of zeroed, page-aligned memory on NUMA node (-1: anywhere), all of it present: nothing is
 * faulted in later. NULL after an error, which has been said in one line naming what. */
void *memory_take(size_t bytes, int node, const char *what);

void memory_give(void *memory, size_t bytes);

#endif
