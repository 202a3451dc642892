/* SPDX-License-Identifier: BSD-3-Clause */
/* byte_queue.c - first in, first out queues of bytes over one pool of chunks. */
#include <assert.h>
#include <string.h>

#include "byte_queue.h"

static uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void
byte_pool_init(struct byte_pool *pool, void *memory, uint32_t count)
{
	*pool = (struct byte_pool){
		.chunks = memory, .count = count, .free_count = count, .free = BYTE_CHUNK_NONE};
}

static uint32_t
take_chunk(struct byte_pool *pool)
{
	uint32_t chunk = pool->free;

	if (pool->free_count == 0)
		return BYTE_CHUNK_NONE;
	if (chunk != BYTE_CHUNK_NONE)
		pool->free = pool->chunks[chunk].next;
	else
		chunk = pool->fresh++;
	pool->free_count--;
	pool->chunks[chunk].start = 0;
	pool->chunks[chunk].length = 0;
	return chunk;
}

static void
give_chunk(struct byte_pool *pool, uint32_t chunk)
{
	pool->chunks[chunk].next = pool->free;
	pool->free = chunk;
	pool->free_count++;
}

/* Puts chunk, which holds some bytes, behind q's. */
static void
link_chunk(struct byte_pool *pool, struct byte_queue *q, uint32_t chunk)
{
	if (q->bytes == 0) {
		q->head = chunk;
		q->before = 0;
	} else {
		pool->chunks[q->tail].next = chunk;
	}
	q->tail = chunk;
	q->bytes += pool->chunks[chunk].length;
}

/* Bytes that the last chunk has room for. */
static uint32_t
tail_room(const struct byte_pool *pool, const struct byte_queue *q)
{
	const struct byte_chunk *tail = &pool->chunks[q->tail];

	return q->bytes == 0 ? 0 : BYTE_CHUNK_TEXT - tail->start - tail->length;
}

/* Appends at most as much as the last chunk has room for; returns how much that was. */
static uint32_t
fill_tail(struct byte_pool *pool, struct byte_queue *q, const uint8_t *text, uint32_t length)
{
	struct byte_chunk *tail = &pool->chunks[q->tail];

	length = min_u32(length, tail_room(pool, q));
	if (length == 0)
		return 0;
	memcpy(tail->text + tail->start + tail->length, text, length);
	tail->length = (uint16_t)(tail->length + length);
	q->bytes += length;
	return length;
}

/* Appends as much as there is room for; returns how much that was. */
static uint32_t
append(struct byte_pool *pool, struct byte_queue *q, const uint8_t *text, uint32_t length)
{
	uint32_t done = fill_tail(pool, q, text, length);

	while (done < length) {
		uint32_t chunk = take_chunk(pool);
		uint32_t part = min_u32(length - done, BYTE_CHUNK_TEXT);

		if (chunk == BYTE_CHUNK_NONE)
			break;
		memcpy(pool->chunks[chunk].text, text + done, part);
		pool->chunks[chunk].length = (uint16_t)part;
		link_chunk(pool, q, chunk);
		done += part;
	}
	return done;
}

void
byte_queue_append(struct byte_pool *pool, struct byte_queue *q, const uint8_t *text,
		  uint32_t length)
{
	uint32_t done = append(pool, q, text, length);

	assert(done == length);
	(void)done;
}

/* The first length bytes are q's no more. */
static void
shorten(struct byte_queue *q, uint32_t length)
{
	q->bytes -= length;
	q->before -= min_u32(q->before, length);
}

void
byte_queue_drop(struct byte_pool *pool, struct byte_queue *q, uint32_t length)
{
	assert(length <= q->bytes);
	shorten(q, length);
	while (length > 0) {
		struct byte_chunk *head = &pool->chunks[q->head];
		uint32_t part = min_u32(length, head->length);
		uint32_t next = head->next;

		head->start = (uint16_t)(head->start + part);
		head->length = (uint16_t)(head->length - part);
		length -= part;
		if (head->length > 0)
			return;
		give_chunk(pool, q->head);
		q->head = next; /* of the last chunk meaningless, and then bytes is 0 */
	}
}

void
byte_queue_copy(const struct byte_pool *pool, struct byte_queue *q, uint32_t offset, uint8_t *text,
		uint32_t length)
{
	bool onwards = q->before > 0 && q->before <= offset;
	uint32_t before = onwards ? q->before : 0;
	uint32_t chunk = onwards ? q->last : q->head;

	assert(offset <= q->bytes && length <= q->bytes - offset);
	while (length > 0) {
		const struct byte_chunk *c = &pool->chunks[chunk];

		q->last = chunk;
		q->before = before;
		if (offset - before < c->length) {
			uint32_t part = min_u32(length, c->length - (offset - before));

			memcpy(text, c->text + c->start + (offset - before), part);
			text += part;
			length -= part;
			offset += part;
		}
		before += c->length;
		chunk = c->next;
	}
}

uint32_t
byte_queue_move(struct byte_pool *pool, struct byte_queue *from, struct byte_queue *to,
		uint32_t length)
{
	uint32_t done = 0;

	assert(length <= from->bytes);
	while (done < length) {
		struct byte_chunk *head = &pool->chunks[from->head];
		uint32_t chunk = from->head;
		uint32_t part = min_u32(head->length, length - done);

		/* A whole chunk changes hands, unless its few bytes fit behind the last ones. */
		if (part == head->length && part > tail_room(pool, to)) {
			from->head = head->next;
			shorten(from, part);
			link_chunk(pool, to, chunk);
		} else {
			part = append(pool, to, head->text + head->start, part);
			if (part == 0)
				break;
			byte_queue_drop(pool, from, part);
		}
		done += part;
	}
	return done;
}
