/* SPDX-License-Identifier: BSD-3-Clause */
/* byte_queue.h - first in, first out queues of bytes over one pool of chunks: the text that echo
 * holds. Single writer, no allocation after start. Knows no connections. */
#ifndef RIPOSTE_BYTE_QUEUE_H
#define RIPOSTE_BYTE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BYTE_CHUNK      2048u /* a chunk's size, header and all */
#define BYTE_CHUNK_TEXT (BYTE_CHUNK - 8u)
#define BYTE_CHUNK_NONE UINT32_MAX

struct byte_chunk {
	uint32_t next;
	uint16_t start, length; /* of what is held in text */
	uint8_t text[BYTE_CHUNK_TEXT];
};
_Static_assert(sizeof(struct byte_chunk) == BYTE_CHUNK, "no padding");

struct byte_pool {
	struct byte_chunk *chunks;
	uint32_t count;      /* chunks, all told */
	uint32_t free_count; /* ... of them unused */
	uint32_t free;       /* list of those given back */
	uint32_t fresh;      /* the first that was never used */
};

struct byte_queue {
	uint32_t head, tail; /* chunks; meaningless while bytes is 0, and so are these: */
	uint32_t last;       /* the chunk where the last copy ended, */
	uint32_t before;     /* ... and how many bytes lie before it; 0: it is not known */
	uint32_t bytes;
};

/* Chunks that hold bytes, whole: memory for them is count * BYTE_CHUNK. */
static inline uint32_t
byte_pool_chunks(uint64_t bytes)
{
	return (uint32_t)(bytes / BYTE_CHUNK);
}

/* Makes memory, of count chunks, a pool. */
void byte_pool_init(struct byte_pool *pool, void *memory, uint32_t count);

/* Has the pool room for length bytes more in any queue? */
static inline bool
byte_pool_has_room(const struct byte_pool *pool, uint32_t length)
{
	return (uint64_t)pool->free_count * BYTE_CHUNK_TEXT >= length;
}

/* Appends length bytes of text; the pool has room for them. */
void byte_queue_append(struct byte_pool *pool, struct byte_queue *q, const uint8_t *text,
		       uint32_t length);

/* Takes the first length bytes, which q has, off it. */
void byte_queue_drop(struct byte_pool *pool, struct byte_queue *q, uint32_t length);

/* Copies length bytes that begin offset bytes into q, which has them, to text: at once if they are
 * behind those that were copied last, else by way of all that lies before them. */
void byte_queue_copy(const struct byte_pool *pool, struct byte_queue *q, uint32_t offset,
		     uint8_t *text, uint32_t length);

/* Moves the first length bytes of from, which has them, behind those of to. Returns how many: fewer
 * only if the pool has no chunk for the rest. */
uint32_t byte_queue_move(struct byte_pool *pool, struct byte_queue *from, struct byte_queue *to,
			 uint32_t length);

#endif
