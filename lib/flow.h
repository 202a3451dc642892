/* SPDX-License-Identifier: BSD-3-Clause */
/* flow.h - the four-tuple of a connection, seen from our side. Addresses and ports are in network
 * byte order and in the order in which a packet that comes has them, so that they are copied at one
 * go. */
#ifndef RIPOSTE_FLOW_H
#define RIPOSTE_FLOW_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "siphash.h"

struct flow4 {
	uint32_t raddr, laddr;
	uint16_t rport, lport;
};
_Static_assert(sizeof(struct flow4) == 12, "no padding: it is hashed and compared as bytes");

struct flow6 {
	uint8_t raddr[16], laddr[16];
	uint16_t rport, lport;
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

/* Both ports as they lie together, in the packet and here: the remote one first. */
static inline void
flow_set_ports(struct flow *f, const uint8_t ports[4])
{
	if (f->family == 4)
		memcpy((uint8_t *)&f->v4 + offsetof(struct flow4, rport), ports, 4);
	else
		memcpy((uint8_t *)&f->v6 + offsetof(struct flow6, rport), ports, 4);
}

/* Both ports in one word, as they lie in a packet that comes. */
static inline uint32_t
flow_ports(const struct flow *f)
{
	uint32_t ports;

	if (f->family == 4)
		memcpy(&ports, (const uint8_t *)&f->v4 + offsetof(struct flow4, rport), 4);
	else
		memcpy(&ports, (const uint8_t *)&f->v6 + offsetof(struct flow6, rport), 4);
	return ports;
}

/* The same, swapped: as they lie in a packet that is sent. */
static inline uint32_t
flow_ports_back(const struct flow *f)
{
	const uint32_t ports = flow_ports(f);

	return ports << 16 | ports >> 16;
}

#define FLOW_WORDS 5 /* at most */

/* The four-tuple's bytes as words for siphash_words() (apart: 1) or siphash_lanes(), each so many
 * words behind the one before; returns how many. There are four bytes in the last. */
static inline unsigned int
flow_words(const struct flow *f, uint64_t *words, size_t apart)
{
	const uint8_t *from = f->family == 4 ? (const uint8_t *)&f->v4 : (const uint8_t *)&f->v6;
	const unsigned int whole = f->family == 4 ? 1 : 4;
	uint32_t ports;

	for (unsigned int i = 0; i < whole; i++) {
		uint64_t word;

		memcpy(&word, from + 8 * i, 8);
		words[i * apart] = le64toh(word);
	}
	memcpy(&ports, from + 8 * whole, 4);
	words[whole * apart] = le32toh(ports);
	return whole + 1;
}

/* How many bytes these were. */
static inline size_t
flow_length(const struct flow *f)
{
	return f->family == 4 ? sizeof(f->v4) : sizeof(f->v6);
}

/* The same, and nothing else behind it: what flow_hash() hashes. */
static inline unsigned int
flow_hash_words(const struct flow *f, uint64_t *words, size_t apart)
{
	const unsigned int count = flow_words(f, words, apart);

	words[(count - 1) * apart] |= siphash_end(flow_length(f));
	return count;
}

/* SipHash-2-4 of the four-tuple under key: 64 bits nobody outside can predict. */
static inline uint64_t
flow_hash(const struct flow *f, const struct siphash_key *key)
{
	uint64_t words[FLOW_WORDS];
	const unsigned int count = flow_hash_words(f, words, 1);

	return siphash_words(key, words, count);
}

#endif
