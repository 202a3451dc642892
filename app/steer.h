/* SPDX-License-Identifier: BSD-3-Clause */
/* steer.h - a debug build's check that each frame has come to the worker that has its flow. */
#ifndef RIPOSTE_STEER_H
#define RIPOSTE_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "flow.h"

struct worker;

/* meson setup --buildtype=debug */
#ifdef RIPOSTE_DEBUG
#define STEER_CHECK 1
#else
#define STEER_CHECK 0
#endif

/* Is m a TCP segment, and of which flow? */
bool steer_flow(const struct rte_mbuf *m, struct flow *flow);

/* Counts the frames of a burst that belong to another queue than w's by the hash of their
 * four-tuple, and says so of the first. */
void steer_check(struct worker *w, struct rte_mbuf *const *mbufs, uint16_t count);

#endif
