/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_hash.c - what has to be hashed of a burst, several slots side by side (siphash_lanes.c):
 * the four-tuples, and for SYNs what their sequence numbers are made of. */
#include "stack_internal.h"

#define LANES     SIPHASH_LANES
#define WORDS_MAX ISN_COOKIE_WORDS

_Static_assert(WORDS_MAX >= FLOW_WORDS, "flows are hashed, too");
_Static_assert(WORDS_MAX <= SIPHASH_LANE_WORDS, "they fit");
_Static_assert(STACK_BURST_MAX <= LANES, "a burst fits");

/* Inputs of the same length. */
struct lanes {
	uint64_t words[WORDS_MAX][LANES];
	uint64_t *hashes[LANES]; /* where the results go */
	unsigned int word_count;
	unsigned int count;
};

/* What is hashed with one key: IPv4's inputs and IPv6's, which are longer. */
struct batch {
	struct lanes lanes[2];
};

static inline void
begin(struct batch *batch)
{
	batch->lanes[0].count = batch->lanes[1].count = 0;
}

/* Where the next input's words go, LANES apart. */
static inline uint64_t *
next(struct batch *batch, const struct flow *flow)
{
	struct lanes *lanes = &batch->lanes[flow->family == 6];

	return &lanes->words[0][lanes->count];
}

/* There are so many words of it now, whose hash is wanted there. */
static inline void
add(struct batch *batch, const struct flow *flow, unsigned int count, uint64_t *hash)
{
	struct lanes *lanes = &batch->lanes[flow->family == 6];

	lanes->word_count = count;
	lanes->hashes[lanes->count++] = hash;
}

static void
end(struct batch *batch, const struct siphash_key *key)
{
	uint64_t hashes[LANES];

	for (unsigned int family = 0; family < 2; family++) {
		struct lanes *lanes = &batch->lanes[family];

		if (lanes->count == 0)
			continue;
		siphash_lanes(key, lanes->words, lanes->word_count, lanes->count, hashes);
		for (unsigned int lane = 0; lane < lanes->count; lane++)
			*lanes->hashes[lane] = hashes[lane];
	}
}

/* Four-tuples. */
static void
hash_flows(struct stack *s, unsigned int count)
{
	struct batch batch;

	begin(&batch);
	for (unsigned int i = 0; i < count; i++) {
		struct stack_slot *slot = &s->slots[i];
		const struct flow *flow = &slot->packet.flow;

		add(&batch, flow, flow_hash_words(flow, next(&batch, flow), LANES), &slot->hash);
	}
	end(&batch, &s->flow_key);
}

/* Of a SYN, what its ISS is likely to be made of: a cookie while cookies are being sent. */
static void
hash_syns(struct stack *s, unsigned int count)
{
	const bool cookies = s->cookie_ever && s->cookie_sent == s->cookie_tick;
	struct batch batch;

	begin(&batch);
	for (unsigned int i = 0; i < count; i++) {
		struct stack_slot *slot = &s->slots[i];
		const struct flow *flow = &slot->packet.flow;
		const struct tcp_seg *seg = &slot->packet.seg;
		unsigned int n;

		slot->syn_hashed = STACK_HASHED_NOT;
		if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
			continue;
		slot->peer_mss = stack_peer_mss(s, seg, flow->family);
		if (cookies) {
			slot->mss_index = (uint8_t)isn_cookie_mss_index(slot->peer_mss);
			n = isn_cookie_words(flow, seg->seq, slot->mss_index, s->cookie_tick,
					     next(&batch, flow), LANES);
		} else {
			n = flow_hash_words(flow, next(&batch, flow), LANES);
		}
		slot->syn_hashed = cookies ? STACK_HASHED_COOKIE : STACK_HASHED_ISN;
		add(&batch, flow, n, &slot->syn_hash);
	}
	end(&batch, cookies ? &s->cookie_key : &s->isn_key);
}

void
stack_hash(struct stack *s, unsigned int count)
{
	hash_flows(s, count);
	hash_syns(s, count);
	for (unsigned int i = 0; i < count; i++)
		flow_table_prefetch(&s->table, s->slots[i].hash);
}
