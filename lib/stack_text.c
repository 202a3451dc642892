/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_text.c - the text that a sender has written, by its sequence numbers: where it lies, in the
 * configuration's writes or in the stack's pool. */
#include <assert.h>

#include "stack_internal.h"

/* Bytes of a script's writes from step on are one extent; this is the write in which its byte
 * number *offset lies, and *offset that byte's place there. */
static const struct script_step *
walk(const struct script_step *step, uint32_t *offset)
{
	while (step->call != SCRIPT_WRITE || *offset >= step->arg) {
		*offset -= step->call == SCRIPT_WRITE ? step->arg : 0;
		step++;
	}
	return step;
}

void
stack_text_drop(struct stack *s, struct sender *it, uint32_t seq)
{
	while (it->extent_count > 0 && seq_lt(it->base, seq)) {
		struct stack_extent *e = &it->extents[0];
		uint32_t acked = seq - it->base < e->length ? seq - it->base : e->length;

		it->base += acked;
		e->length -= acked;
		if (e->step == NULL) {
			byte_queue_drop(&s->text, &it->sending, acked);
		} else if (e->length > 0) {
			e->offset += acked;
			e->step = walk(e->step, &e->offset);
		}
		if (e->length > 0)
			return;
		it->extent_count--;
		memmove(e, e + 1, it->extent_count * sizeof(*e));
	}
}

bool
stack_text_extend(struct sender *it, const struct script_step *step, uint32_t length)
{
	struct stack_extent *last =
		it->extent_count > 0 ? &it->extents[it->extent_count - 1] : NULL;

	if (last != NULL && (last->step == NULL) == (step == NULL)) {
		last->length += length;
		return true;
	}
	if (it->extent_count == STACK_EXTENTS)
		return false;
	if (it->extent_count == 0)
		it->base = it->tcp.end;
	it->extents[it->extent_count++] = (struct stack_extent){.step = step, .length = length};
	return true;
}

/* Copies length bytes of a script's writes, from byte offset of step on. */
static void
copy_written(const struct script_step *step, uint32_t offset, uint8_t *to, uint32_t length)
{
	while (length > 0) {
		uint32_t part;

		step = walk(step, &offset);
		part = length < step->arg - offset ? length : step->arg - offset;
		memcpy(to, step->text + offset, part);
		to += part;
		length -= part;
		offset += part;
	}
}

void
stack_copy_text(const struct stack *s, uint32_t sender, const struct tcp_reply *reply, uint8_t *to)
{
	struct sender *it = &s->senders[sender];
	uint32_t skip = reply->seq - it->base;
	uint32_t left = reply->text;
	uint32_t held = 0; /* bytes in sending before this extent */

	assert(seq_ge(reply->seq, it->base));
	for (const struct stack_extent *e = it->extents; left > 0; e++) {
		uint32_t here = skip < e->length ? e->length - skip : 0;
		uint32_t part = left < here ? left : here;

		assert(e < it->extents + it->extent_count);
		if (part > 0 && e->step != NULL)
			copy_written(e->step, e->offset + skip, to, part);
		else if (part > 0)
			byte_queue_copy(&s->text, &it->sending, held + skip, to, part);
		to += part;
		left -= part;
		skip -= here > 0 ? skip : e->length;
		held += e->step == NULL ? e->length : 0;
	}
}
