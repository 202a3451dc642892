/* SPDX-License-Identifier: BSD-3-Clause */
/* test_port_lcores.c - a worker's lcore is one of its device's NUMA node where there is one left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lcores.h"

/* Lcores 10 to 15, on nodes 0, 0, 1, 1, 0 and one that may run on both. */
static struct lcores
machine(void)
{
	return (struct lcores){
		.count = 6,
		.id = {10, 11, 12, 13, 14, 15},
		.node = {0, 0, 1, 1, 0, -1},
	};
}

static void
a_device_of_no_node_takes_them_in_order(void **state)
{
	struct lcores lcores = machine();

	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(lcores_take(&lcores, -1), i);
}

static void
a_device_takes_those_of_its_node_first_and_then_the_others(void **state)
{
	static const unsigned int expected[] = {2, 3, 0, 1, 4, 5};
	struct lcores lcores = machine();

	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(lcores_take(&lcores, 1), expected[i]);
}

static void
two_devices_do_not_take_the_same(void **state)
{
	struct lcores lcores = machine();

	(void)state;
	assert_int_equal(lcores_take(&lcores, 0), 0);
	assert_int_equal(lcores_take(&lcores, 1), 2);
	assert_int_equal(lcores_take(&lcores, 0), 1);
	assert_int_equal(lcores_take(&lcores, 1), 3);
	assert_int_equal(lcores_take(&lcores, 1), 4);
	assert_int_equal(lcores_take(&lcores, 0), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_of_no_node_takes_them_in_order),
		cmocka_unit_test(a_device_takes_those_of_its_node_first_and_then_the_others),
		cmocka_unit_test(two_devices_do_not_take_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
