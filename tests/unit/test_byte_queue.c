/* SPDX-License-Identifier: BSD-3-Clause */
/* test_byte_queue.c - queues of bytes over one pool against arrays of what should be in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "byte_queue.h"
#include "seed.h"

#define QUEUES 4
#define CHUNKS 24
#define MOST   (CHUNKS * BYTE_CHUNK_TEXT)

/* The naive model: each queue's bytes in an array. */
struct model {
	struct byte_pool pool;
	void *memory;
	struct byte_queue q[QUEUES];
	uint8_t text[QUEUES][MOST];
	uint32_t length[QUEUES];
	uint8_t next; /* bytes that come in are never the same for long */
};

static struct model m;
static uint8_t bytes[MOST + 1];

static void
model_start(uint32_t chunks)
{
	memset(&m, 0, sizeof(m));
	m.memory = malloc((size_t)chunks * BYTE_CHUNK);
	assert_non_null(m.memory);
	/* The pool takes memory as it is. */
	memset(m.memory, 0xa5, (size_t)chunks * BYTE_CHUNK);
	memset(m.q, 0xff, sizeof(m.q));
	for (int i = 0; i < QUEUES; i++)
		m.q[i].bytes = 0;
	byte_pool_init(&m.pool, m.memory, chunks);
	assert_int_equal(m.pool.free_count, chunks);
}

static uint32_t
chunks_of(const struct byte_queue *q)
{
	uint32_t held = 0, count = 0;

	for (uint32_t at = q->head; held < q->bytes; at = m.pool.chunks[at].next) {
		assert_true(at < m.pool.count);
		assert_true(m.pool.chunks[at].length > 0);
		assert_true(m.pool.chunks[at].start + m.pool.chunks[at].length <= BYTE_CHUNK_TEXT);
		held += m.pool.chunks[at].length;
		count++;
		if (held == q->bytes)
			assert_int_equal(at, q->tail);
	}
	assert_int_equal(held, q->bytes);
	return count;
}

/* Every queue has what it should have; every chunk is in a queue or free. */
static void
model_check(void)
{
	uint32_t used = 0;

	for (int i = 0; i < QUEUES; i++) {
		assert_int_equal(m.q[i].bytes, m.length[i]);
		memset(bytes, 0, m.length[i]);
		byte_queue_copy(&m.pool, &m.q[i], 0, bytes, m.length[i]);
		assert_memory_equal(bytes, m.text[i], m.length[i]);
		used += chunks_of(&m.q[i]);
	}
	assert_int_equal(m.pool.free_count, m.pool.count - used);
}

static void
model_append(int i, uint32_t length)
{
	for (uint32_t b = 0; b < length; b++)
		bytes[b] = m.next = (uint8_t)(m.next * 5 + 1 + (b % 251 == 0));
	memcpy(m.text[i] + m.length[i], bytes, length);
	m.length[i] += length;
	byte_queue_append(&m.pool, &m.q[i], bytes, length);
}

static void
model_drop(int i, uint32_t length)
{
	m.length[i] -= length;
	memmove(m.text[i], m.text[i] + length, m.length[i]);
	byte_queue_drop(&m.pool, &m.q[i], length);
}

static void
model_copy(int i, uint32_t offset, uint32_t length)
{
	bytes[length] = 0x5a;
	byte_queue_copy(&m.pool, &m.q[i], offset, bytes, length);
	assert_memory_equal(bytes, m.text[i] + offset, length);
	assert_int_equal(bytes[length], 0x5a);
}

static uint32_t
model_move(int from, int to, uint32_t length)
{
	uint32_t moved = byte_queue_move(&m.pool, &m.q[from], &m.q[to], length);

	assert_true(moved <= length);
	if (moved < length)
		assert_int_equal(m.pool.free_count, 0);
	memcpy(m.text[to] + m.length[to], m.text[from], moved);
	m.length[to] += moved;
	m.length[from] -= moved;
	memmove(m.text[from], m.text[from] + moved, m.length[from]);
	return moved;
}

static void
model_end(void)
{
	for (int i = 0; i < QUEUES; i++)
		model_drop(i, m.length[i]);
	model_check();
	assert_int_equal(m.pool.free_count, m.pool.count);
	free(m.memory);
}

/* Mostly a few bytes, sometimes about a chunk, sometimes anything. */
static uint32_t
some_length(struct seed *s, uint32_t most)
{
	uint32_t length;

	switch (seed_below(s, 4)) {
	case 0:
		length = seed_below(s, 4);
		break;
	case 1:
		length = seed_below(s, 100);
		break;
	case 2:
		length = BYTE_CHUNK_TEXT - 2 + seed_below(s, 5);
		break;
	default:
		length = seed_below(s, most + 1);
		break;
	}
	return length < most ? length : most;
}

static void
one_operation(struct seed *s)
{
	int i = (int)seed_below(s, QUEUES);
	int to = (i + 1 + (int)seed_below(s, QUEUES - 1)) % QUEUES;
	uint32_t length, offset;

	switch (seed_below(s, 5)) {
	case 0:
	case 1:
		length = some_length(s, 3 * BYTE_CHUNK_TEXT);
		if (byte_pool_has_room(&m.pool, length))
			model_append(i, length);
		break;
	case 2:
		model_drop(i, some_length(s, m.length[i]));
		break;
	case 3:
		offset = some_length(s, m.length[i]);
		model_copy(i, offset, some_length(s, m.length[i] - offset));
		break;
	default:
		model_move(i, to, some_length(s, m.length[i]));
		break;
	}
}

static void
random_operations_do_what_arrays_do(void **state)
{
	struct seed s = seed_start("byte_queue");

	(void)state;
	for (int round = 0; round < 60; round++) {
		model_start(1 + seed_below(&s, CHUNKS));
		for (int i = 0; i < 1000; i++) {
			one_operation(&s);
			/* A check is a copy too, and a queue remembers where the last one ended. */
			if (seed_below(&s, 8) == 0)
				model_check();
		}
		model_check();
		model_end();
	}
}

/* What has_room() promises holds for any queue, however its chunks are filled, to the last byte. */
static void
room_is_what_whole_chunks_hold(void **state)
{
	(void)state;
	model_start(3);
	assert_true(byte_pool_has_room(&m.pool, 3 * BYTE_CHUNK_TEXT));
	assert_false(byte_pool_has_room(&m.pool, 3 * BYTE_CHUNK_TEXT + 1));
	model_append(0, 1);
	assert_true(byte_pool_has_room(&m.pool, 2 * BYTE_CHUNK_TEXT));
	model_append(1, 2 * BYTE_CHUNK_TEXT);
	model_check();
	assert_false(byte_pool_has_room(&m.pool, 1));
	assert_true(byte_pool_has_room(&m.pool, 0));
	model_drop(0, 1);
	assert_true(byte_pool_has_room(&m.pool, BYTE_CHUNK_TEXT));
	model_end();
}

static void
empty_pool_holds_nothing(void **state)
{
	(void)state;
	model_start(0);
	assert_true(byte_pool_has_room(&m.pool, 0));
	assert_false(byte_pool_has_room(&m.pool, 1));
	model_append(0, 0);
	model_drop(0, 0);
	model_copy(0, 0, 0);
	assert_int_equal(model_move(0, 1, 0), 0);
	model_check();
	model_end();
}

/* Bytes that come one by one do not take a chunk each. */
static void
small_appends_share_a_chunk(void **state)
{
	(void)state;
	model_start(4);
	for (uint32_t i = 0; i < 3 * BYTE_CHUNK_TEXT; i++)
		model_append(0, 1);
	model_check();
	assert_int_equal(m.pool.free_count, 1);
	model_end();
}

/* ... nor do they when they are moved on one by one, as echo does. */
static void
small_moves_share_a_chunk(void **state)
{
	(void)state;
	model_start(4);
	for (uint32_t i = 0; i < 2 * BYTE_CHUNK_TEXT; i++) {
		model_append(0, 1);
		assert_int_equal(model_move(0, 1, 1), 1);
	}
	model_check();
	assert_int_equal(m.pool.free_count, 2);
	model_end();
}

/* A queue that is added to at its end and taken from at its start stays within its chunks. */
static void
what_is_dropped_makes_room(void **state)
{
	(void)state;
	model_start(2);
	for (int i = 0; i < 1000; i++) {
		assert_true(byte_pool_has_room(&m.pool, 1460));
		model_append(0, 1460);
		model_check();
		model_drop(0, 1460);
	}
	model_end();
}

/* Whole chunks change hands even if no chunk is free. */
static void
move_needs_no_room_for_whole_queues(void **state)
{
	(void)state;
	model_start(3);
	model_append(0, 3 * BYTE_CHUNK_TEXT);
	assert_int_equal(m.pool.free_count, 0);
	assert_int_equal(model_move(0, 1, 3 * BYTE_CHUNK_TEXT), 3 * BYTE_CHUNK_TEXT);
	model_check();
	model_end();
}

/* Where a chunk would have to be split and none is free, what was moved and what was not are both
 * whole. */
static void
move_without_a_free_chunk_moves_less(void **state)
{
	uint32_t moved;

	(void)state;
	model_start(2);
	model_append(0, 2 * BYTE_CHUNK_TEXT);
	moved = model_move(0, 1, BYTE_CHUNK_TEXT + 100);
	assert_int_equal(moved, BYTE_CHUNK_TEXT);
	model_check();
	model_drop(1, moved);
	assert_int_equal(model_move(0, 1, 100), 100);
	model_check();
	model_end();
}

static void
chunks_are_counted_whole(void **state)
{
	(void)state;
	assert_int_equal(byte_pool_chunks(0), 0);
	assert_int_equal(byte_pool_chunks(BYTE_CHUNK - 1), 0);
	assert_int_equal(byte_pool_chunks(BYTE_CHUNK), 1);
	assert_int_equal(byte_pool_chunks(16777216), 8192);
	assert_int_equal(byte_pool_chunks(UINT64_C(1) << 40), 1u << 29);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_do_what_arrays_do),
		cmocka_unit_test(room_is_what_whole_chunks_hold),
		cmocka_unit_test(empty_pool_holds_nothing),
		cmocka_unit_test(small_appends_share_a_chunk),
		cmocka_unit_test(small_moves_share_a_chunk),
		cmocka_unit_test(what_is_dropped_makes_room),
		cmocka_unit_test(move_needs_no_room_for_whole_queues),
		cmocka_unit_test(move_without_a_free_chunk_moves_less),
		cmocka_unit_test(chunks_are_counted_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
