/* SPDX-License-Identifier: BSD-3-Clause */
/* compare_tables.c - flows are inserted, found and removed, in bursts as a worker's are: first all
 * of a burst are hashed, then looked up. Found is who has read the connection, in either case. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_debug.h>
#include <rte_hash.h>
#include <rte_malloc.h>

#include "compare.h"
#include "conn_store.h"
#include "flow_table.h"

#define BURST 64

static const struct siphash_key KEY = {0x0123456789abcdef, 0xfedcba9876543210};

/* A burst of flows, which are there already or not. */
struct burst {
	unsigned int count;
	struct flow flows[BURST];
	uint64_t hashes[BURST];
};

/* The next flows from the i-th on. */
static void
make_burst(struct burst *b, uint32_t i, uint32_t count, uint32_t turn)
{
	b->count = count - i < BURST ? count - i : BURST;
	for (unsigned int n = 0; n < b->count; n++) {
		const uint32_t client = compare_shuffled(i + n, count, turn);

		b->flows[n] = (struct flow){
			.family = 4,
			.v4 = {.laddr = htonl(0xc6120001),
			       .raddr = htonl(0x20000000 + client),
			       .lport = htons(80),
			       .rport = htons((uint16_t)(1024 + client % 64000))},
		};
		b->hashes[n] = flow_hash(&b->flows[n], &KEY);
	}
}

/* riposte's connection of each; a flow that is not there ends the program. */
static void
find_ours(const struct conn_store *conns, const struct flow_table *t, const struct burst *b,
	  uint32_t found[BURST])
{
	struct flow_probe p;

	for (unsigned int n = 0; n < b->count; n++)
		flow_table_prefetch(t, b->hashes[n]);
	for (unsigned int n = 0; n < b->count; n++) {
		p = flow_table_probe(t, b->hashes[n]);
		found[n] = flow_probe_next(t, &p);
		if (found[n] != FLOW_TABLE_NONE)
			__builtin_prefetch(conn_store_tcp(conns, found[n]), 1);
	}
	for (unsigned int n = 0; n < b->count; n++) {
		p = flow_table_probe(t, b->hashes[n]);
		do
			found[n] = flow_probe_next(t, &p);
		while (found[n] != FLOW_TABLE_NONE &&
		       !conn_store_is(conns, found[n], &b->flows[n]));
		if (found[n] == FLOW_TABLE_NONE)
			rte_exit(EXIT_FAILURE, "our table has lost a flow\n");
		conn_store_tcp(conns, found[n])->ts_recent++;
	}
}

void
compare_our_table(uint32_t count)
{
	const size_t conn_bytes = conn_store_bytes(count, true, false);
	void *conn_memory = compare_take(conn_bytes);
	void *table_memory = compare_take(flow_table_bytes(count));
	struct conn_store conns;
	struct flow_table table;
	uint32_t found[BURST];
	uint64_t before;
	struct burst b;

	conn_store_init(&conns, conn_memory, count, true, false);
	flow_table_init(&table, table_memory, count);
	printf("ours bytes: %.1f\n", (double)(conn_bytes + flow_table_bytes(count)) / count);
	before = compare_ns();
	for (uint32_t i = 0; i < count; i += b.count) {
		make_burst(&b, i, count, 0);
		for (unsigned int n = 0; n < b.count; n++)
			flow_table_prefetch(&table, b.hashes[n]);
		for (unsigned int n = 0; n < b.count; n++) {
			const uint32_t conn = conn_store_take(&conns, &b.flows[n]);

			conn_store_tcp(&conns, conn)->ts_recent = 0;
			if (!flow_table_insert(&table, b.hashes[n], conn))
				rte_exit(EXIT_FAILURE, "our table is full\n");
		}
	}
	compare_say("ours", "insert", count, before);
	before = compare_ns();
	for (uint32_t i = 0; i < count; i += b.count) {
		make_burst(&b, i, count, 1);
		find_ours(&conns, &table, &b, found);
	}
	compare_say("ours", "find", count, before);
	before = compare_ns();
	for (uint32_t i = 0; i < count; i += b.count) {
		make_burst(&b, i, count, 2);
		find_ours(&conns, &table, &b, found);
		for (unsigned int n = 0; n < b.count; n++) {
			flow_table_remove(&table, b.hashes[n], found[n]);
			conn_store_give(&conns, found[n]);
		}
	}
	compare_say("ours", "remove", count, before);
	rte_free(table_memory);
	rte_free(conn_memory);
}

/* Where a connection lies with rte_hash, which keeps the key itself. */
struct other {
	_Alignas(64) struct tcp_conn tcp;
};

static void
find_other(const struct rte_hash *h, struct other *conns, const struct burst *b,
	   uint32_t found[BURST])
{
	hash_sig_t sigs[BURST];
	const void *keys[BURST];
	int32_t positions[BURST];

	for (unsigned int n = 0; n < b->count; n++) {
		keys[n] = &b->flows[n].v4;
		sigs[n] = (hash_sig_t)b->hashes[n];
	}
	(void)rte_hash_lookup_with_hash_bulk(h, keys, sigs, b->count, positions);
	for (unsigned int n = 0; n < b->count; n++) {
		if (positions[n] < 0)
			rte_exit(EXIT_FAILURE, "rte_hash has lost a flow\n");
		found[n] = (uint32_t)positions[n];
		__builtin_prefetch(&conns[found[n]], 1);
	}
	for (unsigned int n = 0; n < b->count; n++)
		conns[found[n]].tcp.ts_recent++;
}

static size_t
allocated(void)
{
	struct rte_malloc_socket_stats stats;

	return rte_malloc_get_socket_stats(0, &stats) == 0 ? stats.heap_allocsz_bytes : 0;
}

void
compare_rte_hash(uint32_t count)
{
	const struct rte_hash_parameters parameters = {
		.name = "compare",
		.entries = count,
		.key_len = sizeof(struct flow4),
		.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE, /* so that all of them fit */
	};
	const size_t without = allocated();
	struct other *conns = compare_take(((size_t)count + 1) * sizeof(*conns));
	struct rte_hash *h = rte_hash_create(&parameters);
	uint32_t found[BURST];
	uint64_t before;
	struct burst b;

	if (h == NULL)
		rte_exit(EXIT_FAILURE, "no rte_hash of %u entries: more memory with -m\n", count);
	printf("rte_hash bytes: %.1f\n", (double)(allocated() - without) / count);
	before = compare_ns();
	for (uint32_t i = 0; i < count; i += b.count) {
		make_burst(&b, i, count, 0);
		for (unsigned int n = 0; n < b.count; n++) {
			const int32_t position = rte_hash_add_key_with_hash(
				h, &b.flows[n].v4, (hash_sig_t)b.hashes[n]);

			if (position < 0)
				rte_exit(EXIT_FAILURE, "rte_hash is full\n");
			conns[position].tcp.ts_recent = 0;
		}
	}
	compare_say("rte_hash", "insert", count, before);
	before = compare_ns();
	for (uint32_t i = 0; i < count; i += b.count) {
		make_burst(&b, i, count, 1);
		find_other(h, conns, &b, found);
	}
	compare_say("rte_hash", "find", count, before);
	before = compare_ns();
	for (uint32_t i = 0; i < count; i += b.count) {
		make_burst(&b, i, count, 2);
		find_other(h, conns, &b, found);
		for (unsigned int n = 0; n < b.count; n++)
			(void)rte_hash_del_key_with_hash(h, &b.flows[n].v4,
							 (hash_sig_t)b.hashes[n]);
	}
	compare_say("rte_hash", "remove", count, before);
	rte_hash_free(h);
	rte_free(conns);
}
