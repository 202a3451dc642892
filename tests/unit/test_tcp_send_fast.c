/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_send_fast.c - duplicate ACKs: what one is, limited transmit (RFC 3042) and fast
 * retransmit (RFC 5681 3.2). */
#include "send_harness.h"

TCP_TEST(rfc5681_3_2_third_duplicate_ack_sends_the_segment_again)
{
	int i;

	ten_on_their_way(10);
	three_duplicates();
	/* Once. */
	for (i = 0; i < 6; i++) {
		DUP();
		NO_MORE();
	}
	ACKED(10 * MSS);
	NO_MORE();
	NO_DEADLINE();
}

TCP_TEST(rfc5681_3_2_two_duplicate_acks_do_not)
{
	uint32_t i;

	ten_on_their_way(10);
	for (i = 0; i < 10; i++) {
		if (i > 0)
			ACKED(i * MSS);
		NO_MORE();
		ACKED(i * MSS);
		NO_MORE();
		ACKED(i * MSS);
		NO_MORE();
	}
}

/* --- RFC 5681 2: what a duplicate ACK is. Each of these would otherwise be the third. --- */

static void
two_duplicates(void)
{
	ten_on_their_way(10);
	DUP();
	NO_MORE();
	DUP();
	NO_MORE();
}

TCP_TEST(rfc5681_2_a_nothing_outstanding)
{
	send_enter(0, 65535);
	DUP();
	DUP();
	DUP();
	send_write(10 * MSS);
	FULL(10);
	three_duplicates();
}

TCP_TEST(rfc5681_2_b_ack_with_text)
{
	two_duplicates();
	RX(PSH | ACK, .seq = RCV_NXT, .ack = SND_NXT, .text = 5);
	TX(ACK, .seq = TEXT(10 * MSS), .ack = RCV_NXT + 5, .unread = 5, .coalesce = true);
	NO_MORE();
}

TCP_TEST(rfc5681_2_c_fin)
{
	two_duplicates();
	RX(FIN | ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX(ACK, .seq = TEXT(10 * MSS), .ack = RCV_NXT + 1, .any_wnd = true);
	NO_MORE();
}

TCP_TEST(rfc5681_2_d_older_ack)
{
	ten_on_their_way(10);
	ACKED(MSS);
	ACKED(MSS);
	ACKED(MSS);
	NO_MORE();
	DUP();
	DUP();
	DUP();
	NO_MORE();
	ACKED(MSS);
	FAST(1);
	NO_MORE();
}

TCP_TEST(rfc5681_2_e_window_update)
{
	int i;

	two_duplicates();
	for (i = 0; i < 5; i++) {
		h.wnd = (uint16_t)(65000 - i);
		DUP();
		NO_MORE();
	}
	DUP();
	FAST(0);
	NO_MORE();
}

/* --- RFC 3042 --- */

TCP_TEST(rfc3042_2_first_two_duplicate_acks_send_something_new)
{
	ten_on_their_way(40);
	three_duplicates_with_more();
	NO_MORE();
}

TCP_TEST(rfc3042_2_cwnd_stays_as_it_is)
{
	ten_on_their_way(40);
	DUP();
	FULL(1);
	DUP();
	FULL(1);
	/* It was reordering: slow start goes on, cwnd is 11, two are on their way. */
	ACKED(10 * MSS);
	FULL(9);
}

TCP_TEST(rfc3042_2_peers_window_is_obeyed)
{
	send_enter(0, (uint16_t)(10 * MSS));
	send_write(40 * MSS);
	FULL(10);
	three_duplicates();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5681_3_2_third_duplicate_ack_sends_the_segment_again),
		cmocka_unit_test(rfc5681_3_2_two_duplicate_acks_do_not),
		cmocka_unit_test(rfc5681_2_a_nothing_outstanding),
		cmocka_unit_test(rfc5681_2_b_ack_with_text),
		cmocka_unit_test(rfc5681_2_c_fin),
		cmocka_unit_test(rfc5681_2_d_older_ack),
		cmocka_unit_test(rfc5681_2_e_window_update),
		cmocka_unit_test(rfc3042_2_first_two_duplicate_acks_send_something_new),
		cmocka_unit_test(rfc3042_2_cwnd_stays_as_it_is),
		cmocka_unit_test(rfc3042_2_peers_window_is_obeyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
