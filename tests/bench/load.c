/* SPDX-License-Identifier: BSD-3-Clause */
/* load.c - what each row of the benchmark sends. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "memory.h"
#include "say.h"

#define WANDERING (UINT32_C(1) << 22) /* frames before they begin anew; a multiple of a file's */

/* In "whole", each connection's segments are so many connections apart: with five segments each,
 * 7,500 frames. */
#define WHOLE_SEGMENTS 5
#define WHOLE_COUNT    (LOAD_FRAMES / WHOLE_SEGMENTS)
#define WHOLE_APART    1500

/* The same of one client after the other. */
static struct client_segment
alike(const struct row *row, uint32_t n, uint32_t live)
{
	struct client_segment segment = row->pattern;

	(void)live;
	segment.client += n;
	return segment;
}

/* Round and round, so that each of a connection's segments comes once a loop of the file, and its
 * first one when the last one of the loop before is long over. */
static struct client_segment
whole(const struct row *row, uint32_t n, uint32_t live)
{
	static const struct client_segment segments[WHOLE_SEGMENTS] = {
		{.flags = TCP_SYN},
		{.flags = TCP_ACK, .seq = 1, .ack = 1},
		{.flags = TCP_ACK | TCP_PSH, .text = CLIENT_TEXT, .seq = 1, .ack = 1},
		{.flags = TCP_ACK | TCP_FIN, .seq = 1 + CLIENT_TEXT, .ack = 1},
		{.flags = TCP_ACK, .seq = 2 + CLIENT_TEXT, .ack = 2},
	};
	const uint32_t which = n % WHOLE_SEGMENTS;
	struct client_segment segment = segments[which];

	(void)live;
	segment.port = row->pattern.port;
	segment.client = row->pattern.client +
			 (n / WHOLE_SEGMENTS + WHOLE_COUNT - which * WHOLE_APART) % WHOLE_COUNT;
	return segment;
}
_Static_assert(WHOLE_SEGMENTS *WHOLE_APART < WHOLE_COUNT + WHOLE_APART,
	       "the last segment comes before the first one comes again");

/* Half of them text that has come already, half ACKs of nothing new. */
static struct client_segment
live_segments(const struct row *row, uint32_t n, uint32_t live)
{
	const uint64_t random = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
	struct client_segment segment = {
		.client = (uint32_t)(((random ^ random >> 29) & UINT32_MAX) * live >> 32),
		.port = row->pattern.port,
		.flags = TCP_ACK,
		.seq = 1 + CLIENT_TEXT,
		.ack = 1,
	};

	if (n % 2 == 0) {
		segment.flags |= TCP_PSH;
		segment.text = CLIENT_TEXT;
		segment.seq = 1;
	}
	return segment;
}

static const struct row rows[] = {
	{"syn-closed",
	 alike,
	 {.client = CLIENT_NEW, .port = CLIENT_PORT_CLOSED, .flags = TCP_SYN},
	 .frames = LOAD_FRAMES},
	{"ack-unknown",
	 alike,
	 {.client = CLIENT_NEW, .port = CLIENT_PORT_ENTRY, .flags = TCP_ACK, .seq = 1, .ack = 1},
	 .frames = LOAD_FRAMES},
	{"syn-cookie",
	 alike,
	 {.client = CLIENT_NEW, .port = CLIENT_PORT_COOKIE, .flags = TCP_SYN},
	 .frames = LOAD_FRAMES},
	{"syn-entry",
	 alike,
	 {.port = CLIENT_PORT_ENTRY, .flags = TCP_SYN},
	 .frames = LOAD_FRAMES,
	 .fills = true},
	{"whole",
	 whole,
	 {.client = CLIENT_NEW, .port = CLIENT_PORT_ENTRY},
	 .frames = WHOLE_COUNT * WHOLE_SEGMENTS},
	{"live",
	 live_segments,
	 {.port = CLIENT_PORT_ENTRY},
	 .frames = LOAD_FRAMES,
	 .wanders = true},
};

const struct row *
load_row(const char *name)
{
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* Writes the n-th frame and returns its length. */
static uint32_t
put(const struct row *row, const struct clients *c, uint32_t n, uint32_t live, uint8_t *frame)
{
	const struct client_segment segment = row->segment(row, n, live);

	return clients_frame(c, &segment, frame);
}

bool
load_stream(const struct row *row, const struct clients *c, uint32_t live, struct stream *to)
{
	uint8_t frame[CLIENT_FRAME_MAX] = {0};

	*to = (struct stream){0};
	if (!row->fills && !row->wanders)
		return true;
	to->stride = c->family == 4 ? STREAM_STRIDE_4 : STREAM_STRIDE_6;
	to->from = c->family == 4 ? STREAM_FROM_4 : STREAM_FROM_6;
	to->count = row->fills ? live : WANDERING;
	to->once = row->fills;
	to->heads = memory_take((size_t)to->count * to->stride, -1, "a stream of frames");
	if (to->heads == NULL)
		return false;
	for (uint32_t n = 0; n < to->count; n++) {
		put(row, c, n, live, frame);
		memcpy(to->heads + (size_t)n * to->stride, frame + to->from, to->stride);
	}
	return true;
}

void
load_stream_free(struct stream *stream)
{
	memory_give(stream->heads, (size_t)stream->count * stream->stride);
}

bool
load_file(const struct row *row, const struct clients *c, uint32_t live, const char *path)
{
	/* Magic, version 2.4, no zone and no accuracy, longest frame, Ethernet. */
	const uint32_t header[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1};
	uint8_t frame[CLIENT_FRAME_MAX] = {0};
	FILE *file = fopen(path, "wbe");
	bool good;

	if (file == NULL) {
		say("%s: %s", path, strerror(errno));
		return false;
	}
	fwrite(header, sizeof(header), 1, file);
	for (uint32_t n = 0; n < row->frames; n++) {
		const uint32_t length = put(row, c, n, live, frame);
		const uint32_t record[4] = {0, 0, length, length}; /* time, and length twice */

		fwrite(record, sizeof(record), 1, file);
		fwrite(frame, length, 1, file);
	}
	good = !ferror(file);
	if (fclose(file) != 0 || !good) {
		say("%s: could not be written", path);
		return false;
	}
	return true;
}
