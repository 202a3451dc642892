/* SPDX-License-Identifier: BSD-3-Clause */
/* frame.h - frames made byte by byte for tests of the wire format, with checksums summed the
 * simplest way. Shares no code with lib: it is the other side's view. */
#ifndef RIPOSTE_TEST_FRAME_H
#define RIPOSTE_TEST_FRAME_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FRAME_MAX 2048

struct frame {
	uint8_t data[FRAME_MAX];
	uint32_t length;
	uint32_t l3, l4;  /* offsets of the IP and TCP or ICMP header */
	uint8_t protocol; /* of the latter */
	int family;       /* 4 or 6 */
};

static const uint8_t FRAME_US_MAC[6] = {0x02, 0, 0, 0, 0, 0x01};
static const uint8_t FRAME_PEER_MAC[6] = {0x02, 0, 0, 0, 0, 0x02};
static const uint8_t FRAME_BROADCAST[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t FRAME_US4[4] = {10, 9, 0, 1};
static const uint8_t FRAME_PEER4[4] = {10, 9, 0, 2};
static const uint8_t FRAME_US6[16] = {0xfd, 0x09, [15] = 0x01};
static const uint8_t FRAME_PEER6[16] = {0xfd, 0x09, [15] = 0x02};

#define FRAME_TCP_PORT  80
#define FRAME_PEER_PORT 40000

static inline void
frame_put(struct frame *f, const void *bytes, size_t n)
{
	assert(f->length + n <= FRAME_MAX);
	if (n)
		memcpy(f->data + f->length, bytes, n);
	f->length += (uint32_t)n;
}

static inline void
frame_put8(struct frame *f, unsigned int value)
{
	frame_put(f, &(uint8_t){(uint8_t)value}, 1);
}

static inline void
frame_put16(struct frame *f, unsigned int value)
{
	frame_put8(f, value >> 8);
	frame_put8(f, value & 0xff);
}

static inline void
frame_put32(struct frame *f, uint32_t value)
{
	frame_put16(f, value >> 16);
	frame_put16(f, value & 0xffff);
}

static inline void
frame_set16(struct frame *f, uint32_t at, unsigned int value)
{
	f->data[at] = (uint8_t)(value >> 8);
	f->data[at + 1] = (uint8_t)value;
}

static inline unsigned int
frame_get16(const struct frame *f, uint32_t at)
{
	return (unsigned int)f->data[at] << 8 | f->data[at + 1];
}

static inline uint32_t
frame_get32(const struct frame *f, uint32_t at)
{
	return (uint32_t)frame_get16(f, at) << 16 | frame_get16(f, at + 2);
}

/* RFC 1071 1, word by word with the carry brought round each time; sum and result in host order. */
static inline uint16_t
frame_sum(uint16_t sum, const uint8_t *bytes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += 2) {
		uint32_t word = (uint32_t)bytes[i] << 8 | (i + 1 < n ? bytes[i + 1] : 0);
		uint32_t total = sum + word;

		sum = (uint16_t)(total > 0xffff ? total - 0xffff : total);
	}
	return sum;
}

/* An empty frame with its two Ethernet addresses. */
static inline void
frame_start(struct frame *f, const uint8_t dst[6], const uint8_t src[6])
{
	memset(f, 0, sizeof(*f));
	frame_put(f, dst, 6);
	frame_put(f, src, 6);
}

static inline void
frame_tag(struct frame *f, unsigned int tpid, unsigned int tci)
{
	frame_put16(f, tpid);
	frame_put16(f, tci);
}

/* The EtherType and IP header of a packet from the peer to us. */
static inline void
frame_ip(struct frame *f, int family, uint8_t protocol)
{
	frame_put16(f, family == 4 ? 0x0800 : 0x86dd);
	f->l3 = f->length;
	f->family = family;
	f->protocol = protocol;
	if (family == 4) {
		frame_put32(f, 0x45000000);
		frame_put32(f, 0x1234u << 16 | 0x4000);
		frame_put32(f, 64u << 24 | (uint32_t)protocol << 16);
		frame_put(f, FRAME_PEER4, 4);
		frame_put(f, FRAME_US4, 4);
	} else {
		frame_put32(f, 6u << 28 | 0x0bee5);
		frame_put32(f, (uint32_t)protocol << 8 | 64);
		frame_put(f, FRAME_PEER6, 16);
		frame_put(f, FRAME_US6, 16);
	}
	f->l4 = f->length;
}

/* More of the IP header (options of IPv4, extension headers of IPv6): n bytes, a multiple of 4. */
static inline void
frame_ip_more(struct frame *f, const void *bytes, size_t n)
{
	frame_put(f, bytes, n);
	if (f->family == 4)
		f->data[f->l3] = (uint8_t)(f->data[f->l3] + n / 4);
	f->l4 = f->length;
}

/* A TCP header from the peer's port to ours, SEQ 0x11223344, ACK 0x55667788, window 64240. */
static inline void
frame_tcp(struct frame *f, unsigned int flags, const void *options, size_t n)
{
	assert(n % 4 == 0 && n <= 40);
	frame_put16(f, FRAME_PEER_PORT);
	frame_put16(f, FRAME_TCP_PORT);
	frame_put32(f, 0x11223344);
	frame_put32(f, 0x55667788);
	frame_put16(f, (unsigned int)(5 + n / 4) << 12 | flags);
	frame_put16(f, 64240);
	frame_put32(f, 0);
	frame_put(f, options, n);
}

/* The right IPv4 header checksum for the header as it is. */
static inline void
frame_fix_ip(struct frame *f)
{
	if (f->family != 4)
		return;
	frame_set16(f, f->l3 + 10, 0);
	frame_set16(f, f->l3 + 10, 0xffffu ^ frame_sum(0, f->data + f->l3, f->l4 - f->l3));
}

/* What the TCP or ICMP checksum sums to over n bytes of header and payload: 0xffff if it is
 * right. */
static inline uint16_t
frame_l4_sum(const struct frame *f, uint32_t n)
{
	uint16_t sum = 0;

	if (f->protocol != 1) {
		uint8_t tail[4] = {(uint8_t)(n >> 8), (uint8_t)n, 0, f->protocol};
		uint32_t size = f->family == 4 ? 8 : 32;

		sum = frame_sum(0, f->data + f->l3 + (f->family == 4 ? 12 : 8), size);
		sum = frame_sum(sum, tail, 4);
	}
	return frame_sum(sum, f->data + f->l4, n);
}

/* The right TCP or ICMP checksum for n bytes of header and payload. */
static inline void
frame_fix_l4(struct frame *f, uint32_t n)
{
	uint32_t at = f->l4 + (f->protocol == 6 ? 16 : 2);

	frame_set16(f, at, 0);
	frame_set16(f, at, 0xffffu ^ frame_l4_sum(f, n));
}

/* Sets lengths and checksums for the frame as long as it is. */
static inline void
frame_finish(struct frame *f)
{
	if (f->family == 4)
		frame_set16(f, f->l3 + 2, f->length - f->l3);
	else
		frame_set16(f, f->l3 + 4, f->length - f->l3 - 40);
	frame_fix_ip(f);
	frame_fix_l4(f, f->length - f->l4);
}

/* A whole good segment without options but with n bytes of payload. */
static inline void
frame_segment(struct frame *f, int family, unsigned int flags, size_t n)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, family, 6);
	frame_tcp(f, flags, NULL, 0);
	for (size_t i = 0; i < n; i++)
		frame_put8(f, (unsigned int)(i * 37 + 11) & 0xff);
	frame_finish(f);
}

/* Where addresses lie: the offset in the frame of the IP source and destination. */
static inline uint32_t
frame_src(const struct frame *f)
{
	return f->l3 + (f->family == 4 ? 12 : 8);
}

static inline uint32_t
frame_dst(const struct frame *f)
{
	return f->l3 + (f->family == 4 ? 16 : 24);
}

static inline uint32_t
frame_addr_size(const struct frame *f)
{
	return f->family == 4 ? 4 : 16;
}

/* Writes the address of the frame's family at an offset. */
static inline void
frame_set_addr(struct frame *f, uint32_t at, const uint8_t v4[4], const uint8_t v6[16])
{
	if (f->family == 4)
		memcpy(f->data + at, v4, 4);
	else
		memcpy(f->data + at, v6, 16);
}

#endif
