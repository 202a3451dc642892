/* SPDX-License-Identifier: BSD-3-Clause */
/* flow.h - the four-tuple of a connection, seen from our side. Addresses and ports are in network
 * byte order, as they lie in the packet. */
#ifndef RIPOSTE_FLOW_H
#define RIPOSTE_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "siphash.h"

struct flow4 {
	uint32_t laddr, raddr;
	uint16_t lport, rport;
};
_Static_assert(sizeof(struct flow4) == 12, "no padding: it is hashed and compared as bytes");

struct flow6 {
	uint8_t laddr[16], raddr[16];
	uint16_t lport, rport;
};
_Static_assert(sizeof(struct flow6) == 36, "no padding: it is hashed and compared as bytes");

struct flow {
	uint8_t family; /* 4 or 6 */
	union {
		struct flow4 v4;
		struct flow6 v6;
	};
};

static inline uint16_t
flow_lport(const struct flow *f)
{
	return f->family == 4 ? f->v4.lport : f->v6.lport;
}

static inline uint16_t
flow_rport(const struct flow *f)
{
	return f->family == 4 ? f->v4.rport : f->v6.rport;
}

/* SipHash-2-4 of the four-tuple under key: 64 bits nobody outside can predict. */
static inline uint64_t
flow_hash(const struct flow *f, const struct siphash_key *key)
{
	return f->family == 4 ? siphash(key, &f->v4, sizeof(f->v4))
			      : siphash(key, &f->v6, sizeof(f->v6));
}

#endif
