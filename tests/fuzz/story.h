/* SPDX-License-Identifier: BSD-3-Clause */
/* story.h - what fuzz_stack.c tells: the simulator's host, a few clients, bursts and time. */
#ifndef RIPOSTE_FUZZ_STORY_H
#define RIPOSTE_FUZZ_STORY_H

#include "../sim/host.h"
#include "input.h"

#define STORY_CLIENTS 8
#define STORY_SECOND  UINT64_C(1000000)

/* What a client remembers of the last SYN-ACK that came for it. */
struct peer {
	uint32_t irs, iss; /* as the host calls them */
	uint32_t tsval;
	bool ts;
};

struct story {
	struct host host;
	stack_us now;
	struct peer peers[STORY_CLIENTS][HOST_ROWS + 1];
	struct stack_frame burst[STACK_BURST_MAX];
	uint8_t buffers[STACK_BURST_MAX][SEGMENT_FRAME_MAX];
	unsigned int burst_count;
	uint8_t last[SEGMENT_FRAME_MAX];
	uint32_t last_length;
};

/* Stops with what the oracle says, if anything did not hold. */
void story_require(const struct story *s);

/* Addresses and ports of a client and a row. */
struct segment story_way(unsigned int client, unsigned int row);

/* A frame comes, in the burst that is being gathered. */
void story_receive(struct story *s, const uint8_t *frame, uint32_t length);

/* The burst is over. */
void story_flush(struct story *s);

/* What waits is sent. */
void story_drain(struct story *s);

/* Time passes until then. */
void story_sleep_until(struct story *s, stack_us until);

/* Everybody goes, and nothing may be left. */
void story_end(struct story *s);

#endif
