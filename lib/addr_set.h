/* SPDX-License-Identifier: BSD-3-Clause */
/* addr_set.h - a set of IPv4 and IPv6 prefixes: what the host owns, or a listener is on. */
#ifndef RIPOSTE_ADDR_SET_H
#define RIPOSTE_ADDR_SET_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct addr_range4 {
	uint32_t first, last; /* host byte order, both included */
};

struct addr_range6 {
	uint8_t first[16], last[16]; /* both included */
};

/* Ranges are sorted, disjoint and not adjacent, so membership is one binary search. */
struct addr_set {
	const struct addr_range4 *v4;
	const struct addr_range6 *v6;
	uint32_t v4_count, v6_count;
};

/* One prefix as parsed from text. */
struct addr_prefix {
	uint8_t family;   /* 4 or 6 */
	uint8_t length;   /* 0..32 or 0..128 */
	uint8_t addr[16]; /* IPv4 in the first four bytes; bits beyond length are zero */
};

/* Reads "10.9.0.1", "198.51.100.0/24", "fd09::1" or "2001:db8:1::/64". On error -1, and *error
 * says what is wrong in words that continue "'TEXT' ": bits set beyond the prefix length are an
 * error too. */
int addr_prefix_parse(const char *text, struct addr_prefix *prefix, const char **error);

/* Fills set from count prefixes, merged and sorted. v4 and v6 have room for count ranges each and
 * must live as long as set. */
void addr_set_build(struct addr_set *set, const struct addr_prefix *prefixes, size_t count,
		    struct addr_range4 *v4, struct addr_range6 *v6);

/* Is every address of inner in outer? */
bool addr_set_covers(const struct addr_set *outer, const struct addr_set *inner);

/* An IPv6 address as two numbers, which compare faster than bytes do. */
struct addr_num6 {
	uint64_t high, low;
};

static inline struct addr_num6
addr_num6(const uint8_t addr[16])
{
	uint64_t half[2];

	memcpy(half, addr, sizeof(half));
	return (struct addr_num6){be64toh(half[0]), be64toh(half[1])};
}

static inline bool
addr_num6_le(struct addr_num6 a, struct addr_num6 b)
{
	return a.high < b.high || (a.high == b.high && a.low <= b.low);
}

/* The only range that may hold addr: the last that does not start after it, or the first. There is
 * at least one. */
static inline const struct addr_range4 *
addr_set_range4(const struct addr_set *set, uint32_t addr)
{
	uint32_t low = 0, high = set->v4_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (set->v4[middle].first <= addr)
			low = middle;
		else
			high = middle;
	}
	return &set->v4[low];
}

static inline const struct addr_range6 *
addr_set_range6(const struct addr_set *set, struct addr_num6 addr)
{
	uint32_t low = 0, high = set->v6_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (addr_num6_le(addr_num6(set->v6[middle].first), addr))
			low = middle;
		else
			high = middle;
	}
	return &set->v6[low];
}

/* Is the address (network byte order, as in the packet) in the set? */
static inline bool
addr_set_has4(const struct addr_set *set, uint32_t addr)
{
	uint32_t a = be32toh(addr);
	const struct addr_range4 *r;

	if (set->v4_count == 0)
		return false;
	r = addr_set_range4(set, a);
	return r->first <= a && a <= r->last;
}

static inline bool
addr_set_has6(const struct addr_set *set, const uint8_t addr[16])
{
	struct addr_num6 a = addr_num6(addr);
	const struct addr_range6 *r;

	if (set->v6_count == 0)
		return false;
	r = addr_set_range6(set, a);
	return addr_num6_le(addr_num6(r->first), a) && addr_num6_le(a, addr_num6(r->last));
}

#endif
