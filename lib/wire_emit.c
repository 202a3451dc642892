/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_emit.c - replies to bytes. What it does is in wire_emit.h. */
#include "wire_emit.h"
#include "wire_put.h"

void
wire_put_back(const struct wire_host *host, const struct wire_l2 *l2, uint8_t *frame)
{
	memcpy(frame, l2->peer, 6);
	memcpy(frame + 6, host->mac, 6);
}

void
wire_put_ip4(const struct wire_host *host, const struct flow *flow, uint8_t protocol,
	     uint32_t l4_length, bool offload, uint8_t *at)
{
	emit_ip4(host->ttl, &flow->v4, protocol, checksum_ends(flow), l4_length, offload, at);
}

void
wire_put_ip6(const struct flow *flow, uint8_t next, uint8_t hop_limit, uint32_t l4_length,
	     uint8_t *at)
{
	emit_ip6(&flow->v6, next, hop_limit, l4_length, at);
}

uint32_t
wire_text_offset(const struct wire_l2 *l2, const struct flow *flow, const struct tcp_reply *reply)
{
	uint32_t l3 = flow->family == 4 ? sizeof(struct wire_ip4) : sizeof(struct wire_ip6);

	return (uint32_t)sizeof(struct wire_eth) + l2->tags * (uint32_t)sizeof(struct wire_tag) +
	       l3 + (uint32_t)sizeof(struct wire_tcp) + emit_options_length(reply->options);
}

uint32_t
wire_emit_tcp(const struct wire_host *host, const struct wire_l2 *l2, const struct flow *flow,
	      const struct tcp_reply *reply, uint8_t *frame, struct wire_lengths *lengths)
{
	/* Only a SYN carries any other option than timestamps. */
	assert((reply->flags & TCP_SYN) || !(reply->options & ~TCP_OPT_TS));
	return wire_emit_inline(host, l2, flow, reply, frame, lengths);
}
