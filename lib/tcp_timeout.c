/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_timeout.c - what time does to a connection. RFC 9293 3.10.8, RFC 6298. Every timer:
 * SYN-RECEIVED   the delayed SYN-ACK; then it is sent again at 1, 3, 7, 15, 31 s; at 63 s given up
 * FIN-WAIT-1, CLOSING, LAST-ACK   the FIN again, or a probe while the peer's window holds it back
 * those, ESTABLISHED, CLOSE-WAIT  text again, or a probe: tcp_send.c
 * FIN-WAIT-2     only without a reader: 60 s
 * TIME-WAIT      2 MSL
 * Knows no wheel. */
#include <assert.h>

#include "tcp_reply.h"
#include "tcp_send.h"

bool
tcp_back_off(struct tcp_conn *c, unsigned int limit, const struct tcp_env *env)
{
	uint32_t rto = 2u * c->rto_ms;

	if (c->retries >= limit)
		return false;
	c->retries = (c->retries + 1u) & 0xfu;
	c->rto_ms = (uint16_t)(rto < TCP_RTO_MAX_MS ? rto : TCP_RTO_MAX_MS);
	c->timer.tcp_ms = timer_node_at(env->now, c->rto_ms);
	return true;
}

static enum tcp_verdict
syn_received(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	if (c->flags & TCP_F_SYN_ACK_DUE) {
		c->flags &= (uint16_t)~TCP_F_SYN_ACK_DUE;
		c->timer.tcp_ms = timer_node_at(env->now, c->rto_ms);
	} else if (!tcp_back_off(c, TCP_SYN_ACK_RETRIES, env)) {
		return TCP_RELEASE;
	}
	tcp_reply_syn_ack(c, env, out);
	return TCP_KEEP;
}

static enum tcp_verdict
fin_unacknowledged(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	if (!tcp_back_off(c, TCP_RETRIES, env))
		return TCP_RELEASE;
	if (c->flags & TCP_F_FIN_UNSENT) {
		/* RFC 9293 3.8.6.1 MUST-36: there is no data to probe with, so an old sequence
		 * number asks for the ACK that tells the window. */
		tcp_reply_ack(c, env, out);
		out->seq = c->snd.nxt - 1;
	} else {
		tcp_reply_fin(c, c->snd.nxt - 1, env, out);
	}
	return TCP_KEEP;
}

enum tcp_verdict
tcp_timeout(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	*out = (struct tcp_reply){0};
	if (env->send != NULL && tcp_send_due(c, env->send))
		return tcp_send_timeout(c, env);
	switch ((enum tcp_state)c->state) {
	case TCP_SYN_RECEIVED:
		return syn_received(c, env, out);
	case TCP_FIN_WAIT_1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		return fin_unacknowledged(c, env, out);
	case TCP_FIN_WAIT_2:
	case TCP_TIME_WAIT:
		return TCP_RELEASE;
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		break;
	}
	assert(false && "a timer in a state that has none");
	return TCP_KEEP;
}
