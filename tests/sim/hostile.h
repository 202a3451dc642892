/* SPDX-License-Identifier: BSD-3-Clause */
/* hostile.h - peers that complete the handshake and then break the rules: what a receiver can do to
 * a sender. */
#ifndef RIPOSTE_SIM_HOSTILE_H
#define RIPOSTE_SIM_HOSTILE_H

#include "segment.h"

struct sim;

#define HOSTILE_FIRST 9000 /* client numbers from here on are theirs */

/* Savage et al., "TCP congestion control with a misbehaving receiver", 1999; RFC 5961 5; RFC 9293
 * 3.8.6. */
enum hostile_kind {
	HOSTILE_OPTIMIST, /* acknowledges what it has not got, or what was not sent */
	HOSTILE_DIVIDES,  /* acknowledges a segment bit by bit */
	HOSTILE_REPEATS,  /* sends the same ACK again and again */
	HOSTILE_SHUT,     /* its window is closed for ever, but it answers */
	HOSTILE_SHRINKS,  /* its window is anything, and takes back what it offered */
	HOSTILE_TINY,     /* announces an MSS of next to nothing */
	HOSTILE_SACKS,    /* with SACK blocks of anything */
	HOSTILE_BREAKS,   /* FIN and RST in the middle, in the window and beside it */
	HOSTILE_OLD,      /* acknowledges what was acknowledged long ago, with text */
	HOSTILE_BYTES,    /* sends byte by byte, in order and not, and takes nothing */
	HOSTILE_SILENT,   /* says no more once it has connected */
	HOSTILE_KINDS
};

struct hostile {
	uint8_t kind;  /* enum hostile_kind */
	bool open;     /* it has got a SYN-ACK, and no RST */
	bool over;     /* it does no more; to what comes it says RST, ... */
	bool vanishes; /* ... or nothing */
	bool ts;
	uint32_t number, left;
	struct segment way;
	uint32_t iss, nxt; /* its own numbers */
	uint32_t irs, rcv_nxt, tsval;
};

/* Makes the number-th, with an alarm for its SYN. */
void hostile_init(struct hostile *h, struct sim *s, uint32_t number);

/* Its alarm rang. */
void hostile_act(struct hostile *h, struct sim *s);

/* A segment came for its address. */
void hostile_input(struct hostile *h, struct sim *s, const struct segment *came);

/* Once all is over: what the host still has of it ends. */
void hostile_farewell(struct hostile *h, struct sim *s);

#endif
