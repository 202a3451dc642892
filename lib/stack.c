/* SPDX-License-Identifier: BSD-3-Clause */
/* stack.c - a burst's way through the host: parse, warm, act, emit. design.md, "Shape". */
#include <arpa/inet.h>
#include <assert.h>

#include "stack_internal.h"

#define LINE 64

static size_t
round_up(size_t bytes)
{
	return (bytes + LINE - 1) / LINE * LINE;
}

/* The parts of a stack's memory, in order. */
struct layout {
	size_t conns, table, paths, queued, taken, numbers, end;
};

static struct layout
lay_out(const struct stack_conf *conf)
{
	struct layout at;

	at.conns = round_up(sizeof(struct stack));
	at.table = at.conns + conn_store_bytes(conf->connections, conf->owned->v4_count > 0,
					       conf->owned->v6_count > 0);
	at.paths = at.table + round_up(flow_table_bytes(conf->connections));
	at.queued = at.paths + round_up(path_table_bytes());
	at.taken = at.queued + round_up(conf->listener_count * sizeof(uint32_t));
	at.numbers = at.taken + round_up(conf->listener_count * sizeof(uint32_t));
	at.end = at.numbers +
		 round_up(listener_index_numbers(conf->listeners, conf->listener_count) *
			  sizeof(uint16_t));
	return at;
}

size_t
stack_bytes(const struct stack_conf *conf)
{
	return lay_out(conf).end;
}

static void
derive_keys(struct stack *s)
{
	struct siphash_key timestamps = siphash_key_derive(&s->conf.secret, "timestamp");

	s->flow_key = siphash_key_derive(&s->conf.secret, "flow table");
	s->isn_key = siphash_key_derive(&s->conf.secret, "isn");
	s->chance_key = siphash_key_derive(&s->conf.secret, "chance");
	s->cookie_key = siphash_key_derive(&s->conf.cookie_secret, "cookie");
	/* RFC 7323 7.1: TSval does not tell how long we have been up. */
	s->ts_offset = (uint32_t)timestamps.k0;
}

struct stack *
stack_init(void *memory, const struct stack_conf *conf, stack_us now)
{
	struct layout at = lay_out(conf);
	uint8_t *base = memory;
	struct stack *s = memory;
	struct siphash_key path_key = siphash_key_derive(&conf->secret, "path");
	struct timer_nodes nodes;

	assert((uintptr_t)memory % LINE == 0);
	s->conf = *conf;
	s->host.ttl = conf->ttl;
	s->host.tx_offload = conf->tx_offload;
	s->host.owned = conf->owned;
	memcpy(s->host.mac, conf->mac, sizeof(s->host.mac));
	derive_keys(s);
	conn_store_init(&s->conns, base + at.conns, conf->connections, conf->owned->v4_count > 0,
			conf->owned->v6_count > 0);
	flow_table_init(&s->table, base + at.table, conf->connections);
	path_table_init(&s->paths, base + at.paths, &path_key);
	s->queued = (uint32_t *)(base + at.queued);
	s->taken = (uint32_t *)(base + at.taken);
	listener_index_build(&s->index, conf->listeners, conf->listener_count,
			     (uint16_t *)(base + at.numbers));
	for (uint16_t i = 0; i < conf->listener_count; i++)
		s->draws |= conf->listeners[i].chance != LISTENER_CHANCE_ALWAYS;
	nodes = conn_store_nodes(&s->conns);
	timer_wheel_init(&s->wheel, &nodes, now / 1000);
	stack_set_time(s, now);
	return s;
}

void
stack_set_time(struct stack *s, stack_us now)
{
	s->now = (now + 999) / 1000;
	s->elapsed = now / 1000;
	s->tsval = (uint32_t)s->now + s->ts_offset;
	if (s->tsval == 0)
		s->tsval = 1;
	/* RFC 9293 3.4.1 MUST-8: one tick each 4 microseconds. */
	s->isn_ticks = s->conf.isn_clock_stopped ? 0 : (uint32_t)(now / 4);
	s->cookie_tick = s->conf.cookie_tick_base +
			 (uint32_t)(now / (UINT64_C(1000000) * ISN_COOKIE_TICK_SECONDS));
}

static void
parse(struct stack *s, const struct stack_frame *frame, struct stack_slot *slot)
{
	slot->reply = (struct tcp_reply){0};
	slot->conn = CONN_NONE;
	slot->length = 0;
	slot->shared = false;
	slot->wake = false;
	if (frame->length == 0) {
		slot->packet.kind = WIRE_NOTHING;
		slot->packet.drop = DROP_segmented;
		return;
	}
	wire_parse(&s->host, frame->data, frame->length, frame->csum, &slot->packet);
	if (slot->packet.kind != WIRE_TCP ||
	    !listener_on_port(&s->index, ntohs(flow_lport(&slot->packet.flow))))
		return;
	slot->hash = flow_hash(&slot->packet.flow, &s->flow_key);
	flow_table_prefetch(&s->table, slot->hash);
}

/* Only asks for the lines: what is looked up early is stale when SYN and ACK share a burst. */
static void
warm(const struct stack *s, const struct stack_slot *slot)
{
	struct flow_probe p;
	uint32_t conn;

	if (slot->packet.kind != WIRE_TCP ||
	    !listener_on_port(&s->index, ntohs(flow_lport(&slot->packet.flow))))
		return;
	p = flow_table_probe(&s->table, slot->hash);
	conn = flow_probe_next(&s->table, &p);
	if (conn != FLOW_TABLE_NONE)
		__builtin_prefetch(conn_store_tcp(&s->conns, conn), 1);
}

static void
act(struct stack *s, struct stack_frame *frame, struct stack_slot *slot)
{
	struct wire_packet *p = &slot->packet;

	switch ((enum wire_kind)p->kind) {
	case WIRE_TCP:
		stack_segment(s, slot);
		break;
	case WIRE_ARP:
		slot->length = arp_input(&s->host, frame->data, frame->length, frame->room, p);
		slot->reply.drop = p->drop;
		break;
	case WIRE_ECHO:
		slot->length = icmp_input(&s->host, frame->data, frame->length, frame->room, p);
		slot->reply.drop = p->drop;
		break;
	case WIRE_SOLICIT:
		slot->length = ndp_input(&s->host, frame->data, frame->length, frame->room, p);
		slot->reply.drop = p->drop;
		break;
	case WIRE_NOTHING:
		slot->reply.drop = p->drop;
		break;
	}
}

void
stack_emit_tcp(struct stack *s, struct stack_frame *frame, const struct wire_l2 *l2,
	       const struct flow *flow, const struct tcp_reply *reply)
{
	assert(frame->room >= WIRE_TCP_MAX);
	frame->tcp = true;
	frame->length = wire_emit_tcp(&s->host, l2, flow, reply, frame->data, &frame->lengths);
	if (reply->flags & TCP_RST)
		s->counters.rst[reply->rst]++;
}

/* An application whose read was waiting is scheduled once the whole burst is in. */
static void
wake(struct stack *s, struct stack_slot *slot)
{
	struct timer_node before;

	if (!slot->wake || slot->conn == CONN_NONE)
		return;
	if (!(conn_store_tcp(&s->conns, slot->conn)->flags & TCP_F_READING))
		return; /* woken by an earlier slot already */
	before = conn_store_tcp(&s->conns, slot->conn)->timer;
	if (stack_app_run(s, slot->conn, STACK_APP_DATA))
		stack_rearm(s, slot->conn, &before);
}

/* Writes the reply over the frame that asked for it, and counts the frame: exactly once. */
static void
emit(struct stack *s, struct stack_frame *frame, struct stack_slot *slot)
{
	struct stack_counters *n = &s->counters;

	n->rx++;
	frame->tcp = false;
	frame->length = slot->length;
	if (slot->reply.flags != 0)
		stack_emit_tcp(s, frame, &slot->packet.l2, &slot->packet.flow, &slot->reply);
	n->tx += frame->length > 0;
	if (frame->length > 0 || slot->shared)
		n->answered++;
	else if (slot->reply.drop != DROP_NONE)
		n->dropped[slot->reply.drop]++;
	else
		n->consumed++;
}

void
stack_burst(struct stack *s, struct stack_frame *frames, unsigned int count, stack_us now)
{
	assert(count <= STACK_BURST_MAX);
	stack_set_time(s, now);
	for (unsigned int i = 0; i < count; i++)
		parse(s, &frames[i], &s->slots[i]);
	for (unsigned int i = 0; i < count; i++)
		warm(s, &s->slots[i]);
	s->acting = true;
	for (unsigned int i = 0; i < count; i++) {
		s->slot_count = i + 1;
		act(s, &frames[i], &s->slots[i]);
	}
	s->acting = false;
	for (unsigned int i = 0; i < count; i++)
		wake(s, &s->slots[i]);
	for (unsigned int i = 0; i < count; i++) {
		if (s->slots[i].conn != CONN_NONE)
			conn_store_tcp(&s->conns, s->slots[i].conn)->flags &=
				(uint16_t)~TCP_F_ACK_PENDING;
	}
	s->slot_count = 0;
	for (unsigned int i = 0; i < count; i++)
		emit(s, &frames[i], &s->slots[i]);
}

const struct stack_counters *
stack_counters(const struct stack *s)
{
	return &s->counters;
}

uint32_t
stack_connections(const struct stack *s)
{
	return s->conns.count;
}

uint32_t
stack_half_open(const struct stack *s)
{
	return s->half_open;
}
