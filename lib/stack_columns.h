/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_columns.h - the frames that nearly all are, sixteen at a time: untagged IPv4 without
 * options or IPv6 without extension headers, and TCP, whose every header is right; and answers to
 * them without text. Where the processor cannot (columns.h), and for all other frames, wire_parse()
 * and wire_emit_tcp() do the same one by one. */
#ifndef RIPOSTE_STACK_COLUMNS_H
#define RIPOSTE_STACK_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "stack.h"

#define STACK_COLUMNS    16
#define STACK_ADDR_WORDS 4

/* What was found in them: column[lane] is frames[lane]'s. Of a lane that is not plain it is
 * anything. */
struct stack_columns {
	/* Network byte order; of IPv4 the first word. */
	_Alignas(64) uint32_t raddr[STACK_ADDR_WORDS][STACK_COLUMNS];
	uint32_t laddr[STACK_ADDR_WORDS][STACK_COLUMNS];
	uint32_t ports[STACK_COLUMNS]; /* as they lie in the frame */
	uint32_t seq[STACK_COLUMNS];   /* host byte order */
	uint32_t ack[STACK_COLUMNS];
	uint32_t text[STACK_COLUMNS];
	uint32_t rest[STACK_COLUMNS]; /* data offset, flags and window, from the top */
	/* Lanes, a bit each. */
	uint32_t plain;
	uint32_t ip6;      /* those of them that are IPv6 */
	uint32_t listened; /* ... and whose port somebody listens on */
};

/* Can the processor do it? Nothing else here may be called if it cannot. */
bool stack_columns_have(void);

/* Looks at count frames, STACK_COLUMNS at most. */
void stack_columns_parse(const struct wire_host *host, const struct listener_index *index,
			 const struct stack_frame *frames, unsigned int count,
			 struct stack_columns *c);

/* Words of options that an answer may have: over IPv4 all that a SYN-ACK has, over IPv6 an MSS. */
#define STACK_ANSWER_OPTIONS4 5
#define STACK_ANSWER_OPTIONS6 1

/* Answers of one family that are to be written, each over the plain frame that asked for it. Of
 * them the first count are there. */
struct stack_answers {
	_Alignas(64) uint32_t raddr[STACK_ADDR_WORDS][STACK_COLUMNS]; /* as above */
	uint32_t laddr[STACK_ADDR_WORDS][STACK_COLUMNS];
	uint32_t ports[STACK_COLUMNS]; /* as they lie in the frame that came */
	uint32_t seq[STACK_COLUMNS];   /* host byte order */
	uint32_t ack[STACK_COLUMNS];
	uint32_t control[STACK_COLUMNS]; /* flags and window, as rest above */
	uint32_t length[STACK_COLUMNS];  /* of the TCP header */
	uint32_t options[STACK_ANSWER_OPTIONS4][STACK_COLUMNS]; /* network byte order */
	struct stack_frame *frames[STACK_COLUMNS];
	unsigned int count;
};

/* Writes them, of family 4 or 6; then there are none. */
void stack_columns_answer(const struct wire_host *host, uint8_t family, struct stack_answers *a);

/* Writes over the frames of which, lanes that are plain and have no RST bit, what a closed port
 * answers. RFC 9293 3.10.7.1. */
void stack_columns_reset(const struct wire_host *host, struct stack_frame *frames,
			 const struct stack_columns *c, uint32_t which);

#endif
