/* SPDX-License-Identifier: BSD-3-Clause */
/* frame_other.h - frames that are not TCP, made byte by byte as in frame.h. */
#ifndef RIPOSTE_TEST_FRAME_OTHER_H
#define RIPOSTE_TEST_FRAME_OTHER_H

#include "frame.h"

/* RFC 826: who has 10.9.0.TARGET? */
static inline void
frame_arp(struct frame *f, uint8_t target)
{
	static const uint8_t FIXED[8] = {0, 1, 8, 0, 6, 4, 0, 1};

	frame_start(f, FRAME_BROADCAST, FRAME_PEER_MAC);
	frame_put16(f, 0x0806);
	frame_put(f, FIXED, sizeof(FIXED));
	frame_put(f, FRAME_PEER_MAC, 6);
	frame_put(f, FRAME_PEER4, 4);
	frame_put(f, (const uint8_t[6]){0}, 6);
	frame_put(f, FRAME_US4, 3);
	frame_put8(f, target);
}

/* RFC 4861 4.3: who has fd09::TARGET? */
static inline void
frame_solicitation(struct frame *f, uint8_t target)
{
	static const uint8_t GROUP_MAC[6] = {0x33, 0x33, 0xff, 0, 0, 0};
	static const uint8_t GROUP[16] = {0xff, 0x02, [11] = 1, [12] = 0xff};
	uint8_t addr[16];

	frame_start(f, GROUP_MAC, FRAME_PEER_MAC);
	f->data[5] = target;
	frame_ip(f, 6, 58);
	f->data[f->l3 + 7] = 255;
	memcpy(f->data + frame_dst(f), GROUP, 16);
	f->data[frame_dst(f) + 15] = target;
	frame_put32(f, 135u << 24);
	frame_put32(f, 0);
	memcpy(addr, FRAME_US6, 16);
	addr[15] = target;
	frame_put(f, addr, 16);
	frame_put16(f, 0x0101);
	frame_put(f, FRAME_PEER_MAC, 6);
	frame_finish(f);
}

/* A ping. */
static inline void
frame_echo(struct frame *f, int family)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, family, family == 4 ? 1 : 58);
	frame_put8(f, family == 4 ? 8 : 128);
	frame_put8(f, 0);
	frame_put16(f, 0);
	frame_put32(f, 0x00010002);
	frame_put32(f, 0xdeadbeef);
	frame_finish(f);
}

#endif
