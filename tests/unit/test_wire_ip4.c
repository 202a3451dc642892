/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_ip4.c - the IPv4 header: rules.md section 2, F2 to F5, and D-4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_test.h"

/* RFC 791 3.1. */
static void
good_segment_is_taken_with_its_addresses_and_ports(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	frame_segment(&f, 4, TCP_SYN, 5);
	EXPECT_KIND(&f, WIRE_TCP, &p);
	assert_int_equal(p.l3, 14);
	assert_int_equal(p.l4, 34);
	assert_int_equal(p.l4_length, 25);
	assert_int_equal(p.flow.family, 4);
	/* As they lie in the packet. */
	assert_memory_equal(&p.flow.v4.laddr, FRAME_US4, 4);
	assert_memory_equal(&p.flow.v4.raddr, FRAME_PEER4, 4);
	assert_memory_equal(&p.flow.v4.lport, "\x00\x50", 2);
	assert_memory_equal(&p.flow.v4.rport, "\x9c\x40", 2);
}

/* RFC 1122 3.2.1.1. */
static void
f2_version_other_than_4_is_dropped(void **state)
{
	(void)state;
	for (unsigned int version = 0; version < 16; version++) {
		struct frame f;

		frame_segment(&f, 4, TCP_SYN, 0);
		f.data[f.l3] = (uint8_t)(version << 4 | 5);
		frame_fix_ip(&f);
		if (version != 4)
			EXPECT_DROP(&f, DROP_ip_header);
	}
}

static void
f2_header_length_under_5_or_past_the_packet_is_dropped(void **state)
{
	(void)state;
	for (unsigned int ihl = 0; ihl < 16; ihl++) {
		struct frame f;

		/* 20 + 20 bytes: up to 10 the header lies inside the packet. */
		frame_segment(&f, 4, TCP_SYN, 0);
		f.data[f.l3] = (uint8_t)(0x40 | ihl);
		if (ihl < 5 || ihl > 10)
			EXPECT_DROP_CSUM(&f, WIRE_IP_GOOD, DROP_ip_header);
	}
}

static void
f2_total_length_under_the_header_or_over_the_frame_is_dropped(void **state)
{
	(void)state;
	for (uint32_t total = 0; total <= 0xffff; total++) {
		enum drop_reason reason = DROP_ip_header;
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, 4, TCP_SYN, 8);
		frame_set16(&f, f.l3 + 2, total);
		frame_fix_ip(&f);
		if (total >= 20 && total < 40)
			reason = DROP_tcp_header; /* F6 */
		else if (total >= 40 && total < 48)
			reason = DROP_tcp_checksum; /* F7: the text is cut */
		if (total == 48)
			EXPECT_KIND(&f, WIRE_TCP, &p);
		else
			EXPECT_DROP(&f, reason);
	}
}

static void
f2_any_wrong_bit_of_the_header_fails_its_checksum(void **state)
{
	(void)state;
	for (uint32_t bit = 8; bit < 160; bit++) {
		struct frame f;

		if (bit / 8 == 2 || bit / 8 == 3) /* the length is checked before */
			continue;
		frame_segment(&f, 4, TCP_SYN, 0);
		f.data[f.l3 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		EXPECT_DROP(&f, DROP_ip_checksum);
	}
}

static void
f2_nics_verdict_on_the_header_checksum_stands(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	frame_segment(&f, 4, TCP_SYN, 0);
	EXPECT_KIND_CSUM(&f, WIRE_IP_GOOD, WIRE_TCP, &p);
	EXPECT_KIND_CSUM(&f, WIRE_L4_GOOD, WIRE_TCP, &p);
	EXPECT_DROP_CSUM(&f, WIRE_IP_BAD, DROP_ip_checksum);
	EXPECT_DROP_CSUM(&f, WIRE_IP_BAD | WIRE_L4_GOOD, DROP_ip_checksum);
	f.data[f.l3 + 10] ^= 0x55;
	EXPECT_KIND_CSUM(&f, WIRE_IP_GOOD, WIRE_TCP, &p);
	EXPECT_DROP_CSUM(&f, WIRE_L4_GOOD, DROP_ip_checksum);
	/* A field of 0 is a checksum like any other. */
	frame_set16(&f, f.l3 + 10, 0);
	EXPECT_DROP(&f, DROP_ip_checksum);
}

static void
expect_dst(uint8_t a, uint8_t b, uint8_t c, uint8_t d, enum drop_reason reason)
{
	struct wire_packet p;
	struct frame f;

	frame_segment(&f, 4, TCP_SYN, 0);
	memcpy(f.data + frame_dst(&f), (const uint8_t[4]){a, b, c, d}, 4);
	frame_finish(&f);
	if (reason == DROP_NONE)
		EXPECT_KIND(&f, WIRE_TCP, &p);
	else
		EXPECT_DROP(&f, reason);
}

static void
f3_destination_not_owned_is_dropped(void **state)
{
	(void)state;
	expect_dst(10, 9, 0, 2, DROP_ip_not_ours);
	expect_dst(10, 9, 0, 0, DROP_ip_not_ours);
	expect_dst(198, 51, 99, 255, DROP_ip_not_ours);
	expect_dst(198, 51, 101, 0, DROP_ip_not_ours);
}

/* rules.md F3: riposte knows no subnets, each address of an owned prefix is a host. */
static void
f3_first_and_last_address_of_an_owned_prefix_are_hosts(void **state)
{
	(void)state;
	expect_dst(198, 51, 100, 0, DROP_NONE);
	expect_dst(198, 51, 100, 77, DROP_NONE);
	expect_dst(198, 51, 100, 255, DROP_NONE);
}

/* RFC 9293 3.9.2.3 MUST-57, even where the configuration owns them. */
static void
f3_multicast_broadcast_and_loopback_destinations_are_dropped(void **state)
{
	(void)state;
	expect_dst(224, 0, 0, 1, DROP_ip_not_ours);
	expect_dst(239, 255, 255, 250, DROP_ip_not_ours);
	expect_dst(255, 255, 255, 255, DROP_ip_not_ours);
	expect_dst(127, 0, 0, 1, DROP_ip_not_ours);
	expect_dst(0, 0, 0, 0, DROP_ip_not_ours);
}

static void
expect_src(uint8_t a, uint8_t b, uint8_t c, uint8_t d, enum drop_reason reason)
{
	static const uint8_t flags[] = {TCP_SYN, TCP_ACK, TCP_RST, TCP_FIN | TCP_ACK};

	for (size_t i = 0; i < sizeof(flags); i++) {
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, 4, flags[i], 0);
		memcpy(f.data + frame_src(&f), (const uint8_t[4]){a, b, c, d}, 4);
		frame_finish(&f);
		if (reason == DROP_NONE)
			EXPECT_KIND(&f, WIRE_TCP, &p);
		else
			EXPECT_DROP(&f, reason);
	}
}

/* D-1; RFC 9293 3.9.2.3 MUST-63, RFC 1122 3.2.1.3. */
static void
f4_sources_that_are_no_hosts_are_dropped_whatever_the_flags(void **state)
{
	(void)state;
	expect_src(0, 0, 0, 0, DROP_ip_source);
	expect_src(0, 255, 255, 255, DROP_ip_source);
	expect_src(1, 0, 0, 0, DROP_NONE);
	expect_src(126, 255, 255, 255, DROP_NONE);
	expect_src(127, 0, 0, 0, DROP_ip_source);
	expect_src(127, 255, 255, 255, DROP_ip_source);
	expect_src(128, 0, 0, 0, DROP_NONE);
	expect_src(223, 255, 255, 255, DROP_NONE);
	expect_src(224, 0, 0, 0, DROP_ip_source);
	expect_src(239, 255, 255, 255, DROP_ip_source);
	expect_src(240, 0, 0, 0, DROP_ip_source);
	expect_src(255, 255, 255, 254, DROP_ip_source);
	expect_src(255, 255, 255, 255, DROP_ip_source);
}

static void
f4_own_addresses_as_source_are_dropped(void **state)
{
	(void)state;
	expect_src(10, 9, 0, 1, DROP_ip_source); /* LAND */
	expect_src(198, 51, 100, 0, DROP_ip_source);
	expect_src(198, 51, 100, 255, DROP_ip_source);
	expect_src(198, 51, 101, 0, DROP_NONE);
}

/* D-2. */
static void
f5_fragments_are_dropped(void **state)
{
	(void)state;
	for (uint32_t word = 0; word <= 0xffff; word++) {
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, 4, TCP_SYN, 0);
		frame_set16(&f, f.l3 + 6, word);
		frame_fix_ip(&f);
		/* MF is 0x2000, the offset 0x1fff; DF and the reserved bit make no fragment. */
		if (word & 0x2000 || word & 0x1fff)
			EXPECT_DROP(&f, DROP_ip_fragment);
		else
			EXPECT_KIND(&f, WIRE_TCP, &p);
	}
}

static void
f5_last_fragment_is_dropped_though_its_text_is_no_header(void **state)
{
	struct frame f;

	(void)state;
	frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(&f, 4, 6);
	frame_put(&f, "tail", 4);
	frame_set16(&f, f.l3 + 2, 24);
	frame_set16(&f, f.l3 + 6, 185);
	frame_fix_ip(&f);
	EXPECT_DROP(&f, DROP_ip_fragment);
}

static void
other_protocols_are_dropped(void **state)
{
	(void)state;
	for (unsigned int protocol = 0; protocol < 256; protocol++) {
		struct frame f;

		if (protocol == 1 || protocol == 6)
			continue;
		frame_segment(&f, 4, TCP_SYN, 0);
		f.data[f.l3 + 9] = (uint8_t)protocol;
		frame_fix_ip(&f);
		EXPECT_DROP(&f, DROP_ip_protocol);
	}
}

/* A SYN behind n bytes of IPv4 options. */
static void
with_options(struct frame *f, const void *options, size_t n)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, 4, 6);
	frame_ip_more(f, options, n);
	frame_tcp(f, TCP_SYN, NULL, 0);
	frame_finish(f);
}

/* RFC 1122 3.2.1.8. */
static void
d4_ip_options_are_ignored(void **state)
{
	static const uint8_t none[40];
	static const uint8_t nops[40] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
					 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	static const uint8_t alert[4] = {148, 4, 0, 0};            /* router alert */
	static const uint8_t record[8] = {7, 7, 4, 0, 0, 0, 0, 0}; /* record route, end */
	static const uint8_t least[4] = {1, 99, 2, 0};             /* unknown, no data, end */
	static const uint8_t last[4] = {1, 1, 99, 2};              /* unknown, no data, no end */
	static const uint8_t after_end[4] = {0, 131, 3, 4};        /* what is behind the end */
	const struct {
		const uint8_t *options;
		size_t n;
	} cases[] = {{none, 4},   {none, 40}, {nops, 4}, {nops, 40},    {alert, 4},
		     {record, 8}, {least, 4}, {last, 4}, {after_end, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_packet p;
		struct frame f;

		with_options(&f, cases[i].options, cases[i].n);
		EXPECT_KIND(&f, WIRE_TCP, &p);
		assert_int_equal(p.l4, 34 + cases[i].n);
		assert_int_equal(p.seg.seq, 0x11223344);
		assert_int_equal(p.seg.text, 0);
	}
}

static void
d4_source_routes_are_dropped(void **state)
{
	static const uint8_t loose[8] = {131, 7, 4, 10, 9, 0, 2, 0};
	static const uint8_t used_up[8] = {131, 7, 8, 10, 9, 0, 2, 0};
	static const uint8_t strict[12] = {1, 1, 7, 3, 4, 137, 7, 4, 10, 9, 0, 2};
	struct frame f;

	(void)state;
	with_options(&f, loose, 8);
	EXPECT_DROP(&f, DROP_ip_source_route);
	with_options(&f, used_up, 8);
	EXPECT_DROP(&f, DROP_ip_source_route);
	with_options(&f, strict, 12);
	EXPECT_DROP(&f, DROP_ip_source_route);
}

static void
f2_malformed_ip_options_are_dropped(void **state)
{
	static const uint8_t cases[][4] = {
		{148, 0, 0, 0},                   /* length 0 */
		{148, 1, 0, 0},                   /* length 1 */
		{148, 5, 0, 0},                   /* past the end */
		{148, 255, 0, 0}, {1, 1, 1, 148}, /* no length byte */
		{1, 148, 4, 0},                   /* past the end, later */
		{131, 5, 4, 0},                   /* a source route past the end */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / 4; i++) {
		struct frame f;

		with_options(&f, cases[i], 4);
		EXPECT_DROP(&f, DROP_ip_header);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_segment_is_taken_with_its_addresses_and_ports),
		cmocka_unit_test(f2_version_other_than_4_is_dropped),
		cmocka_unit_test(f2_header_length_under_5_or_past_the_packet_is_dropped),
		cmocka_unit_test(f2_total_length_under_the_header_or_over_the_frame_is_dropped),
		cmocka_unit_test(f2_any_wrong_bit_of_the_header_fails_its_checksum),
		cmocka_unit_test(f2_nics_verdict_on_the_header_checksum_stands),
		cmocka_unit_test(f3_destination_not_owned_is_dropped),
		cmocka_unit_test(f3_first_and_last_address_of_an_owned_prefix_are_hosts),
		cmocka_unit_test(f3_multicast_broadcast_and_loopback_destinations_are_dropped),
		cmocka_unit_test(f4_sources_that_are_no_hosts_are_dropped_whatever_the_flags),
		cmocka_unit_test(f4_own_addresses_as_source_are_dropped),
		cmocka_unit_test(f5_fragments_are_dropped),
		cmocka_unit_test(f5_last_fragment_is_dropped_though_its_text_is_no_header),
		cmocka_unit_test(other_protocols_are_dropped),
		cmocka_unit_test(d4_ip_options_are_ignored),
		cmocka_unit_test(d4_source_routes_are_dropped),
		cmocka_unit_test(f2_malformed_ip_options_are_dropped),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
