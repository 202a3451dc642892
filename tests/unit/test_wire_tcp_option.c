/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_tcp_option.c - TCP options as they come: RFC 9293 3.1 and 3.2, RFC 7323, RFC 2018;
 * rules.md 7.1, D-20 and D-25. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "wire_test.h"

static int family_of_options;

/* The segment that comes with n bytes of options, padded with ends of list, and 7 of text. */
static struct tcp_seg
segment(unsigned int flags, const void *options, size_t n)
{
	struct wire_packet p;
	uint8_t padded[40] = {0};
	struct frame f;

	memcpy(padded, options, n);
	frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(&f, family_of_options, 6);
	frame_tcp(&f, flags, padded, (n + 3) / 4 * 4);
	frame_put(&f, "riposte", 7);
	frame_finish(&f);
	EXPECT_KIND(&f, WIRE_TCP, &p);
	assert_int_equal(p.seg.text, 7);
	assert_int_equal(p.seg.flags, flags);
	return p.seg;
}

#define SEGMENT(flags, ...)                                                                        \
	segment(flags, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

#define MSS_1460 2, 4, 0x05, 0xb4
#define MSS_536  2, 4, 0x02, 0x18
#define WS_7     3, 3, 7
#define SACK_OK  4, 2
#define TS_1_2   8, 10, 0, 0, 0, 1, 0, 0, 0, 2

BOTH(each_option_of_a_syn_is_read)
{
	struct tcp_seg seg;

	family_of_options = family;
	seg = SEGMENT(TCP_SYN, MSS_1460);
	assert_int_equal(seg.options, TCP_OPT_MSS);
	assert_int_equal(seg.mss, 1460);
	seg = SEGMENT(TCP_SYN, WS_7);
	assert_int_equal(seg.options, TCP_OPT_WSCALE);
	assert_int_equal(seg.wscale, 7);
	seg = SEGMENT(TCP_SYN, SACK_OK);
	assert_int_equal(seg.options, TCP_OPT_SACK_OK);
	seg = SEGMENT(TCP_SYN, 8, 10, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10);
	assert_int_equal(seg.options, TCP_OPT_TS);
	assert_int_equal(seg.tsval, 0xfedcba98);
	assert_int_equal(seg.tsecr, 0x76543210);
}

/* RFC 7323 2.3: a shift over 14 is for the receiver to use as 14; the field is kept as it came. */
BOTH(rfc7323_2_3_shift_over_14_and_mss_0_come_as_they_are)
{
	struct tcp_seg seg;

	family_of_options = family;
	seg = SEGMENT(TCP_SYN, 3, 3, 255, 2, 4, 0, 0);
	assert_int_equal(seg.options, TCP_OPT_WSCALE | TCP_OPT_MSS);
	assert_int_equal(seg.wscale, 255);
	assert_int_equal(seg.mss, 0);
}

/* RFC 9293 3.2 MUST-4: in any segment. */
BOTH(timestamps_are_read_in_any_segment)
{
	static const uint8_t flags[] = {0,       TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST,
					TCP_SYN, TCP_PSH, TCP_SYN | TCP_ACK};

	family_of_options = family;
	for (size_t i = 0; i < sizeof(flags); i++) {
		struct tcp_seg seg = SEGMENT(flags[i], 1, 1, TS_1_2);

		assert_int_equal(seg.options, TCP_OPT_TS);
		assert_int_equal(seg.tsval, 1);
		assert_int_equal(seg.tsecr, 2);
	}
}

/* RFC 9293 3.7.1, RFC 7323 2.2, RFC 2018 2; rules.md 7.1: ignored outside a SYN. */
BOTH(mss_window_scale_and_sack_permitted_count_in_a_syn_alone)
{
	static const uint8_t without[] = {0, TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, 0xff ^ TCP_SYN};
	struct tcp_seg seg;

	family_of_options = family;
	for (size_t i = 0; i < sizeof(without); i++) {
		seg = SEGMENT(without[i], MSS_1460, SACK_OK, TS_1_2, 1, WS_7);
		assert_int_equal(seg.options, TCP_OPT_TS);
	}
	seg = SEGMENT(TCP_SYN | TCP_ACK, MSS_1460, SACK_OK, TS_1_2, 1, WS_7);
	assert_int_equal(seg.options, TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE);
}

/* Also the blocks of RFC 6675. RFC 9293 3.1 MUST-6. */
BOTH(must_6_unknown_options_are_skipped_by_their_length)
{
	struct tcp_seg seg;

	family_of_options = family;
	for (unsigned int kind = 0; kind < 256; kind++) {
		const uint8_t k = (uint8_t)kind;

		if (kind <= 4 || kind == 8)
			continue;
		seg = SEGMENT(TCP_SYN, k, 2, k, 3, 2, k, 10, 2, 4, 9, 9, 3, 3, 9, 9, MSS_1460);
		assert_int_equal(seg.options, TCP_OPT_MSS);
		assert_int_equal(seg.mss, 1460);
	}
	/* MD5, RFC 2385: an option like any other. */
	seg = SEGMENT(TCP_SYN, 19, 18, 2, 4, 1, 1, 3, 3, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, MSS_1460);
	assert_int_equal(seg.options, TCP_OPT_MSS);
}

/* RFC 9293 3.1 MUST-64. */
BOTH(must_64_options_begin_at_any_byte)
{
	family_of_options = family;
	for (size_t shift = 0; shift <= 20; shift++) {
		static const uint8_t list[] = {MSS_1460, SACK_OK, TS_1_2, WS_7};
		uint8_t options[40];
		struct tcp_seg seg;

		memset(options, 1, sizeof(options));
		memcpy(options + shift, list, sizeof(list));
		seg = segment(TCP_SYN, options, 40);
		assert_int_equal(seg.options,
				 TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE);
		assert_int_equal(seg.mss, 1460);
		assert_int_equal(seg.tsval, 1);
		assert_int_equal(seg.tsecr, 2);
		assert_int_equal(seg.wscale, 7);
	}
}

/* The usual layouts are read at one go: what comes of them, and of what only nearly is one, is what
 * comes of the same options behind four NOPs. MUST-64. */
BOTH(must_64_usual_layouts_are_read_as_any_other)
{
	static const uint8_t layouts[][20] = {
		{MSS_1460},
		{1, 1, TS_1_2},
		{MSS_1460, SACK_OK, TS_1_2, 1, WS_7},
	};
	static const uint8_t lengths[] = {4, 12, 20};
	static const uint8_t flags[] = {TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK};

	family_of_options = family;
	for (size_t i = 0; i < sizeof(lengths) * sizeof(flags); i++) {
		const uint8_t *layout = layouts[i % sizeof(lengths)];
		const size_t n = lengths[i % sizeof(lengths)];
		const uint8_t kind = flags[i / sizeof(lengths)];

		for (size_t changed = 0; changed < n; changed++) {
			for (unsigned int value = 0; value < 24; value++) {
				uint8_t options[24] = {1, 1, 1, 1};
				struct tcp_seg usual, behind;

				memcpy(options + 4, layout, n);
				/* One byte, or two of them; 23: as it is. */
				if (value < 23)
					options[4 + changed] = (uint8_t)(value / 2);
				if (value < 23 && value % 2 == 1 && changed + 1 < n)
					options[5 + changed] = (uint8_t)(value / 2);
				usual = segment(kind, options + 4, n);
				behind = segment(kind, options, 4 + n);
				assert_memory_equal(&usual, &behind,
						    offsetof(struct tcp_seg, wscale) + 1);
			}
		}
	}
	assert_int_equal(SEGMENT(TCP_SYN, MSS_1460, SACK_OK, TS_1_2, 1, WS_7).options,
			 TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE);
}

BOTH(nothing_counts_behind_the_end_of_the_list)
{
	struct tcp_seg seg;

	family_of_options = family;
	seg = SEGMENT(TCP_SYN, MSS_1460, 0, WS_7);
	assert_int_equal(seg.options, TCP_OPT_MSS);
}

/* RFC 9293 3.1 MUST-7. */
BOTH(d20_must_7_illegal_length_ends_the_options_and_keeps_what_came_before)
{
	family_of_options = family;
	for (unsigned int kind = 2; kind < 256; kind++) {
		for (unsigned int length = 0; length < 256; length++) {
			/* 11 bytes from there to the end. */
			uint8_t options[] = {
				1, MSS_1460, (uint8_t)kind, (uint8_t)length, 4, 2, WS_7, WS_7, 1};
			struct tcp_seg seg;

			if (length >= 2 && length <= 11)
				continue;
			seg = segment(TCP_SYN, options, 16);
			assert_int_equal(seg.options, TCP_OPT_MSS);
			assert_int_equal(seg.mss, 1460);
		}
	}
}

BOTH(d20_must_7_option_without_room_for_its_length_ends_the_options)
{
	family_of_options = family;
	for (unsigned int kind = 2; kind < 256; kind++) {
		struct tcp_seg seg = SEGMENT(TCP_SYN, WS_7, MSS_1460, (uint8_t)kind);

		assert_int_equal(seg.options, TCP_OPT_WSCALE | TCP_OPT_MSS);
	}
}

/* What lies behind the header is text, whatever an option says. */
BOTH(d20_must_7_option_that_reaches_into_the_text_is_not_read)
{
	struct tcp_seg seg;

	family_of_options = family;
	seg = SEGMENT(TCP_SYN, WS_7, 8, 10, 0, 0, 0, 1, 0, 0, 0);
	assert_int_equal(seg.options, TCP_OPT_WSCALE);
	seg = SEGMENT(TCP_SYN, WS_7, 1, 1, 2, 4, 5);
	assert_int_equal(seg.options, TCP_OPT_WSCALE);
	seg = SEGMENT(TCP_SYN, MSS_1460, 1, 1, 3, 3);
	assert_int_equal(seg.options, TCP_OPT_MSS);
}

/* A known kind with a length that is not its own is skipped as an unknown option is: the list is
 * whole. */
BOTH(must_6_known_option_of_another_length_is_skipped)
{
	struct tcp_seg seg;

	family_of_options = family;
	seg = SEGMENT(TCP_SYN, 2, 3, 9, 2, 5, 9, 9, 9, 2, 2, SACK_OK);
	assert_int_equal(seg.options, TCP_OPT_SACK_OK);
	seg = SEGMENT(TCP_SYN, 3, 2, 3, 4, 9, 9, SACK_OK);
	assert_int_equal(seg.options, TCP_OPT_SACK_OK);
	seg = SEGMENT(TCP_SYN, 4, 3, 9, WS_7);
	assert_int_equal(seg.options, TCP_OPT_WSCALE);
	seg = SEGMENT(TCP_SYN, 8, 9, 9, 9, 9, 9, 9, 9, 9, 8, 2, WS_7);
	assert_int_equal(seg.options, TCP_OPT_WSCALE);
}

BOTH(d25_last_of_a_repeated_option_wins)
{
	struct tcp_seg seg;

	family_of_options = family;
	seg = SEGMENT(TCP_SYN, MSS_1460, MSS_536, WS_7, 3, 3, 2);
	assert_int_equal(seg.mss, 536);
	assert_int_equal(seg.wscale, 2);
	seg = SEGMENT(TCP_ACK, TS_1_2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4);
	assert_int_equal(seg.tsval, 3);
	assert_int_equal(seg.tsecr, 4);
}

/* Whatever the options are, the segment is processed (D-20); a sanitizer sees the rest. */
BOTH(d20_random_options_never_lose_the_segment)
{
	struct seed s = seed_start("random options");

	family_of_options = family;
	for (int i = 0; i < 100000; i++) {
		size_t n = seed_below(&s, 11) * 4;
		uint8_t options[40];

		for (size_t j = 0; j < n; j++)
			options[j] = (uint8_t)seed_below(&s, seed_below(&s, 4) ? 12 : 256);
		segment(seed_next(&s) & 0xff, options, n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(each_option_of_a_syn_is_read),
		BOTH_TESTS(rfc7323_2_3_shift_over_14_and_mss_0_come_as_they_are),
		BOTH_TESTS(timestamps_are_read_in_any_segment),
		BOTH_TESTS(mss_window_scale_and_sack_permitted_count_in_a_syn_alone),
		BOTH_TESTS(must_6_unknown_options_are_skipped_by_their_length),
		BOTH_TESTS(must_64_options_begin_at_any_byte),
		BOTH_TESTS(must_64_usual_layouts_are_read_as_any_other),
		BOTH_TESTS(nothing_counts_behind_the_end_of_the_list),
		BOTH_TESTS(d20_must_7_illegal_length_ends_the_options_and_keeps_what_came_before),
		BOTH_TESTS(d20_must_7_option_without_room_for_its_length_ends_the_options),
		BOTH_TESTS(d20_must_7_option_that_reaches_into_the_text_is_not_read),
		BOTH_TESTS(must_6_known_option_of_another_length_is_skipped),
		BOTH_TESTS(d25_last_of_a_repeated_option_wins),
		BOTH_TESTS(d20_random_options_never_lose_the_segment),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
