/* SPDX-License-Identifier: BSD-3-Clause */
/* closing.c - clients that close, and whether each gets the answer that it should. */
#include <string.h>

#include "clients.h"

/* What one client was told, and how often. */
struct told {
	unsigned int ack; /* of its FIN */
	unsigned int fin;
	unsigned int wrong;
};

/* The clients' own addresses; see clients_flow(). */
static const struct addr_range4 range4 = {0x20000000, 0x3fffffff};
static const struct addr_range6 range6 = {
	{0x20, 0x01, 0, 2, 0, 0, 0, 1},
	{0x20, 0x01, 0, 2, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255}};
static const struct addr_set addresses = {&range4, &range6, 1, 1};

/* Looks at a frame that the stack has written: for which of the clients is it, and what does it
 * say? guess is who it may be. */
static void
hear(const struct clients *c, uint32_t first, uint32_t count, uint32_t guess,
     const struct stack_frame *frame, struct told *told)
{
	struct wire_host host = {.owned = &addresses};
	struct wire_packet p;
	struct flow flow, ours;
	uint32_t tries = 0;
	uint32_t iss;

	memcpy(host.mac, c->host.mac, sizeof(host.mac));
	memset(&p, 0, sizeof(p));
	wire_parse(&host, frame->data, frame->length, 0, &p);
	for (; p.kind == WIRE_TCP && tries < count; tries++, guess = (guess + 1) % count) {
		clients_flow(c, first + guess, CLIENT_PORT_ENTRY, &flow);
		ours = clients_turned(&flow);
		if (c->family == 4 ? memcmp(&ours.v4, &p.flow.v4, sizeof(ours.v4)) == 0
				   : memcmp(&ours.v6, &p.flow.v6, sizeof(ours.v6)) == 0)
			break;
	}
	if (p.kind != WIRE_TCP || tries == count) {
		told[guess % count].wrong++;
		return;
	}
	iss = clients_iss(c, first + guess, CLIENT_PORT_ENTRY);
	if ((p.seg.flags & ~TCP_FIN) != TCP_ACK || p.seg.text != 0 || p.seg.seq != iss + 1 ||
	    p.seg.ack != CLIENT_IRS + 2 + CLIENT_TEXT)
		told[guess].wrong++;
	told[guess].ack++;
	told[guess].fin += p.seg.flags & TCP_FIN;
}
_Static_assert(TCP_FIN == 1, "it is counted");

/* A burst's worth of clients. */
static uint32_t
close_some(const struct clients *c, struct stack *s, uint32_t first, uint32_t count, stack_us now)
{
	static uint8_t buffer[CLIENT_FRAME_MAX];
	struct stack_frame replies[STACK_BURST_MAX];
	struct stack_frame frame = {.data = buffer, .room = sizeof(buffer)};
	struct told told[STACK_BURST_MAX] = {0};
	struct client_segment segment = {.port = CLIENT_PORT_ENTRY,
					 .flags = TCP_ACK | TCP_FIN,
					 .seq = 1 + CLIENT_TEXT,
					 .ack = 1};
	const uint32_t before = stack_connections(s);
	uint32_t right = 0;

	clients_burst(c, s, first, count, segment, now, replies);
	for (uint32_t i = 0; i < count; i++)
		if (replies[i].length > 0)
			hear(c, first, count, i, &replies[i], told);
	stack_tick(s, now);
	for (uint32_t i = 0; stack_output(s, &frame); i++)
		hear(c, first, count, i % count, &frame, told);
	segment.flags = TCP_ACK;
	segment.seq++;
	segment.ack++;
	clients_burst(c, s, first, count, segment, now, replies);
	for (uint32_t i = 0; i < count; i++)
		right += told[i].ack > 0 && told[i].fin == 1 && told[i].wrong == 0 &&
			 replies[i].length == 0;
	return before - stack_connections(s) < right ? before - stack_connections(s) : right;
}

uint32_t
clients_close(const struct clients *c, struct stack *s, uint32_t first, uint32_t count,
	      stack_us now)
{
	uint32_t right = 0;
	uint32_t some;

	for (; count > 0; first += some, count -= some) {
		some = count < STACK_BURST_MAX ? count : STACK_BURST_MAX;
		right += close_some(c, s, first, some, now);
	}
	return right;
}
