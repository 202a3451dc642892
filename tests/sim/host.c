/* SPDX-License-Identifier: BSD-3-Clause */
/* host.c - the host under test. design.md, "The failures it can show". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/seed.h"
#include "host.h"

const uint8_t host_mac[6] = {0x02, 0, 0, 0, 0, 0x01};

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

/* The listener of a row, without its script. */
static void
fill(struct host *h, unsigned int row, uint16_t number)
{
	const struct host_row *r = &host_rows[row];
	bool always = h->cookies_always && r->cookies == COOKIES_AUTO;

	h->row_of[number] = (uint8_t)row;
	h->ports[number] = (struct port_range){host_port(row), host_port(row)};
	h->listeners[number] = (struct listener){
		.name = r->name,
		.ports = &h->ports[number],
		.port_count = 1,
		.cookies = always ? (uint8_t)COOKIES_ALWAYS : r->cookies,
		.backlog = r->backlog ? r->backlog : HOST_BACKLOG,
		.syn_ack_delay_ms = r->syn_ack_delay_ms,
		.handshake_timeout_ms = r->handshake_timeout_ms,
		.receive_buffer = r->receive_buffer ? r->receive_buffer : HOST_BUFFER,
		.send_buffer = r->send_buffer ? r->send_buffer : HOST_SEND_BUFFER,
		.chance = r->percent ? LISTENER_CHANCE_ALWAYS * r->percent / 100
				     : LISTENER_CHANCE_ALWAYS,
		.first = r->first,
	};
}

static bool
is_same(const struct host_generation *a, const struct host_generation *b)
{
	return a->compiled && a->always == b->always && a->mask == b->mask &&
	       a->turned == b->turned;
}

/* Fills a generation of listeners and steps with the rows of the mask, in another order if turned
 * is not 0. */
static void
compile(struct host *h, unsigned int generation, uint64_t mask, unsigned int turned)
{
	struct host_generation g = {true, h->cookies_always, mask, turned};
	uint16_t first = (uint16_t)(generation * HOST_ROWS), number = first;
	size_t used = generation * HOST_STEPS, end = used + HOST_STEPS;

	h->conf.index = &h->index[generation];
	h->generation = generation;
	/* A host before may have had the same. */
	if (is_same(&h->generations[generation], &g))
		return;
	h->generations[generation] = g;
	if (host_row_count > HOST_ROWS)
		fail("host_rows", "more than HOST_ROWS");
	for (unsigned int i = 0; i < host_row_count; i++) {
		unsigned int row = (i + turned) % host_row_count;

		if (!(mask >> row & 1))
			continue;
		fill(h, row, number);
		h->listeners[number].step = (uint16_t)used;
		used += (size_t)host_compile(row, number++, h->steps + used, end - used);
	}
	listener_index_build(&h->index[generation], h->listeners, first, (uint16_t)(number - first),
			     h->numbers[generation]);
}

/* Is a generation nobody's any more? */
static bool
is_over(const struct host *h, unsigned int generation)
{
	for (unsigned int i = 0; i < HOST_ROWS; i++) {
		uint16_t number = (uint16_t)(generation * HOST_ROWS + i);

		if (stack_listener_state(h->oracle.stack, number).alive > 0)
			return false;
	}
	return true;
}

bool
host_reload(struct host *h, uint64_t mask, unsigned int turned)
{
	for (unsigned int i = 1; i < HOST_GENERATIONS; i++) {
		unsigned int generation = (h->generation + i) % HOST_GENERATIONS;

		if (!is_over(h, generation))
			continue;
		compile(h, generation, mask, turned);
		return oracle_reload(&h->oracle, &h->conf);
	}
	return true;
}

/* 10.9.0.0/24 and fd09::/120. */
static void
own(struct host *h)
{
	static const char *const texts[] = {"10.9.0.0/24", "fd09::/120"};
	struct addr_prefix prefixes[2];
	const char *error;

	for (int i = 0; i < 2; i++) {
		if (addr_prefix_parse(texts[i], &prefixes[i], &error) < 0)
			fail(texts[i], error);
	}
	addr_set_build(&h->owned, prefixes, 2, h->owned4, h->owned6);
}

void
host_init(struct host *h, const struct host_options *options)
{
	struct seed secrets = {options->seed};
	struct stack *stack;
	size_t bytes;

	own(h);
	h->cookies_always = options->cookies_always;
	h->conf = (struct stack_conf){
		.owned = &h->owned,
		.listener_room = HOST_GENERATIONS * HOST_ROWS,
		.steps = h->steps,
		.connections = options->connections,
		.senders = options->senders ? options->senders : options->connections,
		.echo_memory = options->echo_memory ? options->echo_memory : HOST_ECHO_MEMORY,
		.msl_ms = 30000,
		.challenge_acks = options->challenge_acks,
		.min_mss = 88,
		.mtu = 1500,
		.closed = options->closed,
		.ttl = 64,
		.secret = {seed_next(&secrets), seed_next(&secrets)},
		.cookie_secret = {seed_next(&secrets), seed_next(&secrets)},
	};
	memcpy(h->conf.mac, host_mac, 6);
	compile(h, 0, HOST_ALL_ROWS, 0);
	bytes = (stack_bytes(&h->conf) + 63) / 64 * 64;
	if (bytes > h->memory_bytes) {
		free(h->memory);
		h->memory = aligned_alloc(64, bytes);
		h->memory_bytes = bytes;
	}
	if (h->memory == NULL)
		fail("host_init", "no memory");
	memset(h->memory, 0, bytes);
	stack = stack_init(h->memory, &h->conf, options->now);
	oracle_init(&h->oracle, stack, &h->conf, options->now);
}

void
host_free(struct host *h)
{
	oracle_free(&h->oracle);
	free(h->memory);
	h->memory = NULL;
	h->memory_bytes = 0;
}

static void
address(uint8_t family, uint8_t net, uint32_t i, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (family == 4) {
		addr[0] = 10;
		addr[1] = net;
		segment_put16(addr + 2, i);
	} else {
		addr[0] = 0xfd;
		addr[1] = net;
		segment_put16(addr + 14, i);
	}
}

void
host_address(uint8_t family, uint32_t i, uint8_t addr[16])
{
	address(family, 9, i & 0xff, addr);
}

void
host_client_address(uint8_t family, uint32_t i, uint8_t addr[16])
{
	address(family, 8, i, addr);
}

uint32_t
host_client_number(uint8_t family, const uint8_t addr[16])
{
	uint32_t i = segment_get16(addr + (family == 4 ? 2 : 14));
	uint8_t expected[16];

	host_client_address(family, i, expected);
	return memcmp(addr, expected, 16) == 0 ? i : UINT32_MAX;
}
