/* SPDX-License-Identifier: BSD-3-Clause */
/* seq.h - sequence numbers compare modulo 2^32. RFC 9293 3.4. */
#ifndef RIPOSTE_SEQ_H
#define RIPOSTE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/* Meaningful only while a and b are less than 2^31 apart. */
static inline bool
seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool
seq_le(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline bool
seq_gt(uint32_t a, uint32_t b)
{
	return seq_lt(b, a);
}

static inline bool
seq_ge(uint32_t a, uint32_t b)
{
	return seq_le(b, a);
}

/* Is x in [start, start + length), half open? length may be anything up to 2^32 - 1. */
static inline bool
seq_in(uint32_t x, uint32_t start, uint32_t length)
{
	return x - start < length;
}

#endif
