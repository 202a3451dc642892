/* SPDX-License-Identifier: BSD-3-Clause */
/* story.c - bursts, time and the end of a story that fuzz_stack.c tells. */
#include <arpa/inet.h>

#include "story.h"

#define LONGEST (1800 * STORY_SECOND) /* 15 retransmissions, up to 60 s each, and more */

void
story_require(const struct story *s)
{
	INPUT_REQUIRE(!s->host.oracle.failed, "%s", s->host.oracle.why);
}

/* A client's address ends in its number, its port is 5000; even ones have IPv4. */
struct segment
story_way(unsigned int client, unsigned int row)
{
	struct segment g = {.family = client % 2 ? 6 : 4, .ttl = 64};

	memcpy(g.to, host_mac, 6);
	g.from[0] = 0x02;
	g.from[5] = (uint8_t)(0x10 + client);
	g.tags = client / 2 % 3;
	g.tag[0] = g.tag[1] = (struct segment_tag){0x8100, (uint16_t)client};
	host_client_address(g.family, client, g.src);
	host_address(g.family, client, g.dst);
	g.sport = 5000;
	g.dport = host_port(row);
	return g;
}

/* What the host sent is remembered, so that the client's next segment can fit. */
static void
came(struct story *s, const uint8_t *frame, uint32_t length)
{
	struct segment g;
	uint32_t client;
	unsigned int row;

	if (length == 0 || !segment_read(frame, length, &g))
		return;
	client = host_client_number(g.family, g.dst);
	row = g.sport - (unsigned int)HOST_PORT;
	if (client >= STORY_CLIENTS || row > host_row_count)
		return;
	if ((g.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		s->peers[client][row] = (struct peer){
			.irs = g.ack - 1, .iss = g.seq, .ts = (g.options & TCP_OPT_TS) != 0};
	if (g.options & TCP_OPT_TS)
		s->peers[client][row].tsval = g.tsval;
}

void
story_drain(struct story *s)
{
	uint8_t buffer[SEGMENT_FRAME_MAX];
	struct stack_frame frame = {.data = buffer, .room = sizeof(buffer)};

	while (oracle_output(&s->host.oracle, &frame))
		came(s, buffer, frame.length);
	story_require(s);
}

void
story_flush(struct story *s)
{
	unsigned int count = s->burst_count;

	s->burst_count = 0;
	if (count == 0)
		return;
	oracle_burst(&s->host.oracle, s->burst, count, s->now);
	story_require(s);
	for (unsigned int i = 0; i < count; i++)
		came(s, s->buffers[i], s->burst[i].length);
}

void
story_receive(struct story *s, const uint8_t *frame, uint32_t length)
{
	unsigned int i = s->burst_count++;
	uint32_t least = length > WIRE_TCP_MAX ? length : WIRE_TCP_MAX;

	memcpy(s->buffers[i], frame, length);
	s->burst[i] = (struct stack_frame){.data = s->buffers[i],
					   .length = length,
					   /* Not every frame's buffer has room for text. */
					   .room = length % 2 ? least : SEGMENT_FRAME_MAX};
	if (s->burst_count == STACK_BURST_MAX)
		story_flush(s);
}

/* Lets time pass from one deadline to the next, as a worker would that sleeps in between. */
void
story_sleep_until(struct story *s, stack_us until)
{
	struct oracle *o = &s->host.oracle;

	for (;;) {
		uint32_t idle = stack_idle_us(o->stack, s->now, 60 * STORY_SECOND);

		if (s->now + idle > until)
			break;
		/* A timer that may be due is only sure to be after the millisecond has passed. */
		s->now += idle ? idle : 1;
		oracle_tick(o, s->now);
		story_require(s);
		story_drain(s);
	}
	s->now = until;
	oracle_tick(o, s->now);
	story_require(s);
	story_drain(s);
}

/* Is there a connection whose timer runs? */
static bool
is_waiting(const struct oracle *o)
{
	const struct tcp_conn *c;
	struct flow flow;
	uint32_t place = 0;

	while ((c = oracle_next(o, &place, &flow)) != NULL) {
		if (c->timer.tcp_ms != 0)
			return true;
	}
	return false;
}

/* Until no timer runs. One connection may have waited for the memory of another until that gave up,
 * and only then begin to send; but each time at least one of them is done. */
static void
sleep_long(struct story *s)
{
	struct oracle *o = &s->host.oracle;
	uint32_t times = stack_connections(o->stack);

	do
		story_sleep_until(s, s->now + LONGEST);
	while (times-- > 0 && is_waiting(o));
}

/* In the end, when every timer has run, only those are left whose application waits for the client;
 * a RST with the right number ends each of them. */
void
story_end(struct story *s)
{
	struct oracle *o = &s->host.oracle;
	uint8_t frame[SEGMENT_FRAME_MAX];
	const struct tcp_conn *c;
	uint32_t place = 0, left = 0;
	struct flow flow;

	story_flush(s);
	oracle_set_reach(o, STACK_UP);
	story_drain(s);
	sleep_long(s);
	INPUT_REQUIRE(stack_half_open(o->stack) == 0, "%u are half open",
		      stack_half_open(o->stack));
	while ((c = oracle_next(o, &place, &flow)) != NULL) {
		struct segment g = {.family = flow.family, .ttl = 64, .flags = TCP_RST};

		INPUT_REQUIRE(c->timer.tcp_ms == 0, "%s still has a timer",
			      tcp_state_name(c->state));
		memcpy(g.to, host_mac, 6);
		g.from[0] = 0x02;
		if (flow.family == 4) {
			memcpy(g.dst, &flow.v4.laddr, 4);
			memcpy(g.src, &flow.v4.raddr, 4);
		} else {
			memcpy(g.dst, flow.v6.laddr, 16);
			memcpy(g.src, flow.v6.raddr, 16);
		}
		g.dport = ntohs(flow_lport(&flow));
		g.sport = ntohs(flow_rport(&flow));
		g.seq = c->rcv.nxt;
		left++;
		/* The walk is over before the table changes: a burst holds more than there are. */
		story_receive(s, frame, segment_write(&g, frame));
	}
	INPUT_REQUIRE(left == stack_connections(o->stack), "%u of %u", left,
		      stack_connections(o->stack));
	story_flush(s);
	INPUT_REQUIRE(stack_connections(o->stack) == 0, "%u connections are left",
		      stack_connections(o->stack));
	oracle_check_empty(o);
	story_require(s);
}
