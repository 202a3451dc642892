/* SPDX-License-Identifier: BSD-3-Clause */
/* timer_model.h - a timer wheel and beside it a list of deadlines on a clock of 64 bits, which says
 * what the wheel has to give out. */
#ifndef RIPOSTE_TIMER_MODEL_H
#define RIPOSTE_TIMER_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "timer_wheel.h"

#define DISARMED UINT64_MAX
#define NODES    300
#define SPLIT    130
#define AHEAD    (UINT32_C(1) << 31) /* a deadline's distance at most */
#define LATE     (UINT32_C(1) << 30) /* ... and less than this once it has passed */

/* As connections are: the node at an offset, two sizes of them. */
struct small {
	uint64_t before;
	struct timer_node timer;
};

struct large {
	struct timer_node timer;
	uint64_t after[5];
};

struct model {
	struct timer_wheel wheel;
	struct small small[SPLIT];
	struct large large[NODES - SPLIT];
	uint64_t tcp[NODES], call[NODES]; /* DISARMED, or when */
	bool held[NODES];
	uint32_t count;
	uint64_t now;
};

static inline struct timer_node *
node(struct model *m, uint32_t index)
{
	return index < SPLIT ? &m->small[index].timer : &m->large[index - SPLIT].timer;
}

static inline void
model_init(struct model *m, uint64_t now)
{
	const struct timer_nodes nodes = {
		.base = {(uint8_t *)&m->small[0].timer, (uint8_t *)&m->large[0].timer},
		.stride = {sizeof(struct small), sizeof(struct large)},
		.split = SPLIT,
	};

	memset(m, 0, sizeof(*m));
	m->now = now;
	timer_wheel_init(&m->wheel, &nodes, now);
	for (uint32_t i = 0; i < NODES; i++) {
		memset(node(m, i), 0x5a, sizeof(struct timer_node));
		timer_node_init(node(m, i));
		assert_int_equal(node(m, i)->tcp_ms, 0);
		assert_int_equal(node(m, i)->call_ms, 0);
		assert_false(timer_wheel_holds(&m->wheel, i));
		m->tcp[i] = m->call[i] = DISARMED;
	}
}

static inline uint64_t
nearer(const struct model *m, uint32_t index)
{
	return m->tcp[index] < m->call[index] ? m->tcp[index] : m->call[index];
}

/* Sets a deadline of a node: low 32 bits to the node, all of them to the model. 0 is no deadline,
 * so the next millisecond is taken, as timer_node_at() does. */
static inline void
arm(uint32_t *field, uint64_t *model, uint64_t at)
{
	if (at != DISARMED && (uint32_t)at == 0)
		at++;
	*field = at == DISARMED ? 0 : (uint32_t)at;
	*model = at;
}

static inline void
update(struct model *m, uint32_t index)
{
	timer_wheel_update(&m->wheel, index);
	m->count -= m->held[index];
	m->held[index] = nearer(m, index) != DISARMED;
	m->count += m->held[index];
	assert_int_equal(timer_wheel_holds(&m->wheel, index), m->held[index]);
	assert_int_equal(m->wheel.count, m->count);
}

static inline void
arm_both(struct model *m, uint32_t index, uint64_t tcp, uint64_t call)
{
	arm(&node(m, index)->tcp_ms, &m->tcp[index], tcp);
	arm(&node(m, index)->call_ms, &m->call[index], call);
	update(m, index);
}

/* Takes one node out. It must be held, and due. */
static inline bool
expire(struct model *m)
{
	const uint32_t index = timer_wheel_expire(&m->wheel, m->now);

	if (index == TIMER_WHEEL_NONE)
		return false;
	assert_true(index < NODES);
	assert_true(m->held[index]);
	if (nearer(m, index) > m->now)
		fail_msg("node %u: expected at %" PRIu64 ", got at %" PRIu64, index,
			 nearer(m, index), m->now);
	assert_int_equal(node(m, index)->tcp_ms,
			 m->tcp[index] == DISARMED ? 0 : (uint32_t)m->tcp[index]);
	assert_int_equal(node(m, index)->call_ms,
			 m->call[index] == DISARMED ? 0 : (uint32_t)m->call[index]);
	assert_false(timer_wheel_holds(&m->wheel, index));
	m->held[index] = false;
	m->count--;
	assert_int_equal(m->wheel.count, m->count);
	return true;
}

/* Takes out all that is due: then nothing that is held may be. */
static inline void
expire_all(struct model *m)
{
	while (expire(m))
		;
	for (uint32_t i = 0; i < NODES; i++)
		if (m->held[i] && nearer(m, i) <= m->now)
			fail_msg("node %u: due at %" PRIu64 ", not given out at %" PRIu64, i,
				 nearer(m, i), m->now);
}

/* The wheel may wake its caller too early, but never too late. */
static inline void
check_idle(struct model *m, uint32_t limit)
{
	const uint32_t idle = timer_wheel_idle(&m->wheel, m->now, limit);
	uint64_t first = DISARMED;

	assert_true(idle <= limit);
	for (uint32_t i = 0; i < NODES; i++)
		if (m->held[i] && nearer(m, i) < first)
			first = nearer(m, i);
	if (first == DISARMED)
		assert_int_equal(idle, limit);
	else if (m->now + idle > first && idle > 0)
		fail_msg("due in %" PRId64 " ms, told to sleep for %u", (int64_t)(first - m->now),
			 idle);
}

#endif
