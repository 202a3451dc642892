/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_timestamp.c - protection against old segments by their timestamps. RFC 7323 3 to 5. */
#include "tcp_reply.h"
#include "tcp_timestamp.h"

static bool
ts_recent_valid(const struct tcp_conn *c, const struct tcp_env *env)
{
	uint16_t age = (uint16_t)((uint16_t)(env->now >> TCP_TS_AGE_SHIFT) - c->ts_age);

	return age <= TCP_TS_AGE_MAX;
}

void
tcp_update_ts_recent(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env)
{
	if (!(c->flags & TCP_F_TS) || !(seg->options & TCP_OPT_TS))
		return;
	/* Last.ACK.sent is RCV.NXT, but while an ACK of this burst is still to be sent (D-13). */
	if (seq_gt(seg->seq, c->rcv.nxt) || (c->flags & TCP_F_ACK_PENDING))
		return;
	if (seq_lt(seg->tsval, c->ts_recent) && ts_recent_valid(c, env))
		return;
	c->ts_recent = seg->tsval;
	c->ts_age = (uint16_t)(env->now >> TCP_TS_AGE_SHIFT);
}

enum tcp_verdict
tcp_check_timestamp(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
		    struct tcp_reply *out)
{
	/* RFC 7323 5.2: a RST is never checked. */
	if (!(c->flags & TCP_F_TS) || (seg->flags & TCP_RST))
		return TCP_NEXT;
	if (!(seg->options & TCP_OPT_TS)) {
		/* RFC 6191 2: a SYN in TIME-WAIT opens a connection with options of its own. */
		if (c->state == TCP_TIME_WAIT && (seg->flags & TCP_SYN))
			return TCP_NEXT;
		/* RFC 7323 3.2: silently dropped (D-19). */
		out->drop = DROP_tcp_no_timestamp;
		return TCP_KEEP;
	}
	if (seq_lt(seg->tsval, c->ts_recent) && ts_recent_valid(c, env)) {
		tcp_reply_ack(c, env, out);
		return TCP_KEEP;
	}
	return TCP_NEXT;
}
