/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_failures.c - what goes on the wire when a server fails: design.md's table, rows 2b to
 * 4b and 7, segment by segment. */
#include "stack_harness.h"

/* The listener's script is these calls; the handshake is done and its last ACK has come. */
#define SERVE(PEER, ...)                                                                           \
	do {                                                                                       \
		LISTEN(80, __VA_ARGS__);                                                           \
		START();                                                                           \
		HANDSHAKE(PEER);                                                                   \
	} while (0)

STACK_TEST(design_2b_server_that_waits_no_longer_closes)
{
	struct stack_peer p = stack_peer(40000, 80);

	MARK();
	SERVE(&p, "accept", "timeout 100ms", "read", "close", NULL);
	QUIET();
	PASS(98);
	QUIET();
	PASS(10);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 1);
	QUIET();
	/* What comes later is for nobody. */
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack + 1, .text = 10);
	TX(&p, RST, .seq = p.ack + 1);
	SAME(1, RESETS(AFTER_CLOSE));
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack + 1, .text = 10);
	TX(&p, RST, .seq = p.ack + 1);
	SAME(1, RESETS(NO_CONNECTION));
	EMPTY_AFTER(0);
}

STACK_TEST(design_2b_data_in_time_is_read)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "timeout 100ms", "read", "close", NULL);
	PASS(50);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	/* The read returns, close() finds nothing unread: FIN on the ACK. */
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 10);
	QUIET();
	PASS(100);
	stack_forget();
	CONNECTIONS(1);
}

/* 5,000 sent, 4,096 read: in one burst the ACK is for all of it, then comes the RST. */
STACK_TEST(design_3_half_read_in_one_burst)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t i;

	SERVE(&p, "accept", "read 4096", "close", NULL);
	QUIET();
	for (i = 0; i < 4; i++)
		RX(&p, PSH | ACK, .seq = p.seq + 1250 * i, .ack = p.ack, .text = 1250);
	BURST();
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 5000);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 5000);
	SAME(1, RESETS(UNREAD_DATA));
	EMPTY_AFTER(0);
}

STACK_TEST(design_3_half_read_in_bursts_of_one)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t i;

	SERVE(&p, "accept", "read 4096", "close", NULL);
	QUIET();
	for (i = 0; i < 4; i++) {
		SEND(&p, PSH | ACK, .seq = p.seq + 1250 * i, .ack = p.ack, .text = 1250);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1250 * (i + 1));
	}
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 5000);
	SAME(1, RESETS(UNREAD_DATA));
	EMPTY_AFTER(0);
}

STACK_TEST(design_3_exactly_read_is_no_failure)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 4096", "close", NULL);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1400);
	RX(&p, ACK, .seq = p.seq + 1400, .ack = p.ack, .text = 1400);
	RX(&p, PSH | ACK, .seq = p.seq + 2800, .ack = p.ack, .text = 1296);
	BURST();
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 4096);
	QUIET();
	SEND(&p, FIN | ACK, .seq = p.seq + 4096, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 4097);
	EMPTY_AFTER(60100);
}

STACK_TEST(design_3_read_that_the_fin_cuts_short_returns)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 4096", "close", NULL);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100);
	SEND(&p, FIN | ACK, .seq = p.seq + 100, .ack = p.ack);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 101);
	SEND(&p, ACK, .seq = p.seq + 101, .ack = p.ack + 1);
	EMPTY_AFTER(0);
}

STACK_TEST(design_3b_abort_at_once)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "linger 0", "close", NULL);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq);
	SAME(1, RESETS(LINGER));
	CONNECTIONS(0);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, RST, .seq = p.ack);
	EMPTY_AFTER(0);
}

STACK_TEST(design_3b_abort_of_text_that_came_with_the_ack)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "linger 0", "close", NULL);
	START();
	SEND(&p, SYN, .seq = p.seq);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	SEND(&p, PSH | ACK, .seq = p.seq + 1, .ack = p.ack, .text = 10);
	/* The RST says what had come: no ACK in front of it. */
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 11);
	SAME(1, RESETS(LINGER));
	EMPTY_AFTER(0);
}

STACK_TEST(design_4_closed_at_once)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "close", NULL);
	/* In the place of a reply. */
	TRUE(stack_peek(&p)->place == 0);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	QUIET();
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack + 1, .text = 10);
	TX(&p, RST, .seq = p.ack + 1);
	SAME(1, RESETS(AFTER_CLOSE));
	SEND(&p, PSH | ACK, .seq = p.seq + 10, .ack = p.ack + 1, .text = 10);
	TX(&p, RST, .seq = p.ack + 1);
	EMPTY_AFTER(0);
}

STACK_TEST(design_4_script_that_ends_closes)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", NULL);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	EMPTY_AFTER(60100);
}

STACK_TEST(design_4_closed_over_text_that_came_with_the_ack)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "close", NULL);
	START();
	SEND(&p, SYN, .seq = p.seq);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	SEND(&p, PSH | ACK, .seq = p.seq + 1, .ack = p.ack, .text = 10);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 11);
	SAME(1, RESETS(UNREAD_DATA));
	EMPTY_AFTER(0);
}

STACK_TEST(design_4_closed_over_a_fin_that_came_with_the_ack)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "close", NULL);
	START();
	SEND(&p, SYN, .seq = p.seq);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	SEND(&p, FIN | ACK, .seq = p.seq + 1, .ack = p.ack);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 2);
	QUIET();
	SEND(&p, ACK, .seq = p.seq + 2, .ack = p.ack + 1);
	EMPTY_AFTER(0);
}

STACK_TEST(design_4a_closed_over_unread_data)
{
	struct stack_peer p = stack_peer(40000, 80);

	MARK();
	SERVE(&p, "accept", "sleep 100ms", "close", NULL);
	QUIET();
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 10, .wnd_is = true, .wnd = 65525);
	PASS(98);
	QUIET();
	PASS(10);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 10, .after_ms = 100);
	SAME(1, RESETS(UNREAD_DATA));
	EMPTY_AFTER(0);
}

STACK_TEST(design_4a_closed_over_nothing_unread)
{
	struct stack_peer p = stack_peer(40000, 80);

	MARK();
	SERVE(&p, "accept", "sleep 100ms", "close", NULL);
	PASS(110);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 1);
	/* FIN-WAIT-2 without a reader. */
	PASS(59900);
	QUIET();
	CONNECTIONS(1);
	EMPTY_AFTER(200);
}

STACK_TEST(design_4b_half_close)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "shutdown", "read all", "close", NULL);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 1);
	QUIET();
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack + 1, .text = 1000);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1000, .wnd_is = true, .wnd = 65535);
	PASS(200000); /* as long as it likes */
	QUIET();
	SEND(&p, PSH | ACK, .seq = p.seq + 1000, .ack = p.ack + 1, .text = 1000);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 2000);
	SEND(&p, FIN | ACK, .seq = p.seq + 2000, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 2001);
	PASS(59900);
	QUIET();
	CONNECTIONS(1);
	EMPTY_AFTER(200);
}

/* The same application, whatever it does: never accepted, or hung. */
static void
hung(void)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t i;

	w.listeners[0].receive_buffer = 4000;
	START();
	HANDSHAKE(&p);
	QUIET();
	for (i = 1; i <= 4; i++) {
		SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 1000);
		p.seq += 1000;
		TX(&p, ACK, .seq = p.ack, .ack = p.seq, .wnd_is = true,
		   .wnd = (uint16_t)(4000 - 1000 * i));
	}
	/* Shut: each probe is answered, whatever it is. */
	for (i = 0; i < 5; i++) {
		PASS(30000);
		QUIET();
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq, .wnd_is = true, .wnd = 0);
		SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq, .wnd_is = true, .wnd = 0);
	}
	CONNECTIONS(1);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(design_7_never_accepted)
{
	LISTEN(80, NULL);
	hung();
}

STACK_TEST(design_7_accepted_and_hung)
{
	LISTEN(80, "accept", "hang", NULL);
	hung();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_2b_server_that_waits_no_longer_closes),
		cmocka_unit_test(design_2b_data_in_time_is_read),
		cmocka_unit_test(design_3_half_read_in_one_burst),
		cmocka_unit_test(design_3_half_read_in_bursts_of_one),
		cmocka_unit_test(design_3_exactly_read_is_no_failure),
		cmocka_unit_test(design_3_read_that_the_fin_cuts_short_returns),
		cmocka_unit_test(design_3b_abort_at_once),
		cmocka_unit_test(design_3b_abort_of_text_that_came_with_the_ack),
		cmocka_unit_test(design_4_closed_at_once),
		cmocka_unit_test(design_4_script_that_ends_closes),
		cmocka_unit_test(design_4_closed_over_text_that_came_with_the_ack),
		cmocka_unit_test(design_4_closed_over_a_fin_that_came_with_the_ack),
		cmocka_unit_test(design_4a_closed_over_unread_data),
		cmocka_unit_test(design_4a_closed_over_nothing_unread),
		cmocka_unit_test(design_4b_half_close),
		cmocka_unit_test(design_7_never_accepted),
		cmocka_unit_test(design_7_accepted_and_hung),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
