/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_lengths.c - frames that are cut, and length fields that lie: no byte outside the frame
 * is read (each lies in memory of just its size, for a sanitizer to see), and what is not whole is
 * not taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "wire_test.h"

static const uint8_t SYN_OPTIONS[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
				      0, 1, 0,    0,    0, 2, 1, 3,  3, 7};
static const uint8_t EXTENSIONS[] = {
	43, 0, 5, 2, 0, 0, 1, 0, /* hop-by-hop: router alert */
	44, 0, 0, 0, 0, 0, 0, 0, /* routing, no segments left */
	60, 0, 0, 0, 1, 2, 3, 4, /* atomic fragment */
	6,  0, 1, 4, 0, 0, 0, 0, /* destination options: padding */
};

enum {
	CASE_TCP4,
	CASE_TCP6,
	CASE_TCP4_OPTIONS,    /* of IPv4 and TCP */
	CASE_TCP6_EXTENSIONS, /* and TCP options */
	CASE_TCP4_TAGGED,
	CASE_TCP6_TAGGED,
	CASE_ECHO4,
	CASE_ECHO6,
	CASE_SOLICIT,
	CASE_COUNT
};

/* A good frame of each sort; returns its kind. */
static enum wire_kind
make(struct frame *f, int which)
{
	bool tagged = which == CASE_TCP4_TAGGED || which == CASE_TCP6_TAGGED;
	bool v4 = which == CASE_TCP4 || which == CASE_TCP4_OPTIONS || which == CASE_TCP4_TAGGED ||
		  which == CASE_ECHO4;

	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	if (tagged) {
		frame_tag(f, 0x88a8, 1);
		frame_tag(f, 0x8100, 2);
	}
	if (which == CASE_ECHO4 || which == CASE_ECHO6) {
		frame_ip(f, v4 ? 4 : 6, v4 ? 1 : 58);
		frame_put16(f, (v4 ? 8u : 128u) << 8);
		frame_put(f, "\0\0\x12\x34\x00\x07riposte", 13);
		frame_finish(f);
		return WIRE_ECHO;
	}
	if (which == CASE_SOLICIT) {
		frame_ip(f, 6, 58);
		f->data[f->l3 + 7] = 255;
		frame_put32(f, 135u << 24);
		frame_put32(f, 0);
		frame_put(f, FRAME_US6, 16);
		frame_put(f, "\x01\x01\x02\x00\x00\x00\x00\x02", 8);
		frame_finish(f);
		return WIRE_SOLICIT;
	}
	frame_ip(f, v4 ? 4 : 6, which == CASE_TCP6_EXTENSIONS ? 0 : 6);
	if (which == CASE_TCP4_OPTIONS)
		frame_ip_more(f, "\x94\x04\x00\x00\x07\x07\x04\x00\x00\x00\x00\x00", 12);
	if (which == CASE_TCP6_EXTENSIONS)
		frame_ip_more(f, EXTENSIONS, sizeof(EXTENSIONS));
	f->protocol = 6;
	if (which == CASE_TCP4_OPTIONS || which == CASE_TCP6_EXTENSIONS)
		frame_tcp(f, TCP_SYN, SYN_OPTIONS, sizeof(SYN_OPTIONS));
	else
		frame_tcp(f, TCP_SYN, NULL, 0);
	frame_put(f, "riposte", 7);
	frame_finish(f);
	return WIRE_TCP;
}

/* What a stack does with a frame, in memory of just its size and, where that is less than any
 * buffer of ours has room for, not written to. */
static void
swallow(const uint8_t *bytes, uint32_t length, uint8_t csum, struct wire_packet *p)
{
	uint8_t room[FRAME_MAX];

	wire_test_parse_bytes(bytes, length, csum, p);
	assert_true(p->kind <= WIRE_SOLICIT);
	assert_true(p->drop < DROP_COUNT);
	assert_true(p->kind == WIRE_NOTHING || p->drop == DROP_NONE);
	memcpy(room, bytes, length);
	if (p->kind == WIRE_ARP)
		arp_input(&wire_test_host, room, length, sizeof(room), p);
	else if (p->kind == WIRE_ECHO)
		icmp_input(&wire_test_host, room, length, sizeof(room), p);
	else if (p->kind == WIRE_SOLICIT)
		ndp_input(&wire_test_host, room, length, sizeof(room), p);
}

static void
good_frames_are_taken(void **state)
{
	(void)state;
	for (int which = 0; which < CASE_COUNT; which++) {
		struct wire_packet p;
		struct frame f;

		enum wire_kind kind = make(&f, which);
		EXPECT_KIND(&f, kind, &p);
	}
}

/* F2: the IP length says more than there is. */
static void
frame_cut_at_any_length_is_not_taken(void **state)
{
	(void)state;
	for (int which = 0; which < CASE_COUNT; which++) {
		struct frame f;
		uint32_t whole, l3;

		make(&f, which);
		whole = f.length;
		l3 = f.l3;
		for (f.length = 0; f.length < whole; f.length++) {
			EXPECT_DROP(&f, f.length < l3 ? DROP_l2_runt : DROP_ip_header);
			/* Whatever the NIC says of what it has not seen. */
			EXPECT_DROP_CSUM(&f, WIRE_IP_GOOD | WIRE_L4_GOOD,
					 f.length < l3 ? DROP_l2_runt : DROP_ip_header);
		}
	}
}

/* The IP length is cut with the frame, so that only what lies above it can tell. */
static void
packet_cut_at_any_length_is_not_read_past_its_end(void **state)
{
	(void)state;
	for (int which = 0; which < CASE_COUNT; which++) {
		struct frame good;

		enum wire_kind kind = make(&good, which);
		for (uint32_t length = good.l3 + (good.family == 4 ? 20 : 40); length < good.length;
		     length++) {
			for (unsigned int csum = 0; csum < 16; csum++) {
				struct frame f = good;
				struct wire_packet p;

				f.length = length;
				frame_set16(&f, f.l3 + (f.family == 4 ? 2 : 4),
					    length - f.l3 - (f.family == 4 ? 0 : 40));
				if (length >= f.l4)
					frame_fix_ip(&f);
				swallow(f.data, f.length, (uint8_t)csum, &p);
				if (length < f.l4 + 8)
					assert_int_equal(p.kind, WIRE_NOTHING);
				else if (p.kind != WIRE_NOTHING)
					assert_int_equal(p.kind, kind);
				if (p.kind != WIRE_NOTHING)
					assert_int_equal(p.l4 + p.l4_length, length);
				if (p.kind == WIRE_TCP)
					assert_true(p.seg.text + 20 <= p.l4_length);
			}
		}
	}
}

/* Every byte of every header takes every value, with the NIC's good verdict and without one. */
static void
any_byte_of_any_header_may_have_any_value(void **state)
{
	(void)state;
	for (int which = 0; which < CASE_COUNT; which++) {
		struct frame good;

		make(&good, which);
		for (uint32_t at = 0; at < good.length; at++) {
			for (unsigned int value = 0; value < 256; value++) {
				struct frame f = good;
				struct wire_packet p;

				f.data[at] = (uint8_t)value;
				swallow(f.data, f.length, 0, &p);
				swallow(f.data, f.length, WIRE_IP_GOOD | WIRE_L4_GOOD, &p);
			}
		}
	}
}

static void
random_damage_is_never_read_past_the_frame(void **state)
{
	struct seed s = seed_start("random damage");

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct wire_packet p;
		struct frame f;

		make(&f, (int)seed_below(&s, CASE_COUNT));
		for (uint32_t n = seed_below(&s, 5); n > 0; n--)
			f.data[12 + seed_below(&s, f.length - 12)] = (uint8_t)seed_next(&s);
		if (seed_below(&s, 2))
			f.length = seed_below(&s, f.length + 1);
		swallow(f.data, f.length, (uint8_t)seed_below(&s, 16), &p);
	}
}

static void
random_bytes_are_never_read_past_the_frame(void **state)
{
	static const unsigned int types[] = {0x0800, 0x86dd, 0x0806, 0x8100};
	struct seed s = seed_start("random bytes");

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct wire_packet p;
		struct frame f;

		frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
		frame_put16(&f, types[seed_below(&s, 4)]);
		f.length = seed_below(&s, 200);
		seed_fill(&s, f.data + 14, 200);
		if (seed_below(&s, 2))
			f.data[14] = seed_below(&s, 2) ? 0x45 : 0x60;
		swallow(f.data, f.length, (uint8_t)seed_below(&s, 16), &p);
	}
}

/* The greatest frame there is, and lengths that would overflow 16 bits. */
static void
largest_packets_are_read_whole(void **state)
{
	static uint8_t frame[14 + 40 + 65535];

	(void)state;
	for (int family = 4; family <= 6; family += 2) {
		const uint32_t header = family == 4 ? 20 : 40;
		const uint32_t ip_length = family == 4 ? 65535 : 40 + 65535;
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, family, TCP_ACK, 0);
		frame_set16(&f, f.l3 + (family == 4 ? 2 : 4), 65535);
		memset(frame, 0, sizeof(frame));
		memcpy(frame, f.data, f.length);
		wire_test_parse_bytes(frame, 14 + ip_length, WIRE_IP_GOOD | WIRE_L4_GOOD, &p);
		assert_int_equal(p.kind, WIRE_TCP);
		assert_int_equal(p.l4_length, ip_length - header);
		assert_int_equal(p.seg.text, ip_length - header - 20);
		wire_test_parse_bytes(frame, 14 + ip_length - 1, WIRE_IP_GOOD | WIRE_L4_GOOD, &p);
		assert_int_equal(p.drop, DROP_ip_header);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_frames_are_taken),
		cmocka_unit_test(frame_cut_at_any_length_is_not_taken),
		cmocka_unit_test(packet_cut_at_any_length_is_not_read_past_its_end),
		cmocka_unit_test(any_byte_of_any_header_may_have_any_value),
		cmocka_unit_test(random_damage_is_never_read_past_the_frame),
		cmocka_unit_test(random_bytes_are_never_read_past_the_frame),
		cmocka_unit_test(largest_packets_are_read_whole),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
