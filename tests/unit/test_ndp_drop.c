/* SPDX-License-Identifier: BSD-3-Clause */
/* test_ndp_drop.c - neighbour solicitations that are not answered: RFC 4861 7.1.1; RFC 6980. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ndp_test.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(target_not_owned_is_left_to_others),
		cmocka_unit_test(group_that_is_not_the_targets_is_not_ours),
		cmocka_unit_test(rfc4861_7_1_1_hop_limit_other_than_255_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_code_other_than_0_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_wrong_checksum_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_less_than_24_bytes_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_multicast_target_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_option_of_length_0_or_past_the_end_is_dropped),
		cmocka_unit_test(rfc4861_7_1_1_probe_to_unicast_or_with_a_source_option_is_dropped),
		cmocka_unit_test(f4_sources_that_are_no_hosts_or_ours_are_dropped),
		cmocka_unit_test(
			everything_else_to_the_group_or_from_the_unspecified_address_is_dropped),
		cmocka_unit_test(rfc6980_5_solicitation_with_a_fragment_header_is_dropped),
		cmocka_unit_test(padding_behind_the_last_header_is_not_read),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
