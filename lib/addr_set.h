/* SPDX-License-Identifier: BSD-3-Clause */
/* addr_set.h - a set of IPv4 and IPv6 prefixes: what the host owns, or a listener is on. */
#ifndef RIPOSTE_ADDR_SET_H
#define RIPOSTE_ADDR_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Is the address (network byte order, as in the packet) in the set? */
bool addr_set_has4(const struct addr_set *set, uint32_t addr);
bool addr_set_has6(const struct addr_set *set, const uint8_t addr[16]);

/* Is every address of inner in outer? */
bool addr_set_covers(const struct addr_set *outer, const struct addr_set *inner);

#endif
