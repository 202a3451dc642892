/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_timer.c - what happens without a frame: timers, and the segments that no frame asked
 * for. */
#include <assert.h>

#include "stack_env.h"
#include "stack_slot.h"

struct stack_slot *
stack_pending_ack(struct stack *s, uint32_t conn)
{
	if (s->slot_count == 0 || !(conn_store_tcp(&s->conns, conn)->flags & TCP_F_ACK_PENDING))
		return NULL;
	for (struct stack_slot *slot = stack_last_slot(s, conn); slot != NULL;
	     slot = stack_earlier_slot(s, slot, conn)) {
		if (slot->reply.coalesce)
			return slot;
	}
	assert(false && "an ACK is pending in some slot");
	return NULL;
}

/* The last slot of conn in this burst, but for frames that were dropped: those may be anybody's.
 * NULL if there is none. */
static struct stack_slot *
last_slot(struct stack *s, uint32_t conn)
{
	struct stack_slot *slot = stack_last_slot(s, conn);

	while (slot != NULL && slot->reply.drop != DROP_NONE)
		slot = stack_earlier_slot(s, slot, conn);
	return slot;
}

/* Behind the burst; false if there is no room. */
static bool
enqueue(struct stack *s, uint32_t conn, const struct tcp_reply *reply, uint32_t sender)
{
	struct stack_segment *segment = &s->queue[s->queue_tail % STACK_QUEUE];

	if (stack_queue_room(s) == 0)
		return false;
	conn_store_flow(&s->conns, conn, &segment->flow);
	segment->l2 = *path_table_get(&s->paths, conn_store_side(&s->conns, conn)->path);
	segment->reply = *reply;
	segment->sender = sender;
	s->queue_tail++;
	return true;
}

/* May reply take the place of what slot says, which is of the same connection? */
static bool
may_replace(const struct stack *s, const struct stack_slot *slot, const struct tcp_reply *reply)
{
	if (slot->reply.flags == 0)
		return true;
	/* The ACK says nothing that text behind it does not say as well. */
	if (reply->text > 0)
		return slot->reply.coalesce;
	/* While segments are still to come, nothing of this connection should wait behind them.
	 * What the slot holds is an ACK, which the reply repeats, or the text or FIN of the same
	 * application, which it does not. */
	if (s->acting)
		return !(slot->reply.flags & TCP_FIN) && slot->reply.text == 0;
	/* A RST does not say what had been taken in; it follows the ACK that does. */
	return slot->reply.coalesce && (!(reply->flags & TCP_RST) || stack_queue_room(s) == 0);
}

/* Has conn text that waits behind the burst, so that what follows, text of sender or not, has to
 * wait too? */
static bool
text_waits(const struct stack *s, uint32_t conn, uint32_t sender)
{
	if (sender == SENDER_NONE && conn_store_tcp(&s->conns, conn)->flags & TCP_F_SENDER)
		sender = stack_sender_find(s, conn);
	return sender != SENDER_NONE && s->senders[sender].waiting > 0;
}

/* Has the slot's frame room for the reply? */
static bool
fits(const struct stack_slot *slot, const struct tcp_reply *reply)
{
	const struct wire_packet *p = &slot->packet;

	return reply->text == 0 ||
	       slot->frame->room >= wire_text_offset(&p->l2, &p->flow, reply) + reply->text;
}

/* RFC 9293 3.8.6.3 MUST-58: text in a later slot than the ACK that waits says what that does. */
static void
take_ack_along(struct stack *s, uint32_t conn)
{
	struct stack_slot *pending = stack_pending_ack(s, conn);

	if (pending == NULL)
		return;
	pending->reply = (struct tcp_reply){0};
	pending->shared = true;
	conn_store_tcp(&s->conns, conn)->flags &= (uint16_t)~TCP_F_ACK_PENDING;
}

void
stack_send(struct stack *s, uint32_t conn, const struct tcp_reply *reply, uint32_t sender)
{
	struct stack_slot *slot = last_slot(s, conn);

	if (slot == NULL || text_waits(s, conn, sender) || !may_replace(s, slot, reply) ||
	    !fits(slot, reply)) {
		/* With no room it is as if the network had lost it: the FIN is sent again, and the
		 * next segment for a connection that was reset draws another RST. */
		if (enqueue(s, conn, reply, sender) && sender != SENDER_NONE)
			s->senders[sender].waiting++;
		return;
	}
	if (slot->reply.coalesce)
		conn_store_tcp(&s->conns, conn)->flags &= (uint16_t)~TCP_F_ACK_PENDING;
	else if (reply->text > 0)
		take_ack_along(s, conn);
	slot->reply = *reply;
	slot->sender = sender;
	if (sender != SENDER_NONE)
		s->senders[sender].waiting++;
}

unsigned int
stack_pending(struct stack *s)
{
	/* What a host that is down sends is lost. */
	while (s->reach != STACK_UP && s->queue_head != s->queue_tail) {
		uint32_t sender = s->queue[s->queue_head++ % STACK_QUEUE].sender;

		if (sender != SENDER_NONE)
			stack_sender_unhold(s, sender);
		stack_push_ready(s);
	}
	stack_push_ready(s);
	return STACK_QUEUE - stack_queue_room(s);
}

/* Text that has waited acknowledges what has come meanwhile: its peer has heard of that already. */
static void
refresh(struct stack *s, struct stack_segment *segment)
{
	uint32_t conn =
		segment->sender != SENDER_NONE ? s->senders[segment->sender].conn : CONN_NONE;
	const struct tcp_env env = {.tsval = s->tsval}; /* nothing else of it is wanted */

	if (conn != CONN_NONE)
		tcp_reply_refresh(conn_store_tcp(&s->conns, conn), &env, &segment->reply);
}

bool
stack_output(struct stack *s, struct stack_frame *frame)
{
	struct stack_segment *segment;

	if (stack_pending(s) == 0)
		return false;
	segment = &s->queue[s->queue_head % STACK_QUEUE];
	refresh(s, segment);
	stack_emit_tcp(s, frame, &segment->l2, &segment->flow, &segment->reply, segment->sender);
	s->counters.tx++;
	s->queue_head++;
	return true;
}

static bool
due(uint32_t deadline, tcp_ms now)
{
	return deadline != 0 && (int32_t)(deadline - (uint32_t)now) <= 0;
}

/* The protocol's timer. False if the connection is gone. */
static bool
protocol_timer(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	bool delayed = c->flags & TCP_F_SYN_ACK_DUE;
	struct tcp_env env;
	struct tcp_reply reply;
	enum tcp_verdict v;

	stack_env(s, c, conn, &env);
	c->timer.tcp_ms = 0;
	v = tcp_timeout(c, &env, &reply);
	if (delayed)
		stack_arm_handshake_timeout(s, c);
	else if (reply.flags & TCP_SYN)
		s->counters.syn_ack_retransmitted++;
	else if (reply.flags & TCP_FIN)
		s->counters.fin_retransmitted++;
	if (reply.flags != 0)
		enqueue(s, conn, &reply, SENDER_NONE);
	if (v != TCP_RELEASE) {
		if (c->flags & TCP_F_SENDER)
			stack_push(s, c, conn);
		return true;
	}
	stack_release(s, conn);
	return false;
}

/* The application's timer; before there is one, the listener's handshake_timeout. False if the
 * connection is gone. */
static bool
call_timer(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	struct tcp_env env;
	struct tcp_reply reply;

	c->timer.call_ms = 0;
	if (c->state != TCP_SYN_RECEIVED)
		return stack_app_run(s, conn, STACK_APP_TIMER);
	stack_env(s, c, conn, &env);
	tcp_abort(c, TCP_RST_HANDSHAKE_TIMEOUT, &env, &reply);
	enqueue(s, conn, &reply, SENDER_NONE);
	stack_release(s, conn);
	return false;
}

void
stack_tick(struct stack *s, stack_us now)
{
	uint32_t conn;

	stack_set_time(s, now);
	/* Of one connection at most two segments without text: its FIN or SYN-ACK again and what
	 * its application does, or the application's FIN and the RST behind it. */
	while (stack_queue_room(s) >= 2 &&
	       (conn = timer_wheel_expire(&s->wheel, s->elapsed)) != TIMER_WHEEL_NONE) {
		struct tcp_conn *c = conn_store_tcp(&s->conns, conn);

		if (due(c->timer.tcp_ms, s->elapsed) && !protocol_timer(s, c, conn))
			continue;
		if (due(c->timer.call_ms, s->elapsed) && !call_timer(s, c, conn))
			continue;
		timer_wheel_update(&s->wheel, conn);
	}
}

uint32_t
stack_idle_us(const struct stack *s, stack_us now, uint32_t limit)
{
	uint64_t us;

	if (s->queue_head != s->queue_tail || s->sender_ready != SENDER_NONE)
		return 0;
	/* To the millisecond in which it is due, of which this one is partly over. */
	us = UINT64_C(1000) * timer_wheel_idle(&s->wheel, now / 1000, limit / 1000 + 2);
	us = us > now % 1000 ? us - now % 1000 : 0;
	return us < limit ? (uint32_t)us : limit;
}
