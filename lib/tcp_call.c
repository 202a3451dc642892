/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_call.c - what the host and its application do to a connection: OPEN, CLOSE, ABORT and
 * RECEIVE. RFC 9293 3.10.1 to 3.10.5. Knows no scripts. */
#include "tcp_reply.h"

/* A connection in SYN-RECEIVED; its options and SND.WND are still to come. */
static void
init(struct tcp_conn *c, uint32_t irs, uint32_t iss, const struct tcp_env *env)
{
	struct timer_node timer = c->timer;

	timer.tcp_ms = 0;
	timer.call_ms = 0;
	*c = (struct tcp_conn){
		.timer = timer,
		.snd = {.una = iss, .nxt = iss + 1},
		.rcv = {.nxt = irs + 1},
		.rcv_wnd = (uint16_t)(env->rcv_buff < UINT16_MAX ? env->rcv_buff : UINT16_MAX),
		.rto_ms = TCP_RTO_INITIAL_MS,
		.state = TCP_SYN_RECEIVED,
	};
}

static void
set_options(struct tcp_conn *c, uint8_t options, uint8_t wscale, uint32_t tsval,
	    const struct tcp_env *env)
{
	if (options & TCP_OPT_WSCALE) {
		c->flags |= TCP_F_WSCALE;
		c->snd_shift = (wscale < TCP_WSCALE_MAX ? wscale : TCP_WSCALE_MAX) & 0xfu;
	}
	if (options & TCP_OPT_SACK_OK)
		c->flags |= TCP_F_SACK;
	if (options & TCP_OPT_TS) {
		c->flags |= TCP_F_TS;
		c->ts_recent = tsval;
		c->ts_age = (uint16_t)(env->now >> TCP_TS_AGE_SHIFT);
	}
}

void
tcp_open(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t iss, uint32_t delay_ms,
	 const struct tcp_env *env, struct tcp_reply *out)
{
	*out = (struct tcp_reply){0};
	init(c, seg->seq, iss, env);
	set_options(c, seg->options, seg->wscale, seg->tsval, env);
	/* RFC 7323 2.2: a SYN's window is not scaled. */
	c->snd_wnd = seg->wnd;
	c->snd_max_wnd = seg->wnd;
	c->flags |= TCP_F_MAX_WND_RAW;
	if (delay_ms > 0) {
		c->flags |= TCP_F_SYN_ACK_DUE;
		c->timer.tcp_ms = timer_node_at(env->now, delay_ms);
		return;
	}
	c->timer.tcp_ms = timer_node_at(env->now, c->rto_ms);
	tcp_reply_syn_ack(c, env, out);
}

void
tcp_open_cookie(const struct tcp_seg *seg, uint32_t iss, const struct tcp_env *env,
		struct tcp_reply *out)
{
	/* The timestamp alone can remember window scale and SACK. */
	const uint8_t options = seg->options & TCP_OPT_TS ? seg->options : 0;

	tcp_reply_syn_ack_with(iss, seg->seq + 1, options, seg->tsval, env, out);
}

void
tcp_open_from_cookie(struct tcp_conn *c, const struct tcp_seg *seg,
		     const struct tcp_syn_options *syn, const struct tcp_env *env)
{
	init(c, seg->seq - 1, seg->ack - 1, env);
	set_options(c, syn->options, syn->wscale, seg->tsval, env);
}

enum tcp_verdict
tcp_shutdown(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	*out = (struct tcp_reply){0};
	switch ((enum tcp_state)c->state) {
	/* RFC 9293 3.10.4: FIN, and FIN-WAIT-1; from CLOSE-WAIT LAST-ACK (3.3.2). */
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
		c->state = TCP_FIN_WAIT_1;
		tcp_send_fin(c, env, out);
		break;
	case TCP_CLOSE_WAIT:
		c->state = TCP_LAST_ACK;
		tcp_send_fin(c, env, out);
		break;
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		break;
	}
	return TCP_KEEP;
}

enum tcp_verdict
tcp_close(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	*out = (struct tcp_reply){0};
	/* RFC 9293 3.6.1 SHLD-3, RFC 2525 2.17: data is lost, and the peer is told, unless it is
	 * gone itself. */
	if (tcp_unread(c, env) > 0 && c->state != TCP_TIME_WAIT) {
		tcp_reply_abort(c, TCP_RST_UNREAD_DATA, env, out);
		return TCP_RELEASE;
	}
	c->flags |= TCP_F_ORPHAN;
	c->rcv.held = 0;
	/* RFC 9293 3.6.1: nobody will read: FIN-WAIT-2 does not wait for ever. */
	if (c->state == TCP_FIN_WAIT_2)
		c->timer.tcp_ms = timer_node_at(env->now, TCP_FIN_WAIT_2_MS);
	return tcp_shutdown(c, env, out);
}

enum tcp_verdict
tcp_abort(struct tcp_conn *c, enum tcp_rst reason, const struct tcp_env *env, struct tcp_reply *out)
{
	*out = (struct tcp_reply){0};
	switch ((enum tcp_state)c->state) {
	/* RFC 9293 3.10.5: <SEQ=SND.NXT><CTL=RST>, with the ACK bit (D-5). */
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
		tcp_reply_abort(c, reason, env, out);
		break;
	/* RFC 9293 3.10.5: no RST. */
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		break;
	}
	return TCP_RELEASE;
}

void
tcp_window_update(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	uint32_t unread = tcp_unread(c, env);
	uint32_t space = unread < env->rcv_buff ? env->rcv_buff - unread : 0;
	uint32_t step = tcp_window_step(env);
	uint32_t wnd = tcp_rcv_wnd(c);

	*out = (struct tcp_reply){0};
	/* Nothing more can come. */
	if (tcp_peer_closed(c))
		return;
	/* RFC 9293 3.8.6.2.2: a sender with room for a segment goes on by itself; the others wait
	 * for a step worth their while. */
	if (wnd < step && space >= wnd + step)
		tcp_reply_ack(c, env, out);
}
