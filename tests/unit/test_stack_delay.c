/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_delay.c - syn_ack_delay and handshake_timeout. design.md, failures 2 and 2c. */
#include "stack_harness.h"

STACK_TEST(design_2_syn_ack_comes_after_its_delay)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL)->syn_ack_delay_ms = 110;
	START();
	MARK();
	SEND(&p, SYN, .seq = p.seq);
	QUIET();
	SAME(1, COUNTER(consumed));
	SAME(1, stack_half_open(w.s));
	PASS(109);
	QUIET();
	PASS(5);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .after_ms = 110)->segment.seq;
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack + 1);
	QUIET();
	SAME(1, COUNTER(established));
	PASS(5000);
	QUIET();
}

STACK_TEST(design_2_client_that_gave_up_is_forgotten)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL)->syn_ack_delay_ms = 110;
	START();
	SEND(&p, SYN, .seq = p.seq);
	PASS(100);
	SEND(&p, RST, .seq = p.seq + 1);
	QUIET();
	CONNECTIONS(0);
	PASS(2000);
	QUIET();
	EMPTY_AFTER(0);
}

STACK_TEST(design_2_repeated_syn_does_not_hurry_it)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL)->syn_ack_delay_ms = 2500;
	START();
	MARK();
	SEND(&p, SYN, .seq = p.seq);
	PASS(1000);
	SEND(&p, SYN, .seq = p.seq);
	QUIET();
	PASS(1550);
	TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .after_ms = 2500);
	QUIET();
	CONNECTIONS(1);
}

STACK_TEST(design_2_delayed_syn_ack_is_repeated_as_ever)
{
	static const uint32_t AT[] = {110, 1110, 3110, 7110, 15110, 31110};
	struct stack_peer p = stack_peer(40000, 80);
	size_t i;

	LISTEN(80, "accept", "hang", NULL)->syn_ack_delay_ms = 110;
	START();
	MARK();
	SEND(&p, SYN, .seq = p.seq);
	PASS(63105);
	for (i = 0; i < COUNT(AT); i++)
		TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .after_ms = AT[i]);
	CONNECTIONS(1);
	EMPTY_AFTER(10);
}

STACK_TEST(design_2_delay_beside_another_listener)
{
	struct stack_peer p = stack_peer(40000, 80), q = stack_peer(40000, 81);

	LISTEN(80, "accept", "hang", NULL)->syn_ack_delay_ms = 50;
	LISTEN(81, "accept", "hang", NULL);
	START();
	MARK();
	RX(&p, SYN, .seq = p.seq);
	RX(&q, SYN, .seq = q.seq);
	BURST();
	TX(&q, SYN | ACK, .ack = q.seq + 1, .any_seq = true);
	QUIET();
	PASS(60);
	TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .after_ms = 50);
}

STACK_TEST(design_2c_slow_handshake_is_reset)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL)->handshake_timeout_ms = 100;
	START();
	MARK();
	SEND(&p, SYN, .seq = p.seq);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	PASS(99);
	QUIET();
	PASS(6);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 1, .after_ms = 100);
	SAME(1, RESETS(HANDSHAKE_TIMEOUT));
	CONNECTIONS(0);
	/* The ACK is late. */
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack);
	TX(&p, RST, .seq = p.ack);
	SAME(1, RESETS(NO_CONNECTION));
	EMPTY_AFTER(0);
}

STACK_TEST(design_2c_handshake_in_time_is_not)
{
	struct stack_peer p = stack_peer(40000, 80);

	/* Nor is the read that follows cut short. */
	LISTEN(80, "accept", "read all", "close", NULL)->handshake_timeout_ms = 100;
	START();
	SEND(&p, SYN, .seq = p.seq);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	PASS(95);
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack);
	QUIET();
	PASS(5000);
	QUIET();
	CONNECTIONS(1);
	SAME(1, COUNTER(established));
}

STACK_TEST(design_2c_reset_carries_the_timestamp)
{
	struct stack_peer p = stack_peer(40000, 80);
	const struct stack_sent *sent;

	LISTEN(80, "accept", "hang", NULL)->handshake_timeout_ms = 100;
	START();
	p.syn_options |= TCP_OPT_TS;
	SEND(&p, SYN, .seq = p.seq);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	PASS(110);
	sent = TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 1);
	SAME(TCP_OPT_TS, sent->segment.options);
	SAME(p.tsval, sent->segment.tsecr);
	TRUE(sent->segment.tsval != 0);
	EMPTY_AFTER(0);
}

/* It counts from the first SYN-ACK, however often that is repeated. */
STACK_TEST(design_2c_repeated_syn_ack_does_not_extend_it)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL)->handshake_timeout_ms = 5000;
	START();
	MARK();
	SEND(&p, SYN, .seq = p.seq);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	PASS(4000);
	TX(&p, SYN | ACK, .seq = p.ack - 1, .ack = p.seq + 1, .after_ms = 1000);
	TX(&p, SYN | ACK, .seq = p.ack - 1, .ack = p.seq + 1, .after_ms = 3000);
	SEND(&p, SYN, .seq = p.seq);
	TX(&p, SYN | ACK, .seq = p.ack - 1, .ack = p.seq + 1);
	PASS(1100);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 1, .after_ms = 5000);
	EMPTY_AFTER(0);
}

STACK_TEST(design_2c_counts_from_the_delayed_syn_ack)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct listener *l = LISTEN(80, "accept", "hang", NULL);

	l->syn_ack_delay_ms = 200;
	l->handshake_timeout_ms = 100;
	START();
	MARK();
	SEND(&p, SYN, .seq = p.seq);
	PASS(400);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .after_ms = 200)->segment.seq;
	TX(&p, RST | ACK, .seq = p.ack + 1, .ack = p.seq + 1, .after_ms = 300);
	EMPTY_AFTER(0);
}

STACK_TEST(design_2c_longer_than_the_retransmissions)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL)->handshake_timeout_ms = 100000;
	START();
	SEND(&p, SYN, .seq = p.seq);
	TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true);
	PASS(63100);
	stack_forget();
	SAME(0, RESETS(HANDSHAKE_TIMEOUT));
	EMPTY_AFTER(0);
}

/* The ACK that finds the accept queue full has not ended the handshake. */
STACK_TEST(design_2c_ignored_ack_does_not_stop_it)
{
	struct stack_peer p = stack_peer(40000, 80), q = stack_peer(40001, 80);
	struct listener *l = LISTEN(80, NULL);

	l->backlog = 1;
	l->handshake_timeout_ms = 100;
	START();
	MARK();
	RX(&p, SYN, .seq = p.seq);
	RX(&q, SYN, .seq = q.seq);
	BURST();
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	q.ack = TX(&q, SYN | ACK, .ack = q.seq + 1, .any_seq = true)->segment.seq + 1;
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack);
	SEND(&q, ACK, .seq = q.seq + 1, .ack = q.ack);
	QUIET();
	PASS(150);
	TX(&q, RST | ACK, .seq = q.ack, .ack = q.seq + 1, .after_ms = 100);
	QUIET();
	CONNECTIONS(1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_2_syn_ack_comes_after_its_delay),
		cmocka_unit_test(design_2_client_that_gave_up_is_forgotten),
		cmocka_unit_test(design_2_repeated_syn_does_not_hurry_it),
		cmocka_unit_test(design_2_delayed_syn_ack_is_repeated_as_ever),
		cmocka_unit_test(design_2_delay_beside_another_listener),
		cmocka_unit_test(design_2c_slow_handshake_is_reset),
		cmocka_unit_test(design_2c_handshake_in_time_is_not),
		cmocka_unit_test(design_2c_reset_carries_the_timestamp),
		cmocka_unit_test(design_2c_repeated_syn_ack_does_not_extend_it),
		cmocka_unit_test(design_2c_counts_from_the_delayed_syn_ack),
		cmocka_unit_test(design_2c_longer_than_the_retransmissions),
		cmocka_unit_test(design_2c_ignored_ack_does_not_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
