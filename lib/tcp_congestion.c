/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_congestion.c - what ACKs and time say of text on its way: round trips (RFC 6298), the
 * congestion window (RFC 5681), losses (RFC 6582) and windows that are closed (RFC 9293 3.8.6.1).
 */
#include "tcp_send.h"

/* RFC 6298 2.3 to 2.5, with a clock granularity of 1 ms. */
static uint16_t
measured_rto(const struct tcp_send *send)
{
	uint32_t rto = send->srtt / 8 + tcp_max(send->rttvar, 1);

	return (uint16_t)tcp_min(tcp_max(rto, TCP_RTO_MIN_MS), TCP_RTO_MAX_MS);
}

/* RFC 6298 2.2, 2.3. DEVIATION: begins anew with text; of the handshake's round trip only what RTO
 * came of it is kept. */
static void
measure(struct tcp_conn *c, struct tcp_send *send, uint32_t rtt)
{
	send->timing = false;
	/* Each ACK restarts the timer, so that what was sent once may be on its way for longer. */
	rtt = tcp_min(tcp_max(rtt, 1), TCP_RTO_MAX_MS);
	if (send->srtt == 0) {
		send->srtt = rtt * 8;
		send->rttvar = rtt * 2;
	} else {
		uint32_t srtt = send->srtt / 8;

		send->rttvar += (srtt > rtt ? srtt - rtt : rtt - srtt) - send->rttvar / 4;
		send->srtt += rtt - srtt;
	}
	c->rto_ms = measured_rto(send);
	c->flags |= TCP_F_RTT;
}

/* RFC 6298 3, RFC 7323 4.1: does a timestamp tell the round trip of what was sent more than once?
 * Else RTO stays backed off for as long as each round loses something. */
static bool
echoes(const struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env)
{
	return (c->flags & TCP_F_TS) && (seg->options & TCP_OPT_TS) &&
	       env->tsval - seg->tsecr <= TCP_RTO_MAX_MS;
}

/* RFC 5681 3.1: slow start and congestion avoidance; only a window that was used says that the
 * network carries more (RFC 7661 4.3). */
static void
grow(struct tcp_send *send, uint32_t acked, uint32_t in_flight, uint32_t mss)
{
	if (in_flight < send->cwnd / 2)
		return;
	if (send->cwnd < send->ssthresh)
		send->cwnd += tcp_min(acked, mss);
	else
		send->cwnd += tcp_max((uint32_t)((uint64_t)mss * mss / send->cwnd), 1);
	send->cwnd = tcp_min(send->cwnd, TCP_CWND_MAX);
}

/* RFC 6582 3.2: an ACK of something new ends fast recovery, or asks for the next hole. */
static void
recover(struct tcp_conn *c, struct tcp_send *send, uint32_t acked, uint32_t mss)
{
	if (seq_ge(c->snd.una, send->recover)) {
		send->recovering = false;
		send->dup_acks = 0;
		send->cwnd = tcp_min(send->ssthresh, tcp_max(tcp_flight(c), mss) + mss);
		return;
	}
	send->once = true;
	send->cwnd = (acked < send->cwnd ? send->cwnd - acked : 0) + (acked >= mss ? mss : 0);
	send->cwnd = tcp_max(send->cwnd, mss);
}

static void
take_new_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env)
{
	struct tcp_send *send = env->send;
	uint32_t mss = tcp_effective_mss(c, env);
	uint32_t acked = seg->ack - c->snd.una;
	uint32_t in_flight = tcp_flight(c);

	if (send->timing && seq_ge(seg->ack, send->timed))
		measure(c, send, (uint32_t)env->now - send->timed_ms);
	else if (c->retries > 0 && echoes(c, seg, env))
		measure(c, send, env->tsval - seg->tsecr);
	c->snd.una = seg->ack;
	c->retries = 0;
	/* RFC 6298 5.2, 5.3. */
	c->timer.tcp_ms = in_flight == acked ? 0 : timer_node_at(env->now, c->rto_ms);
	if (seq_lt(send->resume, c->snd.una))
		send->resume = c->snd.una;
	/* Kept close by, or they would lie ahead once the numbers have gone half way round. */
	if (seq_lt(send->small, c->snd.una))
		send->small = c->snd.una;
	if (send->recovering) {
		recover(c, send, acked, mss);
	} else {
		send->dup_acks = 0;
		grow(send, acked, in_flight, mss);
	}
	if (!send->recovering && seq_lt(send->recover, c->snd.una - 1))
		send->recover = c->snd.una - 1;
}

/* RFC 5681 3.2, RFC 6582 3.2 step 2: something was lost, and what followed it arrives. */
static void
take_duplicate_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env)
{
	struct tcp_send *send = env->send;
	uint32_t mss = tcp_effective_mss(c, env);

	if (send->recovering) {
		send->cwnd = tcp_min(send->cwnd + mss, TCP_CWND_MAX);
		return;
	}
	if (send->dup_acks == TCP_DUP_ACKS)
		return;
	if (send->dup_acks++ == 0)
		send->dup_nxt = c->snd.nxt;
	if (send->dup_acks < TCP_DUP_ACKS || seq_le(seg->ack, send->recover))
		return;
	send->recovering = true;
	send->recover = c->snd.nxt;
	/* RFC 5681 3.2 step 2: without what limited transmit has sent. */
	send->ssthresh = tcp_max((send->dup_nxt - c->snd.una) / 2, 2 * mss);
	send->cwnd = send->ssthresh + TCP_DUP_ACKS * mss;
	send->once = true;
}

/* The timer of a window that has opened. A probe's ends with it, but that of text sent before runs
 * on: else a peer that shuts and opens its window again and again would put off for ever what was
 * lost. RFC 6298 5.1. */
static void
rearm_opened(struct tcp_conn *c, const struct tcp_env *env)
{
	uint32_t anew = timer_node_at(env->now, c->rto_ms);

	if (tcp_flight(c) == 0)
		c->timer.tcp_ms = 0;
	else if (env->send->probed || c->timer.tcp_ms == 0 || seq_lt(anew, c->timer.tcp_ms))
		c->timer.tcp_ms = anew;
}

void
tcp_send_acked(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t snd_wnd,
	       const struct tcp_env *env)
{
	struct tcp_send *send = env->send;
	uint32_t wnd = tcp_snd_wnd(c);

	if (seg->ack != c->snd.una)
		take_new_ack(c, seg, env);
	/* RFC 5681 2, the five conditions. */
	else if (tcp_flight(c) > 0 && seg->text == 0 && !(seg->flags & (TCP_SYN | TCP_FIN)) &&
		 wnd == snd_wnd && wnd > 0)
		take_duplicate_ack(c, seg, env);
	if (wnd == 0) {
		/* RFC 9293 3.8.6.1 MUST-37: the peer lives, however long its window stays shut. */
		c->retries = 0;
	} else if (snd_wnd == 0) {
		/* What a closed window refused is sent again at once, but no more: what was sent
		 * before it closed may be there, and a peer that opens and closes would get it
		 * each time. And the probes' number and back-off say nothing of the network. */
		if (send->probed)
			send->resume = c->snd.una;
		c->retries = 0;
		c->rto_ms = send->srtt > 0 ? measured_rto(send) : send->rto;
		rearm_opened(c, env);
		send->probed = false;
	}
}

enum tcp_verdict
tcp_send_timeout(struct tcp_conn *c, const struct tcp_env *env)
{
	struct tcp_send *send = env->send;
	uint32_t mss = tcp_effective_mss(c, env);

	if (!tcp_back_off(c, TCP_RETRIES, env))
		return TCP_RELEASE;
	/* RFC 6298 3: a segment that was sent twice is not timed. */
	send->timing = false;
	send->resume = c->snd.una;
	if (tcp_flight(c) == 0 || tcp_snd_wnd(c) == 0) {
		/* RFC 9293 3.8.6.1 MUST-36, 3.8.6.2.1 (4): a probe, or the override's time-out. */
		send->push = true;
		return TCP_KEEP;
	}
	/* RFC 5681 3.1 (4): but for a segment that the timer sends for the second time. */
	if (c->retries == 1)
		send->ssthresh = tcp_max(tcp_flight(c) / 2, 2 * mss);
	send->cwnd = mss;
	/* RFC 6582 3.2 step 4. */
	send->recover = c->snd.nxt;
	send->recovering = false;
	send->once = false;
	send->dup_acks = 0;
	return TCP_KEEP;
}
