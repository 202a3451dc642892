/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_names.c - what states and RST reasons are called. */
#include <assert.h>

#include "tcp.h"

const char *
tcp_state_name(enum tcp_state state)
{
	static const char *const names[TCP_STATES] = {
		[TCP_SYN_RECEIVED] = "SYN-RECEIVED", [TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_FIN_WAIT_1] = "FIN-WAIT-1",     [TCP_FIN_WAIT_2] = "FIN-WAIT-2",
		[TCP_CLOSE_WAIT] = "CLOSE-WAIT",     [TCP_CLOSING] = "CLOSING",
		[TCP_LAST_ACK] = "LAST-ACK",         [TCP_TIME_WAIT] = "TIME-WAIT",
	};

	assert(state < TCP_STATES);
	return names[state];
}

const char *
tcp_rst_name(enum tcp_rst reason)
{
	static const char *const names[TCP_RST_COUNT] = {
		[TCP_RST_NONE] = "none",
		[TCP_RST_NO_LISTENER] = "no_listener",
		[TCP_RST_NO_CONNECTION] = "no_connection",
		[TCP_RST_BAD_ACK] = "bad_ack",
		[TCP_RST_AFTER_CLOSE] = "after_close",
		[TCP_RST_UNREAD_DATA] = "unread_data",
		[TCP_RST_LINGER] = "linger",
		[TCP_RST_NOT_ACCEPTED] = "not_accepted",
		[TCP_RST_HANDSHAKE_TIMEOUT] = "handshake_timeout",
	};

	assert(reason < TCP_RST_COUNT);
	return names[reason];
}
