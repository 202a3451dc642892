/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_recovery.c - from a fast retransmit on: fast recovery (RFC 5681 3.2, RFC 6582 3.2).
 */
#include "send_harness.h"

/* Steps 2 to 4: ssthresh is half of what was on its way without limited transmit's (MUST NOT), cwnd
 * that and three; each further duplicate makes it one more. */
TCP_TEST(rfc5681_3_2_steps_2_to_5_inflation)
{
	int i;

	ten_on_their_way(40);
	three_duplicates_with_more();
	NO_MORE();
	/* 12 are on their way, cwnd is 5 + 3. */
	for (i = 4; i <= 7; i++) {
		DUP();
		NO_MORE();
	}
	for (i = 8; i <= 11; i++) {
		DUP();
		FULL(1);
	}
	/* Step 6: deflated to ssthresh; 4 are on their way. */
	ACKED(12 * MSS);
	FULL(1);
	/* Congestion avoidance. */
	ACKED(13 * MSS);
	FULL(1);
	ACKED(14 * MSS);
	FULL(1);
}

TCP_TEST(rfc5681_3_2_ssthresh_is_two_segments_at_least)
{
	send_enter(0, 65535);
	send_write(2 * MSS);
	FULL(2);
	three_duplicates();
	send_write(40 * MSS);
	/* 2 are on their way, cwnd is 2 + 3. */
	FULL(3);
	DUP();
	FULL(1);
}

/* RFC 6582 3.2 step 3: an ACK of some, not of all: the next hole is filled at once, cwnd is
 * deflated by what was acknowledged less a segment. */
TCP_TEST(rfc6582_3_2_step_3_partial_ack)
{
	int i;

	ten_on_their_way(40);
	three_duplicates_with_more();
	for (i = 4; i <= 7; i++) {
		DUP();
		NO_MORE();
	}
	DUP();
	FULL(1);
	/* cwnd is 13: 13 - 4 + 1 = 10, of which 9 are on their way. */
	ACKED(4 * MSS);
	FAST(4);
	FULL(1);
	/* Duplicates of the partial ACK inflate, and do not send the segment a second time. */
	for (i = 0; i < 5; i++) {
		ACKED(4 * MSS);
		FULL(1);
	}
	ACKED(8 * MSS);
	FAST(8);
	SEND_ALL();
	ACKED(12 * MSS);
	STATE(TCP_ESTABLISHED);
}

/* ... but is a segment at least, whatever was acknowledged, and what comes of small ACKs is no
 * less.
 */
TCP_TEST(rfc6582_3_2_step_3_cwnd_is_a_segment_at_least)
{
	ten_on_their_way(10);
	three_duplicates();
	/* 8 - 8 + 1. */
	ACKED(8 * MSS);
	FAST(8);
	NO_MORE();
	ACKED(8 * MSS + MSS / 2);
	OUT(.at = 8 * MSS + MSS / 2, .text = MSS, .sent = TCP_SENT_FAST);
	NO_MORE();
	ACKED(9 * MSS);
	FAST(9);
	send_write(20 * MSS);
	/* One is on its way: there is room for another one with the first duplicate. */
	NO_MORE();
	ACKED(9 * MSS);
	FULL(1);
}

/* "reset the retransmit timer" */
TCP_TEST(rfc6582_3_2_step_3_partial_ack_restarts_the_timer)
{
	ten_on_their_way(10);
	tcp_wait(50);
	three_duplicates();
	DEADLINE_IN(TCP_RTO_MIN_MS - 50);
	tcp_wait(50);
	ACKED(3 * MSS);
	FAST(3);
	NO_MORE();
	DEADLINE_IN(TCP_RTO_MIN_MS);
}

/* Step 2: none for what was sent before the last one began. */
TCP_TEST(rfc6582_3_2_step_2_no_second_fast_retransmit_below_recover)
{
	ten_on_their_way(10);
	three_duplicates();
	ACKED(10 * MSS);
	send_write(20 * MSS);
	SEND_ALL();
	/* "covers more than the value of recover": it does not yet. */
	ACKED(10 * MSS);
	SEND_ALL();
	ACKED(10 * MSS);
	SEND_ALL();
	ACKED(10 * MSS);
	NO_MORE();
	ACKED(11 * MSS);
	SEND_ALL();
	ACKED(11 * MSS);
	SEND_ALL();
	ACKED(11 * MSS);
	SEND_ALL();
	ACKED(11 * MSS);
	FAST(11);
	NO_MORE();
}

/* Step 4: a time-out ends fast recovery; duplicates of what it sends again mean nothing. */
TCP_TEST(rfc6582_3_2_step_4_timeout)
{
	int i;

	ten_on_their_way(20);
	three_duplicates_with_more();
	NO_MORE();
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	for (i = 0; i < 8; i++) {
		DUP();
		NO_MORE();
	}
	ACKED(6 * MSS);
	OUT(.at = 6 * MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	OUT(.at = 7 * MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
}

/* ... whether there was a fast retransmit before or not: three duplicate ACKs of what was sent
 * before the time-out say nothing. */
TCP_TEST(rfc6582_3_2_step_4_timeout_alone)
{
	int i;

	ten_on_their_way(20);
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	for (i = 0; i < 8; i++) {
		DUP();
		NO_MORE();
	}
}

/* Not a byte of what was never sent, though a full segment would have room for it. */
TCP_TEST(rfc9293_3_8_6_fast_retransmit_obeys_the_window)
{
	send_enter(0, 1000);
	send_write(3000);
	OUT(.at = 0, .text = 1000);
	NO_MORE();
	DUP();
	NO_MORE();
	DUP();
	NO_MORE();
	DUP();
	OUT(.at = 0, .text = 1000, .sent = TCP_SENT_FAST);
	NO_MORE();
}

/* The FIN that was sent with the last segment goes again with it. */
TCP_TEST(rfc6582_3_2_step_3_hole_at_the_end_has_the_fin)
{
	send_enter(0, 65535);
	send_write(4 * MSS + 7);
	send_shutdown();
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS);
	OUT(.at = 2 * MSS, .text = MSS);
	OUT(.at = 3 * MSS, .text = MSS);
	OUT(.at = 4 * MSS, .text = 7, .fin = true);
	NO_MORE();
	three_duplicates();
	ACKED(4 * MSS);
	OUT(.at = 4 * MSS, .text = 7, .fin = true, .sent = TCP_SENT_FAST);
	NO_MORE();
	STATE(TCP_FIN_WAIT_1);
	ACKED(4 * MSS + 8);
	STATE(TCP_FIN_WAIT_2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5681_3_2_steps_2_to_5_inflation),
		cmocka_unit_test(rfc5681_3_2_ssthresh_is_two_segments_at_least),
		cmocka_unit_test(rfc6582_3_2_step_3_partial_ack),
		cmocka_unit_test(rfc6582_3_2_step_3_cwnd_is_a_segment_at_least),
		cmocka_unit_test(rfc6582_3_2_step_3_partial_ack_restarts_the_timer),
		cmocka_unit_test(rfc6582_3_2_step_2_no_second_fast_retransmit_below_recover),
		cmocka_unit_test(rfc6582_3_2_step_4_timeout),
		cmocka_unit_test(rfc6582_3_2_step_4_timeout_alone),
		cmocka_unit_test(rfc9293_3_8_6_fast_retransmit_obeys_the_window),
		cmocka_unit_test(rfc6582_3_2_step_3_hole_at_the_end_has_the_fin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
