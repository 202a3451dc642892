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
 * which) and what the operation needs. See operate(). With memory for few senders and little echo
 * every other number of connections. */
#include "story.h"

#define OPERATIONS_MAX 600

enum operation {
	SEGMENT_A, /* a segment, see segment(); three numbers for it, so that it is the usual thing
		    */
	SEGMENT_B,
	SEGMENT_C,
	OPERATOR, /* crash, down, reload, a call by hand; see act() */
	AGAIN,    /* the segment before, with bytes changed and good checksums; see again() */
	BYTES,    /* a frame of any bytes; see bytes() */
	TIME,     /* the burst, and then time passes; see pass() */
	BURST,    /* the burst, and what waits to be sent */
};

static struct story story;

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
	unsigned int client = who % STORY_CLIENTS, row = input_u8(in) % (host_row_count + 1);
	struct segment g = story_way(client, row);
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
	story_receive(s, frame, s->last_length);
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
	story_receive(s, s->last, length);
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
	story_receive(s, frame, length);
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

	story_flush(s);
	if (operation & 0x08) {
		s->now = until;
		oracle_tick(&s->host.oracle, s->now);
		story_require(s);
	} else {
		story_drain(s);
		story_sleep_until(s, until);
	}
}

/* Bytes: what, and what that needs: place and call, or rows and their order. It happens between
 * bursts. */
static void
act(struct story *s, struct input *in)
{
	struct oracle *o = &s->host.oracle;
	uint8_t what = input_u8(in), which = input_u8(in);
	uint32_t place = 0, skip = which % STACK_BURST_MAX;
	struct stack_connection c;
	uint64_t mask;

	story_flush(s);
	switch (what & 7) {
	case 0:
		oracle_crash(o, s->now);
		break;
	case 1:
		oracle_set_reach(o, (enum stack_reach)(which % 3));
		break;
	case 2:
		mask = (uint64_t)input_u32(in) << 32 | input_u32(in);
		host_reload(&s->host, which & 0x80 ? HOST_ALL_ROWS : mask,
			    (which & 0x7fu) % host_row_count);
		break;
	default:
		/* The skip-th that lives, or the last of them. */
		for (uint32_t i = 0; i < stack_places(o->stack); i++) {
			if (!stack_connection_at(o->stack, i, &c))
				continue;
			place = i;
			if (skip-- == 0)
				break;
		}
		oracle_call(o, place, host_call(what >> 3), s->now);
		break;
	}
	story_require(s);
	story_drain(s);
}

static void
operate(struct story *s, struct input *in)
{
	uint8_t operation = input_u8(in);

	switch ((enum operation)(operation & 7)) {
	case SEGMENT_A:
	case SEGMENT_B:
	case SEGMENT_C:
		segment(s, operation, in);
		break;
	case OPERATOR:
		act(s, in);
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
		story_flush(s);
		if (!(operation & 0x08))
			story_drain(s);
		break;
	}
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
		.senders = connections & 1 ? 2 : 0,
		.echo_memory = connections & 1 ? 3 * 2048 : 65536,
		.challenge_acks = bits & 1 ? 0 : 3,
		.closed = bits & 2 ? STACK_CLOSED_DROP : STACK_CLOSED_RESET,
		.cookies_always = bits & 4,
		.now = STORY_SECOND * clock,
	};

	/* Milliseconds wrap in the middle of the story. */
	if (bits & 8)
		options.now += (UINT64_C(1000) << 32) - 30000 * STORY_SECOND;
	memset(s->peers, 0, sizeof(s->peers));
	s->burst_count = 0;
	s->last_length = 0;
	s->now = options.now;
	host_init(&s->host, &options);
	for (int i = 0; i < OPERATIONS_MAX && in.left > 0; i++)
		operate(s, &in);
	story_end(s);
	return 0;
}
