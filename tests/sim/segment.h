/* SPDX-License-Identifier: BSD-3-Clause */
/* segment.h - TCP segments to frames and back, for the other end of the cable. Written from the
 * RFCs and without lib/wire_*.c, so that neither hides the other's mistakes. */
#ifndef RIPOSTE_SIM_SEGMENT_H
#define RIPOSTE_SIM_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp.h" /* the names of flags and options */

#define SEGMENT_FRAME_MAX 2048
#define SEGMENT_TEXT_MAX  1460

struct segment_tag {
	uint16_t tpid, tci;
};

/* A frame with TCP in it; everything in host byte order but the addresses. */
struct segment {
	uint8_t to[6], from[6];
	uint8_t tags;
	struct segment_tag tag[2];
	uint8_t family;           /* 4 or 6 */
	uint8_t src[16], dst[16]; /* IPv4 in the first four bytes */
	uint8_t tos;              /* or traffic class */
	uint8_t ttl;              /* or hop limit */
	uint16_t id;              /* IPv4 */
	uint16_t fragment;        /* IPv4: flags and offset as they lie in the header */
	uint32_t label;           /* IPv6 */
	bool plain;               /* read: neither IPv4 options nor IPv6 extension headers */
	uint8_t extra;            /* write: IPv4 options (words, up to 10) or IPv6 extension
				   * headers (up to 3) */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;    /* TCP_FIN ... */
	uint8_t reserved; /* the four bits below the data offset */
	uint16_t wnd, urgent;
	uint8_t options; /* TCP_OPT_... */
	bool strange;    /* read: an option of another kind or of a wrong length */
	uint16_t mss;
	uint8_t wscale;
	uint32_t tsval, tsecr;
	uint8_t sacks;          /* write: so many blocks of SACK, up to 4; with timestamps 3 */
	uint32_t text;          /* payload bytes; written, each is segment_byte() of its number */
	const uint8_t *payload; /* read: in the frame */
	uint32_t length;        /* read: where the IP datagram ends in the frame */
};

/* Reads a frame. False if it is not one whole TCP segment, unfragmented, without a source route and
 * with good checksums; then *s is not to be used. */
bool segment_read(const uint8_t *frame, uint32_t length, struct segment *s);

/* Writes the frame (room SEGMENT_FRAME_MAX) and returns its length, which may be under 60. */
uint32_t segment_write(const struct segment *s, uint8_t *frame);

/* Makes the checksums of a changed frame good, as far as it is still IP with TCP, ICMP or ICMPv6.
 */
void segment_seal(uint8_t *frame, uint32_t length);

/* Fills a frame up to Ethernet's 60 bytes with fill and returns its length. */
uint32_t segment_pad(uint8_t *frame, uint32_t length, uint8_t fill);

/* The offset of what follows the Ethernet header and at most two tags, and its EtherType; 0 if the
 * frame ends before. */
uint32_t segment_l3(const uint8_t *frame, uint32_t length, uint16_t *type);

/* The byte of text that has sequence number seq. */
static inline uint8_t
segment_byte(uint32_t seq)
{
	return (uint8_t)(seq * 2654435761u >> 24);
}

/* SEG.LEN. RFC 9293 3.4. */
static inline uint32_t
segment_len(const struct segment *s)
{
	return s->text + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

/* RFC 1071's sum over length bytes, as the RFC writes it: in 16-bit words of network byte order. */
uint32_t segment_sum(uint32_t sum, const uint8_t *at, uint32_t length);

/* The pseudo header's sum: addresses bytes of both addresses, which lie one behind the other. RFC
 * 9293 3.1, RFC 8200 8.1. */
uint32_t segment_pseudo(const uint8_t *src, uint32_t addresses, uint8_t protocol, uint32_t length);

/* Goes from *at, where a header of kind next is, over IPv6 extension headers, and returns what
 * comes then; -1 for a chain that does not fit, a fragment that is not alone and a route that is
 * not over. RFC 8200 4. */
int segment_skip_extensions(uint8_t next, const uint8_t **at, uint32_t *left);

/* Folded and complemented. */
uint16_t segment_checksum(uint32_t sum);

/* Big-endian numbers at any alignment. */
static inline uint16_t
segment_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t
segment_get32(const uint8_t *at)
{
	return (uint32_t)segment_get16(at) << 16 | segment_get16(at + 2);
}

static inline void
segment_put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void
segment_put32(uint8_t *at, uint32_t value)
{
	segment_put16(at, value >> 16);
	segment_put16(at + 2, value);
}

#endif
