/* SPDX-License-Identifier: BSD-3-Clause */
/* test_icmp.c - ping and the rest of ICMP: RFC 792, RFC 1122 3.2.2; RFC 4443. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "wire_test.h"

/* A message of n bytes after type, code and checksum. */
static void
icmp(struct frame *f, int family, unsigned int type, unsigned int code, const void *rest, size_t n)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, family, family == 4 ? 1 : 58);
	frame_put8(f, type);
	frame_put8(f, code);
	frame_put16(f, 0);
	frame_put(f, rest, n);
	frame_finish(f);
}

static unsigned int
echo_type(int family)
{
	return family == 4 ? 8 : 128;
}

/* Identifier 0x1234, sequence number 7 and "riposte". */
static void
ping(struct frame *f, int family)
{
	icmp(f, family, echo_type(family), 0, "\x12\x34\x00\x07riposte", 11);
}

/* Parses an echo request and turns it into its reply. */
static void
answer(struct frame *f)
{
	struct wire_packet p;
	uint32_t length;

	EXPECT_KIND(f, WIRE_ECHO, &p);
	/* Addresses alone. */
	assert_int_equal(flow_lport(&p.flow) | flow_rport(&p.flow), 0);
	length = icmp_input(&wire_test_host, f->data, f->length, f->length, &p);
	assert_true(length > 0 && length <= f->length);
	f->length = length;
}

/* Made by scapy. */
static const uint8_t PONG4[] = {
	0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
	0x00, 0x45, 0x00, 0x00, 0x23, 0x00, 0x00, 0x40, 0x00, 0x40, 0x01, 0x26, 0xc6,
	0x0a, 0x09, 0x00, 0x01, 0x0a, 0x09, 0x00, 0x02, 0x00, 0x00, 0x32, 0x77, 0x12,
	0x34, 0x00, 0x07, 0x72, 0x69, 0x70, 0x6f, 0x73, 0x74, 0x65,
};
static const uint8_t PONG6[] = {
	0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86, 0xdd,
	0x60, 0x00, 0x00, 0x00, 0x00, 0x0f, 0x3a, 0x40, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd, 0x09, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x81, 0x00,
	0xb7, 0x16, 0x12, 0x34, 0x00, 0x07, 0x72, 0x69, 0x70, 0x6f, 0x73, 0x74, 0x65,
};

static void
expect_pong(const struct frame *f)
{
	assert_int_equal(f->length, f->family == 4 ? sizeof(PONG4) : sizeof(PONG6));
	if (f->family == 4)
		assert_memory_equal(f->data, PONG4, sizeof(PONG4));
	else
		assert_memory_equal(f->data, PONG6, sizeof(PONG6));
}

/* RFC 1122 3.2.2.6; RFC 4443 2.1, 4.2. */
BOTH(echo_request_is_answered_with_its_identifier_sequence_and_data)
{
	struct frame f;

	ping(&f, family);
	answer(&f);
	expect_pong(&f);
	/* Ethernet's padding is no data. */
	ping(&f, family);
	while (f.length < 100)
		frame_put8(&f, 0xee);
	answer(&f);
	expect_pong(&f);
}

BOTH(echo_reply_has_code_0_a_fresh_hop_limit_and_no_traffic_class)
{
	struct frame f;

	icmp(&f, family, echo_type(family), 9, "\x12\x34\x00\x07riposte", 11);
	if (family == 4) {
		f.data[f.l3 + 1] = 0xff;
		frame_set16(&f, f.l3 + 6, 0);
		f.data[f.l3 + 8] = 3;
		frame_fix_ip(&f);
	} else {
		memcpy(f.data + f.l3, "\x6f\xff\xff\xff", 4);
		f.data[f.l3 + 7] = 3;
	}
	answer(&f);
	expect_pong(&f);
}

BOTH(echo_of_any_size_and_content_comes_back_whole)
{
	struct seed s = seed_start("echoes");

	for (int i = 0; i < 3000; i++) {
		size_t n = seed_below(&s, 4) ? seed_below(&s, 1473) : 0;
		uint8_t rest[4 + 1473];
		struct frame f;

		seed_fill(&s, rest, sizeof(rest));
		if (i == 0)
			memset(rest, 0, sizeof(rest)); /* then the checksum is 0xffff */
		icmp(&f, family, echo_type(family), 0, rest, 4 + n);
		answer(&f);
		assert_int_equal(f.length, f.l4 + 8 + n);
		assert_int_equal(f.data[f.l4], family == 4 ? 0 : 129);
		assert_memory_equal(f.data + f.l4 + 4, rest, 4 + n);
		assert_int_equal(frame_l4_sum(&f, f.length - f.l4), 0xffff);
		if (family == 4)
			assert_int_equal(frame_sum(0, f.data + f.l3, 20), 0xffff);
	}
}

/* RFC 792 and RFC 1122 3.2.2.6 let options stay out; what is behind them moves up. */
static void
echo_behind_ip_options_comes_back_without_them(void **state)
{
	struct frame f;

	(void)state;
	frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(&f, 4, 1);
	frame_ip_more(&f, "\x07\x07\x04\x00\x00\x00\x00\x00", 8); /* record route */
	frame_put(&f, "\x08\x00\x00\x00\x12\x34\x00\x07riposte", 15);
	frame_finish(&f);
	answer(&f);
	expect_pong(&f);
}

static void
echo_behind_extension_headers_comes_back_without_them(void **state)
{
	struct frame f;

	(void)state;
	frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(&f, 6, 0);
	frame_ip_more(&f, "\x2c\x00\x01\x04\x00\x00\x00\x00", 8); /* hop-by-hop, padded */
	frame_ip_more(&f, "\x3a\x00\x00\x00\x01\x02\x03\x04", 8); /* an atomic fragment */
	f.protocol = 58;
	frame_put(&f, "\x80\x00\x00\x00\x12\x34\x00\x07riposte", 15);
	frame_finish(&f);
	answer(&f);
	expect_pong(&f);
}

BOTH(echo_to_any_owned_address_is_answered_from_it)
{
	static const uint8_t to4[] = {198, 51, 100, 255};
	static const uint8_t to6[] = {0x20, 0x01, 0x0d, 0xb8, 0,    1,    0,    0,
				      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct frame f;

	ping(&f, family);
	frame_set_addr(&f, frame_dst(&f), to4, to6);
	frame_finish(&f);
	answer(&f);
	if (family == 4)
		assert_memory_equal(f.data + frame_src(&f), to4, 4);
	else
		assert_memory_equal(f.data + frame_src(&f), to6, 16);
	assert_int_equal(frame_l4_sum(&f, f.length - f.l4), 0xffff);
}

BOTH(echo_to_a_group_or_to_others_is_dropped)
{
	static const uint8_t group4[] = {224, 0, 0, 1}, group6[16] = {0xff, 0x02, [15] = 1};
	struct frame f;

	ping(&f, family);
	frame_set_addr(&f, frame_dst(&f), group4, group6);
	frame_finish(&f);
	EXPECT_DROP(&f, DROP_ip_not_ours);
	frame_set_addr(&f, frame_dst(&f), FRAME_PEER4, FRAME_PEER6);
	frame_finish(&f);
	EXPECT_DROP(&f, DROP_ip_not_ours);
}

BOTH(vlan_tags_are_mirrored)
{
	static const uint8_t tags[] = {0x88, 0xa8, 0xa0, 0x64, 0x81, 0x00, 0x10, 0x07};
	struct frame f;

	ping(&f, family);
	memmove(f.data + 20, f.data + 12, f.length - 12);
	memcpy(f.data + 12, tags, 8);
	f.length += 8;
	answer(&f);
	assert_memory_equal(f.data + 12, tags, 8);
	memmove(f.data + 12, f.data + 20, f.length - 20);
	f.length -= 8;
	expect_pong(&f);
}

BOTH(any_wrong_bit_fails_the_checksum)
{
	for (uint32_t bit = 0; bit < 15 * 8; bit++) {
		struct frame f;

		ping(&f, family);
		f.data[f.l4 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		EXPECT_DROP(&f, DROP_icmp_checksum);
		/* Whatever a NIC says. */
		EXPECT_DROP_CSUM(&f, WIRE_IP_GOOD | WIRE_L4_GOOD, DROP_icmp_checksum);
	}
}

/* RFC 4443 2.3: ICMPv6 sums the pseudo header; RFC 792: ICMP does not. */
BOTH(pseudo_header_counts_in_icmp6_alone)
{
	struct frame f;

	ping(&f, family);
	f.protocol = family == 4 ? 58 : 1;
	frame_fix_l4(&f, 15);
	EXPECT_DROP(&f, DROP_icmp_checksum);
}

BOTH(less_than_a_header_is_dropped)
{
	for (uint32_t n = 1; n < 8; n++) {
		struct frame f;

		icmp(&f, family, echo_type(family), 0, "\x12\x34\x00\x07", n < 4 ? 0 : n - 4);
		f.length = f.l4 + n;
		frame_set16(&f, f.l3 + (family == 4 ? 2 : 4), family == 4 ? 20 + n : n);
		frame_fix_ip(&f);
		EXPECT_DROP(&f, DROP_icmp_malformed);
	}
}

/* What becomes of each type: E echo, N neighbour solicitation, c consumed, all else dropped. RFC
 * 9293 3.9.2.2; what RFC 1191 and RFC 8201 would have a sender heed is consumed. */
BOTH(each_type_is_answered_consumed_or_dropped)
{
	static const uint8_t consumed4[] = {0, 3, 4, 5, 11, 12};
	static const uint8_t consumed6[] = {1, 2, 3, 4, 129, 133, 134, 136, 137};
	const uint8_t *consumed = family == 4 ? consumed4 : consumed6;
	const size_t count = family == 4 ? sizeof(consumed4) : sizeof(consumed6);

	for (unsigned int type = 0; type < 256; type++) {
		enum drop_reason reason = DROP_icmp_type;
		struct wire_packet p;
		struct frame f;

		for (size_t i = 0; i < count; i++)
			if (consumed[i] == type)
				reason = DROP_NONE;
		icmp(&f, family, type, 0, "\x00\x00\x00\x00with a quoted packet behind", 31);
		if (type == echo_type(family))
			EXPECT_KIND(&f, WIRE_ECHO, &p);
		else if (family == 6 && type == 135)
			EXPECT_KIND(&f, WIRE_SOLICIT, &p);
		else
			EXPECT_DROP(&f, reason);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(echo_request_is_answered_with_its_identifier_sequence_and_data),
		BOTH_TESTS(echo_reply_has_code_0_a_fresh_hop_limit_and_no_traffic_class),
		BOTH_TESTS(echo_of_any_size_and_content_comes_back_whole),
		cmocka_unit_test(echo_behind_ip_options_comes_back_without_them),
		cmocka_unit_test(echo_behind_extension_headers_comes_back_without_them),
		BOTH_TESTS(echo_to_any_owned_address_is_answered_from_it),
		BOTH_TESTS(echo_to_a_group_or_to_others_is_dropped),
		BOTH_TESTS(vlan_tags_are_mirrored),
		BOTH_TESTS(any_wrong_bit_fails_the_checksum),
		BOTH_TESTS(pseudo_header_counts_in_icmp6_alone),
		BOTH_TESTS(less_than_a_header_is_dropped),
		BOTH_TESTS(each_type_is_answered_consumed_or_dropped),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
