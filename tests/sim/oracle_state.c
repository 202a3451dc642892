/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_state.c - looks into the stack: is each connection sound? With oracle_look.c and
 * oracle_send.c the one place that knows how the stack keeps them. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "oracle_look.h"

bool
oracle_wrong(struct oracle *o, uint32_t conn, const char *rule)
{
	const struct tcp_conn *c = conn_store_tcp(&o->stack->conns, conn);
	struct flow flow;

	conn_store_flow(&o->stack->conns, conn, &flow);
	oracle_about(o, rule, flow.family,
		     flow.family == 4 ? (const uint8_t *)&flow.v4.raddr : flow.v6.raddr);
	return oracle_fail(o,
			   "%s: connection %u, port %u from IPv%u port %u, %s, flags %#x, step %u",
			   rule, conn, ntohs(flow_lport(&flow)), flow.family,
			   ntohs(flow_rport(&flow)), tcp_state_name(c->state), c->flags, c->step);
}

uint32_t
oracle_find_ends(const struct oracle *o, const struct oracle_ends *ends)
{
	const struct stack *s = o->stack;
	struct flow_probe p = flow_table_probe(&s->table, ends->hash);
	uint32_t conn;

	while ((conn = flow_probe_next(&s->table, &p)) != FLOW_TABLE_NONE) {
		if (conn_store_is(&s->conns, conn, &ends->flow))
			return conn;
	}
	return CONN_NONE;
}

struct oracle_ends
oracle_ends(const struct oracle *o, const struct segment *s, bool came)
{
	const uint8_t *laddr = came ? s->dst : s->src, *raddr = came ? s->src : s->dst;
	uint16_t lport = htons(came ? s->dport : s->sport);
	uint16_t rport = htons(came ? s->sport : s->dport);
	struct oracle_ends ends;
	struct flow *flow = &ends.flow;

	memset(flow, 0, sizeof(*flow));
	flow->family = s->family;
	if (s->family == 4) {
		memcpy(&flow->v4.laddr, laddr, 4);
		memcpy(&flow->v4.raddr, raddr, 4);
		flow->v4.lport = lport;
		flow->v4.rport = rport;
	} else {
		memcpy(flow->v6.laddr, laddr, 16);
		memcpy(flow->v6.raddr, raddr, 16);
		flow->v6.lport = lport;
		flow->v6.rport = rport;
	}
	ends.hash = flow_hash(flow, &o->stack->flow_key);
	return ends;
}

const struct tcp_conn *
oracle_find(const struct oracle *o, const struct segment *s)
{
	struct oracle_ends ends = oracle_ends(o, s, true);
	uint32_t conn = oracle_find_ends(o, &ends);

	return conn == CONN_NONE ? NULL : conn_store_tcp(&o->stack->conns, conn);
}

bool
oracle_is_open(const struct oracle *o, uint32_t conn)
{
	return conn != CONN_NONE &&
	       conn_store_tcp(&o->stack->conns, conn)->state != TCP_SYN_RECEIVED;
}

void
oracle_note_ack(struct oracle *o, const struct segment *s, uint32_t conn)
{
	if (conn == CONN_NONE)
		return;
	/* Text that waited behind the burst may say less than the ACK in it. */
	if (o->conns[conn].acked_look == o->look + 1 && seq_lt(s->ack, o->conns[conn].acked))
		return;
	/* What waited may also be of the connection before, and say more than this one has had. */
	if (seq_gt(s->ack, conn_store_tcp(&o->stack->conns, conn)->rcv.nxt))
		return;
	o->conns[conn].acked = s->ack;
	o->conns[conn].acked_look = o->look + 1;
}

const struct tcp_conn *
oracle_next(const struct oracle *o, uint32_t *place, struct flow *flow)
{
	const struct conn_store *store = &o->stack->conns;

	for (; *place < conn_store_places(store); ++*place) {
		if (!conn_store_alive(store, *place))
			continue;
		conn_store_flow(store, *place, flow);
		return conn_store_tcp(store, (*place)++);
	}
	return NULL;
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

	if (was->same) {
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
	was->rcv_nxt = c->rcv.nxt;
	was->snd_una = c->snd.una;
	was->snd_nxt = c->snd.nxt;
	was->edge = edge;
	/* Who writes nothing sends nothing but SYN and FIN. */
	if (!(c->flags & TCP_F_SENDER) && c->snd.nxt - c->snd.una > 1)
		rule = "SND.NXT is SND.UNA or one more";
	return rule;
}

const char *
oracle_check_conn(struct oracle *o, uint32_t conn)
{
	const struct stack *s = o->stack;
	const struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
	bool armed = c->timer.tcp_ms != 0 || c->timer.call_ms != 0;
	const char *rule;

	if (timer_wheel_holds(&s->wheel, conn) != armed)
		return "what has a deadline is in the wheel, and nothing else";
	if ((rule = check_tcp_timer(c)) != NULL || (rule = check_call_timer(o, c)) != NULL ||
	    (rule = check_flags(o, c)) != NULL || (rule = check_progress(o, c, conn)) != NULL)
		return rule;
	return oracle_check_sender(o, conn);
}
