/* SPDX-License-Identifier: BSD-3-Clause */
/* columns_row.h - up to sixteen frames for tests of stack_columns.h. Include after cmocka.h. */
#ifndef RIPOSTE_TEST_COLUMNS_ROW_H
#define RIPOSTE_TEST_COLUMNS_ROW_H

#include "stack_columns.h"
#include "wire_test.h"

/* A SYN's, as Linux sends them; the first four are an MSS. */
static const uint8_t SYN_OPTIONS[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
				      0, 1, 0,    0,    0, 2, 1, 3,  3, 7};

/* Frames, each in memory of just its room, so that a sanitizer sees a byte too far. */
struct row {
	struct stack_frame frames[STACK_COLUMNS];
	unsigned int count;
};

static inline void
row_put(struct row *row, const struct frame *f, uint8_t csum)
{
	struct stack_frame *frame = &row->frames[row->count++];

	*frame = (struct stack_frame){
		.length = f->length,
		/* What does not lie in one buffer may have any room (app/mbuf_frame.h). */
		.room = f->length == 0             ? 8
			: f->length > WIRE_TCP_MAX ? f->length
						   : WIRE_TCP_MAX,
		.csum = csum,
	};
	frame->data = malloc(frame->room);
	assert_non_null(frame->data);
	memset(frame->data, 0xa5, frame->room);
	memcpy(frame->data, f->data, f->length);
}

static inline void
row_free(struct row *row)
{
	for (unsigned int i = 0; i < row->count; i++)
		free(row->frames[i].data);
	row->count = 0;
}

#endif
