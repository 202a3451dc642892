/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_fin.c - the end of what is written: FIN, and the states that text goes on in. RFC
 * 9293 3.6, 3.10.4, 3.10.7.4; rules.md section 9. */
#include "send_harness.h"

/* The peer's FIN comes in order; sent is what of ours it was sent so far. */
static void
peer_closes(uint32_t acked, uint32_t sent)
{
	RX(FIN | ACK, .seq = RCV_NXT, .ack = TEXT(acked));
	TX(ACK, .seq = TEXT(sent), .ack = RCV_NXT + 1, .any_wnd = true);
	h.rcv_nxt++;
}

TCP_TEST(rfc9293_3_10_4_fin_alone_where_the_text_went_before)
{
	send_enter(0, 65535);
	send_write(100);
	OUT(.at = 0, .text = 100);
	send_shutdown();
	STATE(TCP_FIN_WAIT_1);
	OUT(.at = 100, .fin = true);
	NO_MORE();
	ACKED(100);
	STATE(TCP_FIN_WAIT_1);
	NO_MORE();
	ACKED(101);
	STATE(TCP_FIN_WAIT_2);
	NO_MORE();
	NO_DEADLINE();
}

TCP_TEST(rfc9293_3_10_4_fin_alone_where_the_text_was_acknowledged)
{
	send_enter(0, 65535);
	send_write(100);
	OUT(.at = 0, .text = 100);
	ACKED(100);
	NO_MORE();
	send_shutdown();
	OUT(.at = 100, .fin = true);
	NO_MORE();
	DEADLINE_IN(TCP_RTO_MIN_MS);
	ACKED(101);
	STATE(TCP_FIN_WAIT_2);
}

/* Text that Nagle held back goes with the FIN. */
TCP_TEST(rfc9293_3_10_4_fin_goes_with_text_that_was_held_back)
{
	send_enter(0, 65535);
	send_write(100);
	OUT(.at = 0, .text = 100);
	send_write(30);
	NO_MORE();
	send_shutdown();
	OUT(.at = 100, .text = 30, .fin = true);
	NO_MORE();
	ACKED(130);
	STATE(TCP_FIN_WAIT_1);
	ACKED(131);
	STATE(TCP_FIN_WAIT_2);
}

/* "queued until all preceding SENDs have been segmentized, then form a FIN segment and send it. In
 * any case, enter FIN-WAIT-1 state." */
TCP_TEST(rfc9293_3_10_4_fin_waits_for_what_is_queued)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	send_shutdown();
	STATE(TCP_FIN_WAIT_1);
	NO_MORE();
	ACKED(3 * MSS);
	OUT(.at = 3 * MSS, .text = MSS);
	OUT(.at = 4 * MSS, .text = MSS);
	OUT(.at = 5 * MSS, .text = MSS);
	NO_MORE();
	STATE(TCP_FIN_WAIT_1);
	ACKED(6 * MSS);
	OUT(.at = 6 * MSS, .text = 10000 - 6 * MSS, .fin = true);
	NO_MORE();
	ACKED(10000);
	STATE(TCP_FIN_WAIT_1);
	NO_MORE();
	ACKED(10001);
	STATE(TCP_FIN_WAIT_2);
	NO_DEADLINE();
}

/* Where a full segment ends the text, the FIN is on it. */
TCP_TEST(rfc9293_3_10_4_fin_on_a_full_segment)
{
	send_enter(0, 65535);
	send_write(2 * MSS);
	send_shutdown();
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS, .fin = true);
	NO_MORE();
}

/* 3.4: the FIN takes a number: the window has to have room for it. */
TCP_TEST(rfc9293_3_4_fin_needs_room_in_the_window)
{
	send_enter(0, 1000);
	send_write(1000);
	send_shutdown();
	OUT(.at = 0, .text = 1000);
	NO_MORE();
	STATE(TCP_FIN_WAIT_1);
	ACKED(1000);
	OUT(.at = 1000, .fin = true);
	NO_MORE();

	send_enter(0, 1001);
	send_write(1000);
	send_shutdown();
	OUT(.at = 0, .text = 1000, .fin = true);
	NO_MORE();
}

/* Sent again: FIN with its text, as one segment; RTO doubles, 15 times. */
TCP_TEST(rfc6298_5_fin_is_sent_again_with_its_text)
{
	uint32_t rto = TCP_RTO_MIN_MS;
	int i;

	send_enter(0, 65535);
	send_write(100);
	OUT(.at = 0, .text = 100);
	send_write(30);
	send_shutdown();
	OUT(.at = 100, .text = 30, .fin = true);
	for (i = 0; i < TCP_RETRIES; i++) {
		SAME(rto, EXPIRE());
		OUT(.at = 0, .text = 130, .fin = true, .sent = TCP_SENT_AGAIN);
		NO_MORE();
		STATE(TCP_FIN_WAIT_1);
		rto = rto * 2 < TCP_RTO_MAX_MS ? rto * 2 : TCP_RTO_MAX_MS;
	}
	EXPIRE();
	GONE();
}

TCP_TEST(rfc6298_5_fin_alone_is_sent_again)
{
	send_enter(0, 65535);
	send_write(100);
	OUT(.at = 0, .text = 100);
	send_shutdown();
	OUT(.at = 100, .fin = true);
	ACKED(100);
	NO_MORE();
	SAME(TCP_RTO_MIN_MS, EXPIRE());
	OUT(.at = 100, .fin = true, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	ACKED(101);
	STATE(TCP_FIN_WAIT_2);
	NO_DEADLINE();
}

/* 3.10.7.4 step 5: the FIN was not sent, so its number cannot be acknowledged. */
TCP_TEST(rfc9293_3_10_7_4_step5_unsent_fin_cannot_be_acknowledged)
{
	send_enter(0, 1000);
	send_write(1000);
	send_shutdown();
	OUT(.at = 0, .text = 1000);
	NO_MORE();
	RX(ACK, .seq = RCV_NXT, .ack = TEXT(1001));
	TX(ACK, .seq = TEXT(1000), .ack = RCV_NXT);
	STATE(TCP_FIN_WAIT_1);
	NO_MORE();
}

/* --- The closed window and the FIN. 3.8.6.1 --- */

/* One byte is a probe, the FIN behind it would be two. */
TCP_TEST(rfc9293_3_8_6_1_probe_of_the_last_byte_has_no_fin)
{
	int i;

	send_enter(0, 0);
	send_write(1);
	send_shutdown();
	NO_MORE();
	for (i = 0; i < 4; i++) {
		EXPIRE();
		OUT(.at = 0, .text = 1, .sent = TCP_SENT_PROBE);
		NO_MORE();
		STATE(TCP_FIN_WAIT_1);
	}
	h.wnd = 5000;
	ACKED(1);
	OUT(.at = 1, .fin = true);
	NO_MORE();
	ACKED(2);
	STATE(TCP_FIN_WAIT_2);
}

/* With no byte left to probe with, an old number asks for the window. */
TCP_TEST(rfc9293_3_8_6_1_fin_alone_waits_for_a_window)
{
	struct tcp_reply r;

	send_enter(0, 100);
	send_write(100);
	OUT(.at = 0, .text = 100);
	h.wnd = 0;
	ACKED(100);
	send_shutdown();
	NO_MORE();
	STATE(TCP_FIN_WAIT_1);
	EXPIRE();
	TRUE(tcp_send_next(&h.c, &h.env, &r));
	SAME(TCP_SENT_PROBE, r.sent);
	SAME(ACK, r.flags);
	SAME(0, r.text);
	SAME(TEXT(99), r.seq);
	NO_MORE();
	h.wnd = 1;
	ACKED(100);
	OUT(.at = 100, .fin = true);
	NO_MORE();
}

/* --- The other states --- */

/* CLOSE-WAIT: text goes on; close() then leads to LAST-ACK at once. */
TCP_TEST(rfc9293_3_10_4_close_wait_to_last_ack_with_text_queued)
{
	send_enter(0, 5000);
	peer_closes(0, 0);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	send_close();
	STATE(TCP_LAST_ACK);
	NO_MORE();
	ACKED(3 * MSS);
	SAME(3 * MSS, SEND_ALL());
	STATE(TCP_LAST_ACK);
	ACKED(6 * MSS);
	OUT(.at = 6 * MSS, .text = 10000 - 6 * MSS, .fin = true);
	NO_MORE();
	ACKED(10000);
	STATE(TCP_LAST_ACK);
	ACKED(10001);
	GONE();
}

TCP_TEST(rfc9293_3_10_7_4_step8_closing_with_text_queued)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	send_shutdown();
	NO_MORE();
	peer_closes(0, 3 * MSS);
	STATE(TCP_CLOSING);
	ACKED(3 * MSS);
	SAME(3 * MSS, SEND_ALL());
	ACKED(6 * MSS);
	STATE(TCP_CLOSING);
	OUT(.at = 6 * MSS, .text = 10000 - 6 * MSS, .fin = true);
	NO_MORE();
	EXPIRE();
	OUT(.at = 6 * MSS, .text = 10000 - 6 * MSS, .fin = true, .sent = TCP_SENT_AGAIN);
	ACKED(10001);
	STATE(TCP_TIME_WAIT);
	NO_MORE();
	DEADLINE_IN(60000);
}

/* The peer's FIN and the ACK of ours in one segment. */
TCP_TEST(rfc9293_3_10_7_4_step8_time_wait_at_once)
{
	send_enter(0, 5000);
	send_write(100);
	send_shutdown();
	OUT(.at = 0, .text = 100, .fin = true);
	peer_closes(101, 101);
	STATE(TCP_TIME_WAIT);
	NO_MORE();
	DEADLINE_IN(60000);
}

/* An orphan whose FIN is acknowledged waits for the peer's for a minute. */
TCP_TEST(design_fin_wait_2_without_a_reader_after_text)
{
	send_enter(0, 5000);
	send_write(100);
	send_close();
	OUT(.at = 0, .text = 100, .fin = true);
	ACKED(101);
	STATE(TCP_FIN_WAIT_2);
	NO_MORE();
	DEADLINE_IN(TCP_FIN_WAIT_2_MS);
	EXPIRE();
	GONE();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_4_fin_alone_where_the_text_went_before),
		cmocka_unit_test(rfc9293_3_10_4_fin_alone_where_the_text_was_acknowledged),
		cmocka_unit_test(rfc9293_3_10_4_fin_goes_with_text_that_was_held_back),
		cmocka_unit_test(rfc9293_3_10_4_fin_waits_for_what_is_queued),
		cmocka_unit_test(rfc9293_3_10_4_fin_on_a_full_segment),
		cmocka_unit_test(rfc9293_3_4_fin_needs_room_in_the_window),
		cmocka_unit_test(rfc6298_5_fin_is_sent_again_with_its_text),
		cmocka_unit_test(rfc6298_5_fin_alone_is_sent_again),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_unsent_fin_cannot_be_acknowledged),
		cmocka_unit_test(rfc9293_3_8_6_1_probe_of_the_last_byte_has_no_fin),
		cmocka_unit_test(rfc9293_3_8_6_1_fin_alone_waits_for_a_window),
		cmocka_unit_test(rfc9293_3_10_4_close_wait_to_last_ack_with_text_queued),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_closing_with_text_queued),
		cmocka_unit_test(rfc9293_3_10_7_4_step8_time_wait_at_once),
		cmocka_unit_test(design_fin_wait_2_without_a_reader_after_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
