/* SPDX-License-Identifier: BSD-3-Clause */
/* conn_store.h - where connections lie in memory: one cache line each for IPv4, two for IPv6, and
 * beside them what is seldom looked at. Knows no protocol and no table. */
#ifndef RIPOSTE_CONN_STORE_H
#define RIPOSTE_CONN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow.h"
#include "tcp.h"
#include "timer_wheel.h"

#define CONN_NONE UINT32_MAX

struct conn4 {
	_Alignas(64) struct tcp_conn tcp;
	struct flow4 flow;
};
_Static_assert(sizeof(struct conn4) == 64, "one cache line");

/* Not needed for most segments. */
struct conn_side {
	uint16_t path;         /* path_table: where segments go that answer none */
	uint16_t peer_mss;     /* clamped */
	uint16_t challenge_at; /* when the second began that challenges counts; units of 32 ms */
	uint16_t challenges;   /* challenge ACKs in that second */
};
_Static_assert(sizeof(struct conn_side) == 8, "80 bytes a connection, all told");

struct conn6 {
	_Alignas(64) struct tcp_conn tcp;
	struct flow6 flow;
	struct conn_side side;
};
_Static_assert(sizeof(struct conn6) == 128, "two cache lines");

/* Index i < split is IPv4's, from split on IPv6's. */
struct conn_store {
	struct conn4 *v4;
	struct conn_side *side4;
	struct conn6 *v6;
	uint32_t split;
	uint32_t limit;    /* connections at most, of both families together */
	uint32_t count;    /* connections now */
	uint32_t free[2];  /* of each family: a list by timer.next of those given back */
	uint32_t fresh[2]; /* ... and the first that was never used */
	uint32_t end[2];
};

/* Bytes (64-byte aligned) for limit connections of each family that is asked for. */
size_t conn_store_bytes(uint32_t limit, bool v4, bool v6);

/* Makes memory, of conn_store_bytes() bytes, an empty store. */
void conn_store_init(struct conn_store *store, void *memory, uint32_t limit, bool v4, bool v6);

/* Forgets all connections. */
void conn_store_clear(struct conn_store *store);

/* A new connection for flow, whose tcp part is not set but for its timer; CONN_NONE if limit are
 * alive. */
uint32_t conn_store_take(struct conn_store *store, const struct flow *flow);

/* How many places for connections there are, used or not. */
uint32_t conn_store_places(const struct conn_store *store);

/* Is there a connection at place index, which is less than conn_store_places()? */
bool conn_store_alive(const struct conn_store *store, uint32_t index);

/* Gives it back: it is conn_store_is() of no four-tuple any more. */
void conn_store_give(struct conn_store *store, uint32_t index);

/* The timer nodes of all connections, for the wheel. */
struct timer_nodes conn_store_nodes(const struct conn_store *store);

/* The four-tuple of a connection. */
void conn_store_flow(const struct conn_store *store, uint32_t index, struct flow *flow);

static inline struct tcp_conn *
conn_store_tcp(const struct conn_store *store, uint32_t index)
{
	return index < store->split ? &store->v4[index].tcp : &store->v6[index - store->split].tcp;
}

static inline struct conn_side *
conn_store_side(const struct conn_store *store, uint32_t index)
{
	return index < store->split ? &store->side4[index] : &store->v6[index - store->split].side;
}

/* Asks for what a segment of the connection will look at. Inlined at once: gcc takes a call of a
 * function that only asks for one that does nothing, and drops it. */
static inline __attribute__((always_inline)) void
conn_store_prefetch(const struct conn_store *store, uint32_t index)
{
	__builtin_prefetch(conn_store_tcp(store, index), 1);
	/* Its second line, where its addresses are. */
	if (index >= store->split)
		__builtin_prefetch(conn_store_side(store, index));
}

static inline bool
conn_store_is(const struct conn_store *store, uint32_t index, const struct flow *flow)
{
	if (index < store->split)
		return flow->family == 4 &&
		       memcmp(&store->v4[index].flow, &flow->v4, sizeof(flow->v4)) == 0;
	return flow->family == 6 &&
	       memcmp(&store->v6[index - store->split].flow, &flow->v6, sizeof(flow->v6)) == 0;
}

#endif
