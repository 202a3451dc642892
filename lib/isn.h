/* SPDX-License-Identifier: BSD-3-Clause */
/* isn.h - initial sequence numbers (RFC 9293 3.4.1, RFC 6528) and SYN cookies (RFC 4987 3.6).
 * Knows no clock: time is an argument. */
#ifndef RIPOSTE_ISN_H
#define RIPOSTE_ISN_H

#include <stdbool.h>
#include <stdint.h>

#include "flow.h"
#include "siphash.h"

/* RFC 6528 3: ISN = M + F(four-tuple, secret). M is the 4 microsecond tick: ticks_4us. */
uint32_t isn_make(const struct siphash_key *key, const struct flow *flow, uint32_t ticks_4us);

/* The same with flow's hash at hand. */
static inline uint32_t
isn_of(uint64_t flow_hash, uint32_t ticks_4us)
{
	return ticks_4us + (uint32_t)flow_hash;
}

/* What a cookie remembers of the SYN besides its four-tuple and IRS. */
struct isn_cookie_options {
	uint16_t mss;   /* the peer's MSS, rounded down to the table's next value */
	bool wscale_ok; /* these three live in TSval and are lost without timestamps */
	uint8_t wscale; /* 0..14 */
	bool sack_ok;
};

/* The cookie's clock advances once in so many seconds; a cookie is good for the tick in which it
 * was made and the ISN_COOKIE_TICKS - 1 that follow. */
#define ISN_COOKIE_TICK_SECONDS 64
#define ISN_COOKIE_TICKS        2

/* The cookie for a SYN: an ISS that nobody outside can guess, the same as long as tick is. mss is
 * the MSS the SYN offered in host order (already defaulted and clamped). */
uint32_t isn_cookie_make(const struct siphash_key *key, const struct flow *flow, uint32_t irs,
			 uint16_t mss, uint32_t tick);

/* The same in two steps, for one who hashes many at a time: the words as of flow_words() (returns
 * how many), and the cookie of their hash. */
#define ISN_COOKIE_WORDS (FLOW_WORDS + 2) /* at most */
static inline unsigned int
isn_cookie_words(const struct flow *flow, uint32_t irs, uint32_t mss_index, uint32_t tick,
		 uint64_t *words, size_t apart)
{
	unsigned int count = flow_words(flow, words, apart);

	words[(count - 1) * apart] |= (uint64_t)irs << 32;
	words[count * apart] = (uint64_t)mss_index << 32 | tick;
	words[(count + 1) * apart] = siphash_end(flow_length(flow) + 12);
	return count + 2;
}
uint32_t isn_cookie_of(uint64_t hash, uint32_t mss_index, uint32_t tick);

/* The table's index for an MSS. */
uint32_t isn_cookie_mss_index(uint16_t mss);

/* Was cookie made here for this four-tuple and irs, in tick or the tick before? Then true, and
 * *mss is the MSS it remembers. */
bool isn_cookie_check(const struct siphash_key *key, const struct flow *flow, uint32_t irs,
		      uint32_t cookie, uint32_t tick, uint16_t *mss);

/* TSval of a cookie SYN-ACK: tsval_now with the low six bits replaced by window scale and SACK,
 * never later than tsval_now (so that it never runs backwards), never 0. */
uint32_t isn_cookie_tsval(uint32_t tsval_now, const struct isn_cookie_options *options);

/* Reads from the TSecr of the ACK what isn_cookie_tsval put there; mss is left alone. */
void isn_cookie_tsecr(uint32_t tsecr, struct isn_cookie_options *options);

#endif
