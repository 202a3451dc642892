/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_send.h - the sending side, for tcp_*.c. */
#ifndef RIPOSTE_TCP_SEND_H
#define RIPOSTE_TCP_SEND_H

#include "tcp.h"

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
