/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ndp.c - neighbour solicitations that are answered: RFC 4861 7.2; RFC 4862 5.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ndp_test.h"

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
		cmocka_unit_test(unknown_options_are_ignored),
		cmocka_unit_test(vlan_tags_are_mirrored),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
