/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_timeout.c - retransmission and the other timers. RFC 9293 3.10.8; RFC 6298; design.md,
 * "Timers". */
#include "tcp_harness.h"

/* The SYN-ACK was just sent: it goes out again 1, 3, 7, 15 and 31 s later and is given up at 63. */
static void
syn_ack_goes_on_until_given_up(void)
{
	static const uint32_t AFTER[] = {1000, 2000, 4000, 8000, 16000};
	size_t i;

	for (i = 0; i < COUNT(AFTER); i++) {
		SAME(AFTER[i], tcp_expire());
		TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
		STATE(TCP_SYN_RECEIVED);
	}
	SAME(32000, tcp_expire());
	TX_NOTHING(DROP_NONE);
	GONE();
}

/* RFC 9293 3.8.3 MUST-23. */
TCP_TEST(rfc6298_5_syn_ack_is_sent_again_and_given_up)
{
	tcp_enter(TCP_SYN_RECEIVED);
	syn_ack_goes_on_until_given_up();
}

TCP_TEST(rfc9293_3_8_1_syn_ack_is_the_same_each_time)
{
	struct tcp_reply first;
	int i;

	BUFF = 200000;
	h.syn_options |= TCP_OPT_WSCALE | TCP_OPT_SACK_OK;
	h.syn_wscale = 3;
	tcp_syn(0);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	first = h.reply;
	for (i = 0; i < TCP_SYN_ACK_RETRIES; i++) {
		tcp_expire();
		TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
		SAME(first.options, h.reply.options);
		SAME(first.mss, h.reply.mss);
		SAME(first.wscale, h.reply.wscale);
		SAME(first.tsecr, h.reply.tsecr);
		SAME(65535, h.reply.wnd);
	}
}

TCP_TEST(design_syn_ack_delay_sends_nothing_before_its_time)
{
	tcp_syn(110);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_SYN_RECEIVED);
	SAME(110, tcp_expire());
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	STATE(TCP_SYN_RECEIVED);
	syn_ack_goes_on_until_given_up();
}

TCP_TEST(design_syn_ack_delay_rst_ends_it_in_silence)
{
	tcp_syn(110);
	TX_NOTHING(DROP_NONE);
	tcp_wait(100);
	RX(RST, .seq = IRS + 1);
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(design_syn_ack_delay_syn_again_does_not_hurry_it)
{
	tcp_syn(3000);
	TX_NOTHING(DROP_NONE);
	tcp_wait(1000);
	RX(SYN, .seq = IRS);
	TX_NOTHING(h.reply.drop);
	STATE(TCP_SYN_RECEIVED);
	SAME(2000, tcp_expire());
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
}

/* Nothing was sent that could be acknowledged, or that could be challenged. */
TCP_TEST(design_syn_ack_delay_says_nothing_before)
{
	tcp_syn(3000);
	TX_NOTHING(DROP_NONE);
	tcp_wait(100);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1, .text = 10);
	TX_NOTHING(DROP_tcp_syn_ack_due);
	STATE(TCP_SYN_RECEIVED);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 2);
	TX_NOTHING(DROP_tcp_syn_ack_due);
	STATE(TCP_SYN_RECEIVED);
	RX(ACK, .seq = IRS, .ack = ISS);
	TX_NOTHING(DROP_tcp_syn_ack_due);
	RX(SYN | ACK, .seq = IRS, .ack = ISS);
	TX_NOTHING(DROP_tcp_syn_ack_due);
	STATE(TCP_SYN_RECEIVED);
	SAME(2900, tcp_expire());
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	/* And the delay is no part of a round trip. */
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	tcp_call_close();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
	SAME(TCP_RTO_MIN_MS, tcp_expire());
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
}

TCP_TEST(design_syn_ack_delay_handshake_completes_as_ever)
{
	tcp_syn(110);
	TX_NOTHING(DROP_NONE);
	tcp_expire();
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1, .text = 10);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 11, .unread = 10);
	STATE(TCP_ESTABLISHED);
	NO_DEADLINE();
}

/* Our FIN, unacknowledged: 15 times again, each wait twice the last and 60 s at most. */
static void
fin_goes_on_until_given_up(enum tcp_state state)
{
	uint32_t rto = tcp_expire();
	int i;

	TRUE(rto >= TCP_RTO_MIN_MS && rto <= TCP_RTO_INITIAL_MS);
	for (i = 0; i < TCP_RETRIES; i++) {
		TX(FIN | ACK, .seq = SND_NXT - 1, .ack = RCV_NXT);
		STATE(state);
		rto = rto * 2 > TCP_RTO_MAX_MS ? TCP_RTO_MAX_MS : rto * 2;
		SAME(rto, tcp_expire());
	}
	TX_NOTHING(DROP_NONE);
	GONE();
}

/* RFC 6298 5.5, 5.6. */
TCP_TEST(rfc6298_5_5_fin_is_sent_again_with_a_doubled_timeout)
{
	static const enum tcp_state WAITING[] = {TCP_FIN_WAIT_1, TCP_CLOSING, TCP_LAST_ACK};
	size_t i;

	for (i = 0; i < 2 * COUNT(WAITING); i++) {
		h.orphan = i % 2;
		tcp_enter(WAITING[i / 2]);
		fin_goes_on_until_given_up(WAITING[i / 2]);
	}
}

TCP_TEST(rfc6298_5_fin_sent_again_acks_what_has_come)
{
	tcp_enter(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
	tcp_expire();
	TX(FIN | ACK, .seq = SND_NXT - 1, .ack = RCV_NXT + 10, .unread = 10);
	STATE(TCP_FIN_WAIT_1);
}

TCP_TEST(rfc6298_5_2_ack_of_fin_stops_the_retransmission)
{
	tcp_enter(TCP_FIN_WAIT_1);
	tcp_expire();
	TX(FIN | ACK, .seq = SND_NXT - 1, .ack = RCV_NXT);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_2);
	NO_DEADLINE();
}

/* The handshake took so long; then our FIN waits for that long. */
static void
first_rto_is(struct story_where where, uint32_t rtt, uint32_t low, uint32_t high)
{
	uint32_t rto;

	tcp_syn(0);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	tcp_wait(rtt);
	h.env.tsval += rtt;
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	tcp_call_close();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
	rto = tcp_expire();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
	if (rto < low || rto > high)
		story_fail(where, "RTO: expected %u to %u ms, came %u", low, high, rto);
}

/* SRTT = R, RTTVAR = R / 2, RTO = SRTT + 4 * RTTVAR. */
TCP_TEST(rfc6298_2_2_first_measurement_makes_the_timeout_three_times_it)
{
	first_rto_is(HERE, 0, 200, 200);
	first_rto_is(HERE, 1, 200, 200);
	first_rto_is(HERE, 60, 200, 200);
	first_rto_is(HERE, 100, 295, 305);
	first_rto_is(HERE, 300, 895, 905);
	first_rto_is(HERE, 999, 2985, 3005);
}

TCP_TEST(rfc6298_5_7_handshake_that_was_repeated_makes_the_timeout_3_s)
{
	tcp_enter(TCP_SYN_RECEIVED);
	tcp_expire();
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	tcp_wait(10);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	tcp_call_close();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
	SAME(3000, tcp_expire());
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
}

/* What the handshake took of its retransmissions is none of the FIN's. */
TCP_TEST(rfc6298_5_fin_gets_all_its_retransmissions_after_a_repeated_handshake)
{
	int i;

	tcp_enter(TCP_SYN_RECEIVED);
	for (i = 0; i < TCP_SYN_ACK_RETRIES; i++) {
		tcp_expire();
		TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	}
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	tcp_call_close();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
	for (i = 0; i < TCP_RETRIES; i++) {
		tcp_expire();
		TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
		STATE(TCP_FIN_WAIT_1);
	}
	tcp_expire();
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(design_fin_wait_2_without_a_reader_ends_after_60_s)
{
	h.orphan = true;
	tcp_enter(TCP_FIN_WAIT_2);
	SAME(60000, tcp_expire());
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(design_fin_wait_2_with_a_reader_waits_for_ever)
{
	tcp_enter(TCP_FIN_WAIT_2);
	NO_DEADLINE();
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
	NO_DEADLINE();
}

TCP_TEST(rfc9293_3_10_8_states_that_wait_for_the_application_hold_no_timer)
{
	tcp_enter(TCP_ESTABLISHED);
	NO_DEADLINE();
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
	NO_DEADLINE();
	tcp_enter(TCP_CLOSE_WAIT);
	NO_DEADLINE();
}

TCP_TEST(rfc9293_3_10_8_time_wait_ends_in_silence)
{
	bool orphan;

	for (orphan = false;; orphan = true) {
		h.orphan = orphan;
		tcp_enter(TCP_TIME_WAIT);
		SAME(2 * h.env.msl_ms, tcp_expire());
		TX_NOTHING(DROP_NONE);
		GONE();
		if (orphan)
			break;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6298_5_syn_ack_is_sent_again_and_given_up),
		cmocka_unit_test(rfc9293_3_8_1_syn_ack_is_the_same_each_time),
		cmocka_unit_test(design_syn_ack_delay_sends_nothing_before_its_time),
		cmocka_unit_test(design_syn_ack_delay_rst_ends_it_in_silence),
		cmocka_unit_test(design_syn_ack_delay_syn_again_does_not_hurry_it),
		cmocka_unit_test(design_syn_ack_delay_says_nothing_before),
		cmocka_unit_test(design_syn_ack_delay_handshake_completes_as_ever),
		cmocka_unit_test(rfc6298_5_5_fin_is_sent_again_with_a_doubled_timeout),
		cmocka_unit_test(rfc6298_5_fin_sent_again_acks_what_has_come),
		cmocka_unit_test(rfc6298_5_2_ack_of_fin_stops_the_retransmission),
		cmocka_unit_test(rfc6298_2_2_first_measurement_makes_the_timeout_three_times_it),
		cmocka_unit_test(rfc6298_5_7_handshake_that_was_repeated_makes_the_timeout_3_s),
		cmocka_unit_test(
			rfc6298_5_fin_gets_all_its_retransmissions_after_a_repeated_handshake),
		cmocka_unit_test(design_fin_wait_2_without_a_reader_ends_after_60_s),
		cmocka_unit_test(design_fin_wait_2_with_a_reader_waits_for_ever),
		cmocka_unit_test(rfc9293_3_10_8_states_that_wait_for_the_application_hold_no_timer),
		cmocka_unit_test(rfc9293_3_10_8_time_wait_ends_in_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
