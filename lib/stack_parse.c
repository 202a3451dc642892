/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_parse.c - what comes of a frame before any connection is looked at; for most kinds of
 * frames that is all. */
#include "stack_answer.h"
#include "stack_columns.h"
#include "wire_parse_plain.h"

#define COLUMNS_LEAST 4 /* frames side by side; sixteen take as long */

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
	stack_answer(s, frame, p, &reply);
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

/* What becomes of the frame once packet says what it is. True: it is in slot, for a port that
 * somebody listens on. Otherwise all is done. */
static inline bool
take(struct stack *s, struct stack_frame *frame, struct stack_slot *slot)
{
	struct wire_packet *p = &slot->packet;

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
	slot->plain = false;
	return true;
}

/* unusual: it has been looked at with others, and is not plain. */
static inline bool
parse(struct stack *s, struct stack_frame *frame, struct stack_slot *slot, bool unusual)
{
	frame->tcp = false;
	if (frame->length == 0) {
		stack_count_frame(s, frame, DROP_segmented);
		return false;
	}
	if (unusual)
		wire_parse_unusual(&s->host, frame->data, frame->length, frame->csum,
				   &slot->packet);
	else
		wire_parse_inline(&s->host, frame->data, frame->length, frame->csum, &slot->packet);
	return take(s, frame, slot);
}

/* What sixteen frames side by side (stack_columns.c) have told of one of them. */
static inline void
take_plain(const struct stack_columns *c, unsigned int lane, struct stack_frame *frame,
	   struct stack_slot *slot)
{
	struct wire_packet *p = &slot->packet;
	const bool v6 = c->ip6 >> lane & 1;
	const uint32_t rest = c->rest[lane];
	const uint32_t header = rest >> 28 << 2;
	const uint8_t *ends =
		frame->data + PLAIN_L3 +
		(v6 ? offsetof(struct wire_ip6, src) : offsetof(struct wire_ip4, src));

	frame->tcp = false;
	slot->frame = frame;
	slot->plain = true;
	p->kind = WIRE_TCP;
	p->drop = DROP_NONE;
	p->l3 = PLAIN_L3;
	p->l4 = v6 ? PLAIN_L4_IP6 : PLAIN_L4_IP4;
	p->l4_length = (uint16_t)(header + c->text[lane]);
	p->l2 = (struct wire_l2){0};
	memcpy(p->l2.peer, frame->data + offsetof(struct wire_eth, src), sizeof(p->l2.peer));
	/* The ports are behind the addresses. */
	p->flow.family = v6 ? 6 : 4;
	if (v6)
		memcpy(&p->flow.v6, ends, sizeof(p->flow.v6));
	else
		memcpy(&p->flow.v4, ends, sizeof(p->flow.v4));
	p->seg = (struct tcp_seg){
		.seq = c->seq[lane],
		.ack = c->ack[lane],
		.text = c->text[lane],
		.wnd = (uint16_t)rest,
		.flags = (uint8_t)(rest >> 16),
	};
	if (header > sizeof(struct wire_tcp))
		wire_parse_options(frame->data + p->l4 + sizeof(struct wire_tcp),
				   header - (uint32_t)sizeof(struct wire_tcp), &p->seg);
}

/* answer_closed() of many. */
static void
answer_closed_columns(struct stack *s, struct stack_frame *frames, const struct stack_columns *c,
		      uint32_t lanes)
{
	struct stack_counters *n = &s->counters;
	uint32_t answered = lanes;
	unsigned int count;

	for (uint32_t left = lanes; left != 0; left &= left - 1) {
		const unsigned int lane = (unsigned int)__builtin_ctz(left);

		assert(frames[lane].room >= WIRE_TCP_MAX);
		/* RFC 9293 3.10.7.1: a RST is discarded. */
		if (c->rest[lane] & TCP_RST << 16)
			answered &= ~(UINT32_C(1) << lane);
		frames[lane].length = 0;
		frames[lane].tcp = false;
	}
	n->dropped[DROP_tcp_stray_rst] += (unsigned int)__builtin_popcount(lanes & ~answered);
	count = (unsigned int)__builtin_popcount(answered);
	if (s->conf.closed == STACK_CLOSED_DROP) {
		n->dropped[DROP_tcp_closed] += count;
		return;
	}
	n->rst[TCP_RST_NO_LISTENER] += count;
	n->tx += count;
	n->answered += count;
	if (answered != 0)
		stack_columns_reset(&s->host, frames, c, answered);
}

/* Up to STACK_COLUMNS frames side by side, as far as they are plain, and the others one by one; the
 * slots are in the frames' order. *any: some were plain. */
static unsigned int
parse_columns(struct stack *s, struct stack_frame *frames, unsigned int count,
	      struct stack_slot *slots, bool *any)
{
	struct stack_columns c;
	uint32_t closed, rest;
	unsigned int slot_count = 0;

	stack_columns_parse(&s->host, s->conf.index, frames, count, &c);
	*any = c.plain != 0;
	/* stack_has_port() */
	closed = s->left_behind > 0 ? 0 : c.plain & ~c.listened;
	rest = ((UINT32_C(1) << count) - 1) & ~closed;
	if (closed != 0)
		answer_closed_columns(s, frames, &c, closed);
	for (; rest != 0; rest &= rest - 1) {
		const unsigned int lane = (unsigned int)__builtin_ctz(rest);

		if (c.plain >> lane & 1)
			take_plain(&c, lane, &frames[lane], &slots[slot_count++]);
		else
			slot_count += parse(s, &frames[lane], &slots[slot_count], true);
	}
	return slot_count;
}

unsigned int
stack_parse(struct stack *s, struct stack_frame *frames, unsigned int count)
{
	bool columns = stack_columns_have() && s->reach == STACK_UP;
	unsigned int slot_count = 0, at = 0;

	/* Where none was plain, hardly one of the others is: a flood of something else. */
	while (columns && count - at >= COLUMNS_LEAST) {
		const unsigned int some = count - at < STACK_COLUMNS ? count - at : STACK_COLUMNS;

		slot_count += parse_columns(s, &frames[at], some, &s->slots[slot_count], &columns);
		at += some;
	}
	for (; at < count; at++)
		slot_count += parse(s, &frames[at], &s->slots[slot_count], false);
	return slot_count;
}
