/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_conn.c - from a segment to its connection, what it does there, and how connections end. */
#include <assert.h>

#include "stack_env.h"
#include "stack_slot.h"

uint16_t
stack_listener(const struct stack *s, const struct tcp_conn *c)
{
	return stack_step(s, c)->listener;
}

/* Looks at the bucket where the slot's walk is. True: it goes on behind it. */
static inline bool
look(struct stack *s, struct stack_slot *slot, struct flow_probe *p)
{
	slot->seen = flow_probe_here(&s->table, p);
	if (slot->seen != FLOW_TABLE_NONE || !flow_probe_goes_on(&s->table, p))
		return false;
	flow_probe_prefetch(&s->table, p);
	return true;
}

/* All slots look at their buckets, then those whose bucket sends them on at the next ones, and so
 * on: they wait for memory together. */
static void
look_up(struct stack *s, unsigned int count)
{
	struct {
		struct stack_slot *slot;
		struct flow_probe probe;
	} walks[STACK_BURST_MAX];
	unsigned int going_on = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct flow_probe p = flow_table_probe(&s->table, s->slots[i].hash);

		if (look(s, &s->slots[i], &p)) {
			walks[going_on].slot = &s->slots[i];
			walks[going_on++].probe = p;
		}
	}
	while ((count = going_on) > 0) {
		going_on = 0;
		for (unsigned int i = 0; i < count; i++) {
			struct stack_slot *slot = walks[i].slot;
			struct flow_probe p = walks[i].probe;

			flow_probe_go_on(&s->table, &p);
			if (look(s, slot, &p)) {
				walks[going_on].slot = slot;
				walks[going_on++].probe = p;
			}
		}
	}
}

void
stack_warm(struct stack *s, unsigned int count)
{
	look_up(s, count);
	/* Nothing else in between: an address that has to be translated first keeps the processor,
	 * and only what it has within its reach waits together. */
	for (unsigned int i = 0; i < count; i++) {
		if (s->slots[i].seen != CONN_NONE)
			conn_store_prefetch(&s->conns, s->slots[i].seen);
	}
}

_Static_assert(CONN_NONE == FLOW_TABLE_NONE, "seen is either");

static uint32_t
find(const struct stack *s, const struct stack_slot *slot)
{
	struct flow_probe p;
	uint32_t conn = slot->seen;

	/* The place of what was seen early and was closed since is no four-tuple's, or another's;
	 * what was not seen may have been opened since, as where SYN and ACK share a burst. */
	if (conn != CONN_NONE ? conn_store_is(&s->conns, conn, &slot->packet.flow)
			      : !stack_may_be_opened(s, slot->hash))
		return conn;
	p = flow_table_probe(&s->table, slot->hash);
	while ((conn = flow_probe_next(&s->table, &p)) != FLOW_TABLE_NONE) {
		if (conn_store_is(&s->conns, conn, &slot->packet.flow))
			return conn;
	}
	return CONN_NONE;
}

void
stack_rearm(struct stack *s, uint32_t conn, const struct timer_node *before)
{
	const struct timer_node *t = &conn_store_tcp(&s->conns, conn)->timer;

	if (t->tcp_ms != before->tcp_ms || t->call_ms != before->call_ms)
		timer_wheel_update(&s->wheel, conn);
}

static uint64_t
hash_of(const struct stack *s, uint32_t conn)
{
	struct flow flow;

	conn_store_flow(&s->conns, conn, &flow);
	return flow_hash(&flow, &s->flow_key);
}

void
stack_release(struct stack *s, uint32_t conn)
{
	struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
	struct stack_slot *slot = stack_last_slot(s, conn);

	flow_table_remove(&s->table, slot != NULL ? slot->hash : hash_of(s, conn), conn);
	c->timer.tcp_ms = 0;
	c->timer.call_ms = 0;
	timer_wheel_update(&s->wheel, conn);
	path_table_drop(&s->paths, conn_store_side(&s->conns, conn)->path);
	if (c->flags & TCP_F_SENDER)
		stack_sender_drop(s, c, conn);
	if (c->flags & TCP_F_QUEUED)
		s->queued[stack_listener(s, c)]--;
	stack_count_alive(s, stack_listener(s, c), false);
	stack_calls_forget(s, c);
	if (c->state == TCP_SYN_RECEIVED)
		s->half_open--;
	conn_store_give(&s->conns, conn);
	s->counters.closed++;
	/* The entry may be another connection's before the burst is over. */
	for (; slot != NULL; slot = stack_earlier_slot(s, slot, conn))
		slot->conn = CONN_NONE;
}

/* D-14: one more challenge ACK this second? RFC 5961 7. */
static bool
may_challenge(struct stack *s, uint32_t conn)
{
	struct conn_side *side = conn_store_side(&s->conns, conn);
	uint16_t at = (uint16_t)(s->now >> 5);

	if (s->conf.challenge_acks == 0)
		return true;
	if (side->challenges == 0 || (uint16_t)(at - side->challenge_at) > 1000 >> 5) {
		side->challenge_at = at;
		side->challenges = 0;
	}
	if (side->challenges >= s->conf.challenge_acks)
		return false;
	side->challenges++;
	return true;
}

/* The next ACK of in-order text says all that the last one of the same burst says, and takes its
 * place: D-13, RFC 9293 3.8.6.3 MUST-58. Anything else in between lets it stand: a duplicate ACK
 * has to be one more, or the peer could not count them (RFC 5681 3.2). */
static void
coalesce(struct stack *s, struct stack_slot *slot, struct tcp_conn *c, uint32_t conn)
{
	struct stack_slot *earlier = stack_pending_ack(s, conn);

	stack_claim(s, slot, conn);
	if (slot->reply.flags == 0)
		return;
	if (earlier != NULL) {
		if (slot->reply.coalesce) {
			earlier->reply = (struct tcp_reply){0};
			earlier->shared = true;
		}
		earlier->reply.coalesce = false;
		c->flags &= (uint16_t)~TCP_F_ACK_PENDING;
	}
	if (slot->reply.coalesce)
		c->flags |= TCP_F_ACK_PENDING;
}

/* The peer's way may have changed since its SYN. */
static void
follow_path(struct stack *s, uint32_t conn, const struct wire_l2 *l2)
{
	struct conn_side *side = conn_store_side(&s->conns, conn);
	uint16_t path;

	if (memcmp(path_table_get(&s->paths, side->path), l2, sizeof(*l2)) == 0)
		return;
	path = path_table_hold(&s->paths, l2);
	if (path == PATH_NONE)
		return;
	path_table_drop(&s->paths, side->path);
	side->path = path;
}

/* The handshake is complete: the connection waits to be accepted. False if it is gone already. */
static bool
established(struct stack *s, struct stack_slot *slot, struct tcp_conn *c, uint32_t conn)
{
	s->half_open--;
	s->counters.established++;
	c->timer.call_ms = 0;
	c->flags |= TCP_F_QUEUED;
	s->queued[stack_listener(s, c)]++;
	follow_path(s, conn, &slot->packet.l2);
	return stack_app_run(s, conn, STACK_APP_START);
}

/* Has text to be kept for an echo to come? */
static bool
keeps_text(const struct stack *s, const struct tcp_conn *c)
{
	return stack_step(s, c)->keeps &&
	       (c->state == TCP_SYN_RECEIVED || c->state == TCP_ESTABLISHED);
}

/* Keeps what tcp_input() took of the slot's text: bytes of it, the first of them being number seq.
 */
static void
keep_text(struct stack *s, const struct stack_slot *slot, struct tcp_conn *c, uint32_t conn,
	  uint32_t seq, uint32_t bytes)
{
	const struct wire_packet *p = &slot->packet;
	uint32_t skip = seq - p->seg.seq - !!(p->seg.flags & TCP_SYN);

	stack_keep(s, c, conn, slot->frame->data + p->l4 + p->l4_length - p->seg.text + skip,
		   bytes);
}

/* What a segment has let go is sent. */
static void
send_text(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	if (!(c->flags & TCP_F_SENDER))
		return;
	stack_push(s, c, conn);
	/* Everything is acknowledged, and nothing will follow; or not before long. */
	if (c->state == TCP_FIN_WAIT_2 || c->state == TCP_TIME_WAIT ||
	    stack_sender_spare(s, c, conn))
		stack_sender_drop(s, c, conn);
}

void
stack_connection_segment(struct stack *s, struct stack_slot *slot, uint32_t conn)
{
	struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
	struct tcp_env env;
	const struct tcp_conn was = *c;
	bool keeps = slot->packet.seg.text > 0 && keeps_text(s, c);
	enum tcp_verdict v;

	stack_env(s, c, conn, &env);
	env.refuse_text = keeps && !stack_may_keep(s, c, slot->packet.seg.text);
	v = tcp_input(c, &slot->packet.seg, &env, &slot->reply);
	if (slot->reply.challenge) {
		if (may_challenge(s, conn))
			s->counters.challenge_acks++;
		else
			slot->reply = (struct tcp_reply){.drop = DROP_tcp_challenge_limit};
	}
	coalesce(s, slot, c, conn);
	switch (v) {
	case TCP_RELEASE:
		stack_release(s, conn);
		return;
	case TCP_REOPEN:
		stack_reopen(s, slot, conn);
		return;
	case TCP_KEEP:
	case TCP_NEXT:
		break;
	}
	if (keeps && c->rcv.held > was.rcv.held)
		keep_text(s, slot, c, conn, was.rcv.nxt, c->rcv.held - was.rcv.held);
	if (was.state == TCP_SYN_RECEIVED && c->state != TCP_SYN_RECEIVED) {
		if (!established(s, slot, c, conn))
			return;
	} else {
		slot->wake = ((c->flags & TCP_F_READING) && c->rcv.nxt != was.rcv.nxt) ||
			     ((c->flags & TCP_F_WRITING) && c->snd.una != was.snd.una);
		send_text(s, c, conn);
	}
	stack_rearm(s, conn, &was.timer);
}

void
stack_segment(struct stack *s, struct stack_slot *slot)
{
	uint32_t conn = find(s, slot);

	slot->reply = (struct tcp_reply){0};
	slot->conn = CONN_NONE;
	slot->claimed = false;
	slot->sender = SENDER_NONE;
	slot->shared = false;
	slot->wake = false;
	if (conn != CONN_NONE && stack_supersedes(s, slot, conn)) {
		stack_release(s, conn);
		conn = CONN_NONE;
	}
	if (conn == CONN_NONE)
		stack_listen_segment(s, slot);
	else
		stack_connection_segment(s, slot, conn);
}
