/* SPDX-License-Identifier: BSD-3-Clause */
/* addr_set.c - prefixes from text, sorted into ranges, and found by binary search. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "addr_set.h"

/* Clears the bits of addr beyond length and says whether one was set. */
static bool
mask_addr(uint8_t *addr, unsigned int bytes, unsigned int length)
{
	bool was_set = false;
	unsigned int i;

	for (i = length / 8; i < bytes; i++) {
		unsigned int host = i == length / 8 ? 0xffu >> length % 8 : 0xffu;

		was_set |= (addr[i] & host) != 0;
		addr[i] &= (uint8_t)~host;
	}
	return was_set;
}

/* Reads 1 to 3 digits and nothing else; -1 if it is not that. */
static int
parse_length(const char *text)
{
	int value = 0;
	size_t i;

	for (i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i == 3)
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return i ? value : -1;
}

int
addr_prefix_parse(const char *text, struct addr_prefix *prefix, const char **error)
{
	const char *slash = strchr(text, '/');
	size_t addr_length = slash ? (size_t)(slash - text) : strlen(text);
	char addr[INET6_ADDRSTRLEN];
	int bits, length;

	*prefix = (struct addr_prefix){0};
	*error = "is no IPv4 or IPv6 address; ADDRESS or ADDRESS/LENGTH would be right";
	if (addr_length >= sizeof(addr))
		return -1;
	memcpy(addr, text, addr_length);
	addr[addr_length] = '\0';
	if (inet_pton(AF_INET, addr, prefix->addr) == 1)
		prefix->family = 4;
	else if (inet_pton(AF_INET6, addr, prefix->addr) == 1)
		prefix->family = 6;
	else
		return -1;

	bits = prefix->family == 4 ? 32 : 128;
	length = slash ? parse_length(slash + 1) : bits;
	if (length < 0 || length > bits) {
		*error = bits == 32 ? "has no good prefix length: it must be 0 to 32"
				    : "has no good prefix length: it must be 0 to 128";
		return -1;
	}
	prefix->length = (uint8_t)length;
	if (mask_addr(prefix->addr, (unsigned int)bits / 8, (unsigned int)length)) {
		*error = "has bits set beyond its prefix length";
		return -1;
	}
	*error = NULL;
	return 0;
}

/* May a range that starts at next be merged with one that ends at last, given that it does not
 * start before it? */
static bool
joins4(uint32_t last, uint32_t next)
{
	return next <= last || next == last + 1;
}

static bool
joins6(struct addr_num6 last, struct addr_num6 next)
{
	struct addr_num6 after = {last.high + (last.low == UINT64_MAX), last.low + 1};

	return addr_num6_le(next, last) || (next.high == after.high && next.low == after.low);
}

static int
compare4(const void *a, const void *b)
{
	const struct addr_range4 *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int
compare6(const void *a, const void *b)
{
	const struct addr_range6 *x = a, *y = b;

	return memcmp(x->first, y->first, 16);
}

static uint32_t
merge4(struct addr_range4 *v, uint32_t count)
{
	uint32_t kept = 0, i;

	for (i = 0; i < count; i++) {
		if (kept == 0 || !joins4(v[kept - 1].last, v[i].first))
			v[kept++] = v[i];
		else if (v[i].last > v[kept - 1].last)
			v[kept - 1].last = v[i].last;
	}
	return kept;
}

static uint32_t
merge6(struct addr_range6 *v, uint32_t count)
{
	uint32_t kept = 0, i;

	for (i = 0; i < count; i++) {
		if (kept == 0 || !joins6(addr_num6(v[kept - 1].last), addr_num6(v[i].first)))
			v[kept++] = v[i];
		else if (memcmp(v[i].last, v[kept - 1].last, 16) > 0)
			memcpy(v[kept - 1].last, v[i].last, 16);
	}
	return kept;
}

void
addr_set_build(struct addr_set *set, const struct addr_prefix *prefixes, size_t count,
	       struct addr_range4 *v4, struct addr_range6 *v6)
{
	uint32_t v4_count = 0, v6_count = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct addr_prefix *p = &prefixes[i];

		if (p->family == 4) {
			struct addr_range4 *r = &v4[v4_count++];
			uint32_t first;

			memcpy(&first, p->addr, 4);
			r->first = ntohl(first);
			r->last = r->first | (uint32_t)((UINT64_C(1) << (32 - p->length)) - 1);
		} else {
			struct addr_range6 *r = &v6[v6_count++];
			unsigned int bit;

			memcpy(r->first, p->addr, 16);
			memcpy(r->last, p->addr, 16);
			for (bit = p->length; bit < 128; bit++)
				r->last[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		}
	}
	if (v4_count > 1)
		qsort(v4, v4_count, sizeof(*v4), compare4);
	if (v6_count > 1)
		qsort(v6, v6_count, sizeof(*v6), compare6);
	*set = (struct addr_set){
		.v4 = v4,
		.v6 = v6,
		.v4_count = merge4(v4, v4_count),
		.v6_count = merge6(v6, v6_count),
	};
}

bool
addr_set_covers(const struct addr_set *outer, const struct addr_set *inner)
{
	uint32_t i;

	/* Neighbouring ranges are merged, so what is covered is covered by one range. */
	for (i = 0; i < inner->v4_count; i++) {
		const struct addr_range4 *in = &inner->v4[i];

		if (!addr_set_has4(outer, htonl(in->first)) ||
		    addr_set_range4(outer, in->first)->last < in->last)
			return false;
	}
	for (i = 0; i < inner->v6_count; i++) {
		const struct addr_range6 *in = &inner->v6[i];

		if (!addr_set_has6(outer, in->first) ||
		    memcmp(addr_set_range6(outer, addr_num6(in->first))->last, in->last, 16) < 0)
			return false;
	}
	return true;
}
