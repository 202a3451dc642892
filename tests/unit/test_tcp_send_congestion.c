/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_congestion.c - how much may be on its way: initial window, slow start, congestion
 * avoidance, time-outs, idle. RFC 6928; RFC 5681 3.1, 4.1. */
#include "send_harness.h"

/* So many full segments more are written. */
static void
write_full(uint32_t segments)
{
	send_write(segments * MSS);
}

/* All of it that was sent is acknowledged at once. */
static void
ack_all(void)
{
	ACKED(o.next);
}

TCP_TEST(rfc6928_2_initial_window)
{
	static const struct {
		uint16_t mss;
		uint32_t bytes;
	} CASES[] = {
		/* min(10 MSS, max(2 MSS, 14600)) */
		{536, 5360},   {1220, 12200}, {1460, 14600}, {2000, 14600},
		{7300, 14600}, {8000, 16000}, {8960, 17920},
	};
	uint32_t want, mss;
	size_t i;

	for (i = 0; i < COUNT(CASES); i++) {
		send_enter(0, 65535);
		h.peer_mss = CASES[i].mss;
		h.env.mss = 8960;
		send_open();
		send_write(60000);
		mss = CASES[i].mss - (h.syn_options & TCP_OPT_TS ? 12u : 0);
		want = 10 * mss < 14600 ? 10 * mss : 2 * mss > 14600 ? 2 * mss : 14600;
		if (mss == CASES[i].mss)
			SAME(CASES[i].bytes, want);
		/* Full segments: what is less than one waits. */
		for (; want >= mss; want -= mss)
			OUT(.at = o.next, .text = mss);
		NO_MORE();
	}
}

/* ... of one segment where the SYN-ACK had to be sent again. RFC 5681 3.1. */
TCP_TEST(rfc5681_3_1_one_segment_after_a_lost_syn_ack)
{
	h.wnd = 65535;
	tcp_syn(0);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	tcp_expire();
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	h.rcv_nxt = h.irs + 1;
	h.snd_una = h.snd_nxt = h.iss + 1;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	send_open();
	write_full(20);
	FULL(1);
	ACKED(MSS);
	FULL(2);
	ACKED(2 * MSS);
	FULL(2);
	ACKED(3 * MSS);
	FULL(2);
}

/* cwnd += min(N, SMSS) for each ACK that acknowledges something. */
TCP_TEST(rfc5681_3_1_slow_start)
{
	uint32_t i;

	send_enter(0, 65535);
	write_full(44);
	FULL(10);
	for (i = 1; i <= 10; i++) {
		ACKED(i * MSS);
		FULL(2);
	}
	/* An ACK of two segments opens the window by one, as does one of one. */
	ACKED(12 * MSS);
	FULL(3);
	ACKED(13 * MSS);
	FULL(2);
}

/* What was not in use says nothing of what the network carries: small exchanges do not open it. */
TCP_TEST(rfc7661_4_3_window_that_is_not_used_does_not_grow)
{
	uint32_t i;

	send_enter(0, 65535);
	for (i = 1; i <= 30; i++) {
		write_full(1);
		FULL(1);
		ACKED(i * MSS);
	}
	write_full(20);
	FULL(10);
}

/* (2), against ACK division: a byte acknowledged is a byte more and not a segment. */
TCP_TEST(rfc5681_3_1_ack_division_gains_nothing)
{
	uint32_t i;

	send_enter(0, 65535);
	write_full(40);
	FULL(10);
	for (i = 1; i <= 20; i++) {
		ACKED(i * (MSS / 20));
		if (i < 10)
			NO_MORE();
		else
			SEND_ALL();
	}
	/* A segment is acknowledged in twenty parts: two go, not twenty. */
	TRUE(o.next <= 12 * MSS);
}

/* (4): ssthresh is half of what was on its way; 3.1: one segment after a time-out; slow start to
 * ssthresh, then a segment a round trip. */
TCP_TEST(rfc5681_3_1_timeout)
{
	uint32_t flight, acked, round;

	send_enter(0, 65535);
	write_full(400);
	FULL(10);
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	/* The peer had all the rest. cwnd is 2, ssthresh 5. */
	ACKED(10 * MSS);
	FULL(2);
	ACKED(11 * MSS);
	FULL(2);
	ACKED(12 * MSS);
	FULL(2);
	ACKED(13 * MSS);
	FULL(2);
	acked = 13;
	flight = 5;
	for (round = 1; round <= 12; round++) {
		uint32_t before = flight, i;

		for (i = 0; i < before; i++) {
			ACKED(++acked * MSS);
			flight += SEND_ALL() / MSS - 1;
		}
		/* Where cwnd and ssthresh are the same, either may be done: 6. */
		TRUE(flight <= before + 1 + (round == 1));
	}
	/* "Roughly one full-sized segment per round trip". */
	TRUE(flight >= 5 + 9 && flight <= 5 + 13);
}

/* ... one segment, and not a byte of the next, though that would be all there is. */
TCP_TEST(rfc5681_3_1_timeout_sends_one_segment)
{
	send_enter(0, 65535);
	send_write(MSS + 1);
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = 1);
	NO_MORE();
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
}

/* (4): two segments at least. */
TCP_TEST(rfc5681_3_1_ssthresh_is_two_segments_at_least)
{
	uint32_t acked, flight;

	send_enter(0, 65535);
	write_full(1);
	FULL(1);
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	ACKED(MSS);
	write_full(40);
	FULL(2);
	flight = 2;
	for (acked = 2; acked < 8; acked++) {
		ACKED(acked * MSS);
		flight += SEND_ALL() / MSS - 1;
	}
	/* Slow start would have made it 8 by now, linear growth 4 or 5. */
	TRUE(flight >= 3 && flight <= 5);
}

/* ... however small what was on its way: slow start goes on by what is acknowledged. */
TCP_TEST(rfc5681_3_1_ssthresh_behind_a_small_segment)
{
	send_enter(0, 65535);
	send_write(1000);
	OUT(.at = 0, .text = 1000);
	NO_MORE();
	EXPIRE();
	OUT(.at = 0, .text = 1000, .sent = TCP_SENT_AGAIN);
	ACKED(1000);
	write_full(5);
	OUT(.at = 1000, .text = MSS);
	NO_MORE();
}

/* 3.1: "the value of ssthresh is held constant" while the timer sends the same segment again. */
TCP_TEST(rfc5681_3_1_second_timeout_leaves_ssthresh)
{
	uint32_t i;

	send_enter(0, 65535);
	write_full(100);
	FULL(10);
	for (i = 1; i <= 10; i++) {
		ACKED(i * MSS);
		FULL(2);
	}
	/* 20 are on their way. */
	for (i = 0; i < 3; i++) {
		EXPIRE();
		OUT(.at = 10 * MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
		NO_MORE();
	}
	ACKED(30 * MSS);
	FULL(2);
	/* Slow start goes to 10. */
	for (i = 31; i <= 38; i++) {
		ACKED(i * MSS);
		FULL(2);
	}
}

/* MUST-38: what the congestion window has room for is not cut into silly segments, when it is sent
 * again either. */
TCP_TEST(rfc9293_must_38_segments_sent_again_are_full)
{
	uint32_t i;

	send_enter(0, 65535);
	write_full(100);
	FULL(10);
	for (i = 1; i <= 10; i++) {
		ACKED(i * MSS);
		FULL(2);
	}
	EXPIRE();
	OUT(.at = 10 * MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	/* ACKs of half a segment: the window is now and then half a segment more. */
	for (i = 21; i <= 120; i++) {
		struct tcp_reply r;

		ACKED(i * (MSS / 2));
		while (tcp_send_next(&h.c, &h.env, &r))
			SAME(MSS, r.text);
	}
	STATE(TCP_ESTABLISHED);
}

/* 4.1: no more than min(IW, cwnd) after more than RTO in which nothing was sent. */
TCP_TEST(rfc5681_4_1_restart_after_idle)
{
	uint32_t open;

	send_enter(0, 65535);
	send_grow(40);
	write_full(44);
	open = SEND_ALL();
	TRUE(open >= 20 * MSS);
	ack_all();
	SEND_ALL();
	ack_all();
	/* Not "exceeding" it yet. */
	tcp_wait(TCP_RTO_MIN_MS);
	write_full(44);
	TRUE(SEND_ALL() >= open);
	ack_all();
	SEND_ALL();
	ack_all();
	SAME(o.written, o.next);
	tcp_wait(TCP_RTO_MIN_MS + 1);
	write_full(44);
	FULL(10);
}

/* RW is cwnd where that is less. */
TCP_TEST(rfc5681_4_1_restart_does_not_open_the_window)
{
	send_enter(0, 65535);
	write_full(1);
	FULL(1);
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	ACKED(MSS);
	tcp_wait(100000);
	write_full(44);
	FULL(2);
}

/* Idle for less than RTO with text on its way is not idle. */
TCP_TEST(rfc5681_4_1_waiting_for_acks_is_not_idle)
{
	send_enter(1000, 65535);
	write_full(44);
	FULL(10);
	tcp_wait(2900);
	ACKED(MSS);
	FULL(2);
	tcp_wait(2900);
	ACKED(2 * MSS);
	FULL(2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6928_2_initial_window),
		cmocka_unit_test(rfc5681_3_1_one_segment_after_a_lost_syn_ack),
		cmocka_unit_test(rfc5681_3_1_slow_start),
		cmocka_unit_test(rfc7661_4_3_window_that_is_not_used_does_not_grow),
		cmocka_unit_test(rfc5681_3_1_ack_division_gains_nothing),
		cmocka_unit_test(rfc5681_3_1_timeout),
		cmocka_unit_test(rfc5681_3_1_timeout_sends_one_segment),
		cmocka_unit_test(rfc5681_3_1_ssthresh_is_two_segments_at_least),
		cmocka_unit_test(rfc5681_3_1_ssthresh_behind_a_small_segment),
		cmocka_unit_test(rfc5681_3_1_second_timeout_leaves_ssthresh),
		cmocka_unit_test(rfc9293_must_38_segments_sent_again_are_full),
		cmocka_unit_test(rfc5681_4_1_restart_after_idle),
		cmocka_unit_test(rfc5681_4_1_restart_does_not_open_the_window),
		cmocka_unit_test(rfc5681_4_1_waiting_for_acks_is_not_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
