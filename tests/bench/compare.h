/* SPDX-License-Identifier: BSD-3-Clause */
/* compare.h - riposte's table and wheel beside DPDK's: the same work, in turns. */
#ifndef RIPOSTE_BENCH_COMPARE_H
#define RIPOSTE_BENCH_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The CPU time of this thread in nanoseconds. */
uint64_t compare_ns(void);

/* Prints a line: what was done, by whom, how often, and the nanoseconds of each since before. */
void compare_say(const char *who, const char *what, uint32_t count, uint64_t before);

/* Memory of EAL's, zeroed: the same pages for both sides. Ends the program if there is none. */
void *compare_take(size_t bytes);

/* The i-th of count numbers 0 .. count - 1 in an order that looks random; turn gives another one.
 */
uint32_t compare_shuffled(uint32_t i, uint32_t count, uint32_t turn);

/* Insert, find and remove count flows. */
void compare_our_table(uint32_t count);
void compare_rte_hash(uint32_t count);

/* Arm, arm anew, disarm and expire count timers. */
void compare_our_wheel(uint32_t count);
void compare_rte_timer(uint32_t count);

#endif
