/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_handshake.c - from no connection to an established one, in frames. rules.md 6.1 to
 * 6.3, 7.1, 7.2; design.md, failures 1, 1b, 1c. */
#include <stdlib.h>
#include <string.h>

#include "stack_harness.h"

STACK_TEST(design_1_closed_port_refuses_syn)
{
	struct stack_peer p = stack_peer(40000, 81);

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&p, SYN, .seq = p.seq);
	TX(&p, RST | ACK, .seq = 0, .ack = p.seq + 1, .wnd_is = true);
	SEND(&p, SYN | FIN, .seq = p.seq, .text = 7);
	TX(&p, RST | ACK, .seq = 0, .ack = p.seq + 9, .wnd_is = true);
	SEND(&p, NONE, .seq = p.seq);
	TX(&p, RST | ACK, .seq = 0, .ack = p.seq, .wnd_is = true);
	SAME(3, RESETS(NO_LISTENER));
	SAME(3, COUNTER(answered));
	EMPTY_AFTER(0);
}

STACK_TEST(design_1b_closed_port_resets_ack)
{
	struct stack_peer p = stack_peer(40000, 81);

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&p, ACK, .seq = p.seq, .ack = 0xffffffff, .text = 10);
	TX(&p, RST, .seq = 0xffffffff, .wnd_is = true);
	SEND(&p, SYN | ACK, .seq = p.seq, .ack = 77);
	TX(&p, RST, .seq = 77, .wnd_is = true);
	SEND(&p, RST, .seq = p.seq);
	SEND(&p, RST | ACK, .seq = p.seq, .ack = 5);
	SEND(&p, RST | SYN, .seq = p.seq);
	QUIET();
	SAME(2, RESETS(NO_LISTENER));
	SAME(3, DROPPED(tcp_stray_rst));
	EMPTY_AFTER(0);
}

STACK_TEST(design_1c_closed_drop_answers_nothing)
{
	struct stack_peer p = stack_peer(40000, 81);

	LISTEN(80, "accept", "hang", NULL);
	w.conf.closed = STACK_CLOSED_DROP;
	START();
	SEND(&p, SYN, .seq = p.seq);
	SEND(&p, ACK, .seq = p.seq, .ack = 1);
	SEND(&p, FIN, .seq = p.seq);
	QUIET();
	SAME(3, DROPPED(tcp_closed));
	SEND(&p, RST, .seq = p.seq);
	QUIET();
	/* A listener's own RSTs are no closed port's: 3.10.7.2. */
	p.lport = 80;
	SEND(&p, ACK, .seq = p.seq, .ack = 1);
	TX(&p, RST, .seq = 1);
	EMPTY_AFTER(0);
}

STACK_TEST(rfc9293_3_10_7_2_listener_answers_syn_and_ack_alone)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&p, RST, .seq = p.seq);
	SEND(&p, SYN | RST, .seq = p.seq);
	SAME(2, DROPPED(tcp_stray_rst));
	SEND(&p, NONE, .seq = p.seq);
	SEND(&p, FIN | PSH | URG, .seq = p.seq);
	SEND(&p, PSH, .seq = p.seq, .text = 10);
	SAME(3, DROPPED(tcp_listen));
	QUIET();
	SEND(&p, ACK, .seq = p.seq, .ack = 1234);
	TX(&p, RST, .seq = 1234);
	SEND(&p, SYN | FIN | ACK, .seq = p.seq, .ack = 0xffffffff);
	TX(&p, RST, .seq = 0xffffffff);
	SAME(2, RESETS(NO_CONNECTION));
	CONNECTIONS(0);
}

/* 7.1: MSS, SACK-permitted, timestamps, NOP, window scale. */
STACK_TEST(rules_7_1_options_of_the_syn_ack)
{
	static const uint8_t ORDER[4] = {2, 4, 8, 3};
	struct stack_peer p = stack_peer(40000, 80);
	const struct stack_sent *sent;

	LISTEN(80, "accept", "hang", NULL)->receive_buffer = 200000;
	START();
	p.syn_options = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE;
	SEND(&p, SYN | TCP_ECE | TCP_CWR, .seq = p.seq);
	sent = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .wnd_is = true, .wnd = 65535);
	SAME(p.syn_options, sent->segment.options);
	/* MTU 1500 less 40 or 60. */
	SAME(w.family == 4 ? 1460 : 1440, sent->segment.mss);
	SAME(2, sent->segment.wscale);
	SAME(p.tsval, sent->segment.tsecr);
	TRUE(sent->segment.tsval != 0);
	TRUE(memcmp(sent->option_order, ORDER, sizeof(ORDER)) == 0);

	p.port++;
	p.syn_options = 0;
	SEND(&p, SYN, .seq = p.seq);
	sent = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .wnd_is = true, .wnd = 65535);
	SAME(TCP_OPT_MSS, sent->segment.options);
}

STACK_TEST(rules_d23_window_of_the_syn_ack_is_the_receive_buffer)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL)->receive_buffer = 4321;
	START();
	SEND(&p, SYN, .seq = p.seq);
	TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .wnd_is = true, .wnd = 4321);
}

STACK_TEST(rfc9293_3_5_handshake)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL);
	START();
	HANDSHAKE(&p);
	QUIET();
	CONNECTIONS(1);
	SAME(0, stack_half_open(w.s));
	SAME(1, COUNTER(opened));
	SAME(1, COUNTER(established));
	SAME(1, COUNTER(answered));
	SAME(1, COUNTER(consumed));
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100, .wnd_is = true, .wnd = 65435);
	SEND(&p, RST, .seq = p.seq + 100);
	EMPTY_AFTER(0);
	SAME(1, COUNTER(closed));
}

/* The ISS of a SYN, known beforehand because the ISN's clock stands still. */
static uint32_t
learn_iss(const struct stack_peer *p)
{
	uint32_t iss;

	SEND(p, SYN, .seq = p->seq);
	iss = TX(p, SYN | ACK, .ack = p->seq + 1, .any_seq = true)->segment.seq;
	SEND(p, RST, .seq = p->seq + 1);
	QUIET();
	CONNECTIONS(0);
	return iss;
}

STACK_TEST(style_syn_and_its_ack_in_one_burst)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t iss;

	LISTEN(80, "accept", "hang", NULL);
	w.conf.isn_clock_stopped = true;
	START();
	iss = learn_iss(&p);
	RX(&p, SYN, .seq = p.seq);
	RX(&p, ACK, .seq = p.seq + 1, .ack = iss + 1);
	RX(&p, PSH | ACK, .seq = p.seq + 1, .ack = iss + 1, .text = 10);
	BURST();
	TX(&p, SYN | ACK, .seq = iss, .ack = p.seq + 1);
	TX(&p, ACK, .seq = iss + 1, .ack = p.seq + 11);
	QUIET();
	SAME(1, COUNTER(established));
	CONNECTIONS(1);
}

STACK_TEST(style_whole_life_in_one_burst)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t iss;

	LISTEN(80, "accept", "close", NULL);
	w.conf.isn_clock_stopped = true;
	START();
	iss = learn_iss(&p);
	RX(&p, SYN, .seq = p.seq);
	RX(&p, ACK, .seq = p.seq + 1, .ack = iss + 1);
	RX(&p, FIN | ACK, .seq = p.seq + 1, .ack = iss + 2);
	RX(&p, RST, .seq = p.seq + 2);
	RX(&p, SYN, .seq = p.seq + 5000);
	BURST();
	TX(&p, SYN | ACK, .seq = iss, .ack = p.seq + 1);
	TX(&p, FIN | ACK, .seq = iss + 1, .ack = p.seq + 1);
	TX(&p, ACK, .seq = iss + 2, .ack = p.seq + 2);
	TX(&p, SYN | ACK, .any_seq = true, .ack = p.seq + 5001);
	QUIET();
	CONNECTIONS(1);
	SAME(1, stack_half_open(w.s));
}

STACK_TEST(rules_d7_syn_twice_in_one_burst)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t iss;

	LISTEN(80, "accept", "hang", NULL);
	START();
	RX(&p, SYN, .seq = p.seq);
	RX(&p, SYN, .seq = p.seq);
	RX(&p, SYN, .seq = p.seq);
	BURST();
	iss = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq;
	TX(&p, SYN | ACK, .seq = iss, .ack = p.seq + 1);
	TX(&p, SYN | ACK, .seq = iss, .ack = p.seq + 1);
	QUIET();
	CONNECTIONS(1);
	SAME(1, COUNTER(opened));
	SAME(3, COUNTER(answered));
}

STACK_TEST(style_released_and_opened_anew_in_one_burst)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL);
	START();
	HANDSHAKE(&p);
	RX(&p, RST, .seq = p.seq);
	RX(&p, SYN, .seq = p.seq + 77);
	RX(&p, RST, .seq = p.seq + 78);
	RX(&p, SYN, .seq = p.seq + 99);
	BURST();
	TX(&p, SYN | ACK, .any_seq = true, .ack = p.seq + 78);
	TX(&p, SYN | ACK, .any_seq = true, .ack = p.seq + 100);
	QUIET();
	CONNECTIONS(1);
	SAME(3, COUNTER(opened));
	SAME(2, COUNTER(closed));
}

/* 7.2: M ticks once in 4 microseconds, F stays: the same four-tuple draws a larger ISS later. */
STACK_TEST(rfc6528_3_isn_grows_by_a_tick_of_4_us)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t first, second;

	LISTEN(80, "accept", "hang", NULL);
	START();
	first = learn_iss(&p);
	w.now += 40000000;
	second = learn_iss(&p);
	TRUE(second - first >= 10000000 - 1 && second - first <= 10000000 + 1);
	/* Other four-tuples draw others. */
	p.port++;
	TRUE(learn_iss(&p) - second > 1);
}

STACK_TEST(rfc6528_3_isn_depends_on_the_secret)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t first;

	LISTEN(80, "accept", "hang", NULL);
	w.conf.isn_clock_stopped = true;
	START();
	first = learn_iss(&p);
	PASS(1000);
	SAME(first, learn_iss(&p));
	free(w.memory);
	w.rx_total = w.tx_total = 0;
	w.conf.secret.k0++;
	START();
	TRUE(learn_iss(&p) != first);
}

STACK_TEST(design_syn_ack_is_sent_again_and_given_up)
{
	static const uint32_t AT[] = {1000, 3000, 7000, 15000, 31000};
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t iss;
	size_t i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&p, SYN, .seq = p.seq);
	iss = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq;
	MARK();
	PASS(62990);
	for (i = 0; i < COUNT(AT); i++)
		TX(&p, SYN | ACK, .seq = iss, .ack = p.seq + 1, .after_ms = AT[i]);
	QUIET();
	CONNECTIONS(1);
	PASS(20);
	QUIET();
	SAME(5, COUNTER(syn_ack_retransmitted));
	EMPTY_AFTER(0);
}

STACK_TEST(rules_6_3_in_window_syn_ends_the_handshake_d8)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&p, SYN, .seq = p.seq);
	TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true);
	SEND(&p, SYN, .seq = p.seq + 100);
	QUIET();
	SAME(1, DROPPED(tcp_syn_in_handshake));
	EMPTY_AFTER(0);
}

STACK_TEST(rules_6_3_bad_ack_is_reset_and_the_handshake_goes_on_d9)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t iss;

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&p, SYN, .seq = p.seq);
	iss = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq;
	SEND(&p, ACK, .seq = p.seq + 1, .ack = iss);
	TX(&p, RST, .seq = iss);
	SAME(1, RESETS(BAD_ACK));
	SAME(1, stack_half_open(w.s));
	SEND(&p, ACK, .seq = p.seq + 1, .ack = iss + 1);
	QUIET();
	SAME(0, stack_half_open(w.s));
	CONNECTIONS(1);
}

STACK_TEST(style_full_burst_of_handshakes)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t iss[STACK_BURST_MAX];
	unsigned int i;

	LISTEN(80, "accept", "close", NULL);
	w.conf.connections = 4 * STACK_BURST_MAX;
	START();
	for (i = 0; i < STACK_BURST_MAX; i++) {
		p.port = (uint16_t)(40000 + i);
		RX(&p, SYN, .seq = p.seq + i);
	}
	BURST();
	for (i = 0; i < STACK_BURST_MAX; i++) {
		p.port = (uint16_t)(40000 + i);
		iss[i] = TX(&p, SYN | ACK, .ack = p.seq + i + 1, .any_seq = true)->segment.seq;
	}
	CONNECTIONS(STACK_BURST_MAX);
	for (i = 0; i < STACK_BURST_MAX; i++) {
		p.port = (uint16_t)(40000 + i);
		RX(&p, ACK, .seq = p.seq + i + 1, .ack = iss[i] + 1);
	}
	BURST();
	for (i = 0; i < STACK_BURST_MAX; i++) {
		p.port = (uint16_t)(40000 + i);
		TX(&p, FIN | ACK, .seq = iss[i] + 1, .ack = p.seq + i + 1);
		RX(&p, FIN | ACK, .seq = p.seq + i + 1, .ack = iss[i] + 2);
	}
	BURST();
	for (i = 0; i < STACK_BURST_MAX; i++) {
		p.port = (uint16_t)(40000 + i);
		TX(&p, ACK, .seq = iss[i] + 2, .ack = p.seq + i + 2);
	}
	CONNECTIONS(STACK_BURST_MAX);
	EMPTY_AFTER(60100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_1_closed_port_refuses_syn),
		cmocka_unit_test(design_1b_closed_port_resets_ack),
		cmocka_unit_test(design_1c_closed_drop_answers_nothing),
		cmocka_unit_test(rfc9293_3_10_7_2_listener_answers_syn_and_ack_alone),
		cmocka_unit_test(rules_7_1_options_of_the_syn_ack),
		cmocka_unit_test(rules_d23_window_of_the_syn_ack_is_the_receive_buffer),
		cmocka_unit_test(rfc9293_3_5_handshake),
		cmocka_unit_test(style_syn_and_its_ack_in_one_burst),
		cmocka_unit_test(style_whole_life_in_one_burst),
		cmocka_unit_test(rules_d7_syn_twice_in_one_burst),
		cmocka_unit_test(style_released_and_opened_anew_in_one_burst),
		cmocka_unit_test(rfc6528_3_isn_grows_by_a_tick_of_4_us),
		cmocka_unit_test(rfc6528_3_isn_depends_on_the_secret),
		cmocka_unit_test(design_syn_ack_is_sent_again_and_given_up),
		cmocka_unit_test(rules_6_3_in_window_syn_ends_the_handshake_d8),
		cmocka_unit_test(rules_6_3_bad_ack_is_reset_and_the_handshake_goes_on_d9),
		cmocka_unit_test(style_full_burst_of_handshakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
