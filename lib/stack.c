/* SPDX-License-Identifier: BSD-3-Clause */
/* stack.c - a burst's way through the host: parse, warm, act, emit. design.md, "Shape". */
#include <assert.h>

#include "stack_answer.h"

#define LINE 64

static size_t
round_up(size_t bytes)
{
	return (bytes + LINE - 1) / LINE * LINE;
}

/* The parts of a stack's memory, in order. */
struct layout {
	size_t conns, table, paths, listeners, senders, text, end;
};

static struct layout
lay_out(const struct stack_conf *conf)
{
	struct layout at;

	at.conns = round_up(sizeof(struct stack));
	at.table = at.conns + conn_store_bytes(conf->connections, conf->owned->v4_count > 0,
					       conf->owned->v6_count > 0);
	at.paths = at.table + round_up(flow_table_bytes(conf->connections));
	at.listeners = at.paths + round_up(path_table_bytes());
	at.senders = at.listeners + round_up(3 * conf->listener_room * sizeof(uint32_t));
	at.text = at.senders + round_up(stack_senders_bytes(conf));
	at.end = at.text + round_up((size_t)byte_pool_chunks(conf->echo_memory) * BYTE_CHUNK);
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

/* What follows from conf and needs no memory. */
static void
take_conf(struct stack *s)
{
	s->host.ttl = s->conf.ttl;
	s->host.tx_offload = s->conf.tx_offload;
	s->host.owned = s->conf.owned;
	memcpy(s->host.mac, s->conf.mac, sizeof(s->host.mac));
	derive_keys(s);
}

/* No connections, and nothing that came of any. Where the parts lie was settled at the start: what
 * is owned may be less since. */
static void
empty(struct stack *s, stack_us now)
{
	struct siphash_key path_key = siphash_key_derive(&s->conf.secret, "path");
	struct timer_nodes nodes = conn_store_nodes(&s->conns);

	conn_store_clear(&s->conns);
	flow_table_init(&s->table, s->table.buckets, s->conf.connections);
	path_table_init(&s->paths, s->paths.entries, &path_key);
	timer_wheel_init(&s->wheel, &nodes, now / 1000);
	memset(s->queued, 0, 3 * s->conf.listener_room * sizeof(*s->queued));
	stack_senders_clear(s);
	memset(s->called, 0, sizeof(s->called));
	s->queue_head = s->queue_tail = 0;
	s->left_behind = 0;
	s->half_open = 0;
	s->cookie_ever = false;
	stack_set_time(s, now);
}

struct stack *
stack_init(void *memory, const struct stack_conf *conf, stack_us now)
{
	struct layout at = lay_out(conf);
	uint8_t *base = memory;
	struct stack *s = memory;

	assert((uintptr_t)memory % LINE == 0);
	s->conf = *conf;
	take_conf(s);
	conn_store_init(&s->conns, base + at.conns, conf->connections, conf->owned->v4_count > 0,
			conf->owned->v6_count > 0);
	s->table.buckets = (struct flow_bucket *)(base + at.table);
	s->paths.entries = (struct path_entry *)(base + at.paths);
	s->queued = (uint32_t *)(base + at.listeners);
	s->taken = s->queued + conf->listener_room;
	s->alive = s->taken + conf->listener_room;
	s->senders = (struct sender *)(base + at.senders);
	s->text.chunks = (struct byte_chunk *)(base + at.text);
	s->text.count = byte_pool_chunks(conf->echo_memory);
	empty(s, now);
	return s;
}

uint32_t
stack_crash(struct stack *s, stack_us now)
{
	uint32_t forgotten = s->conns.count;

	s->counters.closed += forgotten;
	/* A host that comes up again draws new secrets; others may share that of the cookies. */
	s->conf.secret = siphash_key_derive(&s->conf.secret, "restart");
	if (!s->conf.cookie_shared)
		s->conf.cookie_secret = siphash_key_derive(&s->conf.cookie_secret, "restart");
	derive_keys(s);
	empty(s, now);
	return forgotten;
}

void
stack_set_reach(struct stack *s, enum stack_reach reach)
{
	s->reach = reach;
}

/* Whose address is owned no longer, its connections are forgotten: nothing may be sent from there,
 * and nothing that comes there is heard. */
static void
forget_unowned(struct stack *s)
{
	const struct conn_store *conns = &s->conns;
	struct flow flow;

	for (unsigned int family = 0; family < 2; family++) {
		for (uint32_t conn = family == 0 ? 0 : conns->split; conn < conns->fresh[family];
		     conn++) {
			if (!conn_store_alive(conns, conn))
				continue;
			conn_store_flow(conns, conn, &flow);
			if (flow.family == 4 ? !addr_set_has4(s->conf.owned, flow.v4.laddr)
					     : !addr_set_has6(s->conf.owned, flow.v6.laddr))
				stack_release(s, conn);
		}
	}
}

void
stack_reload(struct stack *s, const struct stack_conf *conf)
{
	struct stack_conf now = s->conf;

	s->conf = *conf;
	/* Memory was laid out by these, and the port is what it is. */
	s->conf.connections = now.connections;
	s->conf.senders = now.senders;
	s->conf.echo_memory = now.echo_memory;
	s->conf.listener_room = now.listener_room;
	s->conf.mtu = now.mtu;
	s->conf.tx_offload = now.tx_offload;
	memcpy(s->conf.mac, now.mac, sizeof(now.mac));
	/* So do the connections' numbers and timestamps go on. */
	s->conf.secret = now.secret;
	if (!conf->cookie_shared && !now.cookie_shared)
		s->conf.cookie_secret = now.cookie_secret;
	/* Listeners are counted from their reload on, wherever in the room there were others. */
	if (conf->index != now.index)
		memset(s->taken + conf->index->first, 0, conf->index->count * sizeof(*s->taken));
	take_conf(s);
	s->left_behind = 0;
	for (uint16_t i = 0; i < s->conf.listener_room; i++)
		if (!listener_in_index(s->conf.index, i))
			s->left_behind += s->alive[i];
	if (!addr_set_covers(s->conf.owned, now.owned))
		forget_unowned(s);
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

void
stack_emit_tcp(struct stack *s, struct stack_frame *frame, const struct wire_l2 *l2,
	       const struct flow *flow, const struct tcp_reply *reply, uint32_t sender)
{
	assert(frame->room >= WIRE_TCP_MAX);
	if (sender != SENDER_NONE) {
		uint32_t offset = wire_text_offset(l2, flow, reply);

		assert(frame->room >= offset + reply->text);
		stack_copy_text(s, sender, reply, frame->data + offset);
		stack_sender_unhold(s, sender);
	}
	frame->tcp = true;
	frame->length = wire_emit_tcp(&s->host, l2, flow, reply, frame->data, &frame->lengths);
	if (reply->flags & TCP_RST)
		s->counters.rst[reply->rst]++;
}

/* An application whose read or write was waiting is scheduled once the whole burst is in. */
static void
wake(struct stack *s, struct stack_slot *slot)
{
	struct timer_node before;

	if (!slot->wake || slot->conn == CONN_NONE)
		return;
	if (!(conn_store_tcp(&s->conns, slot->conn)->flags & (TCP_F_READING | TCP_F_WRITING)))
		return; /* woken by an earlier slot already */
	before = conn_store_tcp(&s->conns, slot->conn)->timer;
	if (stack_app_run(s, slot->conn, STACK_APP_WAKE))
		stack_rearm(s, slot->conn, &before);
}

/* Writes the reply over the frame that asked for it. */
static void
emit(struct stack *s, struct stack_slot *slot)
{
	struct stack_frame *frame = slot->frame;

	frame->length = 0;
	if (slot->sender == SENDER_NONE && stack_answer_later(s, slot))
		return;
	if (slot->reply.flags != 0)
		stack_emit_tcp(s, frame, &slot->packet.l2, &slot->packet.flow, &slot->reply,
			       slot->sender);
	if (slot->shared && frame->length == 0)
		s->counters.answered++;
	else
		stack_count_frame(s, frame, slot->reply.drop);
}

/* Once all of a burst is in: what its connections were waiting for has come. */
static void
settle(struct stack *s, unsigned int slot_count)
{
	for (unsigned int i = 0; i < slot_count; i++)
		wake(s, &s->slots[i]);
	for (unsigned int i = 0; i < slot_count; i++) {
		if (s->slots[i].conn != CONN_NONE)
			conn_store_tcp(&s->conns, s->slots[i].conn)->flags &=
				(uint16_t)~TCP_F_ACK_PENDING;
	}
}

void
stack_burst(struct stack *s, struct stack_frame *frames, unsigned int count, stack_us now)
{
	unsigned int slot_count, left = 0;

	assert(count <= STACK_BURST_MAX);
	stack_set_time(s, now);
	s->counters.rx += count;
	slot_count = stack_parse(s, frames, count);
	stack_hash(s, slot_count);
	stack_warm(s, slot_count);
	memset(s->opened, 0, sizeof(s->opened));
	memset(s->last_slot, SLOT_NONE, sizeof(s->last_slot));
	s->acting = true;
	for (unsigned int i = 0; i < slot_count; i++) {
		s->slot_count = i + 1;
		stack_segment(s, &s->slots[i]);
		left += s->slots[i].frame != NULL;
	}
	s->acting = false;
	if (left > 0)
		settle(s, slot_count);
	s->slot_count = 0;
	for (unsigned int i = 0; left > 0; i++) {
		if (s->slots[i].frame != NULL) {
			emit(s, &s->slots[i]);
			left--;
		}
	}
	stack_answer_now(s);
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
