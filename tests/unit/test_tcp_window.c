/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_window.c - the receive window: what is advertised, what is taken, when it opens. RFC
 * 9293 3.8.6; RFC 7323 2; rules.md D-23, D-27 and section 9. */
#include "seed.h"
#include "tcp_harness.h"

TCP_TEST(rules_d23_window_is_the_buffer_less_what_is_unread)
{
	tcp_enter(TCP_ESTABLISHED);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1, .unread = 1);
	RX(ACK, .seq = RCV_NXT + 1, .ack = SND_NXT, .text = 30000);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 30001, .unread = 30001);
	RX(ACK, .seq = RCV_NXT + 30001, .ack = SND_NXT, .text = 35534);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 65535, .unread = 65535);
	SAME(0, h.reply.wnd);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rfc9293_must_35_zero_window_answers_every_probe)
{
	int i;

	BUFF = 1000;
	h.fill = 1000;
	tcp_enter(TCP_ESTABLISHED);
	for (i = 0; i < 50; i++) {
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 1);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 1000);
		SAME(0, h.reply.wnd);
		RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 1000);
		STATE(TCP_ESTABLISHED);
	}
}

/* RFC 9293 3.10.7.4 step 1: valid ACKs are still to be processed, even on text that is not taken.
 */
TCP_TEST(rfc9293_3_10_7_4_step1_zero_window_takes_the_ack_and_not_the_text)
{
	BUFF = 100;
	h.fill = 100;
	tcp_enter(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_2);

	tcp_enter(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 100);
	STATE(TCP_FIN_WAIT_2);

	/* Elsewhere than at RCV.NXT it counts for nothing. */
	tcp_enter(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT + 1, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 100);
	STATE(TCP_FIN_WAIT_1);
}

TCP_TEST(rules_d27_zero_window_does_not_take_a_fin)
{
	BUFF = 100;
	h.fill = 100;
	tcp_enter(TCP_ESTABLISHED);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 100);
	STATE(TCP_ESTABLISHED);
	/* Once there is room it is taken. */
	tcp_call_read(100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSE_WAIT);
}

/* RFC 9293 3.8.6.2.2: silly window avoidance, here min(MSS, BUFF / 2) = MSS. */
TCP_TEST(rfc9293_3_8_6_2_2_window_opens_by_a_segment_at_least)
{
	h.fill = 65535;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_read(1);
	TX_NOTHING(DROP_NONE);
	tcp_call_read(1458);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 65535); /* still shut */
	tcp_call_read(1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 65535 - 1460);
	/* 1460 can be sent now: the next is worth no segment of its own. */
	tcp_call_read(10000);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 1460);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1460, .unread = 65535 - 10000);
}

/* ... and here BUFF / 2. */
TCP_TEST(rfc9293_3_8_6_2_2_window_opens_by_half_of_a_small_buffer)
{
	BUFF = 1000;
	h.fill = 1000;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_read(499);
	TX_NOTHING(DROP_NONE);
	tcp_call_read(1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 500);
	tcp_call_read(500);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 100, .unread = 100);
}

TCP_TEST(rfc9293_3_8_6_2_2_window_of_one_byte_opens)
{
	static const uint32_t TINY[] = {1, 2, 3};
	size_t i;

	for (i = 0; i < COUNT(TINY); i++) {
		BUFF = h.fill = TINY[i];
		tcp_enter(TCP_ESTABLISHED);
		tcp_call_read(BUFF);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	}
}

TCP_TEST(rfc9293_3_8_6_2_2_window_opens_by_the_peers_mss)
{
	h.peer_mss = 536;
	h.fill = 65535;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_read(535);
	TX_NOTHING(DROP_NONE);
	tcp_call_read(1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = 65535 - 536);
}

TCP_TEST(rfc9293_3_8_6_2_2_window_that_is_open_needs_no_update)
{
	h.fill = 60000;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_read(60000);
	TX_NOTHING(DROP_NONE);
	/* The next ACK says it. */
	RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
}

/* While text is unread, the right edge moves in steps of a segment. */
TCP_TEST(rfc9293_3_8_6_2_2_right_edge_moves_in_steps)
{
	BUFF = 10000;
	h.fill = 5000;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_read(1000);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 100, .unread = 5100);
	tcp_call_read(459);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT + 100, .ack = SND_NXT, .text = 100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 200, .unread = 5200);
	tcp_call_read(1);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT + 200, .ack = SND_NXT, .text = 100);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 300, .unread = 5300 - 1460);
}

/* Row 2 and row 3 tell where the right edge is: a RST before it is challenged, one on it is not. */
static void
right_edge_is(struct story_where where, uint32_t edge, uint32_t rcv_nxt)
{
	tcp_rx(where, &(struct tcp_rx){.flags = RST, .seq = edge});
	tcp_tx_nothing(where, DROP_tcp_rst_out_of_window);
	tcp_rx(where, &(struct tcp_rx){.flags = RST, .seq = edge - 1});
	tcp_tx(where, &(struct tcp_tx){.flags = ACK,
				       .seq = SND_NXT,
				       .ack = rcv_nxt,
				       .challenge = true,
				       .any_wnd = true});
}

TCP_TEST(rules_1_window_is_what_was_advertised)
{
	BUFF = 1000;
	tcp_enter(TCP_ESTABLISHED);
	right_edge_is(HERE, RCV_NXT + 1000, RCV_NXT);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 300);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 300, .unread = 300);
	right_edge_is(HERE, RCV_NXT + 1000, RCV_NXT + 300);
	/* A read opens the buffer; the window opens when that is told. */
	tcp_call_read(300);
	TX_NOTHING(DROP_NONE);
	right_edge_is(HERE, RCV_NXT + 1000, RCV_NXT + 300); /* its challenge tells it */
	right_edge_is(HERE, RCV_NXT + 1300, RCV_NXT + 300);
}

TCP_TEST(rfc7323_2_2_window_is_scaled_from_the_first_ack_on)
{
	BUFF = 200000; /* shift 2 */
	h.syn_options |= TCP_OPT_WSCALE;
	tcp_enter(TCP_ESTABLISHED);
	right_edge_is(HERE, IRS + 1 + 65535, RCV_NXT); /* as the SYN-ACK said */
	SAME(50000, h.reply.wnd);
	right_edge_is(HERE, RCV_NXT + 200000, RCV_NXT);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 1000);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1000, .any_wnd = true);
	SAME(49750, h.reply.wnd);
	RX(ACK, .seq = RCV_NXT + 1000, .ack = SND_NXT, .text = 199000);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 200000, .any_wnd = true);
	SAME(0, h.reply.wnd);
}

TCP_TEST(rfc7323_2_2_window_is_65535_at_most_without_scaling)
{
	BUFF = 200000;
	tcp_enter(TCP_ESTABLISHED);
	h.env.reading = 150000;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 1000);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1000);
	SAME(65535, h.reply.wnd);
	right_edge_is(HERE, RCV_NXT + 1000 + 65535, RCV_NXT + 1000);
}

/* What random segments and reads do to the window of one connection. */
struct walk {
	struct seed seed;
	uint32_t rcv_nxt; /* of the connection, by its own ACKs */
	uint32_t edge;    /* the furthest that was advertised */
	uint32_t unread;
	uint8_t shift;
};

/* An ACK was sent: SHLD-14, the right edge does not move left; and it promises no more than there
 * is room for. With a scale the field cannot name every edge: less than one unit of it is lost or
 * gained (RFC 7323 2.4 and appendix F). */
static void
walk_acked(struct walk *w)
{
	uint32_t edge = h.reply.ack + ((uint32_t)h.reply.wnd << w->shift);

	SAME(ACK, h.reply.flags);
	if (seq_lt(edge + (1u << w->shift) - 1, w->edge))
		FAIL("the right edge moved left by %u", w->edge - edge);
	if (((uint32_t)h.reply.wnd << w->shift) > BUFF - w->unread + (1u << w->shift) - 1)
		FAIL("a window of %u for a buffer of %u with %u unread",
		     (uint32_t)h.reply.wnd << w->shift, BUFF, w->unread);
	w->edge = edge;
	w->rcv_nxt = h.reply.ack;
}

static void
walk_text(struct walk *w)
{
	uint32_t text = 1 + seed_below(&w->seed, seed_below(&w->seed, 2) ? 3000 : 7);
	uint32_t room = w->edge - w->rcv_nxt;
	uint32_t taken = text < room ? text : room;

	RX(ACK, .seq = w->rcv_nxt, .ack = SND_NXT, .text = text);
	h.unseen = false;
	SAME((uint32_t)(w->rcv_nxt + taken), h.reply.ack);
	w->unread += taken;
	walk_acked(w);
}

static void
walk_read(struct walk *w)
{
	uint32_t bytes = seed_below(&w->seed, w->unread + 1);

	tcp_call_read(bytes);
	h.unseen = false;
	w->unread -= bytes;
	if (h.reply.flags)
		walk_acked(w);
}

static void
rfc9293_shld_14_walk(void)
{
	static const uint32_t BUFFERS[] = {1,     2,      7,      1000,    65535,
					   65536, 131070, 100001, 1000003, 70000000};
	struct walk w = {.seed = {(uint64_t)h.iss << 32 | h.irs | h.syn_options}};
	size_t i;
	int n;

	for (i = 0; i < COUNT(BUFFERS); i++) {
		BUFF = BUFFERS[i];
		h.syn_options |= TCP_OPT_WSCALE;
		tcp_enter(TCP_ESTABLISHED);
		w.shift = tcp_window_shift(BUFF);
		w.rcv_nxt = RCV_NXT;
		w.edge = RCV_NXT + (BUFF < 65535 ? BUFF : 65535);
		w.unread = 0;
		for (n = 0; n < 400; n++)
			if (seed_below(&w.seed, 3))
				walk_text(&w);
			else
				walk_read(&w);
		SAME(w.unread, h.c.rcv.held);
	}
}

static void
rfc9293_shld_14_right_edge_never_moves_left(void **state)
{
	(void)state;
	tcp_run_scenario(rfc9293_shld_14_walk);
}

/* A scaled window cannot name every byte: it is rounded up where down would take back what was
 * promised, and by less than a unit. */
TCP_TEST(rfc9293_shld_14_scaled_window_is_rounded_up)
{
	uint32_t n;

	BUFF = 100000; /* in units of 2 */
	h.syn_options |= TCP_OPT_WSCALE;
	tcp_enter(TCP_ESTABLISHED);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 1000);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1000, .any_wnd = true);
	SAME(100000, 1000 + 2u * h.reply.wnd);
	for (n = 1000; n < 1020; n++) {
		RX(ACK, .seq = RCV_NXT + n, .ack = SND_NXT, .text = 1);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + n + 1, .any_wnd = true);
		TRUE(n + 1 + 2u * h.reply.wnd >= 100000);
		TRUE(n + 1 + 2u * h.reply.wnd <= 100001);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_d23_window_is_the_buffer_less_what_is_unread),
		cmocka_unit_test(rfc9293_must_35_zero_window_answers_every_probe),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_zero_window_takes_the_ack_and_not_the_text),
		cmocka_unit_test(rules_d27_zero_window_does_not_take_a_fin),
		cmocka_unit_test(rfc9293_3_8_6_2_2_window_opens_by_a_segment_at_least),
		cmocka_unit_test(rfc9293_3_8_6_2_2_window_opens_by_half_of_a_small_buffer),
		cmocka_unit_test(rfc9293_3_8_6_2_2_window_of_one_byte_opens),
		cmocka_unit_test(rfc9293_3_8_6_2_2_window_opens_by_the_peers_mss),
		cmocka_unit_test(rfc9293_3_8_6_2_2_window_that_is_open_needs_no_update),
		cmocka_unit_test(rfc9293_3_8_6_2_2_right_edge_moves_in_steps),
		cmocka_unit_test(rules_1_window_is_what_was_advertised),
		cmocka_unit_test(rfc7323_2_2_window_is_scaled_from_the_first_ack_on),
		cmocka_unit_test(rfc7323_2_2_window_is_65535_at_most_without_scaling),
		cmocka_unit_test(rfc9293_shld_14_right_edge_never_moves_left),
		cmocka_unit_test(rfc9293_shld_14_scaled_window_is_rounded_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
