/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_memory.c - what a connection takes, all told: itself, its place in the table and in
 * the wheel, and what both leave empty when as many live as may. design.md, "Shape". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stack.h"

#define MILLION     1000000u
#define BYTES_4     80
#define BYTES_6     144
#define ROOM        65535 /* listeners that a worker counts */
#define SENDERS     65536 /* the configuration's defaults */
#define ECHO_MEMORY 16777216

/* Bytes for each of so many connections of a family, rounded up. */
static size_t
each(unsigned int family, uint32_t connections, uint32_t senders, uint64_t echo_memory)
{
	const struct addr_set owned = {.v4_count = family == 4, .v6_count = family == 6};
	const struct stack_conf conf = {
		.owned = &owned,
		.listener_room = ROOM,
		.connections = connections,
		.senders = senders,
		.echo_memory = echo_memory,
	};

	return (stack_bytes(&conf) + connections - 1) / connections;
}

static void
design_a_connection_takes_80_bytes_and_of_ipv6_144(void **state)
{
	(void)state;
	assert_in_range(each(4, 10 * MILLION, 1, 0), 64, BYTES_4);
	assert_in_range(each(6, 10 * MILLION, 1, 0), 128, BYTES_6);
}

/* With all that a worker has besides, as it is configured unless told. */
static void
design_a_hundred_million_connections_take_8_gb_and_of_ipv6_14(void **state)
{
	(void)state;
	assert_in_range(each(4, 100 * MILLION, SENDERS, ECHO_MEMORY), 64, BYTES_4);
	assert_in_range(each(6, 100 * MILLION, SENDERS, ECHO_MEMORY), 128, BYTES_6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_a_connection_takes_80_bytes_and_of_ipv6_144),
		cmocka_unit_test(design_a_hundred_million_connections_take_8_gb_and_of_ipv6_14),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
