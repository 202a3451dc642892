/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_synchronized_rst_syn.c - RST and SYN in the synchronized states. RFC 9293 3.10.7.4
 * steps 1, 2 and 4; RFC 5961 3.2 and 4.2; rules.md 6.4 rows 1 to 4. */
#include "tcp_harness.h"

/* Every state, as a half-closed connection and as one that nobody reads. */
#define STATES (2 * COUNT(SYNCHRONIZED))

static void
enter(size_t i)
{
	h.orphan = i >= COUNT(SYNCHRONIZED);
	tcp_enter(SYNCHRONIZED[i % COUNT(SYNCHRONIZED)]);
}

static enum tcp_state
state_of(size_t i)
{
	return SYNCHRONIZED[i % COUNT(SYNCHRONIZED)];
}

static const uint8_t RST_WITH[] = {0, ACK, SYN, FIN, PSH | ACK, SYN | ACK, FIN | PSH | URG};

/* RFC 9293 3.10.7.4 step 2.2. */
TCP_TEST(rfc9293_3_10_7_4_step2_row1_rst_at_rcv_nxt_ends_the_connection)
{
	size_t i, j;

	for (i = 0; i < STATES; i++)
		for (j = 0; j < COUNT(RST_WITH); j++) {
			enter(i);
			RX(RST | RST_WITH[j], .seq = RCV_NXT, .ack = SND_NXT + 99);
			TX_NOTHING(DROP_NONE);
			GONE();
		}
}

/* RFC 9293 3.5.3 SHLD-2: a RST may carry text. */
TCP_TEST(rfc9293_shld_2_row1_rst_with_text_ends_the_connection)
{
	size_t i;

	for (i = 0; i < STATES; i++) {
		enter(i);
		RX(RST | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 30);
		TX_NOTHING(DROP_NONE);
		GONE();
	}
}

/* RFC 9293 3.10.7.4 step 2.3. */
TCP_TEST(rfc9293_3_10_7_4_step2_row2_rst_in_window_gets_challenge_ack)
{
	size_t i, j, k;

	for (i = 0; i < STATES; i++) {
		enter(i);
		const uint32_t at[] = {RCV_NXT + 1, RCV_NXT + 1000, RCV_NXT + BUFF - 1};

		for (j = 0; j < COUNT(at); j++)
			for (k = 0; k < COUNT(RST_WITH); k++) {
				RX(RST | RST_WITH[k], .seq = at[j], .ack = SND_NXT);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
				STATE(state_of(i));
			}
	}
}

TCP_TEST(rfc9293_3_10_7_4_step1_row3_rst_out_of_window_is_dropped)
{
	size_t i, j, k;

	for (i = 0; i < STATES; i++) {
		enter(i);
		const uint32_t at[] = {RCV_NXT - 1, RCV_NXT + BUFF, RCV_NXT - 1000,
				       RCV_NXT + 0x40000000, RCV_NXT - 0x40000000};

		for (j = 0; j < COUNT(at); j++)
			for (k = 0; k < COUNT(RST_WITH); k++) {
				RX(RST | RST_WITH[k], .seq = at[j], .ack = SND_NXT);
				TX_NOTHING(DROP_tcp_rst_out_of_window);
				STATE(state_of(i));
			}
	}
}

/* RFC 9293 3.10.7.4 step 1: with a window of zero a valid RST must still be processed. */
TCP_TEST(rfc9293_3_10_7_4_step1_row1_rst_at_rcv_nxt_counts_at_zero_window)
{
	size_t i;

	h.fill = 1000;
	for (i = 0; i < COUNT(SYNCHRONIZED); i++) {
		enum tcp_state state = SYNCHRONIZED[i];
		bool peer_closed = state != TCP_ESTABLISHED && state != TCP_FIN_WAIT_1 &&
				   state != TCP_FIN_WAIT_2;

		/* The peer's FIN takes one from the window too. */
		BUFF = peer_closed ? 1001 : 1000;
		tcp_enter(state);
		RX(RST, .seq = RCV_NXT + 1);
		TX_NOTHING(DROP_tcp_rst_out_of_window);
		RX(RST, .seq = RCV_NXT - 1);
		TX_NOTHING(DROP_tcp_rst_out_of_window);
		STATE(state);
		RX(RST, .seq = RCV_NXT);
		TX_NOTHING(DROP_NONE);
		GONE();
	}
}

TCP_TEST(rfc5961_4_2_row4_syn_anywhere_gets_challenge_ack)
{
	static const uint8_t WITH[] = {0, ACK, FIN, PSH, FIN | ACK, URG | PSH};
	size_t i, j, k;

	for (i = 0; i < STATES; i++) {
		if (state_of(i) == TCP_TIME_WAIT)
			continue; /* rules.md 6.5: test_tcp_time_wait.c */
		enter(i);
		const uint32_t at[] = {
			RCV_NXT - 1,         RCV_NXT,        RCV_NXT + 1, RCV_NXT + BUFF - 1,
			RCV_NXT + BUFF,      RCV_NXT - 1000, IRS,         RCV_NXT + 0x40000000,
			RCV_NXT - 0x40000000};

		for (j = 0; j < COUNT(at); j++)
			for (k = 0; k < COUNT(WITH); k++) {
				RX(SYN | WITH[k], .seq = at[j], .ack = SND_NXT);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
				STATE(state_of(i));
				/* Its text is not taken. */
				RX(SYN | WITH[k], .seq = at[j], .ack = SND_NXT, .text = 20);
				TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
				STATE(state_of(i));
			}
	}
}

TCP_TEST(rfc5961_4_2_row4_syn_with_an_ack_acknowledges_nothing)
{
	tcp_enter(TCP_FIN_WAIT_1);
	RX(SYN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = true);
	STATE(TCP_FIN_WAIT_1);
	SAME(SND_UNA, h.c.snd.una);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_7_4_step2_row1_rst_at_rcv_nxt_ends_the_connection),
		cmocka_unit_test(rfc9293_shld_2_row1_rst_with_text_ends_the_connection),
		cmocka_unit_test(rfc9293_3_10_7_4_step2_row2_rst_in_window_gets_challenge_ack),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_row3_rst_out_of_window_is_dropped),
		cmocka_unit_test(rfc9293_3_10_7_4_step1_row1_rst_at_rcv_nxt_counts_at_zero_window),
		cmocka_unit_test(rfc5961_4_2_row4_syn_anywhere_gets_challenge_ack),
		cmocka_unit_test(rfc5961_4_2_row4_syn_with_an_ack_acknowledges_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
