/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_step.h - what the files of tcp_input*.c share. */
#ifndef RIPOSTE_TCP_STEP_H
#define RIPOSTE_TCP_STEP_H

#include "tcp.h"

/* Both directions are closed: 2 MSL from now on. RFC 9293 3.6.1 MUST-13. */
void tcp_enter_time_wait(struct tcp_conn *c, const struct tcp_env *env);

/* RFC 9293 3.10.7.4 step 5. seg is the segment as step 1 has cut it, arrived as it came. */
enum tcp_verdict tcp_step5_check_ack(struct tcp_conn *c, const struct tcp_seg *seg,
				     const struct tcp_seg *arrived, const struct tcp_env *env,
				     struct tcp_reply *out);

#endif
