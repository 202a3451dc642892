/* SPDX-License-Identifier: BSD-3-Clause */
/* test_script_write.c - calls that write, and calls back to text. */
#include <stdlib.h>

#include "script_test.h"
#include "seed.h"

/* What is written is all between the first quote and the last one. */
static void
script_write_of_any_text(void **state)
{
	static const struct {
		const char *call, *text, *printed;
	} cases[] = {
		{"write \"\"", "", "write \"\""},
		{"write \"a\"", "a", "write \"a\""},
		{" write\t\" a \" ", " a ", "write \" a \""},
		{"write \"a\"b\"", "a\"b", "write \"a\\\"b\""},
		{"write \"\"\"", "\"", "write \"\\\"\""},
		{"write \"HTTP/1.0 200 OK\r\n\r\n\"", "HTTP/1.0 200 OK\r\n\r\n",
		 "write \"HTTP/1.0 200 OK\\r\\n\\r\\n\""},
		{"write \"\x01\xff\\\t\"", "\x01\xff\\\t", "write \"\\x01\\xff\\\\\\t\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const calls[] = {"accept", cases[i].call, NULL};
		struct script_step steps[CALLS_MAX], alone = {0};
		char printed[64], error[256];

		compile(steps, calls);
		expect_step(&steps[1], SCRIPT_WRITE, (uint32_t)strlen(cases[i].text), 0);
		assert_memory_equal(steps[1].text, cases[i].text, steps[1].arg);
		assert_null(steps[1].file);
		assert_string_equal(script_print(&steps[1], printed, sizeof(printed)),
				    cases[i].printed);
		assert_int_equal(script_compile_call(cases[i].call, &alone, error, sizeof(error)),
				 0);
		assert_int_equal(alone.call, SCRIPT_WRITE);
		assert_ptr_equal(alone.text, steps[1].text);
	}
}

/* A write is of 64 MiB at most. */
static void
script_write_of_too_much_is_refused(void **state)
{
	const size_t most = (size_t)64 << 20;
	static const char open[] = "write \"";
	char *call = malloc(sizeof(open) + most + 3);
	struct script_step step;
	char error[256];

	(void)state;
	assert_non_null(call);
	memcpy(call, open, sizeof(open) - 1);
	memset(call + sizeof(open) - 1, 'x', most + 1);
	memcpy(call + sizeof(open) - 1 + most, "\"", 2);
	assert_int_equal(script_compile_call(call, &step, error, sizeof(error)), 0);
	assert_int_equal(step.arg, most);
	memcpy(call + sizeof(open) - 1 + most, "x\"", 3);
	assert_int_equal(script_compile_call(call, &step, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "at most 67108864 bytes"));
	free(call);
}

static void
script_write_is_printed_as_far_as_there_is_room(void **state)
{
	static const char *const calls[] = {"accept", "write \"0123456789\r\n0123456789\"", NULL};
	struct script_step steps[CALLS_MAX];
	char text[64];

	(void)state;
	compile(steps, calls);
	for (size_t size = 1; size <= sizeof(text); size++) {
		memset(text, 0x7f, sizeof(text));
		script_print(&steps[1], text, size);
		assert_non_null(memchr(text, '\0', size));
		if (size >= 20)
			assert_int_equal(text[strlen(text) - 1], '"');
	}
	assert_string_equal(text, "write \"0123456789\\r\\n0123456789\"");
	assert_string_equal(script_print(&steps[1], text, 20), "write \"01234...\"");
}

static void
script_write_of_a_file_names_it(void **state)
{
	static const char *const calls[] = {"accept", "write @pages/index.html", NULL};
	struct script_step steps[CALLS_MAX];
	char text[64];

	(void)state;
	compile(steps, calls);
	expect_step(&steps[1], SCRIPT_WRITE, 0, 0);
	assert_string_equal(steps[1].file, "pages/index.html");
	assert_null(steps[1].text);
	assert_string_equal(script_print(&steps[1], text, sizeof(text)), calls[1]);
}

/* Text is kept for an echo that is still to come, or is going on, and not after it. */
static void
script_text_is_kept_up_to_the_last_echo(void **state)
{
	static const char *const calls[] = {"accept",        "read 5", "echo",
					    "write \"bye\"", "close",  NULL};
	static const char *const without[] = {"accept", "read 5", "close", NULL};
	static const bool keeps[] = {true, true, true, false, false, false};
	struct script_step steps[CALLS_MAX];

	(void)state;
	compile(steps, calls);
	for (size_t i = 0; i < sizeof(keeps); i++)
		assert_int_equal(steps[i].keeps, keeps[i]);
	compile(steps, without);
	for (size_t i = 0; i < 4; i++)
		assert_false(steps[i].keeps);
}

static void
script_prints_calls_as_they_are_written(void **state)
{
	static const char *const calls[] = {
		"accept",    "timeout 100ms", "read 4096", "read all", "read",  "timeout 1500ms",
		"timeout 0", "sleep 20s",     "shutdown",  "linger 0", "close", NULL,
	};
	struct script_step steps[CALLS_MAX];
	char text[64];

	(void)state;
	compile(steps, calls);
	for (size_t i = 0; calls[i] != NULL; i++)
		assert_string_equal(script_print(&steps[i], text, sizeof(text)), calls[i]);
	assert_string_equal(script_print(&(struct script_step){.call = SCRIPT_HANG}, text, 64),
			    "hang");
	assert_string_equal(
		script_print(&(struct script_step){.call = SCRIPT_SLEEP, .arg = 120000}, text, 64),
		"sleep 2m");
	assert_string_equal(script_print(&steps[2], text, 6), "read "); /* cut where it must be */
}

/* Any step that can be compiled prints to what compiles to it again. */
static void
script_print_round_trips(void **state)
{
	struct seed seed = seed_start("script");

	(void)state;
	for (int i = 0; i < 20000; i++) {
		const uint32_t unit[] = {1, 1000, 60000};
		const uint32_t u = unit[seed_below(&seed, 3)];
		const uint8_t call = (uint8_t)seed_below(&seed, SCRIPT_EXIT);
		struct script_step step = {.call = call, .listener = LISTENER}, again[3];
		char text[64], error[256];
		uint8_t written[40];
		const char *const calls[] = {"accept", text};
		const bool first = call == SCRIPT_ACCEPT; /* cannot come second */
		size_t which;

		if (call == SCRIPT_READ)
			step.arg = 1 + (seed_below(&seed, 2147483647) >> seed_below(&seed, 31));
		if (call == SCRIPT_WRITE) {
			for (uint32_t j = 0; j < sizeof(written); j++)
				written[j] = (uint8_t)('a' + seed_below(&seed, 26));
			step.text = written;
			step.arg = seed_below(&seed, sizeof(written));
		}
		if (call == SCRIPT_SLEEP || call == SCRIPT_TIMEOUT)
			step.arg = (seed_below(&seed, 2147483647 / u) >> seed_below(&seed, 31)) * u;
		script_print(&step, text, sizeof(text));
		if (script_compile(calls + first, first ? 1 : 2, LISTENER, again, 3, error,
				   sizeof(error), &which) < 0)
			fail_msg("%s: %s", text, error);
		expect_step(&again[!first], step.call, step.arg, 0);
		if (call == SCRIPT_WRITE)
			assert_memory_equal(again[1].text, written, step.arg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(script_write_of_any_text),
		cmocka_unit_test(script_write_of_too_much_is_refused),
		cmocka_unit_test(script_write_is_printed_as_far_as_there_is_room),
		cmocka_unit_test(script_write_of_a_file_names_it),
		cmocka_unit_test(script_text_is_kept_up_to_the_last_echo),
		cmocka_unit_test(script_prints_calls_as_they_are_written),
		cmocka_unit_test(script_print_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
