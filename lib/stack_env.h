/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_env.h - what TCP has to know of the host, the listener and the application to act on one
 * connection; made anew for each segment, so inline. For stack_*.c. */
#ifndef RIPOSTE_STACK_ENV_H
#define RIPOSTE_STACK_ENV_H

#include "stack_internal.h"

/* What a listener and the host decide for its connections of a family, 4 or 6, and what the peer
 * has announced, which lives as long as env. Field by field: a struct that is put together
 * elsewhere and copied in wide words waits for its narrow ones. */
static inline void
stack_listener_env(const struct stack *s, const struct listener *l, uint8_t family,
		   const uint16_t *peer_mss, struct tcp_env *env)
{
	env->now = s->now;
	env->tsval = s->tsval;
	env->rcv_buff = l->receive_buffer;
	env->msl_ms = s->conf.msl_ms;
	env->mss = (uint16_t)(s->conf.mtu - (family == 4 ? 40 : 60));
	env->peer_mss = peer_mss;
	env->reading = 0;
	env->accept_full = false;
	env->refuse_text = false;
	env->send = NULL;
}

/* How much a read takes before it returns; an echo's no more than it can send back. */
static inline uint32_t
stack_read_size(const struct script_step *step, const struct tcp_conn *c,
		const struct tcp_send *send, const struct listener *l)
{
	uint32_t unacked = send != NULL ? tcp_unacked(c, send) : 0;

	if (step->call == SCRIPT_ECHO)
		return unacked < l->send_buffer ? l->send_buffer - unacked : 0;
	return step->call == SCRIPT_READ ? step->arg : UINT32_MAX;
}

/* What connection c's listener and host decide for it. */
static inline void
stack_env(const struct stack *s, const struct tcp_conn *c, uint32_t conn, struct tcp_env *env)
{
	const struct script_step *step = stack_step(s, c);
	const struct listener *l = &s->conf.index->listeners[step->listener];

	stack_listener_env(s, l, conn < s->conns.split ? 4 : 6,
			   &conn_store_side(&s->conns, conn)->peer_mss, env);
	if (c->flags & TCP_F_SENDER)
		env->send = &s->senders[stack_sender_find(s, conn)].tcp;
	if (c->flags & TCP_F_READING)
		env->reading = stack_read_size(step, c, env->send, l);
	if (c->state == TCP_SYN_RECEIVED)
		env->accept_full = s->queued[step->listener] >= l->backlog;
}

#endif
