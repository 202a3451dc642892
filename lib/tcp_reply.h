/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_reply.h - everything TCP ever sends, spelled as the RFC spells it. For tcp_*.c; of
 * the stack's files only those that rebuild an ACK. rules.md section 3. */
#ifndef RIPOSTE_TCP_REPLY_H
#define RIPOSTE_TCP_REPLY_H

#include <assert.h>

#include "tcp.h"

/* With the ACK bit <SEQ=SEG.ACK><CTL=RST>, without it
 * <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. RFC 9293 3.10.7.1. */
static inline void
tcp_reply_reset(const struct tcp_seg *seg, enum tcp_rst reason, struct tcp_reply *out)
{
	/* RFC 9293 3.5.2: a RST is never answered with a RST. */
	assert(!(seg->flags & TCP_RST));
	if (seg->flags & TCP_ACK)
		*out = (struct tcp_reply){.seq = seg->ack, .flags = TCP_RST};
	else
		*out = (struct tcp_reply){
			.seq = 0, .ack = seg->seq + tcp_seg_len(seg), .flags = TCP_RST | TCP_ACK};
	out->rst = (uint8_t)reason;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>. RFC 9293 3.10.5; D-5. */
void tcp_reply_abort(const struct tcp_conn *c, enum tcp_rst reason, const struct tcp_env *env,
		     struct tcp_reply *out);

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, and advertises the window. */
void tcp_reply_ack(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

/* The same, limited by the stack to so many a second. RFC 5961 3.2, 4.2. */
void tcp_reply_challenge(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

/* <SEQ=iss><ACK=ack><CTL=SYN,ACK> with our MSS, and what else the SYN had of options; tsecr is its
 * TSval. */
static inline void
tcp_reply_syn_ack_with(uint32_t iss, uint32_t ack, uint8_t options, uint32_t tsecr,
		       const struct tcp_env *env, struct tcp_reply *out)
{
	*out = (struct tcp_reply){
		.seq = iss,
		.ack = ack,
		/* RFC 7323 2.2: never scaled. */
		.wnd = (uint16_t)(env->rcv_buff < UINT16_MAX ? env->rcv_buff : UINT16_MAX),
		.mss = env->mss,
		.flags = TCP_SYN | TCP_ACK,
		.options =
			TCP_OPT_MSS | (options & (TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_TS)),
	};
	if (options & TCP_OPT_WSCALE)
		out->wscale = tcp_window_shift(env->rcv_buff);
	if (options & TCP_OPT_TS) {
		out->tsval = env->tsval;
		out->tsecr = tsecr;
	}
}

/* <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> with the options that were negotiated. */
void tcp_reply_syn_ack(const struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

/* <SEQ=seq><ACK=RCV.NXT><CTL=FIN,ACK>, and advertises the window. */
void tcp_reply_fin(struct tcp_conn *c, uint32_t seq, const struct tcp_env *env,
		   struct tcp_reply *out);

/* <SEQ=seq><ACK=RCV.NXT><CTL=ACK> with text, and FIN if fin; advertises the window. */
void tcp_reply_text(struct tcp_conn *c, uint32_t seq, uint16_t text, bool fin,
		    const struct tcp_env *env, struct tcp_reply *out);

/* What has come since a segment with text was made, it acknowledges too. */
void tcp_reply_refresh(const struct tcp_conn *c, const struct tcp_env *env,
		       struct tcp_reply *reply);

/* Sends the FIN of a connection that is closed, or holds it back while the peer's window is zero;
 * arms the timer for either. One that has written leaves it to tcp_send_next(). */
void tcp_send_fin(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

/* Bytes by which a window has to grow to be worth telling, at least 1: min(MSS, RCV.BUFF / 2). RFC
 * 9293 3.8.6.2.2. */
uint32_t tcp_window_step(const struct tcp_env *env);

/* Takes bytes of sequence space from the window: text, or the peer's FIN. */
void tcp_advance(struct tcp_conn *c, uint32_t bytes, const struct tcp_env *env);

#endif
