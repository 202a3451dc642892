/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_answer.h - the end of a frame that belongs to no connection, inline: most of a flood ends
 * here. For stack_parse.c and stack_listen.c. */
#ifndef RIPOSTE_STACK_ANSWER_H
#define RIPOSTE_STACK_ANSWER_H

#include <assert.h>

#include "stack_internal.h"
#include "wire_emit.h"

/* Writes the reply, if it is one, over the frame that p was made of, and counts both. */
static inline __attribute__((always_inline)) void
stack_answer(struct stack *s, struct stack_frame *frame, const struct wire_packet *p,
	     const struct tcp_reply *reply)
{
	assert(frame->room >= WIRE_TCP_MAX && reply->text == 0);
	frame->length = 0;
	if (reply->flags != 0) {
		frame->tcp = true;
		frame->length = wire_emit_inline(&s->host, &p->l2, &p->flow, reply, frame->data,
						 &frame->lengths);
		if (reply->flags & TCP_RST)
			s->counters.rst[reply->rst]++;
	}
	stack_count_frame(s, frame, reply->drop);
}

/* The same of one that has no options, which makes it shorter. */
static inline __attribute__((always_inline)) void
stack_answer_plain(struct stack *s, struct stack_frame *frame, const struct wire_packet *p,
		   const struct tcp_reply *reply)
{
	assert(reply->options == 0);
	stack_answer(s, frame, p, reply);
}

#endif
