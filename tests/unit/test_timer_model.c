/* SPDX-License-Identifier: BSD-3-Clause */
/* test_timer_model.c - the timer wheel against its model, at random. */
#include <stdlib.h>

#include "seed.h"
#include "timer_model.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timer_wheel_agrees_with_a_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
