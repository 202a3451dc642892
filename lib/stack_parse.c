/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_parse.c - what comes of a frame before any connection is looked at; for most kinds of
 * frames that is all. */
#include "stack_answer.h"
#include "wire_parse_plain.h"

/* What a host that is down still answers, or would not have answered either. */
static bool
is_heard(const struct stack *s, const struct wire_packet *p)
{
	return s->reach == STACK_DOWN && (p->kind == WIRE_ARP || p->kind == WIRE_SOLICIT);
}

static inline void
answer_closed(struct stack *s, struct stack_frame *frame, const struct wire_packet *p)
{
	struct tcp_reply reply;

	stack_input_closed(s, &p->seg, &reply);
	stack_answer_plain(s, frame, p, &reply);
}

static void
answer_other(struct stack *s, struct stack_frame *frame, struct wire_packet *p)
{
	uint32_t length = 0;

	switch ((enum wire_kind)p->kind) {
	case WIRE_ARP:
		length = arp_input(&s->host, frame->data, frame->length, frame->room, p);
		break;
	case WIRE_ECHO:
		length = icmp_input(&s->host, frame->data, frame->length, frame->room, p);
		break;
	case WIRE_SOLICIT:
		length = ndp_input(&s->host, frame->data, frame->length, frame->room, p);
		break;
	case WIRE_NOTHING:
	case WIRE_TCP:
		break;
	}
	frame->length = length;
	stack_count_frame(s, frame, p->drop);
}

/* True: the frame is in slot, for a port that somebody listens on. Otherwise all is done. */
static inline bool
parse(struct stack *s, struct stack_frame *frame, struct stack_slot *slot)
{
	struct wire_packet *p = &slot->packet;

	frame->tcp = false;
	if (frame->length == 0) {
		stack_count_frame(s, frame, DROP_segmented);
		return false;
	}
	wire_parse_inline(&s->host, frame->data, frame->length, frame->csum, p);
	if (s->reach != STACK_UP && !is_heard(s, p)) {
		p->kind = WIRE_NOTHING;
		p->drop = DROP_host_down;
	}
	if (p->kind != WIRE_TCP) {
		answer_other(s, frame, p);
		return false;
	}
	if (!stack_has_port(s, &p->flow)) {
		answer_closed(s, frame, p);
		return false;
	}
	slot->frame = frame;
	return true;
}

unsigned int
stack_parse(struct stack *s, struct stack_frame *frames, unsigned int count)
{
	unsigned int slot_count = 0;

	for (unsigned int i = 0; i < count; i++)
		slot_count += parse(s, &frames[i], &s->slots[slot_count]);
	return slot_count;
}
