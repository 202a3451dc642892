/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_syn_received.c - segments for a connection in SYN-RECEIVED. RFC 9293 3.10.7.4;
 * rules.md 6.3, a test or more for each row. */
#include "tcp_harness.h"

TCP_TEST(rfc9293_3_10_7_4_step2_syn_received_rst_at_rcv_nxt_ends_it)
{
	static const uint8_t WITH[] = {0, ACK, FIN, PSH, FIN | PSH | ACK};
	size_t i;

	for (i = 0; i < COUNT(WITH); i++) {
		tcp_enter(TCP_SYN_RECEIVED);
		/* The ACK field does not matter, not even where the bit is on. */
		RX(RST | WITH[i], .seq = IRS + 1, .ack = ISS + 77);
		TX_NOTHING(DROP_NONE);
		GONE();
	}
}

TCP_TEST(rfc9293_3_10_7_4_step2_syn_received_rst_in_window_gets_challenge_ack)
{
	const uint32_t at[] = {IRS + 2, IRS + 1000, IRS + BUFF};
	size_t i;

	for (i = 0; i < COUNT(at); i++) {
		tcp_enter(TCP_SYN_RECEIVED);
		RX(RST, .seq = at[i]);
		TX(ACK, .seq = ISS + 1, .ack = IRS + 1, .challenge = true);
		STATE(TCP_SYN_RECEIVED);
		RX(RST | ACK, .seq = at[i], .ack = ISS + 1);
		TX(ACK, .seq = ISS + 1, .ack = IRS + 1, .challenge = true);
		STATE(TCP_SYN_RECEIVED);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step1_syn_received_rst_out_of_window_is_dropped)
{
	const uint32_t at[] = {IRS, IRS - 1, IRS + 1 + BUFF, IRS + 0x40000000, IRS - 0x40000000};
	size_t i;

	tcp_enter(TCP_SYN_RECEIVED);
	for (i = 0; i < COUNT(at); i++) {
		RX(RST, .seq = at[i]);
		TX_NOTHING(DROP_tcp_rst_out_of_window);
		STATE(TCP_SYN_RECEIVED);
		RX(RST | ACK, .seq = at[i], .ack = ISS + 1);
		TX_NOTHING(DROP_tcp_rst_out_of_window);
		STATE(TCP_SYN_RECEIVED);
	}
}

TCP_TEST(rules_6_3_syn_received_duplicate_syn_gets_the_same_syn_ack_d7)
{
	struct tcp_reply first;
	int i;

	h.syn_options |= TCP_OPT_WSCALE | TCP_OPT_SACK_OK;
	h.syn_wscale = 7;
	tcp_enter(TCP_SYN_RECEIVED);
	first = h.reply;
	for (i = 0; i < 3; i++) {
		RX(SYN, .seq = IRS);
		TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
		SAME(first.options, h.reply.options);
		SAME(first.mss, h.reply.mss);
		SAME(first.wscale, h.reply.wscale);
		SAME(first.tsecr, h.reply.tsecr);
		STATE(TCP_SYN_RECEIVED);
	}
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rules_6_3_syn_received_duplicate_syn_leaves_the_timer_alone)
{
	tcp_enter(TCP_SYN_RECEIVED);
	tcp_wait(400);
	RX(SYN, .seq = IRS);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	DEADLINE_IN(600);
}

TCP_TEST(rfc9293_3_10_7_4_step1_syn_received_syn_not_acceptable_gets_ack)
{
	const uint32_t at[] = {IRS - 1,      IRS - 70000,      IRS + 1 + BUFF,
			       IRS + 200000, IRS + 0x40000000, IRS - 0x40000000};
	size_t i;

	tcp_enter(TCP_SYN_RECEIVED);
	for (i = 0; i < COUNT(at); i++) {
		RX(SYN, .seq = at[i]);
		TX(ACK, .seq = ISS + 1, .ack = IRS + 1, .challenge = h.reply.challenge);
		STATE(TCP_SYN_RECEIVED);
	}
	/* At IRS, but with an ACK: no retransmission of the SYN. */
	RX(SYN | ACK, .seq = IRS, .ack = ISS + 1);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1, .challenge = h.reply.challenge);
	STATE(TCP_SYN_RECEIVED);
}

TCP_TEST(rfc9293_3_10_7_4_step4_syn_received_syn_in_window_returns_to_listen_d8)
{
	const uint32_t at[] = {IRS + 1, IRS + 2, IRS + 1000, IRS + BUFF};
	size_t i;

	for (i = 0; i < COUNT(at); i++) {
		tcp_enter(TCP_SYN_RECEIVED);
		RX(SYN, .seq = at[i]);
		TX_NOTHING(DROP_tcp_syn_in_handshake);
		GONE();
		tcp_enter(TCP_SYN_RECEIVED);
		RX(SYN | ACK, .seq = at[i], .ack = ISS + 1);
		TX_NOTHING(DROP_tcp_syn_in_handshake);
		GONE();
	}
}

TCP_TEST(rfc9293_3_10_7_4_step1_syn_received_not_acceptable_gets_ack)
{
	/* The first of the 50 bytes, or where a segment without text is. */
	const uint32_t text_at[] = {IRS - 49, IRS - 100, IRS + 1 + BUFF, IRS + 0x40000000};
	const uint32_t bare_at[] = {IRS, IRS - 100, IRS + 1 + BUFF, IRS + 0x40000000};
	static const uint8_t FLAGS[] = {ACK, NONE, PSH | ACK};
	size_t i, j;

	tcp_enter(TCP_SYN_RECEIVED);
	for (i = 0; i < COUNT(text_at); i++)
		for (j = 0; j < COUNT(FLAGS); j++) {
			RX(FLAGS[j], .seq = bare_at[i], .ack = ISS + 1);
			TX(ACK, .seq = ISS + 1, .ack = IRS + 1);
			STATE(TCP_SYN_RECEIVED);
			RX(FLAGS[j], .seq = text_at[i], .ack = ISS + 1, .text = 50);
			TX(ACK, .seq = ISS + 1, .ack = IRS + 1);
			STATE(TCP_SYN_RECEIVED);
		}
}

/* D-9: the sequence check comes before the ACK check, unlike Linux. */
TCP_TEST(rules_6_3_syn_received_not_acceptable_with_bad_ack_gets_ack_d9)
{
	tcp_enter(TCP_SYN_RECEIVED);
	RX(ACK, .seq = IRS, .ack = ISS + 2);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1);
	STATE(TCP_SYN_RECEIVED);
}

TCP_TEST(rfc9293_3_10_7_4_step5_syn_received_without_ack_is_dropped)
{
	static const uint8_t FLAGS[] = {NONE, FIN, PSH, URG, FIN | PSH | URG};
	size_t i;

	tcp_enter(TCP_SYN_RECEIVED);
	for (i = 0; i < COUNT(FLAGS); i++) {
		RX(FLAGS[i], .seq = IRS + 1);
		TX_NOTHING(DROP_tcp_no_ack);
		STATE(TCP_SYN_RECEIVED);
		RX(FLAGS[i], .seq = IRS + 1, .text = 10);
		TX_NOTHING(DROP_tcp_no_ack);
		STATE(TCP_SYN_RECEIVED);
	}
}

TCP_TEST(rfc9293_3_10_7_4_step5_syn_received_ack_of_syn_establishes)
{
	tcp_enter(TCP_SYN_RECEIVED);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_ESTABLISHED);
	NO_DEADLINE();
	SAME((uint32_t)(ISS + 1), h.c.snd.una);
	SAME(5000, tcp_snd_wnd(&h.c));
}

TCP_TEST(rfc9293_3_10_7_4_step5_syn_received_ack_anywhere_in_window_establishes)
{
	tcp_enter(TCP_SYN_RECEIVED);
	RX(ACK, .seq = IRS + BUFF, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rfc9293_3_10_7_4_step7_syn_received_text_on_the_ack_is_taken)
{
	tcp_enter(TCP_SYN_RECEIVED);
	RX(ACK | PSH, .seq = IRS + 1, .ack = ISS + 1, .text = 100);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 101, .unread = 100, .coalesce = true);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rfc9293_3_10_7_4_step7_syn_received_text_ahead_on_the_ack_is_not_taken)
{
	tcp_enter(TCP_SYN_RECEIVED);
	RX(ACK | PSH, .seq = IRS + 11, .ack = ISS + 1, .text = 100);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rfc9293_3_10_7_4_step8_syn_received_fin_on_the_ack_enters_close_wait)
{
	tcp_enter(TCP_SYN_RECEIVED);
	RX(ACK | FIN, .seq = IRS + 1, .ack = ISS + 1);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 2);
	STATE(TCP_CLOSE_WAIT);

	tcp_enter(TCP_SYN_RECEIVED);
	RX(ACK | FIN, .seq = IRS + 1, .ack = ISS + 1, .text = 10);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 12, .unread = 11);
	STATE(TCP_CLOSE_WAIT);
}

TCP_TEST(rfc9293_3_10_7_4_step5_syn_received_bad_ack_gets_rst_d9)
{
	const uint32_t bad[] = {ISS, ISS + 2, ISS - 1, ISS + 0x40000000, ISS - 0x40000000};
	size_t i;

	tcp_enter(TCP_SYN_RECEIVED);
	for (i = 0; i < COUNT(bad); i++) {
		RX(ACK, .seq = IRS + 1, .ack = bad[i]);
		TX(RST, .seq = bad[i]);
		RST_REASON(TCP_RST_BAD_ACK);
		STATE(TCP_SYN_RECEIVED);
		RX(ACK | FIN, .seq = IRS + 1, .ack = bad[i], .text = 10);
		TX(RST, .seq = bad[i]);
		STATE(TCP_SYN_RECEIVED);
	}
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rules_d24_syn_received_ack_with_a_full_accept_queue_is_ignored)
{
	tcp_enter(TCP_SYN_RECEIVED);
	h.env.accept_full = true;
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_tcp_backlog_full);
	STATE(TCP_SYN_RECEIVED);
	RX(ACK | FIN, .seq = IRS + 1, .ack = ISS + 1, .text = 10);
	TX_NOTHING(DROP_tcp_backlog_full);
	STATE(TCP_SYN_RECEIVED);
	DEADLINE_IN(TCP_RTO_INITIAL_MS);
	/* Room again: the retried ACK completes the handshake, and its text is new. */
	h.env.accept_full = false;
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1, .text = 10);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 11, .unread = 10);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rfc9293_3_10_7_4_step1_syn_received_left_of_window_is_trimmed)
{
	tcp_enter(TCP_SYN_RECEIVED);
	RX(ACK, .seq = IRS - 9, .ack = ISS + 1, .text = 20);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 11, .unread = 10);
	STATE(TCP_ESTABLISHED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_7_4_step2_syn_received_rst_at_rcv_nxt_ends_it),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step2_syn_received_rst_in_window_gets_challenge_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_syn_received_rst_out_of_window_is_dropped),
		cmocka_unit_test(rules_6_3_syn_received_duplicate_syn_gets_the_same_syn_ack_d7),
		cmocka_unit_test(rules_6_3_syn_received_duplicate_syn_leaves_the_timer_alone),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_syn_received_syn_not_acceptable_gets_ack),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step4_syn_received_syn_in_window_returns_to_listen_d8),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_syn_received_not_acceptable_gets_ack),
		cmocka_unit_test(rules_6_3_syn_received_not_acceptable_with_bad_ack_gets_ack_d9),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_syn_received_without_ack_is_dropped),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_syn_received_ack_of_syn_establishes),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step5_syn_received_ack_anywhere_in_window_establishes),
		cmocka_unit_test(rfc9293_3_10_7_4_step7_syn_received_text_on_the_ack_is_taken),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step7_syn_received_text_ahead_on_the_ack_is_not_taken),
		cmocka_unit_test(
			rfc9293_3_10_7_4_step8_syn_received_fin_on_the_ack_enters_close_wait),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_syn_received_bad_ack_gets_rst_d9),
		cmocka_unit_test(rules_d24_syn_received_ack_with_a_full_accept_queue_is_ignored),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_syn_received_left_of_window_is_trimmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
