/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_closed.h - SEGMENT ARRIVES where nobody listens; inline, for most of a flood ends here. */
#ifndef RIPOSTE_TCP_CLOSED_H
#define RIPOSTE_TCP_CLOSED_H

#include "tcp_reply.h"

/* 3.10.7.1: there is no connection and nobody listens. out gets the RST, or none and a reason. */
static inline void
tcp_input_closed(const struct tcp_seg *seg, struct tcp_reply *out)
{
	*out = (struct tcp_reply){0};
	/* RFC 9293 3.10.7.1: a RST is discarded, anything else is answered with one. */
	if (seg->flags & TCP_RST)
		out->drop = DROP_tcp_stray_rst;
	else
		tcp_reply_reset(seg, TCP_RST_NO_LISTENER, out);
}

#endif
