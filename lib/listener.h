/* SPDX-License-Identifier: BSD-3-Clause */
/* listener.h - who listens where: the configuration's listeners, found by address and port. */
#ifndef RIPOSTE_LISTENER_H
#define RIPOSTE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr_set.h"
#include "flow.h"

enum listener_cookies { COOKIES_AUTO, COOKIES_ALWAYS, COOKIES_NEVER };

struct port_range {
	uint16_t first, last; /* host byte order, both included */
};

#define LISTENER_CHANCE_ALWAYS (UINT64_C(1) << 32)
#define LISTENER_NONE          UINT16_MAX
#define LISTENERS_MAX          65535

/* Times in milliseconds. */
struct listener {
	const char *name;
	const struct port_range *ports;
	size_t port_count;
	const struct addr_set *on; /* NULL: everything owned */
	uint16_t step;             /* its script's first step */
	uint8_t cookies;           /* enum listener_cookies */
	uint32_t backlog;
	uint32_t syn_ack_delay_ms;
	uint32_t handshake_timeout_ms; /* 0: none */
	uint32_t receive_buffer;       /* bytes, 1 .. 2^30 */
	uint32_t send_buffer;          /* bytes that a write leaves unacknowledged, 1 .. 2^30 */
	uint64_t chance;               /* applies if a 32-bit hash is below it */
	uint32_t first;                /* 0: all; N: only the first N connections */
};

/* Listener numbers by port, in the order of the configuration. Nothing changes in it once it is
 * built, so that workers may share it. */
struct listener_index {
	const struct listener *listeners; /* by number */
	uint16_t first, count;            /* the numbers of this index */
	bool draws;                       /* some listener's chance is below 1 */
	uint64_t used[1024];              /* bit p: some listener has port p */
	/* Port p's listener, if there is one alone that takes all that comes; else LISTENER_NONE.
	 */
	uint16_t only[65536];
	uint32_t start[65537]; /* port p: numbers[start[p]] .. numbers[start[p + 1] - 1] */
	uint16_t *numbers;
};

/* How many numbers an index of count listeners, from listeners[first] on, holds: one for each port
 * of each of them. */
size_t listener_index_numbers(const struct listener *listeners, uint16_t first, uint16_t count);

/* Fills index with count listeners from listeners[first] on; numbers has room for
 * listener_index_numbers() and lives as long as index. Ports of one listener do not overlap. */
void listener_index_build(struct listener_index *index, const struct listener *listeners,
			  uint16_t first, uint16_t count, uint16_t *numbers);

/* Is it one of this index? */
static inline bool
listener_in_index(const struct listener_index *index, uint16_t number)
{
	return number >= index->first && number - index->first < index->count;
}

/* Does any listener have this port (host byte order), on whatever address? */
static inline bool
listener_on_port(const struct listener_index *index, uint16_t port)
{
	return index->used[port / 64] >> port % 64 & 1;
}

/* The listener that a segment for flow meets: the first in the configuration's order that has the
 * port and address, whose chance draws it, and that has not taken its first connections
 * (taken[number] of them so far). draw is what chance is drawn from: the same for every segment of
 * one handshake. LISTENER_NONE when there is none. */
uint16_t listener_find(const struct listener_index *index, const struct flow *flow, uint64_t draw,
		       const uint32_t *taken);

#endif
