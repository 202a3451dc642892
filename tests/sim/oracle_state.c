/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_state.c - looks into the stack: are the table, the wheel and the connections sound? The
 * one place that knows how the stack keeps them. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "oracle.h"
#include "stack_internal.h"

/* What one look at all connections has counted. */
struct tally {
	uint32_t connections, half_open, armed;
	bool ticked; /* what is due has been given out */
};

static bool
wrong(struct oracle *o, uint32_t conn, const char *rule)
{
	const struct tcp_conn *c = conn_store_tcp(&o->stack->conns, conn);
	struct flow flow;

	conn_store_flow(&o->stack->conns, conn, &flow);
	return oracle_fail(o,
			   "%s: connection %u, port %u from IPv%u port %u, %s, flags %#x, step %u",
			   rule, conn, ntohs(flow_lport(&flow)), flow.family,
			   ntohs(flow_rport(&flow)), tcp_state_name(c->state), c->flags, c->step);
}

static uint32_t
find(const struct stack *s, const struct flow *flow)
{
	struct flow_probe p = flow_table_probe(&s->table, flow_hash(flow, &s->flow_key));
	uint32_t conn;

	while ((conn = flow_probe_next(&s->table, &p)) != FLOW_TABLE_NONE) {
		if (conn_store_is(&s->conns, conn, flow))
			return conn;
	}
	return CONN_NONE;
}

struct flow
oracle_flow(const struct segment *s, bool came)
{
	const uint8_t *laddr = came ? s->dst : s->src, *raddr = came ? s->src : s->dst;
	uint16_t lport = htons(came ? s->dport : s->sport);
	uint16_t rport = htons(came ? s->sport : s->dport);
	struct flow flow;

	memset(&flow, 0, sizeof(flow));
	flow.family = s->family;
	if (s->family == 4) {
		memcpy(&flow.v4.laddr, laddr, 4);
		memcpy(&flow.v4.raddr, raddr, 4);
		flow.v4.lport = lport;
		flow.v4.rport = rport;
	} else {
		memcpy(flow.v6.laddr, laddr, 16);
		memcpy(flow.v6.raddr, raddr, 16);
		flow.v6.lport = lport;
		flow.v6.rport = rport;
	}
	return flow;
}

uint32_t
oracle_find_flow(const struct oracle *o, const struct flow *flow)
{
	return find(o->stack, flow);
}

const struct tcp_conn *
oracle_find(const struct oracle *o, const struct segment *s)
{
	struct flow flow = oracle_flow(s, true);
	uint32_t conn = find(o->stack, &flow);

	return conn == CONN_NONE ? NULL : conn_store_tcp(&o->stack->conns, conn);
}

bool
oracle_is_open(const struct oracle *o, const struct segment *s)
{
	struct flow flow = oracle_flow(s, true);
	uint32_t conn = find(o->stack, &flow);

	return conn != CONN_NONE &&
	       conn_store_tcp(&o->stack->conns, conn)->state != TCP_SYN_RECEIVED;
}

void
oracle_note_ack(struct oracle *o, const struct segment *s)
{
	struct flow flow = oracle_flow(s, false);
	uint32_t conn = find(o->stack, &flow);

	if (conn == CONN_NONE)
		return;
	/* Text that waited behind the burst may say less than the ACK in it. */
	if (o->conns[conn].acked_look == o->look + 1 && seq_lt(s->ack, o->conns[conn].acked))
		return;
	o->conns[conn].acked = s->ack;
	o->conns[conn].acked_look = o->look + 1;
}

/* The table's next connection from slot *place on; CONN_NONE past the last. */
static uint32_t
next_conn(const struct stack *s, uint32_t *place)
{
	while (*place < s->table.bucket_count * FLOW_TABLE_SLOTS) {
		const struct flow_bucket *b = &s->table.buckets[*place / FLOW_TABLE_SLOTS];
		uint32_t conn = b->index[(*place)++ % FLOW_TABLE_SLOTS];

		if (conn != FLOW_TABLE_NONE)
			return conn;
	}
	return CONN_NONE;
}

const struct tcp_conn *
oracle_next(const struct oracle *o, uint32_t *place, struct flow *flow)
{
	uint32_t conn = next_conn(o->stack, place);

	if (conn == CONN_NONE)
		return NULL;
	conn_store_flow(&o->stack->conns, conn, flow);
	return conn_store_tcp(&o->stack->conns, conn);
}

/* The protocol's timer: which states need one, and which have none. tcp_timeout.c. */
static const char *
check_tcp_timer(const struct tcp_conn *c)
{
	bool armed = c->timer.tcp_ms != 0;

	if (c->flags & TCP_F_SENDER)
		return NULL; /* oracle_send.c's */
	switch ((enum tcp_state)c->state) {
	case TCP_SYN_RECEIVED:
	case TCP_FIN_WAIT_1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		return armed ? NULL : "this state ends by a timer";
	case TCP_FIN_WAIT_2:
		if (c->flags & TCP_F_ORPHAN)
			return armed ? NULL : "FIN-WAIT-2 without a reader ends by a timer";
		break;
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		break;
	}
	return armed ? "this state has no timer" : NULL;
}

/* The application's timer. */
static const char *
check_call_timer(const struct oracle *o, const struct tcp_conn *c)
{
	const struct script_step *step = stack_step(o->stack, c);
	bool armed = c->timer.call_ms != 0;

	if (c->flags & TCP_F_ORPHAN)
		return armed ? "who has closed sleeps no more" : NULL;
	if (c->state == TCP_SYN_RECEIVED) {
		bool limited = o->conf->index->listeners[step->listener].handshake_timeout_ms > 0 &&
			       !(c->flags & TCP_F_SYN_ACK_DUE);

		return armed != limited ? "a handshake has the listener's timeout" : NULL;
	}
	switch ((enum script_call)step->call) {
	case SCRIPT_SLEEP:
		return armed ? NULL : "a sleep ends by a timer";
	case SCRIPT_READ:
	case SCRIPT_READ_ANY:
	case SCRIPT_READ_ALL:
		if (!(c->flags & TCP_F_READING))
			return "a script stands at a call that blocks";
		return armed != (step->timeout_ms > 0) ? "a read has SO_RCVTIMEO's timer" : NULL;
	case SCRIPT_WRITE:
		return armed == !(c->flags & TCP_F_WRITING)
			       ? NULL
			       : "a write waits for an ACK, or for memory";
	case SCRIPT_ECHO:
		if (!(c->flags & TCP_F_READING) == !(c->flags & TCP_F_WRITING))
			return "an echo blocks in a read or a write";
		if (c->flags & TCP_F_READING)
			return armed != (step->timeout_ms > 0) ? "an echo has SO_RCVTIMEO's timer"
							       : NULL;
		return NULL;
	case SCRIPT_HANG:
		return armed ? "who hangs waits for nothing" : NULL;
	case SCRIPT_ACCEPT:
	case SCRIPT_TIMEOUT:
	case SCRIPT_SHUTDOWN:
	case SCRIPT_LINGER:
	case SCRIPT_CLOSE:
	case SCRIPT_EXIT:
		break;
	}
	return "a script stands at a call that blocks";
}

static const char *
check_flags(const struct oracle *o, const struct tcp_conn *c)
{
	uint16_t listener = stack_listener(o->stack, c);
	const struct listener *l = &o->conf->index->listeners[listener];
	/* An echo takes as much as it may send, before it knows whether there is memory for it. */
	uint32_t buffer = l->receive_buffer +
			  (stack_step(o->stack, c)->call == SCRIPT_ECHO ? l->send_buffer : 0);
	uint32_t rounding = 1u << c->rcv_shift;
	bool embryo = c->state == TCP_SYN_RECEIVED;

	if (c->flags & TCP_F_ACK_PENDING)
		return "an ACK is pending within a burst only";
	if (embryo && (c->flags & (TCP_F_QUEUED | TCP_F_ACCEPTED | TCP_F_READING)))
		return "SYN-RECEIVED has no application";
	if (!embryo && !(c->flags & (TCP_F_QUEUED | TCP_F_ACCEPTED)))
		return "an established connection is queued or accepted";
	if (c->rcv.held > buffer + rounding && !(c->flags & TCP_F_READING))
		return "no more is held than the receive buffer takes";
	if (!(c->flags & TCP_F_READING) && c->rcv.held + tcp_rcv_wnd(c) > buffer + rounding &&
	    !tcp_peer_closed(c))
		return "the window is the receive buffer less what is held";
	return NULL;
}

/* Against what was seen of the same connection before. */
static const char *
check_progress(const struct oracle *o, const struct tcp_conn *c, uint32_t conn)
{
	struct oracle_conn *was = &o->conns[conn];
	bool acked = was->acked_look == o->look && was->acked == c->rcv.nxt;
	uint32_t edge = c->rcv.nxt + tcp_rcv_wnd(c);
	const char *rule = NULL;

	if (o->none_ended && was->look + 1 == o->look) {
		if (seq_lt(c->rcv.nxt, was->rcv_nxt))
			rule = "RCV.NXT never goes back";
		else if (seq_lt(c->snd.una, was->snd_una) || seq_lt(c->snd.nxt, was->snd_nxt))
			rule = "SND.UNA and SND.NXT never go back";
		/* RFC 7323 2.4: a scaled window cannot name every byte. */
		else if (seq_lt(edge + (1u << c->rcv_shift) - 1, was->edge) && !tcp_peer_closed(c))
			rule = "RFC 9293 3.8.6 SHLD-14: the window's right edge moved left";
		/* The ACK may still wait to be sent. */
		else if (c->rcv.nxt != was->rcv_nxt && !acked && stack_pending(o->stack) == 0)
			rule = "D-13: what came in order is acknowledged at once";
		if (seq_lt(edge, was->edge))
			edge = was->edge;
	}
	was->look = o->look;
	was->rcv_nxt = c->rcv.nxt;
	was->snd_una = c->snd.una;
	was->snd_nxt = c->snd.nxt;
	was->edge = edge;
	/* Who writes nothing sends nothing but SYN and FIN. */
	if (!(c->flags & TCP_F_SENDER) && c->snd.nxt - c->snd.una > 1)
		rule = "SND.NXT is SND.UNA or one more";
	return rule;
}

static bool
is_due(uint32_t deadline, uint32_t now_ms)
{
	return deadline != 0 && (int32_t)(deadline - now_ms) <= 0;
}

static const char *
check_wheel(const struct oracle *o, const struct tcp_conn *c, uint32_t conn, struct tally *t)
{
	bool armed = c->timer.tcp_ms != 0 || c->timer.call_ms != 0;
	uint32_t now_ms = (uint32_t)(o->now / 1000);

	t->armed += armed;
	if (timer_wheel_holds(&o->stack->wheel, conn) != armed)
		return "what has a deadline is in the wheel, and nothing else";
	if (t->ticked && (is_due(c->timer.tcp_ms, now_ms) || is_due(c->timer.call_ms, now_ms)))
		return "a timer is late";
	return NULL;
}

static bool
check_conn(struct oracle *o, uint32_t conn, struct tally *t)
{
	const struct stack *s = o->stack;
	const struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
	struct flow flow;
	const char *rule;

	conn_store_flow(&s->conns, conn, &flow);
	if (find(s, &flow) != conn)
		return wrong(o, conn, "a connection is found by its four-tuple, once");
	if (conn_store_side(&s->conns, conn)->path == PATH_NONE)
		return wrong(o, conn, "a connection has a way back");
	t->connections++;
	t->half_open += c->state == TCP_SYN_RECEIVED;
	if ((rule = check_tcp_timer(c)) != NULL || (rule = check_call_timer(o, c)) != NULL ||
	    (rule = check_flags(o, c)) != NULL || (rule = check_wheel(o, c, conn, t)) != NULL ||
	    (rule = check_progress(o, c, conn)) != NULL ||
	    (rule = oracle_check_sender(o, conn)) != NULL)
		return wrong(o, conn, rule);
	return true;
}

/* Does the wheel wake its caller in time for every connection? */
static bool
check_idle(struct oracle *o)
{
	const struct stack *s = o->stack;
	uint32_t wake_ms = (stack_idle_us(s, o->now, 3600u * 1000000u) + 999) / 1000;
	uint32_t now_ms = (uint32_t)(o->now / 1000), place = 0, conn;

	while ((conn = next_conn(s, &place)) != CONN_NONE) {
		const struct timer_node *t = &conn_store_tcp(&s->conns, conn)->timer;

		if ((t->tcp_ms && (int32_t)(t->tcp_ms - now_ms) < (int32_t)wake_ms) ||
		    (t->call_ms && (int32_t)(t->call_ms - now_ms) < (int32_t)wake_ms))
			return wrong(o, conn,
				     "stack_idle_us() sleeps no longer than to a deadline");
	}
	return true;
}

/* The accept queues: what is counted in each is what waits there, and no more than backlog. */
static bool
check_queues(struct oracle *o)
{
	const struct stack *s = o->stack;

	for (uint16_t l = 0; l < o->conf->listener_room; l++) {
		uint32_t waiting = 0, place = 0, conn;

		if (s->queued[l] == 0)
			continue;
		while ((conn = next_conn(s, &place)) != CONN_NONE) {
			const struct tcp_conn *c = conn_store_tcp(&s->conns, conn);

			waiting += (c->flags & TCP_F_QUEUED) && stack_listener(s, c) == l;
		}
		if (waiting != s->queued[l] || waiting > o->conf->index->listeners[l].backlog)
			return oracle_fail(o, "listener %s: %u queued of %u, %u are counted",
					   o->conf->index->listeners[l].name, waiting,
					   o->conf->index->listeners[l].backlog, s->queued[l]);
	}
	return true;
}

bool
oracle_check_state(struct oracle *o, bool ticked)
{
	const struct stack *s = o->stack;
	struct tally t = {.ticked = ticked && stack_queue_room(s) >= 2};
	/* It lets those go on that wait for room; later in the walk nothing moves. */
	unsigned int pending = stack_pending(o->stack);
	uint32_t place = 0, conn;

	o->look++;
	o->none_ended = s->counters.closed == o->closed_then;
	if (!o->none_ended)
		o->stale = true;
	if (o->stale && pending == 0) {
		oracle_text_forget(o);
		o->stale = false;
	}
	o->closed_then = s->counters.closed;
	while ((conn = next_conn(s, &place)) != CONN_NONE) {
		if (!check_conn(o, conn, &t))
			return false;
	}
	if (t.connections != s->conns.count || t.connections != s->table.count)
		return oracle_fail(o, "%u connections in the table, which counts %u, the store %u",
				   t.connections, s->table.count, s->conns.count);
	if (t.half_open != s->half_open)
		return oracle_fail(o, "%u half open, %u are counted", t.half_open, s->half_open);
	if (t.armed != s->wheel.count)
		return oracle_fail(o, "%u connections have a timer, the wheel holds %u", t.armed,
				   s->wheel.count);
	if (s->paths.count > t.connections)
		return oracle_fail(o, "%u ways back for %u connections", s->paths.count,
				   t.connections);
	return check_queues(o) && oracle_check_senders(o) && (!t.ticked || check_idle(o));
}
