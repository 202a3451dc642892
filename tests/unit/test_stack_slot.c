/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_slot.c - where in a burst the slots of a connection are looked for: nobody who opens
 * connections in an order of his choice makes that long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "stack_slot.h"

#define KEYS   500
#define PLACES (1u << STACK_SLOT_PLACES_LOG)

/* Slots that are looked at, one look-up a slot, for a burst of connections that are so far apart.
 */
static uint32_t
walked(const struct stack *s, uint32_t stride)
{
	uint32_t chain[PLACES] = {0}, steps = 0;

	for (uint32_t i = 0; i < STACK_BURST_MAX; i++)
		steps += ++chain[stack_slot_place(s, i * stride)];
	return steps;
}

static void
connections_any_stride_apart_share_few_places(void **state)
{
	static const uint32_t STRIDES[] = {1, 2, 63, 64, 127, 128, 129, 256, 4096, 65536, 1u << 20};
	static struct stack s;
	struct seed seed = seed_start("slot places");

	(void)state;
	for (size_t i = 0; i < sizeof(STRIDES) / sizeof(STRIDES[0]); i++) {
		uint32_t steps = 0;

		for (int key = 0; key < KEYS; key++) {
			s.chance_key.k0 = seed_next(&seed);
			steps += walked(&s, STRIDES[i]);
		}
		/* In a chain of one each it were 1 a slot, in one chain of all 32. */
		if (steps > 2 * KEYS * STACK_BURST_MAX)
			fail_msg("%u connections apart: expected 2 slots a look-up at most, came "
				 "%.1f",
				 STRIDES[i], (double)steps / KEYS / STACK_BURST_MAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_any_stride_apart_share_few_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
