/* SPDX-License-Identifier: BSD-3-Clause */
/* wire_tcp_option.h - the TCP options' kinds and lengths. Private to the wire format. */
#ifndef RIPOSTE_WIRE_TCP_OPTION_H
#define RIPOSTE_WIRE_TCP_OPTION_H

/* RFC 9293 3.1, RFC 7323 2.2 and 3.2, RFC 2018 2. */
enum {
	TCP_OPTION_END = 0,
	TCP_OPTION_NOP = 1,
	TCP_OPTION_MSS = 2,
	TCP_OPTION_WSCALE = 3,
	TCP_OPTION_SACK_OK = 4,
	TCP_OPTION_TS = 8,
	/* With kind and length themselves. */
	TCP_OPTION_MSS_LENGTH = 4,
	TCP_OPTION_WSCALE_LENGTH = 3,
	TCP_OPTION_SACK_OK_LENGTH = 2,
	TCP_OPTION_TS_LENGTH = 10,
};

#endif
