/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_arithmetic.c - sequence numbers modulo 2^32 and the four cases of the acceptability
 * test. RFC 9293 3.4, Table 6; rules.md section 1. */
#include "tcp_harness.h"

static const uint32_t NUMBERS[] = {0,          1,          2,          1000,       0x7ffffffe,
				   0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};

static void
rfc9293_3_4_numbers_compare_modulo_2_32(void **state)
{
	static const uint32_t AHEAD[] = {1, 2, 1000, 0x40000000, 0x7fffffff};
	uint32_t a, b;
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT(NUMBERS); i++) {
		a = NUMBERS[i];
		TRUE(seq_le(a, a) && seq_ge(a, a) && !seq_lt(a, a) && !seq_gt(a, a));
		for (j = 0; j < COUNT(AHEAD); j++) {
			b = a + AHEAD[j];
			TRUE(seq_lt(a, b) && seq_le(a, b) && !seq_gt(a, b) && !seq_ge(a, b));
			TRUE(seq_gt(b, a) && seq_ge(b, a) && !seq_lt(b, a) && !seq_le(b, a));
		}
	}
}

static void
rfc9293_3_4_windows_are_half_open(void **state)
{
	uint32_t start;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(NUMBERS); i++) {
		start = NUMBERS[i];
		TRUE(!seq_in(start, start, 0));
		TRUE(seq_in(start, start, 1));
		TRUE(!seq_in(start + 1, start, 1));
		TRUE(!seq_in(start - 1, start, 1000));
		TRUE(seq_in(start + 999, start, 1000));
		TRUE(!seq_in(start + 1000, start, 1000));
		TRUE(seq_in(start + 0xfffffffe, start, 0xffffffff));
		TRUE(!seq_in(start + 0xffffffff, start, 0xffffffff));
	}
}

static void
rfc9293_3_4_segment_length_counts_syn_and_fin(void **state)
{
	unsigned int flags;
	struct tcp_seg seg;
	uint32_t want;

	(void)state;
	for (flags = 0; flags < 256; flags++) {
		seg = (struct tcp_seg){.text = 100, .flags = (uint8_t)flags};
		want = 100u + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
		SAME(want, tcp_seg_len(&seg));
	}
}

/* Is a number in the window? The window's numbers are gone through one by one. */
static bool
in_window(uint32_t x, uint32_t nxt, uint32_t wnd)
{
	uint32_t i;

	for (i = 0; i < wnd; i++)
		if (nxt + i == x)
			return true;
	return false;
}

/* Without an ACK a segment that is acceptable ends in silence at step 5, one that is not gets an
 * ACK at step 1. */
static void
acceptable_is(bool want, uint8_t flags, uint32_t seq, uint32_t text, uint32_t unread)
{
	RX(flags, .seq = seq, .text = text);
	if (want)
		TX_NOTHING(DROP_tcp_no_ack);
	else
		TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .unread = unread);
	STATE(TCP_ESTABLISHED);
}

TCP_TEST(rfc9293_3_4_table_6_case_1_no_length_no_window)
{
	BUFF = 100;
	h.fill = 100;
	tcp_enter(TCP_ESTABLISHED);
	acceptable_is(true, NONE, RCV_NXT, 0, 100);
	acceptable_is(false, NONE, RCV_NXT - 1, 0, 100);
	acceptable_is(false, NONE, RCV_NXT + 1, 0, 100);
	acceptable_is(false, NONE, RCV_NXT + 0x7fffffff, 0, 100);
	acceptable_is(false, NONE, RCV_NXT - 0x7fffffff, 0, 100);
}

TCP_TEST(rfc9293_3_4_table_6_case_2_no_length_window)
{
	tcp_enter(TCP_ESTABLISHED);
	acceptable_is(true, NONE, RCV_NXT, 0, 0);
	acceptable_is(true, NONE, RCV_NXT + 1, 0, 0);
	acceptable_is(true, NONE, RCV_NXT + BUFF - 1, 0, 0);
	acceptable_is(false, NONE, RCV_NXT + BUFF, 0, 0);
	acceptable_is(false, NONE, RCV_NXT - 1, 0, 0);
	acceptable_is(false, NONE, RCV_NXT + 0x7fffffff, 0, 0);
	acceptable_is(false, NONE, RCV_NXT - 0x7fffffff, 0, 0);
}

TCP_TEST(rfc9293_3_4_table_6_case_3_length_no_window)
{
	static const uint32_t TEXTS[] = {1, 50, 100, 101};
	size_t i;

	BUFF = 100;
	h.fill = 100;
	tcp_enter(TCP_ESTABLISHED);
	for (i = 0; i < COUNT(TEXTS); i++) {
		acceptable_is(false, PSH, RCV_NXT, TEXTS[i], 100);
		acceptable_is(false, PSH, RCV_NXT - TEXTS[i], TEXTS[i], 100);
		acceptable_is(false, PSH, RCV_NXT - TEXTS[i] + 1, TEXTS[i], 100);
		acceptable_is(false, PSH, RCV_NXT + 1, TEXTS[i], 100);
	}
	acceptable_is(false, FIN, RCV_NXT, 0, 100);
}

TCP_TEST(rfc9293_3_4_table_6_case_4_length_and_window)
{
	static const uint32_t TEXTS[] = {1, 2, 49, 50, 51, 52, 53, 150};
	bool want;
	size_t i;
	int at;

	BUFF = 51;
	tcp_enter(TCP_ESTABLISHED);
	for (i = 0; i < COUNT(TEXTS); i++)
		for (at = -160; at <= 60; at++) {
			uint32_t seq = RCV_NXT + (uint32_t)at;
			uint32_t last = seq + TEXTS[i] - 1;

			want = in_window(seq, RCV_NXT, BUFF) || in_window(last, RCV_NXT, BUFF);
			acceptable_is(want, PSH, seq, TEXTS[i], 0);
			/* The FIN is the last of one number more. */
			want = in_window(seq, RCV_NXT, BUFF) || in_window(last + 1, RCV_NXT, BUFF);
			acceptable_is(want, FIN, seq, TEXTS[i], 0);
		}
}

/* SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT, to the number. RFC 5961 5.2. */
TCP_TEST(rfc5961_5_2_range_of_acceptable_acks)
{
	const int64_t from = -5000, to = 0;
	int64_t at;

	tcp_enter(TCP_ESTABLISHED);
	for (at = -5003; at <= 3; at++) {
		RX(ACK, .seq = RCV_NXT, .ack = SND_NXT + (uint32_t)at);
		if (at >= from && at <= to)
			TX_NOTHING(DROP_NONE);
		else
			TX(ACK, .seq = SND_NXT, .ack = RCV_NXT, .challenge = h.reply.challenge);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_4_numbers_compare_modulo_2_32),
		cmocka_unit_test(rfc9293_3_4_windows_are_half_open),
		cmocka_unit_test(rfc9293_3_4_segment_length_counts_syn_and_fin),
		cmocka_unit_test(rfc9293_3_4_table_6_case_1_no_length_no_window),
		cmocka_unit_test(rfc9293_3_4_table_6_case_2_no_length_window),
		cmocka_unit_test(rfc9293_3_4_table_6_case_3_length_no_window),
		cmocka_unit_test(rfc9293_3_4_table_6_case_4_length_and_window),
		cmocka_unit_test(rfc5961_5_2_range_of_acceptable_acks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
