/* SPDX-License-Identifier: BSD-3-Clause */
/* network.h - a cable that loses, duplicates, reorders, corrupts and delays, and the queue of all
 * that will happen, in the order of a virtual clock. Knows no TCP. */
#ifndef RIPOSTE_SIM_NETWORK_H
#define RIPOSTE_SIM_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../unit/seed.h"

/* Shares are of 1000 frames. */
struct network_faults {
	uint16_t lost, doubled, corrupted;
	uint16_t late;     /* these are overtaken: they take up to late_us more */
	uint32_t delay_us; /* one way */
	uint32_t jitter_us;
	uint32_t late_us;
};

enum network_kind {
	NETWORK_TO_HOST,    /* a frame for the host under test */
	NETWORK_TO_CLIENTS, /* a frame for whoever it is addressed to */
	NETWORK_CLIENT,     /* client who wanted to be woken */
	NETWORK_ATTACKER,   /* attacker who acts */
	NETWORK_HOSTILE,    /* hostile peer who does */
	NETWORK_OPERATOR,   /* the host's operator */
};

#define NETWORK_FRAME_MAX 2048

struct network_event {
	struct network_event *next; /* of those that are free */
	uint8_t kind;               /* enum network_kind */
	uint32_t who;
	uint32_t length;
	uint8_t frame[NETWORK_FRAME_MAX];
};

/* When an event is. */
struct network_due {
	uint64_t at;    /* microseconds */
	uint64_t order; /* of what is at the same time: first in, first out */
	struct network_event *event;
};

#define NETWORK_STATIONS 512

struct network {
	struct network_faults faults;
	uint64_t heals_at; /* from then on no frame is lost, doubled, corrupted or late */
	/* By who is at the other end from the host: what befalls one's frames has nothing to do
	 * with how many others send. */
	struct seed luck[NETWORK_STATIONS];
	uint64_t order;
	struct network_due *heap;
	size_t count, room;
	struct network_event *free;
};

/* Makes an empty network with its own random numbers. n is zeroed, or one that has served: then
 * its memory is used again. */
void network_init(struct network *n, const struct network_faults *faults, uint64_t heals_at,
		  uint64_t seed);

/* Frees it, and all that had still to happen. */
void network_free(struct network *n);

/* Sends a frame towards kind: it will come never, once or more often. */
void network_send(struct network *n, uint64_t now, enum network_kind kind, const uint8_t *frame,
		  uint32_t length);

/* The station that a frame comes from, or goes to. */
unsigned int network_station(enum network_kind kind, const uint8_t *frame, uint32_t length);

/* Something without a frame happens at that time. */
void network_alarm(struct network *n, uint64_t at, enum network_kind kind, uint32_t who);

/* When the next event is; UINT64_MAX if there is none. */
uint64_t network_next(const struct network *n);

/* Takes it; the caller gives it back. NULL if there is none. */
struct network_event *network_take(struct network *n);
void network_give(struct network *n, struct network_event *e);

#endif
