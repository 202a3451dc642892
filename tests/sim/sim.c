/* SPDX-License-Identifier: BSD-3-Clause */
/* sim.c - events in the order of the virtual clock: frames on the cable, whose turn it is to act,
 * bursts to the host, its timers. */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

#define SECOND    1000000u
#define BURST_US  50 /* frames that come within that time may share a burst */
#define IDLE_US   3600000000u
#define TOO_LONG  (UINT64_C(8) * 3600 * 1000000) /* no scenario takes so long */
#define TOO_OFTEN 3000000                        /* ... nor so many steps */

uint32_t
sim_below(struct sim *s, uint32_t count)
{
	return seed_below(s->draw, count);
}

bool
sim_chance(struct sim *s, uint32_t share)
{
	return sim_below(s, 1000) < share;
}

void
sim_send_frame(struct sim *s, const uint8_t *frame, uint32_t length)
{
	network_send(&s->network, s->now, NETWORK_TO_HOST, frame, length);
}

void
sim_send(struct sim *s, const struct segment *segment)
{
	uint8_t frame[SEGMENT_FRAME_MAX];
	uint32_t length = segment_write(segment, frame);

	sim_trace(s, "sent", segment);
	sim_send_frame(s, frame, segment_pad(frame, length, (uint8_t)segment->seq));
}

static struct oracle *
oracle(struct sim *s)
{
	return &s->host.oracle;
}

/* A host to which a segment comes that it knows nothing of. RFC 9293 3.10.7.1. */
static void
reflect(struct sim *s, const struct segment *came)
{
	struct segment g = *came;

	if ((came->flags & TCP_RST) || !sim_chance(s, s->scenario->reflected))
		return;
	memcpy(g.to, came->from, 6);
	memcpy(g.from, came->to, 6);
	memcpy(g.src, came->dst, 16);
	memcpy(g.dst, came->src, 16);
	g.sport = came->dport;
	g.dport = came->sport;
	g.flags = TCP_RST;
	g.seq = came->ack;
	g.ack = 0;
	g.wnd = 0;
	g.options = 0;
	sim_send(s, &g);
}

/* Whoever has only sent ACKs that prove nothing gets RST: there is no connection that could say
 * anything else, or could be aborted. RFC 4987 3.6. */
static void
check_flooder(struct sim *s, const struct segment *came)
{
	const struct attacker *a = s->attackers;

	if (a[0].plan.kind != ATTACKER_ACK_FLOOD || a[1].plan.kind != ATTACKER_NONE ||
	    sim_is_bad_cable(s) || came->flags == TCP_RST)
		return;
	oracle_about(oracle(s), "a flood of ACKs opens nothing", came->family, came->dst);
	oracle_fail(oracle(s), "a flood of ACKs opens nothing, yet flags %#x came from port %u",
		    came->flags, came->sport);
}

/* A frame from the host arrives where it is addressed to. */
static void
to_clients(struct sim *s, const uint8_t *frame, uint32_t length)
{
	struct segment g;
	struct client *c;
	uint32_t number;

	if (!segment_read(frame, length, &g)) {
		s->told++;
		return;
	}
	sim_trace(s, "came", &g);
	number = host_client_number(g.family, g.dst);
	if (number - HOSTILE_FIRST < s->scenario->hostiles) {
		s->draw = &s->luck[SIM_HOSTILE + number - HOSTILE_FIRST];
		hostile_input(&s->hostiles[number - HOSTILE_FIRST], s, &g);
		return;
	}
	c = number < s->scenario->clients ? &s->clients[number] : NULL;
	if (c == NULL || g.family != c->way.family || g.sport != c->way.dport ||
	    g.dport != c->way.sport || memcmp(g.src, c->way.dst, 16) != 0) {
		if (c == NULL)
			check_flooder(s, &g);
		s->draw = &s->luck[SIM_OTHERS];
		reflect(s, &g);
		return;
	}
	/* A damaged Ethernet source or an attacker's is where the answer goes. */
	if (!sim_is_bad_cable(s) && s->scenario->attackers[0].kind != ATTACKER_BLIND &&
	    (memcmp(g.to, c->way.from, 6) != 0 || g.tags != c->way.tags ||
	     memcmp(g.tag, c->way.tag, sizeof(g.tag)) != 0))
		oracle_fail(oracle(s), "client %u is answered on another's way", number);
	s->draw = &s->luck[SIM_CLIENT + number];
	client_input(c, &g);
}

/* What the host has sent goes onto the cable. */
static bool
drain(struct sim *s)
{
	uint8_t buffer[SEGMENT_FRAME_MAX];
	struct stack_frame frame = {.data = buffer, .room = sizeof(buffer)};

	s->host_idle = false;
	while (oracle_output(oracle(s), &frame))
		network_send(&s->network, s->now, NETWORK_TO_CLIENTS, buffer, frame.length);
	return !oracle(s)->failed;
}

static bool
flush(struct sim *s)
{
	unsigned int count = s->burst_count;

	s->burst_count = 0;
	s->frames += count;
	s->heard_at = s->now;
	if (!oracle_burst(oracle(s), s->burst, count, s->now))
		return false;
	if (stack_half_open(oracle(s)->stack) > s->half_open_most)
		s->half_open_most = stack_half_open(oracle(s)->stack);
	for (unsigned int i = 0; i < count; i++) {
		if (s->burst[i].length > 0)
			network_send(&s->network, s->now, NETWORK_TO_CLIENTS, s->burst[i].data,
				     s->burst[i].length);
	}
	return drain(s);
}

static bool
to_host(struct sim *s, const uint8_t *frame, uint32_t length)
{
	unsigned int i = s->burst_count++;
	uint32_t least = length > WIRE_TCP_MAX ? length : WIRE_TCP_MAX;
	struct segment g;

	s->draw = &s->luck[SIM_STATIONS + network_station(NETWORK_TO_HOST, frame, length)];
	if (s->traced != SIM_TRACE_NONE && segment_read(frame, length, &g))
		sim_trace(s, "host", &g);
	if (i == 0)
		s->burst_at = s->now + sim_below(s, BURST_US);
	s->burst[i] = (struct stack_frame){
		.data = s->buffers[i],
		.length = length,
		/* Not every frame's buffer has room for text. */
		.room = sim_below(s, 4) ? SEGMENT_FRAME_MAX : least,
	};
	memcpy(s->buffers[i], frame, length);
	return s->burst_count < STACK_BURST_MAX || flush(s);
}

/* Whose turn it is: he draws his own random numbers, whatever the others do. False if he does not
 * take part. */
static bool
is_turn_of(struct sim *s, unsigned int actor)
{
	s->draw = &s->luck[actor];
	return !s->options->muted[actor];
}

static bool
happen(struct sim *s, const struct network_event *e)
{
	switch ((enum network_kind)e->kind) {
	case NETWORK_TO_HOST:
		return to_host(s, e->frame, e->length);
	case NETWORK_TO_CLIENTS:
		to_clients(s, e->frame, e->length);
		break;
	case NETWORK_CLIENT:
		if (is_turn_of(s, SIM_CLIENT + e->who))
			client_wake(&s->clients[e->who]);
		break;
	case NETWORK_ATTACKER:
		if (is_turn_of(s, SIM_ATTACKER + e->who) && !sim_is_quiet(s))
			attacker_act(&s->attackers[e->who], s);
		break;
	case NETWORK_HOSTILE:
		if (is_turn_of(s, SIM_HOSTILE + e->who))
			hostile_act(&s->hostiles[e->who], s);
		break;
	case NETWORK_OPERATOR:
		if (is_turn_of(s, SIM_OPERATOR))
			operator_act(s);
		return drain(s);
	}
	return !oracle(s)->failed;
}

/* When the host's timers want to run; UINT64_MAX if it has none. It is asked anew when anything was
 * done to it. */
static uint64_t
next_tick(struct sim *s)
{
	uint32_t idle;

	if (!s->host_idle) {
		idle = stack_idle_us(oracle(s)->stack, s->now, IDLE_US);
		s->next_tick = idle == IDLE_US ? UINT64_MAX : s->now + idle;
		s->host_idle = idle != IDLE_US;
	}
	return s->next_tick;
}

bool
sim_is_quiet(const struct sim *s)
{
	return s->step > s->options->quiet_after;
}

bool
sim_is_bad_cable(const struct sim *s)
{
	const struct network_faults *f = &s->scenario->faults;

	return f->lost || f->doubled || f->corrupted || f->late;
}

bool
sim_may_get_cookie(const struct sim *s, unsigned int row)
{
	if (row == host_row_count || host_rows[row].cookies == COOKIES_NEVER)
		return false;
	return s->scenario->cookies_always || s->scenario->fills_table ||
	       host_rows[row].cookies == COOKIES_ALWAYS;
}

bool
sim_play(struct sim *s)
{
	for (;;) {
		uint64_t event = network_next(&s->network), tick = next_tick(s);
		uint64_t burst = s->burst_count ? s->burst_at : UINT64_MAX;
		struct network_event *e;
		bool good;

		if (event == UINT64_MAX && tick == UINT64_MAX && burst == UINT64_MAX)
			return true;
		if (s->step >= s->options->steps) {
			s->stopped = true;
			return true;
		}
		if (s->now - s->start > TOO_LONG || s->step > TOO_OFTEN)
			return sim_check_clients(s) &&
			       oracle_fail(oracle(s), "it does not come to an end");
		s->step++;
		if (burst <= event && burst <= tick) {
			s->now = burst;
			good = flush(s);
		} else if (tick <= event) {
			s->now = s->ticked_at = tick;
			good = oracle_tick(oracle(s), s->now) && drain(s);
		} else {
			s->now = event;
			e = network_take(&s->network);
			good = happen(s, e);
			network_give(&s->network, e);
		}
		if (!good)
			return false;
	}
}
