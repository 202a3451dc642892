/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_syn_ack.c - the SYN-ACK's options and window, of a connection and of a cookie. RFC 9293
 * 3.2, 3.7.1; RFC 7323 2 and 3; RFC 4987 3.6; rules.md 7.1 and 7.3. */
#include <string.h>

#include "tcp_harness.h"

/* The options of a SYN: every mixture of the four. */
#define MIXTURES 16

static void
syn_ack_is(uint8_t options, uint8_t wscale)
{
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	SAME(options, h.reply.options);
	SAME(h.env.mss, h.reply.mss);
	if (options & TCP_OPT_WSCALE)
		SAME(wscale, h.reply.wscale);
	if (options & TCP_OPT_TS) {
		SAME(h.env.tsval, h.reply.tsval);
		SAME(h.peer_ts, h.reply.tsecr);
	}
}

TCP_TEST(rfc9293_must_14_syn_ack_always_has_mss_and_of_the_rest_what_was_offered)
{
	unsigned int options;

	for (options = 0; options < MIXTURES; options++) {
		h.syn_options = (uint8_t)options;
		h.syn_wscale = 7;
		tcp_syn(0);
		syn_ack_is((uint8_t)(options | TCP_OPT_MSS), 0);
	}
}

/* RFC 6691: the MTU less the fixed headers, whatever options there are and whatever the peer's. */
TCP_TEST(rfc6691_2_mss_is_the_hosts_own)
{
	static const uint16_t PEERS[] = {0, 1, 536, 1220, 1460, 9000, 65535};
	static const uint16_t OURS[] = {1460, 1440, 8960};
	size_t i, j;

	for (i = 0; i < COUNT(PEERS); i++)
		for (j = 0; j < COUNT(OURS); j++) {
			h.env.mss = OURS[j];
			h.syn_mss = PEERS[i];
			tcp_syn(0);
			syn_ack_is((uint8_t)(h.syn_options | TCP_OPT_MSS), 0);
		}
}

TCP_TEST(rfc7323_2_3_window_shift_is_the_least_that_covers_the_buffer)
{
	static const struct {
		uint32_t buffer;
		uint8_t shift;
	} CASES[] = {
		{1, 0},       {65535, 0},      {65536, 1},      {131070, 1},
		{131072, 2},  {262140, 2},     {262144, 3},     {1048560, 4},
		{1048576, 5}, {536862720, 13}, {536870912, 14}, {1 << 30, 14},
	};
	size_t i;

	for (i = 0; i < COUNT(CASES); i++) {
		SAME(CASES[i].shift, tcp_window_shift(CASES[i].buffer));
		h.syn_options |= TCP_OPT_WSCALE;
		BUFF = CASES[i].buffer;
		tcp_syn(0);
		syn_ack_is(h.syn_options, CASES[i].shift);
	}
}

TCP_TEST(rfc7323_2_2_window_of_a_syn_ack_is_never_scaled)
{
	static const uint32_t BUFFERS[] = {1, 536, 14600, 65534, 65535, 65536, 200000, 1 << 30};
	size_t i, j;

	for (i = 0; i < COUNT(BUFFERS); i++)
		for (j = 0; j < 2; j++) {
			h.syn_options = (uint8_t)(TCP_OPT_MSS | (j ? TCP_OPT_WSCALE : 0));
			BUFF = BUFFERS[i];
			tcp_syn(0);
			/* receive_buffer to the byte, as far as 16 bits go. */
			TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
			SAME(BUFF < 65535 ? BUFF : 65535, h.reply.wnd);
			SAME(h.reply.wnd, tcp_rcv_wnd(&h.c));
		}
}

TCP_TEST(rfc7323_2_3_shift_above_14_counts_as_14)
{
	static const struct {
		uint8_t offered, used;
	} CASES[] = {{0, 0}, {1, 1}, {7, 7}, {13, 13}, {14, 14}, {15, 14}, {16, 14}, {255, 14}};
	size_t i;

	for (i = 0; i < COUNT(CASES); i++) {
		h.syn_options |= TCP_OPT_WSCALE;
		h.syn_wscale = CASES[i].offered;
		h.wnd = 1000;
		tcp_syn(0);
		TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
		SAME(1000, tcp_snd_wnd(&h.c));
		h.wnd = 3;
		RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
		TX_NOTHING(DROP_NONE);
		SAME(3u << CASES[i].used, tcp_snd_wnd(&h.c));
	}
}

TCP_TEST(rfc7323_2_2_without_the_option_nothing_is_scaled)
{
	h.syn_wscale = 7; /* a number without its option */
	tcp_enter(TCP_ESTABLISHED);
	SAME(5000, tcp_snd_wnd(&h.c));
}

/* 3.1: MSS, window scale and SACK-permitted are a SYN's alone. */
TCP_TEST(rules_7_1_options_of_a_syn_are_ignored_behind_it)
{
	struct tcp_seg seg;

	tcp_enter(TCP_ESTABLISHED);
	seg = (struct tcp_seg){
		.seq = RCV_NXT,
		.ack = SND_NXT,
		.text = 10,
		.wnd = 700,
		.mss = 1,
		.flags = ACK,
		.options = (uint8_t)(TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK |
				     (h.syn_options & TCP_OPT_TS)),
		.wscale = 9,
		.tsval = h.peer_ts,
	};
	h.verdict = tcp_input(&h.c, &seg, &h.env, &h.reply);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
	SAME(700, tcp_snd_wnd(&h.c));
}

TCP_TEST(rfc7323_3_2_timestamps_go_on_as_they_were_negotiated)
{
	tcp_enter(TCP_SYN_RECEIVED);
	h.env.tsval += 250;
	h.peer_ts += 100;
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1, .text = 10);
	h.ts_recent = h.peer_ts;
	TX(ACK, .seq = ISS + 1, .ack = IRS + 11, .unread = 10);
}

TCP_TEST(rfc4987_3_6_cookie_syn_ack_keeps_no_options_without_timestamps)
{
	struct tcp_seg syn;
	unsigned int options, kept;

	for (options = 0; options < MIXTURES; options++) {
		h.syn_options = (uint8_t)options;
		h.syn_wscale = 7;
		syn = tcp_syn_segment();
		h.reply = (struct tcp_reply){.flags = 0xff};
		tcp_open_cookie(&syn, ISS, &h.env, &h.reply);
		/* Window scale and SACK live in the timestamp. */
		kept = options & TCP_OPT_TS ? options : 0;
		syn_ack_is((uint8_t)(kept | TCP_OPT_MSS), 0);
	}
}

/* The connection that a cookie's ACK makes is the one that its SYN would have made. */
static void
open_from_cookie(uint8_t options, uint8_t wscale)
{
	struct tcp_syn_options syn = {.options = options, .wscale = wscale};
	bool ts = options & TCP_OPT_TS;

	h.syn_options = (uint8_t)(TCP_OPT_MSS | options);
	h.seg = (struct tcp_seg){
		.seq = IRS + 1,
		.ack = ISS + 1,
		.wnd = h.wnd,
		.flags = ACK,
		.options = ts ? TCP_OPT_TS : 0,
		.tsval = ts ? h.peer_ts : 0,
		.tsecr = ts ? h.env.tsval : 0,
	};
	memset(&h.c, 0xee, sizeof(h.c));
	tcp_open_from_cookie(&h.c, &h.seg, &syn, &h.env);
	SAME(0, h.c.timer.call_ms);
	SAME(TCP_SYN_RECEIVED, h.c.state);
	SAME((uint32_t)(IRS + 1), h.c.rcv.nxt);
	SAME(ISS, h.c.snd.una);
	SAME((uint32_t)(ISS + 1), h.c.snd.nxt);
}

TCP_TEST(rfc4987_3_6_ack_of_a_cookie_establishes)
{
	open_from_cookie(h.syn_options & TCP_OPT_TS, 0);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_ESTABLISHED);
	NO_DEADLINE();
	SAME(5000, tcp_snd_wnd(&h.c));
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1, .text = 10);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 11, .unread = 10);
	tcp_call_shutdown();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 11, .unread = 10);
}

TCP_TEST(rfc4987_3_6_ack_of_a_cookie_brings_text_and_fin)
{
	open_from_cookie(h.syn_options & TCP_OPT_TS, 0);
	RX(FIN | ACK, .seq = IRS + 1, .ack = ISS + 1, .text = 10);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 12, .unread = 11);
	STATE(TCP_CLOSE_WAIT);
}

TCP_TEST(rfc4987_3_6_ack_of_a_cookie_has_the_scale_that_the_timestamp_kept)
{
	BUFF = 200000; /* shift 2 */
	h.wnd = 100;
	open_from_cookie(TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK, 6);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1, .text = 1000);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1001, .any_wnd = true);
	SAME((200000 - 1000) >> 2, h.reply.wnd);
	STATE(TCP_ESTABLISHED);
	SAME(100u << 6, tcp_snd_wnd(&h.c));
}

TCP_TEST(rfc7323_2_3_ack_of_a_cookie_has_a_scale_of_14_at_most)
{
	h.wnd = 3;
	open_from_cookie(TCP_OPT_TS | TCP_OPT_WSCALE, 14);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	SAME(3u << 14, tcp_snd_wnd(&h.c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			rfc9293_must_14_syn_ack_always_has_mss_and_of_the_rest_what_was_offered),
		cmocka_unit_test(rfc6691_2_mss_is_the_hosts_own),
		cmocka_unit_test(rfc7323_2_3_window_shift_is_the_least_that_covers_the_buffer),
		cmocka_unit_test(rfc7323_2_2_window_of_a_syn_ack_is_never_scaled),
		cmocka_unit_test(rfc7323_2_3_shift_above_14_counts_as_14),
		cmocka_unit_test(rfc7323_2_2_without_the_option_nothing_is_scaled),
		cmocka_unit_test(rules_7_1_options_of_a_syn_are_ignored_behind_it),
		cmocka_unit_test(rfc7323_3_2_timestamps_go_on_as_they_were_negotiated),
		cmocka_unit_test(rfc4987_3_6_cookie_syn_ack_keeps_no_options_without_timestamps),
		cmocka_unit_test(rfc4987_3_6_ack_of_a_cookie_establishes),
		cmocka_unit_test(rfc4987_3_6_ack_of_a_cookie_brings_text_and_fin),
		cmocka_unit_test(rfc4987_3_6_ack_of_a_cookie_has_the_scale_that_the_timestamp_kept),
		cmocka_unit_test(rfc7323_2_3_ack_of_a_cookie_has_a_scale_of_14_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
