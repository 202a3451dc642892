/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_copy.c - the copy that oracle_look.c compares with: its memory, and what is not as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "oracle_look.h"

static void *
take(size_t count, size_t size)
{
	size_t bytes = (count * size + 63) / 64 * 64;
	void *memory = aligned_alloc(64, bytes);

	if (memory == NULL)
		abort();
	memset(memory, 0, bytes);
	return memory;
}

void
oracle_look_free(struct oracle *o)
{
	struct oracle_copy *c = o->copy;

	free(o->conns);
	o->conns = NULL;
	if (c == NULL)
		return;
	free(c->v4);
	free(c->side4);
	free(c->v6);
	free(c->table);
	free(c->sender_table);
	free(c->senders);
	free(c->sums.queued);
	free(c->sender_seen);
	free(c->touched);
	free(c->changed);
	free(c);
	o->copy = NULL;
}

static void
allocate(struct oracle *o)
{
	const struct stack *s = o->stack;
	uint32_t connections = o->conf->connections, places = conn_store_places(&s->conns);
	struct oracle_copy *c = take(1, sizeof(*c));

	c->connections = connections;
	c->sender_room = o->conf->senders;
	c->listener_room = o->conf->listener_room;
	c->v4 = take(connections, sizeof(*c->v4));
	c->side4 = take(connections, sizeof(*c->side4));
	c->v6 = take(connections, sizeof(*c->v6));
	c->table = take(s->table.bucket_count, sizeof(*c->table));
	c->sender_table = take(s->sender_table.bucket_count, sizeof(*c->sender_table));
	c->senders = take(c->sender_room, sizeof(*c->senders));
	c->sender_seen = take(c->sender_room, sizeof(*c->sender_seen));
	c->sums.queued = take(c->listener_room, sizeof(*c->sums.queued));
	c->touched = take(places, sizeof(*c->touched));
	c->changed = take(places, sizeof(*c->changed));
	o->conns = take(places, sizeof(*o->conns));
	o->copy = c;
}

void
oracle_look_begin(struct oracle *o)
{
	const struct stack *s = o->stack;
	struct oracle_copy *c = o->copy;

	if (c != NULL &&
	    (c->connections != o->conf->connections || c->sender_room != o->conf->senders ||
	     c->listener_room != o->conf->listener_room))
		oracle_look_free(o);
	if (o->copy == NULL)
		allocate(o);
	c = o->copy;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t first = i ? s->conns.split : 0;

		if (c->fresh[i] > first)
			memset(&o->conns[first], 0, (c->fresh[i] - first) * sizeof(*o->conns));
	}
	c->fresh[0] = 0;
	c->fresh[1] = s->conns.split;
	c->sender_fresh = 0;
	while (c->changed_count > 0)
		c->touched[c->changed[--c->changed_count]] = false;
	c->index = NULL; /* which makes the first look one at everything */
}

/* --- what has changed --- */

/* Has what lies in whole cache lines changed? There are many of them. */
static inline bool
line_differs(const void *now, const void *then, size_t lines)
{
	const uint64_t *a = now, *b = then;
	uint64_t changed = 0;

	for (size_t i = 0; i < 8 * lines; i++)
		changed |= a[i] ^ b[i];
	return changed != 0;
}

#define BLOCK 16 /* lines that are compared at once, first */

uint32_t
oracle_next_changed(const void *now, const void *then, size_t size, uint32_t i, uint32_t count)
{
	const uint8_t *a = now, *b = then;

	while (i < count) {
		uint32_t end = i + BLOCK - i % BLOCK < count ? i + BLOCK - i % BLOCK : count;

		if (i % BLOCK != 0 ||
		    oracle_differs(a + i * size, b + i * size, (end - i) * size)) {
			for (; i < end; i++) {
				if (line_differs(a + i * size, b + i * size, size / 64))
					return i;
			}
		}
		i = end;
	}
	return count;
}

void
oracle_find_changed(struct oracle *o)
{
	const struct conn_store *store = &o->stack->conns;
	uint32_t count[2] = {store->fresh[0], store->fresh[1] - store->split};
	struct oracle_copy *c = o->copy;

	/* Those that are in use for the first time. */
	for (uint32_t place = c->fresh[0]; place < store->fresh[0]; place++)
		oracle_touch(c, place);
	for (uint32_t place = c->fresh[1]; place < store->fresh[1]; place++)
		oracle_touch(c, place);
	for (uint32_t i = 0;; i++) {
		i = oracle_next_changed(store->v4, c->v4, sizeof(*c->v4), i, count[0]);
		if (i == count[0])
			break;
		oracle_touch(c, i);
	}
	for (uint32_t i = 0;; i++) {
		i = oracle_next_changed(store->v6, c->v6, sizeof(*c->v6), i, count[1]);
		if (i == count[1])
			break;
		oracle_touch(c, store->split + i);
	}
	if (!oracle_differs(store->side4, c->side4, count[0] * sizeof(*c->side4)))
		return;
	for (uint32_t i = 0; i < count[0]; i++) {
		if (oracle_differs(&store->side4[i], &c->side4[i], sizeof(*c->side4)))
			oracle_touch(c, i);
	}
}

bool
oracle_copy_place(struct oracle *o, uint32_t place)
{
	const struct conn_store *store = &o->stack->conns;
	struct oracle_copy *c = o->copy;
	bool ends;

	if (place < store->split) {
		ends = oracle_differs(&c->v4[place].flow, &store->v4[place].flow,
				      sizeof(struct flow4));
		memcpy(&c->v4[place], &store->v4[place], sizeof(*c->v4));
		memcpy(&c->side4[place], &store->side4[place], sizeof(*c->side4));
		return ends;
	}
	place -= store->split;
	ends = oracle_differs(&c->v6[place].flow, &store->v6[place].flow, sizeof(struct flow6));
	memcpy(&c->v6[place], &store->v6[place], sizeof(*c->v6));
	return ends;
}
