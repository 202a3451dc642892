/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_reply.c - everything TCP ever sends, and the window it advertises. RFC 9293 3.10.7, 3.8.6.
 * Knows no packets. */
#include <assert.h>

#include "tcp_reply.h"

#define FIELD_MAX UINT16_MAX

uint8_t
tcp_window_shift(uint32_t rcv_buff)
{
	uint8_t shift = 0;

	while (rcv_buff >> shift > FIELD_MAX && shift < TCP_WSCALE_MAX)
		shift++;
	return shift;
}

static uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t
tcp_window_step(const struct tcp_env *env)
{
	return min_u32(*env->peer_mss, env->rcv_buff - env->rcv_buff / 2);
}

/* Chooses RCV.WND anew, where current bytes of the last one are left. */
static void
advertise(struct tcp_conn *c, uint32_t current, const struct tcp_env *env)
{
	uint32_t unread = tcp_unread(c, env);
	uint32_t space = unread < env->rcv_buff ? env->rcv_buff - unread : 0;
	uint8_t shift = c->flags & TCP_F_WSCALE ? tcp_window_shift(env->rcv_buff) : 0;
	uint32_t wnd = space;
	uint32_t field;

	/* RFC 9293 3.8.6 SHLD-14: the right edge does not move left. RFC 9293 3.8.6.2.2: nor does
	 * it move right in small steps, unless all has been read. */
	if (wnd < current || (unread > 0 && wnd - current < tcp_window_step(env)))
		wnd = current;
	field = wnd >> shift;
	/* A scaled window cannot name every byte. Rounding down would move the edge left, so round
	 * up; but only once, or single bytes would widen the buffer for ever. */
	if (field << shift < current &&
	    ((field + 1) << shift) + unread < env->rcv_buff + (1u << shift))
		field++;
	c->rcv_wnd = (uint16_t)min_u32(field, FIELD_MAX);
	c->rcv_shift = shift & 0xfu;
}

void
tcp_advance(struct tcp_conn *c, uint32_t bytes, const struct tcp_env *env)
{
	uint32_t wnd = tcp_rcv_wnd(c);

	c->rcv.nxt += bytes;
	/* Text and FIN of one segment come here one after the other: the FIN was in the window that
	 * the segment was cut to, which rounding may have made smaller since. */
	advertise(c, wnd > bytes ? wnd - bytes : 0, env);
}

/* RFC 7323 3.2: once negotiated, in every segment. */
static void
add_timestamp(const struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	if (!(c->flags & TCP_F_TS))
		return;
	out->options |= TCP_OPT_TS;
	out->tsval = env->tsval;
	out->tsecr = c->ts_recent;
}

void
tcp_reply_abort(const struct tcp_conn *c, enum tcp_rst reason, const struct tcp_env *env,
		struct tcp_reply *out)
{
	*out = (struct tcp_reply){.seq = c->snd.nxt,
				  .ack = c->rcv.nxt,
				  .flags = TCP_RST | TCP_ACK,
				  .rst = (uint8_t)reason};
	add_timestamp(c, env, out);
}

/* A segment that acknowledges RCV.NXT and advertises the window. */
static void
reply(struct tcp_conn *c, uint32_t seq, uint8_t flags, const struct tcp_env *env,
      struct tcp_reply *out)
{
	advertise(c, tcp_rcv_wnd(c), env);
	*out = (struct tcp_reply){
		.seq = seq, .ack = c->rcv.nxt, .wnd = c->rcv_wnd, .flags = flags | TCP_ACK};
	add_timestamp(c, env, out);
}

void
tcp_reply_ack(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	/* In SYN-RECEIVED the window is still the SYN-ACK's own. */
	reply(c, c->snd.nxt, 0, env, out);
}

void
tcp_reply_challenge(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	tcp_reply_ack(c, env, out);
	out->challenge = true;
}

void
tcp_reply_syn_ack(const struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	const uint8_t options = (uint8_t)((c->flags & TCP_F_WSCALE ? TCP_OPT_WSCALE : 0) |
					  (c->flags & TCP_F_SACK ? TCP_OPT_SACK_OK : 0) |
					  (c->flags & TCP_F_TS ? TCP_OPT_TS : 0));

	tcp_reply_syn_ack_with(c->snd.una, c->rcv.nxt, options, c->ts_recent, env, out);
}

void
tcp_reply_fin(struct tcp_conn *c, uint32_t seq, const struct tcp_env *env, struct tcp_reply *out)
{
	reply(c, seq, TCP_FIN, env, out);
}

void
tcp_reply_text(struct tcp_conn *c, uint32_t seq, uint16_t text, bool fin, const struct tcp_env *env,
	       struct tcp_reply *out)
{
	reply(c, seq, fin ? TCP_FIN : 0, env, out);
	out->text = text;
}

void
tcp_reply_refresh(const struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *reply)
{
	reply->ack = c->rcv.nxt;
	reply->wnd = c->rcv_wnd;
	add_timestamp(c, env, reply);
}

void
tcp_send_fin(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	if (env->send != NULL) {
		c->flags |= TCP_F_FIN_UNSENT;
		return;
	}
	c->retries = 0;
	c->timer.tcp_ms = timer_node_at(env->now, c->rto_ms);
	/* The FIN takes one byte of the peer's window. RFC 9293 3.4, 3.8.6.1. */
	if (tcp_snd_wnd(c) == 0) {
		c->flags |= TCP_F_FIN_UNSENT;
		return;
	}
	c->flags &= (uint16_t)~TCP_F_FIN_UNSENT;
	tcp_reply_fin(c, c->snd.nxt, env, out);
	c->snd.nxt++;
}
