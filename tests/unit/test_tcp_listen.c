/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_listen.c - a listener and no connection. RFC 9293 3.10.7.2; rules.md 6.2. */
#include "tcp_harness.h"

/* What tcp_input_listen() says to a segment with these flags, at the scenario's numbers. */
static bool
listen_input(uint8_t flags, uint32_t text)
{
	h.seg = (struct tcp_seg){
		.seq = h.irs, .ack = h.iss, .text = text, .wnd = h.wnd, .flags = flags};
	h.reply = (struct tcp_reply){.flags = 0xff, .drop = 0xff};
	return tcp_input_listen(&h.seg, &h.reply);
}

static void
stays_silent(uint8_t flags, uint32_t text, enum drop_reason reason)
{
	SAME(false, listen_input(flags, text));
	SAME(0, h.reply.flags);
	SAME(reason, h.reply.drop);
}

/* F9. */
TCP_TEST(rfc9293_3_10_7_2_first_rst_is_ignored)
{
	unsigned int others;

	for (others = 0; others < 256; others++)
		stays_silent((uint8_t)(others | RST), others & 1, DROP_tcp_stray_rst);
}

/* RFC 9293 3.10.7.3: nothing is opened actively, so that no SYN-ACK is awaited either. */
TCP_TEST(rfc9293_3_10_7_2_second_any_ack_gets_rst_at_seg_ack)
{
	unsigned int others;

	for (others = 0; others < 256; others++) {
		if (others & RST)
			continue;
		SAME(false, listen_input((uint8_t)(others | ACK), others & 2 ? 10 : 0));
		SAME(RST, h.reply.flags);
		SAME(h.seg.ack, h.reply.seq);
		SAME(0, h.reply.ack);
		SAME(0, h.reply.wnd);
		SAME(0, h.reply.options);
		SAME(TCP_RST_NO_CONNECTION, h.reply.rst);
	}
}

TCP_TEST(rfc9293_3_10_7_2_third_syn_may_open_a_connection)
{
	static const uint8_t WITH[] = {0, PSH, URG, PSH | URG, TCP_ECE, TCP_CWR, TCP_ECE | TCP_CWR};
	size_t i;

	for (i = 0; i < COUNT(WITH); i++) {
		SAME(true, listen_input(SYN | WITH[i], 0));
		SAME(0, h.reply.flags);
	}
}

TCP_TEST(rfc9293_3_10_7_2_third_syn_with_text_opens_and_leaves_the_text_d10)
{
	struct tcp_seg syn;

	SAME(true, listen_input(SYN, 100));
	syn = h.seg;
	h.reply.flags = 0xff;
	tcp_open(&h.c, &syn, ISS, 0, &h.env, &h.reply);
	SAME(SYN | ACK, h.reply.flags);
	SAME(ISS, h.reply.seq);
	SAME((uint32_t)(IRS + 1), h.reply.ack);
	SAME(BUFF, h.reply.wnd);
}

TCP_TEST(rfc9293_3_10_7_2_third_syn_fin_is_a_syn_d11)
{
	struct tcp_seg syn;

	SAME(true, listen_input(SYN | FIN, 0));
	syn = h.seg;
	h.reply.flags = 0xff;
	tcp_open(&h.c, &syn, ISS, 0, &h.env, &h.reply);
	SAME(SYN | ACK, h.reply.flags);
	SAME((uint32_t)(IRS + 1), h.reply.ack);
	SAME(TCP_SYN_RECEIVED, h.c.state);
}

/* RFC 9293 3.10.1: a passive OPEN. */
TCP_TEST(rfc9293_3_10_7_2_third_syn_enters_syn_received)
{
	tcp_syn(0);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	STATE(TCP_SYN_RECEIVED);
	SAME((uint32_t)(IRS + 1), h.c.rcv.nxt);
	SAME(ISS, h.c.snd.una);
	SAME((uint32_t)(ISS + 1), h.c.snd.nxt);
	SAME(0, h.c.rcv.held);
	DEADLINE_IN(TCP_RTO_INITIAL_MS);
}

TCP_TEST(rfc9293_3_10_7_2_fourth_anything_else_is_dropped)
{
	static const uint8_t ELSE[] = {NONE, FIN, PSH, URG, FIN | PSH | URG, FIN | PSH, TCP_ECE};
	size_t i;

	for (i = 0; i < COUNT(ELSE); i++) {
		stays_silent(ELSE[i], 0, DROP_tcp_listen);
		stays_silent(ELSE[i], 100, DROP_tcp_listen);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_7_2_first_rst_is_ignored),
		cmocka_unit_test(rfc9293_3_10_7_2_second_any_ack_gets_rst_at_seg_ack),
		cmocka_unit_test(rfc9293_3_10_7_2_third_syn_may_open_a_connection),
		cmocka_unit_test(
			rfc9293_3_10_7_2_third_syn_with_text_opens_and_leaves_the_text_d10),
		cmocka_unit_test(rfc9293_3_10_7_2_third_syn_fin_is_a_syn_d11),
		cmocka_unit_test(rfc9293_3_10_7_2_third_syn_enters_syn_received),
		cmocka_unit_test(rfc9293_3_10_7_2_fourth_anything_else_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
