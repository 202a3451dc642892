/* SPDX-License-Identifier: BSD-3-Clause */
/* send_harness.h - a connection of tcp_harness.h whose application writes: OUT() says what
 * tcp_send_next() must give, NO_MORE() that it gives nothing. Text is numbered from 0 on. */
#ifndef RIPOSTE_SEND_HARNESS_H
#define RIPOSTE_SEND_HARNESS_H

#include "tcp_harness.h"

struct send_harness {
	struct tcp_send send;
	uint32_t written; /* bytes so far */
	uint32_t next;    /* the first that was never sent, as the scenario sees it */
};

extern struct send_harness o;

/* The sequence number of byte N of the text. */
#define TEXT(N) (SND_NXT + (uint32_t)(N))
/* Eff.snd.MSS of RFC 9293 3.7.1 where both ends have the same: 1460, or 1448 with timestamps. */
#define MSS (h.env.mss - (h.syn_options & TCP_OPT_TS ? 12u : 0))

/* A segment with text or FIN. Its SEQ is TEXT(at); PSH belongs to the last byte written. */
struct send_out {
	uint32_t at, text;
	bool fin;
	uint8_t sent;    /* TCP_SENT_... */
	uint32_t peer;   /* bytes of the peer's, FIN included, that it acknowledges */
	uint32_t unread; /* the window is the buffer less this */
};

#define OUT(...)  send_out(HERE, &(struct send_out){__VA_ARGS__})
#define NO_MORE() send_none(HERE)
/* COUNT full segments with the next text, and no more. */
#define FULL(COUNT) send_full(HERE, (COUNT))
/* Sends all that may go, of whatever size; returns how many bytes that were. */
#define SEND_ALL() send_all(HERE)
/* An ACK of all text before byte N, that sends nothing by itself. */
#define ACKED(N) send_acked(HERE, (N))
/* The timer expires; what that lets go is left to OUT(). */
#define EXPIRE() send_expire(HERE)

void send_out(struct story_where where, const struct send_out *want);
void send_none(struct story_where where);
void send_full(struct story_where where, uint32_t count);
uint32_t send_all(struct story_where where);
void send_acked(struct story_where where, uint32_t bytes);
uint32_t send_expire(struct story_where where);

/* ESTABLISHED by a handshake that took rtt_ms; window is that of the peer. */
void send_enter(uint32_t rtt_ms, uint16_t window);
/* Makes the application of a connection that is there a writing one. */
void send_open(void);
void send_write(uint32_t bytes);
/* shutdown() and close(): nothing is sent by the call itself where there is text to send. */
void send_shutdown(void);
void send_close(void);

/* So many full segments are written, sent and acknowledged one by one, window and cwnd allowing. */
void send_grow(uint32_t segments);

/* So many segments are written and ten are on their way. */
void ten_on_their_way(uint32_t segments);

/* Segment N goes again for three duplicate ACKs. */
#define FAST(N) OUT(.at = (N)*MSS, .text = MSS, .sent = TCP_SENT_FAST)
#define DUP()   ACKED(0)
/* Three duplicate ACKs where there is nothing new to send, and where there is. */
void three_duplicates(void);
void three_duplicates_with_more(void);

#endif
