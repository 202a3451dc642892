/* SPDX-License-Identifier: BSD-3-Clause */
/* timer_wheel.c - the timer wheel. Knows nothing of what is timed.
 *
 * A slot of level 0 is one millisecond, one of level L is a block of 256^L of them. A node lies on
 * the lowest level that reaches its deadline, and a level reaches to the end of the block after the
 * one that time is in. So as a block begins, its nodes must have been moved down; but they may be
 * moved as soon as the block before begins, and timer_wheel_expire moves a few whenever it has
 * nothing better to do. Were they moved all at once, a million connections in TIME-WAIT would stop
 * the burst loop for longer than a receive queue lasts. */
#include "timer_wheel.h"

#include <assert.h>
#include <string.h>

#define LEVEL_BITS 8
#define SLOT_MASK  (TIMER_WHEEL_SLOTS - 1)
#define WORDS      (TIMER_WHEEL_SLOTS / 64)
#define LATE_MAX   (UINT32_C(1) << 30) /* a deadline this long ago is one that lies ahead */
#define MOVE_DOWN  8                   /* nodes at once, when there is nothing better to do */
#define NO_EVENT   UINT64_MAX

#define EXPIRED (TIMER_WHEEL_LISTS - 1)
#define FIRST   UINT32_C(0x80000000) /* prev of a list's first node: this, and which list */

static inline struct timer_node *
node_at(const struct timer_wheel *w, uint32_t index)
{
	const struct timer_nodes *n = &w->nodes;

	return (struct timer_node *)(index < n->split
					     ? n->base[0] + index * n->stride[0]
					     : n->base[1] + (index - n->split) * n->stride[1]);
}

static void
link_first(struct timer_wheel *w, uint32_t index, struct timer_node *node, uint32_t list)
{
	node->next = w->head[list];
	node->prev = FIRST | list;
	if (node->next != TIMER_WHEEL_NONE)
		node_at(w, node->next)->prev = index;
	else
		w->used[list / 64] |= UINT64_C(1) << list % 64;
	w->head[list] = index;
	w->count++;
}

static void
unlink_node(struct timer_wheel *w, struct timer_node *node)
{
	if (node->next != TIMER_WHEEL_NONE)
		node_at(w, node->next)->prev = node->prev;
	if (node->prev & FIRST) {
		const uint32_t list = node->prev & ~FIRST;

		w->head[list] = node->next;
		if (node->next == TIMER_WHEEL_NONE)
			w->used[list / 64] &= ~(UINT64_C(1) << list % 64);
	} else {
		node_at(w, node->prev)->next = node->next;
	}
	node->next = TIMER_WHEEL_NONE;
	node->prev = TIMER_WHEEL_NONE;
	w->count--;
}

/* The list of what is due now. */
static inline uint32_t
list_now(const struct timer_wheel *w)
{
	return (uint32_t)w->now_ms & SLOT_MASK;
}

/* The list of a level's block. */
static inline uint32_t
list_of(uint32_t level, uint64_t block)
{
	return level * TIMER_WHEEL_SLOTS + ((uint32_t)block & SLOT_MASK);
}

/* How far ahead of the wheel's time a deadline lies; 0 if it has passed. */
static inline uint32_t
ahead(const struct timer_wheel *w, uint32_t deadline_ms)
{
	const uint32_t now_ms = (uint32_t)w->now_ms;

	return now_ms - deadline_ms < LATE_MAX ? 0 : deadline_ms - now_ms;
}

/* The list where a node with an armed deadline belongs. */
static uint32_t
list_for(const struct timer_wheel *w, const struct timer_node *node)
{
	const uint32_t tcp_ahead = node->tcp_ms ? ahead(w, node->tcp_ms) : UINT32_MAX;
	const uint32_t call_ahead = node->call_ms ? ahead(w, node->call_ms) : UINT32_MAX;
	const uint32_t nearer = tcp_ahead < call_ahead ? tcp_ahead : call_ahead;
	uint64_t now = w->now_ms, at = w->now_ms + nearer;
	uint32_t level = 0;

	if (nearer == 0)
		return EXPIRED;
	while (level < TIMER_WHEEL_LEVELS - 1 && (at >> LEVEL_BITS) - (now >> LEVEL_BITS) > 1) {
		at >>= LEVEL_BITS;
		now >>= LEVEL_BITS;
		level++;
	}
	return list_of(level, at);
}

void
timer_wheel_init(struct timer_wheel *w, const struct timer_nodes *nodes, uint64_t now_ms)
{
	memset(w, 0, sizeof(*w));
	w->nodes = *nodes;
	w->now_ms = now_ms;
	memset(w->head, 0xff, sizeof(w->head)); /* TIMER_WHEEL_NONE */
}

void
timer_node_init(struct timer_node *node)
{
	*node = (struct timer_node){.next = TIMER_WHEEL_NONE, .prev = TIMER_WHEEL_NONE};
}

bool
timer_wheel_holds(const struct timer_wheel *w, uint32_t index)
{
	return node_at(w, index)->prev != TIMER_WHEEL_NONE;
}

void
timer_wheel_update(struct timer_wheel *w, uint32_t index)
{
	struct timer_node *node = node_at(w, index);
	const bool armed = node->tcp_ms || node->call_ms;

	assert(index < FIRST);
	if (node->prev != TIMER_WHEEL_NONE)
		unlink_node(w, node);
	if (armed)
		link_first(w, index, node, list_for(w, node));
}

/* How many slots after slot the next one lies that is in use, 1 .. TIMER_WHEEL_SLOTS - 1; 0 if
 * there is none. */
static inline uint32_t
next_used(const uint64_t used[WORDS], uint32_t slot)
{
	const uint32_t from = (slot + 1) & SLOT_MASK;
	uint64_t word = used[from / 64] & ~UINT64_C(0) << from % 64;

	for (uint32_t i = 0; i <= WORDS; i++) {
		const uint32_t at = (from / 64 + i) % WORDS;

		if (i)
			word = used[at];
		if (word)
			return (at * 64 + (uint32_t)__builtin_ctzll(word) - slot) & SLOT_MASK;
	}
	return 0;
}

/* The next time at which nodes are due or a block begins whose nodes were not all moved down. */
static uint64_t
next_event(const struct timer_wheel *w)
{
	uint64_t event = NO_EVENT;

	for (uint32_t level = 0; level < TIMER_WHEEL_LEVELS; level++) {
		const uint64_t block = w->now_ms >> level * LEVEL_BITS;
		const uint32_t blocks =
			next_used(&w->used[level * WORDS], (uint32_t)block & SLOT_MASK);
		const uint64_t at = (block + blocks) << level * LEVEL_BITS;

		if (blocks && at < event)
			event = at;
	}
	return event;
}

/* Moves up to most nodes of the block'th block of a level to where they now belong. */
static uint32_t
move_down(struct timer_wheel *w, uint32_t level, uint64_t block, uint32_t most)
{
	const uint32_t *head = &w->head[list_of(level, block)];
	uint32_t moved = 0;

	while (moved < most && *head != TIMER_WHEEL_NONE) {
		const uint32_t index = *head;
		struct timer_node *node = node_at(w, index);

		if (node->next != TIMER_WHEEL_NONE)
			__builtin_prefetch(node_at(w, node->next));
		unlink_node(w, node);
		link_first(w, index, node, list_for(w, node));
		moved++;
	}
	return moved;
}

/* A few nodes of the blocks that begin next. */
static void
move_down_some(struct timer_wheel *w)
{
	uint32_t most = MOVE_DOWN;

	for (uint32_t level = TIMER_WHEEL_LEVELS - 1; level > 0; level--)
		most -= move_down(w, level, (w->now_ms >> level * LEVEL_BITS) + 1, most);
}

static inline bool
something_due(const struct timer_wheel *w)
{
	return w->head[list_now(w)] != TIMER_WHEEL_NONE || w->head[EXPIRED] != TIMER_WHEEL_NONE;
}

/* Moves time on to now_ms, or to where the next nodes are due. */
static void
advance(struct timer_wheel *w, uint64_t now_ms)
{
	while (w->now_ms < now_ms && !something_due(w)) {
		const uint64_t event = next_event(w);

		if (event > now_ms) {
			w->now_ms = now_ms;
			return;
		}
		w->now_ms = event;
		for (uint32_t level = TIMER_WHEEL_LEVELS - 1; level > 0; level--)
			move_down(w, level, event >> level * LEVEL_BITS, UINT32_MAX);
	}
}

uint32_t
timer_wheel_expire(struct timer_wheel *w, uint64_t now_ms)
{
	uint32_t index;

	advance(w, now_ms);
	index = w->head[list_now(w)];
	if (index == TIMER_WHEEL_NONE)
		index = w->head[EXPIRED];
	if (index == TIMER_WHEEL_NONE)
		move_down_some(w);
	else
		unlink_node(w, node_at(w, index));
	return index;
}

uint32_t
timer_wheel_idle(const struct timer_wheel *w, uint64_t now_ms, uint32_t limit)
{
	const uint64_t event = next_event(w);

	if (something_due(w) || event <= now_ms)
		return 0;
	return event - now_ms < limit ? (uint32_t)(event - now_ms) : limit;
}
