/* SPDX-License-Identifier: BSD-3-Clause */
/* rules.c - configurations side by side in the arrays that stacks go by. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rules.h"
#include "say.h"

static const size_t LISTENERS_BYTES = LISTENERS_MAX * sizeof(struct listener);
static const size_t STEPS_BYTES = SCRIPT_STEPS_MAX * sizeof(struct script_step);

/* Memory that is there once it is written to, for most of it never is. */
static void *
map(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

int
rules_open(struct rules *r)
{
	*r = (struct rules){.listeners = map(LISTENERS_BYTES), .steps = map(STEPS_BYTES)};
	if (r->listeners != NULL && r->steps != NULL)
		return 0;
	say("no memory for listeners");
	rules_close(r);
	return -1;
}

void
rules_close(struct rules *r)
{
	while (r->sets != NULL)
		rules_drop(r, r->sets);
	if (r->listeners != NULL)
		munmap(r->listeners, LISTENERS_BYTES);
	if (r->steps != NULL)
		munmap(r->steps, STEPS_BYTES);
	*r = (struct rules){0};
}

/* The first count places of room that no set has: of listeners, or of steps. */
static bool
find_gap(const struct rules *r, bool steps, uint32_t room, struct rules_range *gap)
{
	const struct rules_set *set = r->sets;

	gap->first = 0;
	while (set != NULL) {
		const struct rules_range *taken = steps ? &set->steps : &set->listeners;

		if (gap->first < taken->first + taken->count &&
		    taken->first < gap->first + gap->count) {
			/* Behind it, if none of the others is there. */
			gap->first = taken->first + taken->count;
			set = r->sets;
		} else {
			set = set->next;
		}
	}
	return gap->first <= room && gap->count <= room - gap->first;
}

/* Copies what conf has into the set's places; numbers in it are places from now on. */
static void
place(struct rules *r, const struct rules_set *set)
{
	const struct conf *conf = set->conf;
	struct listener *listeners = r->listeners + set->listeners.first;
	struct script_step *steps = r->steps + set->steps.first;

	for (uint32_t i = 0; i < set->listeners.count; i++) {
		listeners[i] = conf->listeners[i];
		listeners[i].step = (uint16_t)(listeners[i].step + set->steps.first);
	}
	for (uint32_t i = 0; i < set->steps.count; i++) {
		steps[i] = conf->steps[i];
		steps[i].listener = (uint16_t)(steps[i].listener + set->listeners.first);
	}
}

struct rules_set *
rules_add(struct rules *r, struct conf *conf)
{
	const uint16_t count = conf->listener_count;
	struct rules_set *set = calloc(1, sizeof(*set));
	size_t numbers;

	if (set == NULL)
		goto no_memory;
	set->conf = conf;
	set->listeners.count = count;
	set->steps.count = (uint32_t)conf->step_count;
	if (!find_gap(r, false, LISTENERS_MAX, &set->listeners) ||
	    !find_gap(r, true, SCRIPT_STEPS_MAX, &set->steps)) {
		say_at(conf->file, 0,
		       "its %u listeners and %zu calls find no room beside those in use (%d and %d "
		       "together): a reload once the connections of earlier ones have ended, or a "
		       "restart, would be right",
		       count, conf->step_count, LISTENERS_MAX, SCRIPT_STEPS_MAX);
		free(set);
		return NULL;
	}
	place(r, set);
	numbers = listener_index_numbers(r->listeners, (uint16_t)set->listeners.first, count);
	set->numbers = calloc(numbers + 1, sizeof(*set->numbers));
	if (set->numbers == NULL)
		goto no_memory;
	listener_index_build(&set->index, r->listeners, (uint16_t)set->listeners.first, count,
			     set->numbers);
	set->next = r->sets;
	r->sets = set;
	return set;
no_memory:
	say_at(conf->file, 0, "no memory for its listeners; fewer ports would be right");
	free(set);
	return NULL;
}

void
rules_drop(struct rules *r, struct rules_set *set)
{
	struct rules_set **at = &r->sets;

	while (*at != set)
		at = &(*at)->next;
	*at = set->next;
	conf_free(set->conf);
	free(set->numbers);
	free(set);
}

void
rules_fill(const struct rules *r, const struct rules_set *set, struct stack_conf *to)
{
	const struct conf *conf = set->conf;
	const struct conf_host *host = &conf->host;

	to->owned = &host->owns.set;
	to->index = &set->index;
	to->listener_room = LISTENERS_MAX;
	to->steps = r->steps;
	to->connections = (uint32_t)host->connections;
	to->senders = conf_senders(conf);
	to->echo_memory = host->echo_memory;
	to->msl_ms = (uint32_t)host->msl_ms;
	to->challenge_acks = (uint32_t)host->challenge_acks;
	to->min_mss = (uint16_t)host->min_mss;
	to->closed = (uint8_t)host->closed;
	to->ttl = (uint8_t)host->ttl;
	to->cookie_shared = host->cookie_key.given;
	to->cookie_secret =
		host->cookie_key.given ? siphash_key_read(host->cookie_key.bytes) : to->secret;
}
