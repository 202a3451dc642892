/* SPDX-License-Identifier: BSD-3-Clause */
/* network.c - a bad cable and the queue of events: a binary heap by time. */
#include <stdlib.h>
#include <string.h>

#include "network.h"

void
network_give(struct network *n, struct network_event *e)
{
	e->next = n->free;
	n->free = e;
}

void
network_init(struct network *n, const struct network_faults *faults, uint64_t heals_at,
	     uint64_t seed)
{
	while (n->count > 0)
		network_give(n, n->heap[--n->count].event);
	n->faults = *faults;
	n->heals_at = heals_at;
	for (unsigned int i = 0; i < NETWORK_STATIONS; i++)
		n->luck[i].state = seed + i * UINT64_C(0xd1342543de82ef95);
	n->order = 0;
}

void
network_free(struct network *n)
{
	while (n->count > 0)
		free(n->heap[--n->count].event);
	while (n->free != NULL) {
		struct network_event *e = n->free;

		n->free = e->next;
		free(e);
	}
	free(n->heap);
}

static bool
before(const struct network_due *a, const struct network_due *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static struct network_event *
new_event(struct network *n)
{
	struct network_event *e = n->free;

	if (e != NULL)
		n->free = e->next;
	else if ((e = malloc(sizeof(*e))) == NULL)
		abort();
	return e;
}

static void
add(struct network *n, uint64_t at, enum network_kind kind, uint32_t who, const uint8_t *frame,
    uint32_t length)
{
	struct network_due due = {at, n->order++, new_event(n)};
	size_t i = n->count++;

	if (n->count > n->room) {
		n->room = n->room ? 2 * n->room : 256;
		n->heap = realloc(n->heap, n->room * sizeof(n->heap[0]));
	}
	if (n->heap == NULL || length > NETWORK_FRAME_MAX)
		abort();
	due.event->kind = (uint8_t)kind;
	due.event->who = who;
	due.event->length = length;
	if (length > 0)
		memcpy(due.event->frame, frame, length);
	for (; i > 0 && before(&due, &n->heap[(i - 1) / 2]); i = (i - 1) / 2)
		n->heap[i] = n->heap[(i - 1) / 2];
	n->heap[i] = due;
}

uint64_t
network_next(const struct network *n)
{
	return n->count ? n->heap[0].at : UINT64_MAX;
}

struct network_event *
network_take(struct network *n)
{
	struct network_event *first;
	struct network_due last;
	size_t i = 0, child;

	if (n->count == 0)
		return NULL;
	first = n->heap[0].event;
	last = n->heap[--n->count];
	while ((child = 2 * i + 1) < n->count) {
		if (child + 1 < n->count && before(&n->heap[child + 1], &n->heap[child]))
			child++;
		if (before(&last, &n->heap[child]))
			break;
		n->heap[i] = n->heap[child];
		i = child;
	}
	n->heap[i] = last;
	return first;
}

void
network_alarm(struct network *n, uint64_t at, enum network_kind kind, uint32_t who)
{
	add(n, at, kind, who, NULL, 0);
}

static bool
happens(struct seed *luck, uint16_t share)
{
	return share > 0 && seed_below(luck, 1000) < share;
}

/* One copy of a frame. A single byte changes: no checksum misses that. */
static void
deliver(struct network *n, struct seed *luck, uint64_t now, enum network_kind kind,
	const uint8_t *frame, uint32_t length, bool healed)
{
	uint64_t at = now + n->faults.delay_us;
	uint8_t changed[2048];

	if (n->faults.jitter_us > 0)
		at += seed_below(luck, n->faults.jitter_us);
	if (!healed && happens(luck, n->faults.late))
		at += seed_below(luck, n->faults.late_us);
	if (!healed && length <= sizeof(changed) && happens(luck, n->faults.corrupted)) {
		memcpy(changed, frame, length);
		changed[seed_below(luck, length)] ^= (uint8_t)(1 + seed_below(luck, 255));
		frame = changed;
	}
	add(n, at, kind, 0, frame, length);
}

unsigned int
network_station(enum network_kind kind, const uint8_t *frame, uint32_t length)
{
	/* Stations' Ethernet addresses differ in these bytes. */
	const uint8_t *mac = frame + (kind == NETWORK_TO_HOST ? 6 : 0);

	return length < 12 ? 0 : (mac[3] * 128u + mac[5]) % NETWORK_STATIONS;
}

void
network_send(struct network *n, uint64_t now, enum network_kind kind, const uint8_t *frame,
	     uint32_t length)
{
	struct seed *luck = &n->luck[network_station(kind, frame, length)];
	bool healed = now >= n->heals_at;

	if (!healed && happens(luck, n->faults.lost))
		return;
	deliver(n, luck, now, kind, frame, length, healed);
	while (!healed && happens(luck, n->faults.doubled))
		deliver(n, luck, now, kind, frame, length, healed);
}
