/* SPDX-License-Identifier: BSD-3-Clause */
/* path_table.h - the ways back to peers (Ethernet address and VLAN tags), each kept once and
 * counted, so that a connection holds two bytes of it instead of sixteen. */
#ifndef RIPOSTE_PATH_TABLE_H
#define RIPOSTE_PATH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "siphash.h"
#include "wire_l2.h"

#define PATH_NONE UINT16_MAX
#define PATH_MAX  65535 /* paths at most; indices 0 .. PATH_MAX - 1 */

struct path_table {
	struct path_entry *entries; /* PATH_MAX of them */
	uint16_t *buckets;
	struct siphash_key key;
	uint16_t free; /* list of unused entries */
	uint16_t last; /* held last: often the next one's, too */
	uint32_t count;
};

/* Bytes of memory (64-byte aligned) that a table needs. */
size_t path_table_bytes(void);

/* Makes memory, of path_table_bytes() bytes, an empty table; key keeps peers from choosing
 * collisions. */
void path_table_init(struct path_table *t, void *memory, const struct siphash_key *key);

/* The index of l2, which gains a holder; PATH_NONE when PATH_MAX others are held. */
uint16_t path_table_hold(struct path_table *t, const struct wire_l2 *l2);

/* One holder less; the last one frees the entry. */
void path_table_drop(struct path_table *t, uint16_t path);

/* The path at index, which somebody holds. */
const struct wire_l2 *path_table_get(const struct path_table *t, uint16_t path);

#endif
