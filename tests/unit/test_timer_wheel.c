/* SPDX-License-Identifier: BSD-3-Clause */
/* test_timer_wheel.c - the timer wheel, case by case. */
#include <stdlib.h>

#include "seed.h"
#include "timer_model.h"

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
