/* SPDX-License-Identifier: BSD-3-Clause */
/* test_addr_set.c - prefixes from text, and sets of them against a naive model. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr_set.h"
#include "seed.h"

#define PREFIXES_MAX 64

static void
expect_prefix(const char *text, uint8_t family, uint8_t length, const char *addr)
{
	const char *error = "unset";
	struct addr_prefix p;
	uint8_t expected[16] = {0};

	assert_int_equal(inet_pton(family == 4 ? AF_INET : AF_INET6, addr, expected), 1);
	if (addr_prefix_parse(text, &p, &error) != 0)
		fail_msg("\"%s\" %s", text, error);
	assert_int_equal(p.family, family);
	assert_int_equal(p.length, length);
	assert_memory_equal(p.addr, expected, 16);
}

static void
good_prefixes_are_read(void **state)
{
	(void)state;
	expect_prefix("10.9.0.1", 4, 32, "10.9.0.1");
	expect_prefix("198.51.100.0/24", 4, 24, "198.51.100.0");
	expect_prefix("255.255.255.255/32", 4, 32, "255.255.255.255");
	expect_prefix("0.0.0.0/0", 4, 0, "0.0.0.0");
	expect_prefix("128.0.0.0/1", 4, 1, "128.0.0.0");
	expect_prefix("10.9.0.254/31", 4, 31, "10.9.0.254");
	expect_prefix("10.9.0.0/29", 4, 29, "10.9.0.0");
	expect_prefix("fd09::1", 6, 128, "fd09::1");
	expect_prefix("fd09::/99", 6, 99, "fd09::");
	expect_prefix("2001:db8:1::/64", 6, 64, "2001:db8:1::");
	expect_prefix("::/0", 6, 0, "::");
	expect_prefix("8000::/1", 6, 1, "8000::");
	expect_prefix("2001:DB8::198.51.100.1/128", 6, 128, "2001:db8::c633:6401");
	expect_prefix("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", 6, 128,
		      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void
expect_error(const char *text, const char *words)
{
	const char *error = NULL;
	struct addr_prefix p;

	if (addr_prefix_parse(text, &p, &error) == 0)
		fail_msg("\"%s\": expected an error, it was read", text);
	assert_non_null(error);
	if (!strstr(error, words))
		fail_msg("\"%s\": expected \"%s\" in the error, came \"%s\"", text, words, error);
}

static void
wrong_addresses_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"/24",
		"host",
		"10.9.0",
		"10.9.0.256",
		"10.9.0.1 ",
		" 10.9.0.1",
		"10.9.0.1.2",
		"10.9.0.01x",
		"fd09::g",
		"fd09:::1",
		"fd09::1::",
		"1:2:3:4:5:6:7",
		"fe80::1%eth0",
		"10.9.0.1:80",
		"[fd09::1]",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
		/* One more than the longest: 46 characters. */
		"1111:2222:3333:4444:5555:6666:255.255.255.2555",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_error(texts[i], "no IPv4 or IPv6 address");
}

static void
wrong_lengths_are_refused(void **state)
{
	static const char *const of4[] = {"10.9.0.0/",      "10.9.0.0/33",  "10.9.0.0/-1",
					  "10.9.0.0/+8",    "10.9.0.0/ 24", "10.9.0.0/24 ",
					  "10.9.0.0/x",     "10.9.0.0/0x8", "10.9.0.0/4294967320",
					  "10.9.0.0/24/24", "10.9.0.0/1:",  "10.9.0.0/2/",
					  "10.9.0.0/0024"};
	static const char *const of6[] = {"fd09::/", "fd09::/129", "fd09::/1000", "fd09::/64x"};

	(void)state;
	for (size_t i = 0; i < sizeof(of4) / sizeof(of4[0]); i++)
		expect_error(of4[i], "0 to 32");
	for (size_t i = 0; i < sizeof(of6) / sizeof(of6[0]); i++)
		expect_error(of6[i], "0 to 128");
}

static void
bits_beyond_the_length_are_refused(void **state)
{
	static const char *const texts[] = {"10.9.0.1/24", "10.9.0.1/31",       "128.0.0.0/0",
					    "fd09::1/64",  "fd09::1/127",       "8000::/0",
					    "fd09::/15",   "2001:db8:1:1::/63", "0.0.0.1/0"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_error(texts[i], "beyond its prefix length");
}

/* A set made from texts, which are good. */
struct test_set {
	struct addr_set set;
	struct addr_range4 v4[PREFIXES_MAX];
	struct addr_range6 v6[PREFIXES_MAX];
};

static void
make(struct test_set *t, const char *const *texts, size_t count)
{
	struct addr_prefix prefixes[PREFIXES_MAX];
	const char *error;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(addr_prefix_parse(texts[i], &prefixes[i], &error), 0);
	addr_set_build(&t->set, prefixes, count, t->v4, t->v6);
}

#define MAKE(t, ...)                                                                               \
	make(t, (const char *const[]){__VA_ARGS__},                                                \
	     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static bool
has(const struct test_set *t, const char *text)
{
	uint8_t addr[16];
	uint32_t addr4;

	if (inet_pton(AF_INET, text, &addr4) == 1)
		return addr_set_has4(&t->set, addr4);
	assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
	return addr_set_has6(&t->set, addr);
}

static void
empty_set_has_nothing(void **state)
{
	struct test_set t;

	(void)state;
	addr_set_build(&t.set, NULL, 0, NULL, NULL);
	assert_false(has(&t, "0.0.0.0"));
	assert_false(has(&t, "255.255.255.255"));
	assert_false(has(&t, "::"));
	assert_true(addr_set_covers(&t.set, &t.set));
}

static void
set_has_its_first_and_last_address_and_no_neighbour(void **state)
{
	struct test_set t;

	(void)state;
	MAKE(&t, "198.51.100.0/24", "10.9.0.1", "2001:db8:1::/64", "fd09::1");
	assert_true(has(&t, "198.51.100.0"));
	assert_true(has(&t, "198.51.100.255"));
	assert_false(has(&t, "198.51.99.255"));
	assert_false(has(&t, "198.51.101.0"));
	assert_true(has(&t, "10.9.0.1"));
	assert_false(has(&t, "10.9.0.0"));
	assert_false(has(&t, "10.9.0.2"));
	assert_true(has(&t, "2001:db8:1::"));
	assert_true(has(&t, "2001:db8:1::ffff:ffff:ffff:ffff"));
	assert_false(has(&t, "2001:db8:0:ffff:ffff:ffff:ffff:ffff"));
	assert_false(has(&t, "2001:db8:1:1::"));
	assert_true(has(&t, "fd09::1"));
	assert_false(has(&t, "fd09::"));
	assert_false(has(&t, "fd09::2"));
	assert_false(has(&t, "::ffff:10.9.0.1"));
}

static void
prefixes_of_length_0_have_everything(void **state)
{
	struct test_set t;

	(void)state;
	MAKE(&t, "0.0.0.0/0", "::/0");
	assert_true(has(&t, "0.0.0.0"));
	assert_true(has(&t, "255.255.255.255"));
	assert_true(has(&t, "::"));
	assert_true(has(&t, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
}

static void
overlapping_and_adjacent_prefixes_become_one_range(void **state)
{
	struct test_set t;

	(void)state;
	MAKE(&t, "10.9.0.128/25", "10.9.0.1", "10.9.0.0/25", "10.9.0.64/26", "10.8.255.255",
	     "10.9.1.1", "255.255.255.255", "255.255.255.254");
	assert_int_equal(t.set.v4_count, 3);
	MAKE(&t, "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::/64", "2001:db8:0:1::7",
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:0:2::1");
	assert_int_equal(t.set.v6_count, 3);
	assert_true(has(&t, "2001:db8:0:1:ffff::"));
	assert_false(has(&t, "2001:db8:0:2::"));
	assert_false(has(&t, "::"));
}

static void
covers_takes_every_address_of_the_inner_set(void **state)
{
	struct test_set outer, inner;

	(void)state;
	/* Two halves cover the whole. */
	MAKE(&outer, "10.9.0.0/25", "10.9.0.128/25", "fd09::/65", "fd09::8000:0:0:0/65");
	MAKE(&inner, "10.9.0.0/24", "fd09::/64");
	assert_true(addr_set_covers(&outer.set, &inner.set));
	assert_true(addr_set_covers(&inner.set, &outer.set));
	MAKE(&inner, "10.9.0.0/23");
	assert_false(addr_set_covers(&outer.set, &inner.set));
	MAKE(&inner, "10.9.0.255", "10.9.1.0");
	assert_false(addr_set_covers(&outer.set, &inner.set));
	MAKE(&inner, "fd09::/63");
	assert_false(addr_set_covers(&outer.set, &inner.set));
	MAKE(&inner, "fd08::1");
	assert_false(addr_set_covers(&outer.set, &inner.set));
	addr_set_build(&inner.set, NULL, 0, NULL, NULL);
	assert_true(addr_set_covers(&outer.set, &inner.set));
	assert_false(addr_set_covers(&inner.set, &outer.set));
}

/* The model: an address is in a prefix if their first bits are the same. */
static bool
model_has(const struct addr_prefix *prefixes, size_t count, uint8_t family, const uint8_t *addr)
{
	for (size_t i = 0; i < count; i++) {
		unsigned int same = 0;

		while (same < prefixes[i].length &&
		       !((prefixes[i].addr[same / 8] ^ addr[same / 8]) & (0x80 >> same % 8)))
			same++;
		if (prefixes[i].family == family && same == prefixes[i].length)
			return true;
	}
	return false;
}

/* An address in a small space of 2^6 addresses below the top bits (all ones or all zeros, so that
 * both ends of the address space are met), of which prefixes of the last 6 bits are cut. */
static void
random_addr(struct seed *s, uint8_t family, uint8_t addr[16])
{
	unsigned int bytes = family == 4 ? 4 : 16;

	memset(addr, 0, 16);
	memset(addr, seed_below(s, 2) ? 0xff : 0, bytes);
	addr[bytes - 1] = (uint8_t)((addr[bytes - 1] & 0xc0) | seed_below(s, 64));
}

static void
random_sets_agree_with_the_model(void **state)
{
	struct seed s = seed_start("random sets");

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct addr_prefix prefixes[PREFIXES_MAX];
		size_t count = seed_below(&s, seed_below(&s, 2) ? 4 : PREFIXES_MAX);
		struct test_set t;

		for (size_t i = 0; i < count; i++) {
			struct addr_prefix *p = &prefixes[i];
			unsigned int bits, free = seed_below(&s, seed_below(&s, 2) ? 2 : 7);

			p->family = seed_below(&s, 2) ? 4 : 6;
			bits = p->family == 4 ? 32 : 128;
			random_addr(&s, p->family, p->addr);
			p->length = (uint8_t)(bits - free);
			p->addr[bits / 8 - 1] &= (uint8_t)(0xff << free);
		}
		addr_set_build(&t.set, prefixes, count, t.v4, t.v6);
		for (uint32_t i = 1; i < t.set.v4_count; i++)
			assert_true(t.set.v4[i].first > t.set.v4[i - 1].last + 1);
		for (int i = 0; i < 400; i++) {
			uint8_t family = i % 2 ? 4 : 6;
			uint8_t addr[16];
			uint32_t addr4;
			bool came;

			random_addr(&s, family, addr);
			memcpy(&addr4, addr, 4);
			came = family == 4 ? addr_set_has4(&t.set, addr4)
					   : addr_set_has6(&t.set, addr);
			assert_int_equal(came, model_has(prefixes, count, family, addr));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_prefixes_are_read),
		cmocka_unit_test(wrong_addresses_are_refused),
		cmocka_unit_test(wrong_lengths_are_refused),
		cmocka_unit_test(bits_beyond_the_length_are_refused),
		cmocka_unit_test(empty_set_has_nothing),
		cmocka_unit_test(set_has_its_first_and_last_address_and_no_neighbour),
		cmocka_unit_test(prefixes_of_length_0_have_everything),
		cmocka_unit_test(overlapping_and_adjacent_prefixes_become_one_range),
		cmocka_unit_test(covers_takes_every_address_of_the_inner_set),
		cmocka_unit_test(random_sets_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
