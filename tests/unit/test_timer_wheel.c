/* SPDX-License-Identifier: BSD-3-Clause */
/* test_timer_wheel.c - the timer wheel against a list of deadlines on a clock of 64 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
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

static struct timer_node *
node(struct model *m, uint32_t index)
{
	return index < SPLIT ? &m->small[index].timer : &m->large[index - SPLIT].timer;
}

static void
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

static uint64_t
nearer(const struct model *m, uint32_t index)
{
	return m->tcp[index] < m->call[index] ? m->tcp[index] : m->call[index];
}

/* Sets a deadline of a node: low 32 bits to the node, all of them to the model. 0 is no deadline,
 * so the next millisecond is taken, as timer_node_at() does. */
static void
arm(uint32_t *field, uint64_t *model, uint64_t at)
{
	if (at != DISARMED && (uint32_t)at == 0)
		at++;
	*field = at == DISARMED ? 0 : (uint32_t)at;
	*model = at;
}

static void
update(struct model *m, uint32_t index)
{
	timer_wheel_update(&m->wheel, index);
	m->count -= m->held[index];
	m->held[index] = nearer(m, index) != DISARMED;
	m->count += m->held[index];
	assert_int_equal(timer_wheel_holds(&m->wheel, index), m->held[index]);
	assert_int_equal(m->wheel.count, m->count);
}

static void
arm_both(struct model *m, uint32_t index, uint64_t tcp, uint64_t call)
{
	arm(&node(m, index)->tcp_ms, &m->tcp[index], tcp);
	arm(&node(m, index)->call_ms, &m->call[index], call);
	update(m, index);
}

/* Takes one node out. It must be held, and due. */
static bool
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
static void
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
static void
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

/* Distances of every size, and on both sides of where levels and blocks begin. */
static uint32_t
distance(struct seed *seed, uint32_t most)
{
	const uint32_t size = UINT32_C(1) << seed_below(seed, 32);
	uint32_t d;

	switch (seed_below(seed, 3)) {
	case 0:
		d = size + seed_below(seed, 3) - 1;
		break;
	case 1:
		d = seed_below(seed, size);
		break;
	default:
		d = seed_below(seed, 600);
		break;
	}
	return d < most ? d : most;
}

static uint64_t
draw_deadline(struct seed *seed, const struct model *m)
{
	const uint64_t past = distance(seed, LATE / 4);

	switch (seed_below(seed, 8)) {
	case 0:
	case 1:
		return DISARMED;
	case 2: /* passed, or now */
		return past < m->now ? m->now - past : m->now;
	case 3: /* where a block begins, as seen from the wheel */
		return (m->now + distance(seed, AHEAD - 256)) | 0xff;
	default:
		return m->now + distance(seed, AHEAD);
	}
}

/* A deadline that was given out and left as it is must not become one that lies ahead. */
static void
forget_old(struct model *m, uint32_t index)
{
	if (m->tcp[index] != DISARMED && m->tcp[index] + LATE / 2 < m->now)
		arm(&node(m, index)->tcp_ms, &m->tcp[index], DISARMED);
	if (m->call[index] != DISARMED && m->call[index] + LATE / 2 < m->now)
		arm(&node(m, index)->call_ms, &m->call[index], DISARMED);
}

static void
rearm(struct seed *seed, struct model *m, uint32_t index)
{
	const uint32_t what = seed_below(seed, 8);

	forget_old(m, index);
	if (what != 0)
		arm(&node(m, index)->tcp_ms, &m->tcp[index], draw_deadline(seed, m));
	if (what < 3)
		arm(&node(m, index)->call_ms, &m->call[index], draw_deadline(seed, m));
	update(m, index);
}

static void
random_operations(struct seed *seed, uint64_t start, uint32_t step_most, uint32_t operations)
{
	struct model *m = calloc(1, sizeof(*m));

	model_init(m, start);
	for (uint32_t i = 0; i < operations; i++) {
		uint32_t room;

		switch (seed_below(seed, 6)) {
		case 0: /* time goes on, and everything due is taken out */
			m->now += distance(seed, step_most);
			expire_all(m);
			break;
		case 1: /* time goes on, and there is room for a few only; updates in between */
			m->now += distance(seed, step_most < 70000 ? step_most : 70000);
			for (room = seed_below(seed, 5); room && expire(m); room--)
				rearm(seed, m, seed_below(seed, NODES));
			break;
		case 2:
			check_idle(m, seed_below(seed, 2) ? UINT32_MAX : distance(seed, AHEAD));
			break;
		default:
			rearm(seed, m, seed_below(seed, NODES));
			break;
		}
	}
	for (int i = 0; i < 12; i++) { /* all that is left comes out */
		m->now += AHEAD / 8;
		expire_all(m);
	}
	assert_int_equal(m->count, 0);
	check_idle(m, 77);
	free(m);
}

static void
timer_wheel_agrees_with_a_naive_model(void **state)
{
	static const uint64_t wrap = UINT64_C(1) << 32;
	const uint64_t starts[] = {0,     1,        255,           256,      65535,
				   12345, wrap - 1, wrap - 300000, wrap * 3, (wrap << 7) - 70000};
	static const uint32_t steps[] = {1, 3, 300, 70000, 20000000, LATE / 2};
	struct seed seed = seed_start("timer_wheel");

	(void)state;
	for (size_t a = 0; a < sizeof(starts) / sizeof(starts[0]); a++)
		for (size_t b = 0; b < sizeof(steps) / sizeof(steps[0]); b++)
			random_operations(&seed, starts[a], steps[b], 20000);
}

/* Every distance of up to three turns of the first level, from every place within a turn: in its
 * very millisecond and not before, whether time goes on in steps or in one jump. */
static void
timer_wheel_gives_a_node_out_in_its_very_millisecond(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	for (uint64_t start = 65000; start < 65600; start += 7) {
		for (uint32_t d = 1; d < 1600; d += d < 20 ? 1 : 13) {
			model_init(m, start);
			arm_both(m, d % NODES, start + d, DISARMED);
			m->now = start + d - 1;
			assert_false(expire(m));
			assert_int_equal(timer_wheel_idle(&m->wheel, m->now, 1000), 1);
			m->now++;
			assert_int_equal(timer_wheel_idle(&m->wheel, m->now, 1000), 0);
			assert_true(expire(m));
			assert_false(expire(m));
		}
	}
	free(m);
}

static void
timer_wheel_takes_deadlines_2_31_ms_ahead_of_a_clock_it_lags_behind(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	model_init(m, UINT64_C(0xfffffff0));
	m->now += 5000; /* the wheel was not told yet */
	arm_both(m, 3, m->now + AHEAD, DISARMED);
	arm_both(m, 4, DISARMED, m->now - 4000);
	assert_true(expire(m)); /* the one that has passed */
	assert_false(expire(m));
	m->now += AHEAD - 1;
	assert_false(expire(m));
	m->now++;
	assert_true(expire(m));
	free(m);
}

static void
timer_wheel_nearer_deadline_decides(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	model_init(m, UINT64_C(0xffffff00)); /* one before the wrap of the clock, one after */
	arm_both(m, 200, m->now + 1000, m->now + 50);
	m->now += 50;
	assert_true(expire(m));
	arm_both(m, 200, m->now + 950, DISARMED);
	m->now += 949;
	assert_false(expire(m));
	m->now++;
	assert_true(expire(m));
	arm_both(m, 200, DISARMED, DISARMED);
	assert_int_equal(m->count, 0);
	free(m);
}

/* The second of two due nodes is kept for the next call, may be moved or taken out before it, and
 * comes out once. */
static void
timer_wheel_nodes_that_are_due_can_be_moved_and_taken_out(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	model_init(m, 1000);
	for (uint32_t i = 0; i < 10; i++) {
		arm_both(m, i, 1500, DISARMED);
		arm_both(m, 290 + i, DISARMED, 900); /* passed already */
	}
	m->now = 1500;
	for (uint32_t i = 0; i < 4; i++)
		assert_true(expire(m));
	for (uint32_t i = 0; i < NODES; i++)
		if (m->held[i])
			arm_both(m, i, i % 2 ? DISARMED : 1600, DISARMED);
	assert_false(expire(m));
	m->now = 1600;
	expire_all(m);
	assert_int_equal(m->count, 0);
	free(m);
}

static void
timer_wheel_node_armed_for_the_past_comes_out_at_the_next_call(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	model_init(m, 5000);
	for (int i = 0; i < 100; i++) {
		arm_both(m, 7, m->now - (uint64_t)i, DISARMED);
		assert_true(expire(m));
		assert_false(m->held[7]);
		assert_false(expire(m));
	}
	free(m);
}

static void
timer_wheel_time_never_runs_backwards(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	model_init(m, 100000);
	arm_both(m, 1, 100010, DISARMED);
	m->now = 50000;
	assert_int_equal(timer_wheel_expire(&m->wheel, 50000), TIMER_WHEEL_NONE);
	m->now = 100009;
	assert_false(expire(m));
	m->now = 100010;
	assert_true(expire(m));
	free(m);
}

/* A hundred nodes of the block after this one: one call does not move them all down (it would take
 * too long where there are a million), a few calls do, and then it is known when the first is due.
 */
static void
timer_wheel_moves_nodes_down_a_few_at_a_time_before_their_block_begins(void **state)
{
	struct model *m = calloc(1, sizeof(*m));

	(void)state;
	model_init(m, 256 * 1000);
	for (uint32_t i = 0; i < 100; i++)
		arm_both(m, i, 256 * 1002 + 200 + i / 50, DISARMED);
	m->now = 256 * 1001 + 3;
	assert_false(expire(m));
	assert_int_equal(timer_wheel_idle(&m->wheel, m->now, 10000), 256 - 3);
	for (int calls = 0; calls < 50; calls++)
		assert_false(expire(m));
	assert_int_equal(timer_wheel_idle(&m->wheel, m->now, 10000), 256 - 3 + 200);
	m->now = 256 * 1002 + 200;
	expire_all(m);
	assert_int_equal(m->count, 50);
	free(m);
}

static void
timer_wheel_polled_without_a_pause_gives_everything_out_in_order(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct seed seed = seed_start("timer_wheel poll");
	uint64_t end;

	(void)state;
	model_init(m, UINT64_C(0xffff0000));
	for (uint32_t i = 0; i < NODES; i++)
		arm_both(m, i, m->now + 1 + seed_below(&seed, 140000), DISARMED);
	for (end = m->now + 140001; m->now < end; m->now++) {
		for (int polls = 0; polls < 3; polls++) {
			while (expire(m))
				;
		}
		for (uint32_t i = 0; m->now % 16 == 0 && i < NODES; i++)
			assert_false(m->held[i] && m->tcp[i] <= m->now);
	}
	assert_int_equal(m->count, 0);
	free(m);
}

static void
timer_node_at_is_never_0(void **state)
{
	(void)state;
	assert_int_equal(timer_node_at(UINT64_C(0x1fffffff0), 16), 1);
	assert_int_equal(timer_node_at(UINT64_C(0x1fffffff0), 17), 1);
	assert_int_equal(timer_node_at(UINT64_C(0x1fffffff0), 15), UINT32_MAX);
	assert_int_equal(timer_node_at(1000, 110), 1110);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_wheel_agrees_with_a_naive_model),
		cmocka_unit_test(timer_wheel_gives_a_node_out_in_its_very_millisecond),
		cmocka_unit_test(
			timer_wheel_takes_deadlines_2_31_ms_ahead_of_a_clock_it_lags_behind),
		cmocka_unit_test(timer_wheel_nearer_deadline_decides),
		cmocka_unit_test(timer_wheel_nodes_that_are_due_can_be_moved_and_taken_out),
		cmocka_unit_test(timer_wheel_node_armed_for_the_past_comes_out_at_the_next_call),
		cmocka_unit_test(timer_wheel_time_never_runs_backwards),
		cmocka_unit_test(
			timer_wheel_moves_nodes_down_a_few_at_a_time_before_their_block_begins),
		cmocka_unit_test(timer_wheel_polled_without_a_pause_gives_everything_out_in_order),
		cmocka_unit_test(timer_node_at_is_never_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
