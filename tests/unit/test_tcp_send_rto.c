/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_rto.c - when text is sent again because of time, and how often. RFC 6298; RFC 9293
 * 3.8.1, 3.8.3. */
#include "send_harness.h"

/* Writes one full segment and sends it. */
static void
send_one(void)
{
	uint32_t at = o.written;

	send_write(MSS);
	OUT(.at = at, .text = MSS);
	NO_MORE();
}

/* ... which is acknowledged after so long. */
static void
round_trip(uint32_t ms)
{
	send_one();
	tcp_wait(ms);
	ACKED(o.written);
	NO_MORE();
	NO_DEADLINE();
}

/* The timer runs for RTO from now: within 2 ms of what the RFC's arithmetic gives. */
static void
rto_is(struct story_where where, double rto)
{
	uint32_t ms = h.c.timer.tcp_ms - (uint32_t)h.env.now;
	double least = rto < TCP_RTO_MIN_MS ? TCP_RTO_MIN_MS : rto;

	least = least > TCP_RTO_MAX_MS ? TCP_RTO_MAX_MS : least;
	if (h.c.timer.tcp_ms == 0 || ms < least - 2 || ms > least + 2)
		story_fail(where, "RTO: expected %.1f ms, came %u ms", least, ms);
}
#define RTO(MS) rto_is(HERE, (MS))

TCP_TEST(rfc6298_2_2_handshake_is_the_first_measurement)
{
	static const uint32_t RTTS[] = {0, 1, 50, 67, 100, 900};
	size_t i;

	for (i = 0; i < COUNT(RTTS); i++) {
		send_enter(RTTS[i], 5000);
		send_one();
		RTO(3.0 * RTTS[i]);
	}
}

/* 2.2, 2.3: SRTT, RTTVAR and RTO as the RFC computes them, with alpha 1/8 and beta 1/4. */
TCP_TEST(rfc6298_2_3_rto_follows_the_round_trips)
{
	static const uint32_t RTTS[] = {100, 100, 300, 120, 80, 1000, 90, 90, 90, 90, 500, 0, 40};
	double srtt = 0, rttvar = 0, r, diff;
	size_t i;

	send_enter(100, 5000);
	for (i = 0; i < COUNT(RTTS); i++) {
		round_trip(RTTS[i]);
		r = RTTS[i];
		if (i == 0) {
			srtt = r;
			rttvar = r / 2;
		} else {
			diff = srtt > r ? srtt - r : r - srtt;
			rttvar = 0.75 * rttvar + 0.25 * diff;
			srtt = 0.875 * srtt + 0.125 * r;
		}
		send_one();
		RTO(srtt + 4 * rttvar);
		/* An ACK that measures nothing: the segment was sent again. */
		EXPIRE();
		OUT(.at = o.written - MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
		ACKED(o.written);
		NO_MORE();
	}
}

/* RFC 6298 2.4, 2.5, with the house's floor. */
TCP_TEST(rfc6298_2_4_rto_is_200_ms_at_least_and_60_s_at_most)
{
	int i;

	send_enter(0, 5000);
	for (i = 0; i < 50; i++)
		round_trip(1);
	send_one();
	SAME(TCP_RTO_MIN_MS, EXPIRE());
	OUT(.at = o.written - MSS, .text = MSS, .sent = TCP_SENT_AGAIN);

	/* The SYN-ACK's own timer would expire: a handshake of a second at most. */
	send_enter(900, 5000);
	send_one();
	tcp_wait(2000);
	ACKED(o.written);
	send_one();
	RTO(6000);
	for (i = 0; i < 5; i++) {
		EXPIRE();
		OUT(.at = MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	}
	RTO(60000);
}

/* 5.1, 5.4, 5.5, 5.6: the earliest segment alone, after RTO, twice as long each time; and what is
 * not acknowledged by then is given up. R2 of 3.8.3 is 100 s at least. */
TCP_TEST(rfc6298_5_text_is_sent_again_15_times)
{
	uint32_t rto = TCP_RTO_MIN_MS;
	tcp_ms start;
	int i;

	send_enter(0, 5000);
	send_write(3 * MSS);
	FULL(3);
	start = h.env.now;
	for (i = 0; i < TCP_RETRIES; i++) {
		SAME(rto, EXPIRE());
		STATE(TCP_ESTABLISHED);
		OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
		NO_MORE();
		rto = rto * 2 < TCP_RTO_MAX_MS ? rto * 2 : TCP_RTO_MAX_MS;
	}
	SAME(TCP_RTO_MAX_MS, tcp_expire());
	TX_NOTHING(DROP_NONE);
	GONE();
	TRUE(h.env.now - start >= 100000);
}

/* ... counted anew once anything is acknowledged. */
TCP_TEST(rfc9293_3_8_3_progress_gives_all_retransmissions_again)
{
	int i, k;

	send_enter(0, 5000);
	send_write(3 * MSS);
	FULL(3);
	for (k = 0; k < 3; k++) {
		for (i = 0; i < TCP_RETRIES; i++) {
			EXPIRE();
			OUT(.at = (uint32_t)k * MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
		}
		ACKED(((uint32_t)k + 1) * MSS);
		if (k < 2)
			SEND_ALL();
		STATE(TCP_ESTABLISHED);
	}
	NO_MORE();
	NO_DEADLINE();
}

/* 5.1: a timer that runs is left alone by what is sent. */
TCP_TEST(rfc6298_5_1_timer_runs_from_the_first_segment)
{
	send_enter(0, 5000);
	send_one();
	tcp_wait(150);
	send_one();
	DEADLINE_IN(50);
}

/* RFC 6298 5.2: all is acknowledged; RFC 6298 5.3: something is. */
TCP_TEST(rfc6298_5_2_5_3_ack_stops_or_restarts_the_timer)
{
	send_enter(100, 5000);
	send_one();
	send_one();
	send_one();
	tcp_wait(100);
	ACKED(MSS);
	RTO(300);
	tcp_wait(50);
	/* Not an ACK of new data: the timer runs on. */
	ACKED(MSS);
	RTO(250);
	/* A part of a segment is new data. */
	ACKED(MSS + 1);
	RTO(300);
	ACKED(3 * MSS);
	NO_DEADLINE();
}

/* 3, Karn: a segment sent twice is not measured, and the backed-off RTO stays until one is. */
TCP_TEST(rfc6298_3_karn)
{
	send_enter(0, 5000);
	send_one();
	SAME(200, EXPIRE());
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	SAME(400, EXPIRE());
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	tcp_wait(10);
	ACKED(MSS);
	NO_DEADLINE();
	/* Not measured: still 800. */
	send_one();
	DEADLINE_IN(800);
	/* 5: "collapses" with the first measurement. */
	tcp_wait(10);
	ACKED(2 * MSS);
	send_one();
	RTO(30);
}

/* ... but by a timestamp that is echoed: it tells which of the two came. RFC 6298 3, RFC 7323 4.1.
 */
TCP_TEST(rfc7323_4_1_timestamp_measures_what_was_sent_again)
{
	if (!(h.syn_options & TCP_OPT_TS))
		return;
	send_enter(0, 5000);
	send_one();
	SAME(200, EXPIRE());
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	SAME(400, EXPIRE());
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	tcp_wait(120);
	h.echo_ms = 120;
	ACKED(MSS);
	send_one();
	RTO(3.0 * 120);
	/* One from the future says nothing. */
	SAME(360, EXPIRE());
	OUT(.at = MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	h.echo_ms = (uint32_t)-5;
	ACKED(2 * MSS);
	send_one();
	DEADLINE_IN(720);
	/* It need not have been sent more than twice. SRTT 117, RTTVAR 50. */
	SAME(720, EXPIRE());
	OUT(.at = 2 * MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	h.echo_ms = 100;
	ACKED(3 * MSS);
	send_one();
	RTO(7.0 / 8 * 120 + 1.0 / 8 * 100 + 4 * (3.0 / 4 * 60 + 1.0 / 4 * 20));
}

/* ... if timestamps were negotiated: what else comes in their place is nothing that we sent. */
TCP_TEST(rfc7323_4_1_timestamp_that_was_not_negotiated_measures_nothing)
{
	if (h.syn_options & TCP_OPT_TS)
		return;
	send_enter(0, 5000);
	send_one();
	SAME(200, EXPIRE());
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	h.echo_ms = 120;
	RX(ACK, .seq = RCV_NXT, .ack = TEXT(MSS), .ts = true);
	TX_NOTHING(DROP_NONE);
	send_one();
	DEADLINE_IN(400);
}

/* What is on its way behind a segment that was lost is not measured either: its ACK comes late
 * because of the loss. */
TCP_TEST(rfc6298_3_what_waits_behind_a_loss_is_not_measured)
{
	send_enter(0, 20000);
	send_write(4 * MSS);
	FULL(4);
	tcp_wait(10);
	ACKED(MSS); /* R = 10 */
	send_write(MSS);
	FULL(1);
	/* The second is lost, the others come: fast retransmit. */
	ACKED(MSS);
	ACKED(MSS);
	NO_MORE();
	ACKED(MSS);
	OUT(.at = MSS, .text = MSS, .sent = TCP_SENT_FAST);
	NO_MORE();
	tcp_wait(190);
	ACKED(5 * MSS);
	send_one();
	DEADLINE_IN(TCP_RTO_MIN_MS);
}

/* 5.7: the SYN-ACK was sent again: 3 s until measured. */
TCP_TEST(rfc6298_5_7_syn_ack_sent_again_makes_it_3_s)
{
	h.wnd = 5000;
	tcp_syn(0);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	tcp_expire();
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	h.rcv_nxt = h.irs + 1;
	h.snd_una = h.snd_nxt = h.iss + 1;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	send_open();
	send_one();
	DEADLINE_IN(3000);
	tcp_wait(20);
	ACKED(MSS);
	send_one();
	RTO(60);
}

/* 3.10.8: after the time-out the segments that follow go again too, as ACKs come; in order, cut
 * anew, and what was acknowledged meanwhile is left out. */
TCP_TEST(rfc9293_3_10_8_goes_back_to_what_is_not_acknowledged)
{
	send_enter(0, 20000);
	send_write(6 * MSS);
	FULL(6);
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	ACKED(MSS);
	OUT(.at = MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	OUT(.at = 2 * MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	/* The peer had the fourth and fifth. */
	ACKED(5 * MSS);
	OUT(.at = 5 * MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	ACKED(6 * MSS);
	NO_MORE();
	NO_DEADLINE();
}

/* While it goes back, what is acceptable is still all that was ever sent. 3.10.7.4 step 5. */
TCP_TEST(rfc9293_3_10_7_4_step5_acks_are_checked_against_all_that_was_sent)
{
	send_enter(0, 20000);
	send_write(6 * MSS);
	FULL(6);
	EXPIRE();
	OUT(.at = 0, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	RX(ACK, .seq = RCV_NXT, .ack = TEXT(6 * MSS + 1));
	TX(ACK, .seq = TEXT(6 * MSS), .ack = RCV_NXT);
	NO_MORE();
	ACKED(6 * MSS);
	STATE(TCP_ESTABLISHED);
	NO_MORE();
	NO_DEADLINE();
}

/* An ACK in the midst of a segment: on from there. */
TCP_TEST(rfc9293_3_10_7_4_step5_ack_of_a_part)
{
	send_enter(0, 20000);
	send_write(3 * MSS);
	FULL(3);
	ACKED(100);
	NO_MORE();
	EXPIRE();
	OUT(.at = 100, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
	ACKED(3 * MSS);
	NO_MORE();
}

/* A peer that acknowledges byte by byte restarts the timer with each: the round trip of a segment
 * that was sent once may be any number of minutes, and counts as the longest RTO. */
TCP_TEST(rfc6298_5_3_slow_acks_are_no_longer_than_the_longest_rto)
{
	uint32_t i;

	send_enter(0, 65535);
	send_one();
	for (i = 1; i < MSS; i++) {
		tcp_wait(190);
		ACKED(i);
		NO_MORE();
	}
	tcp_wait(190);
	ACKED(MSS);
	TRUE(o.send.srtt <= 8 * TCP_RTO_MAX_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6298_2_2_handshake_is_the_first_measurement),
		cmocka_unit_test(rfc6298_2_3_rto_follows_the_round_trips),
		cmocka_unit_test(rfc6298_2_4_rto_is_200_ms_at_least_and_60_s_at_most),
		cmocka_unit_test(rfc6298_5_text_is_sent_again_15_times),
		cmocka_unit_test(rfc9293_3_8_3_progress_gives_all_retransmissions_again),
		cmocka_unit_test(rfc6298_5_1_timer_runs_from_the_first_segment),
		cmocka_unit_test(rfc6298_5_2_5_3_ack_stops_or_restarts_the_timer),
		cmocka_unit_test(rfc6298_3_karn),
		cmocka_unit_test(rfc6298_5_3_slow_acks_are_no_longer_than_the_longest_rto),
		cmocka_unit_test(rfc7323_4_1_timestamp_measures_what_was_sent_again),
		cmocka_unit_test(rfc7323_4_1_timestamp_that_was_not_negotiated_measures_nothing),
		cmocka_unit_test(rfc6298_3_what_waits_behind_a_loss_is_not_measured),
		cmocka_unit_test(rfc6298_5_7_syn_ack_sent_again_makes_it_3_s),
		cmocka_unit_test(rfc9293_3_10_8_goes_back_to_what_is_not_acknowledged),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_acks_are_checked_against_all_that_was_sent),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_ack_of_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
