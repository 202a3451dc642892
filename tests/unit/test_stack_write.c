/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_write.c - scripts that write, segment by segment. design.md, "The idea". */
#include "text_harness.h"

/* The call that the application of the only connection is in. */
static enum script_call
call_now(void)
{
	struct stack_connection c;
	uint32_t i;

	for (i = 0; i < stack_places(w.s); i++)
		if (stack_connection_at(w.s, i, &c))
			return (enum script_call)c.step->call;
	FAIL("no connection");
}

STACK_TEST(design_write_is_sent_once_accepted)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "write \"hello\"", "hang", NULL);
	START();
	HANDSHAKE(&p);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 5, .bytes = "hello");
	QUIET();
	SAME(1, COUNTER(text_segments));
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 5);
	QUIET();
	SAME(SCRIPT_HANG, call_now());
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* A request is answered by text of so many bytes, in a buffer that has so much room. */
static void
answer(struct stack_peer *p, uint32_t length, uint32_t room)
{
	uint32_t header = 14 + (w.family == 4 ? 20 : 40) + 32;
	uint32_t frame = header + 10 < WIRE_TCP_MAX ? WIRE_TCP_MAX : header + 10;

	w.steps[2].arg = length;
	HANDSHAKE(p);
	SEND(p, PSH | ACK, .seq = p->seq, .ack = p->ack, .text = 10, .room = room);
	/* Where the answer does not fit, the ACK is alone, and as it is written last it tells of
	 * the text. */
	if (header + length > (room ? room : frame))
		TX(p, ACK, .seq = p->ack + length, .ack = p->seq + 10);
	TX(p, PSH | ACK, .seq = p->ack, .ack = p->seq + 10, .text = length,
	   .bytes = text_pattern());
	QUIET();
	SEND(p, FIN | ACK, .seq = p->seq + 10, .ack = p->ack + length);
	TX(p, FIN | ACK, .seq = p->ack + length, .ack = p->seq + 11);
	SEND(p, ACK, .seq = p->seq + 11, .ack = p->ack + length + 1);
	CONNECTIONS(0);
}

/* MUST-58, MUST-59: one segment acknowledges the request and carries the answer. */
STACK_TEST(rfc9293_3_8_6_3_answer_goes_with_the_ack)
{
	static const uint32_t ROOMS[] = {0, 600, 2048};
	static const uint32_t LENGTHS[] = {1, 30, 60, 100, 500, 1000, 1428};
	struct stack_peer p;
	size_t i, k;

	LISTEN(80, "accept", "read", "write @text", "read all", "close", NULL);
	text_of_write(text_pattern(), 1);
	START();
	for (i = 0; i < COUNT(ROOMS); i++) {
		for (k = 0; k < COUNT(LENGTHS); k++) {
			p = stack_peer((uint16_t)(40000 + 10 * i + k), 80);
			p.syn_options |= TCP_OPT_TS;
			answer(&p, LENGTHS[k], ROOMS[i]);
		}
	}
	EMPTY_AFTER(0);
}

/* ... though another segment of the same burst has come behind the request. */
STACK_TEST(rfc9293_3_8_6_3_answer_goes_with_the_ack_of_its_burst)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "read 10", "write \"hi\"", "hang", NULL);
	START();
	HANDSHAKE(&p);
	RX(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10, .room = 200);
	RX(&p, ACK, .seq = p.seq + 10, .ack = p.ack, .room = 200);
	BURST();
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 10, .text = 2, .bytes = "hi");
	QUIET();
	SEND(&p, RST, .seq = p.seq + 10);
	EMPTY_AFTER(0);
}

/* What is written goes at once, the FIN when close() is called. */
STACK_TEST(design_write_then_close)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "read", "write \"bye\"", "close", NULL);
	START();
	HANDSHAKE(&p);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 10, .text = 3, .bytes = "bye");
	TX(&p, FIN | ACK, .seq = p.ack + 3, .ack = p.seq + 10);
	QUIET();
	SEND(&p, FIN | ACK, .seq = p.seq + 10, .ack = p.ack + 4);
	TX(&p, ACK, .seq = p.ack + 4, .ack = p.seq + 11);
	EMPTY_AFTER(60100);
}

/* 3.7.4: what waits for an ACK goes as one segment, over the bounds of writes. */
STACK_TEST(rfc9293_3_7_4_writes_that_wait_share_a_segment)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "write \"one\"", "sleep 10ms", "write \"two\"", "sleep 10ms",
	       "write \"three\"", "sleep 10ms", "write \"\"", "write \"four\"", "close", NULL);
	START();
	HANDSHAKE(&p);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 3, .bytes = "one");
	PASS(25);
	QUIET();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 3);
	TX(&p, PSH | ACK, .seq = p.ack + 3, .ack = p.seq, .text = 8, .bytes = "twothree");
	QUIET();
	PASS(20);
	TX(&p, FIN | PSH | ACK, .seq = p.ack + 11, .ack = p.seq, .text = 4, .bytes = "four");
	QUIET();
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* A segment sent again is cut anew: over the bounds of writes, too. */
STACK_TEST(rfc9293_3_8_1_segment_sent_again_has_all_writes)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "write \"one\"", "sleep 10ms", "write \"two\"", "sleep 10ms",
	       "write \"three\"", "hang", NULL);
	START();
	HANDSHAKE(&p);
	MARK();
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 3, .bytes = "one");
	PASS(250);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 11, .bytes = "onetwothree",
	   .after_ms = 200);
	QUIET();
	SAME(1, COUNTER(text_retransmitted));
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 11);
	QUIET();
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* A write returns once no more than send_buffer is unacknowledged. */
STACK_TEST(design_write_that_fits_the_send_buffer_returns_at_once)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "write @text", "close", NULL)->send_buffer = 1000;
	text_of_write(text_pattern(), 1000);
	START();
	HANDSHAKE(&p);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 1000, .bytes = text_pattern());
	TX(&p, FIN | ACK, .seq = p.ack + 1000, .ack = p.seq);
	QUIET();
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(design_write_blocks_while_more_is_unacknowledged)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct text_reader *r;

	LISTEN(80, "accept", "write @text", "hang", NULL)->send_buffer = 2000;
	text_of_write(text_pattern(), 5000);
	START();
	HANDSHAKE(&p);
	r = text_reader(&p, text_pattern(), 5000);
	text_take(r);
	SAME(SCRIPT_WRITE, call_now());
	/* 2001 are left, then 2000. */
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 2999);
	text_take(r);
	SAME(SCRIPT_WRITE, call_now());
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 3000);
	text_take(r);
	SAME(SCRIPT_HANG, call_now());
	SAME(5000, r->taken);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(design_write_of_more_than_64_kib)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct text_reader *r;

	LISTEN(80, "accept", "write @text", "write \"\"", "write @text", "close", NULL);
	text_of_write(text_pattern(), 200000);
	text_of_write(text_pattern() + 200000, 50001);
	START();
	p.wnd = 65535;
	HANDSHAKE(&p);
	r = text_reader(&p, text_pattern(), 250001);
	text_read(r);
	SAME(250001, r->taken);
	TRUE(r->fin);
	SAME(0, COUNTER(text_retransmitted));
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = text_ack(r));
	TX(&p, ACK, .seq = text_ack(r), .ack = p.seq + 1);
	EMPTY_AFTER(60100);
}

/* The window of the peer, to the byte, and its MSS. */
STACK_TEST(rfc9293_3_7_1_must_16_peers_mss)
{
	static const uint16_t MSS[] = {64, 536, 1220, 1440, 1460, 8960};
	uint32_t want, ours = w.family == 4 ? 1460 : 1440;
	struct stack_peer p;
	size_t i;

	LISTEN(80, "accept", "write @text", "hang", NULL);
	text_of_write(text_pattern(), 20000);
	START();
	for (i = 0; i < COUNT(MSS); i++) {
		p = stack_peer((uint16_t)(40000 + i), 80);
		p.mss = MSS[i];
		HANDSHAKE(&p);
		want = MSS[i] < ours ? MSS[i] : ours;
		TX(&p, ACK, .seq = p.ack, .ack = p.seq, .text = want, .bytes = text_pattern());
		TX(&p, ACK, .seq = p.ack + want, .ack = p.seq, .text = want,
		   .bytes = text_pattern() + want);
		stack_forget();
		SEND(&p, RST, .seq = p.seq);
	}
	EMPTY_AFTER(0);
}

/* After the peer's FIN: CLOSE-WAIT, and text goes on. */
STACK_TEST(rfc9293_3_6_write_after_the_peers_fin)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "read all", "write \"all of it\"", "close", NULL);
	START();
	HANDSHAKE(&p);
	SEND(&p, FIN | PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 11, .text = 9, .bytes = "all of it");
	TX(&p, FIN | ACK, .seq = p.ack + 9, .ack = p.seq + 11);
	QUIET();
	SEND(&p, ACK, .seq = p.seq + 11, .ack = p.ack + 10);
	EMPTY_AFTER(0);
}

/* What goes out is in the VLANs, and at the Ethernet address, of the connection: of timers too. */
STACK_TEST(design_text_goes_the_connections_way)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "write @text", "hang", NULL);
	text_of_write(text_pattern(), 4000);
	START();
	p.tags = 2;
	p.tpid[0] = 0x88a8;
	p.tpid[1] = 0x8100;
	p.tci[0] = 0x2064;
	p.tci[1] = 7;
	p.mac[5] = 0x77;
	p.mss = 1400;
	HANDSHAKE(&p);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq, .text = 1400, .bytes = text_pattern());
	TX(&p, ACK, .seq = p.ack + 1400, .ack = p.seq, .text = 1400,
	   .bytes = text_pattern() + 1400);
	TX(&p, PSH | ACK, .seq = p.ack + 2800, .ack = p.seq, .text = 1200,
	   .bytes = text_pattern() + 2800);
	PASS(201);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq, .text = 1400, .bytes = text_pattern());
	QUIET();
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* Checksums of text that the NIC fills in. */
STACK_TEST(design_text_with_checksums_by_the_nic)
{
	struct stack_peer p = stack_peer(40000, 80);

	w.conf.tx_offload = WIRE_TX_IP | WIRE_TX_TCP;
	LISTEN(80, "accept", "read", "write @text", "close", NULL);
	text_of_write(text_pattern(), 777);
	START();
	HANDSHAKE(&p);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 1, .room = 2048);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 1, .text = 777, .bytes = text_pattern());
	TX(&p, FIN | ACK, .seq = p.ack + 777, .ack = p.seq + 1);
	SEND(&p, RST, .seq = p.seq + 1);
	EMPTY_AFTER(0);
}

STACK_TEST(design_text_that_nobody_acknowledges_is_given_up)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	LISTEN(80, "accept", "write \"hello\"", "hang", NULL);
	START();
	HANDSHAKE(&p);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 5, .bytes = "hello");
	PASS(1200000);
	for (i = 0; i < 15; i++)
		TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 5, .bytes = "hello");
	SAME(15, COUNTER(text_retransmitted));
	QUIET();
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_write_is_sent_once_accepted),
		cmocka_unit_test(rfc9293_3_8_6_3_answer_goes_with_the_ack),
		cmocka_unit_test(rfc9293_3_8_6_3_answer_goes_with_the_ack_of_its_burst),
		cmocka_unit_test(design_write_then_close),
		cmocka_unit_test(rfc9293_3_7_4_writes_that_wait_share_a_segment),
		cmocka_unit_test(rfc9293_3_8_1_segment_sent_again_has_all_writes),
		cmocka_unit_test(design_write_that_fits_the_send_buffer_returns_at_once),
		cmocka_unit_test(design_write_blocks_while_more_is_unacknowledged),
		cmocka_unit_test(design_write_of_more_than_64_kib),
		cmocka_unit_test(rfc9293_3_7_1_must_16_peers_mss),
		cmocka_unit_test(rfc9293_3_6_write_after_the_peers_fin),
		cmocka_unit_test(design_text_goes_the_connections_way),
		cmocka_unit_test(design_text_with_checksums_by_the_nic),
		cmocka_unit_test(design_text_that_nobody_acknowledges_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
