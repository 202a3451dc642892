/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_l2.h - how a frame came to us below IP, which is how its answer goes back. */
#ifndef RIPOSTE_WIRE_L2_H
#define RIPOSTE_WIRE_L2_H

#include <stdint.h>

#define WIRE_TAGS_MAX 2

/* One VLAN tag as it lies in the frame, network byte order. */
struct wire_tag {
	uint16_t tpid; /* 0x8100, 0x88a8 or 0x9100 */
	uint16_t tci;
};

/* Unused tags are zero, so that two paths are the same when their bytes are. */
struct wire_l2 {
	uint8_t peer[6]; /* the frame's Ethernet source */
	uint8_t tags;    /* 0, 1 or 2 */
	uint8_t zero;
	struct wire_tag tag[WIRE_TAGS_MAX]; /* the outermost first */
};
_Static_assert(sizeof(struct wire_l2) == 16, "no padding: it is hashed and compared as bytes");

#endif
