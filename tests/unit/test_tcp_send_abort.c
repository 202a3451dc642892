/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_abort.c - connections that are reset, or closed in both directions, with text
 * unsent or on its way. RFC 9293 3.6.1, 3.10.5; rules.md sections 6.6 and 9. */
#include "send_harness.h"

/* The peer's FIN comes in order; sent is what of ours it was sent so far. */
static void
peer_closes(uint32_t acked, uint32_t sent)
{
	RX(FIN | ACK, .seq = RCV_NXT, .ack = TEXT(acked));
	TX(ACK, .seq = TEXT(sent), .ack = RCV_NXT + 1, .any_wnd = true);
	h.rcv_nxt++;
}

/* 3.6.1, RFC 2525 2.17: text of the peer's is unread; text of ours, sent or not, is dropped. */
TCP_TEST(rfc9293_3_6_1_close_with_unread_text_and_unsent_text)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	RX(PSH | ACK, .seq = RCV_NXT, .ack = TEXT(0), .text = 10);
	TX(ACK, .seq = TEXT(3 * MSS), .ack = RCV_NXT + 10, .unread = 10, .coalesce = true);
	NO_MORE();
	tcp_call_close();
	TX(RST | ACK, .seq = TEXT(3 * MSS), .ack = RCV_NXT + 10, .abort = true);
	RST_REASON(TCP_RST_UNREAD_DATA);
	GONE();
}

/* 3.10.5: <SEQ=SND.NXT>, the highest ever sent. */
TCP_TEST(rfc9293_3_10_5_abort_with_text_on_its_way)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	tcp_call_abort(TCP_RST_LINGER);
	TX(RST | ACK, .seq = TEXT(3 * MSS), .ack = RCV_NXT, .abort = true);
	GONE();

	/* ... while it goes back, too. */
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	tcp_call_abort(TCP_RST_LINGER);
	TX(RST | ACK, .seq = TEXT(3 * MSS), .ack = RCV_NXT, .abort = true);
	GONE();
}

/* 3.10.5: FIN-WAIT-1 sends a RST, CLOSING and LAST-ACK do not. */
TCP_TEST(rfc9293_3_10_5_abort_with_text_queued_behind_a_close)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	send_shutdown();
	tcp_call_abort(TCP_RST_LINGER);
	TX(RST | ACK, .seq = TEXT(3 * MSS), .ack = RCV_NXT, .abort = true);
	GONE();

	send_enter(0, 5000);
	peer_closes(0, 0);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	send_shutdown();
	STATE(TCP_LAST_ACK);
	tcp_call_abort(TCP_RST_LINGER);
	TX_NOTHING(DROP_NONE);
	GONE();
}

/* 6.6: closed in both directions with text queued: new text of the peer's is reset. */
TCP_TEST(rfc9293_3_6_1_new_text_for_an_orphan_with_unsent_text)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	send_close();
	NO_MORE();
	STATE(TCP_FIN_WAIT_1);
	RX(PSH | ACK, .seq = RCV_NXT, .ack = TEXT(MSS), .text = 10);
	TX(RST, .seq = TEXT(MSS), .ack = 0);
	RST_REASON(TCP_RST_AFTER_CLOSE);
	GONE();
}

/* A FIN without new text is none. */
TCP_TEST(rfc9293_6_6_fin_for_an_orphan_with_unsent_text)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	send_close();
	NO_MORE();
	peer_closes(0, 3 * MSS);
	STATE(TCP_CLOSING);
	ACKED(3 * MSS);
	SAME(3 * MSS, SEND_ALL());
}

/* After shutdown() somebody still reads. */
TCP_TEST(rfc9293_3_10_7_4_step7_text_is_taken_while_ours_is_queued)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	send_shutdown();
	NO_MORE();
	RX(PSH | ACK, .seq = RCV_NXT, .ack = TEXT(0), .text = 10);
	TX(ACK, .seq = TEXT(3 * MSS), .ack = RCV_NXT + 10, .unread = 10, .coalesce = true);
	STATE(TCP_FIN_WAIT_1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_6_1_close_with_unread_text_and_unsent_text),
		cmocka_unit_test(rfc9293_3_10_5_abort_with_text_on_its_way),
		cmocka_unit_test(rfc9293_3_10_5_abort_with_text_queued_behind_a_close),
		cmocka_unit_test(rfc9293_3_6_1_new_text_for_an_orphan_with_unsent_text),
		cmocka_unit_test(rfc9293_6_6_fin_for_an_orphan_with_unsent_text),
		cmocka_unit_test(rfc9293_3_10_7_4_step7_text_is_taken_while_ours_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
