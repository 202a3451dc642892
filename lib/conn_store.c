/* SPDX-License-Identifier: BSD-3-Clause */
/* conn_store.c - where connections lie in memory. */
#include <assert.h>

#include "conn_store.h"

#define LINE 64

static size_t
round_up(size_t bytes)
{
	return (bytes + LINE - 1) / LINE * LINE;
}

size_t
conn_store_bytes(uint32_t limit, bool v4, bool v6)
{
	size_t bytes = 0;

	if (v4)
		bytes += limit * sizeof(struct conn4) + round_up(limit * sizeof(struct conn_side));
	if (v6)
		bytes += limit * sizeof(struct conn6);
	return bytes;
}

void
conn_store_init(struct conn_store *store, void *memory, uint32_t limit, bool v4, bool v6)
{
	uint8_t *at = memory;

	assert((uintptr_t)memory % LINE == 0);
	*store = (struct conn_store){.limit = limit, .split = v4 ? limit : 0};
	if (v4) {
		store->v4 = (struct conn4 *)at;
		at += limit * sizeof(struct conn4);
		store->side4 = (struct conn_side *)at;
		at += round_up(limit * sizeof(struct conn_side));
	}
	if (v6)
		store->v6 = (struct conn6 *)at;
	store->end[0] = store->split;
	store->end[1] = store->split + (v6 ? limit : 0);
	conn_store_clear(store);
}

void
conn_store_clear(struct conn_store *store)
{
	store->count = 0;
	store->free[0] = store->free[1] = CONN_NONE;
	store->fresh[0] = 0;
	store->fresh[1] = store->split;
}

struct timer_nodes
conn_store_nodes(const struct conn_store *store)
{
	/* The node is what an entry begins with, so that a family that is not there needs no care.
	 */
	_Static_assert(offsetof(struct conn4, tcp.timer) == 0, "first");
	_Static_assert(offsetof(struct conn6, tcp.timer) == 0, "first");
	return (struct timer_nodes){
		.base = {(uint8_t *)store->v4, (uint8_t *)store->v6},
		.stride = {sizeof(struct conn4), sizeof(struct conn6)},
		.split = store->split,
	};
}

uint32_t
conn_store_take(struct conn_store *store, const struct flow *flow)
{
	unsigned int family = flow->family == 6;
	uint32_t index = store->free[family];

	if (store->count == store->limit)
		return CONN_NONE;
	if (index != CONN_NONE) {
		store->free[family] = conn_store_tcp(store, index)->timer.next;
	} else {
		index = store->fresh[family]++;
		assert(index < store->end[family]);
	}
	store->count++;
	timer_node_init(&conn_store_tcp(store, index)->timer);
	if (family == 0)
		store->v4[index].flow = flow->v4;
	else
		store->v6[index - store->split].flow = flow->v6;
	return index;
}

uint32_t
conn_store_places(const struct conn_store *store)
{
	return store->end[1];
}

/* timer.prev of a place that was given back: no wheel has such a list. */
#define GIVEN_BACK (UINT32_MAX - 1)

bool
conn_store_alive(const struct conn_store *store, uint32_t index)
{
	return index < store->fresh[index >= store->split] &&
	       conn_store_tcp(store, index)->timer.prev != GIVEN_BACK;
}

void
conn_store_give(struct conn_store *store, uint32_t index)
{
	unsigned int family = index >= store->split;

	assert(store->count > 0 && index < store->fresh[family]);
	conn_store_tcp(store, index)->timer.next = store->free[family];
	conn_store_tcp(store, index)->timer.prev = GIVEN_BACK;
	/* No four-tuple has port 0. */
	if (family == 0)
		store->v4[index].flow.lport = 0;
	else
		store->v6[index - store->split].flow.lport = 0;
	store->free[family] = index;
	store->count--;
}

void
conn_store_flow(const struct conn_store *store, uint32_t index, struct flow *flow)
{
	if (index < store->split) {
		flow->family = 4;
		flow->v4 = store->v4[index].flow;
	} else {
		flow->family = 6;
		flow->v6 = store->v6[index - store->split].flow;
	}
}
