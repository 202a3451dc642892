/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_window.c - the peer's window: obeyed to the byte and not cut into silly pieces. RFC
 * 9293 3.8.6, 3.8.6.2.1. */
#include "send_harness.h"

/* The peer says how much it has room for, and acknowledges text before byte N. */
static void
window(uint16_t wnd, uint32_t n)
{
	h.wnd = wnd;
	ACKED(n);
}

TCP_TEST(rfc9293_3_8_6_window_is_filled_to_the_byte)
{
	static const uint16_t WINDOWS[] = {5000, 3000, 2920, 2500};
	uint32_t left, at;
	size_t i;

	for (i = 0; i < COUNT(WINDOWS); i++) {
		send_enter(0, WINDOWS[i]);
		send_write(100000);
		for (at = 0, left = WINDOWS[i]; left >= MSS; at += MSS, left -= MSS)
			OUT(.at = at, .text = MSS);
		/* 3.8.6.2.1: what is left is less than a segment and than half of the window: it is
		 * not worth a segment, until that is all there is. */
		if (left * 2 >= WINDOWS[i])
			OUT(.at = at, .text = left), at += left;
		NO_MORE();
		TRUE(at <= WINDOWS[i]);
	}
}

/* All that is left of the text goes if the window has room for it, and not a byte more. */
TCP_TEST(rfc9293_3_8_6_last_text_fills_the_window_to_the_byte)
{
	send_enter(0, 5000);
	send_write(5000);
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS);
	OUT(.at = 2 * MSS, .text = MSS);
	OUT(.at = 3 * MSS, .text = 5000 - 3 * MSS);
	NO_MORE();
	send_write(1);
	NO_MORE();

	send_enter(0, 5000);
	send_write(5001);
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS);
	OUT(.at = 2 * MSS, .text = MSS);
	NO_MORE();
}

/* RFC 7323 2.2: the window of the SYN is not scaled, all others are. */
TCP_TEST(rfc7323_2_2_window_is_scaled)
{
	h.syn_options |= TCP_OPT_WSCALE;
	h.syn_wscale = 3;
	BUFF = 65535;
	send_enter(0, 1000);
	send_write(100000);
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS);
	OUT(.at = 2 * MSS, .text = MSS);
	OUT(.at = 3 * MSS, .text = MSS);
	OUT(.at = 4 * MSS, .text = MSS);
	NO_MORE();
}

/* (3): half of the largest window ever is worth a segment. */
TCP_TEST(rfc9293_3_8_6_2_1_half_of_the_window_is_worth_a_segment)
{
	send_enter(0, 1000);
	send_write(3000);
	OUT(.at = 0, .text = 1000);
	NO_MORE();
	window(500, 1000);
	OUT(.at = 1000, .text = 500);
	NO_MORE();
	window(499, 1500);
	NO_MORE();
	window(1000, 1500);
	OUT(.at = 1500, .text = 1000);
	NO_MORE();
}

/* ... but only of what is not in flight; [SND.NXT = SND.UNA], as A.3 reads it. */
TCP_TEST(rfc9293_3_8_6_2_1_small_pieces_of_a_window_wait_for_acks)
{
	send_enter(0, 1000);
	send_write(3000);
	OUT(.at = 0, .text = 1000);
	window(1000, 500);
	NO_MORE();
	window(1000, 999);
	NO_MORE();
	window(1000, 1000);
	OUT(.at = 1000, .text = 1000);
	NO_MORE();
}

/* (4): the override time-out, 0.1 to 1 s, when nothing is in flight whose ACK could let it go. */
TCP_TEST(rfc9293_3_8_6_2_1_override_timeout_sends_what_the_window_has_room_for)
{
	uint32_t ms;

	send_enter(0, 5000);
	send_write(5000);
	TRUE(SEND_ALL() == 5000);
	send_write(3000);
	NO_MORE();
	window(400, 5000);
	NO_MORE();
	ms = EXPIRE();
	TRUE(ms >= 100 && ms <= 1000);
	OUT(.at = 5000, .text = 400);
	NO_MORE();
	STATE(TCP_ESTABLISHED);
	window(5000, 5400);
	OUT(.at = 5400, .text = MSS);
}

/* ... however long a round trip takes: RFC 9293 3.9.1.2 MUST-60. */
TCP_TEST(rfc9293_3_8_6_2_1_override_timeout_is_a_second_at_most)
{
	static const uint16_t ROOM[] = {400, 1};
	size_t i;

	for (i = 0; i < COUNT(ROOM); i++) {
		send_enter(2000, 5000);
		send_write(5000);
		SAME(5000, SEND_ALL());
		tcp_wait(2000);
		send_write(3000);
		window(ROOM[i], 5000);
		NO_MORE();
		TRUE(EXPIRE() <= 1000);
		OUT(.at = 5000, .text = ROOM[i]);
		NO_MORE();
	}
}

/* RFC 6298 5.1: text that goes because the window opens has all of its own time-out, whatever ran
 * for the window. */
TCP_TEST(rfc6298_5_1_timer_of_the_window_is_not_that_of_text)
{
	send_enter(2000, 5000);
	send_write(5000);
	SAME(5000, SEND_ALL());
	tcp_wait(2000);
	send_write(3000);
	window(400, 5000);
	NO_MORE();
	tcp_wait(500);
	window(5000, 5000);
	SAME(3000, SEND_ALL());
	/* SRTT + 4 * RTTVAR of round trips of 2 s. */
	DEADLINE_IN(6000);
}

/* 3.8.6: the window may shrink (SHLD-15, "not RECOMMENDED"); nothing new beyond it. */
TCP_TEST(rfc9293_3_8_6_must_34_window_that_shrinks)
{
	send_enter(0, 5000);
	send_write(10000);
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS);
	OUT(.at = 2 * MSS, .text = MSS);
	NO_MORE();
	/* SND.UNA + SND.WND is behind SND.NXT. */
	window(1000, MSS);
	NO_MORE();
	window(100, 2 * MSS);
	NO_MORE();
	STATE(TCP_ESTABLISHED);
	/* Normal retransmission of what is beyond the window is right, a crash of the arithmetic
	 * is not. */
	window(5000, 3 * MSS);
	OUT(.at = 3 * MSS, .text = MSS);
	OUT(.at = 4 * MSS, .text = MSS);
	OUT(.at = 5 * MSS, .text = MSS);
	NO_MORE();
}

/* 3.10.7.4 step 5: an ACK of less than SND.UNA changes nothing. */
TCP_TEST(rfc9293_3_10_7_4_step5_old_ack_does_not_change_the_window)
{
	send_enter(0, 5000);
	send_write(10000);
	SAME(3 * MSS, SEND_ALL());
	ACKED(MSS);
	OUT(.at = 3 * MSS, .text = MSS);
	NO_MORE();
	h.wnd = 60000;
	ACKED(0);
	NO_MORE();
}

/* SND.WL1: nor does a segment that is older than the one which set the window last. */
TCP_TEST(rfc9293_3_10_7_4_step5_older_segment_does_not_change_the_window)
{
	send_enter(0, 5000);
	h.wnd = 4 * 1460;
	RX(PSH | ACK, .seq = RCV_NXT + 10, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	h.wnd = 60000;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	send_write(10 * MSS);
	FULL(4);
	/* The next is as new. */
	RX(ACK, .seq = RCV_NXT + 10, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	FULL(6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_8_6_window_is_filled_to_the_byte),
		cmocka_unit_test(rfc9293_3_8_6_last_text_fills_the_window_to_the_byte),
		cmocka_unit_test(rfc7323_2_2_window_is_scaled),
		cmocka_unit_test(rfc9293_3_8_6_2_1_half_of_the_window_is_worth_a_segment),
		cmocka_unit_test(rfc9293_3_8_6_2_1_small_pieces_of_a_window_wait_for_acks),
		cmocka_unit_test(
			rfc9293_3_8_6_2_1_override_timeout_sends_what_the_window_has_room_for),
		cmocka_unit_test(rfc9293_3_8_6_2_1_override_timeout_is_a_second_at_most),
		cmocka_unit_test(rfc6298_5_1_timer_of_the_window_is_not_that_of_text),
		cmocka_unit_test(rfc9293_3_8_6_must_34_window_that_shrinks),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_old_ack_does_not_change_the_window),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_older_segment_does_not_change_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
