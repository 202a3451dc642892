/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ndp.c - neighbour solicitations: RFC 4861 7.1.1, 7.2; RFC 4862 5.4; RFC 6980. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_test.h"

static const uint8_t UNSPECIFIED[16];
static const uint8_t GROUP[16] = {0xff, 0x02, [11] = 1, 0xff, 0, 0, 1}; /* of fd09::1 */
static const uint8_t GROUP_MAC[6] = {0x33, 0x33, 0xff, 0, 0, 1};

/* A source link-layer address option. */
#define SLLAO "\x01\x01\x02\x00\x00\x00\x00\x02"

/* A solicitation for target with n bytes of options. */
static void
solicit(struct frame *f, const uint8_t mac[6], const uint8_t src[16], const uint8_t dst[16],
	const uint8_t target[16], const void *options, size_t n)
{
	frame_start(f, mac, FRAME_PEER_MAC);
	frame_ip(f, 6, 58);
	f->data[f->l3 + 7] = 255;
	memcpy(f->data + frame_src(f), src, 16);
	memcpy(f->data + frame_dst(f), dst, 16);
	frame_put32(f, 135u << 24);
	frame_put32(f, 0);
	frame_put(f, target, 16);
	frame_put(f, options, n);
	frame_finish(f);
}

/* What a host sends that looks for us: to our group, with its address. */
static void
good(struct frame *f)
{
	solicit(f, GROUP_MAC, FRAME_PEER6, GROUP, FRAME_US6, SLLAO, 8);
}

/* Parses the frame, which must be a solicitation, and gives it to ndp_input() in place. */
static uint32_t
input(struct frame *f, struct wire_packet *p)
{
	EXPECT_KIND(f, WIRE_SOLICIT, p);
	return ndp_input(&wire_test_host, f->data, f->length, FRAME_MAX, p);
}

static void
expect_drop(struct frame *f, enum drop_reason reason)
{
	const struct frame before = *f;
	struct wire_packet p;
	uint32_t length = input(f, &p);

	if (length != 0 || p.drop != reason)
		fail_msg("expected drop %s; came a reply of %u, drop %s", drop_name(reason), length,
			 drop_name(p.drop));
	assert_memory_equal(f->data, before.data, f->length);
}

/* Made by scapy: R 0, S 1, O 1. */
static const uint8_t ADVERTISEMENT[] = {
	0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86, 0xdd, 0x60,
	0x00, 0x00, 0x00, 0x00, 0x20, 0x3a, 0xff, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x88, 0x00, 0x1c, 0x81, 0x60, 0x00,
	0x00, 0x00, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x01, 0x02, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
};

/* To all nodes: R 0, S 0, O 1. */
static const uint8_t DEFENCE[] = {
	0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86, 0xdd, 0x60,
	0x00, 0x00, 0x00, 0x00, 0x20, 0x3a, 0xff, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88, 0x00, 0x5a, 0x89, 0x20, 0x00,
	0x00, 0x00, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x01, 0x02, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
};

static void
expect_answer(struct frame *f, const uint8_t expected[86])
{
	struct wire_packet p;

	assert_int_equal(input(f, &p), 86);
	assert_memory_equal(f->data, expected, 86);
}

/* RFC 4861 4.3, 4.4, 4.6.1: both messages and the option, byte by byte. */
static void
rfc4861_7_2_4_solicitation_to_the_group_is_answered(void **state)
{
	struct frame f;

	(void)state;
	good(&f);
	expect_answer(&f, ADVERTISEMENT);
}

/* RFC 4861 7.2.4: also without the option; the way back is the frame's source. */
static void
solicitation_without_options_is_answered(void **state)
{
	struct frame f;

	(void)state;
	solicit(&f, GROUP_MAC, FRAME_PEER6, GROUP, FRAME_US6, NULL, 0);
	expect_answer(&f, ADVERTISEMENT);
}

/* RFC 4861 7.3.1: is the neighbour still there? */
static void
unicast_solicitation_is_answered(void **state)
{
	struct frame f;

	(void)state;
	solicit(&f, FRAME_US_MAC, FRAME_PEER6, FRAME_US6, FRAME_US6, SLLAO, 8);
	expect_answer(&f, ADVERTISEMENT);
}

static void
rfc6085_multicast_packet_in_a_unicast_frame_is_answered(void **state)
{
	struct frame f;

	(void)state;
	solicit(&f, FRAME_US_MAC, FRAME_PEER6, GROUP, FRAME_US6, SLLAO, 8);
	expect_answer(&f, ADVERTISEMENT);
}

static void
rfc4862_5_4_3_duplicate_address_probe_is_answered_to_all_nodes(void **state)
{
	struct frame f;

	(void)state;
	solicit(&f, GROUP_MAC, UNSPECIFIED, GROUP, FRAME_US6, NULL, 0);
	expect_answer(&f, DEFENCE);
	/* RFC 7527: with a nonce. */
	solicit(&f, GROUP_MAC, UNSPECIFIED, GROUP, FRAME_US6, "\x0e\x01ripost", 8);
	expect_answer(&f, DEFENCE);
}

static void
every_address_of_an_owned_prefix_is_answered_for(void **state)
{
	uint8_t target[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1};

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t group[16], mac[6] = {0x33, 0x33};
		struct wire_packet p;
		struct frame f;

		target[8] = (uint8_t)i;
		target[13] = (uint8_t)(i * 7);
		target[15] = (uint8_t)~i;
		memcpy(group, GROUP, 13);
		memcpy(group + 13, target + 13, 3);
		memcpy(mac + 2, group + 12, 4);
		solicit(&f, mac, FRAME_PEER6, group, target, SLLAO, 8);
		assert_int_equal(input(&f, &p), 86);
		assert_memory_equal(f.data + frame_src(&f), target, 16);
		assert_memory_equal(f.data + f.l4 + 8, target, 16);
		assert_int_equal(frame_l4_sum(&f, 32), 0xffff);
	}
}

static void
target_not_owned_is_left_to_others(void **state)
{
	static const uint8_t same_group[16] = {0xfd, 0x0a, [15] = 1};
	struct frame f;

	(void)state;
	solicit(&f, GROUP_MAC, FRAME_PEER6, GROUP, same_group, SLLAO, 8);
	expect_drop(&f, DROP_nd_not_ours);
	solicit(&f, FRAME_US_MAC, FRAME_PEER6, FRAME_US6, same_group, SLLAO, 8);
	expect_drop(&f, DROP_nd_not_ours);
	/* Owned, and nobody's. */
	solicit(&f, FRAME_US_MAC, FRAME_PEER6, FRAME_US6, UNSPECIFIED, SLLAO, 8);
	expect_drop(&f, DROP_nd_not_ours);
}

/* RFC 4291 2.7.1, RFC 2464 7. */
static void
group_that_is_not_the_targets_is_not_ours(void **state)
{
	static const uint8_t other[16] = {0xff, 0x02, [11] = 1, 0xff, 0, 0, 2};
	static const uint8_t other_mac[6] = {0x33, 0x33, 0xff, 0, 0, 2};
	struct frame f;

	(void)state;
	solicit(&f, other_mac, FRAME_PEER6, other, FRAME_US6, SLLAO, 8);
	expect_drop(&f, DROP_ip_not_ours);
	/* RFC 2464 7: the Ethernet group is another one than the packet's. */
	solicit(&f, other_mac, FRAME_PEER6, GROUP, FRAME_US6, SLLAO, 8);
	EXPECT_DROP(&f, DROP_l2_not_ours);
	/* All nodes is no solicited-node address. */
	solicit(&f, FRAME_US_MAC, FRAME_PEER6, (const uint8_t[16]){0xff, 0x02, [15] = 1}, FRAME_US6,
		SLLAO, 8);
	EXPECT_DROP(&f, DROP_ip_not_ours);
	/* F1: a group's frame with a packet to us alone. */
	solicit(&f, GROUP_MAC, FRAME_PEER6, FRAME_US6, FRAME_US6, SLLAO, 8);
	EXPECT_DROP(&f, DROP_l2_not_ours);
}

static void
rfc4861_7_1_1_hop_limit_other_than_255_is_dropped(void **state)
{
	(void)state;
	for (unsigned int limit = 0; limit < 255; limit++) {
		struct frame f;

		good(&f);
		f.data[f.l3 + 7] = (uint8_t)limit;
		expect_drop(&f, DROP_nd_malformed);
	}
}

static void
rfc4861_7_1_1_code_other_than_0_is_dropped(void **state)
{
	(void)state;
	for (unsigned int code = 1; code < 256; code++) {
		struct frame f;

		good(&f);
		f.data[f.l4 + 1] = (uint8_t)code;
		frame_finish(&f);
		expect_drop(&f, DROP_nd_malformed);
	}
}

static void
rfc4861_7_1_1_wrong_checksum_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	good(&f);
	f.data[f.l4 + 3] ^= 1;
	EXPECT_DROP(&f, DROP_icmp_checksum);
	EXPECT_DROP_CSUM(&f, WIRE_L4_GOOD, DROP_icmp_checksum);
}

static void
rfc4861_7_1_1_less_than_24_bytes_is_dropped(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 24; n++) {
		struct frame f;

		solicit(&f, GROUP_MAC, FRAME_PEER6, GROUP, FRAME_US6, NULL, 0);
		f.length = f.l4 + n;
		frame_set16(&f, f.l3 + 4, n);
		if (n >= 8) {
			frame_fix_l4(&f, n);
			expect_drop(&f, DROP_nd_malformed);
		} else if (n > 0) {
			EXPECT_DROP(&f, DROP_icmp_malformed);
		} else {
			/* Then nothing says that it is a solicitation. */
			EXPECT_DROP(&f, DROP_l2_not_ours);
		}
	}
}

static void
rfc4861_7_1_1_multicast_target_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	solicit(&f, GROUP_MAC, FRAME_PEER6, GROUP, GROUP, SLLAO, 8);
	expect_drop(&f, DROP_nd_malformed);
}

static void
rfc4861_7_1_1_option_of_length_0_or_past_the_end_is_dropped(void **state)
{
	static const char *const options[] = {
		"\x01\x00\x02\x00\x00\x00\x00\x02", /* length 0 */
		"\x0e\x00\x02\x00\x00\x00\x00\x02", /* an unknown one */
		"\x01\x02\x02\x00\x00\x00\x00\x02", /* past the end */
		"\x01\xff\x02\x00\x00\x00\x00\x02",
		"\x01\x01\x02\x00\x00\x00\x00\x02\x0e\x00",       /* the second */
		"\x01\x01\x02\x00\x00\x00\x00\x02\x0e",           /* no length */
		"\x01\x01\x02\x00\x00\x00\x00\x02\x0e\x02ripost", /* past the end, later */
	};
	static const size_t size[] = {8, 8, 8, 8, 10, 9, 16};

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		struct frame f;

		solicit(&f, GROUP_MAC, FRAME_PEER6, GROUP, FRAME_US6, options[i], size[i]);
		expect_drop(&f, DROP_nd_malformed);
	}
}

/* RFC 4861 7.1.1: options that are not known are ignored. */
static void
unknown_options_are_ignored(void **state)
{
	struct frame f;

	(void)state;
	solicit(&f, GROUP_MAC, FRAME_PEER6, GROUP, FRAME_US6,
		"\xc8\x02with some text" SLLAO "\x02\x01\x02\x00\x00\x00\x00\x02", 32);
	expect_answer(&f, ADVERTISEMENT);
}

static void
rfc4861_7_1_1_probe_to_unicast_or_with_a_source_option_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	solicit(&f, FRAME_US_MAC, UNSPECIFIED, FRAME_US6, FRAME_US6, NULL, 0);
	expect_drop(&f, DROP_nd_malformed);
	solicit(&f, GROUP_MAC, UNSPECIFIED, GROUP, FRAME_US6, SLLAO, 8);
	expect_drop(&f, DROP_nd_malformed);
	solicit(&f, GROUP_MAC, UNSPECIFIED, GROUP, FRAME_US6, "\x0e\x01ripost" SLLAO, 16);
	expect_drop(&f, DROP_nd_malformed);
}

static void
f4_sources_that_are_no_hosts_or_ours_are_dropped(void **state)
{
	struct frame f;

	(void)state;
	solicit(&f, GROUP_MAC, FRAME_US6, GROUP, FRAME_US6, SLLAO, 8);
	EXPECT_DROP(&f, DROP_ip_source);
	solicit(&f, GROUP_MAC, GROUP, GROUP, FRAME_US6, SLLAO, 8);
	EXPECT_DROP(&f, DROP_ip_source);
	solicit(&f, FRAME_US_MAC, (const uint8_t[16]){[15] = 1}, GROUP, FRAME_US6, SLLAO, 8);
	EXPECT_DROP(&f, DROP_ip_source);
}

/* The exceptions are solicitations' alone. */
static void
everything_else_to_the_group_or_from_the_unspecified_address_is_dropped(void **state)
{
	static const uint8_t types[] = {1, 3, 128, 129, 133, 134, 136, 137};

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		struct frame f;

		good(&f);
		f.data[f.l4] = types[i];
		frame_finish(&f);
		EXPECT_DROP(&f, DROP_l2_not_ours);
		memcpy(f.data, FRAME_US_MAC, 6);
		EXPECT_DROP(&f, DROP_ip_not_ours);
		memcpy(f.data + frame_dst(&f), FRAME_US6, 16);
		memcpy(f.data + frame_src(&f), UNSPECIFIED, 16);
		frame_finish(&f);
		EXPECT_DROP(&f, DROP_ip_source);
	}
}

static void
rfc6980_5_solicitation_with_a_fragment_header_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	good(&f);
	memmove(f.data + f.l4 + 8, f.data + f.l4, 32);
	memcpy(f.data + f.l4, "\x3a\x00\x00\x00\x01\x02\x03\x04", 8);
	f.data[f.l3 + 6] = 44;
	frame_set16(&f, f.l3 + 4, 40);
	f.length += 8;
	EXPECT_DROP(&f, DROP_nd_malformed);
}

/* The padding behind a packet is no solicitation, though it looks like one. */
static void
padding_behind_the_last_header_is_not_read(void **state)
{
	struct frame f;

	(void)state;
	frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(&f, 6, 60);
	memcpy(f.data + frame_dst(&f), GROUP, 16);
	frame_put(&f, "\x3a\x00\x01\x04\x00\x00\x00\x00", 8);
	frame_set16(&f, f.l3 + 4, 8);
	frame_put8(&f, 135);
	EXPECT_DROP(&f, DROP_ip_not_ours);
	f.length--;
	EXPECT_DROP(&f, DROP_ip_not_ours);
}

static void
vlan_tags_are_mirrored(void **state)
{
	static const uint8_t tag[] = {0x81, 0x00, 0x10, 0x07};
	struct wire_packet p;
	struct frame f;

	(void)state;
	good(&f);
	memmove(f.data + 16, f.data + 12, f.length - 12);
	memcpy(f.data + 12, tag, 4);
	f.length += 4;
	assert_int_equal(input(&f, &p), 90);
	assert_memory_equal(f.data, ADVERTISEMENT, 12);
	assert_memory_equal(f.data + 12, tag, 4);
	assert_memory_equal(f.data + 16, ADVERTISEMENT + 12, 74);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4861_7_2_4_solicitation_to_the_group_is_answered),
		cmocka_unit_test(solicitation_without_options_is_answered),
		cmocka_unit_test(unicast_solicitation_is_answered),
		cmocka_unit_test(rfc6085_multicast_packet_in_a_unicast_frame_is_answered),
		cmocka_unit_test(rfc4862_5_4_3_duplicate_address_probe_is_answered_to_all_nodes),
		cmocka_unit_test(every_address_of_an_owned_prefix_is_answered_for),
		cmocka_unit_test(target_not_owned_is_left_to_others),
		cmocka_unit_test(group_that_is_not_the_targets_is_not_ours),
		cmocka_unit_test(rfc4861_7_1_1_hop_limit_other_than_255_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_code_other_than_0_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_wrong_checksum_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_less_than_24_bytes_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_multicast_target_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_option_of_length_0_or_past_the_end_is_dropped),
		cmocka_unit_test(unknown_options_are_ignored),
		cmocka_unit_test(rfc4861_7_1_1_probe_to_unicast_or_with_a_source_option_is_dropped),
		cmocka_unit_test(f4_sources_that_are_no_hosts_or_ours_are_dropped),
		cmocka_unit_test(
			everything_else_to_the_group_or_from_the_unspecified_address_is_dropped),
		cmocka_unit_test(rfc6980_5_solicitation_with_a_fragment_header_is_dropped),
		cmocka_unit_test(padding_behind_the_last_header_is_not_read),
		cmocka_unit_test(vlan_tags_are_mirrored),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
