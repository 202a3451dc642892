/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_reuse.c - a four-tuple used again: while its connection is in TIME-WAIT, and once it
 * is gone. RFC 6191; RFC 9293 3.6.1; rules.md 6.5. */
#include "stack_harness.h"

/* In TIME-WAIT: p.seq is behind the peer's FIN, p.ack behind ours. */
static struct stack_peer
time_wait(uint8_t syn_options)
{
	struct stack_peer p = stack_peer(40000, 80);

	p.syn_options = syn_options;
	HANDSHAKE(&p);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	p.ack++;
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack);
	p.seq++;
	TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	QUIET();
	CONNECTIONS(1);
	return p;
}

/* A new handshake of the same four-tuple with that SYN; 6.5: ISS > old SND.NXT. */
static void
opens_anew(struct stack_peer *p, uint32_t seq)
{
	uint32_t old = p->ack;

	SEND(p, SYN, .seq = seq);
	p->seq = seq + 1;
	p->ack = TX(p, SYN | ACK, .ack = p->seq, .any_seq = true)->segment.seq + 1;
	QUIET();
	TRUE(seq_gt(p->ack - 1, old));
	CONNECTIONS(1);
	SAME(1, stack_half_open(w.s));
	SEND(p, ACK, .seq = p->seq, .ack = p->ack);
	TX(p, FIN | ACK, .seq = p->ack, .ack = p->seq);
	QUIET();
	SAME(0, stack_half_open(w.s));
}

/* RFC 9293 3.6.1 MAY-2. */
STACK_TEST(rfc6191_2_newer_syn_opens_anew)
{
	struct stack_peer p;

	LISTEN(80, "accept", "close", NULL);
	START();
	p = time_wait(TCP_OPT_MSS);
	PASS(1000);
	opens_anew(&p, p.seq + 1000);
	SAME(2, COUNTER(opened));
	SAME(1, COUNTER(closed));
	SAME(2, COUNTER(established));
	/* The old 2MSL is forgotten: only the FIN's retransmissions come out. */
	PASS(100);
	QUIET();
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* Even while the clock behind the ISNs stands still. */
STACK_TEST(rules_6_5_iss_of_the_new_is_above_the_old)
{
	struct stack_peer p;
	int i;

	LISTEN(80, "accept", "close", NULL);
	w.conf.isn_clock_stopped = true;
	START();
	p = time_wait(TCP_OPT_MSS);
	for (i = 0; i < 20; i++) {
		opens_anew(&p, p.seq + 10);
		p.ack++;
		SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack);
		p.seq++;
		TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	}
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(rfc6191_2_newer_timestamp_opens_anew_below)
{
	struct stack_peer p;

	LISTEN(80, "accept", "close", NULL);
	START();
	p = time_wait(TCP_OPT_MSS | TCP_OPT_TS);
	p.tsval++;
	opens_anew(&p, p.seq - 100000);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(rfc6191_2_old_syn_is_refused)
{
	struct stack_peer p;

	LISTEN(80, "accept", "close", NULL);
	START();
	p = time_wait(TCP_OPT_MSS);
	SEND(&p, SYN, .seq = p.seq - 2);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	CONNECTIONS(1);
	SAME(1, COUNTER(opened));
	/* R 3.6.1: the ACK draws a RST from a peer that has forgotten, and then it is free. */
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(rfc6191_2_syn_anew_in_the_burst_of_the_last_fin)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "close", NULL);
	START();
	HANDSHAKE(&p);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	RX(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	RX(&p, SYN, .seq = p.seq + 5000);
	BURST();
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 5001, .any_seq = true)->segment.seq + 1;
	QUIET();
	CONNECTIONS(1);
	SEND(&p, RST, .seq = p.seq + 5001);
	EMPTY_AFTER(0);
}

/* The new SYN meets a listener as any other: its delay, its limits. */
STACK_TEST(rules_6_5_new_syn_is_delayed_like_any_other)
{
	struct stack_peer p;

	LISTEN(80, "accept", "close", NULL);
	START();
	p = time_wait(TCP_OPT_MSS);
	w.listeners[0].syn_ack_delay_ms = 50;
	MARK();
	SEND(&p, SYN, .seq = p.seq + 1000);
	QUIET();
	PASS(60);
	TX(&p, SYN | ACK, .ack = p.seq + 1001, .any_seq = true, .after_ms = 50);
	SEND(&p, RST, .seq = p.seq + 1001);
	EMPTY_AFTER(0);
}

/* What a new SYN finds full leaves TIME-WAIT as it is. */
STACK_TEST(rules_d24_new_syn_with_a_full_queue_is_ignored)
{
	struct stack_peer p, q = stack_peer(40001, 80);
	struct listener *l = LISTEN(80, "sleep 100ms", "accept", "close", NULL);

	l->backlog = 1;
	START();
	p = stack_peer(40000, 80);
	HANDSHAKE(&p);
	PASS(110);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	p.ack++;
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack);
	p.seq++;
	TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	HANDSHAKE(&q);
	QUIET();
	SEND(&p, SYN, .seq = p.seq + 1000);
	QUIET();
	SAME(1, DROPPED(tcp_backlog_full));
	CONNECTIONS(2);
	SEND(&p, FIN | ACK, .seq = p.seq - 1, .ack = p.ack);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	/* There is room again. */
	SEND(&q, RST, .seq = q.seq);
	SEND(&p, SYN, .seq = p.seq + 1000);
	TX(&p, SYN | ACK, .ack = p.seq + 1001, .any_seq = true);
	SEND(&p, RST, .seq = p.seq + 1001);
	EMPTY_AFTER(0);
}

/* A cookie's ISS is what it is: TIME-WAIT gives way to an entry, or not at all. */
STACK_TEST(rules_6_5_new_syn_is_answered_by_an_entry_though_cookies_are_on)
{
	struct stack_peer p;

	LISTEN(80, "accept", "close", NULL)->cookies = COOKIES_ALWAYS;
	START();
	p = time_wait(TCP_OPT_MSS);
	opens_anew(&p, p.seq + 1000);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* 2MSL over, or the connection reset: nothing is remembered. */
STACK_TEST(rfc9293_3_6_1_after_two_msl_any_syn_opens)
{
	struct stack_peer p;
	uint32_t seq;

	LISTEN(80, "accept", "close", NULL);
	START();
	p = time_wait(TCP_OPT_MSS);
	PASS(60100);
	CONNECTIONS(0);
	seq = p.seq - 100000;
	SEND(&p, SYN, .seq = seq);
	TX(&p, SYN | ACK, .ack = seq + 1, .any_seq = true);
	SEND(&p, RST, .seq = seq + 1);
	EMPTY_AFTER(0);
}

STACK_TEST(rfc9293_3_6_1_time_waits_end_each_at_its_time)
{
	struct stack_peer p = stack_peer(40000, 80);
	unsigned int i;

	LISTEN(80, "accept", "close", NULL);
	w.conf.msl_ms = 5000;
	START();
	for (i = 0; i < 20; i++) {
		p.port = (uint16_t)(40000 + i);
		p.seq = w.irs;
		HANDSHAKE(&p);
		TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
		SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
		TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
		PASS(100);
	}
	CONNECTIONS(20);
	PASS(8000 + 50);
	for (i = 0; i < 20; i++) {
		SAME(19 - i, stack_connections(w.s));
		PASS(100);
	}
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6191_2_newer_syn_opens_anew),
		cmocka_unit_test(rules_6_5_iss_of_the_new_is_above_the_old),
		cmocka_unit_test(rfc6191_2_newer_timestamp_opens_anew_below),
		cmocka_unit_test(rfc6191_2_old_syn_is_refused),
		cmocka_unit_test(rfc6191_2_syn_anew_in_the_burst_of_the_last_fin),
		cmocka_unit_test(rules_6_5_new_syn_is_delayed_like_any_other),
		cmocka_unit_test(rules_d24_new_syn_with_a_full_queue_is_ignored),
		cmocka_unit_test(rules_6_5_new_syn_is_answered_by_an_entry_though_cookies_are_on),
		cmocka_unit_test(rfc9293_3_6_1_after_two_msl_any_syn_opens),
		cmocka_unit_test(rfc9293_3_6_1_time_waits_end_each_at_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
