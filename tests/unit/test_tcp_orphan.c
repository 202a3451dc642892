/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_orphan.c - close() was called and nobody reads any more. RFC 9293 3.6.1 MAY-1, SHLD-3;
 * rules.md 6.6. */
#include "tcp_harness.h"

static const enum tcp_state OPEN[] = {TCP_FIN_WAIT_1, TCP_FIN_WAIT_2};

static void
enter(enum tcp_state state)
{
	h.orphan = true;
	tcp_enter(state);
}

/* RST_A, and the connection is forgotten. */
static void
reset(struct story_where where, uint32_t ack)
{
	tcp_tx(where, &(struct tcp_tx){.flags = RST, .seq = ack});
	tcp_rst_is(where, TCP_RST_AFTER_CLOSE);
	tcp_gone(where);
}

/* D-22. */
TCP_TEST(rfc9293_shld_3_new_text_gets_rst)
{
	size_t i;

	for (i = 0; i < COUNT(OPEN); i++) {
		enter(OPEN[i]);
		RX(PSH | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
		reset(HERE, SND_NXT);
		enter(OPEN[i]);
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 1);
		reset(HERE, SND_UNA);
		/* With a FIN behind it. */
		enter(OPEN[i]);
		RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
		reset(HERE, SND_NXT);
	}
}

TCP_TEST(rfc9293_shld_3_text_partly_new_gets_rst)
{
	size_t i;

	for (i = 0; i < COUNT(OPEN); i++) {
		enter(OPEN[i]);
		RX(ACK, .seq = RCV_NXT - 30, .ack = SND_NXT, .text = 31);
		reset(HERE, SND_NXT);
	}
}

TCP_TEST(rfc9293_shld_3_new_text_out_of_order_gets_rst)
{
	size_t i;

	for (i = 0; i < COUNT(OPEN); i++) {
		enter(OPEN[i]);
		RX(ACK, .seq = RCV_NXT + 100, .ack = SND_NXT, .text = 10);
		reset(HERE, SND_NXT);
	}
}

TCP_TEST(rules_6_6_old_text_gets_ack)
{
	size_t i;

	for (i = 0; i < COUNT(OPEN); i++) {
		enter(OPEN[i]);
		RX(ACK, .seq = RCV_NXT - 30, .ack = SND_NXT, .text = 30);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(OPEN[i]);
	}
}

/* No text of it is new, and the FIN does not count. */
TCP_TEST(rules_6_6_old_text_with_a_new_fin_is_a_fin)
{
	enter(TCP_FIN_WAIT_1);
	RX(FIN | ACK, .seq = RCV_NXT - 30, .ack = SND_UNA, .text = 30);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSING);

	enter(TCP_FIN_WAIT_2);
	RX(FIN | ACK, .seq = RCV_NXT - 30, .ack = SND_NXT, .text = 30);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_TIME_WAIT);
}

TCP_TEST(rules_6_6_fin_in_order_ends_as_ever)
{
	enter(TCP_FIN_WAIT_1);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_UNA);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSING);
	RX(ACK, .seq = RCV_NXT + 1, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms);

	enter(TCP_FIN_WAIT_1);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms);

	enter(TCP_FIN_WAIT_2);
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms);
}

TCP_TEST(rules_6_6_fin_out_of_order_gets_ack)
{
	size_t i;

	for (i = 0; i < COUNT(OPEN); i++) {
		enter(OPEN[i]);
		RX(FIN | ACK, .seq = RCV_NXT + 10, .ack = SND_UNA);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(OPEN[i]);
	}
}

/* The steps before the text come first: none of these reaches it. */
TCP_TEST(rules_6_6_text_that_is_not_lawful_gets_no_rst)
{
	size_t i;

	for (i = 0; i < COUNT(OPEN); i++) {
		enter(OPEN[i]);
		RX(ACK, .seq = RCV_NXT + BUFF, .ack = SND_NXT, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(OPEN[i]);
		RX(NONE, .seq = RCV_NXT, .text = 10);
		TX_NOTHING(DROP_tcp_no_ack);
		STATE(OPEN[i]);
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + 1, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
		STATE(OPEN[i]);
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA - 5001, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
		STATE(OPEN[i]);
		RX(SYN | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
		STATE(OPEN[i]);
	}
}

TCP_TEST(rules_6_6_ack_of_fin_starts_the_wait_for_the_peers)
{
	enter(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_2);
	DEADLINE_IN(TCP_FIN_WAIT_2_MS);
	SAME(60000, tcp_expire());
	TX_NOTHING(DROP_NONE);
	GONE();
}

/* shutdown() and then close(): somebody read, now nobody does. */
TCP_TEST(rules_6_6_close_behind_shutdown_leaves_an_orphan)
{
	static const uint32_t ACKED[] = {0, 1};
	size_t i;

	for (i = 0; i < COUNT(OPEN); i++) {
		h.orphan = false;
		tcp_enter(OPEN[i]);
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
		tcp_call_read(10);
		TX_NOTHING(DROP_NONE);
		tcp_call_close();
		TX_NOTHING(DROP_NONE); /* the FIN is out already */
		STATE(OPEN[i]);
		RX(ACK, .seq = RCV_NXT + 10, .ack = ISS + 1 + ACKED[i], .text = 10);
		reset(HERE, ISS + 1 + ACKED[i]);
	}
}

TCP_TEST(rules_6_6_close_behind_shutdown_in_fin_wait_2_starts_its_timer)
{
	h.orphan = false;
	tcp_enter(TCP_FIN_WAIT_2);
	NO_DEADLINE();
	tcp_wait(100000);
	tcp_call_close();
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_2);
	DEADLINE_IN(TCP_FIN_WAIT_2_MS);
}

/* Behind the peer's FIN there is no new text: rows 10 and 12 hold. */
TCP_TEST(rules_6_6_text_behind_the_peers_fin_is_ignored_as_ever)
{
	static const enum tcp_state CLOSED[] = {TCP_CLOSING, TCP_LAST_ACK, TCP_TIME_WAIT};
	size_t i;

	for (i = 0; i < COUNT(CLOSED); i++) {
		enter(CLOSED[i]);
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA, .text = 10);
		TX_NOTHING(DROP_tcp_text_after_fin);
		STATE(CLOSED[i]);
		RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_UNA);
		TX_NOTHING(DROP_tcp_fin_after_fin);
		STATE(CLOSED[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_shld_3_new_text_gets_rst),
		cmocka_unit_test(rfc9293_shld_3_text_partly_new_gets_rst),
		cmocka_unit_test(rfc9293_shld_3_new_text_out_of_order_gets_rst),
		cmocka_unit_test(rules_6_6_old_text_gets_ack),
		cmocka_unit_test(rules_6_6_old_text_with_a_new_fin_is_a_fin),
		cmocka_unit_test(rules_6_6_fin_in_order_ends_as_ever),
		cmocka_unit_test(rules_6_6_fin_out_of_order_gets_ack),
		cmocka_unit_test(rules_6_6_text_that_is_not_lawful_gets_no_rst),
		cmocka_unit_test(rules_6_6_ack_of_fin_starts_the_wait_for_the_peers),
		cmocka_unit_test(rules_6_6_close_behind_shutdown_leaves_an_orphan),
		cmocka_unit_test(rules_6_6_close_behind_shutdown_in_fin_wait_2_starts_its_timer),
		cmocka_unit_test(rules_6_6_text_behind_the_peers_fin_is_ignored_as_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
