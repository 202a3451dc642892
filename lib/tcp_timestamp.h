/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_timestamp.h - protection against old segments by their timestamps. Private to tcp_*.c. */
#ifndef RIPOSTE_TCP_TIMESTAMP_H
#define RIPOSTE_TCP_TIMESTAMP_H

#include "tcp.h"

/* What comes before RFC 9293's first step: RFC 7323 5.3 R1 (PAWS) and 3.2. TCP_NEXT if the segment
 * passes. */
enum tcp_verdict tcp_check_timestamp(struct tcp_conn *c, const struct tcp_seg *seg,
				     const struct tcp_env *env, struct tcp_reply *out);

/* Takes TSval of a segment whose ACK was fine, if it lies at the left edge of the window. seg is as
 * it arrived, not cut to the window. RFC 7323 4.3, 5.3 R3. */
void tcp_update_ts_recent(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env);

#endif
