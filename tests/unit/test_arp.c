/* SPDX-License-Identifier: BSD-3-Clause */
/* test_arp.c - ARP: RFC 826, RFC 5227. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_test.h"

enum { REQUEST = 1, REPLY = 2 };

/* A packet from the peer: op, its own IPv4 address spa, and the one it is about. */
static void
arp(struct frame *f, const uint8_t dst[6], unsigned int op, const uint8_t spa[4],
    const uint8_t tpa[4])
{
	frame_start(f, dst, FRAME_PEER_MAC);
	frame_put16(f, 0x0806);
	frame_put32(f, 0x00010800);
	frame_put16(f, 0x0604);
	frame_put16(f, op);
	frame_put(f, FRAME_PEER_MAC, 6);
	frame_put(f, spa, 4);
	frame_put(f, (const uint8_t[6]){0}, 6);
	frame_put(f, tpa, 4);
}

/* Parses the frame, which must be ARP, and gives it to arp_input() in place. */
static uint32_t
input(struct frame *f, struct wire_packet *p)
{
	EXPECT_KIND(f, WIRE_ARP, p);
	return arp_input(&wire_test_host, f->data, f->length, FRAME_MAX, p);
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

/* Made by scapy. */
static const uint8_t IS_AT[] = {
	0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06,
	0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x0a, 0x09, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x0a, 0x09, 0x00, 0x02,
};

static void
rfc826_broadcast_request_for_an_owned_address_is_answered(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	arp(&f, FRAME_BROADCAST, REQUEST, FRAME_PEER4, FRAME_US4);
	assert_int_equal(input(&f, &p), 42);
	assert_memory_equal(f.data, IS_AT, 42);
}

static void
rfc826_unicast_request_is_answered_and_padding_cut(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	arp(&f, FRAME_US_MAC, REQUEST, FRAME_PEER4, FRAME_US4);
	while (f.length < 60)
		frame_put8(&f, 0xee);
	assert_int_equal(input(&f, &p), 42);
	assert_memory_equal(f.data, IS_AT, 42);
}

static void
every_owned_address_is_answered_for(void **state)
{
	(void)state;
	for (unsigned int last = 0; last < 256; last++) {
		const uint8_t tpa[4] = {198, 51, 100, (uint8_t)last};
		struct wire_packet p;
		struct frame f;

		arp(&f, FRAME_BROADCAST, REQUEST, FRAME_PEER4, tpa);
		assert_int_equal(input(&f, &p), 42);
		assert_memory_equal(f.data + 28, tpa, 4);
	}
}

static void
addresses_not_owned_are_left_to_others(void **state)
{
	static const uint8_t others[][4] = {
		{10, 9, 0, 2},        {10, 9, 0, 0},  {198, 51, 99, 255}, {198, 51, 101, 0},
		{255, 255, 255, 255}, {224, 0, 0, 1}, {127, 0, 0, 1}, /* owned, and nobody's */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / 4; i++) {
		struct frame f;

		arp(&f, FRAME_BROADCAST, REQUEST, FRAME_PEER4, others[i]);
		expect_drop(&f, DROP_arp_not_ours);
	}
}

/* RFC 5227 1.1, 2.1.1 and 2.4: who asks whether an address is free, with sender 0.0.0.0,
 * learns that it is not. */
static void
rfc5227_probe_for_an_owned_address_is_answered(void **state)
{
	struct wire_packet p;
	struct frame f;

	(void)state;
	arp(&f, FRAME_BROADCAST, REQUEST, (const uint8_t[4]){0}, FRAME_US4);
	assert_int_equal(input(&f, &p), 42);
	assert_memory_equal(f.data, IS_AT, 38);
	assert_memory_equal(f.data + 38, ((const uint8_t[4]){0}), 4);
	arp(&f, FRAME_BROADCAST, REQUEST, (const uint8_t[4]){0}, FRAME_PEER4);
	expect_drop(&f, DROP_arp_not_ours);
}

static void
senders_with_our_address_or_no_hosts_are_dropped(void **state)
{
	static const uint8_t senders[][4] = {
		{10, 9, 0, 1},  {198, 51, 100, 7},    {127, 0, 0, 9}, {224, 0, 0, 9},
		{240, 0, 0, 1}, {255, 255, 255, 255}, {0, 0, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(senders) / 4; i++) {
		struct frame f;

		arp(&f, FRAME_BROADCAST, REQUEST, senders[i], FRAME_US4);
		expect_drop(&f, DROP_arp_source);
		arp(&f, FRAME_US_MAC, REPLY, senders[i], FRAME_US4);
		expect_drop(&f, DROP_arp_source);
	}
}

static void
sender_with_a_group_ethernet_address_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	arp(&f, FRAME_BROADCAST, REQUEST, FRAME_PEER4, FRAME_US4);
	f.data[22] |= 1;
	expect_drop(&f, DROP_arp_source);
}

static void
replies_are_lawful_and_draw_none(void **state)
{
	struct frame f;

	(void)state;
	arp(&f, FRAME_US_MAC, REPLY, FRAME_PEER4, FRAME_US4);
	expect_drop(&f, DROP_NONE);
	arp(&f, FRAME_BROADCAST, REPLY, FRAME_PEER4, FRAME_PEER4); /* gratuitous */
	expect_drop(&f, DROP_NONE);
}

static void
other_operations_are_dropped(void **state)
{
	(void)state;
	for (unsigned int op = 0; op < 0x10000; op++) {
		struct frame f;

		if (op == REQUEST || op == REPLY)
			continue;
		arp(&f, FRAME_US_MAC, op, FRAME_PEER4, FRAME_US4);
		expect_drop(&f, DROP_arp_operation);
	}
}

static void
other_hardware_or_protocol_types_and_lengths_are_dropped(void **state)
{
	(void)state;
	for (uint32_t at = 14; at < 20; at++) {
		for (unsigned int value = 0; value < 256; value++) {
			struct frame f;

			arp(&f, FRAME_US_MAC, REQUEST, FRAME_PEER4, FRAME_US4);
			if (f.data[at] == value)
				continue;
			f.data[at] = (uint8_t)value;
			expect_drop(&f, DROP_arp_malformed);
		}
	}
}

static void
packets_cut_short_are_dropped_at_every_length(void **state)
{
	(void)state;
	for (uint32_t length = 14; length < 42; length++) {
		uint8_t *exact = malloc(length);
		struct wire_packet p;
		struct frame f;

		assert_non_null(exact);
		arp(&f, FRAME_US_MAC, REQUEST, FRAME_PEER4, FRAME_US4);
		memcpy(exact, f.data, length);
		wire_parse(&wire_test_host, exact, length, 0, &p);
		assert_int_equal(p.kind, WIRE_ARP);
		assert_int_equal(arp_input(&wire_test_host, exact, length, length, &p), 0);
		assert_int_equal(p.drop, DROP_arp_malformed);
		free(exact);
	}
}

static void
arp_to_another_host_or_group_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	arp(&f, (const uint8_t[6]){0x02, 0, 0, 0, 0, 3}, REQUEST, FRAME_PEER4, FRAME_US4);
	EXPECT_DROP(&f, DROP_l2_not_ours);
	arp(&f, (const uint8_t[6]){0x33, 0x33, 0xff, 0, 0, 1}, REQUEST, FRAME_PEER4, FRAME_US4);
	EXPECT_DROP(&f, DROP_l2_not_ours);
	arp(&f, (const uint8_t[6]){0x01, 0, 0x5e, 0, 0, 1}, REQUEST, FRAME_PEER4, FRAME_US4);
	EXPECT_DROP(&f, DROP_l2_not_ours);
}

static void
vlan_tags_are_mirrored(void **state)
{
	static const uint8_t tags[] = {0x88, 0xa8, 0xa0, 0x64, 0x81, 0x00, 0x10, 0x07};

	(void)state;
	for (uint32_t n = 4; n <= 8; n += 4) {
		struct wire_packet p;
		struct frame f;

		arp(&f, FRAME_BROADCAST, REQUEST, FRAME_PEER4, FRAME_US4);
		memmove(f.data + 12 + n, f.data + 12, 30);
		memcpy(f.data + 12, tags + 8 - n, n);
		f.length += n;
		assert_int_equal(input(&f, &p), 42 + n);
		assert_memory_equal(f.data, IS_AT, 12);
		assert_memory_equal(f.data + 12, tags + 8 - n, n);
		assert_memory_equal(f.data + 12 + n, IS_AT + 12, 30);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc826_broadcast_request_for_an_owned_address_is_answered),
		cmocka_unit_test(rfc826_unicast_request_is_answered_and_padding_cut),
		cmocka_unit_test(every_owned_address_is_answered_for),
		cmocka_unit_test(addresses_not_owned_are_left_to_others),
		cmocka_unit_test(rfc5227_probe_for_an_owned_address_is_answered),
		cmocka_unit_test(senders_with_our_address_or_no_hosts_are_dropped),
		cmocka_unit_test(sender_with_a_group_ethernet_address_is_dropped),
		cmocka_unit_test(replies_are_lawful_and_draw_none),
		cmocka_unit_test(other_operations_are_dropped),
		cmocka_unit_test(other_hardware_or_protocol_types_and_lengths_are_dropped),
		cmocka_unit_test(packets_cut_short_are_dropped_at_every_length),
		cmocka_unit_test(arp_to_another_host_or_group_is_dropped),
		cmocka_unit_test(vlan_tags_are_mirrored),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
