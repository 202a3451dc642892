/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_listen.c - segments that belong to no connection: how connections begin. */
#include <arpa/inet.h>
#include <assert.h>

#include "stack_answer.h"
#include "stack_env.h"
#include "stack_slot.h"

/* RFC 9293 3.6.1 MAY-2, as far above the old connection's numbers as Linux goes. */
#define REOPEN_DISTANCE (65535 + 2)

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
	stack_mark_opened(s, slot->hash);
	side = conn_store_side(&s->conns, conn);
	*side = (struct conn_side){.path = path};
	stack_claim(s, slot, conn);
	s->half_open++;
	s->counters.opened++;
	return conn;
}

static void
send_cookie(struct stack *s, struct stack_slot *slot, const struct listener *l)
{
	const struct tcp_seg *seg = &slot->packet.seg;
	struct tcp_env env;
	uint32_t iss = slot->syn_hashed == STACK_HASHED_COOKIE
			       ? isn_cookie_of(slot->syn_hash, slot->mss_index, s->cookie_tick)
			       : isn_cookie_make(&s->cookie_key, &slot->packet.flow, seg->seq,
						 slot->peer_mss, s->cookie_tick);

	stack_listener_env(s, l, slot->packet.flow.family, &slot->peer_mss, &env);
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

void
stack_arm_handshake_timeout(const struct stack *s, struct tcp_conn *c)
{
	uint32_t limit = s->conf.index->listeners[stack_listener(s, c)].handshake_timeout_ms;

	if (limit > 0)
		c->timer.call_ms = timer_node_at(s->now, limit);
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

	input.flow = flow_hash(&slot->packet.flow, &s->chance_key);
	return siphash(&s->chance_key, &input, sizeof(input));
}

/* The listener that the slot's segment meets; LISTENER_NONE: none. */
static inline __attribute__((always_inline)) uint16_t
meet(const struct stack *s, const struct stack_slot *slot)
{
	const struct listener_index *index = s->conf.index;
	const struct flow *flow = &slot->packet.flow;
	const uint16_t only = index->only[ntohs(flow_lport(flow))];

	if (only != LISTENER_NONE)
		return only;
	return listener_find(index, flow, index->draws ? draw(s, slot) : 0, s->taken);
}

/* RFC 9293 3.10.7.2 third: makes the slot's SYN a connection. at_least: the ISS must be this or
 * more, where there was a connection before (NULL: there was none). False, and the reason in the
 * slot, if there is no room. */
static bool
open_connection(struct stack *s, struct stack_slot *slot, uint16_t number, const uint32_t *at_least)
{
	const struct listener *l = &s->conf.index->listeners[number];
	struct tcp_env env;
	uint32_t conn = take(s, slot);
	struct tcp_conn *c;
	uint32_t iss;

	if (conn == CONN_NONE)
		return false;
	stack_listener_env(s, l, slot->packet.flow.family, &slot->peer_mss, &env);
	iss = slot->syn_hashed == STACK_HASHED_ISN
		      ? isn_of(slot->syn_hash, s->isn_ticks)
		      : isn_make(&s->isn_key, &slot->packet.flow, s->isn_ticks);
	if (at_least != NULL && seq_lt(iss, *at_least))
		iss = *at_least;
	c = conn_store_tcp(&s->conns, conn);
	conn_store_side(&s->conns, conn)->peer_mss = slot->peer_mss;
	tcp_open(c, &slot->packet.seg, iss, l->syn_ack_delay_ms, &env, &slot->reply);
	c->step = l->step;
	stack_count_alive(s, number, true);
	if (l->syn_ack_delay_ms == 0)
		stack_arm_handshake_timeout(s, c);
	timer_wheel_update(&s->wheel, conn);
	s->taken[number]++;
	return true;
}

/* A SYN for a listener: an entry, a cookie, or nothing. design.md, "cookies = auto". */
static void
take_syn(struct stack *s, struct stack_slot *slot, uint16_t number)
{
	const struct listener *l = &s->conf.index->listeners[number];

	/* D-24. */
	if (s->queued[number] >= l->backlog) {
		slot->reply.drop = DROP_tcp_backlog_full;
		return;
	}
	switch ((enum listener_cookies)l->cookies) {
	case COOKIES_NEVER:
		open_connection(s, slot, number, NULL);
		return;
	case COOKIES_AUTO:
		if ((uint64_t)s->half_open * 4 < s->conf.connections &&
		    open_connection(s, slot, number, NULL))
			return;
		break;
	case COOKIES_ALWAYS:
		break;
	}
	send_cookie(s, slot, l);
}

/* A SYN that TIME-WAIT gives way to, if there is a listener for it: in the place that was
 * TIME-WAIT's, whatever the listener says of cookies, for a cookie is not above the old
 * connection's numbers. RFC 9293 3.6.1 MAY-2. */
void
stack_reopen(struct stack *s, struct stack_slot *slot, uint32_t conn)
{
	uint32_t at_least = conn_store_tcp(&s->conns, conn)->snd.nxt + REOPEN_DISTANCE;
	uint16_t number = meet(s, slot);

	if (number == LISTENER_NONE) {
		stack_input_closed(s, &slot->packet.seg, &slot->reply);
	} else if (s->queued[number] >= s->conf.index->listeners[number].backlog) {
		slot->reply.drop = DROP_tcp_backlog_full;
	} else {
		stack_release(s, conn);
		open_connection(s, slot, number, &at_least);
	}
}

/* Is the slot's segment the ACK of a cookie that this listener may have sent? Then *mss is what the
 * cookie remembers. */
static inline __attribute__((always_inline)) bool
proves_cookie(const struct stack *s, const struct stack_slot *slot, uint16_t number, uint16_t *mss)
{
	const struct listener *l = &s->conf.index->listeners[number];
	const struct tcp_seg *seg = &slot->packet.seg;

	if ((seg->flags & (TCP_ACK | TCP_SYN | TCP_RST)) != TCP_ACK || l->cookies == COOKIES_NEVER)
		return false;
	/* Without a cookie sent of late nobody can hold one, but for other machines' clients, and
	 * guessing is not worth a hash. */
	if (l->cookies == COOKIES_AUTO && !s->conf.cookie_shared &&
	    (!s->cookie_ever || s->cookie_tick - s->cookie_sent >= ISN_COOKIE_TICKS))
		return false;
	return isn_cookie_check(&s->cookie_key, &slot->packet.flow, seg->seq - 1, seg->ack - 1,
				s->cookie_tick, mss);
}

/* RFC 4987 3.6: an ACK that proves a SYN we kept nothing of. True if it was one, whatever came of
 * it. */
static inline __attribute__((always_inline)) bool
take_cookie(struct stack *s, struct stack_slot *slot, uint16_t number)
{
	const struct listener *l = &s->conf.index->listeners[number];
	const struct tcp_seg *seg = &slot->packet.seg;
	struct isn_cookie_options kept = {0};
	struct tcp_syn_options syn = {0};
	struct tcp_env env;
	struct tcp_conn *c;
	uint32_t conn;

	if (!proves_cookie(s, slot, number, &kept.mss))
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
	stack_listener_env(s, l, slot->packet.flow.family, &kept.mss, &env);
	tcp_open_from_cookie(c, seg, &syn, &env);
	c->step = l->step;
	stack_count_alive(s, number, true);
	s->taken[number]++;
	s->counters.cookies_accepted++;
	stack_connection_segment(s, slot, conn);
	return true;
}

/* A SYN that was answered with a cookie may have come again and been given an entry; then the ACK
 * of the cookie finds the entry, and is as good. */
bool
stack_supersedes(struct stack *s, const struct stack_slot *slot, uint32_t conn)
{
	const struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
	uint16_t mss;

	return c->state == TCP_SYN_RECEIVED && slot->packet.seg.ack != c->snd.nxt &&
	       slot->packet.seg.seq == c->rcv.nxt &&
	       proves_cookie(s, slot, stack_listener(s, c), &mss);
}

void
stack_listen_segment(struct stack *s, struct stack_slot *slot)
{
	const struct wire_packet *p = &slot->packet;
	uint16_t number = meet(s, slot);

	if (number == LISTENER_NONE) {
		stack_input_closed(s, &p->seg, &slot->reply);
	} else if (take_cookie(s, slot, number)) {
		return;
	} else if (tcp_input_listen(&p->seg, &slot->reply)) {
		take_syn(s, slot, number);
		if (slot->conn != CONN_NONE)
			return;
	}
	stack_answer_slot(s, slot);
}
