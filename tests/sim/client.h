/* SPDX-License-Identifier: BSD-3-Clause */
/* client.h - a TCP client as RFC 9293 wants it, with go-back-N and a plan: what it sends, when it
 * closes, and whether it fails in the middle. */
#ifndef RIPOSTE_SIM_CLIENT_H
#define RIPOSTE_SIM_CLIENT_H

#include "segment.h"

struct sim;

enum client_state {
	CLIENT_IDLE, /* not begun, or between two rounds */
	CLIENT_SYN_SENT,
	CLIENT_OPEN,      /* any state from ESTABLISHED to LAST-ACK */
	CLIENT_TIME_WAIT, /* silent, but for the peer's FIN */
	CLIENT_CLOSED,    /* whatever comes draws RST */
	CLIENT_GONE,      /* crashed or unplugged: nothing comes from there any more */
};

enum client_outcome {
	CLIENT_UNDECIDED,
	CLIENT_CLEAN,
	CLIENT_RESET,
	CLIENT_GAVE_UP, /* nothing that helped came for long */
	CLIENT_ABORTED, /* it sent RST itself */
	CLIENT_VANISHED,
};

/* How a client leaves, if not by the book. */
enum client_fate { CLIENT_LAWFUL, CLIENT_ABORTS, CLIENT_VANISHES, CLIENT_REBOOTS };

/* Times are in microseconds of the virtual clock. */
struct client_plan {
	unsigned int row;     /* of host_rows; host_row_count: a port without a listener */
	uint32_t bytes;       /* to send: an even number, as all segments but SYN and FIN have */
	uint32_t chunk;       /* bytes a segment, even */
	uint32_t flight;      /* segments on the way at most */
	uint32_t hold_offset; /* after so many bytes it pauses ... */
	uint64_t hold_until;  /* ... until then */
	uint64_t fin_at;      /* does not close before that, unless the server has */
	bool fin_with_text;   /* FIN comes with the last text */
	uint64_t shut_until;  /* its own window is closed until then */
	uint16_t wnd;
	uint32_t read_every_us; /* how often its application reads all there is; 0: at once */
	uint32_t delay_ack_us;  /* the ACK of a lone segment comes that much later */
	bool holds;             /* what comes out of order */
	uint8_t options;        /* of its SYN: TCP_OPT_... */
	uint8_t wscale;
	uint16_t mss;
	uint8_t fate; /* enum client_fate */
	uint64_t fate_at;
	unsigned int rounds;   /* connections from the same port, one after the other */
	unsigned int answered; /* so many have their SYN answered at once */
	unsigned int firm;     /* of so many the outcome is what host_rows says */
};

#define CLIENT_HELD 16

struct client {
	struct sim *sim;
	uint32_t number;
	struct client_plan plan;
	struct segment way; /* addresses, ports and tags of all it sends */
	uint8_t state, outcome;
	unsigned int round;
	uint32_t iss, una, nxt, high; /* high: the highest that SND.NXT was */
	uint32_t irs, rcv_nxt;
	uint32_t rcv_edge; /* the furthest that its own window went */
	uint32_t unread;   /* text that its application has not read */
	uint8_t rcv_shift; /* of its own window */
	struct {
		uint32_t seq, end;
	} held[CLIENT_HELD]; /* text ahead of RCV.NXT */
	bool fin_held;       /* the server's FIN came, and that is its number */
	uint32_t fin_at;
	uint64_t read_at, ack_at; /* when it reads, and acknowledges; 0: not armed */
	uint32_t edge;            /* of the server's window */
	uint32_t wl1, wl2;        /* SND.WL1, SND.WL2 */
	uint8_t shift;            /* of the server's window */
	bool ts;                  /* timestamps were negotiated */
	uint32_t ts_recent;
	bool confirmed; /* the server has answered in ESTABLISHED */
	bool fin_seen, fin_seen_first;
	uint32_t flight; /* of the plan, 1 after a loss */
	uint32_t rto_us, retries;
	uint64_t rto_at, retire_at; /* 0: not armed */
	uint64_t patience_at;
	bool keepalive;    /* rto_at only asks whether the server is still there */
	uint64_t quota_at; /* RFC 5961 7: ten ACKs of what is not acceptable a second */
	uint32_t quota;
	uint64_t woken_at; /* the alarm that was set last; 0: none */
};

/* Makes a client, with an alarm for its start. way and plan are set. */
void client_init(struct client *c, struct sim *sim, uint32_t number, uint64_t start);

/* Its alarm rang. */
void client_wake(struct client *c);

/* A segment came for its address. */
void client_input(struct client *c, const struct segment *s);

/* Once all is over: ends what the host may still wait for by design. */
void client_farewell(struct client *c);

/* "closed cleanly", to be read after "its connection". */
const char *client_outcome_name(enum client_outcome outcome);

/* The sequence number right after its last byte, where its FIN is. */
static inline uint32_t
client_end(const struct client *c)
{
	return c->iss + 1 + c->plan.bytes;
}

/* client.c, for the others of them. */

/* The server has broken a rule. */
void client_fail(struct client *c, const char *rule, const struct segment *s);

/* client_text.c, for them too. */

/* The window to be advertised now, as the field. */
uint16_t client_window(const struct client *c);

/* The bytes that come in all, if nothing goes wrong. */
uint32_t client_expects(const struct client *c);

/* The text and FIN of an acceptable segment. True if it was the FIN's turn. */
bool client_text(struct client *c, const struct segment *s);

/* Its application reads. */
void client_read(struct client *c);

/* client_output.c, for them too. */

/* Sends a segment; text bytes of text. */
void client_send(struct client *c, uint8_t flags, uint32_t seq, uint32_t text);

/* All that may be sent now, and arms the timer for it. */
void client_push(struct client *c);

/* Nothing was acknowledged for as long as RTO. */
void client_timeout(struct client *c);

/* Sets its alarm to the nearest of its deadlines. */
void client_rearm(struct client *c);

/* The connection is over. */
void client_finish(struct client *c, enum client_state state, enum client_outcome outcome);

#endif
