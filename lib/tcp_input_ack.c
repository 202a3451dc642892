/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_input_ack.c - step 5 of what one segment does to one connection: its ACK. RFC 9293 3.10.7.4,
 * RFC 5961 5.2. Knows no packets, tables or clocks. */
#include "tcp_reply.h"
#include "tcp_send.h"
#include "tcp_step.h"
#include "tcp_timestamp.h"

/* SND.WND and MAX.SND.WND from the segment. */
static void
update_snd_wnd(struct tcp_conn *c, uint16_t wnd)
{
	c->snd_wnd = wnd;
	if (tcp_snd_wnd(c) > tcp_max_snd_wnd(c)) {
		c->snd_max_wnd = wnd;
		c->flags &= (uint16_t)~TCP_F_MAX_WND_RAW;
	}
}

/* RFC 6298 2.2: the handshake is the first measurement, if nothing was sent twice. */
static void
measure_handshake(struct tcp_conn *c, const struct tcp_env *env)
{
	uint32_t rtt;

	if (c->retries > 0) {
		c->rto_ms = TCP_RTO_UNKNOWN_MS;
	} else if (c->timer.tcp_ms != 0) {
		rtt = (uint32_t)env->now - (c->timer.tcp_ms - TCP_RTO_INITIAL_MS);
		/* A deadline is never 0, so it may be a millisecond late. */
		rtt = (int32_t)rtt < 0 ? 0 : rtt * 3; /* SRTT + 4 * RTTVAR, RTTVAR = SRTT / 2 */
		c->rto_ms = (uint16_t)(rtt < TCP_RTO_MIN_MS   ? TCP_RTO_MIN_MS
				       : rtt > TCP_RTO_MAX_MS ? TCP_RTO_MAX_MS
							      : rtt);
		c->flags |= TCP_F_RTT;
	}
}

/* RFC 9293 3.10.7.4 step 5, SYN-RECEIVED. */
static enum tcp_verdict
establish(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
	  struct tcp_reply *out)
{
	/* Nothing was sent that this could acknowledge. */
	if (c->flags & TCP_F_SYN_ACK_DUE) {
		out->drop = DROP_tcp_syn_ack_due;
		return TCP_KEEP;
	}
	/* RFC 9293 3.10.7.4 step 5: not our SYN that is acknowledged (D-9). */
	if (seg->ack != c->snd.nxt) {
		tcp_reply_reset(seg, TCP_RST_BAD_ACK, out);
		return TCP_KEEP;
	}
	/* D-24: as if the ACK had been lost. */
	if (env->accept_full) {
		out->drop = DROP_tcp_backlog_full;
		return TCP_KEEP;
	}
	measure_handshake(c, env);
	c->state = TCP_ESTABLISHED;
	c->retries = 0;
	c->timer.tcp_ms = 0;
	c->snd.una = seg->ack;
	update_snd_wnd(c, seg->wnd);
	return TCP_NEXT;
}

/* Is everything we sent acknowledged, the FIN included? */
static bool
fin_acked(const struct tcp_conn *c)
{
	return !(c->flags & TCP_F_FIN_UNSENT) && c->snd.una == c->snd.nxt;
}

/* RFC 9293 3.10.7.4 step 5: is the segment's window newer than SND.WND? */
static bool
sets_window(const struct tcp_conn *c, const struct tcp_seg *seg, struct tcp_send *send)
{
	/* DEVIATION: SND.WL1 and SND.WL2 are not kept of a connection that does not write. A
	 * segment that begins at RCV.NXT and acknowledges SND.UNA or more is never older than the
	 * one that set the window last; one that begins later is not held (D-12) and so does not
	 * set it. */
	if (send == NULL)
		return seg->seq == c->rcv.nxt;
	/* DEVIATION: what acknowledges something new is newer, whatever its sequence number: that
	 * may be of text sent again, and an old window on a new SND.UNA would reach too far. So
	 * SND.WL2 need not be kept: it is never more than SND.UNA, and no less is taken here. */
	if (seg->ack == c->snd.una && seq_gt(send->wl1, seg->seq))
		return false;
	send->wl1 = seg->seq;
	return true;
}

/* RFC 9293 3.10.7.4 step 5, the synchronized states: what an acceptable ACK brings. */
static void
take_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_seg *arrived,
	 const struct tcp_env *env, struct tcp_reply *out)
{
	uint32_t snd_wnd = tcp_snd_wnd(c);

	if (seq_lt(seg->ack, c->snd.una))
		return;
	if (sets_window(c, seg, env->send))
		update_snd_wnd(c, seg->wnd);
	if (env->send != NULL) {
		/* As it came: with the text that step 1 may have cut off it is no duplicate ACK. */
		tcp_send_acked(c, arrived, snd_wnd, env);
		return;
	}
	c->snd.una = seg->ack;
	if (c->flags & TCP_F_FIN_UNSENT) {
		/* RFC 9293 3.8.6.1 MUST-37: the peer lives, however long its window stays shut. */
		c->retries = 0;
		if (tcp_snd_wnd(c) > 0) {
			/* The probes' back-off says nothing of the network. */
			if (c->rto_ms > TCP_RTO_INITIAL_MS)
				c->rto_ms = TCP_RTO_INITIAL_MS;
			tcp_send_fin(c, env, out);
		}
	}
}

enum tcp_verdict
tcp_step5_check_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_seg *arrived,
		    const struct tcp_env *env, struct tcp_reply *out)
{
	enum tcp_verdict v;

	if (!(seg->flags & TCP_ACK)) {
		out->drop = DROP_tcp_no_ack;
		return TCP_KEEP;
	}
	if (c->state == TCP_SYN_RECEIVED) {
		if ((v = establish(c, seg, env, out)) == TCP_NEXT)
			tcp_update_ts_recent(c, arrived, env);
		return v;
	}
	/* RFC 9293 3.10.7.4 step 5: an ACK of what was not sent; RFC 5961 5.2: one too old. */
	if (seq_gt(seg->ack, c->snd.nxt) || seq_lt(seg->ack, c->snd.una - tcp_max_snd_wnd(c))) {
		tcp_reply_ack(c, env, out);
		return TCP_KEEP;
	}
	tcp_update_ts_recent(c, arrived, env);
	take_ack(c, seg, arrived, env, out);
	switch ((enum tcp_state)c->state) {
	case TCP_FIN_WAIT_1:
		if (fin_acked(c)) {
			c->state = TCP_FIN_WAIT_2;
			c->timer.tcp_ms = c->flags & TCP_F_ORPHAN
						  ? timer_node_at(env->now, TCP_FIN_WAIT_2_MS)
						  : 0;
		}
		break;
	case TCP_CLOSING:
		if (fin_acked(c))
			tcp_enter_time_wait(c, env);
		break;
	case TCP_LAST_ACK:
		if (fin_acked(c))
			return TCP_RELEASE;
		break;
	case TCP_SYN_RECEIVED:
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	/* RFC 9293 3.10.7.4 step 5: in TIME-WAIT only the FIN comes again, and step 1 took it
	 * (D-17). */
	case TCP_TIME_WAIT:
		break;
	}
	return TCP_NEXT;
}
