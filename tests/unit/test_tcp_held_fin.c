/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_held_fin.c - a FIN for which the peer's window has no room: held back, probed for, sent
 * when the window opens. RFC 9293 3.8.6.1; rules.md section 9. */
#include "tcp_harness.h"

/* ESTABLISHED with a send window of zero, then our close or shutdown. */
static void
hold_fin(void)
{
	h.wnd = 5000;
	tcp_enter(TCP_ESTABLISHED);
	h.wnd = 0;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	if (h.orphan)
		tcp_call_close();
	else
		tcp_call_shutdown();
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_1);
	SAME(SND_NXT, h.c.snd.nxt);
	TRUE(h.c.timer.tcp_ms != 0);
}

/* <SEQ=SND.NXT-1><ACK=RCV.NXT><CTL=ACK>: an old number, which the peer must answer. */
static void
probe_is_sent(uint32_t rcv_nxt)
{
	TX(ACK, .seq = SND_NXT - 1, .ack = rcv_nxt, .any_wnd = true);
}

TCP_TEST(rfc9293_3_8_6_1_fin_is_held_and_probed_for)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		h.orphan = i;
		hold_fin();
		tcp_expire();
		probe_is_sent(RCV_NXT);
		STATE(TCP_FIN_WAIT_1);
		SAME(SND_NXT, h.c.snd.nxt);
	}
}

TCP_TEST(rfc9293_3_8_6_1_close_wait_fin_is_held_and_probed_for)
{
	h.wnd = 0;
	tcp_enter(TCP_CLOSE_WAIT);
	tcp_call_close();
	TX_NOTHING(DROP_NONE);
	STATE(TCP_LAST_ACK);
	tcp_expire();
	probe_is_sent(RCV_NXT);
	STATE(TCP_LAST_ACK);
	/* What is acknowledged now is not a FIN. */
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_LAST_ACK);
	h.wnd = 1;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	STATE(TCP_LAST_ACK);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + 1);
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(rfc9293_shld_30_probes_back_off_to_60_s)
{
	uint32_t rto, last;
	int i;

	hold_fin();
	last = tcp_expire();
	TRUE(last >= TCP_RTO_MIN_MS && last <= TCP_RTO_INITIAL_MS);
	probe_is_sent(RCV_NXT);
	for (i = 0; i < 12; i++) {
		rto = tcp_expire();
		probe_is_sent(RCV_NXT);
		SAME(last * 2 > TCP_RTO_MAX_MS ? TCP_RTO_MAX_MS : last * 2, rto);
		last = rto;
	}
}

/* MUST-37: while the peer answers, the window may stay shut for ever. */
TCP_TEST(rfc9293_must_37_answered_probes_keep_the_connection)
{
	uint32_t rto, last = 0;
	int i;

	hold_fin();
	for (i = 0; i < 60; i++) {
		rto = tcp_expire();
		probe_is_sent(RCV_NXT);
		STATE(TCP_FIN_WAIT_1);
		/* SHLD-30: the answer does not make the probes more frequent. */
		TRUE(rto >= last && rto <= TCP_RTO_MAX_MS);
		last = rto;
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
		TX_NOTHING(DROP_NONE);
	}
	SAME(TCP_RTO_MAX_MS, last);
}

TCP_TEST(rfc9293_3_8_3_unanswered_probes_end_the_connection)
{
	tcp_ms start;
	int i;

	hold_fin();
	start = h.env.now;
	for (i = 0; i < 15; i++) {
		tcp_expire();
		probe_is_sent(RCV_NXT);
		STATE(TCP_FIN_WAIT_1);
	}
	tcp_expire();
	TX_NOTHING(DROP_NONE);
	GONE();
	/* R2 is 100 s or more. */
	TRUE(h.env.now - start >= 100000);
}

TCP_TEST(rfc9293_3_8_6_window_that_opens_lets_the_fin_out)
{
	static const uint16_t OPEN[] = {1, 2, 5000, 65535};
	size_t i;

	for (i = 0; i < COUNT(OPEN); i++) {
		hold_fin();
		tcp_expire();
		probe_is_sent(RCV_NXT);
		h.wnd = OPEN[i];
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
		TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(TCP_FIN_WAIT_1);
		SAME((uint32_t)(SND_NXT + 1), h.c.snd.nxt);
		/* From here on it is a FIN like any other. */
		tcp_expire();
		TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + 1);
		TX_NOTHING(DROP_NONE);
		STATE(TCP_FIN_WAIT_2);
	}
}

TCP_TEST(rfc9293_3_8_6_released_fin_gets_all_its_retransmissions)
{
	int i;

	hold_fin();
	for (i = 0; i < 10; i++) {
		tcp_expire();
		probe_is_sent(RCV_NXT);
	}
	h.wnd = 5000;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	/* Nor has the back-off of the probes, which were answered, anything to do with it. */
	TRUE(h.c.timer.tcp_ms - (uint32_t)h.env.now <= TCP_RTO_INITIAL_MS);
	for (i = 0; i < TCP_RETRIES; i++) {
		tcp_expire();
		TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(TCP_FIN_WAIT_1);
	}
	tcp_expire();
	TX_NOTHING(DROP_NONE);
	GONE();
}

/* It has not been sent, so nothing can acknowledge it. */
TCP_TEST(rfc9293_3_10_7_4_step5_held_fin_is_not_acknowledged)
{
	hold_fin();
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + 1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
	STATE(TCP_FIN_WAIT_1);
}

/* Only a segment that begins at RCV.NXT and acknowledges what is in flight tells of the window. */
TCP_TEST(rfc9293_3_10_7_4_step5_only_a_current_segment_updates_the_window)
{
	hold_fin();
	h.wnd = 5000;
	RX(ACK, .seq = RCV_NXT + 10, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_1);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT - 1);
	TX_NOTHING(DROP_NONE);
	RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	RX(RST, .seq = RCV_NXT + 1, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
	STATE(TCP_FIN_WAIT_1);
	SAME(SND_NXT, h.c.snd.nxt);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
}

TCP_TEST(rules_5_fin_goes_out_on_the_ack_of_text)
{
	hold_fin();
	h.wnd = 5000;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
	STATE(TCP_FIN_WAIT_1);
}

TCP_TEST(rules_6_4_row12_both_fins_with_ours_held)
{
	/* The peer's FIN comes while the window is shut ... */
	hold_fin();
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSING);
	tcp_expire();
	probe_is_sent(RCV_NXT + 1);
	STATE(TCP_CLOSING);
	/* ... what it acknowledges then is not our FIN ... */
	RX(ACK, .seq = RCV_NXT + 1, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_CLOSING);
	h.wnd = 100;
	RX(ACK, .seq = RCV_NXT + 1, .ack = SND_NXT);
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSING);
	RX(ACK, .seq = RCV_NXT + 1, .ack = SND_NXT + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_TIME_WAIT);

	/* ... or it opens the window itself. */
	hold_fin();
	h.wnd = 100;
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT + 1);
	STATE(TCP_CLOSING);
}

TCP_TEST(rules_6_6_text_for_an_orphan_with_its_fin_held_gets_rst)
{
	h.orphan = true;
	hold_fin();
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(RST, .seq = SND_NXT);
	RST_REASON(TCP_RST_AFTER_CLOSE);
	GONE();
}

TCP_TEST(rules_9_close_with_unread_text_does_not_wait_for_a_window)
{
	h.wnd = 0;
	h.fill = 10;
	tcp_enter(TCP_ESTABLISHED);
	tcp_call_close();
	TX(RST | ACK, .seq = SND_NXT, .ack = RCV_NXT, .abort = true);
	GONE();
	/* Nor does an abort of what waits with its FIN held: SND.NXT has not moved. */
	h.fill = 0;
	hold_fin();
	tcp_call_abort(TCP_RST_LINGER);
	TX(RST | ACK, .seq = SND_NXT, .ack = RCV_NXT, .abort = true);
	GONE();
}

TCP_TEST(rules_9_close_behind_shutdown_keeps_the_fin_held)
{
	hold_fin();
	tcp_call_close();
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_1);
	h.wnd = 100;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(FIN | ACK, .seq = SND_NXT, .ack = RCV_NXT);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_FIN_WAIT_2);
	DEADLINE_IN(TCP_FIN_WAIT_2_MS);
}

/* The SYN's window was zero; the one that establishes the connection counts. */
TCP_TEST(rfc9293_3_10_7_4_step5_ack_that_establishes_brings_the_window)
{
	h.wnd = 0;
	tcp_syn(0);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	h.wnd = 1;
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	tcp_call_close();
	TX(FIN | ACK, .seq = ISS + 1, .ack = IRS + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_8_6_1_fin_is_held_and_probed_for),
		cmocka_unit_test(rfc9293_3_8_6_1_close_wait_fin_is_held_and_probed_for),
		cmocka_unit_test(rfc9293_shld_30_probes_back_off_to_60_s),
		cmocka_unit_test(rfc9293_must_37_answered_probes_keep_the_connection),
		cmocka_unit_test(rfc9293_3_8_3_unanswered_probes_end_the_connection),
		cmocka_unit_test(rfc9293_3_8_6_window_that_opens_lets_the_fin_out),
		cmocka_unit_test(rfc9293_3_8_6_released_fin_gets_all_its_retransmissions),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_held_fin_is_not_acknowledged),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_only_a_current_segment_updates_the_window),
		cmocka_unit_test(rules_5_fin_goes_out_on_the_ack_of_text),
		cmocka_unit_test(rules_6_4_row12_both_fins_with_ours_held),
		cmocka_unit_test(rules_6_6_text_for_an_orphan_with_its_fin_held_gets_rst),
		cmocka_unit_test(rules_9_close_with_unread_text_does_not_wait_for_a_window),
		cmocka_unit_test(rules_9_close_behind_shutdown_keeps_the_fin_held),
		cmocka_unit_test(rfc9293_3_10_7_4_step5_ack_that_establishes_brings_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
