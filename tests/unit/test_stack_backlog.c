/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_backlog.c - the accept queue. design.md, "The idea"; rules.md D-24. */
#include "stack_harness.h"

/* The n-th of many peers of one port. */
static struct stack_peer
nth(unsigned int n)
{
	struct stack_peer p = stack_peer((uint16_t)(40000 + n), 80);

	p.seq += 1000 * n;
	return p;
}

/* Its SYN is answered; its ACK is still to come. */
static struct stack_peer
half_open(unsigned int n)
{
	struct stack_peer p = nth(n);

	SEND(&p, SYN, .seq = p.seq);
	p.seq++;
	p.ack = TX(&p, SYN | ACK, .ack = p.seq, .any_seq = true)->segment.seq + 1;
	QUIET();
	return p;
}

STACK_TEST(design_empty_script_completes_exactly_backlog)
{
	struct stack_peer p;
	unsigned int i;

	LISTEN(80, NULL)->backlog = 3;
	START();
	for (i = 0; i < 3; i++) {
		p = nth(i);
		HANDSHAKE(&p);
		QUIET();
	}
	for (; i < 10; i++) {
		p = nth(i);
		SEND(&p, SYN, .seq = p.seq);
		QUIET();
	}
	SAME(7, DROPPED(tcp_backlog_full));
	SAME(3, COUNTER(established));
	CONNECTIONS(3);
	PASS(100000);
	QUIET();
	CONNECTIONS(3);
}

STACK_TEST(design_backlog_of_one)
{
	struct stack_peer p = nth(0);

	LISTEN(80, NULL)->backlog = 1;
	START();
	HANDSHAKE(&p);
	QUIET();
	p = nth(1);
	SEND(&p, SYN, .seq = p.seq);
	QUIET();
	SAME(1, DROPPED(tcp_backlog_full));
}

STACK_TEST(rules_d24_final_ack_beyond_the_backlog_is_ignored)
{
	struct stack_peer p[5];
	unsigned int i;

	LISTEN(80, NULL)->backlog = 3;
	START();
	for (i = 0; i < 5; i++)
		p[i] = half_open(i);
	MARK();
	for (i = 0; i < 5; i++)
		RX(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack);
	BURST();
	QUIET();
	SAME(3, COUNTER(established));
	SAME(2, DROPPED(tcp_backlog_full));
	SAME(2, stack_half_open(w.s));
	/* They are still handshakes: the SYN-ACK is sent again. */
	PASS(1500);
	TX(&p[3], SYN | ACK, .seq = p[3].ack - 1, .ack = p[3].seq, .after_ms = 1000);
	TX(&p[4], SYN | ACK, .seq = p[4].ack - 1, .ack = p[4].seq, .after_ms = 1000);
	QUIET();
	/* Text on the ACK is as little taken. */
	SEND(&p[3], ACK, .seq = p[3].seq, .ack = p[3].ack, .text = 10);
	QUIET();
	SAME(3, DROPPED(tcp_backlog_full));
}

STACK_TEST(rules_d24_retried_ack_completes_when_there_is_room)
{
	struct stack_peer p[3], other;
	unsigned int i;

	LISTEN(80, NULL)->backlog = 2;
	START();
	for (i = 0; i < 3; i++)
		p[i] = half_open(i);
	for (i = 0; i < 3; i++)
		SEND(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack);
	QUIET();
	SAME(1, DROPPED(tcp_backlog_full));
	/* A reset gives the place back. */
	SEND(&p[0], RST, .seq = p[0].seq);
	QUIET();
	SEND(&p[2], ACK, .seq = p[2].seq, .ack = p[2].ack);
	QUIET();
	SAME(3, COUNTER(established));
	SAME(0, stack_half_open(w.s));
	/* Once. */
	other = nth(9);
	SEND(&other, SYN, .seq = other.seq);
	QUIET();
	SAME(2, DROPPED(tcp_backlog_full));
}

STACK_TEST(design_accept_makes_room)
{
	struct stack_peer p = nth(0), q = nth(1);

	LISTEN(80, "sleep 500ms", "accept", "hang", NULL)->backlog = 1;
	START();
	HANDSHAKE(&p);
	QUIET();
	SEND(&q, SYN, .seq = q.seq);
	QUIET();
	SAME(1, DROPPED(tcp_backlog_full));
	PASS(510);
	HANDSHAKE(&q);
	QUIET();
	SAME(2, COUNTER(established));
}

STACK_TEST(design_accept_at_once_never_fills_the_queue)
{
	struct stack_peer p[10];
	unsigned int i;

	LISTEN(80, "accept", "hang", NULL)->backlog = 1;
	START();
	for (i = 0; i < 10; i++)
		p[i] = half_open(i);
	for (i = 0; i < 10; i++)
		RX(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack);
	BURST();
	QUIET();
	SAME(10, COUNTER(established));
	SAME(0, DROPPED(tcp_backlog_full));
}

STACK_TEST(design_waiting_connection_has_its_data_acknowledged)
{
	struct stack_peer p = nth(0);

	LISTEN(80, NULL);
	START();
	HANDSHAKE(&p);
	QUIET();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1000);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1000, .wnd_is = true, .wnd = 64535);
	SEND(&p, FIN | ACK, .seq = p.seq + 1000, .ack = p.ack);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1001, .wnd_is = true, .wnd = 64534);
	/* It waits on, and keeps its place. */
	PASS(1000000);
	QUIET();
	CONNECTIONS(1);
}

STACK_TEST(design_listeners_have_a_queue_each)
{
	struct stack_peer p = nth(0), q = nth(1);

	LISTEN(80, NULL)->backlog = 1;
	LISTEN(81, NULL)->backlog = 1;
	START();
	HANDSHAKE(&p);
	q.lport = 81;
	HANDSHAKE(&q);
	QUIET();
	SAME(2, COUNTER(established));
	SAME(0, DROPPED(tcp_backlog_full));
}

/* RFC 9293 3.10.5, ABORT in LISTEN: what nobody accepted is reset. */
STACK_TEST(rules_9_script_that_ends_before_accept_resets_what_waits)
{
	struct stack_peer p = nth(0);

	LISTEN(80, "sleep 100ms", NULL);
	START();
	HANDSHAKE(&p);
	QUIET();
	MARK();
	PASS(200);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
	SAME(1, RESETS(NOT_ACCEPTED));
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_empty_script_completes_exactly_backlog),
		cmocka_unit_test(design_backlog_of_one),
		cmocka_unit_test(rules_d24_final_ack_beyond_the_backlog_is_ignored),
		cmocka_unit_test(rules_d24_retried_ack_completes_when_there_is_room),
		cmocka_unit_test(design_accept_makes_room),
		cmocka_unit_test(design_accept_at_once_never_fills_the_queue),
		cmocka_unit_test(design_waiting_connection_has_its_data_acknowledged),
		cmocka_unit_test(design_listeners_have_a_queue_each),
		cmocka_unit_test(rules_9_script_that_ends_before_accept_resets_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
