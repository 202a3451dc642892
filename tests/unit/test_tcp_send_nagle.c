/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_nagle.c - how what was written is cut into segments: Eff.snd.MSS, the Nagle
 * algorithm as RFC 9293 A.3 has it, PSH. RFC 9293 3.7.1, 3.7.4, 3.8.6.2.1, 3.9.1.2. */
#include "send_harness.h"

TCP_TEST(rfc9293_3_9_1_2_nothing_is_sent_before_anything_is_written)
{
	send_enter(0, 65535);
	NO_MORE();
	NO_DEADLINE();
	send_write(0);
	NO_MORE();
	NO_DEADLINE();
	SAME(0, tcp_unacked(&h.c, &o.send));
}

/* RFC 9293 3.10.2: SEND. */
TCP_TEST(rfc9293_3_7_4_small_text_goes_at_once_if_nothing_is_in_flight)
{
	send_enter(0, 65535);
	send_write(100);
	SAME(100, tcp_unacked(&h.c, &o.send));
	OUT(.at = 0, .text = 100);
	NO_MORE();
	SAME(100, tcp_unacked(&h.c, &o.send));
	ACKED(100);
	NO_MORE();
	SAME(0, tcp_unacked(&h.c, &o.send));
	send_write(1);
	OUT(.at = 100, .text = 1);
	NO_MORE();
}

/* What is written meanwhile waits for the ACK and then goes as one segment. */
TCP_TEST(rfc9293_3_7_4_small_text_waits_for_the_ack_of_small_text)
{
	send_enter(0, 65535);
	send_write(100);
	OUT(.at = 0, .text = 100);
	send_write(30);
	NO_MORE();
	send_write(40);
	NO_MORE();
	ACKED(99);
	NO_MORE();
	ACKED(100);
	OUT(.at = 100, .text = 70);
	NO_MORE();
}

TCP_TEST(rfc9293_3_7_4_full_segment_does_not_wait)
{
	send_enter(0, 65535);
	send_write(100);
	OUT(.at = 0, .text = 100);
	send_write(MSS - 1);
	NO_MORE();
	send_write(1);
	OUT(.at = 100, .text = MSS);
	NO_MORE();
	send_write(2 * MSS + 7);
	OUT(.at = 100 + MSS, .text = MSS);
	OUT(.at = 100 + 2 * MSS, .text = MSS);
	NO_MORE();
	ACKED(100);
	OUT(.at = 100 + 3 * MSS, .text = 7);
	NO_MORE();
}

/* A.3: full segments in flight do not hold back the small one that ends a write. */
TCP_TEST(rfc9293_a_3_small_text_follows_full_segments)
{
	send_enter(0, 65535);
	send_write(2 * MSS + 100);
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS);
	OUT(.at = 2 * MSS, .text = 100);
	NO_MORE();
	send_write(50);
	NO_MORE();
	/* The full ones are acknowledged, the small one is not. */
	ACKED(2 * MSS);
	NO_MORE();
	ACKED(2 * MSS + 100);
	OUT(.at = 2 * MSS + 100, .text = 50);
	NO_MORE();
}

TCP_TEST(rfc9293_a_3_small_text_that_is_acked_holds_back_no_more)
{
	send_enter(0, 65535);
	send_write(100);
	OUT(.at = 0, .text = 100);
	send_write(MSS);
	OUT(.at = 100, .text = MSS);
	ACKED(100);
	/* A full one is in flight alone. */
	send_write(10);
	OUT(.at = 100 + MSS, .text = 10);
	NO_MORE();
}

/* MUST-61: the last buffered segment carries PSH, of a write that goes out in several too. OUT()
 * expects PSH where text ends and nowhere else. */
TCP_TEST(rfc9293_3_9_1_2_must_61_push_at_the_end_of_a_write)
{
	send_enter(0, 65535);
	send_write(3 * MSS);
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS);
	OUT(.at = 2 * MSS, .text = MSS);
	NO_MORE();
	send_write(MSS / 2);
	OUT(.at = 3 * MSS, .text = MSS / 2);
	NO_MORE();
}

/* MUST-16: the least of what the peer takes and what our link takes, less the options. */
TCP_TEST(rfc9293_3_7_1_must_16_effective_mss)
{
	static const struct {
		uint16_t peer, ours, want;
	} CASES[] = {
		{1460, 1460, 1460}, {1460, 8960, 1460}, {8960, 1460, 1460}, {536, 1460, 536},
		{1220, 1440, 1220}, {64, 1460, 64},     {1000, 999, 999},
	};
	uint32_t options;
	size_t i;

	for (i = 0; i < COUNT(CASES); i++) {
		send_enter(0, 65535);
		options = h.syn_options & TCP_OPT_TS ? 12 : 0;
		h.peer_mss = CASES[i].peer;
		h.env.mss = CASES[i].ours;
		send_open();
		send_write(2 * CASES[i].want);
		OUT(.at = 0, .text = CASES[i].want - options);
		OUT(.at = CASES[i].want - options, .text = CASES[i].want - options);
		if (options)
			OUT(.at = 2 * (CASES[i].want - options), .text = 2 * options);
		NO_MORE();
	}
}

/* Whatever was negotiated, what is sent says what has come. */
TCP_TEST(rfc9293_3_8_3_text_acknowledges_what_has_come)
{
	send_enter(0, 65535);
	send_write(MSS + 10);
	RX(PSH | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 77);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 77, .unread = 77, .coalesce = true);
	OUT(.at = 0, .text = MSS, .peer = 77, .unread = 77);
	OUT(.at = MSS, .text = 10, .peer = 77, .unread = 77);
	NO_MORE();
}

/* 7323 3.2, 4.3: every segment, sent again or not; TSecr is the newest TSval that came in order. */
TCP_TEST(rfc7323_3_2_every_segment_carries_the_newest_timestamp)
{
	send_enter(0, 65535);
	send_write(3 * MSS);
	OUT(.at = 0, .text = MSS);
	OUT(.at = MSS, .text = MSS);
	OUT(.at = 2 * MSS, .text = MSS);
	h.peer_ts += 5;
	h.ts_recent = h.peer_ts;
	h.env.tsval += 9;
	h.env.tsval += h.env.tsval == 0;
	ACKED(MSS);
	NO_MORE();
	h.env.tsval += 9;
	h.env.tsval += h.env.tsval == 0;
	EXPIRE();
	OUT(.at = MSS, .text = MSS, .sent = TCP_SENT_AGAIN);
	NO_MORE();
}

/* So many full segments are written, sent and acknowledged, a flight at a time. */
static void
transfer(uint32_t segments)
{
	struct tcp_reply r;
	uint32_t before = o.written, at = 0;

	send_write(segments * MSS);
	while (before != o.written) {
		uint32_t sent = before;

		while (tcp_send_next(&h.c, &h.env, &r)) {
			SAME(TCP_SENT_NEW, r.sent);
			sent += r.text;
			at = r.seq + r.text;
		}
		TRUE(sent != before);
		before = sent;
		ACKED(at - SND_NXT);
	}
	o.next = o.written;
	NO_MORE();
	NO_DEADLINE();
}

/* 3.4: more than 2^32 bytes on one connection; what was remembered of the first is not taken for
 * what is to come. */
TCP_TEST(rfc9293_3_4_numbers_go_all_the_way_round)
{
	uint32_t gib, at;

	h.syn_options |= TCP_OPT_WSCALE;
	h.syn_wscale = 7;
	h.env.mss = h.peer_mss = 65000;
	send_enter(0, 65535);
	send_write(10);
	OUT(.at = 0, .text = 10);
	ACKED(10);
	for (gib = 0; gib < 9; gib++) {
		for (at = 0; at < (1u << 29); at += 256 * 65000)
			transfer(256);
		/* Nagle, and fast retransmit, as at first. */
		at = o.written;
		send_write(1);
		OUT(.at = at, .text = 1);
		send_write(4 * MSS + 1);
		OUT(.at = at + 1, .text = MSS);
		OUT(.at = at + 1 + MSS, .text = MSS);
		OUT(.at = at + 1 + 2 * MSS, .text = MSS);
		OUT(.at = at + 1 + 3 * MSS, .text = MSS);
		NO_MORE();
		ACKED(at);
		ACKED(at);
		NO_MORE();
		ACKED(at);
		OUT(.at = at, .text = MSS, .sent = TCP_SENT_FAST);
		NO_MORE();
		ACKED(at + 1 + 4 * MSS);
		OUT(.at = at + 1 + 4 * MSS, .text = 1);
		NO_MORE();
		ACKED(o.written);
	}
}

/* The sequence numbers go half way round without a segment that is not full: the next small one
 * does not wait for the ACK of one that was never sent. */
TCP_TEST(rfc9293_3_7_4_small_segment_after_two_gigabytes_of_full_ones)
{
	struct tcp_reply r;

	h.env.mss = h.peer_mss = h.syn_mss = 60000;
	send_enter(0, 65535);
	for (o.written = 0; o.written < UINT32_C(0x80000000) + MSS; o.written += MSS) {
		tcp_write(&h.env, MSS);
		TRUE(tcp_send_next(&h.c, &h.env, &r) && r.text == MSS);
		h.seg.ack = r.seq + r.text;
		tcp_input(&h.c, &h.seg, &h.env, &r);
	}
	o.next = o.written;
	send_write(1);
	OUT(.at = o.next, .text = 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_9_1_2_nothing_is_sent_before_anything_is_written),
		cmocka_unit_test(rfc9293_3_7_4_small_text_goes_at_once_if_nothing_is_in_flight),
		cmocka_unit_test(rfc9293_3_7_4_small_text_waits_for_the_ack_of_small_text),
		cmocka_unit_test(rfc9293_3_7_4_full_segment_does_not_wait),
		cmocka_unit_test(rfc9293_a_3_small_text_follows_full_segments),
		cmocka_unit_test(rfc9293_a_3_small_text_that_is_acked_holds_back_no_more),
		cmocka_unit_test(rfc9293_3_9_1_2_must_61_push_at_the_end_of_a_write),
		cmocka_unit_test(rfc9293_3_7_1_must_16_effective_mss),
		cmocka_unit_test(rfc9293_3_8_3_text_acknowledges_what_has_come),
		cmocka_unit_test(rfc7323_3_2_every_segment_carries_the_newest_timestamp),
		cmocka_unit_test(rfc9293_3_4_numbers_go_all_the_way_round),
		cmocka_unit_test(rfc9293_3_7_4_small_segment_after_two_gigabytes_of_full_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
