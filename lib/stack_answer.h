/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_answer.h - how a reply gets over the frame that asked for it: at once, or with fifteen
 * others (stack_columns.h). Inline: most of a flood ends here. For stack.c, stack_parse.c and
 * stack_listen.c.
 */
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

/* Writes the answers that were left for later. */
static inline void
stack_answer_now(struct stack *s)
{
	if (s->answers[0].count > 0)
		stack_columns_answer(&s->host, 4, &s->answers[0]);
	if (s->answers[1].count > 0)
		stack_columns_answer(&s->host, 6, &s->answers[1]);
}

/* Both addresses as columns. */
static inline void
stack_answer_addresses(const struct flow *flow, struct stack_answers *a, unsigned int n)
{
	if (flow->family == 4) {
		a->raddr[0][n] = flow->v4.raddr;
		a->laddr[0][n] = flow->v4.laddr;
		return;
	}
	for (unsigned int i = 0; i < STACK_ADDR_WORDS; i++) {
		memcpy(&a->raddr[i][n], flow->v6.raddr + 4 * i, 4);
		memcpy(&a->laddr[i][n], flow->v6.laddr + 4 * i, 4);
	}
}

/* Puts reply, which has no text, to the plain frame that came of flow to the others that are to be
 * written. False: it has too many options. */
static inline bool
stack_answers_put(struct stack_answers *a, struct stack_frame *frame, const struct flow *flow,
		  const struct tcp_reply *reply)
{
	const uint32_t options = emit_options_length(reply->options);
	const unsigned int n = a->count;

	assert(frame->room >= WIRE_TCP_MAX && reply->text == 0);
	if (options > 4 * (flow->family == 4 ? STACK_ANSWER_OPTIONS4 : STACK_ANSWER_OPTIONS6))
		return false;
	a->frames[n] = frame;
	stack_answer_addresses(flow, a, n);
	a->ports[n] = flow_ports(flow);
	a->seq[n] = reply->seq;
	a->ack[n] = reply->ack;
	a->control[n] = (uint32_t)reply->flags << 16 | reply->wnd;
	a->length[n] = (uint32_t)sizeof(struct wire_tcp) + options;
	if (options > 0)
		emit_options(reply, &(struct emit_words){.at = (uint8_t *)&a->options[0][n],
							 .apart = sizeof(a->options[0])});
	a->count = n + 1;
	return true;
}

/* Leaves the slot's reply, which has no text, to be written with others, and counts it. False: it
 * is none, or it has to be written by itself. */
static inline bool
stack_answer_later(struct stack *s, struct stack_slot *slot)
{
	const struct tcp_reply *reply = &slot->reply;
	const struct flow *flow = &slot->packet.flow;
	struct stack_answers *a = &s->answers[flow->family == 6];

	if (!slot->plain || reply->flags == 0 || !stack_answers_put(a, slot->frame, flow, reply))
		return false;
	if (reply->flags & TCP_RST)
		s->counters.rst[reply->rst]++;
	s->counters.tx++;
	s->counters.answered++;
	if (a->count == STACK_COLUMNS)
		stack_columns_answer(&s->host, flow->family, a);
	return true;
}

/* Answers the slot's frame with its reply, if it is one, which has no text. */
static inline __attribute__((always_inline)) void
stack_answer_slot(struct stack *s, struct stack_slot *slot)
{
	if (!stack_answer_later(s, slot))
		stack_answer(s, slot->frame, &slot->packet, &slot->reply);
	slot->frame = NULL;
}

#endif
