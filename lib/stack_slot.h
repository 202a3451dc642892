/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_slot.h - the slots of one connection in a burst: the connection knows the last of them,
 * each the one before. For stack_*.c. */
#ifndef RIPOSTE_STACK_SLOT_H
#define RIPOSTE_STACK_SLOT_H

#include "stack_internal.h"

/* The last slot of this burst, of those that were acted on, whose segment was conn's; NULL if there
 * is none. */
static inline struct stack_slot *
stack_last_slot(struct stack *s, uint32_t conn)
{
	struct stack_slot *slot = &s->slots[conn_store_side(&s->conns, conn)->slot];

	return slot < s->slots + s->slot_count && slot->conn == conn ? slot : NULL;
}

/* conn's slot before that one; NULL: none. */
static inline struct stack_slot *
stack_earlier_slot(struct stack *s, const struct stack_slot *slot)
{
	return slot->earlier == SLOT_NONE ? NULL : &s->slots[slot->earlier];
}

/* The segment of the slot that is acted on is conn's. */
static inline void
stack_claim(struct stack *s, struct stack_slot *slot, uint32_t conn)
{
	const struct stack_slot *earlier;

	if (slot->conn == conn)
		return;
	earlier = stack_last_slot(s, conn);
	slot->conn = conn;
	slot->earlier = earlier == NULL ? SLOT_NONE : (uint8_t)(earlier - s->slots);
	conn_store_side(&s->conns, conn)->slot = (uint8_t)(slot - s->slots);
}

#endif
