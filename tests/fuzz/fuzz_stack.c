/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_stack.c - bytes as a story: segments of a few clients, frames of any bytes, time that
 * passes, against the simulator's host and its listeners. Everything that tests/sim/oracle.h knows
 * must hold after each burst and each tick; in the end, when all time-outs are over and every
 * client has said that it knows nothing of it all, nothing may be left.
 *
 * Sequence and acknowledgment numbers are given relative to what the connection expects, as a
 * fuzzer cannot guess 32 bits; checksums are made good, for the same reason.
 *
 * Input: four bytes of options for the host, then operations, each a byte (its low three bits say
 * which) and what the operation needs. See operate(). */
#include <arpa/inet.h>

#include "../sim/host.h"
#include "input.h"

#define OPERATIONS_MAX 600
#define CLIENTS        8
#define SECOND         UINT64_C(1000000)
#define LONGEST        (1800 * SECOND) /* 15 retransmissions of a FIN, up to 60 s each, and more */

enum operation {
	SEGMENT_A, /* a segment, see segment(); four numbers for it, so that it is the usual thing
		    */
	SEGMENT_B,
	SEGMENT_C,
	SEGMENT_D,
	AGAIN, /* the segment before, with bytes changed and good checksums; see again() */
	BYTES, /* a frame of any bytes; see bytes() */
	TIME,  /* the burst, and then time passes; see pass() */
	BURST, /* the burst, and what waits to be sent */
};

/* What a client remembers of the last SYN-ACK that came for it. */
struct peer {
	uint32_t irs, iss; /* as the host calls them */
	uint32_t tsval;
	bool ts;
};

struct story {
	struct host host;
	stack_us now;
	struct peer peers[CLIENTS][HOST_LISTENERS + 1];
	struct stack_frame burst[STACK_BURST_MAX];
	uint8_t buffers[STACK_BURST_MAX][SEGMENT_FRAME_MAX];
	unsigned int burst_count;
	uint8_t last[SEGMENT_FRAME_MAX];
	uint32_t last_length;
};

static struct story story;

static void
require(const struct story *s)
{
	INPUT_REQUIRE(!s->host.oracle.failed, "%s", s->host.oracle.why);
}

/* A client's address ends in its number, its port is 5000; even ones have IPv4. */
static struct segment
way(unsigned int client, unsigned int row)
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
	if (client >= CLIENTS || row > host_row_count)
		return;
	if ((g.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		s->peers[client][row] = (struct peer){
			.irs = g.ack - 1, .iss = g.seq, .ts = (g.options & TCP_OPT_TS) != 0};
	if (g.options & TCP_OPT_TS)
		s->peers[client][row].tsval = g.tsval;
}

static void
drain(struct story *s)
{
	uint8_t buffer[WIRE_TCP_MAX];
	struct stack_frame frame = {.data = buffer, .room = sizeof(buffer)};

	while (oracle_output(&s->host.oracle, &frame))
		came(s, buffer, frame.length);
	require(s);
}

static void
flush(struct story *s)
{
	unsigned int count = s->burst_count;

	s->burst_count = 0;
	if (count == 0)
		return;
	oracle_burst(&s->host.oracle, s->burst, count, s->now);
	require(s);
	for (unsigned int i = 0; i < count; i++)
		came(s, s->buffers[i], s->burst[i].length);
}

static void
receive(struct story *s, const uint8_t *frame, uint32_t length)
{
	unsigned int i = s->burst_count++;

	memcpy(s->buffers[i], frame, length);
	s->burst[i] = (struct stack_frame){
		.data = s->buffers[i], .length = length, .room = SEGMENT_FRAME_MAX};
	if (s->burst_count == STACK_BURST_MAX)
		flush(s);
}

/* The number that a segment's sequence number is counted from. */
static uint32_t
base_seq(const struct peer *p, const struct tcp_conn *c, unsigned int kind)
{
	if (c == NULL)
		return p->irs + (kind == 0);
	switch (kind) {
	case 0:
		return c->rcv.nxt;
	case 1:
		return c->rcv.nxt + tcp_rcv_wnd(c);
	case 2:
		return c->rcv.nxt - 1000;
	default:
		return p->irs;
	}
}

static uint32_t
base_ack(const struct peer *p, const struct tcp_conn *c, unsigned int kind)
{
	if (c == NULL)
		return p->iss + 1;
	switch (kind) {
	case 0:
		return c->snd.nxt;
	case 1:
		return c->snd.una;
	case 2:
		return c->snd.una - tcp_max_snd_wnd(c);
	default:
		return p->iss + 1;
	}
}

/* A small number around 0, more often than a big one. */
static uint32_t
offset(struct input *in)
{
	int8_t near = (int8_t)input_u8(in);

	return near == INT8_MIN ? input_u32(in) : (uint32_t)(near / 8);
}

/* Bytes: client and kinds of numbers, row, flags, text; then what the bits of the operation ask
 * for: offsets, options, window. Without them it is a segment that fits. */
static void
segment(struct story *s, uint8_t operation, struct input *in)
{
	uint8_t who = input_u8(in);
	unsigned int client = who % CLIENTS, row = input_u8(in) % (host_row_count + 1);
	struct segment g = way(client, row);
	const struct peer *p = &s->peers[client][g.dport - HOST_PORT];
	uint8_t frame[SEGMENT_FRAME_MAX], text;
	const struct tcp_conn *c = oracle_find(&s->host.oracle, &g);

	g.flags = input_u8(in);
	text = input_u8(in);
	g.text = text < 200 ? text / 4 : (text - 199u) * 25;
	g.seq = base_seq(p, c, g.flags & TCP_SYN ? 3 : who >> 3 & 3);
	g.ack = base_ack(p, c, who >> 5 & 3);
	g.wnd = 0xffff;
	if (p->ts && !(who & 0x80))
		g.options = TCP_OPT_TS;
	g.tsval = (uint32_t)(s->now / 1000);
	g.tsecr = p->tsval;
	if (operation & 0x08)
		g.seq += offset(in);
	if (operation & 0x10)
		g.ack += offset(in);
	if (operation & 0x20) {
		g.options = input_u8(in) & 15;
		g.tsval += offset(in);
		g.wscale = input_u8(in);
		g.mss = input_u16(in);
	}
	if (operation & 0x40)
		g.wnd = input_u16(in);
	s->last_length = segment_write(&g, frame);
	if (operation & 0x80)
		s->last_length = segment_pad(frame, s->last_length, 0xff);
	memcpy(s->last, frame, s->last_length);
	receive(s, frame, s->last_length);
}

/* Bytes: how many changes, and for each where and what. The operation's bits: keep the checksums
 * that are wrong now, and cut the frame. */
static void
again(struct story *s, uint8_t operation, struct input *in)
{
	uint32_t length = s->last_length;

	if (length == 0)
		return;
	for (unsigned int changes = input_u8(in) % 8; changes > 0; changes--) {
		uint32_t at = input_u16(in) % length;

		s->last[at] = input_u8(in);
	}
	if (operation & 0x08)
		length = 1 + input_u16(in) % length;
	if (!(operation & 0x10))
		segment_seal(s->last, length);
	receive(s, s->last, length);
}

/* Bytes: a length (255: no frame at all, it did not fit a buffer) and the frame behind its Ethernet
 * destination, which is ours unless the operation's bit says that it is there too. */
static void
bytes(struct story *s, uint8_t operation, struct input *in)
{
	uint8_t frame[SEGMENT_FRAME_MAX];
	uint32_t length = input_u8(in), i = 0;

	if (length == 255)
		length = 0;
	if (!(operation & 0x08)) {
		memcpy(frame, host_mac, 6);
		i = 6;
	}
	for (; i < length; i++)
		frame[i] = input_u8(in);
	if (!(operation & 0x10) && length > 0)
		segment_seal(frame, length);
	receive(s, frame, length);
}

/* Lets time pass from one deadline to the next, as a worker would that sleeps in between. */
static void
sleep_until(struct story *s, stack_us until)
{
	struct oracle *o = &s->host.oracle;

	for (;;) {
		uint32_t idle = stack_idle_us(o->stack, s->now, 60 * SECOND);

		if (s->now + idle > until)
			break;
		/* A timer that may be due is only sure to be after the millisecond has passed. */
		s->now += idle ? idle : 1;
		oracle_tick(o, s->now);
		require(s);
		drain(s);
	}
	s->now = until;
	oracle_tick(o, s->now);
	require(s);
	drain(s);
}

/* Bytes: how long. The operation's bit: without a timer in between, as if the worker had stalled.
 */
static void
pass(struct story *s, uint8_t operation, struct input *in)
{
	static const uint32_t units_us[] = {1,       1000,     10000,    100000,
					    1000000, 10000000, 60000000, 600000000};
	uint8_t byte = input_u8(in);
	stack_us until = s->now + (stack_us)units_us[byte & 7] * (1 + (byte >> 3));

	flush(s);
	if (operation & 0x08) {
		s->now = until;
		oracle_tick(&s->host.oracle, s->now);
		require(s);
	} else {
		drain(s);
		sleep_until(s, until);
	}
}

static void
operate(struct story *s, struct input *in)
{
	uint8_t operation = input_u8(in);

	switch ((enum operation)(operation & 7)) {
	case SEGMENT_A:
	case SEGMENT_B:
	case SEGMENT_C:
	case SEGMENT_D:
		segment(s, operation, in);
		break;
	case AGAIN:
		again(s, operation, in);
		break;
	case BYTES:
		bytes(s, operation, in);
		break;
	case TIME:
		pass(s, operation, in);
		break;
	case BURST:
		flush(s);
		if (!(operation & 0x08))
			drain(s);
		break;
	}
}

/* In the end, when every timer has run, only those are left whose application waits for the client;
 * a RST with the right number ends each of them. */
static void
end(struct story *s)
{
	struct oracle *o = &s->host.oracle;
	uint8_t frame[SEGMENT_FRAME_MAX];
	const struct tcp_conn *c;
	uint32_t place = 0, left = 0;
	struct flow flow;

	flush(s);
	drain(s);
	sleep_until(s, s->now + LONGEST);
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
		receive(s, frame, segment_write(&g, frame));
	}
	INPUT_REQUIRE(left == stack_connections(o->stack), "%u of %u", left,
		      stack_connections(o->stack));
	flush(s);
	INPUT_REQUIRE(stack_connections(o->stack) == 0, "%u connections are left",
		      stack_connections(o->stack));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct story *s = &story;
	uint8_t bits = input_u8(&in), connections = input_u8(&in);
	uint16_t clock = input_u16(&in);
	struct host_options options = {
		.seed = bits >> 4,
		.connections = 1 + connections % (STACK_BURST_MAX - 1),
		.challenge_acks = bits & 1 ? 0 : 3,
		.closed = bits & 2 ? STACK_CLOSED_DROP : STACK_CLOSED_RESET,
		.cookies_always = bits & 4,
		.now = SECOND * clock,
	};

	/* Milliseconds wrap in the middle of the story. */
	if (bits & 8)
		options.now += (UINT64_C(1000) << 32) - 30000 * SECOND;
	memset(s->peers, 0, sizeof(s->peers));
	s->burst_count = 0;
	s->last_length = 0;
	s->now = options.now;
	host_init(&s->host, &options);
	for (int i = 0; i < OPERATIONS_MAX && in.left > 0; i++)
		operate(s, &in);
	end(s);
	return 0;
}
