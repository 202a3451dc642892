/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_echo.c - scripts that echo: what comes back, what is kept for it, and what happens
 * when there is no room. design.md, "The idea". */
#include "byte_queue.h"
#include "text_harness.h"

/* p sends so many bytes of the pattern, on from where it is. */
#define SAY(P, BYTES)                                                                              \
	SEND((P), PSH | ACK, .seq = (P)->seq, .ack = (P)->ack, .text = (BYTES),                    \
	     .bytes = text_pattern() + ((P)->seq - w.irs - 1))

STACK_TEST(design_echo_goes_with_the_ack)
{
	static const uint32_t LENGTHS[] = {1, 10, 100, 1000, 1440};
	struct stack_peer p = stack_peer(40000, 80);
	size_t i;

	LISTEN(80, "accept", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	for (i = 0; i < COUNT(LENGTHS); i++) {
		SAY(&p, LENGTHS[i]);
		TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + LENGTHS[i], .text = LENGTHS[i],
		   .bytes = text_pattern() + (p.seq - w.irs - 1), .wnd_is = true, .wnd = 65535);
		QUIET();
		p.seq += LENGTHS[i];
		p.ack += LENGTHS[i];
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
		QUIET();
	}
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* Until the peer's FIN: what it still says is sent back, then comes ours. */
STACK_TEST(design_echo_ends_with_the_peers_fin)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	SEND(&p, FIN | PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 50, .bytes = text_pattern());
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 51, .text = 50, .bytes = text_pattern());
	TX(&p, FIN | ACK, .seq = p.ack + 50, .ack = p.seq + 51);
	QUIET();
	SEND(&p, ACK, .seq = p.seq + 51, .ack = p.ack + 51);
	EMPTY_AFTER(0);
}

STACK_TEST(design_echo_of_nothing)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	QUIET();
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 1);
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack + 1);
	EMPTY_AFTER(0);
}

/* A peer that does not read: send_buffer bytes are taken by echo, receive_buffer more lie unread,
 * then the window is closed. It opens when the peer reads. */
STACK_TEST(design_echo_closes_its_window)
{
	static const uint16_t WINDOWS[] = {3000, 3000, 2000, 1000, 0};
	struct stack_peer p = stack_peer(40000, 80);
	struct listener *l = LISTEN(80, "accept", "echo", "close", NULL);
	struct text_reader *r;
	size_t i;

	l->send_buffer = 2000;
	l->receive_buffer = 3000;
	START();
	p.wnd = 0;
	HANDSHAKE(&p);
	for (i = 0; i < COUNT(WINDOWS); i++) {
		SAY(&p, 1000);
		p.seq += 1000;
		TX(&p, ACK, .seq = p.ack, .ack = p.seq, .wnd_is = true, .wnd = WINDOWS[i]);
		QUIET();
	}
	SAY(&p, 1000);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq, .wnd_is = true, .wnd = 0);
	QUIET();
	r = text_reader(&p, text_pattern(), 6000);
	r->peer.wnd = 65535;
	SEND(&r->peer, ACK, .seq = p.seq, .ack = p.ack);
	text_read(r);
	SAME(5000, r->taken);
	SAY(&p, 1000);
	TX(&p, PSH | ACK, .seq = p.ack + 5000, .ack = p.seq + 1000, .text = 1000,
	   .bytes = text_pattern() + 5000, .wnd_is = true, .wnd = 3000);
	SAME(0, DROPPED(tcp_no_memory));
	SEND(&p, RST, .seq = p.seq + 1000);
	EMPTY_AFTER(0);
}

/* What reads have taken is not sent back; what lies behind it is, to the byte. */
STACK_TEST(design_echo_after_read_n)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "read 10", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	SAY(&p, 4);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 4);
	p.seq += 4;
	SAY(&p, 25);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 25, .text = 19,
	   .bytes = text_pattern() + 10);
	QUIET();
	SEND(&p, RST, .seq = p.seq + 25);
	EMPTY_AFTER(0);
}

STACK_TEST(design_echo_after_reads_of_whatever_comes)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "read", "read 3", "sleep 0", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	SAY(&p, 7);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 7);
	p.seq += 7;
	SAY(&p, 3);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 3);
	p.seq += 3;
	SAY(&p, 5);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 5, .text = 5, .bytes = text_pattern() + 10);
	SEND(&p, RST, .seq = p.seq + 5);
	EMPTY_AFTER(0);
}

/* Text that comes before echo is called is kept: once, in order, whatever segments it came in. */
STACK_TEST(design_echo_of_what_came_before)
{
	struct stack_peer p = stack_peer(40000, 80);
	const uint8_t *text = text_pattern();

	LISTEN(80, "accept", "sleep 100ms", "read 20", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 100, .bytes = text);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100);
	/* Ahead of its time (D-12), partly old, wholly old. */
	SEND(&p, PSH | ACK, .seq = p.seq + 200, .ack = p.ack, .text = 100, .bytes = text + 200);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100);
	SEND(&p, PSH | ACK, .seq = p.seq + 50, .ack = p.ack, .text = 100, .bytes = text + 50);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 150);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 100, .bytes = text);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 150);
	PASS(101);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 150, .text = 130, .bytes = text + 20);
	QUIET();
	SEND(&p, RST, .seq = p.seq + 150);
	EMPTY_AFTER(0);
}

/* A segment that overruns the window is trimmed, and echoed so. */
STACK_TEST(design_echo_of_what_the_window_had_room_for)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "sleep 50ms", "echo", "close", NULL)->receive_buffer = 60;
	START();
	HANDSHAKE(&p);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 100, .bytes = text_pattern());
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 60, .wnd_is = true, .wnd = 0);
	PASS(51);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 60, .text = 60, .bytes = text_pattern());
	stack_forget(); /* a window update may come too */
	SEND(&p, RST, .seq = p.seq + 60);
	EMPTY_AFTER(0);
}

/* SO_RCVTIMEO: an echo that waits longer for text closes; any text gives it the whole time. */
STACK_TEST(design_echo_with_a_timeout)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "timeout 100ms", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	PASS(90);
	QUIET();
	SAY(&p, 5);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 5, .text = 5, .bytes = text_pattern());
	SEND(&p, ACK, .seq = p.seq + 5, .ack = p.ack + 5);
	MARK();
	PASS(90);
	QUIET();
	PASS(20);
	TX(&p, FIN | ACK, .seq = p.ack + 5, .ack = p.seq + 5, .after_ms = 100);
	SEND(&p, RST, .seq = p.seq + 5);
	EMPTY_AFTER(0);
}

/* --- Memory --- */

/* Bytes that come one by one do not take a chunk each. */
STACK_TEST(echo_memory_is_not_wasted_on_small_segments)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct text_reader *r;
	int i;

	w.conf.echo_memory = 2 * BYTE_CHUNK;
	LISTEN(80, "accept", "sleep 1s", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	for (i = 0; i < 2000; i++) {
		SAY(&p, 1);
		p.seq++;
		TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	}
	r = text_reader(&p, text_pattern(), 2000);
	PASS(1001);
	text_read(r);
	SAME(2000, r->taken);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* No memory: the segment is dropped as if it had been lost, and taken when it comes again. What
 * needs no memory goes on. */
STACK_TEST(echo_without_memory_drops_the_segment)
{
	struct stack_peer a = stack_peer(40000, 80);
	struct stack_peer b = stack_peer(40001, 80);

	w.conf.echo_memory = BYTE_CHUNK;
	LISTEN(80, "accept", "echo", "close", NULL);
	START();
	HANDSHAKE(&a);
	HANDSHAKE(&b);
	SAY(&a, 1400);
	TX(&a, PSH | ACK, .seq = a.ack, .ack = a.seq + 1400, .text = 1400, .bytes = text_pattern());
	SAY(&b, 1400);
	QUIET();
	SAME(1, DROPPED(tcp_no_memory));
	/* Not acknowledged, and no window is taken by it. */
	SEND(&b, ACK, .seq = b.seq - 1, .ack = b.ack);
	TX(&b, ACK, .seq = b.ack, .ack = b.seq, .wnd_is = true, .wnd = 65535);
	/* a has its text: there is room. */
	SEND(&a, ACK, .seq = a.seq + 1400, .ack = a.ack + 1400);
	SAY(&b, 1400);
	TX(&b, PSH | ACK, .seq = b.ack, .ack = b.seq + 1400, .text = 1400, .bytes = text_pattern());
	SAME(1, DROPPED(tcp_no_memory));
	SEND(&a, FIN | ACK, .seq = a.seq + 1400, .ack = a.ack + 1400);
	TX(&a, FIN | ACK, .seq = a.ack + 1400, .ack = a.seq + 1401);
	SEND(&a, ACK, .seq = a.seq + 1401, .ack = a.ack + 1401);
	SEND(&b, RST, .seq = b.seq + 1400);
	EMPTY_AFTER(0);
}

STACK_TEST(echo_without_a_sender_drops_the_segment)
{
	struct stack_peer a = stack_peer(40000, 80);
	struct stack_peer b = stack_peer(40001, 80);

	w.conf.senders = 1;
	LISTEN(80, "accept", "echo", "close", NULL);
	START();
	HANDSHAKE(&a);
	HANDSHAKE(&b);
	SAY(&a, 10);
	TX(&a, PSH | ACK, .seq = a.ack, .ack = a.seq + 10, .text = 10, .bytes = text_pattern());
	SAY(&b, 10);
	QUIET();
	SAME(1, DROPPED(tcp_no_memory));
	SEND(&a, RST, .seq = a.seq + 10);
	SAY(&b, 10);
	TX(&b, PSH | ACK, .seq = b.ack, .ack = b.seq + 10, .text = 10, .bytes = text_pattern());
	SEND(&b, RST, .seq = b.seq + 10);
	EMPTY_AFTER(0);
}

/* A FIN behind text that could not be kept is not taken either. */
STACK_TEST(echo_without_memory_does_not_take_the_fin)
{
	struct stack_peer p = stack_peer(40000, 80);

	w.conf.echo_memory = 0;
	LISTEN(80, "accept", "echo", "close", NULL);
	START();
	HANDSHAKE(&p);
	SEND(&p, FIN | PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	QUIET();
	SAME(1, DROPPED(tcp_no_memory));
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 1);
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack + 1);
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_echo_goes_with_the_ack),
		cmocka_unit_test(design_echo_ends_with_the_peers_fin),
		cmocka_unit_test(design_echo_of_nothing),
		cmocka_unit_test(design_echo_closes_its_window),
		cmocka_unit_test(design_echo_after_read_n),
		cmocka_unit_test(design_echo_after_reads_of_whatever_comes),
		cmocka_unit_test(design_echo_of_what_came_before),
		cmocka_unit_test(design_echo_of_what_the_window_had_room_for),
		cmocka_unit_test(design_echo_with_a_timeout),
		cmocka_unit_test(echo_memory_is_not_wasted_on_small_segments),
		cmocka_unit_test(echo_without_memory_drops_the_segment),
		cmocka_unit_test(echo_without_a_sender_drops_the_segment),
		cmocka_unit_test(echo_without_memory_does_not_take_the_fin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
