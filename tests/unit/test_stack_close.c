/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_close.c - resets that are received, and normal closes from either side: design.md's
 * table, rows 8 and 9, segment by segment. */
#include <stdlib.h>

#include "stack_harness.h"

/* The listener's script is these calls; the handshake is done and its last ACK has come. */
#define SERVE(PEER, ...)                                                                           \
	do {                                                                                       \
		LISTEN(80, __VA_ARGS__);                                                           \
		START();                                                                           \
		HANDSHAKE(PEER);                                                                   \
	} while (0)

/* Whatever the application is doing, a reset ends it in silence. */
STACK_TEST(design_8_reset_is_received)
{
	static const char *const SCRIPTS[][5] = {
		{NULL},
		{"accept", "hang", NULL},
		{"accept", "read all", "close", NULL},
		{"accept", "timeout 50ms", "read", "close", NULL},
		{"accept", "sleep 50ms", "close", NULL},
		{"accept", "shutdown", "read all", "close", NULL},
		{"accept", "close", NULL},
	};
	struct stack_peer p;
	size_t i;

	for (i = 0; i < COUNT(SCRIPTS); i++) {
		w.listener_count = 0;
		stack_listen(80, SCRIPTS[i]);
		w.rx_total = w.tx_total = 0;
		START();
		p = stack_peer((uint16_t)(40000 + i), 80);
		HANDSHAKE(&p);
		stack_forget();
		SEND(&p, RST, .seq = p.seq);
		QUIET();
		CONNECTIONS(0);
		PASS(1000);
		QUIET();
		EMPTY_AFTER(0);
		if (i + 1 < COUNT(SCRIPTS))
			free(w.memory);
	}
}

STACK_TEST(design_8_reset_with_unread_data)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "sleep 100ms", "close", NULL);
	RX(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	RX(&p, RST | ACK, .seq = p.seq + 10, .ack = p.ack);
	BURST();
	stack_forget(); /* the ACK of the text may come out or not */
	PASS(1000);
	QUIET();
	EMPTY_AFTER(0);
}

STACK_TEST(design_9_client_closes_first)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read all", "close", NULL);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100, .wnd_is = true, .wnd = 65535);
	SEND(&p, FIN | ACK, .seq = p.seq + 100, .ack = p.ack);
	/* One segment: FIN on the ACK. */
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 101);
	QUIET();
	SEND(&p, ACK, .seq = p.seq + 101, .ack = p.ack + 1);
	QUIET();
	EMPTY_AFTER(0);
}

STACK_TEST(design_9_server_closes_first)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "close", NULL);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 1);
	QUIET();
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	PASS(59900);
	QUIET();
	CONNECTIONS(1);
	EMPTY_AFTER(200);
}

STACK_TEST(design_9_both_close_at_once)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "close", NULL);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack + 1);
	QUIET();
	CONNECTIONS(1);
	EMPTY_AFTER(60100);
}

STACK_TEST(design_9_fin_that_nobody_answers_is_given_up)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	SERVE(&p, "accept", "close", NULL);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	PASS(1200000);
	for (i = 0; i < 15; i++)
		TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SAME(15, COUNTER(fin_retransmitted));
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_8_reset_is_received),
		cmocka_unit_test(design_8_reset_with_unread_data),
		cmocka_unit_test(design_9_client_closes_first),
		cmocka_unit_test(design_9_server_closes_first),
		cmocka_unit_test(design_9_both_close_at_once),
		cmocka_unit_test(design_9_fin_that_nobody_answers_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
