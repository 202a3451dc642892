/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_test.h - a host for tests of the wire format, and what wire_parse() must make of a frame.
 * Include after cmocka.h. */
#ifndef RIPOSTE_WIRE_TEST_H
#define RIPOSTE_WIRE_TEST_H

#include <stdlib.h>

#include "drop.h"
#include "frame.h"
#include "wire.h"

/* Owns 10.9.0.1, 198.51.100.0/24, fd09::1, 2001:db8:1::/64, and to be tempted also 127.0.0.0/24,
 * 224.0.0.0/24, ::/127 and ff02::/16, which are nobody's. */
static struct addr_set wire_test_owned;
static struct addr_range4 wire_test_v4[4];
static struct addr_range6 wire_test_v6[4];
static struct wire_host wire_test_host = {
	.mac = {0x02, 0, 0, 0, 0, 0x01},
	.ttl = 64,
	.owned = &wire_test_owned,
};

static inline int
wire_test_setup(void **state)
{
	static const struct addr_prefix prefixes[] = {
		{4, 32, {10, 9, 0, 1}},
		{4, 24, {198, 51, 100, 0}},
		{4, 24, {127, 0, 0, 0}},
		{4, 24, {224, 0, 0, 0}},
		{6, 128, {0xfd, 0x09, [15] = 0x01}},
		{6, 64, {0x20, 0x01, 0x0d, 0xb8, 0, 1}},
		{6, 127, {0}},
		{6, 16, {0xff, 0x02}},
	};

	(void)state;
	addr_set_build(&wire_test_owned, prefixes, 8, wire_test_v4, wire_test_v6);
	return 0;
}

static inline const char *
wire_test_kind(unsigned int kind)
{
	static const char *const names[] = {"nothing", "TCP", "ARP", "echo", "solicitation"};

	return kind < 5 ? names[kind] : "?";
}

/* Parses length bytes in memory of just that size, so that a sanitizer sees every byte too far. */
static inline void
wire_test_parse_bytes(const uint8_t *bytes, uint32_t length, uint8_t csum, struct wire_packet *p)
{
	uint8_t *exact = malloc(length ? length : 1);

	assert_non_null(exact);
	if (length)
		memcpy(exact, bytes, length);
	memset(p, 0xa5, sizeof(*p));
	wire_parse(&wire_test_host, exact, length, csum, p);
	free(exact);
}

static inline void
wire_test_expect(const struct frame *f, uint8_t csum, enum wire_kind kind, enum drop_reason drop,
		 struct wire_packet *p, const char *file, int line)
{
	wire_test_parse_bytes(f->data, f->length, csum, p);
	if (p->kind != kind || p->drop != drop) {
		print_error("%s:%d: expected %s, drop %s; came %s, drop %s\n", file, line,
			    wire_test_kind(kind), drop_name(drop), wire_test_kind(p->kind),
			    p->drop < DROP_COUNT ? drop_name(p->drop) : "?");
		_fail(file, line);
	}
}

/* The frame is dropped with that reason. */
#define EXPECT_DROP(f, reason) EXPECT_DROP_CSUM(f, 0, reason)
#define EXPECT_DROP_CSUM(f, csum, reason)                                                          \
	wire_test_expect(f, csum, WIRE_NOTHING, reason, &(struct wire_packet){0}, __FILE__,        \
			 __LINE__)

/* The frame is taken as kind, and p is what came of it. */
#define EXPECT_KIND(f, kind, p) EXPECT_KIND_CSUM(f, 0, kind, p)
#define EXPECT_KIND_CSUM(f, csum, kind, p)                                                         \
	wire_test_expect(f, csum, kind, DROP_NONE, p, __FILE__, __LINE__)

/* One test for both families: NAME(family), called as NAME_ip4 and NAME_ip6. */
#define BOTH(name)                                                                                 \
	static void name(int family);                                                              \
	static void name##_ip4(void **state)                                                       \
	{                                                                                          \
		(void)state;                                                                       \
		name(4);                                                                           \
	}                                                                                          \
	static void name##_ip6(void **state)                                                       \
	{                                                                                          \
		(void)state;                                                                       \
		name(6);                                                                           \
	}                                                                                          \
	static void name(int family)
#define BOTH_TESTS(name) cmocka_unit_test(name##_ip4), cmocka_unit_test(name##_ip6)

#endif
