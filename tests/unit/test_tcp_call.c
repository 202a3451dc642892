/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_call.c - what close(), shutdown() and abort put on the wire. RFC 9293 3.10.4, 3.10.5,
 * 3.6.1; RFC 2525 2.17; rules.md section 9. */
#include "tcp_harness.h"

TCP_TEST(rfc9293_3_10_4_close_established_sends_fin)
{
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_close();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_FIN_WAIT_1);
	SAME((uint32_t)(SND_NXT + 1), h.c.snd.nxt);
	TRUE(h.c.timer.tcp_ms != 0);
}

TCP_TEST(rfc9293_3_10_4_close_close_wait_sends_fin)
{
	tcp_enter(TCP_CLOSE_WAIT);
	tcp_call_close();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_LAST_ACK);
	TRUE(h.c.timer.tcp_ms != 0);
}

TCP_TEST(rfc9293_3_10_4_close_syn_received_sends_fin)
{
	tcp_enter(TCP_SYN_RECEIVED);
	tcp_call_close();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
	STATE(TCP_FIN_WAIT_1);
	/* The SYN's acknowledgement is not the FIN's. */
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_1);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 2);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_2);
}

TCP_TEST(rfc9293_shld_3_close_with_unread_text_sends_rst)
{
	static const enum tcp_state OPEN[] = {TCP_ESTABLISHED, TCP_CLOSE_WAIT};
	size_t i;

	h.fill = 10;
	for (i = 0; i < COUNT(OPEN); i++) {
		tcp_enter(OPEN[i]);
		tcp_call_close();
		TX(RST | ACK, .seq = SND_NXT, .ack = RCV_NXT, .abort = true);
		RST_REASON(TCP_RST_UNREAD_DATA);
		GONE();
	}
}

/* One byte is enough, and what was read before does not help. */
TCP_TEST(rfc2525_2_17_close_with_the_last_byte_unread_sends_rst)
{
	h.fill = 5000;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_read(4999);
	TX_NOTHING(DROP_NONE);
	tcp_call_close();
	TX(RST | ACK, .seq = SND_NXT, .ack = RCV_NXT, .abort = true);
	RST_REASON(TCP_RST_UNREAD_DATA);
	GONE();
}

TCP_TEST(rules_9_close_behind_shutdown_with_unread_text_sends_rst)
{
	static const enum tcp_state HALF[] = {TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_CLOSING,
					      TCP_LAST_ACK};
	size_t i;

	h.fill = 10;
	for (i = 0; i < COUNT(HALF); i++) {
		tcp_enter(HALF[i]);
		tcp_call_close();
		TX(RST | ACK, .seq = SND_NXT, .ack = RCV_NXT, .abort = true);
		RST_REASON(TCP_RST_UNREAD_DATA);
		GONE();
	}
}

TCP_TEST(rules_9_close_with_everything_read_sends_fin)
{
	h.fill = 5000;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_read(5000);
	TX_NOTHING(DROP_NONE);
	tcp_call_close();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_FIN_WAIT_1);
}

/* The peer's FIN is no text, and a retransmission is no new text. */
TCP_TEST(rules_9_close_behind_read_text_its_retransmission_and_fin_sends_fin)
{
	h.fill = 100;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_read(100);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT - 100, .ack = SND_NXT, .text = 100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	RX(FIN | ACK, .seq = RCV_NXT - 50, .ack = SND_NXT, .text = 50);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSE_WAIT);
	tcp_call_close();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_LAST_ACK);
}

TCP_TEST(rules_9_close_after_text_out_of_order_sends_fin)
{
	tcp_enter(TCP_ESTABLISHED);
	RX(ACK, .seq = RCV_NXT + 10, .ack = SND_NXT, .text = 100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	tcp_call_close();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_FIN_WAIT_1);
}

TCP_TEST(rules_9_shutdown_sends_fin_and_goes_on_receiving)
{
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_shutdown();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + 1, .text = 10);
	TX(ACK, .seq = SND_NXT + 1, .ack = RCV_NXT + 10, .unread = 10);
	STATE(TCP_FIN_WAIT_2);
	RX(ACK, .seq = RCV_NXT + 10, .ack = SND_NXT + 1, .text = 10);
	TX(ACK, .seq = SND_NXT + 1, .ack = RCV_NXT + 20, .unread = 20);
	STATE(TCP_FIN_WAIT_2);
}

TCP_TEST(rules_9_shutdown_with_unread_text_sends_fin)
{
	h.fill = 10;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_shutdown();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 10);
	STATE(TCP_FIN_WAIT_1);

	tcp_enter(TCP_CLOSE_WAIT);
	tcp_call_shutdown();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 11);
	STATE(TCP_LAST_ACK);
}

TCP_TEST(rules_9_second_shutdown_sends_nothing)
{
	static const enum tcp_state CLOSED[] = {TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_CLOSING,
						TCP_LAST_ACK, TCP_TIME_WAIT};
	size_t i;

	for (i = 0; i < COUNT(CLOSED); i++) {
		tcp_enter(CLOSED[i]);
		tcp_call_shutdown();
		TX_NOTHING(DROP_NONE);
		STATE(CLOSED[i]);
		SAME(SND_NXT, h.c.snd.nxt);
	}
}

TCP_TEST(rules_9_close_behind_shutdown_sends_nothing_more)
{
	static const enum tcp_state CLOSED[] = {TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_CLOSING,
						TCP_LAST_ACK, TCP_TIME_WAIT};
	size_t i;

	for (i = 0; i < COUNT(CLOSED); i++) {
		tcp_enter(CLOSED[i]);
		tcp_call_close();
		TX_NOTHING(DROP_NONE);
		STATE(CLOSED[i]);
		SAME(SND_NXT, h.c.snd.nxt);
	}
}

/* D-5. */
TCP_TEST(rfc9293_3_10_5_abort_sends_rst)
{
	static const enum tcp_state OPEN[] = {TCP_SYN_RECEIVED, TCP_ESTABLISHED, TCP_FIN_WAIT_1,
					      TCP_FIN_WAIT_2, TCP_CLOSE_WAIT};
	static const enum tcp_rst WHY[] = {TCP_RST_LINGER, TCP_RST_NOT_ACCEPTED,
					   TCP_RST_HANDSHAKE_TIMEOUT};
	size_t i, j;

	for (i = 0; i < COUNT(OPEN); i++)
		for (j = 0; j < COUNT(WHY); j++) {
			tcp_enter(OPEN[i]);
			tcp_call_abort(WHY[j]);
			TX(RST | ACK, .seq = SND_NXT, .ack = RCV_NXT, .abort = true);
			RST_REASON(WHY[j]);
			GONE();
		}
}

TCP_TEST(rfc9293_3_10_5_abort_with_unread_text_sends_rst)
{
	h.fill = 10;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_abort(TCP_RST_LINGER);
	TX(RST | ACK, .seq = SND_NXT, .ack = RCV_NXT, .abort = true);
	RST_REASON(TCP_RST_LINGER);
	GONE();
}

TCP_TEST(rfc9293_3_10_5_abort_behind_both_fins_sends_nothing)
{
	static const enum tcp_state LATE[] = {TCP_CLOSING, TCP_LAST_ACK, TCP_TIME_WAIT};
	size_t i;

	for (i = 0; i < COUNT(LATE); i++) {
		tcp_enter(LATE[i]);
		tcp_call_abort(TCP_RST_LINGER);
		TX_NOTHING(DROP_NONE);
		GONE();
	}
}

/* RFC 9293 3.10.4: both ends have closed, and nobody is there to be told that text was lost. */
TCP_TEST(rfc9293_3_10_4_close_in_time_wait_with_unread_text_sends_nothing)
{
	h.fill = 10;
	tcp_enter(TCP_TIME_WAIT);
	tcp_call_close();
	TX_NOTHING(DROP_NONE);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(60000);
}

/* What a read has taken that still waits for more is not unread, then or later. */
TCP_TEST(rules_9_close_in_a_read_that_waits_leaves_nothing_unread)
{
	h.fill = 10;
	tcp_enter(TCP_ESTABLISHED);
	h.env.reading = 100;
	tcp_call_close();
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	h.env.reading = 0;
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT + 1);
	TX(ACK, .seq = SND_NXT + 1, .ack = RCV_NXT + 1);
	STATE(TCP_TIME_WAIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_4_close_established_sends_fin),
		cmocka_unit_test(rfc9293_3_10_4_close_close_wait_sends_fin),
		cmocka_unit_test(rfc9293_3_10_4_close_syn_received_sends_fin),
		cmocka_unit_test(rfc9293_shld_3_close_with_unread_text_sends_rst),
		cmocka_unit_test(rfc2525_2_17_close_with_the_last_byte_unread_sends_rst),
		cmocka_unit_test(rules_9_close_behind_shutdown_with_unread_text_sends_rst),
		cmocka_unit_test(rules_9_close_with_everything_read_sends_fin),
		cmocka_unit_test(
			rules_9_close_behind_read_text_its_retransmission_and_fin_sends_fin),
		cmocka_unit_test(rules_9_close_after_text_out_of_order_sends_fin),
		cmocka_unit_test(rules_9_close_in_a_read_that_waits_leaves_nothing_unread),
		cmocka_unit_test(rules_9_shutdown_sends_fin_and_goes_on_receiving),
		cmocka_unit_test(rules_9_shutdown_with_unread_text_sends_fin),
		cmocka_unit_test(rules_9_second_shutdown_sends_nothing),
		cmocka_unit_test(rules_9_close_behind_shutdown_sends_nothing_more),
		cmocka_unit_test(rfc9293_3_10_5_abort_sends_rst),
		cmocka_unit_test(rfc9293_3_10_5_abort_with_unread_text_sends_rst),
		cmocka_unit_test(rfc9293_3_10_5_abort_behind_both_fins_sends_nothing),
		cmocka_unit_test(rfc9293_3_10_4_close_in_time_wait_with_unread_text_sends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
