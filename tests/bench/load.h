/* SPDX-License-Identifier: BSD-3-Clause */
/* load.h - what each row of the benchmark sends. */
#ifndef RIPOSTE_BENCH_LOAD_H
#define RIPOSTE_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "clients.h"

#define LOAD_FRAMES 32768 /* of a file, at most */

struct row {
	const char *name;
	/* The n-th segment, of live connections in the table. */
	struct client_segment (*segment)(const struct row *row, uint32_t n, uint32_t live);
	struct client_segment pattern; /* what it is made of; its client is that of the first one */
	uint32_t frames;               /* in the file */
	bool fills;   /* each frame makes a connection, until there are live of them */
	bool wanders; /* the live connections are asked at random, not those of the file alone */
};

/* The row of that name; NULL if there is none. */
const struct row *load_row(const char *name);

/* What of the headers takes the place of that in the frames of a file, one after the other: of more
 * frames than a file holds, as much as tells a client's frames from another's. Filled in by a
 * receive callback, at the receiver's cost. */
struct stream {
	uint8_t *heads;  /* stride bytes each */
	uint32_t stride; /* STREAM_STRIDE_4 or _6 */
	uint32_t from;   /* where in a frame they belong */
	uint32_t count;
	bool once;             /* then nothing more comes */
	_Atomic uint32_t next; /* the main lcore looks at it */
};

/* From the IPv4 header's checksum or the IPv6 header's source to the TCP header's checksum. */
#define STREAM_FROM_4   24
#define STREAM_STRIDE_4 32
#define STREAM_FROM_6   16
#define STREAM_STRIDE_6 64

/* Makes the stream of a row that has one; false if there is no memory, which has been said. */
bool load_stream(const struct row *row, const struct clients *c, uint32_t live, struct stream *to);

void load_stream_free(struct stream *stream);

/* Writes the row's frames as a pcap file; false after an error, which has been said. */
bool load_file(const struct row *row, const struct clients *c, uint32_t live, const char *path);

#endif
