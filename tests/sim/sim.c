/* SPDX-License-Identifier: BSD-3-Clause */
/* sim.c - one run of a scenario: events in the order of the virtual clock, bursts to the host, its
 * timers, and what must be true when all is over. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define SECOND     1000000u
#define BURST_US   50 /* frames that come within that time may share a burst */
#define IDLE_US    3600000000u
#define LOOK_EVERY 128
#define TOO_LONG   (UINT64_C(8) * 3600 * 1000000) /* no scenario takes so long */
#define TOO_OFTEN  3000000                        /* ... nor so many steps */

uint32_t
sim_below(struct sim *s, uint32_t count)
{
	return seed_below(&s->seed, count);
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
sim_trace(const struct sim *s, const char *what, const struct segment *g)
{
	const struct client *c;

	if (s->traced == SIM_TRACE_NONE || (host_client_number(g->family, g->src) != s->traced &&
					    host_client_number(g->family, g->dst) != s->traced))
		return;
	c = &s->clients[s->traced < s->scenario->clients ? s->traced : 0];
	printf("# %4" PRIu64 ".%06" PRIu64
	       " %s %u to %u flags %#04x seq %u (ISS+%u) ack %u (ISS+%u) wnd %u "
	       "text %u options %#x\n",
	       (s->now - s->start) / SECOND, (s->now - s->start) % SECOND, what, g->sport, g->dport,
	       g->flags, g->seq, g->seq - c->iss, g->ack, g->ack - c->iss, g->wnd, g->text,
	       g->options);
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
		hostile_input(&s->hostiles[number - HOSTILE_FIRST], s, &g);
		return;
	}
	c = number < s->scenario->clients ? &s->clients[number] : NULL;
	if (c == NULL || g.family != c->way.family || g.sport != c->way.dport ||
	    g.dport != c->way.sport || memcmp(g.src, c->way.dst, 16) != 0) {
		reflect(s, &g);
		return;
	}
	/* A damaged Ethernet source or an attacker's is where the answer goes. */
	if (!sim_is_bad_cable(s) && s->scenario->attackers[0].kind != ATTACKER_BLIND &&
	    (memcmp(g.to, c->way.from, 6) != 0 || g.tags != c->way.tags ||
	     memcmp(g.tag, c->way.tag, sizeof(g.tag)) != 0))
		oracle_fail(oracle(s), "client %u is answered on another's way", number);
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

	s->step++;
	s->burst_count = 0;
	s->frames += count;
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

static bool
happen(struct sim *s, const struct network_event *e)
{
	s->step++;
	switch ((enum network_kind)e->kind) {
	case NETWORK_TO_HOST:
		return to_host(s, e->frame, e->length);
	case NETWORK_TO_CLIENTS:
		to_clients(s, e->frame, e->length);
		break;
	case NETWORK_CLIENT:
		client_wake(&s->clients[e->who]);
		break;
	case NETWORK_ATTACKER:
		attacker_act(&s->attackers[e->who], s);
		break;
	case NETWORK_HOSTILE:
		hostile_act(&s->hostiles[e->who], s);
		break;
	case NETWORK_OPERATOR:
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

/* Until nothing will happen any more. */
static bool
run(struct sim *s)
{
	for (;;) {
		uint64_t event = network_next(&s->network), tick = next_tick(s);
		uint64_t burst = s->burst_count ? s->burst_at : UINT64_MAX;
		struct network_event *e;
		bool good;

		if (event == UINT64_MAX && tick == UINT64_MAX && burst == UINT64_MAX)
			return true;
		if (s->now - s->start > TOO_LONG || s->step > TOO_OFTEN)
			return sim_check_clients(s) &&
			       oracle_fail(oracle(s), "it does not come to an end");
		if (burst <= event && burst <= tick) {
			s->now = burst;
			good = flush(s);
		} else if (tick <= event) {
			s->now = tick;
			s->step++;
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

static bool
play(struct sim *s)
{
	if (!run(s) || !sim_check_clients(s) || !sim_check_leftovers(s, true) ||
	    !sim_check_retransmissions(s))
		return false;
	if (s->asked > 0 && !sim_is_bad_cable(s) && s->asked != s->told)
		return oracle_fail(oracle(s), "%" PRIu64 " asked, %" PRIu64 " were answered",
				   s->asked, s->told);
	for (unsigned int i = 0; i < s->scenario->clients; i++)
		client_farewell(&s->clients[i]);
	for (unsigned int i = 0; i < s->scenario->hostiles; i++)
		hostile_farewell(&s->hostiles[i], s);
	return run(s) && sim_check_leftovers(s, false) && oracle_check_empty(oracle(s)) &&
	       sim_check_quarter(s);
}

static void
set_up(struct sim *s)
{
	const struct sim_scenario *sc = s->scenario;
	struct host_options options = {
		.seed = seed_next(&s->seed),
		.connections = sc->connections,
		.senders = sc->senders,
		.echo_memory = sc->echo_memory,
		.challenge_acks = sim_below(s, 3) * 5,
		.closed = sc->closed,
		.cookies_always = sc->cookies_always,
	};

	/* The clock may stand anywhere: shortly before its milliseconds wrap at 2^32, for one. */
	s->start = SECOND + seed_next(&s->seed) % (UINT64_C(1) << 52);
	if (sim_below(s, 4) == 0)
		s->start = (UINT64_C(1000) << 32) - sim_below(s, 100 * SECOND);
	s->now = options.now = s->start;
	network_init(&s->network, &sc->faults, s->start + sc->heals_at, seed_next(&s->seed));
	host_init(&s->host, &options);
	oracle(s)->look_every = LOOK_EVERY;
	memset(s->clients, 0, sc->clients * sizeof(*s->clients));
	for (unsigned int i = 0; i < sc->clients; i++)
		sim_plan_client(s, &s->clients[i], i);
	for (unsigned int i = 0; i < SIM_ATTACKERS; i++)
		attacker_init(&s->attackers[i], s, i, &sc->attackers[i]);
	for (unsigned int i = 0; i < sc->hostiles; i++)
		hostile_init(&s->hostiles[i], s, i);
	operator_init(s);
}

static void
trace_counters(const struct sim *s)
{
	struct stack_counter c;

	if (s->traced == SIM_TRACE_NONE)
		return;
	for (unsigned int i = 0; stack_counter_at(stack_counters(s->host.oracle.stack), i, &c);
	     i++) {
		if (c.value > 0)
			printf("# %s%s: %" PRIu64 "\n", c.group, c.name, c.value);
	}
}

void
sim_free(struct sim *s)
{
	network_free(&s->network);
	host_free(&s->host);
	free(s);
}

struct sim *
sim_new(void)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	return s;
}

bool
sim_run(struct sim *s, const struct sim_scenario *scenario, uint64_t seed, uint32_t traced,
	struct sim_result *result)
{
	bool good;

	/* The memory of the run before is used again, and nothing else of it. */
	memset((uint8_t *)s + offsetof(struct sim, scenario), 0,
	       offsetof(struct sim, burst) - offsetof(struct sim, scenario));
	s->scenario = scenario;
	s->seed.state = seed;
	s->traced = traced;
	set_up(s);
	good = play(s);
	trace_counters(s);
	result->digest = oracle(s)->digest;
	result->frames = s->frames;
	result->sent = oracle(s)->sent;
	result->why[0] = '\0';
	if (!good)
		snprintf(result->why, sizeof(result->why),
			 "step %" PRIu64 ", %" PRIu64 ".%06" PRIu64 " s: %s", s->step,
			 (s->now - s->start) / SECOND, (s->now - s->start) % SECOND,
			 oracle(s)->why);
	return good;
}
