/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_send.c - text that the application writes: what is sent when. RFC 9293 3.8.6 (windows), 3.7.4
 * (Nagle); RFC 5681, 6928, 3042. Knows how much text there is and not where it lies. */
#include <assert.h>

#include "tcp_reply.h"
#include "tcp_send.h"

#define IW_SEGMENTS 10u
#define IW_BYTES    14600u
#define OVERRIDE_MS 1000u /* RFC 9293 3.8.6.2.1 (4): 0.1 to 1 s */

/* RFC 6928 2; RFC 5681 3.1: one segment where the SYN-ACK was lost. */
static uint32_t
initial_window(const struct tcp_conn *c, const struct tcp_env *env)
{
	uint32_t mss = tcp_effective_mss(c, env);

	if (c->rto_ms == TCP_RTO_UNKNOWN_MS && !(c->flags & TCP_F_RTT))
		return mss;
	return tcp_min(IW_SEGMENTS * mss, tcp_max(2 * mss, IW_BYTES));
}

void
tcp_send_open(struct tcp_conn *c, const struct tcp_env *env)
{
	*env->send = (struct tcp_send){
		.end = c->snd.nxt,
		.resume = c->snd.nxt,
		.wl1 = c->rcv.nxt,
		.small = c->snd.una,
		.recover = c->snd.una - 1,
		.cwnd = initial_window(c, env),
		.ssthresh = TCP_CWND_MAX,
		.sent_ms = (uint32_t)env->now,
		.rto = c->rto_ms,
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
	struct piece piece = {.seq = seq, .text = tcp_min(left, limit)};

	piece.fin = fin_follows(c) && seq + piece.text == send->end;
	piece.sent = seq == c->snd.nxt ? TCP_SENT_NEW : TCP_SENT_AGAIN;
	return piece;
}

/* RFC 5681 3.1 and RFC 3042 2: what may be on its way by the congestion window; more for the first
 * duplicate ACKs, if it is new. */
static uint32_t
congestion_window(const struct tcp_conn *c, const struct tcp_send *send, uint32_t mss)
{
	bool limited_transmit =
		!send->recovering && send->dup_acks < TCP_DUP_ACKS && send->resume == c->snd.nxt;

	return send->cwnd + (limited_transmit ? send->dup_acks * mss : 0);
}

/* May a segment of text bytes, which is not full, go though there may be more to send later? RFC
 * 9293 3.8.6.2.1; 3.7.4 with the change of A.3: one such segment may be on its way. */
static bool
may_be_small(const struct tcp_conn *c, const struct tcp_send *send, const struct piece *piece)
{
	bool last = piece->seq + piece->text == send->end;

	/* Sent again: what follows an ACK, or ends the text; anything else waits for that ACK. */
	if (piece->sent == TCP_SENT_AGAIN)
		return last || piece->seq == c->snd.una;
	if (last)
		return seq_le(send->small, c->snd.una);
	return tcp_flight(c) == 0 && piece->text >= tcp_max_snd_wnd(c) / 2;
}

/* The next piece in order; false if none may be sent. */
static bool
next_piece(const struct tcp_conn *c, const struct tcp_env *env, struct piece *piece)
{
	const struct tcp_send *send = env->send;
	uint32_t mss = tcp_effective_mss(c, env);
	uint32_t sent = send->resume - c->snd.una;
	uint32_t wnd = tcp_snd_wnd(c);
	uint32_t limit = tcp_min(wnd, congestion_window(c, send, mss));

	limit = limit > sent ? limit - sent : 0;
	*piece = cut(c, send, send->resume, tcp_min(limit, mss));
	/* RFC 9293 3.4: a FIN takes one byte of the window. */
	piece->fin = piece->fin && wnd > sent + piece->text;
	if (piece->text == 0)
		return piece->fin;
	return piece->text == mss || piece->fin || may_be_small(c, send, piece);
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

	*piece = cut(c, send, send->resume,
		     tcp_min(usable > 0 ? usable : 1, tcp_effective_mss(c, env)));
	piece->fin = piece->fin && (usable > piece->text || c->snd.nxt == send->end + 1);
	piece->sent = usable > 0 ? piece->sent : TCP_SENT_PROBE;
	return piece->text > 0 || piece->fin;
}

static void
send_piece(struct tcp_conn *c, const struct piece *piece, const struct tcp_env *env,
	   struct tcp_reply *out)
{
	struct tcp_send *send = env->send;
	uint32_t behind = piece->seq + piece->text + piece->fin;
	bool first = tcp_flight(c) == 0;

	tcp_reply_text(c, piece->seq, (uint16_t)piece->text, piece->fin, env, out);
	/* RFC 9293 3.9.1.2 MUST-60, MUST-61: PSH where there is nothing more to send. */
	if (piece->text > 0 && piece->seq + piece->text == send->end)
		out->flags |= TCP_PSH;
	out->sent = (uint8_t)piece->sent;
	/* A probe is none of those that A.3 means: nothing of it was to be sent. */
	if (piece->text > 0 && piece->text < tcp_effective_mss(c, env) &&
	    piece->sent != TCP_SENT_PROBE)
		send->small = piece->seq + piece->text;
	if (piece->fin)
		c->flags &= (uint16_t)~TCP_F_FIN_UNSENT;
	if (piece->sent == TCP_SENT_PROBE)
		send->probed = true;
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
	/* RFC 6298 5.1. What ran while nothing was on its way was the window's timer. */
	if (c->timer.tcp_ms == 0 || first)
		c->timer.tcp_ms = timer_node_at(env->now, c->rto_ms);
}

/* RFC 5681 4.1: after a pause longer than RTO the congestion window says nothing any more. */
static void
restart_after_idle(struct tcp_conn *c, const struct tcp_env *env)
{
	struct tcp_send *send = env->send;

	if (tcp_flight(c) == 0 && (uint32_t)env->now - send->sent_ms > c->rto_ms)
		send->cwnd = tcp_min(send->cwnd, initial_window(c, env));
}

bool
tcp_send_next(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out)
{
	struct tcp_send *send = env->send;
	struct piece piece;

	*out = (struct tcp_reply){0};
	restart_after_idle(c, env);
	if (send->once) {
		uint32_t wnd = tcp_snd_wnd(c);

		send->once = false;
		/* What is on its way, and nothing new; and no more than the window still takes. */
		piece = cut(c, send, c->snd.una,
			    tcp_min(tcp_flight(c), tcp_min(tcp_effective_mss(c, env), wnd)));
		piece.fin = piece.fin && c->snd.nxt == send->end + 1 && wnd > piece.text;
		piece.sent = TCP_SENT_FAST;
		if (tcp_flight(c) > 0 && piece.text + piece.fin > 0) {
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
	/* RFC 9293 3.8.6.1, 3.8.6.2.1 (4): nothing is on its way, so no ACK will come of itself. */
	if (tcp_flight(c) == 0 && tcp_send_due(c, send) && c->timer.tcp_ms == 0)
		c->timer.tcp_ms = timer_node_at(
			env->now, tcp_snd_wnd(c) > 0 ? tcp_min(c->rto_ms, OVERRIDE_MS) : c->rto_ms);
	return false;
}
