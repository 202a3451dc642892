/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_slot.h - the slots of one connection in a burst. They are chained, the last one first, with
 * those of other connections that share a place in last_slot: all of it is near, which the
 * connection's own memory is not. For stack_*.c. */
#ifndef RIPOSTE_STACK_SLOT_H
#define RIPOSTE_STACK_SLOT_H

#include "stack_internal.h"

_Static_assert(STACK_BURST_MAX <= SLOT_NONE, "a slot's number has 8 bits");
_Static_assert(STACK_SLOT_PLACES_LOG <= 8, "a place has 8 bits");

/* A connection's place. Who opens connections one after the other knows how their numbers differ,
 * but not which of them meet: a burst of segments for those would walk along one chain. */
static inline uint8_t
stack_slot_place(const struct stack *s, uint32_t conn)
{
	return (uint8_t)(conn * ((uint32_t)s->chance_key.k0 | 1) >> (32 - STACK_SLOT_PLACES_LOG));
}

/* The first of a chain's slots from number on that is conn's; NULL if there is none. */
static inline struct stack_slot *
stack_slot_of(struct stack *s, uint8_t number, uint32_t conn)
{
	while (number != SLOT_NONE && s->slots[number].conn != conn)
		number = s->slots[number].earlier;
	return number == SLOT_NONE ? NULL : &s->slots[number];
}

/* The last slot of this burst, of those that were acted on, whose segment was conn's; NULL if there
 * is none. */
static inline struct stack_slot *
stack_last_slot(struct stack *s, uint32_t conn)
{
	if (s->slot_count == 0)
		return NULL;
	return stack_slot_of(s, s->last_slot[stack_slot_place(s, conn)], conn);
}

/* conn's slot before that one; NULL: none. */
static inline struct stack_slot *
stack_earlier_slot(struct stack *s, const struct stack_slot *slot, uint32_t conn)
{
	return stack_slot_of(s, slot->earlier, conn);
}

/* The segment of the slot that is acted on, which is the last one of its chain if it is in one
 * already, is conn's. */
static inline void
stack_claim(struct stack *s, struct stack_slot *slot, uint32_t conn)
{
	if (slot->conn == conn)
		return;
	if (slot->claimed)
		s->last_slot[slot->place] = slot->earlier;
	slot->conn = conn;
	slot->place = stack_slot_place(s, conn);
	slot->earlier = s->last_slot[slot->place];
	slot->claimed = true;
	s->last_slot[slot->place] = (uint8_t)(slot - s->slots);
}

#endif
