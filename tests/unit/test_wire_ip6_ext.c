/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_ip6_ext.c - IPv6 extension headers: RFC 8200 4; rules.md section 2, F5 and D-4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_test.h"

enum { HOP_BY_HOP = 0, TCP = 6, ROUTING = 43, FRAGMENT = 44, NONE = 59, DESTINATION = 60 };

/* A SYN behind n bytes of extension headers, the first of which is of kind first. */
static void
with_headers(struct frame *f, uint8_t first, const void *headers, size_t n)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, 6, first);
	frame_ip_more(f, headers, n);
	f->protocol = TCP;
	frame_tcp(f, TCP_SYN, NULL, 0);
	frame_finish(f);
}

#define EXPECT_TAKEN(first, ...)                                                                   \
	do {                                                                                       \
		static const uint8_t headers[] = {__VA_ARGS__};                                    \
		struct wire_packet p;                                                              \
		struct frame f;                                                                    \
                                                                                                   \
		with_headers(&f, first, headers, sizeof(headers));                                 \
		EXPECT_KIND(&f, WIRE_TCP, &p);                                                     \
		assert_int_equal(p.l4, 54 + sizeof(headers));                                      \
		assert_int_equal(p.l4_length, 20);                                                 \
		assert_int_equal(p.seg.seq, 0x11223344);                                           \
	} while (0)

#define EXPECT_DROPPED(reason, first, ...)                                                         \
	do {                                                                                       \
		static const uint8_t headers[] = {__VA_ARGS__};                                    \
		struct frame f;                                                                    \
                                                                                                   \
		with_headers(&f, first, headers, sizeof(headers));                                 \
		EXPECT_DROP(&f, reason);                                                           \
	} while (0)

static void
rfc8200_4_2_padding_and_options_that_may_be_skipped_are(void **state)
{
	(void)state;
	EXPECT_TAKEN(HOP_BY_HOP, TCP, 0, 1, 4, 0, 0, 0, 0);     /* PadN */
	EXPECT_TAKEN(HOP_BY_HOP, TCP, 0, 0, 0, 0, 0, 0, 0);     /* Pad1 */
	EXPECT_TAKEN(HOP_BY_HOP, TCP, 0, 5, 2, 0, 0, 1, 0);     /* router alert */
	EXPECT_TAKEN(DESTINATION, TCP, 0, 4, 1, 4, 0, 1, 0);    /* tunnel limit */
	EXPECT_TAKEN(DESTINATION, TCP, 0, 0x3e, 4, 1, 2, 3, 4); /* unknown, action 00 */
	EXPECT_TAKEN(DESTINATION, TCP, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	EXPECT_TAKEN(DESTINATION, TCP, 0, 1, 0, 1, 0, 1, 0); /* PadN without data */
	EXPECT_TAKEN(HOP_BY_HOP, TCP, 0, 0, 0, 5, 2, 0, 0);  /* Pad1 before another */
	EXPECT_TAKEN(HOP_BY_HOP, TCP, 0, 1, 3, 0, 0, 0, 0);  /* Pad1 at the end */
}

static void
rfc8200_4_2_unknown_options_that_may_not_be_skipped_are_dropped(void **state)
{
	(void)state;
	EXPECT_DROPPED(DROP_ip_extension, HOP_BY_HOP, TCP, 0, 0x7e, 4, 0, 0, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, HOP_BY_HOP, TCP, 0, 0xbe, 4, 0, 0, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, DESTINATION, TCP, 0, 0xfe, 4, 0, 0, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, DESTINATION, TCP, 0, 0, 0, 0x7e, 2, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, HOP_BY_HOP, TCP, 0, 0xc2, 4, 0, 1, 0, 0); /* jumbo */
}

static void
rfc8200_4_2_option_past_its_header_is_dropped(void **state)
{
	(void)state;
	EXPECT_DROPPED(DROP_ip_extension, HOP_BY_HOP, TCP, 0, 1, 5, 0, 0, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, DESTINATION, TCP, 0, 1, 255, 0, 0, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, DESTINATION, TCP, 0, 0, 0, 1, 3, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, DESTINATION, TCP, 0, 1, 3, 0, 0, 0, 1); /* no length */
}

static void
rfc8200_4_1_hop_by_hop_options_come_first_or_not_at_all(void **state)
{
	(void)state;
	EXPECT_TAKEN(HOP_BY_HOP, DESTINATION, 0, 1, 4, 0, 0, 0, 0, /**/ TCP, 0, 1, 4, 0, 0, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, DESTINATION, HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, /**/ TCP, 0,
		       1, 4, 0, 0, 0, 0);
	EXPECT_DROPPED(DROP_ip_extension, HOP_BY_HOP, HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, /**/ TCP, 0,
		       1, 4, 0, 0, 0, 0);
}

/* RFC 8200 4.4, RFC 5095. */
static void
d4_routing_header_is_skipped_only_with_no_segments_left(void **state)
{
	(void)state;
	EXPECT_TAKEN(ROUTING, TCP, 0, 0, 0, 0, 0, 0, 0);
	EXPECT_TAKEN(ROUTING, TCP, 0, 99, 0, 1, 2, 3, 4);
	EXPECT_TAKEN(ROUTING, TCP, 2, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7,
		     8);
	EXPECT_DROPPED(DROP_ip_source_route, ROUTING, TCP, 0, 0, 1, 0, 0, 0, 0);
	EXPECT_DROPPED(DROP_ip_source_route, ROUTING, TCP, 0, 99, 255, 0, 0, 0, 0);
}

/* RFC 8200 4.5. RFC 6946 4: an atomic fragment, offset 0 and M 0, is not one. */
static void
f5_fragments_are_dropped_and_atomic_ones_taken(void **state)
{
	(void)state;
	EXPECT_TAKEN(FRAGMENT, TCP, 0, 0, 0, 1, 2, 3, 4);
	EXPECT_TAKEN(FRAGMENT, TCP, 0xff, 0, 0x06, 1, 2, 3, 4);                  /* reserved bits */
	EXPECT_DROPPED(DROP_ip_fragment, FRAGMENT, TCP, 0, 0, 0x01, 1, 2, 3, 4); /* M */
	EXPECT_DROPPED(DROP_ip_fragment, FRAGMENT, TCP, 0, 0, 0x08, 1, 2, 3, 4); /* offset */
	EXPECT_DROPPED(DROP_ip_fragment, FRAGMENT, TCP, 0, 0x80, 0, 1, 2, 3, 4);
	/* Its second byte is reserved and no length. */
	EXPECT_TAKEN(FRAGMENT, DESTINATION, 7, 0, 0, 1, 2, 3, 4, /**/ TCP, 0, 1, 4, 0, 0, 0, 0);
}

static void
extension_header_past_the_packet_is_dropped(void **state)
{
	static const uint8_t first[] = {HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION};

	(void)state;
	for (size_t i = 0; i < sizeof(first); i++) {
		/* 28 bytes follow the IPv6 header: as many as a header of length 2 has, and 4. */
		for (unsigned int length = 0; length < 256; length++) {
			uint8_t header[8] = {TCP, (uint8_t)length, 1, 4};
			struct frame f;

			with_headers(&f, first[i], header, 8);
			if (first[i] != FRAGMENT && length > 2)
				EXPECT_DROP(&f, DROP_ip_extension);
		}
		/* Less than eight bytes. */
		for (uint32_t left = 1; left < 8; left++) {
			uint8_t header[8] = {TCP, 0, 0, 0};
			struct frame f;

			with_headers(&f, first[i], header, 8);
			f.length = 54 + left;
			frame_set16(&f, f.l3 + 4, left);
			EXPECT_DROP(&f, DROP_ip_extension);
		}
	}
}

static void
nothing_behind_the_extension_headers_is_dropped(void **state)
{
	static const uint8_t header[8] = {TCP, 0, 1, 4};
	struct frame f;

	(void)state;
	with_headers(&f, DESTINATION, header, 8);
	f.length = 62;
	frame_set16(&f, f.l3 + 4, 8);
	EXPECT_DROP(&f, DROP_tcp_header);
	f.data[54] = NONE;
	EXPECT_DROP(&f, DROP_ip_protocol);
	f.data[54] = DESTINATION;
	EXPECT_DROP(&f, DROP_ip_extension);
}

/* RFC 8200 4.1 has an order with seven; a chain as long as a packet is nobody's host. */
static void
chain_of_extension_headers_has_an_end(void **state)
{
	(void)state;
	for (unsigned int count = 1; count < 100; count++) {
		uint8_t headers[8 * 100] = {0};
		struct wire_packet p;
		struct frame f;

		for (unsigned int i = 0; i < count; i++) {
			headers[8 * i] = i + 1 < count ? DESTINATION : TCP;
			headers[8 * i + 2] = 1;
			headers[8 * i + 3] = 4;
		}
		with_headers(&f, DESTINATION, headers, 8 * count);
		if (count <= 7)
			EXPECT_KIND(&f, WIRE_TCP, &p);
		else if (count > 8)
			EXPECT_DROP(&f, DROP_ip_extension);
	}
}

static void
f3_and_f4_count_before_the_extension_headers(void **state)
{
	static const uint8_t header[8] = {TCP, 0, 0xfe, 4};
	struct frame f;

	(void)state;
	with_headers(&f, DESTINATION, header, 8);
	memcpy(f.data + frame_src(&f), FRAME_US6, 16);
	EXPECT_DROP(&f, DROP_ip_source);
	memcpy(f.data + frame_dst(&f), FRAME_PEER6, 16);
	EXPECT_DROP(&f, DROP_ip_not_ours);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8200_4_2_padding_and_options_that_may_be_skipped_are),
		cmocka_unit_test(rfc8200_4_2_unknown_options_that_may_not_be_skipped_are_dropped),
		cmocka_unit_test(rfc8200_4_2_option_past_its_header_is_dropped),
		cmocka_unit_test(rfc8200_4_1_hop_by_hop_options_come_first_or_not_at_all),
		cmocka_unit_test(d4_routing_header_is_skipped_only_with_no_segments_left),
		cmocka_unit_test(f5_fragments_are_dropped_and_atomic_ones_taken),
		cmocka_unit_test(extension_header_past_the_packet_is_dropped),
		cmocka_unit_test(nothing_behind_the_extension_headers_is_dropped),
		cmocka_unit_test(chain_of_extension_headers_has_an_end),
		cmocka_unit_test(f3_and_f4_count_before_the_extension_headers),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
