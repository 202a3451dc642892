/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_synchronized_text.c - text in the synchronized states. RFC 9293 3.10.7.4 steps 6 and 7;
 * rules.md 6.4 rows 10, 11 and 14. */
#include "tcp_harness.h"

TCP_TEST(rfc9293_3_10_7_4_step7_row10_text_at_rcv_nxt_is_taken)
{
	static const uint8_t FLAGS[] = {ACK, PSH | ACK};
	size_t i;

	for (i = 0; i < 2 * COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i / 2]);
		RX(FLAGS[i % 2], .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10, .coalesce = true);
		STATE(RECEIVING[i / 2]);
		RX(FLAGS[i % 2], .seq = RCV_NXT + 10, .ack = SND_UNA, .text = 1460);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1470, .unread = 1470, .coalesce = true);
		STATE(RECEIVING[i / 2]);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step7_row10_fin_wait_1_text_may_ack_our_fin)
{
	tcp_enter(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
	STATE(TCP_FIN_WAIT_2);
	NO_DEADLINE();
}

TCP_TEST(rfc9293_3_10_7_4_step7_row10_text_partly_old_is_trimmed)
{
	size_t i;

	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		RX(ACK, .seq = RCV_NXT - 30, .ack = SND_UNA, .text = 50);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 20, .unread = 20);
		STATE(RECEIVING[i]);
		/* One byte of it is new. */
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 21);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 21, .unread = 21);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step7_row10_text_over_the_right_edge_is_trimmed)
{
	size_t i;

	BUFF = 1000;
	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 900);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 900, .unread = 900);
		/* FIN lies beyond the edge too. */
		RX(FIN | ACK, .seq = RCV_NXT + 900, .ack = SND_UNA, .text = 101);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1000, .unread = 1000);
		STATE(RECEIVING[i]);
	}
}

/* Both edges at once: its first and its last byte lie outside, so it is not acceptable. Table 6. */
TCP_TEST(rfc9293_3_4_row5_text_over_both_edges_is_not_acceptable)
{
	BUFF = 10;
	tcp_enter(TCP_ESTABLISHED);
	RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT, .text = 12);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rfc9293_3_10_7_4_step7_row10_close_wait_text_is_ignored)
{
	tcp_enter(TCP_CLOSE_WAIT);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX_NOTHING(DROP_tcp_text_after_fin);
	STATE(TCP_CLOSE_WAIT);
	SAME(RCV_NXT, h.c.rcv.nxt);
}

TCP_TEST(rfc9293_3_10_7_4_step7_row10_closing_text_is_ignored_its_ack_is_not)
{
	tcp_enter(TCP_CLOSING);
	RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
	TX_NOTHING(DROP_tcp_text_after_fin);
	STATE(TCP_CLOSING);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX_NOTHING(DROP_tcp_text_after_fin);
	STATE(TCP_TIME_WAIT);
}

TCP_TEST(rfc9293_3_10_7_4_step7_row10_last_ack_text_is_ignored_its_ack_is_not)
{
	tcp_enter(TCP_LAST_ACK);
	RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
	TX_NOTHING(DROP_tcp_text_after_fin);
	STATE(TCP_LAST_ACK);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX_NOTHING(h.reply.drop);
	GONE();
}

TCP_TEST(rfc9293_3_10_7_4_step7_row10_time_wait_text_is_ignored)
{
	tcp_enter(TCP_TIME_WAIT);
	tcp_wait(1000);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX_NOTHING(DROP_tcp_text_after_fin);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms - 1000);
}

/* D-12, RFC 9293 3.10.7.4 MAY-13: neither held nor silent. */
TCP_TEST(rules_d12_row11_text_out_of_order_gets_ack_at_once)
{
	size_t i, j;

	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		const uint32_t at[] = {RCV_NXT + 1, RCV_NXT + 1000, RCV_NXT + BUFF - 1};

		for (j = 0; j < COUNT(at); j++) {
			RX(ACK, .seq = at[j], .ack = SND_UNA, .text = 10);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			SAME(false, h.reply.coalesce);
			STATE(RECEIVING[i]);
		}
		/* It was not held: the gap filled, only the gap is acknowledged. */
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 1);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1, .unread = 1);
	}
}

TCP_TEST(rules_6_4_row11_text_out_of_order_behind_the_fin_is_ignored)
{
	size_t i;

	for (i = 0; i < COUNT(PEER_CLOSED); i++) {
		tcp_enter(PEER_CLOSED[i]);
		RX(ACK, .seq = RCV_NXT + 100, .ack = SND_UNA, .text = 10);
		TX_NOTHING(DROP_tcp_text_after_fin);
		STATE(PEER_CLOSED[i]);
	}
}

/* RFC 9293 3.8.5. */
TCP_TEST(rfc9293_3_10_7_4_step6_row14_urgent_text_is_acked_in_line)
{
	size_t i;

	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		RX(URG | ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
		RX(URG | PSH | ACK, .seq = RCV_NXT + 20, .ack = SND_UNA, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
		RX(URG | ACK, .seq = RCV_NXT + 10, .ack = SND_UNA);
		TX_NOTHING(DROP_NONE);
		STATE(RECEIVING[i]);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step6_row14_urgent_is_ignored_behind_the_fin)
{
	size_t i;

	for (i = 0; i < COUNT(PEER_CLOSED); i++) {
		tcp_enter(PEER_CLOSED[i]);
		RX(URG | ACK, .seq = RCV_NXT, .ack = SND_UNA);
		TX_NOTHING(DROP_NONE);
		STATE(PEER_CLOSED[i]);
		RX(URG | ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
		TX_NOTHING(DROP_tcp_text_after_fin);
		STATE(PEER_CLOSED[i]);
	}
}

/* A blocked read takes it as it comes: the window stays open. */
TCP_TEST(rules_d23_row10_text_that_a_read_takes_leaves_the_window_open)
{
	size_t i;

	for (i = 0; i < COUNT(RECEIVING); i++) {
		tcp_enter(RECEIVING[i]);
		h.env.reading = 3000;
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 1460);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1460);
		RX(ACK, .seq = RCV_NXT + 1460, .ack = SND_UNA, .text = 1460);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 2920);
		h.env.reading = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_7_4_step7_row10_text_at_rcv_nxt_is_taken),
		cmocka_unit_test(rfc9293_3_10_7_4_step7_row10_fin_wait_1_text_may_ack_our_fin),
		cmocka_unit_test(rfc9293_3_10_7_4_step7_row10_text_partly_old_is_trimmed),
		cmocka_unit_test(rfc9293_3_10_7_4_step7_row10_text_over_the_right_edge_is_trimmed),
		cmocka_unit_test(rfc9293_3_4_row5_text_over_both_edges_is_not_acceptable),
		cmocka_unit_test(rfc9293_3_10_7_4_step7_row10_close_wait_text_is_ignored),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step7_row10_closing_text_is_ignored_its_ack_is_not),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step7_row10_last_ack_text_is_ignored_its_ack_is_not),
		cmocka_unit_test(rfc9293_3_10_7_4_step7_row10_time_wait_text_is_ignored),
		cmocka_unit_test(rules_d12_row11_text_out_of_order_gets_ack_at_once),
		cmocka_unit_test(rules_6_4_row11_text_out_of_order_behind_the_fin_is_ignored),
		cmocka_unit_test(rfc9293_3_10_7_4_step6_row14_urgent_text_is_acked_in_line),
		cmocka_unit_test(rfc9293_3_10_7_4_step6_row14_urgent_is_ignored_behind_the_fin),
		cmocka_unit_test(rules_d23_row10_text_that_a_read_takes_leaves_the_window_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
