/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_synchronized_ack.c - the sequence check and the ACK field in the synchronized states.
 * RFC 9293 3.10.7.4 steps 1 and 5; RFC 5961 5.2; rules.md 6.4 rows 5 to 9. */
#include "tcp_harness.h"

/* Every state, as a half-closed connection and as one that nobody reads. */
#define STATES (2 * COUNT(SYNCHRONIZED))

static enum tcp_state
enter(size_t i)
{
	h.orphan = i >= COUNT(SYNCHRONIZED);
	tcp_enter(SYNCHRONIZED[i % COUNT(SYNCHRONIZED)]);
	return SYNCHRONIZED[i % COUNT(SYNCHRONIZED)];
}

TCP_TEST(rfc9293_3_10_7_4_step1_row5_old_text_gets_ack)
{
	static const uint8_t FLAGS[] = {ACK, PSH | ACK, NONE, PSH, URG | ACK};
	enum tcp_state state;
	size_t i, j;

	h.fill = 0;
	for (i = 0; i < STATES; i++) {
		state = enter(i);
		for (j = 0; j < COUNT(FLAGS); j++) {
			RX(FLAGS[j], .seq = RCV_NXT - 10, .ack = SND_NXT, .text = 10);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			STATE(state);
			RX(FLAGS[j], .seq = RCV_NXT - 100, .ack = SND_NXT, .text = 10);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			STATE(state);
		}
	}
}

/* The retransmission of the peer's FIN: SND.NXT is behind our own, even if it is not acked yet. */
TCP_TEST(rfc9293_3_10_7_4_step1_row5_old_fin_gets_ack)
{
	size_t i;

	for (i = 0; i < COUNT(PEER_CLOSED); i++) {
		tcp_enter(PEER_CLOSED[i]);
		RX(FIN | ACK, .seq = RCV_NXT - 1, .ack = SND_UNA);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(PEER_CLOSED[i]);
		RX(FIN | ACK, .seq = RCV_NXT - 11, .ack = SND_UNA, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(PEER_CLOSED[i]);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step1_row5_keepalive_gets_ack)
{
	enum tcp_state state;
	size_t i;

	for (i = 0; i < STATES; i++) {
		state = enter(i);
		/* Without text, and with one old byte of it. RFC 9293 3.8.4. */
		RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(state);
		RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT, .text = 1);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(state);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step1_row5_beyond_the_window_gets_ack)
{
	enum tcp_state state;
	size_t i, j;

	for (i = 0; i < STATES; i++) {
		state = enter(i);
		const uint32_t at[] = {RCV_NXT + BUFF, RCV_NXT + BUFF + 1, RCV_NXT + 0x40000000};

		for (j = 0; j < COUNT(at); j++) {
			RX(ACK, .seq = at[j], .ack = SND_NXT);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			STATE(state);
			RX(ACK, .seq = at[j], .ack = SND_NXT, .text = 10);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			STATE(state);
			RX(FIN | ACK, .seq = at[j], .ack = SND_NXT);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			STATE(state);
			/* The sequence check comes before the missing ACK. */
			RX(NONE, .seq = at[j]);
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
			STATE(state);
		}
	}
}

/* What it acknowledges does not count either: our FIN stays unacknowledged. */
TCP_TEST(rfc9293_3_10_7_4_step1_row5_ack_field_is_not_looked_at)
{
	static const enum tcp_state WAITING[] = {TCP_FIN_WAIT_1, TCP_CLOSING, TCP_LAST_ACK};
	size_t i;

	for (i = 0; i < COUNT(WAITING); i++) {
		tcp_enter(WAITING[i]);
		RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(WAITING[i]);
		SAME(SND_UNA, h.c.snd.una);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step5_row6_without_ack_is_dropped)
{
	static const uint8_t FLAGS[] = {NONE, FIN, PSH, URG, FIN | PSH | URG};
	enum tcp_state state;
	size_t i, j;

	for (i = 0; i < STATES; i++) {
		state = enter(i);
		for (j = 0; j < COUNT(FLAGS); j++) {
			RX(FLAGS[j], .seq = RCV_NXT);
			TX_NOTHING(DROP_tcp_no_ack);
			STATE(state);
			RX(FLAGS[j], .seq = RCV_NXT, .text = 10);
			TX_NOTHING(DROP_tcp_no_ack);
			STATE(state);
			RX(FLAGS[j], .seq = RCV_NXT + 5, .text = 10);
			TX_NOTHING(DROP_tcp_no_ack);
			STATE(state);
		}
		SAME(RCV_NXT, h.c.rcv.nxt);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step5_row7_ack_of_what_was_not_sent_gets_ack)
{
	static const uint8_t FLAGS[] = {ACK, PSH | ACK, FIN | ACK};
	enum tcp_state state;
	size_t i, j, k;

	for (i = 0; i < STATES; i++) {
		state = enter(i);
		const uint32_t ack[] = {SND_NXT + 1, SND_NXT + 1000, SND_NXT + 0x40000000};

		for (j = 0; j < COUNT(ack); j++)
			for (k = 0; k < COUNT(FLAGS); k++) {
				RX(FLAGS[k], .seq = RCV_NXT, .ack = ack[j]);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT,
				   .challenge = h.reply.challenge);
				STATE(state);
				RX(FLAGS[k], .seq = RCV_NXT, .ack = ack[j], .text = 10);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT,
				   .challenge = h.reply.challenge);
				STATE(state);
			}
		SAME(SND_UNA, h.c.snd.una);
	}
}

TCP_TEST(rfc5961_5_2_row8_ack_older_than_the_largest_window_gets_ack)
{
	static const uint8_t FLAGS[] = {ACK, PSH | ACK, FIN | ACK};
	enum tcp_state state;
	size_t i, j, k;

	h.wnd = 5000; /* the largest that ever came */
	for (i = 0; i < STATES; i++) {
		state = enter(i);
		const uint32_t ack[] = {SND_UNA - 5001, SND_UNA - 10000, SND_UNA - 0x40000000};

		for (j = 0; j < COUNT(ack); j++)
			for (k = 0; k < COUNT(FLAGS); k++) {
				RX(FLAGS[k], .seq = RCV_NXT, .ack = ack[j]);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT,
				   .challenge = h.reply.challenge);
				STATE(state);
				RX(FLAGS[k], .seq = RCV_NXT, .ack = ack[j], .text = 10);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT,
				   .challenge = h.reply.challenge);
				STATE(state);
			}
	}
}

TCP_TEST(rfc5961_5_2_row8_ack_as_old_as_the_largest_window_is_taken)
{
	size_t i;

	for (i = 0; i < COUNT(RECEIVING); i++) {
		h.wnd = 5000;
		tcp_enter(RECEIVING[i]);
		/* The largest window counts, not the last. */
		h.wnd = 100;
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA);
		TX_NOTHING(DROP_NONE);
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA - 5000, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
		STATE(RECEIVING[i]);
	}
}

TCP_TEST(rfc5961_5_2_row8_the_largest_window_grows)
{
	h.wnd = 5000;
	tcp_enter(TCP_ESTABLISHED);
	RX(ACK, .seq = RCV_NXT, .ack = SND_UNA - 5001);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
	h.wnd = 6000;
	RX(ACK, .seq = RCV_NXT, .ack = SND_UNA);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT, .ack = SND_UNA - 6000);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT, .ack = SND_UNA - 6001);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
}

/* RFC 7323 2.2: the window of a SYN is never scaled, those that follow are. */
TCP_TEST(rfc7323_2_2_row8_the_largest_window_is_scaled_behind_the_syn)
{
	h.syn_options |= TCP_OPT_WSCALE;
	h.syn_wscale = 3;
	h.wnd = 5000;
	tcp_syn(0);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	h.wnd = 100; /* 800 */
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1 - 5000);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1 - 5001);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1, .challenge = h.reply.challenge);

	h.wnd = 5000; /* 40000 */
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1 - 40000);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1 - 40001);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1, .challenge = h.reply.challenge);
}

TCP_TEST(rfc9293_3_10_7_4_step5_row9_lawful_ack_without_text_is_silent)
{
	static const enum tcp_state STAY[] = {TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2,
					      TCP_CLOSE_WAIT,  TCP_CLOSING,    TCP_LAST_ACK,
					      TCP_TIME_WAIT};
	size_t i, j;

	for (i = 0; i < COUNT(STAY); i++) {
		tcp_enter(STAY[i]);
		const uint32_t at[] = {RCV_NXT, RCV_NXT + 1, RCV_NXT + BUFF - 1};

		for (j = 0; j < COUNT(at); j++) {
			/* It does not acknowledge our FIN, where that is not acknowledged yet. */
			RX(ACK, .seq = at[j], .ack = SND_UNA);
			TX_NOTHING(DROP_NONE);
			STATE(STAY[i]);
			RX(ACK, .seq = at[j], .ack = SND_UNA - 1);
			TX_NOTHING(DROP_NONE);
			STATE(STAY[i]);
		}
	}
}

TCP_TEST(rfc9293_3_10_7_4_step5_row9_fin_wait_1_ack_of_fin_enters_fin_wait_2)
{
	tcp_enter(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_2);
	NO_DEADLINE(); /* somebody reads: design.md, "FIN-WAIT-2 without a reader" */
}

TCP_TEST(rfc9293_3_10_7_4_step5_row9_closing_ack_of_fin_enters_time_wait)
{
	tcp_enter(TCP_CLOSING);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms);
}

TCP_TEST(rfc9293_3_10_7_4_step5_row9_last_ack_ack_of_fin_ends_the_connection)
{
	tcp_enter(TCP_LAST_ACK);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(rules_d17_row9_time_wait_ack_is_silent_and_restarts_nothing)
{
	tcp_enter(TCP_TIME_WAIT);
	tcp_wait(10000);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_TIME_WAIT);
	DEADLINE_IN(2 * h.env.msl_ms - 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_7_4_step1_row5_old_text_gets_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_row5_old_fin_gets_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_row5_keepalive_gets_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_row5_beyond_the_window_gets_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_row5_ack_field_is_not_looked_at),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_row6_without_ack_is_dropped),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_row7_ack_of_what_was_not_sent_gets_ack),
		cmocka_unit_test(rfc5961_5_2_row8_ack_older_than_the_largest_window_gets_ack),
		cmocka_unit_test(rfc5961_5_2_row8_ack_as_old_as_the_largest_window_is_taken),
		cmocka_unit_test(rfc5961_5_2_row8_the_largest_window_grows),
		cmocka_unit_test(rfc7323_2_2_row8_the_largest_window_is_scaled_behind_the_syn),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_row9_lawful_ack_without_text_is_silent),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step5_row9_fin_wait_1_ack_of_fin_enters_fin_wait_2),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_row9_closing_ack_of_fin_enters_time_wait),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step5_row9_last_ack_ack_of_fin_ends_the_connection),
		cmocka_unit_test(rules_d17_row9_time_wait_ack_is_silent_and_restarts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
