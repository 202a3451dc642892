/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_burst.c - several segments of one connection in one burst: ACKs are put together, and
 * nothing else is. RFC 9293 3.8.6.3 MUST-58, MUST-59; rules.md D-13. */
#include "stack_harness.h"

static struct stack_peer
reader(uint16_t port)
{
	struct stack_peer p = stack_peer(port, 80);

	HANDSHAKE(&p);
	QUIET();
	return p;
}

/* RFC 9293 3.8.6.3 MUST-58. */
STACK_TEST(rules_d13_one_ack_for_the_text_of_a_burst)
{
	struct stack_peer p;
	uint64_t answered;
	uint32_t i;

	LISTEN(80, "accept", "read all", "close", NULL);
	START();
	p = reader(40000);
	answered = COUNTER(answered);
	for (i = 0; i < 10; i++)
		RX(&p, ACK, .seq = p.seq + 100 * i, .ack = p.ack, .text = 100);
	BURST();
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1000, .wnd_is = true, .wnd = 65535);
	QUIET();
	/* A segment whose ACK another one took over has been answered. */
	SAME(answered + 10, COUNTER(answered));
}

STACK_TEST(rules_d13_unread_text_of_a_burst)
{
	struct stack_peer p;
	uint32_t i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p = reader(40000);
	for (i = 0; i < 10; i++)
		RX(&p, ACK, .seq = p.seq + 100 * i, .ack = p.ack, .text = 100);
	BURST();
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1000, .wnd_is = true, .wnd = 64535);
	QUIET();
}

STACK_TEST(rules_d13_one_ack_for_each_connection)
{
	struct stack_peer p[4];
	uint32_t i, j;

	LISTEN(80, "accept", "read all", "close", NULL);
	START();
	for (i = 0; i < 4; i++)
		p[i] = reader((uint16_t)(40000 + i));
	for (j = 0; j < 5; j++)
		for (i = 0; i < 4; i++)
			RX(&p[i], ACK, .seq = p[i].seq + 10 * j, .ack = p[i].ack, .text = 10);
	BURST();
	for (i = 0; i < 4; i++)
		TX(&p[i], ACK, .seq = p[i].ack, .ack = p[i].seq + 50);
	QUIET();
}

STACK_TEST(rules_d13_one_ack_for_each_burst)
{
	struct stack_peer p;
	uint32_t i;

	LISTEN(80, "accept", "read all", "close", NULL);
	START();
	p = reader(40000);
	for (i = 0; i < 5; i++) {
		SEND(&p, ACK, .seq = p.seq + 100 * i, .ack = p.ack, .text = 100);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100 * (i + 1));
		QUIET();
	}
}

/* The peer counts duplicate ACKs: none of them may be swallowed. RFC 5681 3.2. */
STACK_TEST(rules_d12_duplicate_acks_are_not_put_together)
{
	struct stack_peer p;
	uint32_t i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p = reader(40000);
	for (i = 1; i <= 4; i++)
		RX(&p, ACK, .seq = p.seq + 100 * i, .ack = p.ack, .text = 100);
	BURST();
	for (i = 1; i <= 4; i++)
		TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	QUIET();
}

/* Nor does one of them swallow the ACK before it: three duplicates of that are a loss. */
STACK_TEST(rfc5681_3_2_duplicate_acks_behind_text)
{
	struct stack_peer p;
	uint32_t i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p = reader(40000);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	for (i = 2; i <= 4; i++)
		RX(&p, ACK, .seq = p.seq + 100 * i, .ack = p.ack, .text = 100);
	BURST();
	for (i = 0; i < 4; i++)
		TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100);
	QUIET();
}

STACK_TEST(rules_d13_gap_between_text_in_order)
{
	struct stack_peer p;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p = reader(40000);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	RX(&p, ACK, .seq = p.seq + 200, .ack = p.ack, .text = 100);
	RX(&p, ACK, .seq = p.seq + 100, .ack = p.ack, .text = 100);
	BURST();
	/* The first, its duplicate, and the one that closes the gap. */
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 200);
	QUIET();
}

STACK_TEST(rules_d13_fin_behind_text)
{
	struct stack_peer p;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p = reader(40000);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	RX(&p, ACK, .seq = p.seq + 100, .ack = p.ack, .text = 100);
	RX(&p, FIN | ACK, .seq = p.seq + 200, .ack = p.ack);
	BURST();
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 201);
	QUIET();
}

STACK_TEST(rules_9_fin_takes_the_place_of_the_acks)
{
	struct stack_peer p;

	LISTEN(80, "accept", "read all", "close", NULL);
	START();
	p = reader(40000);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	RX(&p, FIN | ACK, .seq = p.seq + 100, .ack = p.ack, .text = 100);
	BURST();
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 201);
	QUIET();
	SEND(&p, ACK, .seq = p.seq + 201, .ack = p.ack + 1);
	EMPTY_AFTER(0);
}

/* What came before in the burst was said already: a challenge says the window as it is now. */
STACK_TEST(rfc5961_3_2_challenge_between_text)
{
	struct stack_peer p;
	unsigned int challenges = 0, acks = 0;
	const struct stack_sent *sent;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p = reader(40000);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	RX(&p, RST, .seq = p.seq + 500);
	RX(&p, ACK, .seq = p.seq + 100, .ack = p.ack, .text = 100);
	BURST();
	while ((sent = stack_peek(&p)) != NULL) {
		TRUE(sent->segment.ack == p.seq + 100 || sent->segment.ack == p.seq + 200);
		challenges += sent->place == 1;
		acks += sent->segment.ack == p.seq + 200;
		TX(&p, ACK, .seq = p.ack, .ack = sent->segment.ack);
	}
	SAME(1, challenges);
	SAME(1, acks);
	SAME(1, COUNTER(challenge_acks));
}

/* A read of 4096 wakes once, at the end of the burst, with all that is there. */
STACK_TEST(rules_9_reader_wakes_behind_the_burst)
{
	struct stack_peer p;
	uint32_t i;

	LISTEN(80, "accept", "read 100", "read 100", "close", NULL);
	START();
	p = reader(40000);
	for (i = 0; i < 4; i++)
		RX(&p, ACK, .seq = p.seq + 50 * i, .ack = p.ack, .text = 50);
	BURST();
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 200);
	QUIET();
}

STACK_TEST(rfc9293_3_10_7_4_rst_behind_text_in_one_burst)
{
	struct stack_peer p;

	LISTEN(80, "accept", "read 50", "close", NULL);
	START();
	p = reader(40000);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	RX(&p, RST, .seq = p.seq + 100);
	RX(&p, ACK, .seq = p.seq + 100, .ack = p.ack, .text = 100);
	BURST();
	/* The ACK of the first, or none of a connection that is gone; the third's RST always. */
	if (w.sent_tail - w.sent_head == 2)
		TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100);
	TX(&p, RST, .seq = p.ack);
	EMPTY_AFTER(0);
}

STACK_TEST(style_empty_burst)
{
	LISTEN(80, "accept", "hang", NULL);
	START();
	BURST();
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_d13_one_ack_for_the_text_of_a_burst),
		cmocka_unit_test(rules_d13_unread_text_of_a_burst),
		cmocka_unit_test(rules_d13_one_ack_for_each_connection),
		cmocka_unit_test(rules_d13_one_ack_for_each_burst),
		cmocka_unit_test(rules_d12_duplicate_acks_are_not_put_together),
		cmocka_unit_test(rfc5681_3_2_duplicate_acks_behind_text),
		cmocka_unit_test(rules_d13_gap_between_text_in_order),
		cmocka_unit_test(rules_d13_fin_behind_text),
		cmocka_unit_test(rules_9_fin_takes_the_place_of_the_acks),
		cmocka_unit_test(rfc5961_3_2_challenge_between_text),
		cmocka_unit_test(rules_9_reader_wakes_behind_the_burst),
		cmocka_unit_test(rfc9293_3_10_7_4_rst_behind_text_in_one_burst),
		cmocka_unit_test(style_empty_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
