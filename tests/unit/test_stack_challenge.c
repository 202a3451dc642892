/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_challenge.c - challenge ACKs are limited for each connection by itself. RFC 5961 7;
 * rules.md D-14. */
#include "stack_harness.h"

static struct stack_peer
established(uint16_t port)
{
	struct stack_peer p = stack_peer(port, 80);

	HANDSHAKE(&p);
	QUIET();
	return p;
}

/* So many RSTs inside the window, each in a burst of its own; returns how many were challenged. */
static unsigned int
resets(const struct stack_peer *p, unsigned int count, uint32_t apart_ms)
{
	unsigned int challenged = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		SEND(p, RST, .seq = p->seq + 1 + i);
		if (stack_peek(p)) {
			TX(p, ACK, .seq = p->ack, .ack = p->seq);
			challenged++;
		}
		QUIET();
		if (apart_ms)
			PASS(apart_ms);
	}
	return challenged;
}

static void
start(uint32_t limit)
{
	LISTEN(80, "accept", "hang", NULL);
	w.conf.challenge_acks = limit;
	START();
}

/* RFC 5961 7. */
STACK_TEST(rules_d14_so_many_a_second)
{
	struct stack_peer p;

	start(10);
	p = established(40000);
	SAME(10, resets(&p, 30, 0));
	SAME(10, COUNTER(challenge_acks));
	SAME(20, DROPPED(tcp_challenge_limit));
	PASS(1100);
	SAME(10, resets(&p, 30, 0));
	SAME(40, DROPPED(tcp_challenge_limit));
	CONNECTIONS(1);
}

STACK_TEST(rules_d14_in_one_burst)
{
	struct stack_peer p;
	unsigned int i;

	start(10);
	p = established(40000);
	for (i = 0; i < 30; i++)
		RX(&p, RST, .seq = p.seq + 1 + i);
	BURST();
	for (i = 0; i < 10; i++)
		TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	QUIET();
	SAME(20, DROPPED(tcp_challenge_limit));
}

STACK_TEST(rules_d14_spread_over_a_second)
{
	struct stack_peer p;

	start(10);
	p = established(40000);
	SAME(10, resets(&p, 30, 30));
}

STACK_TEST(rules_d14_limit_of_one)
{
	struct stack_peer p;
	int i;

	start(1);
	p = established(40000);
	for (i = 0; i < 5; i++) {
		SAME(1, resets(&p, 5, 0));
		PASS(1100);
	}
}

STACK_TEST(rules_d14_no_limit)
{
	struct stack_peer p;

	start(0);
	p = established(40000);
	SAME(300, resets(&p, 300, 0));
	SAME(0, DROPPED(tcp_challenge_limit));
	SAME(300, COUNTER(challenge_acks));
}

/* A global counter would tell a stranger about others' connections. */
STACK_TEST(rules_d14_connections_do_not_share_it)
{
	struct stack_peer p, q;

	start(10);
	p = established(40000);
	q = established(40001);
	SAME(10, resets(&p, 30, 0));
	SAME(10, resets(&q, 30, 0));
	SAME(0, resets(&p, 5, 0));
}

STACK_TEST(rules_d14_syn_counts_as_well)
{
	struct stack_peer p;
	int i;

	start(10);
	p = established(40000);
	for (i = 0; i < 10; i++) {
		SEND(&p, SYN, .seq = p.seq + 1000);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	}
	SEND(&p, SYN, .seq = p.seq + 1000);
	QUIET();
	SAME(1, DROPPED(tcp_challenge_limit));
	SAME(0, resets(&p, 5, 0));
}

/* Row 5's ACK is no challenge. */
STACK_TEST(rules_d14_other_acks_are_not_limited)
{
	struct stack_peer p;
	int i;

	start(2);
	p = established(40000);
	SAME(2, resets(&p, 5, 0));
	for (i = 0; i < 30; i++) {
		SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	}
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 10);
}

/* Over the limit the RST is still no more than a RST in the window. */
STACK_TEST(rules_d14_exact_rst_counts_over_the_limit)
{
	struct stack_peer p;

	start(1);
	p = established(40000);
	resets(&p, 5, 0);
	CONNECTIONS(1);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(rules_d14_new_connection_begins_anew)
{
	struct stack_peer p;

	start(10);
	p = established(40000);
	SAME(10, resets(&p, 30, 0));
	SEND(&p, RST, .seq = p.seq);
	CONNECTIONS(0);
	p = established(40000);
	SAME(10, resets(&p, 30, 0));
}

STACK_TEST(rules_d14_after_a_long_time)
{
	struct stack_peer p;

	start(10);
	p = established(40000);
	SAME(10, resets(&p, 30, 0));
	/* Where that second began is kept in 16 bits of 32 ms, which wrap after 35 minutes. */
	PASS(65536 * 32 + 1100);
	SAME(10, resets(&p, 30, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_d14_so_many_a_second),
		cmocka_unit_test(rules_d14_in_one_burst),
		cmocka_unit_test(rules_d14_spread_over_a_second),
		cmocka_unit_test(rules_d14_limit_of_one),
		cmocka_unit_test(rules_d14_no_limit),
		cmocka_unit_test(rules_d14_connections_do_not_share_it),
		cmocka_unit_test(rules_d14_syn_counts_as_well),
		cmocka_unit_test(rules_d14_other_acks_are_not_limited),
		cmocka_unit_test(rules_d14_exact_rst_counts_over_the_limit),
		cmocka_unit_test(rules_d14_new_connection_begins_anew),
		cmocka_unit_test(rules_d14_after_a_long_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
