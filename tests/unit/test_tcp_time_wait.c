/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_time_wait.c - what is particular about TIME-WAIT: a SYN that may open the connection
 * anew, and the 2MSL timer. RFC 9293 3.10.7.4, 3.6.1; RFC 6191 2; rules.md 6.5. */
#include "tcp_harness.h"

/* TIME-WAIT after an incarnation with timestamps, or without. */
static void
enter(bool ts)
{
	h.syn_options = (uint8_t)(TCP_OPT_MSS | (ts ? TCP_OPT_TS : 0));
	h.peer_ts = h.base->peer_ts;
	tcp_enter(TCP_TIME_WAIT);
	tcp_wait(500);
}

/* A SYN, with timestamps or not whatever the old incarnation had. */
static void
rx_syn(uint32_t seq, bool ts)
{
	h.syn_options = (uint8_t)(TCP_OPT_MSS | (ts ? TCP_OPT_TS : 0));
	RX(SYN, .seq = seq);
}

/* The SYN is refused by a connection whose segments do or do not carry timestamps. */
static void
refused(struct story_where where, bool ts)
{
	h.syn_options = (uint8_t)(TCP_OPT_MSS | (ts ? TCP_OPT_TS : 0));
	tcp_tx(where, &(struct tcp_tx){.flags = ACK,
				       .seq = SND_NXT,
				       .ack = RCV_NXT,
				       .challenge = h.reply.challenge});
	tcp_state_is(where, TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms - 500);
}

TCP_TEST(rfc6191_2_without_timestamps_syn_above_the_last_number_opens_anew)
{
	size_t i;

	enter(false);
	/* Greater than the number of the peer's FIN, which is RCV.NXT-1. */
	const uint32_t above[] = {RCV_NXT, RCV_NXT + 1, RCV_NXT + 100000, RCV_NXT + 0x7ffffff0};

	for (i = 0; i < COUNT(above); i++) {
		enter(false);
		rx_syn(above[i], false);
		REOPENED();
	}
}

TCP_TEST(rfc6191_2_without_timestamps_syn_at_or_below_the_last_number_is_refused)
{
	size_t i;

	enter(false);
	const uint32_t below[] = {RCV_NXT - 1, RCV_NXT - 2, IRS, RCV_NXT - 100000,
				  RCV_NXT - 0x7ffffff0};

	for (i = 0; i < COUNT(below); i++) {
		enter(false);
		rx_syn(below[i], false);
		refused(HERE, false);
	}
}

TCP_TEST(rfc6191_2_syn_brings_timestamps_that_the_old_incarnation_lacked)
{
	size_t i;

	enter(false);
	const uint32_t at[] = {RCV_NXT - 100000, RCV_NXT - 1, RCV_NXT, RCV_NXT + 100000};

	for (i = 0; i < COUNT(at); i++) {
		enter(false);
		rx_syn(at[i], true);
		REOPENED();
	}
}

TCP_TEST(rfc6191_2_newer_timestamp_opens_anew_at_any_number)
{
	static const uint32_t NEWER[] = {1, 1000, 0x7ffffff0};
	size_t i, j;

	enter(true);
	const uint32_t at[] = {RCV_NXT - 100000, RCV_NXT - 1, RCV_NXT, RCV_NXT + 100000};

	for (i = 0; i < COUNT(at); i++)
		for (j = 0; j < COUNT(NEWER); j++) {
			enter(true);
			h.peer_ts += NEWER[j];
			rx_syn(at[i], true);
			REOPENED();
		}
}

TCP_TEST(rfc6191_2_equal_timestamp_needs_a_number_above_the_last)
{
	enter(true);
	rx_syn(RCV_NXT, true);
	REOPENED();
	enter(true);
	rx_syn(RCV_NXT + 100000, true);
	REOPENED();
	enter(true);
	rx_syn(RCV_NXT - 1, true);
	refused(HERE, true);
	rx_syn(RCV_NXT - 100000, true);
	refused(HERE, true);
}

TCP_TEST(rfc6191_2_older_timestamp_is_refused_at_any_number)
{
	static const uint32_t OLDER[] = {1, 1000, 0x7ffffff0};
	size_t i, j;

	enter(true);
	const uint32_t at[] = {RCV_NXT - 100000, RCV_NXT - 1, RCV_NXT, RCV_NXT + 100000};

	for (i = 0; i < COUNT(at); i++)
		for (j = 0; j < COUNT(OLDER); j++) {
			enter(true);
			h.peer_ts -= OLDER[j];
			rx_syn(at[i], true);
			refused(HERE, true);
		}
}

/* 6.5 and not D-19: a SYN that comes without the timestamps that the old incarnation had. */
TCP_TEST(rules_6_5_syn_without_the_timestamps_of_the_old_incarnation)
{
	enter(true);
	rx_syn(RCV_NXT, false);
	REOPENED();
	enter(true);
	rx_syn(RCV_NXT - 1, false);
	refused(HERE, true);
}

TCP_TEST(rules_6_5_syn_with_ack_or_fin_is_refused)
{
	static const uint8_t WITH[] = {ACK, FIN, FIN | ACK, PSH | ACK};
	bool ts = h.syn_options & TCP_OPT_TS;
	size_t i;

	for (i = 0; i < COUNT(WITH); i++) {
		enter(ts);
		h.peer_ts += 10;
		RX(SYN | WITH[i], .seq = RCV_NXT + 1000, .ack = SND_NXT);
		refused(HERE, ts);
	}
}

TCP_TEST(rules_6_5_syn_with_text_or_push_opens_anew)
{
	bool ts = h.syn_options & TCP_OPT_TS;

	enter(ts);
	RX(SYN, .seq = RCV_NXT + 1000, .text = 10);
	REOPENED();
	enter(ts);
	RX(SYN | PSH | TCP_ECE | TCP_CWR, .seq = RCV_NXT + 1000);
	REOPENED();
}

TCP_TEST(rfc9293_3_10_7_4_step2_syn_with_rst_is_a_rst)
{
	tcp_enter(TCP_TIME_WAIT);
	RX(SYN | RST, .seq = RCV_NXT + 1000);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
	STATE(TCP_TIME_WAIT);
	RX(SYN | RST, .seq = RCV_NXT);
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(rules_d15_rst_at_rcv_nxt_deletes_it)
{
	tcp_enter(TCP_TIME_WAIT);
	RX(RST, .seq = RCV_NXT);
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(rules_d16_rst_in_window_gets_challenge_ack)
{
	tcp_enter(TCP_TIME_WAIT);
	RX(RST, .seq = RCV_NXT + 1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
	STATE(TCP_TIME_WAIT);
}

TCP_TEST(rfc9293_must_13_time_wait_lasts_two_msl)
{
	h.env.msl_ms = 12345;
	tcp_enter(TCP_TIME_WAIT);
	SAME(2 * 12345, tcp_expire());
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(rfc9293_3_10_7_4_step8_fin_again_is_acked_and_restarts_two_msl)
{
	tcp_enter(TCP_TIME_WAIT);
	tcp_wait(10000);
	RX(FIN | ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms);
	tcp_wait(10000);
	RX(FIN | ACK, .seq = RCV_NXT - 21, .ack = SND_NXT, .text = 20);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	DEADLINE_IN(2 * h.env.msl_ms);
	SAME(2 * h.env.msl_ms, tcp_expire());
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(rules_6_4_row5_old_text_restarts_nothing)
{
	tcp_enter(TCP_TIME_WAIT);
	tcp_wait(10000);
	RX(ACK, .seq = RCV_NXT - 21, .ack = SND_NXT, .text = 20);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms - 10000);
}

TCP_TEST(rules_6_4_challenges_and_bad_acks_restart_nothing)
{
	tcp_enter(TCP_TIME_WAIT);
	tcp_wait(10000);
	RX(RST, .seq = RCV_NXT + 1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + 1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
	RX(NONE, .seq = RCV_NXT);
	TX_NOTHING(DROP_tcp_no_ack);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms - 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6191_2_without_timestamps_syn_above_the_last_number_opens_anew),
		cmocka_unit_test(
			rfc6191_2_without_timestamps_syn_at_or_below_the_last_number_is_refused),
		cmocka_unit_test(rfc6191_2_syn_brings_timestamps_that_the_old_incarnation_lacked),
		cmocka_unit_test(rfc6191_2_newer_timestamp_opens_anew_at_any_number),
		cmocka_unit_test(rfc6191_2_equal_timestamp_needs_a_number_above_the_last),
		cmocka_unit_test(rfc6191_2_older_timestamp_is_refused_at_any_number),
		cmocka_unit_test(rules_6_5_syn_without_the_timestamps_of_the_old_incarnation),
		cmocka_unit_test(rules_6_5_syn_with_ack_or_fin_is_refused),
		cmocka_unit_test(rules_6_5_syn_with_text_or_push_opens_anew),
		cmocka_unit_test(rfc9293_3_10_7_4_step2_syn_with_rst_is_a_rst),
		cmocka_unit_test(rules_d15_rst_at_rcv_nxt_deletes_it),
		cmocka_unit_test(rules_d16_rst_in_window_gets_challenge_ack),
		cmocka_unit_test(rfc9293_must_13_time_wait_lasts_two_msl),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_fin_again_is_acked_and_restarts_two_msl),
		cmocka_unit_test(rules_6_4_row5_old_text_restarts_nothing),
		cmocka_unit_test(rules_6_4_challenges_and_bad_acks_restart_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
