/* SPDX-License-Identifier: BSD-3-Clause */
/* isn.c - initial sequence numbers, RFC 9293 3.4.1 and RFC 6528; SYN cookies, RFC 4987 3.6. Knows
 * no clock and no connections.
 *
 * A cookie, from its highest bit:
 *
 *   1 bit    the tick it was made in, modulo 2: says which of the two ticks to check against
 *   3 bits   the peer's MSS, an index into MSS_TABLE
 *   28 bits  SipHash of the four-tuple, IRS, the whole tick and the MSS index
 *
 * A guess is checked against one tick alone, so it is right once in 2^28. The tick of one bit wraps
 * at once, but an old or a future tick is not in the hash that is checked. */
#include "isn.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define TICK_SHIFT 31
#define TICK_MASK  1u
#define MSS_SHIFT  28
#define MSS_MASK   7u
#define HASH_MASK  ((1u << MSS_SHIFT) - 1)

/* Each value of the cookie's tick names exactly one tick that is still good. */
_Static_assert(TICK_MASK + 1 == ISN_COOKIE_TICKS, "the check needs no comparison of ages");

/* TSval, from its lowest bit: four of window scale, one of SACK, one that is zero. */
#define TSVAL_MASK        0x3fu
#define TSVAL_WSCALE_MASK 0x0fu
#define TSVAL_NO_WSCALE   15u
#define TSVAL_SACK        0x10u
#define WSCALE_MAX        14

/* 1: a floor configured below 64. 64: the usual floor. 536 and 1220: no MSS option. 1360: tunnels.
 * 1440 and 1460: Ethernet. 8940: jumbo frames. */
static const uint16_t MSS_TABLE[] = {1, 64, 536, 1220, 1360, 1440, 1460, 8940};

_Static_assert(sizeof(MSS_TABLE) / sizeof(MSS_TABLE[0]) == MSS_MASK + 1, "3 bits of the cookie");

/* RFC 9293 3.4.1: MUST-8, MUST-9 and SHLD-1: a clock of 4 us, and a keyed function of the
 * four-tuple. */
uint32_t
isn_make(const struct siphash_key *key, const struct flow *flow, uint32_t ticks_4us)
{
	return ticks_4us + (uint32_t)flow_hash(flow, key);
}

/* Machines of either byte order can share a key. */
static uint8_t *
put_le32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		*at++ = (uint8_t)(value >> 8 * i);
	return at;
}

static uint32_t
encode(const struct siphash_key *key, const struct flow *flow, uint32_t irs, uint32_t mss_index,
       uint32_t tick)
{
	uint8_t input[sizeof(struct flow6) + 4 + 4 + 1]; /* its length tells IPv4 from IPv6 */
	uint8_t *at = input;

	if (flow->family == 4) {
		memcpy(at, &flow->v4, sizeof(flow->v4));
		at += sizeof(flow->v4);
	} else {
		memcpy(at, &flow->v6, sizeof(flow->v6));
		at += sizeof(flow->v6);
	}
	at = put_le32(at, irs);
	at = put_le32(at, tick);
	*at++ = (uint8_t)mss_index;
	return (tick & TICK_MASK) << TICK_SHIFT | mss_index << MSS_SHIFT |
	       ((uint32_t)siphash(key, input, (size_t)(at - input)) & HASH_MASK);
}

uint32_t
isn_cookie_make(const struct siphash_key *key, const struct flow *flow, uint32_t irs, uint16_t mss,
		uint32_t tick)
{
	uint32_t mss_index = MSS_MASK;

	assert(mss >= MSS_TABLE[0]);
	while (MSS_TABLE[mss_index] > mss)
		mss_index--;
	return encode(key, flow, irs, mss_index, tick);
}

bool
isn_cookie_check(const struct siphash_key *key, const struct flow *flow, uint32_t irs,
		 uint32_t cookie, uint32_t tick, uint16_t *mss)
{
	uint32_t age = (tick - (cookie >> TICK_SHIFT)) & TICK_MASK;
	uint32_t mss_index = cookie >> MSS_SHIFT & MSS_MASK;

	if (encode(key, flow, irs, mss_index, tick - age) != cookie)
		return false;
	*mss = MSS_TABLE[mss_index];
	return true;
}

/* RFC 7323 5.3: a TSval from the future would make the true ones after it look old to the peer. */
uint32_t
isn_cookie_tsval(uint32_t tsval_now, const struct isn_cookie_options *options)
{
	uint32_t kept = options->wscale_ok ? options->wscale : TSVAL_NO_WSCALE;
	uint32_t tsval;

	assert(!options->wscale_ok || options->wscale <= WSCALE_MAX);
	if (options->sack_ok)
		kept |= TSVAL_SACK;
	tsval = (tsval_now & ~TSVAL_MASK) | kept;
	if (kept > (tsval_now & TSVAL_MASK) || tsval == 0)
		tsval -= TSVAL_MASK + 1;
	return tsval;
}

void
isn_cookie_tsecr(uint32_t tsecr, struct isn_cookie_options *options)
{
	uint32_t wscale = tsecr & TSVAL_WSCALE_MASK;

	options->wscale_ok = wscale != TSVAL_NO_WSCALE;
	options->wscale = options->wscale_ok ? (uint8_t)wscale : 0;
	options->sack_ok = tsecr & TSVAL_SACK;
}
