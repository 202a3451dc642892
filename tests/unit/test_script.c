/* SPDX-License-Identifier: BSD-3-Clause */
/* test_script.c - socket calls from text to steps. design.md, "The idea". */
#include "script_test.h"

static void
script_of_each_call(void **state)
{
	static const char *const calls[] = {"accept",   "read 4096", "read",
					    "read all", "sleep 2m",  "shutdown",
					    "linger 0", "close",     NULL};
	struct script_step steps[CALLS_MAX];

	(void)state;
	compile(steps, calls);
	expect_step(&steps[0], SCRIPT_ACCEPT, 0, 0);
	expect_step(&steps[1], SCRIPT_READ, 4096, 0);
	expect_step(&steps[2], SCRIPT_READ_ANY, 0, 0);
	expect_step(&steps[3], SCRIPT_READ_ALL, 0, 0);
	expect_step(&steps[4], SCRIPT_SLEEP, 120000, 0);
	expect_step(&steps[5], SCRIPT_SHUTDOWN, 0, 0);
	expect_step(&steps[6], SCRIPT_LINGER, 0, 0);
	expect_step(&steps[7], SCRIPT_CLOSE, 0, 0);
	expect_step(&steps[8], SCRIPT_EXIT, 0, 0);
}

static void
script_empty_hangs_and_never_accepts(void **state)
{
	static const char *const none[] = {NULL}, *const hang[] = {"hang", NULL};
	struct script_step steps[CALLS_MAX];

	(void)state;
	compile(steps, none);
	expect_step(&steps[0], SCRIPT_HANG, 0, 0);
	compile(steps, hang);
	expect_step(&steps[0], SCRIPT_HANG, 0, 0);
	expect_step(&steps[1], SCRIPT_EXIT, 0, 0);
}

/* SO_RCVTIMEO holds for the reads that follow, until it is set anew; 0 takes it away. */
static void
script_timeout_applies_to_later_reads_alone(void **state)
{
	static const char *const calls[] = {
		"accept",     "read 1", "timeout 100ms", "read 2",          "sleep 1s", "read all",
		"timeout 3s", "read",   "timeout 0",     "read 2147483647", NULL};
	struct script_step steps[CALLS_MAX];

	(void)state;
	compile(steps, calls);
	expect_step(&steps[1], SCRIPT_READ, 1, 0);
	expect_step(&steps[2], SCRIPT_TIMEOUT, 100, 0);
	expect_step(&steps[3], SCRIPT_READ, 2, 100);
	expect_step(&steps[4], SCRIPT_SLEEP, 1000, 0);
	expect_step(&steps[5], SCRIPT_READ_ALL, 0, 100);
	expect_step(&steps[6], SCRIPT_TIMEOUT, 3000, 0);
	expect_step(&steps[7], SCRIPT_READ_ANY, 0, 3000);
	expect_step(&steps[8], SCRIPT_TIMEOUT, 0, 0);
	expect_step(&steps[9], SCRIPT_READ, 2147483647, 0);
}

static void
script_lawful_orders(void **state)
{
	static const char *const lawful[][6] = {
		{"sleep 1s", "accept", "close"},
		{"sleep 1s", "hang"},
		{"sleep 0"},
		{"accept", "hang"},
		{"accept", "read all", "read", "read 5", "close"},
		{"accept", "shutdown", "read all", "linger 0", "close"},
		{"accept", "linger 0", "linger 0", "timeout 1ms", "shutdown"},
	};
	struct script_step steps[CALLS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(lawful) / sizeof(lawful[0]); i++)
		compile(steps, lawful[i]);
}

static void
script_white_space_does_not_matter(void **state)
{
	static const char *const calls[] = {"  accept\t", "read   4096 ", "\tread all\n",
					    " linger  0", "close ",       NULL};
	struct script_step steps[CALLS_MAX];

	(void)state;
	compile(steps, calls);
	expect_step(&steps[0], SCRIPT_ACCEPT, 0, 0);
	expect_step(&steps[1], SCRIPT_READ, 4096, 0);
	expect_step(&steps[2], SCRIPT_READ_ALL, 0, 0);
	expect_step(&steps[3], SCRIPT_LINGER, 0, 0);
	expect_step(&steps[4], SCRIPT_CLOSE, 0, 0);
}

#define EVERY_CALL                                                                                 \
	"accept, read [N|all], write \"TEXT\", write @FILE, echo, sleep TIME, timeout TIME,"       \
	" shutdown, linger 0, close, hang"

/* Which call is refused, and what the error must say of it: the call as it was written, and what
 * would be right. */
static const struct {
	const char *calls[4];
	size_t which;
	const char *says[2];
} REFUSED[] = {
	{{"reed 10"}, 0, {"\"reed 10\" is no socket call", EVERY_CALL}},
	{{""}, 0, {"\"\" is no socket call", EVERY_CALL}},
	{{"accept", "  "}, 1, {"\"\" is no socket call", EVERY_CALL}},
	{{"Accept"}, 0, {"\"Accept\" is no socket call", EVERY_CALL}},
	{{"accepted"}, 0, {"\"accepted\" is no socket call", EVERY_CALL}},
	{{"acc"}, 0, {"\"acc\" is no socket call", EVERY_CALL}},
	{{"(exit)"}, 0, {"\"(exit)\" is no socket call", EVERY_CALL}},
	{{"accept", "write"}, 1, {"\"write\": write \"TEXT\"", "write @FILE"}},
	{{"accept", "write hello"}, 1, {"\"write hello\": write \"TEXT\"", "write @FILE"}},
	{{"accept", "write \"hello"}, 1, {"write \"TEXT\"", "write @FILE"}},
	{{"accept", "write \""}, 1, {"write \"TEXT\"", "write @FILE"}},
	{{"accept", "write @"}, 1, {"write \"TEXT\"", "write @FILE"}},
	{{"accept", "write \"hello\" twice"}, 1, {"write \"TEXT\"", "write @FILE"}},
	{{"write \"hello\""}, 0, {"needs a connection", "accept must come before"}},
	{{"accept", "shutdown", "write \"a\""}, 2, {"can send nothing", "after shutdown"}},
	{{"accept", "shutdown", "echo"}, 2, {"can send nothing", "after shutdown"}},
	{{"accept", "echo 5"}, 1, {"\"echo 5\": ", "nothing comes after echo"}},
	{{"echo"}, 0, {"\"echo\" needs a connection", "accept must come before"}},
	{{"accept", "read 0"}, 1, {"\"read 0\": ", "1 to 2147483647"}},
	{{"accept", "read -1"}, 1, {"\"read -1\": ", "1 to 2147483647"}},
	{{"accept", "read +1"}, 1, {"\"read +1\": ", "1 to 2147483647"}},
	{{"accept", "read 0x10"}, 1, {"\"read 0x10\": ", "1 to 2147483647"}},
	{{"accept", "read 4k"}, 1, {"\"read 4k\": ", "1 to 2147483647"}},
	{{"accept", "read 2147483648"}, 1, {"\"read 2147483648\": ", "1 to 2147483647"}},
	{{"accept", "read 18446744073709551617"}, 1, {"read", "1 to 2147483647"}},
	{{"accept", "read everything"}, 1, {"\"read everything\": ", "read all"}},
	{{"accept", "read 10 bytes"}, 1, {"\"read 10 bytes\": too many words", EVERY_CALL}},
	{{"sleep"}, 0, {"\"sleep\": TIME", "sleep 20s"}},
	{{"sleep 20"}, 0, {"\"sleep 20\": TIME", "sleep 20s"}},
	{{"sleep 20 s"}, 0, {"\"sleep 20 s\": too many words", EVERY_CALL}},
	{{"sleep 20h"}, 0, {"\"sleep 20h\": TIME", "ms, s or m"}},
	{{"sleep -1s"}, 0, {"\"sleep -1s\": TIME", "ms, s or m"}},
	{{"sleep 2147483648ms"}, 0, {"TIME", "at most 2147483647ms"}},
	{{"accept", "timeout"}, 1, {"\"timeout\": TIME", "timeout 20s"}},
	{{"accept", "timeout 1,5s"}, 1, {"\"timeout 1,5s\": TIME", "timeout 20s"}},
	{{"accept", "linger"}, 1, {"\"linger\": ", "linger 0"}},
	{{"accept", "linger 5"}, 1, {"\"linger 5\": ", "linger 0"}},
	{{"accept now"}, 0, {"\"accept now\": ", "nothing comes after accept"}},
	{{"accept", "close 5"}, 1, {"\"close 5\": ", "nothing comes after close"}},
	{{"accept", "shutdown wr"}, 1, {"\"shutdown wr\": ", "nothing comes after shutdown"}},
	{{"hang on"}, 0, {"\"hang on\": ", "nothing comes after hang"}},
	{{"read", "accept"}, 0, {"\"read\" needs a connection", "accept must come before"}},
	{{"sleep 1s", "timeout 1s"}, 1, {"\"timeout 1s\" needs a", "accept must come before"}},
	{{"shutdown"}, 0, {"\"shutdown\" needs a connection", "accept must come before"}},
	{{"linger 0"}, 0, {"\"linger 0\" needs a connection", "accept must come before"}},
	{{"close"}, 0, {"\"close\" needs a connection", "accept must come before"}},
	{{"accept", "read", "accept"}, 2, {"\"accept\" comes twice", "one connection"}},
	{{"accept", "shutdown", "shutdown"}, 2, {"\"shutdown\" comes twice", "FIN"}},
	{{"accept", "close", "read"}, 2, {"\"read\" is never reached", "after close"}},
	{{"accept", "hang", "close"}, 2, {"\"close\" is never reached", "after hang"}},
	{{"hang", "accept"}, 1, {"\"accept\" is never reached", "after hang"}},
	{{"accept", "close", "close"}, 2, {"\"close\" is never reached", "after close"}},
};

static void
script_refuses_what_is_wrong_and_says_what_would_be_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
		struct script_step steps[CALLS_MAX];
		char error[256] = "";
		size_t which = 99;
		const int result =
			script_compile(REFUSED[i].calls, count_of(REFUSED[i].calls), LISTENER,
				       steps, CALLS_MAX, error, sizeof(error), &which);

		if (result != -1)
			fail_msg("%s ...: expected to be refused: %s", REFUSED[i].calls[0],
				 REFUSED[i].says[0]);
		assert_int_equal(which, REFUSED[i].which);
		for (int n = 0; n < 2; n++)
			if (strstr(error, REFUSED[i].says[n]) == NULL)
				fail_msg("expected \"%s\" in: %s", REFUSED[i].says[n], error);
		assert_null(strchr(error, '\n'));
	}
}

/* A call may be anything that a configuration can hold: its error is one line, and ends in time. */
static void
script_error_is_one_line_that_fits(void **state)
{
	char call[500], error[256];
	const char *const calls[] = {call};
	struct script_step steps[2];
	size_t which;

	(void)state;
	for (int value = 1; value < 256; value++) {
		memset(call, 'x', sizeof(call));
		call[0] = call[40] = call[300] = (char)value;
		call[sizeof(call) - 1] = '\0';
		for (size_t size = 1; size <= sizeof(error); size += 5) {
			memset(error, 0x7f, sizeof(error));
			assert_int_equal(script_compile(calls, 1, 0, steps, 2, error, size, &which),
					 -1);
			assert_non_null(memchr(error, '\0', size));
			for (size_t i = 0; error[i] != '\0'; i++)
				assert_true(error[i] >= ' ' && error[i] <= '~');
		}
		assert_non_null(strstr(error, EVERY_CALL)); /* however long the call was */
	}
}

/* A step goes into 16 bits of a connection, so there is an end to them. */
static void
script_refuses_more_steps_than_there_is_room_for(void **state)
{
	static const char *const calls[] = {"accept", "read", "close"};
	struct script_step steps[4];
	char error[256];
	size_t which;

	(void)state;
	assert_int_equal(script_compile(calls, 3, LISTENER, steps, 4, error, sizeof(error), &which),
			 4);
	for (size_t room = 0; room < 4; room++) {
		memset(steps, 0x5a, sizeof(steps));
		assert_int_equal(script_compile(calls, 3, LISTENER, steps, room, error,
						sizeof(error), &which),
				 -1);
		assert_int_equal(which, room);
		assert_non_null(strstr(error, "65471"));
		assert_int_equal(steps[room].call, 0x5a);
	}
}

static void
script_times(void **state)
{
	static const struct {
		const char *text;
		uint32_t ms;
	} right[] = {
		{"0", 0},
		{"00", 0},
		{"0ms", 0},
		{"0m", 0},
		{"1ms", 1},
		{"110ms", 110},
		{"20s", 20000},
		{"2m", 120000},
		{"0020s", 20000},
		{"2147483s", 2147483000},
		{"35791m", 2147460000},
		{"2147483647ms", 2147483647},
	};
	static const char *const wrong[] = {
		"",
		" ",
		"1",
		"10",
		"ms",
		"s",
		"1h",
		"1 s",
		" 1s",
		"1s ",
		"-1s",
		"+1s",
		"1.5s",
		"1S",
		"1sec",
		"1ms1",
		"0x1s",
		"2147483648ms",
		"2147484s",
		"35792m",
		"99999999999999999999s",
		"18446744073709551617ms",
	};
	uint32_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		ms = 4711;
		if (script_time_parse(right[i].text, &ms) != 0 || ms != right[i].ms)
			fail_msg("\"%s\": expected %u, got %u", right[i].text, right[i].ms, ms);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ms = 4711;
		if (script_time_parse(wrong[i], &ms) != -1)
			fail_msg("\"%s\": expected to be refused, got %u", wrong[i], ms);
		assert_int_equal(ms, 4711);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(script_of_each_call),
		cmocka_unit_test(script_empty_hangs_and_never_accepts),
		cmocka_unit_test(script_timeout_applies_to_later_reads_alone),
		cmocka_unit_test(script_lawful_orders),
		cmocka_unit_test(script_white_space_does_not_matter),
		cmocka_unit_test(script_refuses_what_is_wrong_and_says_what_would_be_right),
		cmocka_unit_test(script_error_is_one_line_that_fits),
		cmocka_unit_test(script_refuses_more_steps_than_there_is_room_for),
		cmocka_unit_test(script_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
