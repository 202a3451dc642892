/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_look.h - what oracle_look.c, oracle_state.c and oracle_send.c share: a copy of all that
 * the stack keeps of its connections as it was at the last look, and what that added up to. */
#ifndef RIPOSTE_SIM_ORACLE_LOOK_H
#define RIPOSTE_SIM_ORACLE_LOOK_H

#include "oracle.h"
#include "stack_internal.h"

/* What one sender adds to the sums. */
struct oracle_sender {
	bool used, orphan, ready; /* orphan: no connection, but segments wait */
	uint32_t chunks, waiting;
};

struct oracle_sender_sums {
	uint32_t used, free, orphans, ready, chunks, waiting;
};

struct oracle_sums {
	uint32_t connections, half_open, armed, waiting;
	uint32_t *queued; /* by listener: of waiting */
};

struct oracle_copy {
	struct conn4 *v4;
	struct conn_side *side4;
	struct conn6 *v6;
	struct flow_bucket *table, *sender_table;
	struct sender *senders;
	struct called called[STACK_CALLED];
	uint32_t fresh[2], sender_fresh;
	uint32_t slots; /* of the table, in use */
	struct byte_pool text;
	struct siphash_key flow_key;
	const struct listener_index *index;

	struct oracle_sums sums;
	struct oracle_sender *sender_seen;
	struct oracle_sender_sums sender_sums;
	/* Places to look at. */
	bool *touched;
	uint32_t *changed, changed_count;
	bool armed; /* some deadline is set, and none is nearer than this: */
	uint32_t nearest_ms;
	bool ticked; /* what is due has been given out */

	/* Memory for so many of them. */
	uint32_t connections, sender_room;
	uint16_t listener_room;
};

/* A place, or what belongs to it, has changed. */
static inline void
oracle_touch(struct oracle_copy *c, uint32_t place)
{
	if (c->touched[place])
		return;
	c->touched[place] = true;
	c->changed[c->changed_count++] = place;
}

static inline bool
oracle_differs(const void *now, const void *then, size_t size)
{
	return memcmp(now, then, size) != 0;
}

/* oracle_copy.c */

/* The next of so many elements of size bytes, which are whole cache lines, from the i-th on, that
 * is not what it was; count if none is. */
uint32_t oracle_next_changed(const void *now, const void *then, size_t size, uint32_t i,
			     uint32_t count);

/* Touches the places whose bytes have changed. */
void oracle_find_changed(struct oracle *o);

/* Takes a copy of the connection at a place; true if its four-tuple is another. */
bool oracle_copy_place(struct oracle *o, uint32_t place);

/* oracle_state.c: the rules for one connection, and whether it is what it was at the last look but
 * for what has come since. The rule that is broken, or NULL. */
const char *oracle_check_conn(struct oracle *o, uint32_t conn);

/* Says which connection breaks a rule. Always false. */
bool oracle_wrong(struct oracle *o, uint32_t conn, const char *rule);

/* oracle_send.c */

/* A connection, as far as it writes. The rule that is broken, or NULL. */
const char *oracle_check_sender(const struct oracle *o, uint32_t conn);

/* Looks at the senders that have changed, or at all of them, and notes whose they are. */
bool oracle_look_senders(struct oracle *o, bool all);

/* What they have in common: are places and chunks accounted for? */
bool oracle_check_senders(struct oracle *o);

/* Is everybody who is in a call by hand in one that goes on? */
bool oracle_check_called(struct oracle *o);

#endif
