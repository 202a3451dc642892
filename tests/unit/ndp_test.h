/* SPDX-License-Identifier: BSD-3-Clause */
/* ndp_test.h - neighbour solicitations for the tests, and what becomes of them. */
#ifndef RIPOSTE_NDP_TEST_H
#define RIPOSTE_NDP_TEST_H

#include "wire_test.h"

static const uint8_t UNSPECIFIED[16];
static const uint8_t GROUP[16] = {0xff, 0x02, [11] = 1, 0xff, 0, 0, 1}; /* of fd09::1 */
static const uint8_t GROUP_MAC[6] = {0x33, 0x33, 0xff, 0, 0, 1};

/* A source link-layer address option. */
#define SLLAO "\x01\x01\x02\x00\x00\x00\x00\x02"

/* A solicitation for target with n bytes of options. */
static inline void
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
static inline void
good(struct frame *f)
{
	solicit(f, GROUP_MAC, FRAME_PEER6, GROUP, FRAME_US6, SLLAO, 8);
}

/* Parses the frame, which must be a solicitation, and gives it to ndp_input() in place. */
static inline uint32_t
input(struct frame *f, struct wire_packet *p)
{
	EXPECT_KIND(f, WIRE_SOLICIT, p);
	return ndp_input(&wire_test_host, f->data, f->length, FRAME_MAX, p);
}

static inline void
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

#endif
