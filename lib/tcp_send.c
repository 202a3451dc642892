/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_send.c - text that the application writes: what is sent when. RFC 9293 3.8.1
 * (retransmission), 3.8.2 (congestion), 3.8.6 (windows), 3.7.4 (Nagle); RFC 5681, 6298, 6582, 6928,
 * 3042. Knows how much text there is and not where it lies. */
#include <assert.h>

#include "tcp_reply.h"
#include "tcp_send.h"

#define DUP_ACKS    3 /* RFC 5681 3.2 */
#define CWND_MAX    (UINT32_C(1) << 30)
#define TS_LENGTH   12u /* RFC 7323 A: with the padding that wire_emit.c gives it */
#define IW_SEGMENTS 10u
#define IW_BYTES    14600u

static uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Eff.snd.MSS: text in a full segment. RFC 9293 3.7.1 MUST-16, RFC 6691. */
static uint32_t
effective_mss(const struct tcp_conn *c, const struct tcp_env *env)
{
	uint32_t mss = min_u32(env->peer_mss, env->mss);
	uint32_t options = c->flags & TCP_F_TS ? TS_LENGTH : 0;

	return mss > options ? mss - options : 1;
}

/* RFC 6928 2; RFC 5681 3.1: one segment where the SYN-ACK was lost. */
static uint32_t
initial_window(const struct tcp_conn *c, const struct tcp_env *env)
{
	uint32_t mss = effective_mss(c, env);

	if (c->rto_ms == TCP_RTO_UNKNOWN_MS && !(c->flags & TCP_F_RTT))
		return mss;
	return min_u32(IW_SEGMENTS * mss, max_u32(2 * mss, IW_BYTES));
}

void
tcp_send_open(struct tcp_conn *c, const struct tcp_env *env)
{
	*env->send = (struct tcp_send){
		.end = c->snd.nxt,
		.resume = c->snd.nxt,
		.wl1 = c->rcv.nxt,
		.wl2 = c->snd.una,
		.small = c->snd.una,
		.recover = c->snd.una - 1,
		.cwnd = initial_window(c, env),
		.ssthresh = CWND_MAX,
		.sent_ms = (uint32_t)env->now,
	};
}

void
tcp_write(const struct tcp_env *env, uint32_t length)
{
	env->send->end += length;
}

uint32_t
tcp_unacked(const struct tcp_conn *c, const struct tcp_send *send)
{
	return seq_lt(c->snd.una, send->end) ? send->end - c->snd.una : 0;
}

bool
tcp_send_due(const struct tcp_conn *c, const struct tcp_send *send)
{
	return c->snd.una != c->snd.nxt || seq_lt(c->snd.nxt, send->end) ||
	       (c->flags & TCP_F_FIN_UNSENT);
}

/* Bytes that are on their way. RFC 5681 2, FlightSize. */
static uint32_t
flight(const struct tcp_conn *c)
{
	return c->snd.nxt - c->snd.una;
}

/* --- what an ACK brings --- */

/* RFC 6298 2.2 to 2.5, with a clock granularity of 1 ms. */
static void
measure(struct tcp_conn *c, const struct tcp_env *env)
{
	struct tcp_send *send = env->send;
	uint32_t rtt = max_u32((uint32_t)env->now - send->timed_ms, 1);
	uint32_t rto;

	send->timing = false;
	rtt = min_u32(rtt, TCP_RTO_MAX_MS);
	if (send->srtt == 0) {
		send->srtt = rtt * 8;
		send->rttvar = rtt * 2;
	} else {
		uint32_t srtt = send->srtt / 8;

		send->rttvar += (srtt > rtt ? srtt - rtt : rtt - srtt) - send->rttvar / 4;
		send->srtt += rtt - srtt;
	}
	rto = send->srtt / 8 + max_u32(send->rttvar, 1);
	c->rto_ms = (uint16_t)min_u32(max_u32(rto, TCP_RTO_MIN_MS), TCP_RTO_MAX_MS);
	c->flags |= TCP_F_RTT;
}

/* RFC 5681 3.1: slow start and congestion avoidance; only a window that was used says that the
 * network carries more (RFC 7661 4.3). */
static void
grow(struct tcp_send *send, uint32_t acked, uint32_t in_flight, uint32_t mss)
{
	if (in_flight < send->cwnd / 2)
		return;
	if (send->cwnd < send->ssthresh)
		send->cwnd += min_u32(acked, mss);
	else
		send->cwnd += max_u32((uint32_t)((uint64_t)mss * mss / send->cwnd), 1);
	send->cwnd = min_u32(send->cwnd, CWND_MAX);
}

/* RFC 6582 3.2: an ACK of something new ends fast recovery, or asks for the next hole. */
static void
recover(struct tcp_conn *c, struct tcp_send *send, uint32_t acked, uint32_t mss)
{
	if (seq_ge(c->snd.una, send->recover)) {
		send->recovering = false;
		send->dup_acks = 0;
		send->cwnd = min_u32(send->ssthresh, max_u32(flight(c), mss) + mss);
		return;
	}
	send->once = true;
	send->cwnd = (acked < send->cwnd ? send->cwnd - acked : 0) + (acked >= mss ? mss : 0);
	send->cwnd = max_u32(send->cwnd, mss);
}

static void
take_new_ack(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env)
{
	struct tcp_send *send = env->send;
	uint32_t mss = effective_mss(c, env);
	uint32_t acked = seg->ack - c->snd.una;
	uint32_t in_flight = flight(c);

	if (send->timing && seq_ge(seg->ack, send->timed))
		measure(c, env);
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
	uint32_t mss = effective_mss(c, env);

	if (send->recovering) {
		send->cwnd = min_u32(send->cwnd + mss, CWND_MAX);
		return;
	}
	if (send->dup_acks < DUP_ACKS)
		send->dup_acks++;
	else
		return;
	if (send->dup_acks < DUP_ACKS || seq_le(seg->ack, send->recover))
		return;
	send->recovering = true;
	send->recover = c->snd.nxt;
	send->ssthresh = max_u32(flight(c) / 2, 2 * mss);
	send->cwnd = send->ssthresh + DUP_ACKS * mss;
	send->once = true;
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
	else if (flight(c) > 0 && seg->text == 0 && !(seg->flags & (TCP_SYN | TCP_FIN)) &&
		 wnd == snd_wnd && wnd > 0)
		take_duplicate_ack(c, seg, env);
	if (wnd == 0) {
		/* RFC 9293 3.8.6.1 MUST-37: the peer lives, however long its window stays shut. */
		c->retries = 0;
	} else if (snd_wnd == 0) {
		/* What a closed window refused is sent again at once; and the probes' back-off says
		 * nothing of the network. */
		send->resume = c->snd.una;
		c->rto_ms = (uint16_t)min_u32(c->rto_ms, TCP_RTO_INITIAL_MS);
		c->timer.tcp_ms = flight(c) == 0 ? 0 : timer_node_at(env->now, c->rto_ms);
	}
}

enum tcp_verdict
tcp_send_timeout(struct tcp_conn *c, const struct tcp_env *env)
{
	struct tcp_send *send = env->send;
	uint32_t mss = effective_mss(c, env);

	if (!tcp_back_off(c, TCP_RETRIES, env))
		return TCP_RELEASE;
	/* RFC 6298 3: a segment that was sent twice is not timed. */
	send->timing = false;
	send->resume = c->snd.una;
	if (flight(c) == 0 || tcp_snd_wnd(c) == 0) {
		/* RFC 9293 3.8.6.1 MUST-36, 3.8.6.2.1 (4): a probe, or the override's time-out. */
		send->push = true;
		return TCP_KEEP;
	}
	/* RFC 5681 3.1 (4): but for a segment that the timer sends for the second time. */
	if (c->retries == 1)
		send->ssthresh = max_u32(flight(c) / 2, 2 * mss);
	send->cwnd = mss;
	/* RFC 6582 3.2 step 4. */
	send->recover = c->snd.nxt;
	send->recovering = false;
	send->once = false;
	send->dup_acks = 0;
	return TCP_KEEP;
}

/* --- what is sent --- */

/* A segment that may be sent. */
struct piece {
	uint32_t seq;
	uint32_t text;
	bool fin;
	enum tcp_sent sent;
};

/* Has the application closed, so that a FIN follows the last byte? */
static bool
fin_follows(const struct tcp_conn *c)
{
	return c->state == TCP_FIN_WAIT_1 || c->state == TCP_CLOSING || c->state == TCP_LAST_ACK;
}

/* What lies at seq and was not sent yet, or is to be sent again: at most limit bytes. */
static struct piece
cut(const struct tcp_conn *c, const struct tcp_send *send, uint32_t seq, uint32_t limit)
{
	uint32_t left = seq_lt(seq, send->end) ? send->end - seq : 0;
	struct piece piece = {.seq = seq, .text = min_u32(left, limit)};

	piece.fin = fin_follows(c) && seq + piece.text == send->end;
	piece.sent = seq == c->snd.nxt ? TCP_SENT_NEW : TCP_SENT_AGAIN;
	return piece;
}

/* RFC 5681 3.1 and RFC 3042 2: what may be on its way by the congestion window. */
static uint32_t
congestion_window(const struct tcp_send *send, uint32_t mss)
{
	return send->cwnd +
	       (send->recovering || send->dup_acks >= DUP_ACKS ? 0 : send->dup_acks * mss);
}

/* May a segment of text bytes, which is not full, go though there may be more to send later? RFC
 * 9293 3.8.6.2.1; 3.7.4 with the change of A.3: one such segment may be on its way. */
static bool
may_be_small(const struct tcp_conn *c, const struct tcp_send *send, const struct piece *piece)
{
	if (piece->seq + piece->text == send->end)
		return seq_le(send->small, c->snd.una);
	return flight(c) == 0 && piece->text >= tcp_max_snd_wnd(c) / 2;
}

/* The next piece in order; false if none may be sent. */
static bool
next_piece(const struct tcp_conn *c, const struct tcp_env *env, struct piece *piece)
{
	const struct tcp_send *send = env->send;
	uint32_t mss = effective_mss(c, env);
	uint32_t sent = send->resume - c->snd.una;
	uint32_t wnd = tcp_snd_wnd(c);
	uint32_t limit = min_u32(wnd, congestion_window(send, mss));

	limit = limit > sent ? limit - sent : 0;
	*piece = cut(c, send, send->resume, min_u32(limit, mss));
	/* RFC 9293 3.4: a FIN takes one byte of the window. */
	piece->fin = piece->fin && wnd > sent + piece->text;
	if (piece->text == 0)
		return piece->fin;
	return piece->text == mss || piece->fin || piece->sent == TCP_SENT_AGAIN ||
	       may_be_small(c, send, piece);
}

/* What the timer lets go: as much as the window takes, one byte if it is closed. False: there is
 * neither text nor a FIN that had been sent. */
static bool
pushed_piece(const struct tcp_conn *c, const struct tcp_env *env, struct piece *piece)
{
	const struct tcp_send *send = env->send;
	uint32_t sent = send->resume - c->snd.una;
	uint32_t wnd = tcp_snd_wnd(c);
	uint32_t usable = wnd > sent ? wnd - sent : 0;

	*piece =
		cut(c, send, send->resume, min_u32(usable > 0 ? usable : 1, effective_mss(c, env)));
	piece->fin = piece->fin && (usable > piece->text || piece->seq != c->snd.nxt);
	piece->sent = usable > 0 ? piece->sent : TCP_SENT_PROBE;
	return piece->text > 0 || piece->fin;
}

static void
send_piece(struct tcp_conn *c, const struct piece *piece, const struct tcp_env *env,
	   struct tcp_reply *out)
{
	struct tcp_send *send = env->send;
	uint32_t behind = piece->seq + piece->text + piece->fin;

	tcp_reply_text(c, piece->seq, (uint16_t)piece->text, piece->fin, env, out);
	/* RFC 9293 3.9.1.2 MUST-60, MUST-61: PSH where there is nothing more to send. */
	if (piece->text > 0 && piece->seq + piece->text == send->end)
		out->flags |= TCP_PSH;
	out->sent = (uint8_t)piece->sent;
	if (piece->text > 0 && piece->text < effective_mss(c, env))
		send->small = piece->seq + piece->text;
	if (piece->fin)
		c->flags &= (uint16_t)~TCP_F_FIN_UNSENT;
	if (piece->sent != TCP_SENT_NEW) {
		send->timing = false;
	} else if (!send->timing) {
		send->timing = true;
		send->timed = behind;
		send->timed_ms = (uint32_t)env->now;
	}
	if (seq_gt(behind, c->snd.nxt))
		c->snd.nxt = behind;
	if (seq_gt(behind, send->resume))
		send->resume = behind;
	send->sent_ms = (uint32_t)env->now;
	/* RFC 6298 5.1. */
	if (c->timer.tcp_ms == 0)
		c->timer.tcp_ms = timer_node_at(env->now, c->rto_ms);
}

/* RFC 5681 4.1: after a pause longer than RTO the congestion window says nothing any more. */
static void
restart_after_idle(struct tcp_conn *c, const struct tcp_env *env)
{
	struct tcp_send *send = env->send;

	if (flight(c) == 0 && (uint32_t)env->now - send->sent_ms > c->rto_ms)
		send->cwnd = min_u32(send->cwnd, initial_window(c, env));
}

bool
tcp_send_next(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	struct tcp_send *send = env->send;
	struct piece piece;

	*out = (struct tcp_reply){0};
	restart_after_idle(c, env);
	if (send->once) {
		send->once = false;
		piece = cut(c, send, c->snd.una, effective_mss(c, env));
		piece.fin = piece.fin && c->snd.nxt == send->end + 1;
		piece.sent = TCP_SENT_FAST;
		if (flight(c) > 0 && piece.text + piece.fin > 0) {
			send_piece(c, &piece, env, out);
			return true;
		}
	}
	if (next_piece(c, env, &piece)) {
		send->push = false;
		send_piece(c, &piece, env, out);
		return true;
	}
	if (send->push) {
		send->push = false;
		if (pushed_piece(c, env, &piece)) {
			send_piece(c, &piece, env, out);
		} else {
			/* RFC 9293 3.8.6.1 MUST-36: the FIN waits alone: an old sequence number
			 * asks for the ACK that tells the window. */
			tcp_reply_ack(c, env, out);
			out->seq = c->snd.nxt - 1;
			out->sent = TCP_SENT_PROBE;
		}
		return true;
	}
	/* RFC 9293 3.8.6.1, 3.8.6.2.1: nothing is on its way, so no ACK will come of itself. */
	if (flight(c) == 0 && tcp_send_due(c, send) && c->timer.tcp_ms == 0)
		c->timer.tcp_ms = timer_node_at(env->now, c->rto_ms);
	return false;
}
