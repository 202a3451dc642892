/* SPDX-License-Identifier: BSD-3-Clause */
/* timer_wheel.h - a hierarchical wheel of 1 ms: four levels of 256 slots and the 256 that follow.
 * Links live inside the nodes, which the caller keeps in up to two arrays. Knows neither TCP nor a
 * clock: time is an argument. Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987. */
#ifndef RIPOSTE_TIMER_WHEEL_H
#define RIPOSTE_TIMER_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "timer_node.h"

#define TIMER_WHEEL_NONE   UINT32_MAX
#define TIMER_WHEEL_LEVELS 4
#define TIMER_WHEEL_SLOTS  512 /* a turn of 256, and the next one */

/* Index i < split is the node at base[0] + i * stride[0]; from split on, the node at
 * base[1] + (i - split) * stride[1]. base points at the struct timer_node of the first element. */
struct timer_nodes {
	uint8_t *base[2];
	size_t stride[2];
	uint32_t split;
};

/* List level * TIMER_WHEEL_SLOTS + slot; the last one has nodes whose deadline had passed when they
 * were put in. */
#define TIMER_WHEEL_LISTS (TIMER_WHEEL_LEVELS * TIMER_WHEEL_SLOTS + 1)

struct timer_wheel {
	struct timer_nodes nodes;
	uint64_t now_ms; /* every deadline before it was given out or is in the last list */
	uint32_t count;  /* nodes in the wheel */
	uint32_t head[TIMER_WHEEL_LISTS];
	uint64_t used[TIMER_WHEEL_LISTS / 64 + 1]; /* bit by list: it is not empty */
};

/* An empty wheel whose time is now_ms. */
void timer_wheel_init(struct timer_wheel *w, const struct timer_nodes *nodes, uint64_t now_ms);

/* A node that was never in a wheel: sets its links and clears its deadlines. */
void timer_node_init(struct timer_node *node);

/* Call after changing either deadline of node index: puts the node where its nearer deadline
 * belongs, or takes it out when neither is armed. A deadline that has passed, less than 2^30 ms
 * ago, is given out by the next timer_wheel_expire. O(1). */
void timer_wheel_update(struct timer_wheel *w, uint32_t index);

/* Is the node in the wheel? */
bool timer_wheel_holds(const struct timer_wheel *w, uint32_t index);

/* Moves time to now_ms (never backwards) and returns one node whose nearer deadline is <= now_ms,
 * taken out of the wheel with its deadlines as they were; TIMER_WHEEL_NONE when there is none. Call
 * it until then, or as often as there is room for what it causes: the rest is kept for the next
 * call. Nodes come in the order of their deadlines, but for those that were put in late. */
uint32_t timer_wheel_expire(struct timer_wheel *w, uint64_t now_ms);

/* Milliseconds from now_ms until something may be due, at most limit: how long the caller can
 * sleep. */
uint32_t timer_wheel_idle(const struct timer_wheel *w, uint64_t now_ms, uint32_t limit);

#endif
