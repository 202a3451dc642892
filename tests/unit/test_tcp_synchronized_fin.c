/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_synchronized_fin.c - FIN in the synchronized states. RFC 9293 3.10.7.4 step 8; rules.md
 * 6.4 rows 12 and 13. */
#include "tcp_harness.h"

TCP_TEST(rfc9293_3_10_7_4_step8_row12_established_fin_enters_close_wait)
{
	tcp_enter(TCP_ESTABLISHED);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSE_WAIT);
	NO_DEADLINE();
}

TCP_TEST(rfc9293_3_10_7_4_step8_row12_established_fin_with_text_acks_both)
{
	tcp_enter(TCP_ESTABLISHED);
	RX(FIN | PSH | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 11, .unread = 11);
	STATE(TCP_CLOSE_WAIT);
}

/* Ours is not acknowledged: SND.NXT is behind it all the same. */
TCP_TEST(rfc9293_3_10_7_4_step8_row12_fin_wait_1_fin_enters_closing)
{
	tcp_enter(TCP_FIN_WAIT_1);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_UNA);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSING);
	TRUE(h.c.timer.tcp_ms != 0);

	tcp_enter(TCP_FIN_WAIT_1);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 11, .unread = 11);
	STATE(TCP_CLOSING);
}

TCP_TEST(rfc9293_3_10_7_4_step8_row12_fin_wait_1_fin_that_acks_ours_enters_time_wait)
{
	tcp_enter(TCP_FIN_WAIT_1);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms);

	tcp_enter(TCP_FIN_WAIT_1);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 11, .unread = 11);
	STATE(TCP_TIME_WAIT);
}

TCP_TEST(rfc9293_3_10_7_4_step8_row12_fin_wait_2_fin_enters_time_wait)
{
	tcp_enter(TCP_FIN_WAIT_2);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms);

	tcp_enter(TCP_FIN_WAIT_2);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 11, .unread = 11);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms);
}

TCP_TEST(rfc9293_3_10_7_4_step8_row12_retransmitted_text_with_a_new_fin)
{
	static const enum tcp_state THEN[] = {TCP_CLOSE_WAIT, TCP_CLOSING, TCP_TIME_WAIT};
	size_t i;

	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		RX(FIN | ACK, .seq = RCV_NXT - 50, .ack = SND_UNA, .text = 50);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
		STATE(THEN[i]);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step8_row12_text_partly_old_with_a_new_fin)
{
	static const enum tcp_state THEN[] = {TCP_CLOSE_WAIT, TCP_CLOSING, TCP_TIME_WAIT};
	size_t i;

	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		RX(FIN | ACK, .seq = RCV_NXT - 30, .ack = SND_UNA, .text = 50);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 21, .unread = 21);
		STATE(THEN[i]);
	}
}

/* The last place in the window is the FIN's. */
TCP_TEST(rfc9293_3_10_7_4_step8_row12_fin_on_the_right_edge_counts)
{
	BUFF = 100;
	tcp_enter(TCP_ESTABLISHED);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 99);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 100, .unread = 100);
	STATE(TCP_CLOSE_WAIT);
}

TCP_TEST(rfc9293_3_10_7_4_step1_row10_fin_beyond_the_right_edge_is_trimmed)
{
	BUFF = 100;
	tcp_enter(TCP_ESTABLISHED);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 100, .unread = 100);
	STATE(TCP_ESTABLISHED);
}

/* RFC 9293 3.4 Table 6, third case; Linux takes it. */
TCP_TEST(rules_d27_row5_fin_alone_at_zero_window_is_not_taken)
{
	size_t i;

	BUFF = 100;
	h.fill = 100;
	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_UNA);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 100);
		STATE(RECEIVING[i]);
	}
}

TCP_TEST(rules_d18_row12_second_fin_is_ignored)
{
	size_t i;

	for (i = 0; i < COUNT(PEER_CLOSED); i++) {
		tcp_enter(PEER_CLOSED[i]);
		tcp_wait(1);
		RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_UNA);
		TX_NOTHING(DROP_tcp_fin_after_fin);
		STATE(PEER_CLOSED[i]);
		SAME(RCV_NXT, h.c.rcv.nxt);
		if (PEER_CLOSED[i] == TCP_TIME_WAIT)
			DEADLINE_IN(2 * h.env.msl_ms - 1);
	}
}

/* Its text is what it is dropped for: step 7 comes before step 8. */
TCP_TEST(rules_d18_row12_second_fin_with_text_is_ignored)
{
	size_t i;

	for (i = 0; i < COUNT(PEER_CLOSED); i++) {
		tcp_enter(PEER_CLOSED[i]);
		RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
		TX_NOTHING(DROP_tcp_text_after_fin);
		STATE(PEER_CLOSED[i]);
	}
}

TCP_TEST(rules_d18_row12_second_fin_still_acknowledges_ours)
{
	tcp_enter(TCP_CLOSING);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_tcp_fin_after_fin);
	STATE(TCP_TIME_WAIT);

	tcp_enter(TCP_LAST_ACK);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(h.reply.drop);
	GONE();
}

TCP_TEST(rfc9293_3_10_7_4_step8_row13_fin_out_of_order_is_not_taken)
{
	size_t i, j;

	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		const uint32_t at[] = {RCV_NXT + 1, RCV_NXT + 1000, RCV_NXT + BUFF - 1};

		for (j = 0; j < COUNT(at); j++) {
			RX(FIN | ACK, .seq = at[j], .ack = SND_UNA);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			STATE(RECEIVING[i]);
			RX(FIN | ACK, .seq = at[j], .ack = SND_UNA, .text = 10);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			STATE(RECEIVING[i]);
		}
	}
}

TCP_TEST(rfc9293_3_10_7_4_step8_row13_fin_wait_1_fin_out_of_order_may_ack_ours)
{
	tcp_enter(TCP_FIN_WAIT_1);
	RX(FIN | ACK, .seq = RCV_NXT + 10, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_FIN_WAIT_2);
}

TCP_TEST(rules_6_4_row13_fin_out_of_order_behind_the_fin_is_ignored)
{
	size_t i;

	for (i = 0; i < COUNT(PEER_CLOSED); i++) {
		tcp_enter(PEER_CLOSED[i]);
		RX(FIN | ACK, .seq = RCV_NXT + 10, .ack = SND_UNA);
		TX_NOTHING(DROP_tcp_fin_after_fin);
		STATE(PEER_CLOSED[i]);
	}
}

TCP_TEST(rfc9293_3_6_both_ends_close_at_once)
{
	/* Both FINs cross, both are acknowledged: R 3.6, Figure 13. */
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_shutdown();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
	RX(FIN | ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX(ACK, .seq = ISS + 2, .ack = IRS + 2);
	STATE(TCP_CLOSING);
	RX(ACK, .seq = IRS + 2, .ack = ISS + 2);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_TIME_WAIT);
	SAME(2 * h.env.msl_ms, tcp_expire());
	TX_NOTHING(DROP_NONE);
	GONE();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_7_4_step8_row12_established_fin_enters_close_wait),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_row12_established_fin_with_text_acks_both),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_row12_fin_wait_1_fin_enters_closing),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step8_row12_fin_wait_1_fin_that_acks_ours_enters_time_wait),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_row12_fin_wait_2_fin_enters_time_wait),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_row12_retransmitted_text_with_a_new_fin),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_row12_text_partly_old_with_a_new_fin),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_row12_fin_on_the_right_edge_counts),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_row10_fin_beyond_the_right_edge_is_trimmed),
		cmocka_unit_test(rules_d27_row5_fin_alone_at_zero_window_is_not_taken),
		cmocka_unit_test(rules_d18_row12_second_fin_is_ignored),
		cmocka_unit_test(rules_d18_row12_second_fin_with_text_is_ignored),
		cmocka_unit_test(rules_d18_row12_second_fin_still_acknowledges_ours),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_row13_fin_out_of_order_is_not_taken),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step8_row13_fin_wait_1_fin_out_of_order_may_ack_ours),
		cmocka_unit_test(rules_6_4_row13_fin_out_of_order_behind_the_fin_is_ignored),
		cmocka_unit_test(rfc9293_3_6_both_ends_close_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
