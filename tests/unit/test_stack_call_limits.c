/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_call_limits.c - when a call by hand may be made, how many may wait, and that none is
 * left of a connection that ends. design.md, "Control and sight". */
#include <string.h>

#include "text_harness.h"

#define CALL(P, TEXT)           SAME(0, call_by_hand((P), (TEXT)) != NULL)
#define REFUSED(P, TEXT, WORDS) refused(HERE, (P), (TEXT), (WORDS))

static void
refused(struct story_where where, const struct stack_peer *p, const char *text, const char *words)
{
	const char *refusal = call_by_hand(p, text);

	story_true(where, text, refusal != NULL);
	if (strstr(refusal, words) == NULL || strchr(refusal, '\n') != NULL)
		story_fail(where, "%s: \"%s\" and not \"%s\"", text, refusal, words);
	stack_quiet(where);
}

static const char *const ALL[] = {
	"accept",   "read", "read 5",     "read all", "write \"x\"", "echo",
	"sleep 1s", "hang", "timeout 1s", "shutdown", "linger 0",    "close",
};

STACK_TEST(design_call_in_the_handshake)
{
	struct stack_peer p = stack_peer(40000, 80);
	size_t i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&p, SYN, .seq = p.seq);
	TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true);
	for (i = 0; i < COUNT(ALL); i++)
		REFUSED(&p, ALL[i], "handshake");
	SEND(&p, RST, .seq = p.seq + 1);
	EMPTY_AFTER(0);
}

STACK_TEST(design_call_accept)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer q = stack_peer(40001, 80);
	size_t i;

	LISTEN(80, NULL)->backlog = 2;
	START();
	HANDSHAKE(&p);
	HANDSHAKE(&q);
	SAME(2, stack_listener_state(w.s, 0).waiting);
	for (i = 1; i < COUNT(ALL); i++)
		REFUSED(&p, ALL[i], "accept");
	CALL(&p, "accept");
	SAME(1, stack_listener_state(w.s, 0).waiting);
	REFUSED(&p, "accept", "already");
	CALL(&p, "write \"hello\"");
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 5, .bytes = "hello");
	/* There is room in the queue again. */
	{
		struct stack_peer r = stack_peer(40002, 80);

		HANDSHAKE(&r);
		SAME(2, stack_listener_state(w.s, 0).waiting);
		SEND(&r, RST, .seq = r.seq);
	}
	SEND(&p, RST, .seq = p.seq);
	SEND(&q, RST, .seq = q.seq);
	SAME(0, stack_listener_state(w.s, 0).waiting);
	EMPTY_AFTER(0);
}

/* Whoever sleeps before its own accept makes it when it wakes. */
STACK_TEST(design_call_accept_of_a_script_that_will_accept)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "sleep 50ms", "accept", "hang", NULL);
	START();
	HANDSHAKE(&p);
	REFUSED(&p, "accept", "by itself");
	SAME(1, stack_listener_state(w.s, 0).waiting);
	PASS(55);
	SAME(0, stack_listener_state(w.s, 0).waiting);
	REFUSED(&p, "accept", "already");
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(design_call_after_close)
{
	struct stack_peer p = stack_peer(40000, 80);
	size_t i;

	LISTEN(80, "accept", "close", NULL);
	START();
	HANDSHAKE(&p);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	for (i = 0; i < COUNT(ALL); i++)
		REFUSED(&p, ALL[i], "closed");
	/* FIN-WAIT-2, TIME-WAIT. */
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 1);
	REFUSED(&p, "read", "closed");
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	REFUSED(&p, "write \"x\"", "closed");
	EMPTY_AFTER(60100);
}

/* TIME-WAIT of an application that has shut down and still holds the connection. */
STACK_TEST(design_call_in_time_wait)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "shutdown", "hang", NULL);
	START();
	HANDSHAKE(&p);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	REFUSED(&p, "write \"x\"", "shut");
	REFUSED(&p, "shutdown", "shut");
	REFUSED(&p, "echo", "shut");
	CALL(&p, "read all");
	CALL(&p, "close");
	QUIET();
	EMPTY_AFTER(60100);
}

/* Only so many wait; each that returns, or whose connection ends, makes room. */
#define WAITING 64

static void
everybody_sleeps(struct stack_peer *p, const char *text)
{
	int i;

	for (i = 0; i < WAITING; i++) {
		p[i] = stack_peer((uint16_t)(40000 + i), 80);
		HANDSHAKE(&p[i]);
		CALL(&p[i], text);
	}
	p[WAITING] = stack_peer(40000 + WAITING, 80);
	HANDSHAKE(&p[WAITING]);
	REFUSED(&p[WAITING], "sleep 1s", "too many");
	REFUSED(&p[WAITING], "read", "too many");
	REFUSED(&p[WAITING], "timeout 1s", "too many");
	/* Those that return at once need no place. */
	CALL(&p[WAITING], "linger 0");
	QUIET();
}

STACK_TEST(design_call_as_many_as_wait)
{
	static struct stack_peer p[WAITING + 1];
	int i;

	w.conf.connections = WAITING + 1;
	LISTEN(80, "accept", "hang", NULL)->backlog = WAITING;
	START();
	everybody_sleeps(p, "sleep 60m");
	SEND(&p[7], RST, .seq = p[7].seq);
	CALL(&p[WAITING], "sleep 1s");
	for (i = 0; i <= WAITING; i++)
		if (i != 7)
			SEND(&p[i], RST, .seq = p[i].seq);
	CONNECTIONS(0);
	EMPTY_AFTER(0);
}

/* Each way of ending gives them back: sixty-four more can be made. */
STACK_TEST(design_call_is_forgotten_with_its_connection)
{
	static struct stack_peer p[WAITING + 1];
	int round, i;

	w.conf.connections = WAITING + 1;
	LISTEN(80, "accept", "hang", NULL)->backlog = WAITING;
	START();
	for (round = 0; round < 5; round++) {
		everybody_sleeps(p, round == 0 ? "sleep 10ms" : round == 1 ? "timeout 1s" : "read");
		for (i = 0; i <= WAITING; i++) {
			switch (round) {
			case 0: /* they return */
				PASS(i == 0 ? 12 : 0);
				SEND(&p[i], RST, .seq = p[i].seq);
				break;
			case 1: /* two in one another */
				if (i == 0)
					stack_crash(w.s, w.now);
				break;
			case 2: /* closed by hand */
				CALL(&p[i], "linger 0");
				CALL(&p[i], "close");
				TX(&p[i], RST | ACK, .seq = p[i].ack, .ack = p[i].seq);
				break;
			default:
				SEND(&p[i], RST, .seq = p[i].seq);
				break;
			}
		}
		CONNECTIONS(0);
	}
	EMPTY_AFTER(0);
}

/* A call whose connection is closed by hand while it waits, and lives on as an orphan, waits no
 * more. */
STACK_TEST(design_call_ends_with_a_close)
{
	static struct stack_peer p[WAITING + 1];
	int round, i;

	w.conf.connections = 3 * (WAITING + 1);
	LISTEN(80, "accept", "hang", NULL)->backlog = WAITING;
	START();
	for (round = 0; round < 3; round++) {
		for (i = 0; i < WAITING; i++) {
			p[i] = stack_peer((uint16_t)(40000 + round * WAITING + i), 80);
			HANDSHAKE(&p[i]);
			CALL(&p[i], "sleep 10s");
		}
		for (i = 0; i < WAITING; i++) {
			CALL(&p[i], "close");
			TX(&p[i], FIN | ACK, .seq = p[i].ack, .ack = p[i].seq);
			SEND(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack + 1);
		}
	}
	EMPTY_AFTER(60100);
}

/* RFC 9293 3.4: numbers compare within 2^31, however much memory there is. */
STACK_TEST(design_call_write_of_too_much)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "write @text", "hang", NULL)->send_buffer = 1u << 30;
	text_of_write(text_pattern(), (1u << 30) - 3);
	START();
	p.wnd = 0;
	HANDSHAKE(&p);
	REFUSED(&p, "write \"four\"", "unacknowledged");
	CALL(&p, "write \"3 b\"");
	REFUSED(&p, "write \"x\"", "unacknowledged");
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* Calls of more connections than there is room for behind one burst: what finds no room is as if
 * the network had lost it, and is sent again. RFC 9293 3.8.1. */
STACK_TEST(design_call_close_of_more_than_can_wait)
{
	enum { ROOM = 512 };
	static struct stack_peer p[ROOM + 1];
	unsigned int i, sent = 0;

	w.conf.connections = 2 * ROOM;
	LISTEN(80, "accept", "hang", NULL)->backlog = ROOM;
	START();
	for (i = 0; i <= ROOM; i++) {
		p[i] = stack_peer((uint16_t)(40000 + i), 80);
		HANDSHAKE(&p[i]);
	}
	w.undrained = true;
	for (i = 0; i <= ROOM; i++)
		CALL(&p[i], "close");
	SAME(ROOM, stack_pending(w.s));
	w.undrained = false;
	BURST();
	for (i = 0; i <= ROOM; i++)
		sent += stack_take(&p[i]) != NULL;
	SAME(ROOM, sent);
	PASS(250);
	for (i = 0; i <= ROOM; i++)
		TX(&p[i], FIN | ACK, .seq = p[i].ack, .ack = p[i].seq);
	stack_forget();
	for (i = 0; i <= ROOM; i++)
		SEND(&p[i], RST, .seq = p[i].seq);
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_call_in_the_handshake),
		cmocka_unit_test(design_call_accept),
		cmocka_unit_test(design_call_accept_of_a_script_that_will_accept),
		cmocka_unit_test(design_call_after_close),
		cmocka_unit_test(design_call_in_time_wait),
		cmocka_unit_test(design_call_as_many_as_wait),
		cmocka_unit_test(design_call_is_forgotten_with_its_connection),
		cmocka_unit_test(design_call_ends_with_a_close),
		cmocka_unit_test(design_call_write_of_too_much),
		cmocka_unit_test(design_call_close_of_more_than_can_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
