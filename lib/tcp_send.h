/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_send.h - the sending side, for tcp_*.c. */
#ifndef RIPOSTE_TCP_SEND_H
#define RIPOSTE_TCP_SEND_H

#include "tcp.h"

#define TCP_DUP_ACKS  3 /* RFC 5681 3.2 */
#define TCP_CWND_MAX  (UINT32_C(1) << 30)
#define TCP_TS_LENGTH 12u /* RFC 7323 A: with the padding that wire_emit.c gives it */

static inline uint32_t
tcp_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t
tcp_max(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Eff.snd.MSS: text in a full segment. RFC 9293 3.7.1 MUST-16, RFC 6691. */
static inline uint32_t
tcp_effective_mss(const struct tcp_conn *c, const struct tcp_env *env)
{
	uint32_t mss = tcp_min(*env->peer_mss, env->mss);
	uint32_t options = c->flags & TCP_F_TS ? TCP_TS_LENGTH : 0;

	return mss > options ? mss - options : 1;
}

/* Bytes that are on their way. RFC 5681 2, FlightSize. */
static inline uint32_t
tcp_flight(const struct tcp_conn *c)
{
	return c->snd.nxt - c->snd.una;
}

/* What an acceptable ACK does to c, whose env->send is not NULL: SND.UNA, the congestion window,
 * the timer. seg->ack is SND.UNA or more; snd_wnd is SND.WND as it was before seg. RFC
 * 9293 3.10.7.4 step 5, RFC 5681 3, RFC 6298 5. */
void tcp_send_acked(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t snd_wnd,
		    const struct tcp_env *env);

/* c's timer has passed, and there is text or a FIN that is not acknowledged: what tcp_send_next()
 * then finds to send. TCP_RELEASE if it was sent too often. RFC 9293 3.8.1, 3.8.6.1, RFC 6298 5. */
enum tcp_verdict tcp_send_timeout(struct tcp_conn *c, const struct tcp_env *env);

/* RFC 6298 5.5, 5.6: doubles RTO and arms the timer; false once limit retries have been made. */
bool tcp_back_off(struct tcp_conn *c, unsigned int limit, const struct tcp_env *env);

/* Is anything of c's still to be sent or acknowledged? */
bool tcp_send_due(const struct tcp_conn *c, const struct tcp_send *send);

#endif
