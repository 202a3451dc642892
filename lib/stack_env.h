/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_env.h - what TCP has to know of the host, the listener and the application to act on one
 * connection; made anew for each segment, so inline. For stack_*.c. */
#ifndef RIPOSTE_STACK_ENV_H
#define RIPOSTE_STACK_ENV_H

#include "stack_internal.h"

/* What a listener and the host decide for its connections of a family, 4 or 6. */
static inline struct tcp_env
stack_listener_env(const struct stack *s, const struct listener *l, uint8_t family)
{
	return (struct tcp_env){
		.now = s->now,
		.tsval = s->tsval,
		.rcv_buff = l->receive_buffer,
		.msl_ms = s->conf.msl_ms,
		.mss = (uint16_t)(s->conf.mtu - (family == 4 ? 40 : 60)),
	};
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
static inline struct tcp_env
stack_env(const struct stack *s, const struct tcp_conn *c, uint32_t conn)
{
	const struct script_step *step = stack_step(s, c);
	const struct listener *l = &s->conf.index->listeners[step->listener];
	struct tcp_env env = stack_listener_env(s, l, conn < s->conns.split ? 4 : 6);

	env.peer_mss = conn_store_side(&s->conns, conn)->peer_mss;
	if (c->flags & TCP_F_SENDER)
		env.send = &s->senders[stack_sender_find(s, conn)].tcp;
	if (c->flags & TCP_F_READING)
		env.reading = stack_read_size(step, c, env.send, l);
	if (c->state == TCP_SYN_RECEIVED)
		env.accept_full = s->queued[step->listener] >= l->backlog;
	return env;
}

#endif
