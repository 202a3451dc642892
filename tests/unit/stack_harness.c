/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_harness.c - runs scenarios against lib/stack.h. See stack_harness.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byte_queue.h"
#include "frame.h"
#include "stack_harness.h"

struct stack_harness w;

/* A buffer for a frame of the MTU. */
#define STACK_ROOM (14 + 8 + 1500)

/* The longest step that time takes. */
#define IDLE_LIMIT_US 1000000u

static void
tell(const char *what, const struct stack_peer *peer, const struct tcp_reply *r, uint32_t text)
{
	story_tell("%8llu ms %-3s %u:%u-%u <CTL=%s><SEQ=%u><ACK=%u><WND=%u> text %u\n",
		   (unsigned long long)(w.now / 1000), what, peer->address, peer->port, peer->lport,
		   story_flags(r->flags), r->seq, r->ack, r->wnd, text);
}

struct listener *
stack_listen(uint16_t port, const char *const *calls)
{
	uint16_t number = w.listener_count++;
	struct listener *l = &w.listeners[number];
	char error[200] = "";
	size_t count = 0;
	size_t which;
	int steps;

	while (calls[count])
		count++;
	steps = script_compile(calls, count, number, w.steps + w.step_count,
			       STACK_STEPS - w.step_count, error, sizeof(error), &which);
	if (steps < 0)
		FAIL("the test's own script: %s", error);
	w.ports[number] = (struct port_range){port, port};
	*l = (struct listener){
		.name = "test",
		.ports = &w.ports[number],
		.port_count = 1,
		.step = (uint16_t)w.step_count,
		.cookies = COOKIES_AUTO,
		.backlog = 20,
		.receive_buffer = 65535,
		.send_buffer = 65536,
		.chance = LISTENER_CHANCE_ALWAYS,
	};
	w.step_count += (size_t)steps;
	return l;
}

void
stack_start(void)
{
	size_t bytes = stack_bytes(&w.conf);
	size_t numbers = listener_index_numbers(w.listeners, 0, w.listener_count);

	free(w.numbers); /* of a start before */
	w.numbers = malloc((numbers + 1) * sizeof(*w.numbers));
	assert_non_null(w.numbers);
	listener_index_build(&w.index, w.listeners, 0, w.listener_count, w.numbers);
	SAME(0, bytes % 64);
	w.memory = aligned_alloc(64, bytes);
	assert_non_null(w.memory);
	memset(w.memory, 0, bytes);
	w.s = stack_init(w.memory, &w.conf, w.now);
	CONNECTIONS(0);
	SAME(IDLE_LIMIT_US, stack_idle_us(w.s, w.now, IDLE_LIMIT_US));
}

struct stack_peer
stack_peer(uint16_t port, uint16_t lport)
{
	struct stack_peer p = {
		.family = w.family,
		.address = 2,
		.local = 1,
		.port = port,
		.lport = lport,
		.syn_options = TCP_OPT_MSS,
		.mss = 1460,
		.wnd = 5000,
		.tsval = 0xfffffff0,
		.seq = w.irs,
	};

	memcpy(p.mac, FRAME_PEER_MAC, 6);
	return p;
}

void
stack_rx(struct story_where where, const struct stack_peer *from, const struct stack_rx *rx)
{
	struct tcp_reply show = {
		.flags = rx->flags, .seq = rx->seq, .ack = rx->ack, .wnd = from->wnd};
	struct stack_frame *frame = &w.frames[w.rx_count];

	story_true(where, "the burst has room", w.rx_count < STACK_BURST_MAX);
	*frame = (struct stack_frame){.csum = 0};
	stack_frame_make(from, rx, frame);
	w.rx_flags[w.rx_count++] = rx->flags;
	tell("RX", from, &show, rx->text);
}

static void
collect(struct story_where where, const struct stack_frame *frame, int place)
{
	struct stack_sent *sent = &w.sent[w.sent_tail++ % STACK_SENT];

	story_true(where, "the harness has room", w.sent_tail - w.sent_head <= STACK_SENT);
	stack_frame_read(where, frame, sent);
	sent->at = w.now;
	sent->place = place;
	w.tx_total++;
	tell("TX", &sent->to, &sent->segment, sent->segment.text);
}

/* What waits behind the burst, in a buffer of just the room that it may need. */
static bool
drain(struct story_where where)
{
	unsigned int pending = stack_pending(w.s);
	unsigned int count = 0;
	struct stack_frame frame;

	for (;;) {
		frame = (struct stack_frame){.room = STACK_ROOM, .data = malloc(STACK_ROOM)};
		assert_non_null(frame.data);
		if (!stack_output(w.s, &frame))
			break;
		collect(where, &frame, -1);
		free(frame.data);
		count++;
	}
	free(frame.data);
	/* Those that follow are made as there is room for them. */
	story_true(where, "stack_pending()", pending <= count && (pending > 0) == (count > 0));
	story_same(where, "stack_pending()", 0, stack_pending(w.s));
	return count != 0;
}

/* rx = answered + consumed + the sum of dropped; every frame counted, every entry given back. */
static void
balance(struct story_where where)
{
	const struct stack_counters *c = stack_counters(w.s);
	uint64_t dropped = 0;
	int i;

	for (i = 0; i < DROP_COUNT; i++)
		dropped += c->dropped[i];
	story_same(where, "counter rx", w.rx_total, c->rx);
	story_same(where, "answered + consumed + dropped", c->rx,
		   c->answered + c->consumed + dropped);
	story_same(where, "counter tx", w.tx_total, c->tx);
	story_same(where, "opened - closed", stack_connections(w.s), c->opened - c->closed);
	story_true(where, "half open <= connections",
		   stack_half_open(w.s) <= stack_connections(w.s));
}

void
stack_run(struct story_where where)
{
	unsigned int i;

	if (w.sent_head != w.sent_tail)
		story_fail(where, "nobody looked at a segment that came out before this burst");
	stack_burst(w.s, w.frames, w.rx_count, w.now);
	w.rx_total += w.rx_count;
	for (i = 0; i < w.rx_count; i++) {
		if (w.frames[i].length) {
			collect(where, &w.frames[i], (int)i);
			/* RFC 9293 3.5.2: never a RST to a RST. */
			story_true(where, "no RST answers a RST",
				   !(w.rx_flags[i] & RST) ||
					   !(w.sent[(w.sent_tail - 1) % STACK_SENT].segment.flags &
					     RST));
		}
		free(w.frames[i].data);
	}
	w.rx_count = 0;
	if (!w.undrained)
		drain(where);
	balance(where);
}

static bool
is_for(const struct stack_sent *sent, const struct stack_peer *to)
{
	return sent->to.family == to->family && sent->to.address == to->address &&
	       sent->to.local == to->local && sent->to.port == to->port &&
	       sent->to.lport == to->lport;
}

const struct stack_sent *
stack_peek(const struct stack_peer *to)
{
	unsigned int i;

	for (i = w.sent_head; i != w.sent_tail; i++)
		if (is_for(&w.sent[i % STACK_SENT], to))
			return &w.sent[i % STACK_SENT];
	return NULL;
}

const struct stack_sent *
stack_take(const struct stack_peer *to)
{
	static struct stack_sent taken;
	unsigned int i;

	for (i = w.sent_head; i != w.sent_tail; i++)
		if (is_for(&w.sent[i % STACK_SENT], to))
			break;
	if (i == w.sent_tail)
		return NULL;
	taken = w.sent[i % STACK_SENT];
	for (; i != w.sent_head; i--)
		w.sent[i % STACK_SENT] = w.sent[(i - 1) % STACK_SENT];
	w.sent_head++;
	return &taken;
}

const struct stack_sent *
stack_tx(struct story_where where, const struct stack_peer *to, const struct stack_tx *want)
{
	const struct stack_sent *sent = stack_take(to);
	struct tcp_reply show = {
		.flags = want->flags, .seq = want->seq, .ack = want->ack, .wnd = want->wnd};
	const struct tcp_reply *r;
	uint64_t after;
	int i;

	tell("expected", to, &show, want->text);
	if (!sent)
		story_fail(where, "nothing came");
	r = &sent->segment;
	after = (sent->at - w.mark) / 1000;
	if (r->flags != want->flags || (r->seq != want->seq && !want->any_seq) ||
	    r->ack != want->ack || r->text != want->text)
		story_fail(where, "something else came");
	if (want->wnd_is ? r->wnd != want->wnd : (r->flags & (RST | ACK)) == RST && r->wnd != 0)
		story_fail(where, "another window came: %u", r->wnd);
	if (want->bytes && memcmp(sent->text, want->bytes, r->text) != 0)
		story_fail(where, "another text came");
	/* The wheel turns once a millisecond. */
	if (want->after_ms && (after < want->after_ms || after > want->after_ms + 2))
		story_fail(where, "expected after %u ms, came after %llu", want->after_ms,
			   (unsigned long long)after);
	story_same(where, "Ethernet destination", 0, (uint64_t) !!memcmp(sent->to.mac, to->mac, 6));
	story_same(where, "tags", to->tags, sent->to.tags);
	for (i = 0; i < to->tags; i++) {
		story_same(where, "TPID", to->tpid[i], sent->to.tpid[i]);
		story_same(where, "TCI", to->tci[i], sent->to.tci[i]);
	}
	return sent;
}

void
stack_quiet(struct story_where where)
{
	if (w.sent_head != w.sent_tail)
		story_fail(where, "expected silence, came %u segments more",
			   w.sent_tail - w.sent_head);
}

void
stack_forget(void)
{
	w.sent_head = w.sent_tail;
}

void
stack_handshake(struct story_where where, struct stack_peer *peer)
{
	const struct stack_sent *sent;

	stack_rx(where, peer, &(struct stack_rx){.flags = SYN, .seq = peer->seq});
	stack_run(where);
	peer->seq++;
	sent = stack_tx(where, peer,
			&(struct stack_tx){.flags = SYN | ACK, .ack = peer->seq, .any_seq = true});
	peer->ack = sent->segment.seq + 1;
	peer->tsecr = sent->segment.tsval;
	stack_quiet(where);
	stack_rx(where, peer, &(struct stack_rx){.flags = ACK, .seq = peer->seq, .ack = peer->ack});
	stack_run(where);
}

void
stack_pass(struct story_where where, uint32_t ms)
{
	stack_us end = w.now + (stack_us)ms * 1000;
	unsigned int vain = 0;
	uint32_t idle;

	story_tell("            %u ms pass\n", ms);
	while (w.now < end) {
		stack_us left = end - w.now;

		idle = stack_idle_us(w.s, w.now,
				     left < IDLE_LIMIT_US ? (uint32_t)left : IDLE_LIMIT_US);
		story_true(where, "idle is at most its limit",
			   idle <= (left < IDLE_LIMIT_US ? left : IDLE_LIMIT_US));
		w.now += idle;
		do
			stack_tick(w.s, w.now);
		while (drain(where));
		vain = idle ? 0 : vain + 1;
		if (vain > 2) {
			/* Due, it says, and nothing is done: time must at least go on. */
			story_true(where, "what is due is done", vain < 100);
			w.now += left < 1000 ? left : 1000;
		}
	}
	balance(where);
}

void
stack_empty_after(struct story_where where, uint32_t ms)
{
	stack_quiet(where);
	stack_pass(where, ms);
	stack_forget();
	story_same(where, "connections left", 0, stack_connections(w.s));
	story_same(where, "half open left", 0, stack_half_open(w.s));
	story_same(where, "idle without timers", IDLE_LIMIT_US,
		   stack_idle_us(w.s, w.now, IDLE_LIMIT_US));
}

static void
prepare(int family, bool both, uint32_t irs)
{
	struct addr_prefix owned[2] = {{.family = 4, .length = 32}, {.family = 6, .length = 128}};

	memset(&w, 0, sizeof(w));
	story_begin();
	w.family = family;
	w.irs = irs;
	/* The low 32 bits of the clock in milliseconds wrap within the scenario; and a millisecond
	 * is all but over when it begins. */
	w.now = (stack_us)(family == 4 ? UINT64_C(0xffffff00) : 1000) * 1000 + (both ? 900 : 0);
	memcpy(owned[0].addr, FRAME_US4, 4);
	memcpy(owned[1].addr, FRAME_US6, 16);
	addr_set_build(&w.owned, owned + (!both && family == 6), both ? 2 : 1, w.owned4, w.owned6);
	w.conf = (struct stack_conf){
		.owned = &w.owned,
		.index = &w.index,
		.listener_room = STACK_LISTENERS,
		.steps = w.steps,
		.connections = 64,
		.senders = 64,
		.echo_memory = 64 * BYTE_CHUNK,
		.msl_ms = 30000,
		.challenge_acks = 10,
		.min_mss = 64,
		.mtu = 1500,
		.closed = STACK_CLOSED_RESET,
		.ttl = 64,
		.secret = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)},
		.cookie_secret = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)},
	};
	memcpy(w.conf.mac, FRAME_US_MAC, 6);
}

void
stack_run_scenario(void (*scenario)(void))
{
	static const uint32_t IRS[] = {1000, 0xffffff00};
	int i;

	for (i = 0; i < 4; i++) {
		prepare(i < 2 ? 4 : 6, i % 2, IRS[i % 2]);
		story_tell("IPv%d\n", w.family);
		scenario();
		QUIET();
		free(w.memory);
		free(w.numbers);
	}
}
