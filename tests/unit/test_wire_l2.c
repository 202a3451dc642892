/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_l2.c - Ethernet and VLAN tags: rules.md section 2, F1, and design.md: a reply goes back
 * in the VLAN that the segment came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_test.h"

static void
l2_frame_shorter_than_its_header_is_a_runt(void **state)
{
	struct frame f;

	(void)state;
	frame_segment(&f, 4, TCP_SYN, 0);
	for (f.length = 0; f.length < 14; f.length++)
		EXPECT_DROP(&f, DROP_l2_runt);
	f.length = 14;
	EXPECT_DROP(&f, DROP_ip_header);
}

BOTH(f1_segment_to_another_ethernet_address_is_dropped)
{
	struct frame f;

	for (int bit = 0; bit < 48; bit++) {
		frame_segment(&f, family, TCP_SYN, 0);
		f.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		EXPECT_DROP(&f, DROP_l2_not_ours);
	}
}

/* RFC 1122 3.3.6. */
BOTH(f1_segment_to_broadcast_is_dropped)
{
	struct frame f;

	frame_segment(&f, family, TCP_SYN, 0);
	memcpy(f.data, FRAME_BROADCAST, 6);
	EXPECT_DROP(&f, DROP_l2_not_ours);
}

BOTH(f1_segment_to_a_multicast_ethernet_address_is_dropped)
{
	static const uint8_t groups[][6] = {
		{0x01, 0x00, 0x5e, 0x09, 0x00, 0x01}, /* IPv4 */
		{0x33, 0x33, 0xff, 0x00, 0x00, 0x01}, /* our solicited-node group */
		{0x33, 0x33, 0x00, 0x00, 0x00, 0x01}, /* all nodes */
		{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}, /* bridges */
	};

	for (size_t i = 0; i < sizeof(groups) / 6; i++) {
		struct frame f;

		frame_segment(&f, family, TCP_SYN, 0);
		memcpy(f.data, groups[i], 6);
		EXPECT_DROP(&f, DROP_l2_not_ours);
	}
}

static void
f1_whatever_is_wrong_above_the_destination_counts_first(void **state)
{
	struct frame f;

	(void)state;
	frame_start(&f, (const uint8_t[6]){0x02, 0, 0, 0, 0, 0x77}, FRAME_BROADCAST);
	frame_put16(&f, 0x88cc);
	EXPECT_DROP(&f, DROP_l2_not_ours);
}

BOTH(l2_group_source_is_dropped)
{
	struct frame f;

	frame_segment(&f, family, TCP_SYN, 0);
	f.data[6] |= 1;
	EXPECT_DROP(&f, DROP_l2_source);
	memcpy(f.data + 6, FRAME_BROADCAST, 6);
	EXPECT_DROP(&f, DROP_l2_source);
}

static void
l2_other_ethertypes_are_dropped(void **state)
{
	static const unsigned int types[] = {0x0000, 0x0026, 0x05dc, 0x0801, 0x0807,
					     0x8035, 0x86dc, 0x8847, 0x88cc, 0xffff};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct frame f;

		frame_segment(&f, 4, TCP_SYN, 0);
		frame_set16(&f, 12, types[i]);
		EXPECT_DROP(&f, DROP_l2_type);
	}
}

static void
l2_ethertype_and_ip_version_must_agree(void **state)
{
	struct frame f;

	(void)state;
	frame_segment(&f, 4, TCP_SYN, 40);
	frame_set16(&f, 12, 0x86dd);
	EXPECT_DROP(&f, DROP_ip_header);
	frame_segment(&f, 6, TCP_SYN, 0);
	frame_set16(&f, 12, 0x0800);
	EXPECT_DROP(&f, DROP_ip_header);
}

/* A SYN with tags; returns its length. */
static void
tagged(struct frame *f, int family, unsigned int tags, const unsigned int *tag)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	for (unsigned int i = 0; i < tags; i++)
		frame_tag(f, tag[2 * i], tag[2 * i + 1]);
	frame_ip(f, family, 6);
	frame_tcp(f, TCP_SYN, NULL, 0);
	frame_finish(f);
}

BOTH(vlan_tags_are_read_and_mirrored_to_the_bit)
{
	/* Count, then TPID and TCI of each: priority-tagged, 802.1Q, QinQ of three kinds. */
	static const unsigned int cases[][5] = {
		{0},
		{1, 0x8100, 0x0000},
		{1, 0x8100, 0xe000},
		{1, 0x8100, 0x1064},
		{1, 0x88a8, 0xffff},
		{1, 0x9100, 0x0001},
		{2, 0x88a8, 0xa064, 0x8100, 0x1007},
		{2, 0x9100, 0x0fff, 0x8100, 0x2002},
		{2, 0x8100, 0x0003, 0x8100, 0x0004},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tcp_reply rst = {.flags = TCP_RST | TCP_ACK, .ack = 1};
		const unsigned int tags = cases[i][0];
		struct wire_lengths lengths;
		struct wire_packet p;
		struct frame f, reply;

		tagged(&f, family, tags, &cases[i][1]);
		EXPECT_KIND(&f, WIRE_TCP, &p);
		assert_int_equal(p.l3, 14 + 4 * tags);
		assert_int_equal(p.l2.tags, tags);
		assert_int_equal(p.l2.zero, 0);
		assert_memory_equal(p.l2.peer, FRAME_PEER_MAC, 6);
		/* Unused tags are zero: two paths are the same when their bytes are. */
		for (unsigned int j = tags; j < WIRE_TAGS_MAX; j++)
			assert_int_equal(p.l2.tag[j].tpid | p.l2.tag[j].tci, 0);

		reply.length =
			wire_emit_tcp(&wire_test_host, &p.l2, &p.flow, &rst, reply.data, &lengths);
		assert_int_equal(lengths.l2, 14 + 4 * tags);
		assert_memory_equal(reply.data, FRAME_PEER_MAC, 6);
		assert_memory_equal(reply.data + 6, FRAME_US_MAC, 6);
		assert_memory_equal(reply.data + 12, f.data + 12, 4 * tags + 2);
	}
}

BOTH(l2_third_tag_is_dropped)
{
	static const unsigned int tag[] = {0x88a8, 1, 0x8100, 2, 0x8100, 3};
	static const unsigned int old[] = {0x9100, 1, 0x9100, 2, 0x9100, 3};
	struct frame f;

	tagged(&f, family, 3, tag);
	EXPECT_DROP(&f, DROP_l2_vlan_depth);
	tagged(&f, family, 3, old);
	EXPECT_DROP(&f, DROP_l2_vlan_depth);
}

static void
l2_frame_that_ends_in_its_tags_is_a_runt(void **state)
{
	static const unsigned int tag[] = {0x88a8, 1, 0x8100, 2};
	struct frame f;

	(void)state;
	for (unsigned int tags = 1; tags <= 2; tags++) {
		tagged(&f, 4, tags, tag);
		for (f.length = 14; f.length < 14 + 4 * tags; f.length++)
			EXPECT_DROP(&f, DROP_l2_runt);
		f.length = 14 + 4 * tags;
		EXPECT_DROP(&f, DROP_ip_header);
	}
}

static void
l2_way_back_is_known_for_every_frame_with_a_whole_header(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	frame_segment(&f, 4, TCP_SYN, 0);
	f.data[0] ^= 2;
	wire_test_parse_bytes(f.data, 14, 0, &p);
	assert_int_equal(p.drop, DROP_l2_not_ours);
	assert_memory_equal(p.l2.peer, FRAME_PEER_MAC, 6);
	assert_int_equal(p.l2.tags, 0);
}

/* RFC 894: frames shorter than 60 bytes are padded; the padding is not payload. rules.md 1. */
BOTH(ethernet_padding_is_not_payload)
{
	for (size_t text = 0; text < 3; text++) {
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, family, TCP_ACK, text);
		while (f.length < 100)
			frame_put8(&f, 0xee);
		EXPECT_KIND(&f, WIRE_TCP, &p);
		assert_int_equal(p.seg.text, text);
		assert_int_equal(p.l4_length, 20 + text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l2_frame_shorter_than_its_header_is_a_runt),
		BOTH_TESTS(f1_segment_to_another_ethernet_address_is_dropped),
		BOTH_TESTS(f1_segment_to_broadcast_is_dropped),
		BOTH_TESTS(f1_segment_to_a_multicast_ethernet_address_is_dropped),
		cmocka_unit_test(f1_whatever_is_wrong_above_the_destination_counts_first),
		BOTH_TESTS(l2_group_source_is_dropped),
		cmocka_unit_test(l2_other_ethertypes_are_dropped),
		cmocka_unit_test(l2_ethertype_and_ip_version_must_agree),
		BOTH_TESTS(vlan_tags_are_read_and_mirrored_to_the_bit),
		BOTH_TESTS(l2_third_tag_is_dropped),
		cmocka_unit_test(l2_frame_that_ends_in_its_tags_is_a_runt),
		cmocka_unit_test(l2_way_back_is_known_for_every_frame_with_a_whole_header),
		BOTH_TESTS(ethernet_padding_is_not_payload),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
