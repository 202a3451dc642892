/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_counters.c - each counter and each state has one name, and the counters of workers are
 * added up. README, "What a listener is". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stack.h"

#define FIELDS (sizeof(struct stack_counters) / sizeof(uint64_t))

/* Every field another value, the first of them 1. */
static void
number(struct stack_counters *c)
{
	for (uint64_t i = 1; i <= FIELDS; i++)
		memcpy((uint8_t *)c + (i - 1) * sizeof(i), &i, sizeof(i));
}

static void
expect(const struct stack_counters *c, const char *group, const char *name, uint64_t value)
{
	struct stack_counter counter;

	for (unsigned int i = 0; stack_counter_at(c, i, &counter); i++)
		if (strcmp(counter.group, group) == 0 && strcmp(counter.name, name) == 0) {
			assert_int_equal(counter.value, value);
			return;
		}
	fail_msg("no counter %s%s", group, name);
}

static void
counters_have_their_names(void **state)
{
	struct stack_counters c;

	(void)state;
	number(&c);
	expect(&c, "", "rx", c.rx);
	expect(&c, "", "answered", c.answered);
	expect(&c, "", "consumed", c.consumed);
	expect(&c, "", "tx", c.tx);
	expect(&c, "", "opened", c.opened);
	expect(&c, "", "established", c.established);
	expect(&c, "", "closed", c.closed);
	expect(&c, "", "cookies_sent", c.cookies_sent);
	expect(&c, "", "cookies_accepted", c.cookies_accepted);
	expect(&c, "", "syn_ack_retransmitted", c.syn_ack_retransmitted);
	expect(&c, "", "fin_retransmitted", c.fin_retransmitted);
	expect(&c, "", "challenge_acks", c.challenge_acks);
	expect(&c, "", "text_segments", c.text_segments);
	expect(&c, "", "text_retransmitted", c.text_retransmitted);
	expect(&c, "", "fast_retransmitted", c.fast_retransmitted);
	expect(&c, "", "window_probes", c.window_probes);
	expect(&c, "", "writes_without_memory", c.writes_without_memory);
	expect(&c, "dropped.", "l2_not_ours", c.dropped[DROP_l2_not_ours]);
	expect(&c, "dropped.", "ip_checksum", c.dropped[DROP_ip_checksum]);
	expect(&c, "dropped.", "tcp_fin_after_fin", c.dropped[DROP_tcp_fin_after_fin]);
	expect(&c, "rst.", "no_listener", c.rst[TCP_RST_NO_LISTENER]);
	expect(&c, "rst.", "linger", c.rst[TCP_RST_LINGER]);
	expect(&c, "rst.", "handshake_timeout", c.rst[TCP_RST_HANDSHAKE_TIMEOUT]);
}

/* All of them are shown, each once; "not dropped" and "not a RST" are none. */
static void
counters_are_all_shown_once(void **state)
{
	struct stack_counters c;
	struct stack_counter counter;
	unsigned int seen[FIELDS + 1] = {0};
	unsigned int count = 0;

	(void)state;
	number(&c);
	for (; stack_counter_at(&c, count, &counter); count++) {
		assert_in_range(counter.value, 1, FIELDS);
		seen[counter.value]++;
		assert_true(count > 0 || strcmp(counter.name, "rx") == 0);
	}
	assert_int_equal(count, FIELDS - 2);
	for (uint64_t i = 1; i <= FIELDS; i++)
		assert_int_equal(seen[i], i != c.dropped[DROP_NONE] && i != c.rst[TCP_RST_NONE]);
	assert_false(stack_counter_at(&c, count + 1, &counter));
}

/* RFC 9293 3.3.2. */
static void
states_have_the_rfcs_names(void **state)
{
	(void)state;
	assert_string_equal(tcp_state_name(TCP_SYN_RECEIVED), "SYN-RECEIVED");
	assert_string_equal(tcp_state_name(TCP_ESTABLISHED), "ESTABLISHED");
	assert_string_equal(tcp_state_name(TCP_FIN_WAIT_1), "FIN-WAIT-1");
	assert_string_equal(tcp_state_name(TCP_FIN_WAIT_2), "FIN-WAIT-2");
	assert_string_equal(tcp_state_name(TCP_CLOSE_WAIT), "CLOSE-WAIT");
	assert_string_equal(tcp_state_name(TCP_CLOSING), "CLOSING");
	assert_string_equal(tcp_state_name(TCP_LAST_ACK), "LAST-ACK");
	assert_string_equal(tcp_state_name(TCP_TIME_WAIT), "TIME-WAIT");
}

/* riposte --help explains each reason, in one line. */
static void
counters_of_drops_have_a_meaning(void **state)
{
	(void)state;
	assert_string_equal(drop_meaning(DROP_ip_checksum), "F2: IPv4 header checksum wrong");
	assert_string_equal(drop_meaning(DROP_tcp_fin_after_fin), "D-18: a second FIN");
	for (unsigned int i = DROP_NONE; i < DROP_COUNT; i++) {
		assert_true(strlen(drop_meaning(i)) > strlen("none"));
		assert_null(strchr(drop_meaning(i), '\n'));
	}
}

static void
counters_of_workers_are_added_up(void **state)
{
	struct stack_counters sum, one;
	struct stack_counter counter;
	uint64_t total = 0;

	(void)state;
	number(&sum);
	number(&one);
	stack_counters_add(&sum, &one);
	stack_counters_add(&sum, &one);
	assert_int_equal(sum.rx, 3 * one.rx);
	assert_int_equal(sum.writes_without_memory, 3 * one.writes_without_memory);
	for (unsigned int i = 0; stack_counter_at(&sum, i, &counter); i++)
		total += counter.value;
	assert_int_equal(total, 3 * (FIELDS * (FIELDS + 1) / 2 - one.dropped[DROP_NONE] -
				     one.rst[TCP_RST_NONE]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_have_their_names),
		cmocka_unit_test(counters_are_all_shown_once),
		cmocka_unit_test(states_have_the_rfcs_names),
		cmocka_unit_test(counters_of_drops_have_a_meaning),
		cmocka_unit_test(counters_of_workers_are_added_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
