/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_conn.c - from a segment to its connection or listener; how connections begin and end. */
#include <arpa/inet.h>
#include <assert.h>

#include "stack_internal.h"

/* RFC 9293 3.6.1 MAY-2, as far above the old connection's numbers as Linux goes. */
#define REOPEN_DISTANCE (65535 + 2)

uint16_t
stack_listener(const struct stack *s, const struct tcp_conn *c)
{
	return s->conf.steps[c->step].listener;
}

static struct tcp_env
listener_env(const struct stack *s, const struct listener *l, uint8_t family)
{
	return (struct tcp_env){
		.now = s->now,
		.tsval = s->tsval,
		.rcv_buff = l->receive_buffer,
		.msl_ms = s->conf.msl_ms,
		.mss = (uint16_t)(s->conf.mtu - (family == 4 ? 40 : 60)),
	};
}

/* How much a read takes before it returns. */
static uint32_t
read_size(const struct script_step *step)
{
	return step->call == SCRIPT_READ ? step->arg : UINT32_MAX;
}

struct tcp_env
stack_env(const struct stack *s, const struct tcp_conn *c, uint32_t conn)
{
	const struct script_step *step = &s->conf.steps[c->step];
	const struct listener *l = &s->conf.listeners[step->listener];
	struct tcp_env env = listener_env(s, l, conn < s->conns.split ? 4 : 6);

	env.peer_mss = conn_store_side(&s->conns, conn)->peer_mss;
	env.reading = c->flags & TCP_F_READING ? read_size(step) : 0;
	env.accept_full = s->queued[step->listener] >= l->backlog;
	return env;
}

static uint32_t
find(const struct stack *s, const struct stack_slot *slot)
{
	struct flow_probe p = flow_table_probe(&s->table, slot->hash);
	uint32_t conn;

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

void
stack_release(struct stack *s, uint32_t conn)
{
	struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
	struct flow flow;

	conn_store_flow(&s->conns, conn, &flow);
	flow_table_remove(&s->table, flow_hash(&flow, &s->flow_key), conn);
	c->timer.tcp_ms = 0;
	c->timer.call_ms = 0;
	timer_wheel_update(&s->wheel, conn);
	path_table_drop(&s->paths, conn_store_side(&s->conns, conn)->path);
	if (c->flags & TCP_F_QUEUED)
		s->queued[stack_listener(s, c)]--;
	if (c->state == TCP_SYN_RECEIVED)
		s->half_open--;
	conn_store_give(&s->conns, conn);
	s->counters.closed++;
	/* The entry may be another connection's before the burst is over. */
	for (unsigned int i = 0; i < s->slot_count; i++) {
		if (s->slots[i].conn == conn)
			s->slots[i].conn = CONN_NONE;
	}
}

/* RFC 9293 3.7.1 MUST-15: what the peer can take. */
static uint16_t
peer_mss(const struct stack *s, const struct tcp_seg *seg, uint8_t family)
{
	uint16_t mss = seg->options & TCP_OPT_MSS ? seg->mss : family == 4 ? 536 : 1220;

	return mss < s->conf.min_mss ? s->conf.min_mss : mss;
}

/* An entry for the slot's flow, in the table and with a way back, or CONN_NONE and the reason in
 * the slot. Its tcp part is not set yet. */
static uint32_t
take(struct stack *s, struct stack_slot *slot)
{
	struct conn_side *side;
	uint32_t conn;
	uint16_t path = path_table_hold(&s->paths, &slot->packet.l2);

	if (path == PATH_NONE) {
		slot->reply.drop = DROP_tcp_path_full;
		return CONN_NONE;
	}
	conn = conn_store_take(&s->conns, &slot->packet.flow);
	if (conn == CONN_NONE) {
		path_table_drop(&s->paths, path);
		slot->reply.drop = DROP_tcp_table_full;
		return CONN_NONE;
	}
	if (!flow_table_insert(&s->table, slot->hash, conn))
		assert(false && "the table has room for every connection of the store");
	side = conn_store_side(&s->conns, conn);
	*side = (struct conn_side){.path = path};
	slot->conn = conn;
	s->half_open++;
	s->counters.opened++;
	return conn;
}

static void
send_cookie(struct stack *s, struct stack_slot *slot, const struct listener *l, uint16_t mss)
{
	const struct tcp_seg *seg = &slot->packet.seg;
	struct tcp_env env = listener_env(s, l, slot->packet.flow.family);
	uint32_t iss =
		isn_cookie_make(&s->cookie_key, &slot->packet.flow, seg->seq, mss, s->cookie_tick);

	tcp_open_cookie(seg, iss, &env, &slot->reply);
	if (seg->options & TCP_OPT_TS) {
		struct isn_cookie_options options = {
			.wscale_ok = seg->options & TCP_OPT_WSCALE,
			.wscale = seg->wscale < TCP_WSCALE_MAX ? seg->wscale : TCP_WSCALE_MAX,
			.sack_ok = seg->options & TCP_OPT_SACK_OK,
		};

		slot->reply.tsval = isn_cookie_tsval(slot->reply.tsval, &options);
	}
	s->cookie_sent = s->cookie_tick;
	s->cookie_ever = true;
	s->counters.cookies_sent++;
}

/* design.md, "cookies = auto". */
static bool
wants_cookie(const struct stack *s, const struct listener *l)
{
	switch ((enum listener_cookies)l->cookies) {
	case COOKIES_ALWAYS:
		return true;
	case COOKIES_NEVER:
		return false;
	case COOKIES_AUTO:
		break;
	}
	return (uint64_t)s->half_open * 4 >= s->conf.connections ||
	       s->conns.count == s->conns.limit;
}

void
stack_arm_handshake_timeout(const struct stack *s, struct tcp_conn *c)
{
	uint32_t limit = s->conf.listeners[stack_listener(s, c)].handshake_timeout_ms;

	if (limit > 0)
		c->timer.call_ms = timer_node_at(s->now, limit);
}

/* RFC 9293 3.10.7.2 third. at_least: the ISS must be this or more, where there was a connection
 * before (NULL: there was none). */
static void
open_connection(struct stack *s, struct stack_slot *slot, uint16_t number, const uint32_t *at_least)
{
	const struct listener *l = &s->conf.listeners[number];
	const struct tcp_seg *seg = &slot->packet.seg;
	uint16_t mss = peer_mss(s, seg, slot->packet.flow.family);
	struct tcp_env env = listener_env(s, l, slot->packet.flow.family);
	struct tcp_conn *c;
	uint32_t conn, iss;

	/* D-24. */
	if (s->queued[number] >= l->backlog) {
		slot->reply.drop = DROP_tcp_backlog_full;
		return;
	}
	if (wants_cookie(s, l)) {
		send_cookie(s, slot, l, mss);
		return;
	}
	conn = take(s, slot);
	if (conn == CONN_NONE)
		return;
	iss = isn_make(&s->isn_key, &slot->packet.flow, s->isn_ticks);
	if (at_least != NULL && seq_lt(iss, *at_least))
		iss = *at_least;
	c = conn_store_tcp(&s->conns, conn);
	conn_store_side(&s->conns, conn)->peer_mss = mss;
	env.peer_mss = mss;
	tcp_open(c, seg, iss, l->syn_ack_delay_ms, &env, &slot->reply);
	c->step = l->step;
	if (l->syn_ack_delay_ms == 0)
		stack_arm_handshake_timeout(s, c);
	timer_wheel_update(&s->wheel, conn);
	s->taken[number]++;
}

/* What the listener is drawn by: the same for every segment of one handshake. */
static uint64_t
draw(const struct stack *s, const struct stack_slot *slot)
{
	const struct tcp_seg *seg = &slot->packet.seg;
	struct {
		uint64_t flow;
		uint32_t irs;
		uint32_t zero;
	} input = {.irs = seg->flags & TCP_SYN ? seg->seq : seg->seq - 1};

	if (!s->draws)
		return 0;
	input.flow = flow_hash(&slot->packet.flow, &s->chance_key);
	return siphash(&s->chance_key, &input, sizeof(input));
}

/* RFC 9293 3.10.7.1, or the configuration's "closed = drop". */
static void
no_listener(const struct stack *s, struct stack_slot *slot)
{
	tcp_input_closed(&slot->packet.seg, &slot->reply);
	if (s->conf.closed == STACK_CLOSED_DROP && slot->reply.flags != 0)
		slot->reply = (struct tcp_reply){.drop = DROP_tcp_closed};
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

/* A later answer of the same connection in the same burst says all that the pending ACK says:
 * D-13, RFC 9293 3.8.6.3 MUST-58. */
static void
coalesce(struct stack *s, struct stack_slot *slot, struct tcp_conn *c, uint32_t conn)
{
	struct stack_slot *earlier = stack_pending_ack(s, conn);

	slot->conn = conn;
	if (!(slot->reply.flags & TCP_ACK))
		return;
	if (earlier != NULL) {
		earlier->reply = (struct tcp_reply){0};
		earlier->shared = true;
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

/* A SYN that TIME-WAIT gives way to, if there is a listener for it. RFC 9293 3.6.1 MAY-2. */
static void
reopen(struct stack *s, struct stack_slot *slot, struct tcp_conn *c, uint32_t conn)
{
	uint32_t at_least = c->snd.nxt + REOPEN_DISTANCE;
	uint16_t number = listener_find(&s->index, &slot->packet.flow, draw(s, slot), s->taken);

	if (number == LISTENER_NONE) {
		no_listener(s, slot);
	} else if (s->queued[number] >= s->conf.listeners[number].backlog) {
		slot->reply.drop = DROP_tcp_backlog_full;
	} else {
		stack_release(s, conn);
		open_connection(s, slot, number, &at_least);
	}
}

static void
connection_segment(struct stack *s, struct stack_slot *slot, uint32_t conn)
{
	struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
	struct tcp_env env = stack_env(s, c, conn);
	struct timer_node before = c->timer;
	bool was_half_open = c->state == TCP_SYN_RECEIVED;
	uint32_t rcv_nxt = c->rcv.nxt;
	enum tcp_verdict v = tcp_input(c, &slot->packet.seg, &env, &slot->reply);

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
		reopen(s, slot, c, conn);
		return;
	case TCP_KEEP:
	case TCP_NEXT:
		break;
	}
	if (was_half_open && c->state != TCP_SYN_RECEIVED) {
		if (!established(s, slot, c, conn))
			return;
	} else {
		slot->wake = (c->flags & TCP_F_READING) && c->rcv.nxt != rcv_nxt;
	}
	stack_rearm(s, conn, &before);
}

/* RFC 4987 3.6: an ACK that proves a SYN we kept nothing of. True if it was one, whatever came of
 * it. */
static bool
cookie_segment(struct stack *s, struct stack_slot *slot, uint16_t number)
{
	const struct listener *l = &s->conf.listeners[number];
	const struct tcp_seg *seg = &slot->packet.seg;
	struct isn_cookie_options kept = {0};
	struct tcp_syn_options syn = {0};
	struct tcp_env env;
	struct tcp_conn *c;
	uint32_t conn;

	if ((seg->flags & (TCP_ACK | TCP_SYN | TCP_RST)) != TCP_ACK || l->cookies == COOKIES_NEVER)
		return false;
	/* Without a cookie sent of late nobody can hold one, and guessing is not worth a hash. */
	if (l->cookies == COOKIES_AUTO &&
	    (!s->cookie_ever || s->cookie_tick - s->cookie_sent >= ISN_COOKIE_TICKS))
		return false;
	if (!isn_cookie_check(&s->cookie_key, &slot->packet.flow, seg->seq - 1, seg->ack - 1,
			      s->cookie_tick, &kept.mss))
		return false;
	if (s->queued[number] >= l->backlog) {
		slot->reply.drop = DROP_tcp_backlog_full;
		return true;
	}
	conn = take(s, slot);
	if (conn == CONN_NONE)
		return true;
	if (seg->options & TCP_OPT_TS) {
		isn_cookie_tsecr(seg->tsecr, &kept);
		syn.options = (uint8_t)(TCP_OPT_TS | (kept.wscale_ok ? TCP_OPT_WSCALE : 0) |
					(kept.sack_ok ? TCP_OPT_SACK_OK : 0));
		syn.wscale = kept.wscale;
	}
	/* The cookie's table may have rounded it below the floor that it was made with. */
	if (kept.mss < s->conf.min_mss)
		kept.mss = s->conf.min_mss;
	c = conn_store_tcp(&s->conns, conn);
	conn_store_side(&s->conns, conn)->peer_mss = kept.mss;
	env = listener_env(s, l, slot->packet.flow.family);
	env.peer_mss = kept.mss;
	tcp_open_from_cookie(c, seg, &syn, &env);
	c->step = l->step;
	s->taken[number]++;
	s->counters.cookies_accepted++;
	connection_segment(s, slot, conn);
	return true;
}

void
stack_segment(struct stack *s, struct stack_slot *slot)
{
	uint16_t number;
	uint32_t conn;

	/* A port that nobody listens on has no connections either: no table is touched. */
	if (!listener_on_port(&s->index, ntohs(flow_lport(&slot->packet.flow)))) {
		no_listener(s, slot);
		return;
	}
	conn = find(s, slot);
	if (conn != CONN_NONE) {
		connection_segment(s, slot, conn);
		return;
	}
	number = listener_find(&s->index, &slot->packet.flow, draw(s, slot), s->taken);
	if (number == LISTENER_NONE)
		no_listener(s, slot);
	else if (cookie_segment(s, slot, number))
		return;
	else if (tcp_input_listen(&slot->packet.seg, &slot->reply))
		open_connection(s, slot, number, NULL);
}
