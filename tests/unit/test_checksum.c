/* SPDX-License-Identifier: BSD-3-Clause */
/* test_checksum.c - the Internet checksum against RFC 1071's example and a naive sum. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "checksum.h"
#include "frame.h"
#include "seed.h"

/* RFC 1071 3: the bytes 00 01 f2 03 f4 f5 f6 f7 sum to ddf2. */
static void
rfc1071_3_example(void **state)
{
	static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	const uint16_t sum = checksum_fold(checksum_add(0, data, 8));

	(void)state;
	assert_memory_equal(&sum, "\xdd\xf2", 2);
	assert_int_equal(checksum_finish(checksum_add(0, data, 8)), 0xffff ^ sum);
}

static void
empty_and_all_zero_data_sum_to_0(void **state)
{
	static const uint8_t zero[64];

	(void)state;
	assert_int_equal(checksum_add(0, zero, 0), 0);
	assert_int_equal(checksum_fold(checksum_add(0, zero, 64)), 0);
	assert_int_equal(checksum_finish(0), 0xffff);
}

static void
fold_brings_every_carry_round(void **state)
{
	(void)state;
	assert_int_equal(checksum_fold(0xffff), 0xffff);
	assert_int_equal(checksum_fold(0x10000), 1);
	assert_int_equal(checksum_fold(0x1ffff), 1);
	assert_int_equal(checksum_fold(UINT64_C(0xffffffffffff0001)), 1);
	assert_int_equal(checksum_fold(UINT64_MAX), 0xffff);
	assert_int_equal(checksum_fold(UINT64_C(0xfffffffefffffffe)), 0xfffd);
}

/* At every length up to 80 and random ones beyond, at every alignment, in memory of just that
 * size. */
static void
random_bytes_agree_with_a_naive_sum(void **state)
{
	struct seed s = seed_start("random bytes");

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t n = i < 2000 ? (uint32_t)i % 80 : seed_below(&s, 2000);
		uint32_t offset = seed_below(&s, 8);
		uint8_t *memory = malloc(n + offset + 1);
		uint8_t *data = memory + 1 + offset;
		uint16_t expected, came;

		assert_non_null(memory);
		seed_fill(&s, data, n);
		if (seed_below(&s, 4) == 0)
			memset(data, 0xff, n); /* the most carries */
		expected = htons(frame_sum(0, data, n));
		came = checksum_fold(checksum_add(0, data, n));
		if (came != expected)
			fail_msg("%u bytes: expected %04x, came %04x", n, expected, came);
		free(memory);
	}
}

static void
sum_over_parts_is_the_sum_over_the_whole(void **state)
{
	struct seed s = seed_start("parts");
	uint8_t data[512];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint32_t n = seed_below(&s, sizeof(data) + 1);
		uint32_t cut = n / 2 ? seed_below(&s, n / 2) * 2 : 0; /* even */
		uint64_t parts;

		seed_fill(&s, data, n);
		parts = checksum_add(checksum_add(0, data, cut), data + cut, n - cut);
		assert_int_equal(checksum_fold(parts), checksum_fold(checksum_add(0, data, n)));
	}
}

static void
data_with_a_right_checksum_finish_at_0(void **state)
{
	struct seed s = seed_start("right checksums");
	uint8_t data[100];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		uint32_t n = 2 + seed_below(&s, sizeof(data) - 1);
		uint32_t at = seed_below(&s, n / 2) * 2;
		uint16_t sum;

		seed_fill(&s, data, n);
		memset(data + at, 0, 2);
		sum = checksum_finish(checksum_add(0, data, n));
		memcpy(data + at, &sum, 2);
		assert_int_equal(checksum_finish(checksum_add(0, data, n)), 0);
		data[seed_below(&s, n)] ^= (uint8_t)(1 << seed_below(&s, 8));
		assert_int_not_equal(checksum_finish(checksum_add(0, data, n)), 0);
	}
}

/* RFC 9293 3.1: source and destination address, zero, protocol, TCP length. */
static void
rfc9293_3_1_pseudo_header_of_ip4(void **state)
{
	struct seed s = seed_start("IPv4 pseudo headers");

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct flow flow = {.family = 4};
		uint8_t pseudo[12];

		seed_fill(&s, pseudo, sizeof(pseudo));
		pseudo[8] = 0;
		memcpy(&flow.v4.raddr, pseudo, 4);
		memcpy(&flow.v4.laddr, pseudo + 4, 4);
		assert_int_equal(checksum_fold(checksum_pseudo(
					 &flow, pseudo[9], (uint32_t)pseudo[10] << 8 | pseudo[11])),
				 htons(frame_sum(0, pseudo, sizeof(pseudo))));
	}
}

/* RFC 8200 8.1: addresses, a length of 32 bits, zeros, next header. */
static void
rfc8200_8_1_pseudo_header_of_ip6(void **state)
{
	struct seed s = seed_start("IPv6 pseudo headers");

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct flow flow = {.family = 6};
		uint8_t pseudo[40];
		uint32_t length;

		seed_fill(&s, pseudo, sizeof(pseudo));
		memset(pseudo + 36, 0, 3);
		memcpy(flow.v6.raddr, pseudo, 16);
		memcpy(flow.v6.laddr, pseudo + 16, 16);
		memcpy(&length, pseudo + 32, 4);
		assert_int_equal(checksum_fold(checksum_pseudo(&flow, pseudo[39], ntohl(length))),
				 htons(frame_sum(0, pseudo, sizeof(pseudo))));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc1071_3_example),
		cmocka_unit_test(empty_and_all_zero_data_sum_to_0),
		cmocka_unit_test(fold_brings_every_carry_round),
		cmocka_unit_test(random_bytes_agree_with_a_naive_sum),
		cmocka_unit_test(sum_over_parts_is_the_sum_over_the_whole),
		cmocka_unit_test(data_with_a_right_checksum_finish_at_0),
		cmocka_unit_test(rfc9293_3_1_pseudo_header_of_ip4),
		cmocka_unit_test(rfc8200_8_1_pseudo_header_of_ip6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
