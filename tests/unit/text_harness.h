/* SPDX-License-Identifier: BSD-3-Clause */
/* text_harness.h - peers of stack_harness.h that read: text that is long and nowhere the same, and
 * a receiver which looks at every byte, in whatever order segments come. */
#ifndef RIPOSTE_TEXT_HARNESS_H
#define RIPOSTE_TEXT_HARNESS_H

#include "stack_harness.h"

#define TEXT_MAX 300000u

/* TEXT_MAX bytes, the same each time; and others. */
const uint8_t *text_pattern(void);
const uint8_t *text_other(void);

/* The next "write @..." of the scripts so far writes these bytes: after LISTEN(), before START().
 */
void text_of_write(const uint8_t *bytes, uint32_t length);

/* One that has done its HANDSHAKE(). It holds what comes out of order. */
struct text_reader {
	struct stack_peer peer;
	uint32_t first; /* sequence number of the first byte */
	const uint8_t *want;
	uint32_t length; /* of want: no more may come */
	uint32_t taken;  /* bytes in order */
	uint32_t most;   /* behind the last byte that came */
	bool fin;        /* came, and all before it */
	uint32_t fin_at; /* UINT32_MAX: none came */
	uint8_t seen[TEXT_MAX];
};

/* A reader for peer, which has to read these bytes. */
struct text_reader *text_reader(const struct stack_peer *peer, const uint8_t *want,
				uint32_t length);

/* Looks at a segment: ACK, perhaps FIN or PSH, and text that is right. */
void text_look(struct text_reader *r, const struct stack_sent *sent);
/* Takes all that came out for the reader; how many segments. */
unsigned int text_take(struct text_reader *r);
/* What it would acknowledge now. */
uint32_t text_ack(const struct text_reader *r);
/* Puts an ACK of that into the next burst. */
void text_send_ack(struct text_reader *r);

/* Takes and acknowledges until nothing comes any more; time does not pass. */
void text_read(struct text_reader *r);

/* The place of p's connection. */
uint32_t call_place(const struct stack_peer *p);

/* Has its application make the call: its step and text are gone afterwards. What it sends waits
 * behind the burst. The refusal; NULL if it was made. */
const char *call_by_hand(const struct stack_peer *p, const char *text);

#endif
