/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_call.c - calls that an application makes by hand: design.md, "Control and sight". */
#include <string.h>

#include "text_harness.h"

static enum script_call
call_now(const struct stack_peer *p)
{
	struct stack_connection c;

	TRUE(stack_connection_at(w.s, call_place(p), &c));
	return (enum script_call)c.step->call;
}

#define CALL(P, TEXT)           SAME(0, call_by_hand((P), (TEXT)) != NULL)
#define REFUSED(P, TEXT, WORDS) refused(HERE, (P), (TEXT), (WORDS))

/* One line, with these words in it; nothing is sent and nothing changes. */
static void
refused(struct story_where where, const struct stack_peer *p, const char *text, const char *words)
{
	enum script_call before = call_now(p);
	const char *refusal = call_by_hand(p, text);

	story_true(where, text, refusal != NULL);
	if (strstr(refusal, words) == NULL || strchr(refusal, '\n') != NULL)
		story_fail(where, "%s: \"%s\" and not \"%s\"", text, refusal, words);
	story_same(where, "call", before, call_now(p));
	stack_quiet(where);
}

/* A connection whose application hangs, or does what LISTEN() has said. */
static struct stack_peer
established(uint16_t port)
{
	struct stack_peer p = stack_peer(port, 80);

	HANDSHAKE(&p);
	return p;
}

static void
hang(void)
{
	LISTEN(80, "accept", "hang", NULL);
	START();
}

STACK_TEST(design_call_write)
{
	struct stack_peer p;

	hang();
	p = established(40000);
	CALL(&p, "write \"hello\"");
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 5, .bytes = "hello");
	QUIET();
	/* Held back by Nagle, then by the window: what was written is what is sent. */
	CALL(&p, "write \" you\"");
	QUIET();
	CALL(&p, "write \"\"");
	p.wnd = 0;
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 5);
	QUIET();
	CALL(&p, "write \" there\"");
	QUIET();
	p.wnd = 5000;
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 5);
	TX(&p, PSH | ACK, .seq = p.ack + 5, .ack = p.seq, .text = 10, .bytes = " you there");
	SAME(SCRIPT_HANG, call_now(&p));
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* From whatever the script is doing; that goes on. */
STACK_TEST(design_call_write_meanwhile)
{
	struct stack_peer p;

	LISTEN(80, "accept", "sleep 100ms", "read", "write \"script\"", "hang", NULL);
	START();
	p = established(40000);
	CALL(&p, "write \"hand \"");
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 5, .bytes = "hand ");
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 5);
	SAME(SCRIPT_SLEEP, call_now(&p));
	PASS(101);
	SAME(SCRIPT_READ_ANY, call_now(&p));
	CALL(&p, "write \"again\"");
	TX(&p, PSH | ACK, .seq = p.ack + 5, .ack = p.seq, .text = 5, .bytes = "again");
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack + 10, .text = 1);
	TX(&p, PSH | ACK, .seq = p.ack + 10, .ack = p.seq + 1, .text = 6, .bytes = "script");
	/* All of it again, from both. */
	PASS(201);
	TX(&p, PSH | ACK, .seq = p.ack + 10, .ack = p.seq + 1, .text = 6, .bytes = "script");
	SEND(&p, RST, .seq = p.seq + 1);
	EMPTY_AFTER(0);
}

/* The script's text and that of calls, in turns, in one segment. After four turns that are not
 * acknowledged the next write has to wait. */
STACK_TEST(design_call_write_between_writes)
{
	struct stack_peer p;

	LISTEN(80, "accept", "write \"1\"", "sleep 10ms", "write \"22\"", "sleep 10ms",
	       "write \"333\"", "hang", NULL);
	START();
	p = established(40000);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 1, .bytes = "1");
	CALL(&p, "write \"a\"");
	CALL(&p, "write \"bb\"");
	PASS(11);
	CALL(&p, "write \"ccc\"");
	PASS(11);
	SAME(SCRIPT_WRITE, call_now(&p));
	TRUE(COUNTER(writes_without_memory) > 0);
	PASS(190);
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 9, .bytes = "1abb22ccc");
	QUIET();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 5);
	PASS(600);
	TX(&p, PSH | ACK, .seq = p.ack + 5, .ack = p.seq, .text = 7, .bytes = "2ccc333");
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(design_call_write_refused)
{
	struct stack_peer p, q;

	w.conf.senders = 1;
	LISTEN(80, "accept", "read", "write @text", "echo", "hang", NULL)->send_buffer = 100;
	text_of_write(text_pattern(), 500);
	START();
	p = established(40000);
	q = established(40001);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 1);
	stack_forget();
	SAME(SCRIPT_WRITE, call_now(&p));
	REFUSED(&p, "write \"x\"", "in a write or echo");
	/* No sender is left. */
	REFUSED(&q, "write \"x\"", "senders");
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack + 500);
	SAME(SCRIPT_ECHO, call_now(&p));
	REFUSED(&p, "write \"x\"", "in a write or echo");
	CALL(&p, "shutdown");
	TX(&p, FIN | ACK, .seq = p.ack + 500, .ack = p.seq + 1);
	SEND(&p, RST, .seq = p.seq + 1);
	CALL(&q, "shutdown");
	TX(&q, FIN | ACK, .seq = q.ack, .ack = q.seq);
	REFUSED(&q, "write \"x\"", "shut");
	REFUSED(&q, "shutdown", "already");
	REFUSED(&q, "echo", "another call");
	SEND(&q, RST, .seq = q.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(design_call_write_without_memory)
{
	struct stack_peer p;

	w.conf.echo_memory = 0;
	hang();
	p = established(40000);
	REFUSED(&p, "write \"x\"", "echo_memory");
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(design_call_shutdown_and_close)
{
	struct stack_peer p;

	hang();
	p = established(40000);
	CALL(&p, "shutdown");
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack + 1, .text = 5);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 5);
	CALL(&p, "read");
	CALL(&p, "close");
	QUIET();
	REFUSED(&p, "close", "has closed");
	REFUSED(&p, "read", "has closed");
	SEND(&p, PSH | ACK, .seq = p.seq + 5, .ack = p.ack + 1, .text = 5);
	TX(&p, RST, .seq = p.ack + 1);
	SAME(1, RESETS(AFTER_CLOSE));
	EMPTY_AFTER(0);
}

STACK_TEST(design_call_close_with_text_unread)
{
	struct stack_peer p;

	hang();
	p = established(40000);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 5);
	stack_forget();
	CALL(&p, "read 4");
	CALL(&p, "close");
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 5);
	SAME(1, RESETS(UNREAD_DATA));
	CONNECTIONS(0);
	EMPTY_AFTER(0);
}

STACK_TEST(design_call_linger_0)
{
	struct stack_peer p;

	LISTEN(80, "accept", "sleep 50ms", "close", NULL);
	START();
	p = established(40000);
	CALL(&p, "linger 0");
	QUIET();
	PASS(51);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq);
	SAME(1, RESETS(LINGER));
	p = established(40001);
	CALL(&p, "linger 0");
	CALL(&p, "close");
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq);
	SAME(2, RESETS(LINGER));
	EMPTY_AFTER(0);
}

/* --- Calls that block: the application is in them, and then goes on --- */

STACK_TEST(design_call_read)
{
	struct stack_peer p;

	hang();
	p = established(40000);
	CALL(&p, "read 10");
	SAME(SCRIPT_READ, call_now(&p));
	REFUSED(&p, "read", "another call");
	REFUSED(&p, "sleep 1s", "another call");
	REFUSED(&p, "timeout 1s", "another call");
	REFUSED(&p, "hang", "another call");
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 9);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 9, .wnd_is = true, .wnd = 65535);
	SAME(SCRIPT_READ, call_now(&p));
	SEND(&p, PSH | ACK, .seq = p.seq + 9, .ack = p.ack, .text = 3);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 12);
	SAME(SCRIPT_HANG, call_now(&p));
	/* What lies there is taken at once. */
	CALL(&p, "read");
	SAME(SCRIPT_HANG, call_now(&p));
	stack_forget();
	CALL(&p, "read all");
	SEND(&p, FIN | PSH | ACK, .seq = p.seq + 12, .ack = p.ack, .text = 100);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 113);
	SAME(SCRIPT_HANG, call_now(&p));
	CALL(&p, "close");
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 113);
	SEND(&p, ACK, .seq = p.seq + 113, .ack = p.ack + 1);
	EMPTY_AFTER(0);
}

/* SO_RCVTIMEO by hand, for a read by hand: "ends the script: close at once". */
STACK_TEST(design_call_timeout_then_read)
{
	static const char *const READS[] = {"read", "read 10", "read all", "echo"};
	struct stack_peer p;
	size_t i;

	hang();
	for (i = 0; i < COUNT(READS); i++) {
		p = established((uint16_t)(40000 + i));
		CALL(&p, "timeout 1s");
		CALL(&p, "timeout 100ms");
		PASS(500);
		QUIET();
		CALL(&p, READS[i]);
		MARK();
		PASS(90);
		QUIET();
		PASS(20);
		TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
		REFUSED(&p, "read", "has closed");
		SEND(&p, RST, .seq = p.seq);
	}
	EMPTY_AFTER(0);
}

STACK_TEST(design_call_sleep)
{
	struct stack_peer p;

	hang();
	p = established(40000);
	CALL(&p, "sleep 50ms");
	REFUSED(&p, "read", "another call");
	PASS(45);
	SAME(SCRIPT_SLEEP, call_now(&p));
	PASS(7);
	SAME(SCRIPT_HANG, call_now(&p));
	CALL(&p, "hang");
	CALL(&p, "sleep 0");
	SAME(SCRIPT_HANG, call_now(&p));
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* What was not kept cannot be sent back. */
STACK_TEST(design_call_echo)
{
	struct stack_peer p;

	hang();
	p = established(40000);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 5);
	stack_forget();
	REFUSED(&p, "echo", "not kept");
	CALL(&p, "read");
	stack_forget();
	CALL(&p, "echo");
	SAME(SCRIPT_ECHO, call_now(&p));
	SEND(&p, PSH | ACK, .seq = p.seq + 5, .ack = p.ack, .text = 7, .bytes = "echo me");
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq + 12, .text = 7, .bytes = "echo me");
	SEND(&p, FIN | PSH | ACK, .seq = p.seq + 12, .ack = p.ack + 7, .text = 3, .bytes = "bye");
	TX(&p, PSH | ACK, .seq = p.ack + 7, .ack = p.seq + 16, .text = 3, .bytes = "bye");
	QUIET();
	SAME(SCRIPT_HANG, call_now(&p));
	CALL(&p, "write \"!\"");
	SEND(&p, ACK, .seq = p.seq + 16, .ack = p.ack + 10);
	TX(&p, PSH | ACK, .seq = p.ack + 10, .ack = p.seq + 16, .text = 1, .bytes = "!");
	SEND(&p, RST, .seq = p.seq + 16);
	EMPTY_AFTER(0);
}

/* SIGPIPE: the script comes to a write or echo after its connection was shut down by hand. It ends,
 * with everything read, so that nothing but the FIN that is out already is sent. */
STACK_TEST(design_call_shutdown_before_the_script_writes)
{
	static const char *const LAST[] = {"write \"x\"", "echo"};
	struct stack_peer p;
	size_t i;

	for (i = 0; i < COUNT(LAST); i++)
		LISTEN((uint16_t)(80 + i), "accept", "read 5", LAST[i], "hang", NULL);
	START();
	for (i = 0; i < COUNT(LAST); i++) {
		p = stack_peer(40000, (uint16_t)(80 + i));
		HANDSHAKE(&p);
		CALL(&p, "shutdown");
		TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
		SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack + 1, .text = 5);
		TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 5);
		QUIET();
		/* An echo reads before it writes; a write does not. */
		if (i == 0) {
			REFUSED(&p, "read", "has closed");
		} else {
			SAME(SCRIPT_ECHO, call_now(&p));
			SEND(&p, PSH | ACK, .seq = p.seq + 5, .ack = p.ack + 1, .text = 3);
			TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 8);
			REFUSED(&p, "read", "has closed");
			p.seq += 3;
		}
		/* RFC 9293 3.6.1 SHLD-3: nobody is left to read. */
		SEND(&p, PSH | ACK, .seq = p.seq + 5, .ack = p.ack + 1, .text = 1);
		TX(&p, RST, .seq = p.ack + 1);
		SAME(i + 1, RESETS(AFTER_CLOSE));
	}
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_call_write),
		cmocka_unit_test(design_call_write_meanwhile),
		cmocka_unit_test(design_call_write_between_writes),
		cmocka_unit_test(design_call_write_refused),
		cmocka_unit_test(design_call_write_without_memory),
		cmocka_unit_test(design_call_shutdown_and_close),
		cmocka_unit_test(design_call_close_with_text_unread),
		cmocka_unit_test(design_call_linger_0),
		cmocka_unit_test(design_call_read),
		cmocka_unit_test(design_call_timeout_then_read),
		cmocka_unit_test(design_call_sleep),
		cmocka_unit_test(design_call_echo),
		cmocka_unit_test(design_call_shutdown_before_the_script_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
