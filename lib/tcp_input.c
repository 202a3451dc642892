/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_input.c - what one segment does to one connection. RFC 9293 3.10.7, step by step, with RFC
 * 5961 and RFC 7323. Knows no packets, tables or clocks. */
#include "tcp_reply.h"
#include "tcp_send.h"
#include "tcp_timestamp.h"

/* RFC 9293 3.4 table 6. */
static bool
acceptable(const struct tcp_conn *c, const struct tcp_seg *seg)
{
	uint32_t wnd = tcp_rcv_wnd(c);
	uint32_t len = tcp_seg_len(seg);

	if (len == 0)
		return wnd == 0 ? seg->seq == c->rcv.nxt : seq_in(seg->seq, c->rcv.nxt, wnd);
	return seq_in(seg->seq, c->rcv.nxt, wnd) || seq_in(seg->seq + len - 1, c->rcv.nxt, wnd);
}

/* RFC 9293 3.10.7.4 step 1: an acceptable segment is cut to the window, so that it begins at
 * RCV.NXT or later and ends within. */
static void
trim(const struct tcp_conn *c, struct tcp_seg *seg)
{
	uint32_t over;

	if (seq_lt(seg->seq, c->rcv.nxt)) {
		uint32_t old = c->rcv.nxt - seg->seq;

		if (seg->flags & TCP_SYN) {
			seg->flags &= (uint8_t)~TCP_SYN;
			old--;
		}
		/* What is left holds a byte of the window, or the FIN alone. */
		seg->text -= old;
		seg->seq = c->rcv.nxt;
	}
	over = seg->seq + tcp_seg_len(seg) - (c->rcv.nxt + tcp_rcv_wnd(c));
	if ((int32_t)over <= 0)
		return;
	if (seg->flags & TCP_FIN) {
		seg->flags &= (uint8_t)~TCP_FIN;
		over--;
	}
	seg->text -= over < seg->text ? over : seg->text;
}

static void
enter_time_wait(struct tcp_conn *c, const struct tcp_env *env)
{
	c->state = TCP_TIME_WAIT;
	c->timer.tcp_ms = timer_node_at(env->now, 2 * env->msl_ms);
}

/* The window is closed and the segment begins where it stands: text and FIN are refused, RST and
 * ACK are not. */
static bool
probes_zero_window(const struct tcp_conn *c, const struct tcp_seg *seg)
{
	return tcp_rcv_wnd(c) == 0 && seg->seq == c->rcv.nxt && (seg->flags & TCP_ACK);
}

static enum tcp_verdict
step1_check_sequence(struct tcp_conn *c, struct tcp_seg *seg, const struct tcp_env *env,
		     struct tcp_reply *out)
{
	if (seg->flags & TCP_RST) {
		/* RFC 9293 3.10.7.4 step 2: by SEG.SEQ alone, whatever text it carries. */
		if (seg->seq == c->rcv.nxt || seq_in(seg->seq, c->rcv.nxt, tcp_rcv_wnd(c)))
			return TCP_NEXT;
		out->drop = DROP_tcp_rst_out_of_window;
		return TCP_KEEP;
	}
	if (c->state == TCP_SYN_RECEIVED) {
		/* DEVIATION: D-7. The RFC's letter is a bare ACK, which a peer that lost our
		 * SYN-ACK would ignore. */
		if ((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && seg->seq == c->rcv.nxt - 1) {
			if (!(c->flags & TCP_F_SYN_ACK_DUE))
				tcp_reply_syn_ack(c, env, out);
			return TCP_KEEP;
		}
	} else if (seg->flags & TCP_SYN) {
		/* RFC 9293 3.10.7.4 step 4: irrespective of the sequence number. */
		return TCP_NEXT;
	}
	if (acceptable(c, seg)) {
		trim(c, seg);
		return TCP_NEXT;
	}
	tcp_reply_ack(c, env, out);
	if (probes_zero_window(c, seg)) {
		/* RFC 9293 3.10.7.4 step 1: "special allowance should be made to accept valid
		 * ACKs". */
		seg->text = 0;
		seg->flags &= (uint8_t)~TCP_FIN;
		return TCP_NEXT;
	}
	/* RFC 9293 3.10.7.4 step 8: a retransmitted FIN in TIME-WAIT restarts the timer. */
	if (c->state == TCP_TIME_WAIT && (seg->flags & TCP_FIN))
		enter_time_wait(c, env);
	return TCP_KEEP;
}

static enum tcp_verdict
step2_check_rst(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
		struct tcp_reply *out)
{
	if (!(seg->flags & TCP_RST))
		return TCP_NEXT;
	/* RFC 9293 3.10.7.4 step 2.2: exactly RCV.NXT. In TIME-WAIT too (D-15). */
	if (seg->seq == c->rcv.nxt)
		return TCP_RELEASE;
	/* RFC 9293 3.10.7.4 step 2.3: in the window, not RCV.NXT: challenge ACK. */
	tcp_reply_challenge(c, env, out);
	return TCP_KEEP;
}

/* RFC 6191 2; RFC 9293 3.6.1 MAY-2: may this SYN end TIME-WAIT? */
static bool
may_reopen(const struct tcp_conn *c, const struct tcp_seg *seg)
{
	bool newer = seq_gt(seg->seq, c->rcv.nxt - 1);

	if (seg->flags & (TCP_ACK | TCP_FIN))
		return false;
	if (!(seg->options & TCP_OPT_TS))
		return newer;
	if (!(c->flags & TCP_F_TS))
		return true;
	return seq_gt(seg->tsval, c->ts_recent) || (seg->tsval == c->ts_recent && newer);
}

static enum tcp_verdict
step4_check_syn(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
		struct tcp_reply *out)
{
	if (!(seg->flags & TCP_SYN))
		return TCP_NEXT;
	switch ((enum tcp_state)c->state) {
	case TCP_SYN_RECEIVED:
		/* RFC 9293 3.10.7.4 step 4: a passive open returns to LISTEN (D-8). */
		out->drop = DROP_tcp_syn_in_handshake;
		return TCP_RELEASE;
	case TCP_TIME_WAIT:
		if (may_reopen(c, seg))
			return TCP_REOPEN;
		break;
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		break;
	}
	/* RFC 5961 4.2. */
	tcp_reply_challenge(c, env, out);
	return TCP_KEEP;
}

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
	if (seq_gt(send->wl1, seg->seq) || (send->wl1 == seg->seq && seq_gt(send->wl2, seg->ack)))
		return false;
	send->wl1 = seg->seq;
	send->wl2 = seg->ack;
	return true;
}

/* RFC 9293 3.10.7.4 step 5, the synchronized states: what an acceptable ACK brings. */
static void
take_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
	 struct tcp_reply *out)
{
	uint32_t snd_wnd = tcp_snd_wnd(c);

	if (seq_lt(seg->ack, c->snd.una))
		return;
	if (sets_window(c, seg, env->send))
		update_snd_wnd(c, seg->wnd);
	if (env->send != NULL) {
		tcp_send_acked(c, seg, snd_wnd, env);
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

static enum tcp_verdict
step5_check_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_seg *arrived,
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
	take_ack(c, seg, env, out);
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
			enter_time_wait(c, env);
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

/* Acknowledges what has just been taken in, on a FIN that is being sent if there is one. */
static void
acknowledge(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	if (out->flags & TCP_FIN) {
		tcp_reply_fin(c, out->seq, env, out);
		return;
	}
	tcp_reply_ack(c, env, out);
	out->coalesce = true;
}

/* Ignored, unless an earlier step had something to say. */
static enum tcp_verdict
ignore(enum drop_reason reason, struct tcp_reply *out)
{
	if (out->flags == 0)
		out->drop = (uint8_t)reason;
	return TCP_KEEP;
}

static enum tcp_verdict
step7_process_text(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
		   struct tcp_reply *out)
{
	if (seg->text == 0)
		return TCP_NEXT;
	switch ((enum tcp_state)c->state) {
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
		break;
	case TCP_SYN_RECEIVED:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		return ignore(DROP_tcp_text_after_fin, out);
	}
	/* RFC 9293 3.6.1 SHLD-3: text that nobody will read (6.6, D-22). */
	if (c->flags & TCP_F_ORPHAN) {
		tcp_reply_reset(seg, TCP_RST_AFTER_CLOSE, out);
		return TCP_RELEASE;
	}
	/* RFC 9293 3.10.7.4 MAY-13: out of order: acknowledged at once, not held (D-12). */
	if (seg->seq != c->rcv.nxt) {
		tcp_reply_ack(c, env, out);
		return TCP_KEEP;
	}
	/* As if the network had lost it. */
	if (env->refuse_text)
		return ignore(DROP_tcp_no_memory, out);
	c->rcv.held += seg->text;
	tcp_advance(c, seg->text, env);
	acknowledge(c, env, out);
	return TCP_NEXT;
}

static enum tcp_verdict
step8_check_fin(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
		struct tcp_reply *out)
{
	if (!(seg->flags & TCP_FIN))
		return TCP_KEEP;
	if (tcp_peer_closed(c))
		return ignore(DROP_tcp_fin_after_fin, out);
	if (seg->seq + seg->text != c->rcv.nxt) {
		tcp_reply_ack(c, env, out);
		return TCP_KEEP;
	}
	tcp_advance(c, 1, env);
	switch ((enum tcp_state)c->state) {
	case TCP_ESTABLISHED:
		c->state = TCP_CLOSE_WAIT;
		break;
	case TCP_FIN_WAIT_1:
		/* Were our FIN acknowledged, step 5 would have made this FIN-WAIT-2. */
		c->state = TCP_CLOSING;
		break;
	case TCP_FIN_WAIT_2:
		enter_time_wait(c, env);
		break;
	case TCP_SYN_RECEIVED:
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
		break;
	}
	acknowledge(c, env, out);
	return TCP_KEEP;
}

/* RFC 9293 3.10.7.4, in the RFC's order. */
static enum tcp_verdict
take_steps(struct tcp_conn *c, const struct tcp_seg *arrived, const struct tcp_env *env,
	   struct tcp_reply *out)
{
	struct tcp_seg trimmed = *arrived;
	struct tcp_seg *seg = &trimmed;
	enum tcp_verdict v;

	if ((v = tcp_check_timestamp(c, seg, env, out)) != TCP_NEXT)
		return v;
	if ((v = step1_check_sequence(c, seg, env, out)) != TCP_NEXT)
		return v;
	if ((v = step2_check_rst(c, seg, env, out)) != TCP_NEXT)
		return v;
	/* Third, security: not offered. */
	if ((v = step4_check_syn(c, seg, env, out)) != TCP_NEXT)
		return v;
	if ((v = step5_check_ack(c, seg, arrived, env, out)) != TCP_NEXT)
		return v;
	/* Sixth, URG: no application here asks for urgent data; it is text like any other. */
	if ((v = step7_process_text(c, seg, env, out)) != TCP_NEXT)
		return v;
	return step8_check_fin(c, seg, env, out);
}

enum tcp_verdict
tcp_input(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
	  struct tcp_reply *out)
{
	enum tcp_verdict v;

	*out = (struct tcp_reply){0};
	v = take_steps(c, seg, env, out);
	/* A host that is slow to answer a SYN says nothing at all before: ISS least of all. */
	if ((c->flags & TCP_F_SYN_ACK_DUE) && out->flags != 0)
		*out = (struct tcp_reply){.drop = DROP_tcp_syn_ack_due};
	return v;
}
