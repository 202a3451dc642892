/* SPDX-License-Identifier: BSD-3-Clause */
/* timer_node.h - what the timer wheel keeps inside the thing that it times. */
#ifndef RIPOSTE_TIMER_NODE_H
#define RIPOSTE_TIMER_NODE_H

#include <stdint.h>

/* Two deadlines share one place in the wheel: whichever is nearer decides. They are the low 32
 * bits of the clock in milliseconds and compare modulo 2^32, so neither may lie more than 2^31 ms
 * ahead. 0 is "not armed"; a deadline that comes out as 0 is set to 1 (timer_node_at). next and
 * prev belong to the wheel alone. */
struct timer_node {
	uint32_t next;
	uint32_t prev;
	uint32_t tcp_ms;  /* the protocol's own timer; its meaning follows from the state */
	uint32_t call_ms; /* the application's: sleep, or a read's timeout */
};

/* The deadline that lies delay_ms after now_ms, never 0. */
static inline uint32_t
timer_node_at(uint64_t now_ms, uint32_t delay_ms)
{
	uint32_t at = (uint32_t)now_ms + delay_ms;

	return at ? at : 1;
}

#endif
