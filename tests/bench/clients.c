/* SPDX-License-Identifier: BSD-3-Clause */
/* clients.c - the clients of the benchmarks, and what they send. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "clients.h"
#include "isn.h"

#define FRAME_MIN 60 /* Ethernet's, without its checksum */
#define MSS       1460

/* A number as random as a client's address has to be: each has another. Below 2^29. */
static uint32_t
scatter(uint32_t client)
{
	const uint32_t mask = 2 * CLIENT_NEW - 1;
	uint32_t n = client & mask;

	/* Each step can be undone modulo 2^29, so no two clients meet. */
	n = n * 0x1e35a7bdu & mask;
	n ^= n >> 15;
	n = n * 0x0ab51c65u & mask;
	n ^= n >> 14;
	return n;
}

void
clients_flow(const struct clients *c, uint32_t client, uint16_t port, struct flow *flow)
{
	const uint32_t number = scatter(client);
	const uint16_t lport = htons(port);
	const uint16_t rport = htons((uint16_t)(1024 + number % 64512));

	memset(flow, 0, sizeof(*flow));
	flow->family = c->family;
	if (c->family == 4) {
		/* 198.18.0.1 and 32.0.0.0/3. */
		flow->v4 = (struct flow4){.laddr = htonl(0xc6120001),
					  .raddr = htonl(0x20000000 | number),
					  .lport = lport,
					  .rport = rport};
		return;
	}
	/* 2001:2::1 and 2001:2:0:1::/64. RFC 5180. */
	memcpy(flow->v6.laddr, "\x20\x01\x00\x02\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	memcpy(flow->v6.raddr, "\x20\x01\x00\x02\0\0\0\x01\x02", 9);
	memcpy(flow->v6.raddr + 12, &(uint32_t){htonl(number)}, 4);
	flow->v6.lport = lport;
	flow->v6.rport = rport;
}

struct flow
clients_turned(const struct flow *flow)
{
	struct flow other = {.family = flow->family};

	if (flow->family == 4) {
		other.v4 = (struct flow4){.laddr = flow->v4.raddr,
					  .raddr = flow->v4.laddr,
					  .lport = flow->v4.rport,
					  .rport = flow->v4.lport};
		return other;
	}
	memcpy(other.v6.laddr, flow->v6.raddr, 16);
	memcpy(other.v6.raddr, flow->v6.laddr, 16);
	other.v6.lport = flow->v6.rport;
	other.v6.rport = flow->v6.lport;
	return other;
}

void
clients_init(struct clients *c, uint8_t family, const uint8_t mac[6],
	     const struct siphash_key *secret)
{
	*c = (struct clients){
		.family = family,
		.host = {.mac = {0x02, 0xc1, 0, 0, 0, 1}, .ttl = 64},
		.isn_key = siphash_key_derive(secret, "isn"), /* as stack.c does */
	};
	memcpy(c->to.peer, mac, sizeof(c->to.peer));
}

uint32_t
clients_iss(const struct clients *c, uint32_t client, uint16_t port)
{
	struct flow flow;

	clients_flow(c, client, port, &flow);
	return isn_make(&c->isn_key, &flow, 0);
}

void
clients_fill(struct stack_conf *conf)
{
	conf->isn_clock_stopped = true;
}

uint32_t
clients_frame(const struct clients *c, const struct client_segment *segment, uint8_t *frame)
{
	struct tcp_reply out = {
		.seq = CLIENT_IRS + segment->seq,
		.wnd = 65535,
		.mss = MSS,
		.text = segment->text,
		.flags = segment->flags,
		.options = segment->flags & TCP_SYN ? TCP_OPT_MSS : 0,
	};
	struct wire_lengths lengths;
	struct flow theirs, ours;
	uint32_t length;

	clients_flow(c, segment->client, segment->port, &theirs);
	if (segment->flags & TCP_ACK)
		out.ack = clients_iss(c, segment->client, segment->port) + segment->ack;
	ours = clients_turned(&theirs);
	assert(wire_text_offset(&c->to, &ours, &out) + segment->text <= CLIENT_FRAME_MAX);
	memset(frame + wire_text_offset(&c->to, &ours, &out), 'x', segment->text);
	length = wire_emit_tcp(&c->host, &c->to, &ours, &out, frame, &lengths);
	if (length >= FRAME_MIN)
		return length;
	memset(frame + length, 0, FRAME_MIN - length);
	return FRAME_MIN;
}

void
clients_burst(const struct clients *c, struct stack *s, uint32_t first, uint32_t count,
	      struct client_segment segment, stack_us now, struct stack_frame *frames)
{
	static uint8_t buffers[STACK_BURST_MAX][CLIENT_FRAME_MAX];

	for (uint32_t i = 0; i < count; i++) {
		segment.client = first + i;
		frames[i] = (struct stack_frame){
			.data = buffers[i],
			.length = clients_frame(c, &segment, buffers[i]),
			.room = CLIENT_FRAME_MAX,
		};
	}
	stack_burst(s, frames, count, now);
}

void
clients_establish(const struct clients *c, struct stack *s, uint32_t first, uint32_t count,
		  bool syn, stack_us now)
{
	static uint8_t lost[CLIENT_FRAME_MAX];
	struct stack_frame frame = {.data = lost, .room = sizeof(lost)};
	struct stack_frame replies[STACK_BURST_MAX];
	uint32_t some;

	for (; count > 0; first += some, count -= some) {
		some = count < STACK_BURST_MAX ? count : STACK_BURST_MAX;
		if (syn)
			clients_burst(c, s, first, some,
				      (struct client_segment){.port = CLIENT_PORT_ENTRY,
							      .flags = TCP_SYN},
				      now, replies);
		clients_burst(c, s, first, some,
			      (struct client_segment){.port = CLIENT_PORT_ENTRY,
						      .flags = TCP_ACK | TCP_PSH,
						      .text = CLIENT_TEXT,
						      .seq = 1,
						      .ack = 1},
			      now, replies);
		stack_tick(s, now);
		while (stack_output(s, &frame))
			;
	}
}
