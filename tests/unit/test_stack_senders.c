/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_senders.c - many that write: what they hold is given back however they end, text that
 * waits to be sent is its own, and everybody has a turn. */
#include <string.h>

#include "byte_queue.h"
#include "text_harness.h"

enum ending { PEER_CLOSES, PEER_RESETS, WE_RESET, GIVEN_UP, CRASH, ENDINGS };

/* Ends p's connection so that nothing is left of it. Port 81 closes when the peer does, port 80
 * resets after 1000 bytes. */
static void
end(struct text_reader *r, enum ending how)
{
	struct stack_peer *p = &r->peer;

	text_take(r);
	switch (how) {
	case PEER_CLOSES:
		text_send_ack(r);
		BURST();
		text_read(r);
		SEND(p, FIN | ACK, .seq = p->seq, .ack = text_ack(r));
		text_take(r);
		SEND(p, ACK, .seq = p->seq + 1, .ack = text_ack(r));
		break;
	case PEER_RESETS:
		SEND(p, RST, .seq = p->seq);
		break;
	case WE_RESET:
		SEND(p, ACK, .seq = p->seq, .ack = text_ack(r), .text = 1000);
		break;
	case GIVEN_UP:
		PASS(1200000);
		break;
	case CRASH:
		SAME(1, stack_crash(w.s, w.now));
		break;
	case ENDINGS:
		break;
	}
	stack_forget();
	CONNECTIONS(0);
}

STACK_TEST(sender_is_given_back_however_it_ends)
{
	struct stack_peer p;
	struct text_reader *r;
	int i;

	w.conf.senders = 1;
	LISTEN(80, "accept", "write @text", "read 1000", "linger 0", "close", NULL);
	LISTEN(81, "accept", "write @text", "read all", "close", NULL);
	text_of_write(text_pattern(), 10000);
	text_of_write(text_pattern(), 10000);
	START();
	for (i = 0; i < 3 * ENDINGS; i++) {
		p = stack_peer((uint16_t)(40000 + i), i % ENDINGS == PEER_CLOSES ? 81 : 80);
		HANDSHAKE(&p);
		r = text_reader(&p, text_pattern(), 10000);
		TRUE(stack_peek(&p) != NULL);
		SAME(0, COUNTER(writes_without_memory));
		end(r, (enum ending)(i % ENDINGS));
	}
	EMPTY_AFTER(0);
}

/* What echo holds, sent and not, goes back to the pool. */
STACK_TEST(echo_memory_is_given_back_however_it_ends)
{
	struct stack_peer p;
	int i, k;

	w.conf.senders = 1;
	w.conf.echo_memory = 5 * BYTE_CHUNK; /* one of them for parts */
	LISTEN(80, "accept", "sleep 1s", "echo", "close", NULL)->send_buffer = 100;
	START();
	for (i = 0; i < 3 * ENDINGS; i++) {
		if (i % ENDINGS == WE_RESET)
			continue;
		p = stack_peer((uint16_t)(40000 + i), 80);
		HANDSHAKE(&p);
		for (k = 0; k < 4; k++) {
			SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 1400,
			     .bytes = text_pattern() + 1400 * k);
			p.seq += 1400;
			TX(&p, ACK, .seq = p.ack, .ack = p.seq);
		}
		PASS(1010);
		SAME(0, DROPPED(tcp_no_memory));
		end(text_reader(&p, text_pattern(), 5600), (enum ending)(i % ENDINGS));
	}
	EMPTY_AFTER(0);
}

/* One more than there are senders for waits, and writes once there is one. */
STACK_TEST(write_without_a_sender_waits_for_one)
{
	struct stack_peer a = stack_peer(40000, 80);
	struct stack_peer b = stack_peer(40001, 80);

	w.conf.senders = 1;
	LISTEN(80, "accept", "write \"hello\"", "hang", NULL);
	START();
	HANDSHAKE(&a);
	TX(&a, PSH | ACK, .seq = a.ack, .ack = a.seq, .text = 5, .bytes = "hello");
	HANDSHAKE(&b);
	QUIET();
	TRUE(COUNTER(writes_without_memory) > 0);
	PASS(1000);
	TRUE(stack_peek(&b) == NULL);
	stack_forget();
	CONNECTIONS(2);
	/* Text that comes meanwhile is taken, and does not write. */
	SEND(&b, PSH | ACK, .seq = b.seq, .ack = b.ack, .text = 10);
	TX(&b, ACK, .seq = b.ack, .ack = b.seq + 10);
	QUIET();
	SEND(&a, RST, .seq = a.seq);
	PASS(110);
	TX(&b, PSH | ACK, .seq = b.ack, .ack = b.seq + 10, .text = 5, .bytes = "hello");
	QUIET();
	SEND(&b, RST, .seq = b.seq + 10);
	EMPTY_AFTER(0);
}

/* Clients that have read all and stay do not keep others from being served; and those can be
 * written to again. */
STACK_TEST(senders_that_have_nothing_to_do_are_for_others)
{
	enum { PEERS = 20 };
	struct stack_peer p[PEERS];
	int i;

	w.conf.senders = 4;
	LISTEN(80, "accept", "write \"hello\"", "read 1", "write \"again\"", "hang", NULL);
	START();
	for (i = 0; i < PEERS; i++) {
		p[i] = stack_peer((uint16_t)(40000 + i), 80);
		HANDSHAKE(&p[i]);
		TX(&p[i], PSH | ACK, .seq = p[i].ack, .ack = p[i].seq, .text = 5, .bytes = "hello");
		p[i].ack += 5;
		SEND(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack);
	}
	SAME(0, COUNTER(writes_without_memory));
	for (i = 0; i < PEERS; i++) {
		SEND(&p[i], PSH | ACK, .seq = p[i].seq, .ack = p[i].ack, .text = 1);
		TX(&p[i], PSH | ACK, .seq = p[i].ack, .ack = p[i].seq + 1, .text = 5,
		   .bytes = "again");
		SEND(&p[i], ACK, .seq = p[i].seq + 1, .ack = p[i].ack + 5);
	}
	SAME(0, COUNTER(writes_without_memory));
	for (i = 0; i < PEERS; i++)
		SEND(&p[i], RST, .seq = p[i].seq + 1);
	EMPTY_AFTER(0);
}

/* --- Text that waits behind the burst --- */

/* More than STACK_QUEUE has room for: it all comes, in each connection's order, and no timer is
 * needed. */
STACK_TEST(more_text_than_waits_at_once)
{
	enum { PEERS = 60 };
	static struct stack_peer p[PEERS];
	uint32_t mss = w.family == 4 ? 1460 : 1440, n;
	int i, k;

	w.conf.connections = PEERS;
	LISTEN(80, "accept", "write @text", "hang", NULL)->backlog = PEERS;
	text_of_write(text_pattern(), 100000);
	START();
	w.undrained = true;
	for (i = 0; i < PEERS; i++) {
		p[i] = stack_peer((uint16_t)(40000 + i), 80);
		p[i].wnd = 65535;
		p[i].mss = (uint16_t)mss;
		HANDSHAKE(&p[i]);
	}
	w.undrained = false;
	for (i = 0; stack_pending(w.s) > 0 && i < 10; i++)
		BURST();
	for (i = 0; i < PEERS; i++) {
		for (k = 0, n = 0; k < 10; k++, n += mss)
			TX(&p[i], ACK, .seq = p[i].ack + n, .ack = p[i].seq, .text = mss,
			   .bytes = text_pattern() + n);
		TRUE(stack_peek(&p[i]) == NULL);
	}
	SAME(10 * PEERS, COUNTER(text_segments));
	for (i = 0; i < PEERS; i++)
		SEND(&p[i], RST, .seq = p[i].seq);
	EMPTY_AFTER(0);
}

/* A RST that is made after text comes out after it. */
STACK_TEST(reset_comes_behind_the_text_before_it)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct text_reader *r;

	LISTEN(80, "accept", "write @text", "sleep 10ms", "linger 0", "close", NULL);
	text_of_write(text_pattern(), 3000);
	START();
	w.undrained = true;
	HANDSHAKE(&p);
	w.now += 20000;
	stack_tick(w.s, w.now);
	CONNECTIONS(0);
	w.undrained = false;
	BURST();
	r = text_reader(&p, text_pattern(), 3000);
	while (r->taken < 3000)
		text_look(r, stack_take(&p));
	TX(&p, RST | ACK, .seq = p.ack + 3000, .ack = p.seq);
	SAME(0, stack_listener_state(w.s, 0).alive);
	EMPTY_AFTER(0);
}

/* What was acknowledged while text waited is not taken back: RFC 9293 3.4, the newest RCV.NXT. */
STACK_TEST(text_that_waits_acknowledges_what_came_meanwhile)
{
	struct stack_peer p = stack_peer(40000, 80);

	/* More than fits the frame that asks for it. */
	LISTEN(80, "accept", "write @text", "hang", NULL);
	text_of_write(text_pattern(), 200);
	START();
	w.undrained = true;
	HANDSHAKE(&p);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, ACK, .seq = p.ack + 200, .ack = p.seq + 10);
	w.undrained = false;
	BURST();
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 10, .text = 200, .bytes = text_pattern());
	SEND(&p, RST, .seq = p.seq + 10);
	EMPTY_AFTER(0);
}

/* The connection is gone, its text waits; another one takes its place. */
STACK_TEST(text_that_waits_is_its_own)
{
	struct stack_peer a = stack_peer(40000, 80);
	struct stack_peer b = stack_peer(40001, 81);
	struct text_reader *ra, *rb;

	LISTEN(80, "accept", "write @text", "hang", NULL);
	LISTEN(81, "accept", "write @text", "hang", NULL);
	text_of_write(text_pattern(), 3000);
	text_of_write(text_other(), 3000);
	START();
	w.undrained = true;
	HANDSHAKE(&a);
	SEND(&a, RST, .seq = a.seq);
	CONNECTIONS(0);
	/* The configuration's text must live on. */
	TRUE(stack_listener_state(w.s, 0).alive > 0);
	HANDSHAKE(&b);
	w.undrained = false;
	BURST();
	ra = text_reader(&a, text_pattern(), 3000);
	rb = text_reader(&b, text_other(), 3000);
	text_take(ra);
	text_take(rb);
	SAME(3000, ra->taken);
	SAME(3000, rb->taken);
	SAME(0, stack_listener_state(w.s, 0).alive);
	SAME(1, stack_listener_state(w.s, 1).alive);
	SEND(&b, RST, .seq = b.seq);
	SAME(0, stack_listener_state(w.s, 1).alive);
	EMPTY_AFTER(0);
}

/* p sends 1000 bytes, which are acknowledged and kept, or (taken: false) not. */
static void
send_1000(struct stack_peer *p, const uint8_t *bytes, bool taken)
{
	uint64_t dropped = DROPPED(tcp_no_memory);

	SEND(p, PSH | ACK, .seq = p->seq, .ack = p->ack, .text = 1000, .bytes = bytes);
	SAME(dropped + !taken, DROPPED(tcp_no_memory));
	if (!taken)
		return;
	p->seq += 1000;
	TX(p, ACK, .seq = p->ack, .ack = p->seq);
}

/* ... of the stack's own memory, too: it is not used again before the text is out. */
STACK_TEST(echo_that_waits_is_its_own)
{
	struct stack_peer a = stack_peer(40000, 80);
	struct stack_peer b = stack_peer(40001, 80);
	struct stack_peer c = stack_peer(40002, 80);
	struct text_reader *r;

	w.conf.echo_memory = 2 * BYTE_CHUNK;
	LISTEN(80, "accept", "sleep 10ms", "echo", "close", NULL);
	START();
	HANDSHAKE(&a);
	send_1000(&a, text_pattern(), true);
	w.undrained = true;
	w.now += 20000;
	stack_tick(w.s, w.now);
	SEND(&a, RST, .seq = a.seq);
	CONNECTIONS(0);
	HANDSHAKE(&b);
	send_1000(&b, text_other(), true);
	HANDSHAKE(&c);
	send_1000(&c, text_other() + 1000, false);
	w.undrained = false;
	BURST();
	r = text_reader(&a, text_pattern(), 1000);
	SAME(1, text_take(r));
	SAME(1000, r->taken);
	QUIET();
	send_1000(&c, text_other() + 1000, true);
	PASS(20);
	TX(&b, PSH | ACK, .seq = b.ack, .ack = b.seq, .text = 1000, .bytes = text_other());
	TX(&c, PSH | ACK, .seq = c.ack, .ack = c.seq, .text = 1000, .bytes = text_other() + 1000);
	SEND(&b, RST, .seq = b.seq);
	SEND(&c, RST, .seq = c.seq);
	EMPTY_AFTER(0);
}

/* A host that is started again sends nothing of what waited. */
STACK_TEST(crash_forgets_what_waits)
{
	struct stack_peer a = stack_peer(40000, 80);
	int i;

	LISTEN(80, "accept", "write @text", "hang", NULL);
	text_of_write(text_pattern(), 3000);
	START();
	for (i = 0; i < 3; i++) {
		a = stack_peer((uint16_t)(40000 + i), 80);
		w.undrained = true;
		HANDSHAKE(&a);
		SAME(1, stack_crash(w.s, w.now));
		SAME(0, stack_listener_state(w.s, 0).alive);
		w.undrained = false;
		BURST();
		QUIET();
	}
	EMPTY_AFTER(0);
}

/* One that has much to send does not keep others from it. */
STACK_TEST(text_is_sent_in_turns)
{
	struct stack_peer a = stack_peer(40000, 80);
	struct stack_peer b = stack_peer(40001, 80);
	struct text_reader *r;
	unsigned int i, first = 0;

	LISTEN(80, "accept", "write @text", "hang", NULL);
	text_of_write(text_pattern(), TEXT_MAX);
	START();
	a.mss = 64;
	a.wnd = 65535;
	b.mss = 64;
	HANDSHAKE(&a);
	r = text_reader(&a, text_pattern(), TEXT_MAX);
	/* Slow start: until a thousand segments are on their way at once. */
	while (r->taken < 80000) {
		uint32_t before = r->taken, now;

		text_take(r);
		for (now = r->taken; before < now; before += 64) {
			RX(&a, ACK, .seq = a.seq, .ack = a.ack + before + 64);
			if (w.rx_count == 32) {
				BURST();
				text_take(r);
			}
		}
		BURST();
	}
	stack_forget();
	text_take(r);
	/* All of it is acknowledged at once, and b comes while a's text waits. */
	w.undrained = true;
	SEND(&a, ACK, .seq = a.seq, .ack = a.ack + r->most);
	stack_forget();
	HANDSHAKE(&b);
	stack_forget();
	w.undrained = false;
	BURST();
	TRUE(w.sent_tail - w.sent_head > 600);
	for (i = w.sent_head; i != w.sent_tail; i++, first++)
		if (w.sent[i % STACK_SENT].to.port == b.port)
			break;
	TRUE(first < 600);
	stack_forget();
	SEND(&a, RST, .seq = a.seq);
	SEND(&b, RST, .seq = b.seq);
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sender_is_given_back_however_it_ends),
		cmocka_unit_test(echo_memory_is_given_back_however_it_ends),
		cmocka_unit_test(write_without_a_sender_waits_for_one),
		cmocka_unit_test(senders_that_have_nothing_to_do_are_for_others),
		cmocka_unit_test(more_text_than_waits_at_once),
		cmocka_unit_test(reset_comes_behind_the_text_before_it),
		cmocka_unit_test(text_that_waits_acknowledges_what_came_meanwhile),
		cmocka_unit_test(text_that_waits_is_its_own),
		cmocka_unit_test(echo_that_waits_is_its_own),
		cmocka_unit_test(crash_forgets_what_waits),
		cmocka_unit_test(text_is_sent_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
