/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_listen.c - what a segment draws that belongs to no connection, where somebody listens. RFC
 * 9293 3.10.7.2. */
#include "tcp_reply.h"

bool
tcp_input_listen(const struct tcp_seg *seg, struct tcp_reply *out)
{
	*out = (struct tcp_reply){0};
	/* RFC 9293 3.10.7.2 first: a RST is ignored. */
	if (seg->flags & TCP_RST)
		out->drop = DROP_tcp_stray_rst;
	/* RFC 9293 3.10.7.2 second: nothing was sent that could be acknowledged. */
	else if (seg->flags & TCP_ACK)
		tcp_reply_reset(seg, TCP_RST_NO_CONNECTION, out);
	/* RFC 9293 3.10.7.2 third: a SYN, whatever else it carries (D-11). */
	else if (seg->flags & TCP_SYN)
		return true;
	/* RFC 9293 3.10.7.2 fourth: any other segment is dropped. */
	else
		out->drop = DROP_tcp_listen;
	return false;
}
