/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_paws.c - timestamps: TS.Recent, PAWS and what is missing. RFC 7323 3.2, 4.3, 5; rules.md
 * section 8. */
#include "tcp_harness.h"

#define STATES (2 * COUNT(SYNCHRONIZED))

/* Each scenario here decides for itself whether timestamps are negotiated. */
static void
enter(enum tcp_state state)
{
	h.syn_options |= TCP_OPT_TS;
	h.peer_ts = h.base->peer_ts;
	tcp_enter(state);
}

static enum tcp_state
enter_nth(size_t i)
{
	h.orphan = i >= COUNT(SYNCHRONIZED);
	enter(SYNCHRONIZED[i % COUNT(SYNCHRONIZED)]);
	return SYNCHRONIZED[i % COUNT(SYNCHRONIZED)];
}

TCP_TEST(rfc7323_5_3_r1_older_timestamp_gets_ack_and_is_dropped)
{
	static const uint32_t OLDER[] = {1, 1000, 0x7ffffff0};
	static const uint8_t FLAGS[] = {ACK, PSH | ACK, FIN | ACK, NONE};
	enum tcp_state state;
	size_t i, j, k;

	for (i = 0; i < STATES; i++) {
		state = enter_nth(i);
		for (j = 0; j < COUNT(OLDER); j++)
			for (k = 0; k < COUNT(FLAGS); k++) {
				h.peer_ts = h.ts_recent - OLDER[j];
				RX(FLAGS[k], .seq = RCV_NXT, .ack = SND_NXT);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
				STATE(state);
				RX(FLAGS[k], .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
				STATE(state);
			}
		/* Nothing was kept of any of them. */
		SAME(RCV_NXT, h.c.rcv.nxt);
		SAME(SND_UNA, h.c.snd.una);
	}
}

TCP_TEST(rfc7323_5_3_r1_syn_received_older_timestamp_gets_ack)
{
	enter(TCP_SYN_RECEIVED);
	h.peer_ts--;
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1);
	STATE(TCP_SYN_RECEIVED);
	/* Even in the place of the RST that its ACK would get. */
	RX(ACK, .seq = IRS + 1, .ack = ISS + 2);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1);
	STATE(TCP_SYN_RECEIVED);
	h.peer_ts++;
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rfc7323_5_3_r1_syn_with_an_older_timestamp_gets_ack)
{
	enum tcp_state state;
	size_t i;

	for (i = 0; i < STATES; i++) {
		state = enter_nth(i);
		h.peer_ts--;
		RX(SYN, .seq = RCV_NXT + 1);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
		STATE(state);
	}
	enter(TCP_SYN_RECEIVED);
	h.peer_ts--;
	RX(SYN, .seq = IRS + 1);
	TX(ACK, .seq = ISS + 1, .ack = IRS + 1, .challenge = h.reply.challenge);
	STATE(TCP_SYN_RECEIVED);
}

TCP_TEST(rfc7323_5_2_rst_is_never_checked)
{
	enum tcp_state state;
	size_t i;

	for (i = 0; i < STATES; i++) {
		state = enter_nth(i);
		h.peer_ts -= 1000;
		RX(RST, .seq = RCV_NXT + 1);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
		STATE(state);
		RX(RST, .seq = RCV_NXT - 1);
		TX_NOTHING(DROP_tcp_rst_out_of_window);
		STATE(state);
		RX(RST, .seq = RCV_NXT);
		TX_NOTHING(DROP_NONE);
		GONE();
	}
}

TCP_TEST(rfc7323_3_2_rst_without_timestamp_counts)
{
	enum tcp_state state;
	size_t i;

	for (i = 0; i < STATES; i++) {
		state = enter_nth(i);
		RX(RST, .seq = RCV_NXT + 1, .no_ts = true);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
		STATE(state);
		RX(RST | ACK, .seq = RCV_NXT, .ack = SND_NXT, .no_ts = true);
		TX_NOTHING(DROP_NONE);
		GONE();
	}
	enter(TCP_SYN_RECEIVED);
	RX(RST, .seq = RCV_NXT, .no_ts = true);
	TX_NOTHING(DROP_NONE);
	GONE();
}

TCP_TEST(rfc7323_5_2_rst_does_not_update_ts_recent)
{
	enter(TCP_ESTABLISHED);
	h.peer_ts += 100;
	RX(RST, .seq = RCV_NXT + 1);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true); /* TSecr as before */
	h.peer_ts -= 50;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	h.ts_recent = h.peer_ts;
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
}

TCP_TEST(rules_d19_missing_timestamp_is_dropped)
{
	static const uint8_t FLAGS[] = {ACK, PSH | ACK, FIN | ACK, NONE, SYN, SYN | ACK};
	enum tcp_state state;
	size_t i, j;

	for (i = 0; i < STATES; i++) {
		state = enter_nth(i);
		for (j = 0; j < COUNT(FLAGS); j++) {
			if (state == TCP_TIME_WAIT && (FLAGS[j] & SYN))
				continue; /* 6.5: test_tcp_time_wait.c */
			RX(FLAGS[j], .seq = RCV_NXT, .ack = SND_NXT, .no_ts = true);
			TX_NOTHING(DROP_tcp_no_timestamp);
			STATE(state);
			RX(FLAGS[j], .seq = RCV_NXT - 5, .ack = SND_NXT, .text = 10, .no_ts = true);
			TX_NOTHING(DROP_tcp_no_timestamp);
			STATE(state);
		}
		SAME(RCV_NXT, h.c.rcv.nxt);
		SAME(SND_UNA, h.c.snd.una);
	}
}

TCP_TEST(rules_d19_syn_received_missing_timestamp_is_dropped)
{
	enter(TCP_SYN_RECEIVED);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 1, .no_ts = true);
	TX_NOTHING(DROP_tcp_no_timestamp);
	STATE(TCP_SYN_RECEIVED);
	RX(ACK, .seq = IRS + 1, .ack = ISS + 2, .no_ts = true);
	TX_NOTHING(DROP_tcp_no_timestamp);
	STATE(TCP_SYN_RECEIVED);
}

TCP_TEST(rfc7323_4_3_segment_in_order_updates_ts_recent)
{
	static const uint32_t NEWER[] = {0, 1, 1000, 0x7ffffff0};
	size_t i;

	for (i = 0; i < COUNT(NEWER); i++) {
		enter(TCP_ESTABLISHED);
		h.peer_ts += NEWER[i];
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
		h.ts_recent = h.peer_ts;
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
	}
}

TCP_TEST(rfc7323_4_3_pure_ack_and_partly_old_text_update_ts_recent)
{
	enter(TCP_ESTABLISHED);
	h.peer_ts += 10;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	h.ts_recent = h.peer_ts;
	RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	h.peer_ts += 10;
	RX(ACK, .seq = RCV_NXT - 5, .ack = SND_NXT, .text = 10);
	h.ts_recent = h.peer_ts;
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 5, .unread = 5);
}

/* SEG.SEQ is above Last.ACK.sent. */
TCP_TEST(rfc7323_4_3_segment_out_of_order_does_not_update_ts_recent)
{
	enter(TCP_ESTABLISHED);
	h.peer_ts += 10;
	RX(ACK, .seq = RCV_NXT + 10, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	/* What fills the gap was sent earlier, and is taken. */
	h.peer_ts -= 5;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	h.ts_recent = h.peer_ts;
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
}

TCP_TEST(rfc7323_4_3_segment_not_acceptable_does_not_update_ts_recent)
{
	enum tcp_state state;
	size_t i;

	for (i = 0; i < STATES; i++) {
		state = enter_nth(i);
		h.peer_ts += 10;
		RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		RX(ACK, .seq = RCV_NXT - 10, .ack = SND_NXT, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		RX(ACK, .seq = RCV_NXT + BUFF, .ack = SND_NXT, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
		STATE(state);
	}
}

TCP_TEST(rules_8_segment_with_a_bad_ack_does_not_update_ts_recent)
{
	size_t i;

	for (i = 0; i < STATES; i++) {
		enter_nth(i);
		h.peer_ts += 10;
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + 1, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
		RX(ACK, .seq = RCV_NXT, .ack = SND_UNA - 5001, .text = 10);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
		/* Without any ACK neither: it is dropped whole. */
		RX(NONE, .seq = RCV_NXT);
		TX_NOTHING(DROP_tcp_no_ack);
		RX(ACK, .seq = RCV_NXT - 1, .ack = SND_NXT);
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	}
}

TCP_TEST(rfc5961_4_2_syn_does_not_update_ts_recent)
{
	enter(TCP_ESTABLISHED);
	h.peer_ts += 10;
	RX(SYN, .seq = RCV_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
	h.peer_ts -= 5;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	h.ts_recent = h.peer_ts;
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
}

TCP_TEST(rfc7323_5_5_ts_recent_is_not_valid_after_24_days)
{
	const uint32_t day_ms = 24 * 60 * 60 * 1000;

	enter(TCP_ESTABLISHED);
	tcp_wait(23 * day_ms);
	h.peer_ts -= 1000;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
	tcp_wait(day_ms + day_ms / 24);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	h.ts_recent = h.peer_ts;
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10, .unread = 10);
}

TCP_TEST(rfc7323_5_5_ts_recent_stays_valid_while_it_is_used)
{
	const uint32_t day_ms = 24 * 60 * 60 * 1000;
	int i;

	enter(TCP_ESTABLISHED);
	for (i = 0; i < 100; i++) {
		tcp_wait(10 * day_ms);
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
		TX_NOTHING(DROP_NONE);
	}
	h.peer_ts -= 1;
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 10);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT);
}

TCP_TEST(rfc7323_3_2_not_negotiated_timestamps_are_ignored)
{
	static const uint32_t SOME[] = {0, 1, 0x80000000, 0xffffffff};
	struct tcp_seg seg;
	size_t i;

	h.syn_options &= (uint8_t)~TCP_OPT_TS;
	tcp_enter(TCP_ESTABLISHED);
	for (i = 0; i < COUNT(SOME); i++) {
		seg = (struct tcp_seg){
			.seq = RCV_NXT + 10 * (uint32_t)i,
			.ack = SND_NXT,
			.text = 10,
			.wnd = h.wnd,
			.flags = ACK,
			.options = TCP_OPT_TS,
			.tsval = SOME[i],
		};
		h.verdict = tcp_input(&h.c, &seg, &h.env, &h.reply);
		/* TX() expects no timestamp in what is sent. */
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT + 10 * (uint32_t)i + 10,
		   .unread = 10 * (uint32_t)i + 10);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7323_5_3_r1_older_timestamp_gets_ack_and_is_dropped),
		cmocka_unit_test(rfc7323_5_3_r1_syn_received_older_timestamp_gets_ack),
		cmocka_unit_test(rfc7323_5_3_r1_syn_with_an_older_timestamp_gets_ack),
		cmocka_unit_test(rfc7323_5_2_rst_is_never_checked),
		cmocka_unit_test(rfc7323_3_2_rst_without_timestamp_counts),
		cmocka_unit_test(rfc7323_5_2_rst_does_not_update_ts_recent),
		cmocka_unit_test(rules_d19_missing_timestamp_is_dropped),
		cmocka_unit_test(rules_d19_syn_received_missing_timestamp_is_dropped),
		cmocka_unit_test(rfc7323_4_3_segment_in_order_updates_ts_recent),
		cmocka_unit_test(rfc7323_4_3_pure_ack_and_partly_old_text_update_ts_recent),
		cmocka_unit_test(rfc7323_4_3_segment_out_of_order_does_not_update_ts_recent),
		cmocka_unit_test(rfc7323_4_3_segment_not_acceptable_does_not_update_ts_recent),
		cmocka_unit_test(rules_8_segment_with_a_bad_ack_does_not_update_ts_recent),
		cmocka_unit_test(rfc5961_4_2_syn_does_not_update_ts_recent),
		cmocka_unit_test(rfc7323_5_5_ts_recent_is_not_valid_after_24_days),
		cmocka_unit_test(rfc7323_5_5_ts_recent_stays_valid_while_it_is_used),
		cmocka_unit_test(rfc7323_3_2_not_negotiated_timestamps_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
