/* SPDX-License-Identifier: BSD-3-Clause */
/* isn.c - initial sequence numbers and SYN cookies. RFC 9293 3.4.1, RFC 6528, RFC 4987 3.6. Knows
 * no connections.
 *
 * A cookie is, from the highest bit: 27 bits of SipHash over four-tuple, IRS, tick and MSS index;
 * the index; the tick's lowest bit, which tells this tick from the one before. So there are 32 good
 * cookies for a four-tuple and IRS at any time, and a guess is good once in 2^27. */
#include "isn.h"

#define MSS_SHIFT  1
#define MSS_MASK   0x1eu
#define TICK_MASK  0x01u
#define PROOF_MASK 0xffffffe0u

/* What a TSval carries. RFC 7323 2.3: a window scale is at most 14. */
#define TS_WSCALE_MASK 0x0fu
#define TS_WSCALE_NONE 15u
#define TS_WSCALE_MAX  14u
#define TS_SACK        0x10u
#define TS_ALWAYS      0x20u /* so that a TSval is never 0 */
#define TS_MASK        0x3fu

_Static_assert(ISN_COOKIE_TICKS == 2, "one bit tells one tick from the other");

/* In between, what Ethernet leaves after the usual tunnels. */
static const uint16_t MSS[16] = {1,    64,   256,  536,  1024, 1220, 1300, 1340,
				 1360, 1380, 1400, 1420, 1440, 1452, 1460, 8940};

uint32_t
isn_make(const struct siphash_key *key, const struct flow *flow, uint32_t ticks_4us)
{
	return isn_of(flow_hash(flow, key), ticks_4us);
}

uint32_t
isn_cookie_of(uint64_t hash, uint32_t mss_index, uint32_t tick)
{
	return ((uint32_t)hash & PROOF_MASK) | mss_index << MSS_SHIFT | (tick & TICK_MASK);
}

/* The cookie that is good for mss_index in tick. */
static uint32_t
cookie(const struct siphash_key *key, const struct flow *flow, uint32_t irs, uint32_t mss_index,
       uint32_t tick)
{
	uint64_t words[ISN_COOKIE_WORDS];
	unsigned int count = isn_cookie_words(flow, irs, mss_index, tick, words, 1);

	return isn_cookie_of(siphash_words(key, words, count), mss_index, tick);
}

#define MSS_COUNT (sizeof(MSS) / sizeof(MSS[0]))
_Static_assert((MSS_COUNT & (MSS_COUNT - 1)) == 0, "halved to the end");

uint32_t
isn_cookie_mss_index(uint16_t mss)
{
	uint32_t index = 0;

	/* The last that is not greater; the first stands for less, too. */
	for (uint32_t step = MSS_COUNT / 2; step > 0; step /= 2)
		index += MSS[index + step] <= mss ? step : 0;
	return index;
}

uint32_t
isn_cookie_make(const struct siphash_key *key, const struct flow *flow, uint32_t irs, uint16_t mss,
		uint32_t tick)
{
	return cookie(key, flow, irs, isn_cookie_mss_index(mss), tick);
}

bool
isn_cookie_check(const struct siphash_key *key, const struct flow *flow, uint32_t irs,
		 uint32_t cookie_seen, uint32_t tick, uint16_t *mss)
{
	const uint32_t index = (cookie_seen & MSS_MASK) >> MSS_SHIFT;
	const uint32_t age = (tick - cookie_seen) & TICK_MASK;

	if (cookie(key, flow, irs, index, tick - age) != cookie_seen)
		return false;
	*mss = MSS[index];
	return true;
}

uint32_t
isn_cookie_tsval(uint32_t tsval_now, const struct isn_cookie_options *options)
{
	uint32_t wscale = options->wscale < TS_WSCALE_MAX ? options->wscale : TS_WSCALE_MAX;
	uint32_t tsval = (tsval_now & ~TS_MASK) | TS_ALWAYS;

	tsval |= options->wscale_ok ? wscale : TS_WSCALE_NONE;
	if (options->sack_ok)
		tsval |= TS_SACK;
	return (int32_t)(tsval - tsval_now) > 0 ? tsval - (TS_MASK + 1) : tsval;
}

void
isn_cookie_tsecr(uint32_t tsecr, struct isn_cookie_options *options)
{
	const uint32_t wscale = tsecr & TS_WSCALE_MASK;

	options->wscale_ok = wscale != TS_WSCALE_NONE;
	options->wscale = options->wscale_ok ? (uint8_t)wscale : 0;
	options->sack_ok = tsecr & TS_SACK;
}
