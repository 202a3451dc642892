/* SPDX-License-Identifier: BSD-3-Clause */
/* memory.c - a worker's memory: taken whole at start, on its NUMA node. */
#include <errno.h>
#include <inttypes.h>
#include <numa.h>
#include <numaif.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"
#include "say.h"

#define MIB (UINT64_C(1) << 20)

/* MemAvailable of /proc/meminfo in bytes; UINT64_MAX if it cannot be told. */
static uint64_t
available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	uint64_t kib = UINT64_MAX / 1024;
	char line[128];

	if (f == NULL)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1)
			break;
	}
	fclose(f);
	return kib * 1024;
}

static void
bind_to(void *memory, size_t bytes, int node)
{
	struct bitmask *nodes;

	if (node < 0 || numa_available() < 0 || numa_max_node() == 0)
		return;
	nodes = numa_bitmask_alloc((unsigned int)numa_max_node() + 1);
	numa_bitmask_setbit(nodes, (unsigned int)node);
	/* Preferred, not bound: memory further away is slower, none at all does not start. */
	if (mbind(memory, bytes, MPOL_PREFERRED, nodes->maskp, nodes->size + 1, 0) != 0)
		say("warning: memory is not on NUMA node %d: %s", node, strerror(errno));
	numa_bitmask_free(nodes);
}

void *
memory_take(size_t bytes, int node, const char *what)
{
	uint64_t have = available();
	void *memory;

	/* The kernel would promise it, and kill us when it is touched. */
	if (bytes > have) {
		say("%s needs %" PRIu64 " MiB and the machine has %" PRIu64
		    " MiB available: lower \"connections\", \"senders\" or \"echo_memory\"",
		    what, (uint64_t)bytes / MIB + 1, have / MIB);
		return NULL;
	}
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		say("%s: cannot map %" PRIu64
		    " MiB: %s: lower \"connections\", \"senders\" or \"echo_memory\"",
		    what, (uint64_t)bytes / MIB + 1, strerror(errno));
		return NULL;
	}
	bind_to(memory, bytes, node);
	/* Advice alone: without huge pages it works as well, with more TLB misses. */
	(void)madvise(memory, bytes, MADV_HUGEPAGE);
	if (madvise(memory, bytes, MADV_POPULATE_WRITE) != 0)
		memset(memory, 0, bytes);
	return memory;
}

void
memory_give(void *memory, size_t bytes)
{
	if (memory != NULL)
		munmap(memory, bytes);
}
