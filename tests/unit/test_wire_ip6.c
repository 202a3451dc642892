/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_ip6.c - the IPv6 header: rules.md section 2, F2 to F5. Extension headers are in
 * test_wire_ip6_ext.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_test.h"

/* RFC 8200 3. */
static void
good_segment_is_taken_with_its_addresses_and_ports(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	frame_segment(&f, 6, TCP_SYN, 5);
	EXPECT_KIND(&f, WIRE_TCP, &p);
	assert_int_equal(p.l3, 14);
	assert_int_equal(p.l4, 54);
	assert_int_equal(p.l4_length, 25);
	assert_int_equal(p.flow.family, 6);
	assert_memory_equal(p.flow.v6.laddr, FRAME_US6, 16);
	assert_memory_equal(p.flow.v6.raddr, FRAME_PEER6, 16);
	assert_memory_equal(&p.flow.v6.lport, "\x00\x50", 2);
	assert_memory_equal(&p.flow.v6.rport, "\x9c\x40", 2);
}

static void
f2_version_other_than_6_is_dropped(void **state)
{
	(void)state;
	for (unsigned int version = 0; version < 16; version++) {
		struct frame f;

		frame_segment(&f, 6, TCP_SYN, 0);
		f.data[f.l3] = (uint8_t)(version << 4);
		if (version != 6)
			EXPECT_DROP(&f, DROP_ip_header);
	}
}

/* RFC 2675 3: a payload length of 0 would be a jumbogram's. */
static void
f2_payload_length_other_than_what_follows_is_dropped(void **state)
{
	(void)state;
	for (uint32_t length = 0; length <= 0xffff; length++) {
		enum drop_reason reason = DROP_ip_header; /* 0: a jumbogram, RFC 2675 3 */
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, 6, TCP_SYN, 8);
		frame_set16(&f, f.l3 + 4, length);
		if (length > 0 && length < 20)
			reason = DROP_tcp_header; /* F6 */
		else if (length >= 20 && length < 28)
			reason = DROP_tcp_checksum; /* F7: the text is cut */
		if (length == 28)
			EXPECT_KIND(&f, WIRE_TCP, &p);
		else
			EXPECT_DROP(&f, reason);
	}
}

static void
nics_verdict_on_an_ip_checksum_means_nothing(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	frame_segment(&f, 6, TCP_SYN, 0);
	EXPECT_KIND_CSUM(&f, WIRE_IP_BAD, WIRE_TCP, &p);
}

static void
traffic_class_flow_label_and_hop_limit_do_not_matter(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	frame_segment(&f, 6, TCP_SYN, 0);
	memcpy(f.data + f.l3, "\x6f\xff\xff\xff", 4);
	f.data[f.l3 + 7] = 0;
	EXPECT_KIND(&f, WIRE_TCP, &p);
}

static void
expect_dst(const uint8_t addr[16], enum drop_reason reason)
{
	struct wire_packet p;
	struct frame f;

	frame_segment(&f, 6, TCP_SYN, 0);
	memcpy(f.data + frame_dst(&f), addr, 16);
	frame_finish(&f);
	if (reason == DROP_NONE)
		EXPECT_KIND(&f, WIRE_TCP, &p);
	else
		EXPECT_DROP(&f, reason);
}

#define ADDR(...) ((const uint8_t[16]){__VA_ARGS__})

static void
f3_destination_not_owned_is_dropped(void **state)
{
	(void)state;
	expect_dst(FRAME_PEER6, DROP_ip_not_ours);
	expect_dst(ADDR(0xfd, 0x09), DROP_ip_not_ours);
	expect_dst(ADDR(0x20, 0x01, 0x0d, 0xb8), DROP_ip_not_ours);
	expect_dst(ADDR(0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 1), DROP_ip_not_ours);
	expect_dst(ADDR(0xfe, 0x80, [15] = 1), DROP_ip_not_ours);
}

static void
f3_first_and_last_address_of_an_owned_prefix_are_hosts(void **state)
{
	(void)state;
	expect_dst(ADDR(0x20, 0x01, 0x0d, 0xb8, 0, 1), DROP_NONE);
	expect_dst(ADDR(0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8), DROP_NONE);
	expect_dst(ADDR(0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0xff, 0xff),
		   DROP_NONE);
}

/* RFC 9293 3.9.2.3 MUST-57, even where the configuration owns them. */
static void
f3_multicast_unspecified_and_loopback_destinations_are_dropped(void **state)
{
	(void)state;
	expect_dst(ADDR(0xff, 0x02, [15] = 1), DROP_ip_not_ours);
	expect_dst(ADDR(0xff, 0x0e, [15] = 1), DROP_ip_not_ours);
	expect_dst(ADDR(0xff, 0x02, [11] = 1, 0xff, 0, 0, 1), DROP_ip_not_ours);
	expect_dst(ADDR(0), DROP_ip_not_ours);
	expect_dst(ADDR([15] = 1), DROP_ip_not_ours);
}

static void
expect_src(const uint8_t addr[16], enum drop_reason reason)
{
	static const uint8_t flags[] = {TCP_SYN, TCP_ACK, TCP_RST, TCP_FIN | TCP_ACK};

	for (size_t i = 0; i < sizeof(flags); i++) {
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, 6, flags[i], 0);
		memcpy(f.data + frame_src(&f), addr, 16);
		frame_finish(&f);
		if (reason == DROP_NONE)
			EXPECT_KIND(&f, WIRE_TCP, &p);
		else
			EXPECT_DROP(&f, reason);
	}
}

/* D-1; RFC 4291 2. */
static void
f4_sources_that_are_no_hosts_are_dropped_whatever_the_flags(void **state)
{
	(void)state;
	expect_src(ADDR(0), DROP_ip_source);
	expect_src(ADDR([15] = 1), DROP_ip_source);
	expect_src(ADDR([15] = 2), DROP_NONE);
	expect_src(ADDR(0xff), DROP_ip_source);
	expect_src(ADDR(0xff, 0x02, [15] = 1), DROP_ip_source);
	expect_src(ADDR(0xff, 0x0e, [15] = 1), DROP_ip_source);
	expect_src(ADDR(0xfe, 0xff, [15] = 1), DROP_NONE);
	expect_src(ADDR(0xfe, 0x80, [15] = 9), DROP_NONE);
	/* IPv4-mapped, RFC 4291 2.5.5.2. */
	expect_src(ADDR([10] = 0xff, 0xff, 10, 9, 0, 2), DROP_ip_source);
	expect_src(ADDR([10] = 0xff, 0xfe, 10, 9, 0, 2), DROP_NONE);
	expect_src(ADDR([7] = 1, [10] = 0xff, 0xff, 10, 9, 0, 2), DROP_NONE);
}

static void
f4_own_addresses_as_source_are_dropped(void **state)
{
	(void)state;
	expect_src(FRAME_US6, DROP_ip_source); /* LAND */
	expect_src(ADDR(0x20, 0x01, 0x0d, 0xb8, 0, 1), DROP_ip_source);
	expect_src(ADDR(0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, [15] = 9), DROP_ip_source);
	expect_src(ADDR(0x20, 0x01, 0x0d, 0xb8, 0, 2), DROP_NONE);
}

/* ICMP for IPv4, AH and ESP, what is no header, and what nobody knows. */
static void
other_next_headers_are_dropped(void **state)
{
	(void)state;
	for (unsigned int next = 0; next < 256; next++) {
		struct frame f;

		if (next == 6 || next == 58 || next == 0 || next == 43 || next == 44 || next == 60)
			continue;
		frame_segment(&f, 6, TCP_SYN, 0);
		f.data[f.l3 + 6] = (uint8_t)next;
		EXPECT_DROP(&f, DROP_ip_protocol);
	}
}

static void
no_next_header_and_no_payload_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(&f, 6, 59);
	EXPECT_DROP(&f, DROP_ip_protocol);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_segment_is_taken_with_its_addresses_and_ports),
		cmocka_unit_test(f2_version_other_than_6_is_dropped),
		cmocka_unit_test(f2_payload_length_other_than_what_follows_is_dropped),
		cmocka_unit_test(nics_verdict_on_an_ip_checksum_means_nothing),
		cmocka_unit_test(traffic_class_flow_label_and_hop_limit_do_not_matter),
		cmocka_unit_test(f3_destination_not_owned_is_dropped),
		cmocka_unit_test(f3_first_and_last_address_of_an_owned_prefix_are_hosts),
		cmocka_unit_test(f3_multicast_unspecified_and_loopback_destinations_are_dropped),
		cmocka_unit_test(f4_sources_that_are_no_hosts_are_dropped_whatever_the_flags),
		cmocka_unit_test(f4_own_addresses_as_source_are_dropped),
		cmocka_unit_test(other_next_headers_are_dropped),
		cmocka_unit_test(no_next_header_and_no_payload_is_dropped),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
