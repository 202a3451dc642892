/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_counters.c - the counters' names and order. */
#include "stack.h"

/* Those that are neither a drop nor a RST, rx first. */
static const struct {
	const char *name;
	size_t offset;
} plain[] = {
	{"rx", offsetof(struct stack_counters, rx)},
	{"answered", offsetof(struct stack_counters, answered)},
	{"consumed", offsetof(struct stack_counters, consumed)},
	{"tx", offsetof(struct stack_counters, tx)},
	{"opened", offsetof(struct stack_counters, opened)},
	{"established", offsetof(struct stack_counters, established)},
	{"closed", offsetof(struct stack_counters, closed)},
	{"cookies_sent", offsetof(struct stack_counters, cookies_sent)},
	{"cookies_accepted", offsetof(struct stack_counters, cookies_accepted)},
	{"syn_ack_retransmitted", offsetof(struct stack_counters, syn_ack_retransmitted)},
	{"fin_retransmitted", offsetof(struct stack_counters, fin_retransmitted)},
	{"challenge_acks", offsetof(struct stack_counters, challenge_acks)},
	{"text_segments", offsetof(struct stack_counters, text_segments)},
	{"text_retransmitted", offsetof(struct stack_counters, text_retransmitted)},
	{"fast_retransmitted", offsetof(struct stack_counters, fast_retransmitted)},
	{"window_probes", offsetof(struct stack_counters, window_probes)},
	{"writes_without_memory", offsetof(struct stack_counters, writes_without_memory)},
};
#define PLAIN (sizeof(plain) / sizeof(plain[0]))

bool
stack_counter_at(const struct stack_counters *c, unsigned int i, struct stack_counter *out)
{
	if (i < PLAIN) {
		const uint8_t *at = (const uint8_t *)c + plain[i].offset;

		*out = (struct stack_counter){"", plain[i].name, *(const uint64_t *)at};
		return true;
	}
	i -= (unsigned int)PLAIN - 1; /* reason 0 is none */
	if (i < DROP_COUNT) {
		*out = (struct stack_counter){"dropped.", drop_name(i), c->dropped[i]};
		return true;
	}
	i -= DROP_COUNT - 1;
	if (i < TCP_RST_COUNT) {
		*out = (struct stack_counter){"rst.", tcp_rst_name(i), c->rst[i]};
		return true;
	}
	return false;
}

void
stack_counters_add(struct stack_counters *a, const struct stack_counters *b)
{
	uint64_t *to = (uint64_t *)a;
	const uint64_t *from = (const uint64_t *)b;

	_Static_assert(sizeof(*a) % sizeof(uint64_t) == 0, "counters and nothing else");
	for (size_t i = 0; i < sizeof(*a) / sizeof(uint64_t); i++)
		to[i] += from[i];
}
