/* SPDX-License-Identifier: BSD-3-Clause */
/* test_isn.c - initial sequence numbers and cookies. RFC 9293 3.4.1, RFC 6528 3, RFC 4987 3.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "isn.h"
#include "seed.h"
#include "seq.h"

static const uint8_t KEY[16] = {0x3d, 0x01, 0x92, 0x7f, 0x55, 0xe0, 0x11, 0xc4,
				0x8a, 0x6b, 0x20, 0xd9, 0x03, 0x77, 0xfe, 0x5a};

/* The bytes of a flow that count, and how many. */
static uint8_t *
flow_bytes(struct flow *flow, size_t *size)
{
	*size = flow->family == 4 ? sizeof(flow->v4) : sizeof(flow->v6);
	return flow->family == 4 ? (uint8_t *)&flow->v4 : (uint8_t *)&flow->v6;
}

static struct flow
random_flow(struct seed *seed, uint8_t family)
{
	struct flow flow;
	uint8_t *bytes;
	size_t size;

	seed_fill(seed, (uint8_t *)&flow, sizeof(flow)); /* what does not count too */
	flow.family = family;
	bytes = flow_bytes(&flow, &size);
	seed_fill(seed, bytes, size);
	return flow;
}

/* M + F(laddr, lport, raddr, rport, secret), F by libsodium. */
static void
rfc6528_3_isn_is_the_tick_and_a_keyed_hash_of_the_four_tuple(void **state)
{
	struct seed seed = seed_start("isn");
	const struct siphash_key key = siphash_key_read(KEY);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct flow flow = random_flow(&seed, i % 2 ? 4 : 6);
		const uint32_t ticks = (uint32_t)seed_next(&seed);
		uint8_t hash[8];
		uint32_t f;
		size_t size;
		uint8_t *bytes = flow_bytes(&flow, &size);

		crypto_shorthash_siphash24(hash, bytes, size, KEY);
		f = (uint32_t)hash[0] | (uint32_t)hash[1] << 8 | (uint32_t)hash[2] << 16 |
		    (uint32_t)hash[3] << 24;
		assert_int_equal(isn_make(&key, &flow, ticks), ticks + f);
	}
}

/* RFC 9293 3.4.1 MUST-8. rules.md 7.2: the same four-tuple later has a larger ISS, modulo 2^32. */
static void
rfc9293_3_4_1_isn_grows_by_one_each_4_us(void **state)
{
	static const uint32_t ticks[] = {0, 1, 250000, 0x7fffffff, 0x80000000, 0xffffffff};
	struct seed seed = seed_start("isn grows");
	const struct siphash_key key = siphash_key_read(KEY);

	(void)state;
	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		for (uint32_t later = 1; later < 0x80000000; later *= 3) {
			const struct flow flow = random_flow(&seed, i % 2 ? 4 : 6);
			const uint32_t before = isn_make(&key, &flow, ticks[i]);
			const uint32_t after = isn_make(&key, &flow, ticks[i] + later);

			assert_int_equal(after - before, later);
			assert_true(seq_gt(after, before));
			if (later > UINT32_MAX / 3)
				break;
		}
	}
}

static void
rfc4987_3_6_cookie_is_good_in_its_tick_and_the_next(void **state)
{
	struct seed seed = {1}; /* the same each time: chance must not fail it */
	const struct siphash_key key = siphash_key_read(KEY);
	static const uint32_t ticks[] = {0, 1, 77, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
		const struct flow flow = random_flow(&seed, i % 2 ? 4 : 6);
		const uint32_t irs = (uint32_t)seed_next(&seed), tick = ticks[i];
		const uint32_t cookie = isn_cookie_make(&key, &flow, irs, 1460, tick);
		uint16_t mss = 0;

		assert_int_equal(cookie, isn_cookie_make(&key, &flow, irs, 1460, tick));
		assert_int_not_equal(cookie, isn_cookie_make(&key, &flow, irs, 1460, tick + 1));
		assert_true(isn_cookie_check(&key, &flow, irs, cookie, tick, &mss));
		assert_int_equal(mss, 1460);
		assert_true(isn_cookie_check(&key, &flow, irs, cookie, tick + 1, &mss));
		assert_int_equal(mss, 1460);

		mss = 4711; /* left alone */
		for (uint32_t late = 2; late < 200; late++)
			assert_false(isn_cookie_check(&key, &flow, irs, cookie, tick + late, &mss));
		for (uint32_t early = 1; early < 200; early++)
			assert_false(
				isn_cookie_check(&key, &flow, irs, cookie, tick - early, &mss));
		for (uint32_t bit = 1; bit < 32; bit++)
			assert_false(isn_cookie_check(&key, &flow, irs, cookie,
						      tick + (UINT32_C(1) << bit), &mss));
		assert_int_equal(mss, 4711);
	}
}

/* A cookie binds the four-tuple, the IRS, the key and its own every bit. */
static void
rfc4987_3_6_cookie_is_no_good_with_any_bit_changed(void **state)
{
	struct seed seed = {1}; /* the same each time: chance must not fail it */

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct siphash_key key = siphash_key_read(KEY);
		struct flow flow = random_flow(&seed, i % 2 ? 4 : 6);
		const uint32_t irs = (uint32_t)seed_next(&seed), tick = (uint32_t)i;
		const uint32_t cookie = isn_cookie_make(&key, &flow, irs, 1300, tick);
		size_t size;
		uint8_t *bytes = flow_bytes(&flow, &size);
		uint16_t mss;

		for (size_t bit = 0; bit < 8 * size; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(isn_cookie_check(&key, &flow, irs, cookie, tick, &mss));
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (uint32_t bit = 0; bit < 32; bit++) {
			const uint32_t flip = UINT32_C(1) << bit;

			assert_false(isn_cookie_check(&key, &flow, irs ^ flip, cookie, tick, &mss));
			assert_false(isn_cookie_check(&key, &flow, irs, cookie ^ flip, tick, &mss));
			/* the same in the next tick, where the lowest bit means the other one */
			assert_false(
				isn_cookie_check(&key, &flow, irs, cookie ^ flip, tick + 1, &mss));
		}
		assert_true(isn_cookie_check(&key, &flow, irs, cookie, tick, &mss));
		key.k1 ^= 1;
		assert_false(isn_cookie_check(&key, &flow, irs, cookie, tick, &mss));
	}
}

/* At most one guess in 2^24 may be good for a tick; here it is one in 2^28. Of 2^22 guesses 2^-5 is
 * then to be expected with both ticks, and more than 3 in no run that anyone will see. */
static void
rfc4987_3_6_cookie_cannot_be_guessed(void **state)
{
	struct seed seed = {1}; /* the same each time: chance must not fail it */
	const struct siphash_key key = siphash_key_read(KEY);
	int good = 0;

	(void)state;
	for (int i = 0; i < 1 << 22; i++) {
		const struct flow flow = {
			.family = 4,
			.v4 = {.laddr = 1, .raddr = 2, .lport = 3, .rport = (uint16_t)(i & 7)},
		};
		uint16_t mss;

		good += isn_cookie_check(&key, &flow, 1000, (uint32_t)seed_next(&seed), 5, &mss);
	}
	if (good > 3)
		fail_msg("%d of 2^22 guesses were good, expected at most 3", good);
}

/* ... nor from what others look like: but for the five bits of MSS and tick, each is set in half of
 * them. */
static void
rfc4987_3_6_cookie_has_27_bits_of_proof(void **state)
{
	struct seed seed = {1};
	const struct siphash_key key = siphash_key_read(KEY);
	uint32_t set[32] = {0};
	int proof = 0;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		const struct flow flow = random_flow(&seed, i % 2 ? 4 : 6);
		const uint32_t cookie = isn_cookie_make(&key, &flow, 7, 1460, 5);

		for (uint32_t bit = 0; bit < 32; bit++)
			set[bit] += cookie >> bit & 1;
	}
	for (uint32_t bit = 0; bit < 32; bit++)
		proof += set[bit] > 1800 && set[bit] < 2200;
	assert_int_equal(proof, 27);
}

static void
rfc4987_3_6_cookie_remembers_the_mss_rounded_down(void **state)
{
	/* What hosts announce on Ethernet without and with jumbo frames, the defaults of MUST-15
	 * and the floor: kept as they are. */
	static const uint16_t kept[] = {1, 64, 536, 1220, 1440, 1460};
	struct seed seed = seed_start("isn cookie mss");
	const struct siphash_key key = siphash_key_read(KEY);
	const struct flow flow = random_flow(&seed, 4);
	uint16_t mss, before = 0;

	(void)state;
	for (uint32_t offered = 1; offered <= UINT16_MAX; offered++) {
		const uint32_t cookie = isn_cookie_make(&key, &flow, offered, (uint16_t)offered, 9);

		assert_true(isn_cookie_check(&key, &flow, offered, cookie, 9, &mss));
		assert_true(mss >= 1 && mss <= offered);
		assert_true(mss >= before); /* more offered, never less kept */
		if (offered >= 1220 && offered <= 1460)
			assert_true(offered - mss < 80);
		before = mss;
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		const uint32_t cookie = isn_cookie_make(&key, &flow, 5, kept[i], 9);

		assert_true(isn_cookie_check(&key, &flow, 5, cookie, 9, &mss));
		assert_int_equal(mss, kept[i]);
	}
}

/* rules.md 7.3: window scale and SACK in the low six bits of TSval. RFC 7323 5.4: a timestamp clock
 * never runs backwards, so what is sent now must not be later than now. */
static void
rfc4987_3_6_options_survive_in_the_timestamp(void **state)
{
	static const uint32_t clocks[] = {1,          5,          63,         64,
					  65,         0x7fffffff, 0x80000000, 0x80000001,
					  0xffffffc0, 0xffffffff, 0,          123456789};

	(void)state;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		for (uint32_t now = clocks[i]; now != clocks[i] + 70; now++) {
			for (unsigned int n = 0; n < 32; n++) {
				const struct isn_cookie_options in = {
					.mss = 536,
					.wscale_ok = n % 16 < 15,
					.wscale = n % 16 < 15 ? (uint8_t)(n % 16) : 0,
					.sack_ok = n >= 16,
				};
				struct isn_cookie_options out = {.mss = 1460, .wscale = 99};
				const uint32_t tsval = isn_cookie_tsval(now, &in);

				assert_int_not_equal(tsval, 0);
				assert_true(seq_le(tsval, now));
				assert_true(now - tsval < 64);
				isn_cookie_tsecr(tsval, &out);
				assert_int_equal(out.wscale_ok, in.wscale_ok);
				assert_int_equal(out.wscale, in.wscale);
				assert_int_equal(out.sack_ok, in.sack_ok);
				assert_int_equal(out.mss, 1460);
			}
		}
	}
}

/* RFC 7323 2.3: a scale over 14 is 14. */
static void
rfc7323_2_3_scale_over_14_is_kept_as_14(void **state)
{
	struct isn_cookie_options options = {.wscale_ok = true, .wscale = 200};

	(void)state;
	isn_cookie_tsecr(isn_cookie_tsval(100000, &options), &options);
	assert_true(options.wscale_ok);
	assert_int_equal(options.wscale, 14);
	assert_false(options.sack_ok);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6528_3_isn_is_the_tick_and_a_keyed_hash_of_the_four_tuple),
		cmocka_unit_test(rfc9293_3_4_1_isn_grows_by_one_each_4_us),
		cmocka_unit_test(rfc4987_3_6_cookie_is_good_in_its_tick_and_the_next),
		cmocka_unit_test(rfc4987_3_6_cookie_is_no_good_with_any_bit_changed),
		cmocka_unit_test(rfc4987_3_6_cookie_cannot_be_guessed),
		cmocka_unit_test(rfc4987_3_6_cookie_has_27_bits_of_proof),
		cmocka_unit_test(rfc4987_3_6_cookie_remembers_the_mss_rounded_down),
		cmocka_unit_test(rfc4987_3_6_options_survive_in_the_timestamp),
		cmocka_unit_test(rfc7323_2_3_scale_over_14_is_kept_as_14),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
