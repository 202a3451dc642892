/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_probe.c - a window that is closed: probed, for as long as the peer answers, and
 * what follows when it opens. RFC 9293 3.8.6.1. */
#include "send_harness.h"

/* The peer says how much it has room for, and acknowledges text before byte N. */
static void
window(uint16_t wnd, uint32_t n)
{
	h.wnd = wnd;
	ACKED(n);
}

/* 5000 bytes are sent, the peer takes them and closes its window; more is written. */
static void
close_window(uint32_t rtt_ms, uint32_t more)
{
	send_enter(rtt_ms, 5000);
	send_write(5000);
	SAME(5000, SEND_ALL());
	window(0, 5000);
	NO_MORE();
	NO_DEADLINE();
	send_write(more);
	NO_MORE();
}

/* RFC 9293 3.8.6.1 MUST-36, SHLD-29: one byte, after the retransmission time-out. */
TCP_TEST(rfc9293_3_8_6_1_closed_window_is_probed_with_one_byte)
{
	close_window(0, 3000);
	SAME(TCP_RTO_MIN_MS, EXPIRE());
	OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
	NO_MORE();
	STATE(TCP_ESTABLISHED);
	/* Not a byte more while it stays closed, however often it says so. */
	window(0, 5000);
	NO_MORE();
	window(0, 5000);
	NO_MORE();
	window(0, 5000);
	NO_MORE();
}

TCP_TEST(rfc9293_3_8_6_1_window_closed_from_the_start_is_probed)
{
	send_enter(0, 0);
	send_write(10);
	NO_MORE();
	EXPIRE();
	OUT(.at = 0, .text = 1, .sent = TCP_SENT_PROBE);
	NO_MORE();
}

/* SHLD-30: twice as long between probes each time, to 60 s. */
TCP_TEST(rfc9293_3_8_6_1_shld_30_probes_back_off)
{
	uint32_t want = TCP_RTO_MIN_MS;
	int i;

	close_window(0, 3000);
	for (i = 0; i < 15; i++) {
		SAME(want, EXPIRE());
		OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
		NO_MORE();
		STATE(TCP_ESTABLISHED);
		want = want * 2 < TCP_RTO_MAX_MS ? want * 2 : TCP_RTO_MAX_MS;
	}
}

/* 3.8.3: R2 is 100 s at least; then the connection is closed. */
TCP_TEST(rfc9293_3_8_3_unanswered_probes_end_the_connection)
{
	tcp_ms start;
	int i;

	close_window(0, 3000);
	start = h.env.now;
	for (i = 0; i < 15; i++) {
		EXPIRE();
		OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
	}
	EXPIRE();
	GONE();
	TRUE(h.env.now - start >= 100000);
}

/* MUST-37: an answered probe keeps the connection for ever; the answers do not hurry the probes. */
TCP_TEST(rfc9293_must_37_answered_probes_keep_the_connection)
{
	uint32_t rto, last = 0;
	int i;

	close_window(0, 3000);
	for (i = 0; i < 60; i++) {
		rto = EXPIRE();
		TRUE(rto >= last && rto <= TCP_RTO_MAX_MS);
		last = rto;
		OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
		NO_MORE();
		STATE(TCP_ESTABLISHED);
		window(0, 5000);
		NO_MORE();
	}
	SAME(TCP_RTO_MAX_MS, last);
}

/* The peer may take the byte of a probe and stay closed; the next probe has the next byte. */
TCP_TEST(rfc9293_3_8_6_1_probe_that_is_taken)
{
	uint32_t i;

	close_window(0, 3000);
	for (i = 0; i < 20; i++) {
		EXPIRE();
		OUT(.at = 5000 + i, .text = 1, .sent = TCP_SENT_PROBE);
		NO_MORE();
		window(0, 5001 + i);
		NO_MORE();
		STATE(TCP_ESTABLISHED);
	}
	window(5000, 5020);
	OUT(.at = 5020, .text = MSS);
	OUT(.at = 5020 + MSS, .text = MSS);
	OUT(.at = 5020 + 2 * MSS, .text = 2980 - 2 * MSS);
	NO_MORE();
}

/* An opened window: on from SND.UNA, whatever a probe had sent of it. */
TCP_TEST(rfc9293_3_8_6_1_window_opens_again)
{
	int probes;

	for (probes = 0; probes < 3; probes++) {
		close_window(0, 3000);
		for (int i = 0; i < probes; i++) {
			EXPIRE();
			OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
		}
		window(5000, 5000);
		if (probes)
			OUT(.at = 5000, .text = MSS, .sent = TCP_SENT_AGAIN);
		else
			OUT(.at = 5000, .text = MSS);
		OUT(.at = 5000 + MSS, .text = MSS);
		OUT(.at = 5000 + 2 * MSS, .text = 3000 - 2 * MSS);
		NO_MORE();
		ACKED(8000);
		NO_MORE();
		NO_DEADLINE();
	}
}

/* Where nothing waits, no timer runs, whatever the window does. */
TCP_TEST(rfc9293_3_8_6_1_window_that_opens_for_nothing)
{
	close_window(0, 0);
	window(5000, 5000);
	NO_DEADLINE();
	NO_MORE();
	NO_DEADLINE();
}

/* A peer that opens its window and closes it, again and again, gets what it may have already only
 * as the timer sends it. */
TCP_TEST(rfc9293_3_8_6_1_window_that_opens_again_and_again)
{
	int i;

	close_window(0, 3000);
	EXPIRE();
	OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
	window(5000, 5000);
	SAME(3000, SEND_ALL());
	for (i = 0; i < 3; i++) {
		window(0, 5000);
		NO_MORE();
		window(5000, 5000);
		NO_MORE();
	}
}

/* ... does not put off what was lost before: its timer runs on. RFC 6298 5.1. */
TCP_TEST(rfc6298_5_1_window_that_opens_again_and_again_does_not_restart_the_timer)
{
	send_enter(0, 5000);
	send_write(MSS);
	FULL(1);
	DEADLINE_IN(TCP_RTO_MIN_MS);
	for (uint32_t waited = 50; waited < TCP_RTO_MIN_MS; waited += 50) {
		tcp_wait(50);
		window(0, 0);
		window(5000, 0);
		NO_MORE();
		DEADLINE_IN(TCP_RTO_MIN_MS - waited);
	}
	SAME(50, EXPIRE());
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
}

/* What goes once the window has opened has a time-out of its own, and not what was left until the
 * next probe. RFC 6298 5.1. */
TCP_TEST(rfc6298_5_1_window_that_opens_just_before_a_probe)
{
	close_window(0, 3000);
	SAME(TCP_RTO_MIN_MS, EXPIRE());
	OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
	NO_MORE();
	tcp_wait(2 * TCP_RTO_MIN_MS - 1);
	window(5000, 5000);
	SAME(3000, SEND_ALL());
	DEADLINE_IN(TCP_RTO_MIN_MS);
}

/* R2 counts what one segment is sent for: probes do not take from the text's retransmissions. */
TCP_TEST(rfc9293_3_8_3_text_has_all_its_retransmissions_after_probes)
{
	int i;

	close_window(0, 1000);
	for (i = 0; i < 10; i++) {
		EXPIRE();
		OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
	}
	window(5000, 5000);
	OUT(.at = 5000, .text = 1000, .sent = TCP_SENT_AGAIN);
	for (i = 0; i < 15; i++) {
		EXPIRE();
		OUT(.at = 5000, .text = 1000, .sent = TCP_SENT_AGAIN);
		STATE(TCP_ESTABLISHED);
	}
	EXPIRE();
	GONE();
}

/* RFC 6298 2: the probes' back-off may go, what was measured stays. */
TCP_TEST(rfc6298_2_window_that_opens_leaves_the_measured_timeout)
{
	send_enter(1000, 5000);
	send_write(5000);
	SAME(5000, SEND_ALL());
	tcp_wait(1000);
	window(0, 5000);
	send_write(1000);
	NO_MORE();
	SAME(3000, EXPIRE());
	OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
	tcp_wait(1000);
	window(5000, 5000);
	OUT(.at = 5000, .text = 1000, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	TRUE(EXPIRE() >= 3000);
	OUT(.at = 5000, .text = 1000, .sent = TCP_SENT_AGAIN);
}

/* ... the handshake's measurement too, and the 3 s where there was none (5.7). */
TCP_TEST(rfc6298_5_7_window_that_opens_leaves_the_first_timeout)
{
	int again;

	for (again = 0; again < 2; again++) {
		h.env.send = NULL;
		h.wnd = 0;
		tcp_syn(0);
		TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
		if (again) {
			tcp_expire();
			TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
		}
		h.rcv_nxt = h.irs + 1;
		h.snd_una = h.snd_nxt = h.iss + 1;
		tcp_wait(900);
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
		TX_NOTHING(DROP_NONE);
		send_open();
		send_write(1000);
		NO_MORE();
		SAME(again ? 3000 : 2700, EXPIRE());
		OUT(.at = 0, .text = 1, .sent = TCP_SENT_PROBE);
		window(5000, 0);
		OUT(.at = 0, .text = 1000, .sent = TCP_SENT_AGAIN);
		DEADLINE_IN(again ? 3000 : 2700);
	}
}

/* The update was lost and a probe's ACK tells of it. */
TCP_TEST(rfc9293_3_8_6_1_probe_is_acked_by_an_open_window)
{
	close_window(0, 3000);
	EXPIRE();
	OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
	window(4000, 5001);
	OUT(.at = 5001, .text = MSS);
	OUT(.at = 5001 + MSS, .text = MSS);
	OUT(.at = 5001 + 2 * MSS, .text = 2999 - 2 * MSS);
	NO_MORE();
}

/* A closed window, then text of the peer's: its ACKs are not the probes'. */
TCP_TEST(rfc9293_3_8_6_1_text_is_taken_while_the_window_is_closed)
{
	close_window(0, 3000);
	EXPIRE();
	OUT(.at = 5000, .text = 1, .sent = TCP_SENT_PROBE);
	RX(PSH | ACK, .seq = RCV_NXT, .ack = TEXT(5000), .text = 10);
	TX(ACK, .seq = TEXT(5001), .ack = RCV_NXT + 10, .unread = 10, .coalesce = true);
	NO_MORE();
	STATE(TCP_ESTABLISHED);
}

/* The peer's probes of our window, while it is closed and text is on its way: they are no ACKs that
 * carry no text. RFC 5681 2 (b). */
TCP_TEST(rfc5681_2_b_probes_of_our_window_are_no_duplicate_acks)
{
	int i;

	h.env.rcv_buff = 100;
	send_enter(0, 65535);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 100, .unread = 100, .coalesce = true);
	send_write(10 * MSS);
	for (i = 0; i < 10; i++)
		OUT(.at = (uint32_t)i * MSS, .text = MSS, .peer = 100, .unread = 100);
	NO_MORE();
	for (i = 0; i < 6; i++) {
		RX(ACK | (i % 2 ? FIN : 0), .seq = RCV_NXT + 100, .ack = SND_NXT, .text = !(i % 2));
		TX(ACK, .seq = TEXT(10 * MSS), .ack = RCV_NXT + 100, .unread = 100);
		NO_MORE();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_8_6_1_closed_window_is_probed_with_one_byte),
		cmocka_unit_test(rfc9293_3_8_6_1_window_closed_from_the_start_is_probed),
		cmocka_unit_test(rfc9293_3_8_6_1_shld_30_probes_back_off),
		cmocka_unit_test(rfc9293_3_8_3_unanswered_probes_end_the_connection),
		cmocka_unit_test(rfc9293_must_37_answered_probes_keep_the_connection),
		cmocka_unit_test(rfc9293_3_8_6_1_probe_that_is_taken),
		cmocka_unit_test(rfc9293_3_8_6_1_window_opens_again),
		cmocka_unit_test(rfc9293_3_8_6_1_window_that_opens_for_nothing),
		cmocka_unit_test(rfc9293_3_8_6_1_window_that_opens_again_and_again),
		cmocka_unit_test(
			rfc6298_5_1_window_that_opens_again_and_again_does_not_restart_the_timer),
		cmocka_unit_test(rfc6298_5_1_window_that_opens_just_before_a_probe),
		cmocka_unit_test(rfc9293_3_8_3_text_has_all_its_retransmissions_after_probes),
		cmocka_unit_test(rfc6298_2_window_that_opens_leaves_the_measured_timeout),
		cmocka_unit_test(rfc6298_5_7_window_that_opens_leaves_the_first_timeout),
		cmocka_unit_test(rfc9293_3_8_6_1_probe_is_acked_by_an_open_window),
		cmocka_unit_test(rfc9293_3_8_6_1_text_is_taken_while_the_window_is_closed),
		cmocka_unit_test(rfc5681_2_b_probes_of_our_window_are_no_duplicate_acks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
