/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_input.c - what one segment does to one connection. RFC 9293 3.10.7, step by step, with RFC
 * 5961 and RFC 7323; step 5 is in tcp_input_ack.c. Knows no packets, tables or clocks. */
#include "tcp_reply.h"
#include "tcp_step.h"
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

void
tcp_enter_time_wait(struct tcp_conn *c, const struct tcp_env *env)
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
		tcp_enter_time_wait(c, env);
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
		tcp_enter_time_wait(c, env);
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
	if ((v = tcp_step5_check_ack(c, seg, arrived, env, out)) != TCP_NEXT)
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
