/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_order.c - what one connection sends in one burst goes out in the order in which it was
 * said, to nobody else, and acknowledges what the RFCs say. rules.md section 9; RFC 7323 4.3. */
#include "stack_harness.h"

/* The listener's script is these calls; the handshake is done and its last ACK has come. */
#define SERVE(PEER, ...)                                                                           \
	do {                                                                                       \
		LISTEN(80, __VA_ARGS__);                                                           \
		START();                                                                           \
		HANDSHAKE(PEER);                                                                   \
		QUIET();                                                                           \
	} while (0)

/* Takes out the ACKs that come before anything else; there is one at least. How many of them may be
 * put together is test_stack_burst.c's. */
static void
acks(struct story_where where, const struct stack_peer *p, uint32_t ack)
{
	do
		stack_tx(where, p, &(struct stack_tx){.flags = ACK, .seq = p->ack, .ack = ack});
	while (stack_peek(p) && stack_peek(p)->segment.flags == ACK);
}

/* The SYN-ACK has come; the ACK is left to the scenario. */
static struct stack_peer
half_open(void)
{
	struct stack_peer p = stack_peer(40000, 80);

	SEND(&p, SYN, .seq = p.seq);
	p.seq++;
	p.ack = TX(&p, SYN | ACK, .ack = p.seq, .any_seq = true)->segment.seq + 1;
	QUIET();
	return p;
}

/* The RST's SEQ is behind the FIN: a peer that has not seen the FIN would only challenge it. */
STACK_TEST(rules_9_fin_comes_before_the_rst_behind_it)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 2", "shutdown", "linger 0", "close", NULL);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1);
	RX(&p, ACK, .seq = p.seq + 1, .ack = p.ack, .text = 1);
	BURST();
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 2);
	TX(&p, RST | ACK, .seq = p.ack + 1, .ack = p.seq + 2);
	SAME(1, RESETS(LINGER));
	EMPTY_AFTER(0);
}

STACK_TEST(rules_9_fin_comes_before_the_rst_of_unread_text)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 1", "shutdown", "close", NULL);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1);
	RX(&p, ACK, .seq = p.seq + 1, .ack = p.ack, .text = 1);
	BURST();
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 2);
	TX(&p, RST | ACK, .seq = p.ack + 1, .ack = p.seq + 2);
	SAME(1, RESETS(UNREAD_DATA));
	EMPTY_AFTER(0);
}

/* The same in one call of the application, before the burst is over. */
STACK_TEST(rules_9_fin_comes_before_the_rst_of_a_quick_application)
{
	struct stack_peer p;

	LISTEN(80, "accept", "shutdown", "linger 0", "close", NULL);
	START();
	p = half_open();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	TX(&p, RST | ACK, .seq = p.ack + 1, .ack = p.seq);
	SAME(1, RESETS(LINGER));
	EMPTY_AFTER(0);
}

/* The text behind a gap has its ACK; no ACK of a connection that is gone follows the RST. */
STACK_TEST(rules_9_rst_comes_behind_the_ack_of_a_gap)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 1", "close", NULL);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 2);
	RX(&p, ACK, .seq = p.seq + 4, .ack = p.ack, .text = 1);
	BURST();
	acks(HERE, &p, p.seq + 2);
	TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 2);
	SAME(1, RESETS(UNREAD_DATA));
	EMPTY_AFTER(0);
}

STACK_TEST(rules_9_fin_comes_behind_the_ack_of_a_gap)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 1", "close", NULL);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1);
	RX(&p, ACK, .seq = p.seq + 4, .ack = p.ack, .text = 1);
	BURST();
	acks(HERE, &p, p.seq + 1);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 1);
	QUIET();
	SEND(&p, RST, .seq = p.seq + 1);
	EMPTY_AFTER(0);
}

/* Somebody else's frame that was dropped is no way to the peer. TX() compares address and tags. */
static void
forged(bool gap)
{
	struct stack_peer p = stack_peer(40000, 80), forger;
	uint64_t answered;

	SERVE(&p, "accept", "read 1", "close", NULL);
	forger = p;
	forger.mac[5] = 66;
	forger.tags = 1;
	forger.tpid[0] = 0x8100;
	forger.tci[0] = 9;
	answered = COUNTER(answered);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1);
	if (gap)
		RX(&p, ACK, .seq = p.seq + 4, .ack = p.ack, .text = 1);
	RX(&forger, RST, .seq = p.seq + 0x40000000);
	BURST();
	if (gap)
		acks(HERE, &p, p.seq + 1);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 1);
	QUIET();
	SAME(1, DROPPED(tcp_rst_out_of_window));
	SAME(answered + 1 + gap, COUNTER(answered));
	SEND(&p, RST, .seq = p.seq + 1);
	EMPTY_AFTER(0);
}

STACK_TEST(rules_6_4_row_3_forged_rst_does_not_get_the_fin)
{
	forged(false);
}

STACK_TEST(rules_6_4_row_3_forged_rst_does_not_get_the_fin_behind_a_gap)
{
	forged(true);
}

/* The application starts and ends while segments of its connection are still to come. */
STACK_TEST(rules_9_rst_of_a_quick_close_comes_before_that_of_no_connection)
{
	const struct stack_sent *sent;
	struct stack_peer p;

	LISTEN(80, "accept", "close", NULL);
	START();
	p = half_open();
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	RX(&p, ACK, .seq = p.seq + 10, .ack = p.ack, .text = 10);
	BURST();
	sent = TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq + 10);
	SAME(0, (uint64_t)sent->place);
	sent = TX(&p, RST, .seq = p.ack);
	SAME(1, (uint64_t)sent->place);
	SAME(1, RESETS(UNREAD_DATA));
	SAME(1, RESETS(NO_CONNECTION));
	EMPTY_AFTER(0);
}

STACK_TEST(rules_9_fin_of_a_quick_close_comes_before_what_follows_it)
{
	struct stack_peer p;

	LISTEN(80, "accept", "close", NULL);
	START();
	p = half_open();
	RX(&p, ACK, .seq = p.seq + 10, .ack = p.ack, .text = 10); /* a gap, but it establishes */
	RX(&p, ACK, .seq = p.seq - 1000, .ack = p.ack);
	BURST();
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq);
	QUIET();
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* Last.ACK.sent is what went out, and one ACK goes out for the burst: the sender measures from the
 * first of what is acknowledged. */
STACK_TEST(rfc7323_4_3_tsecr_of_one_ack_for_two_texts)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t base = p.tsval;
	const struct stack_sent *sent;

	p.syn_options |= TCP_OPT_TS;
	SERVE(&p, "accept", "read all", "close", NULL);
	p.tsval = base + 100;
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	p.tsval = base + 200;
	RX(&p, ACK, .seq = p.seq + 10, .ack = p.ack, .text = 10);
	BURST();
	sent = TX(&p, ACK, .seq = p.ack, .ack = p.seq + 20);
	SAME(base + 100, sent->segment.tsecr);
	QUIET();
	p.tsval = base + 300;
	RX(&p, ACK, .seq = p.seq + 20, .ack = p.ack, .text = 10);
	p.tsval = base + 400;
	RX(&p, ACK, .seq = p.seq + 30, .ack = p.ack, .text = 10);
	BURST();
	sent = TX(&p, ACK, .seq = p.ack, .ack = p.seq + 40);
	SAME(base + 300, sent->segment.tsecr);
	QUIET();
	/* Nothing new in it, but it lies at the edge. */
	p.tsval = base + 500;
	SEND(&p, ACK, .seq = p.seq + 40, .ack = p.ack);
	QUIET();
	SEND(&p, ACK, .seq = p.seq + 50, .ack = p.ack, .text = 10);
	sent = TX(&p, ACK, .seq = p.ack, .ack = p.seq + 40);
	SAME(base + 500, sent->segment.tsecr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_9_fin_comes_before_the_rst_behind_it),
		cmocka_unit_test(rules_9_fin_comes_before_the_rst_of_unread_text),
		cmocka_unit_test(rules_9_fin_comes_before_the_rst_of_a_quick_application),
		cmocka_unit_test(rules_9_rst_comes_behind_the_ack_of_a_gap),
		cmocka_unit_test(rules_9_fin_comes_behind_the_ack_of_a_gap),
		cmocka_unit_test(rules_6_4_row_3_forged_rst_does_not_get_the_fin),
		cmocka_unit_test(rules_6_4_row_3_forged_rst_does_not_get_the_fin_behind_a_gap),
		cmocka_unit_test(rules_9_rst_of_a_quick_close_comes_before_that_of_no_connection),
		cmocka_unit_test(rules_9_fin_of_a_quick_close_comes_before_what_follows_it),
		cmocka_unit_test(rfc7323_4_3_tsecr_of_one_ack_for_two_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
