/* SPDX-License-Identifier: BSD-3-Clause */
/* test_listener.c - the listener that a segment meets: design.md, "The configuration". */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "listener.h"
#include "seed.h"

#define ALWAYS LISTENER_CHANCE_ALWAYS

static struct listener_index lookup;
static uint16_t numbers[8 * 65536];

static void
build(const struct listener *listeners, uint16_t count)
{
	size_t n = listener_index_numbers(listeners, 0, count);

	assert_true(n <= sizeof(numbers) / sizeof(numbers[0]));
	memset(numbers, 0xff, sizeof(numbers));
	listener_index_build(&lookup, listeners, 0, count, numbers);
	assert_int_equal(lookup.start[65536], n);
}

static struct flow
flow4(const char *addr, uint16_t port)
{
	struct flow flow = {.family = 4};

	assert_int_equal(inet_pton(AF_INET, addr, &flow.v4.laddr), 1);
	flow.v4.lport = htons(port);
	return flow;
}

static struct flow
flow6(const char *addr, uint16_t port)
{
	struct flow flow = {.family = 6};

	assert_int_equal(inet_pton(AF_INET6, addr, flow.v6.laddr), 1);
	flow.v6.lport = htons(port);
	return flow;
}

/* The listener found for a flow, where none has taken any connection. */
static uint16_t
find(struct flow flow)
{
	static const uint32_t none[8];

	return listener_find(&lookup, &flow, 0, none);
}

static void
every_port_of_a_listener_is_found_and_no_other(void **state)
{
	static const struct port_range web[] = {{80, 80}, {443, 443}};
	static const struct port_range many[] = {{10000, 10099}, {65535, 65535}};
	static const struct port_range low[] = {{1, 3}};
	const struct listener listeners[] = {
		{.ports = web, .port_count = 2, .chance = ALWAYS},
		{.ports = many, .port_count = 2, .chance = ALWAYS},
		{.ports = low, .port_count = 1, .chance = ALWAYS},
	};

	(void)state;
	assert_int_equal(listener_index_numbers(listeners, 0, 3), 2 + 101 + 3);
	build(listeners, 3);
	for (uint32_t port = 0; port <= 65535; port++) {
		uint16_t expected = LISTENER_NONE;

		if (port == 80 || port == 443)
			expected = 0;
		else if ((port >= 10000 && port <= 10099) || port == 65535)
			expected = 1;
		else if (port >= 1 && port <= 3)
			expected = 2;
		assert_int_equal(find(flow4("10.9.0.1", (uint16_t)port)), expected);
		assert_int_equal(find(flow6("fd09::1", (uint16_t)port)), expected);
		assert_int_equal(listener_on_port(&lookup, (uint16_t)port),
				 expected != LISTENER_NONE);
	}
}

static void
no_listener_at_all_is_found_nowhere(void **state)
{
	(void)state;
	assert_int_equal(listener_index_numbers(NULL, 0, 0), 0);
	build(NULL, 0);
	assert_int_equal(find(flow4("10.9.0.1", 80)), LISTENER_NONE);
	assert_false(listener_on_port(&lookup, 65535));
}

static void
all_ports_are_a_range_too(void **state)
{
	static const struct port_range all[] = {{0, 65535}};
	const struct listener listeners[] = {{.ports = all, .port_count = 1, .chance = ALWAYS}};

	(void)state;
	build(listeners, 1);
	assert_int_equal(find(flow4("10.9.0.1", 0)), 0);
	assert_int_equal(find(flow4("10.9.0.1", 65535)), 0);
}

static void
first_in_the_configurations_order_wins(void **state)
{
	static const struct port_range narrow[] = {{80, 80}};
	static const struct port_range wide[] = {{1, 1000}};
	const struct listener listeners[] = {
		{.ports = narrow, .port_count = 1, .chance = ALWAYS},
		{.ports = wide, .port_count = 1, .chance = ALWAYS},
		{.ports = narrow, .port_count = 1, .chance = ALWAYS},
	};
	const struct listener reversed[] = {listeners[1], listeners[0]};

	(void)state;
	build(listeners, 3);
	assert_int_equal(find(flow4("10.9.0.1", 80)), 0);
	assert_int_equal(find(flow4("10.9.0.1", 81)), 1);
	build(reversed, 2);
	assert_int_equal(find(flow4("10.9.0.1", 80)), 0);
}

static void
on_limits_a_listener_to_its_addresses(void **state)
{
	static const struct addr_prefix prefixes[] = {{4, 32, {10, 9, 0, 1}},
						      {6, 128, {0xfd, 0x09, [15] = 1}}};
	static const struct port_range web[] = {{80, 80}};
	struct addr_range4 v4[2];
	struct addr_range6 v6[2];
	struct addr_set on, only4;
	const struct listener listeners[] = {
		{.ports = web, .port_count = 1, .chance = ALWAYS, .on = &only4},
		{.ports = web, .port_count = 1, .chance = ALWAYS, .on = &on},
		{.ports = web, .port_count = 1, .chance = ALWAYS},
	};

	(void)state;
	addr_set_build(&on, prefixes, 2, v4, v6);
	only4 = on;
	only4.v6_count = 0;
	build(listeners, 2);
	assert_int_equal(find(flow4("10.9.0.1", 80)), 0);
	assert_int_equal(find(flow6("fd09::1", 80)), 1);
	assert_int_equal(find(flow4("10.9.0.2", 80)), LISTENER_NONE);
	assert_int_equal(find(flow6("fd09::2", 80)), LISTENER_NONE);
	/* The port is somebody's all the same. */
	assert_true(listener_on_port(&lookup, 80));
	build(listeners, 3);
	assert_int_equal(find(flow4("10.9.0.2", 80)), 2);
	assert_int_equal(find(flow6("fd09::2", 80)), 2);
}

static void
first_n_connections_then_the_next_listener(void **state)
{
	static const struct port_range web[] = {{80, 80}};
	const struct listener listeners[] = {
		{.ports = web, .port_count = 1, .chance = ALWAYS, .first = 3},
		{.ports = web, .port_count = 1, .chance = ALWAYS, .first = 1},
	};
	const struct flow flow = flow4("10.9.0.1", 80);
	uint32_t taken[2] = {0, 0};

	(void)state;
	build(listeners, 2);
	for (taken[0] = 0; taken[0] < 3; taken[0]++)
		assert_int_equal(listener_find(&lookup, &flow, taken[0], taken), 0);
	assert_int_equal(listener_find(&lookup, &flow, 0, taken), 1);
	taken[1] = 1;
	assert_int_equal(listener_find(&lookup, &flow, 0, taken), LISTENER_NONE);
	taken[0] = taken[1] = UINT32_MAX;
	assert_int_equal(listener_find(&lookup, &flow, 0, taken), LISTENER_NONE);
}

static void
first_0_takes_all(void **state)
{
	static const struct port_range web[] = {{80, 80}};
	const struct listener listeners[] = {{.ports = web, .port_count = 1, .chance = ALWAYS}};
	const uint32_t taken[1] = {UINT32_MAX};
	const struct flow flow = flow4("10.9.0.1", 80);

	(void)state;
	build(listeners, 1);
	assert_int_equal(listener_find(&lookup, &flow, 0, taken), 0);
}

#define DRAWS 400000

/* Counts the listeners that DRAWS random draws meet; [3] counts none. */
static void
draw(const char *name, uint32_t met[4])
{
	static const uint32_t taken[4];
	const struct flow flow = flow4("10.9.0.1", 80);
	struct seed s = seed_start(name);

	memset(met, 0, 4 * sizeof(*met));
	for (int i = 0; i < DRAWS; i++) {
		uint64_t drawn = seed_next(&s);
		uint16_t number = listener_find(&lookup, &flow, drawn, taken);

		/* The same for every segment of one handshake. */
		assert_int_equal(listener_find(&lookup, &flow, drawn, taken), number);
		met[number == LISTENER_NONE ? 3 : number]++;
	}
}

/* Within six standard deviations, of which a binomial share has at most sqrt(DRAWS) / 2. */
static void
expect_share(uint32_t met, double share)
{
	double expected = share * DRAWS;

	if (met < expected - 1900 || met > expected + 1900)
		fail_msg("expected about %.0f of %d draws, came %u", expected, DRAWS, met);
}

static void
chance_takes_its_share_and_leaves_the_rest_to_the_next(void **state)
{
	static const struct port_range web[] = {{80, 80}};
	const struct listener listeners[] = {
		{.ports = web, .port_count = 1, .chance = ALWAYS / 2},
		{.ports = web, .port_count = 1, .chance = ALWAYS / 2},
		{.ports = web, .port_count = 1, .chance = ALWAYS / 10},
	};
	uint32_t met[4];

	(void)state;
	build(listeners, 3);
	draw("chances", met);
	/* Each draws anew from what the ones before it leave. */
	expect_share(met[0], 0.5);
	expect_share(met[1], 0.25);
	expect_share(met[2], 0.025);
	expect_share(met[3], 0.225);
}

static void
chance_0_takes_nothing_and_chance_1_everything(void **state)
{
	static const struct port_range web[] = {{80, 80}};
	const struct listener listeners[] = {
		{.ports = web, .port_count = 1, .chance = 0},
		{.ports = web, .port_count = 1, .chance = ALWAYS},
	};
	uint32_t met[4];

	(void)state;
	build(listeners, 2);
	draw("chance 0 and 1", met);
	assert_int_equal(met[0], 0);
	assert_int_equal(met[1], DRAWS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_port_of_a_listener_is_found_and_no_other),
		cmocka_unit_test(no_listener_at_all_is_found_nowhere),
		cmocka_unit_test(all_ports_are_a_range_too),
		cmocka_unit_test(first_in_the_configurations_order_wins),
		cmocka_unit_test(on_limits_a_listener_to_its_addresses),
		cmocka_unit_test(first_n_connections_then_the_next_listener),
		cmocka_unit_test(first_0_takes_all),
		cmocka_unit_test(chance_takes_its_share_and_leaves_the_rest_to_the_next),
		cmocka_unit_test(chance_0_takes_nothing_and_chance_1_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
