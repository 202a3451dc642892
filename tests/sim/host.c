/* SPDX-License-Identifier: BSD-3-Clause */
/* host.c - the host under test. design.md, "The failures it can show". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/seed.h"
#include "host.h"

#define ALL UINT32_MAX

const uint8_t host_mac[6] = {0x02, 0, 0, 0, 0, 0x01};

const struct host_row host_rows[] = {
	{"sink", {"accept", "read all", "close"}, .up_to = HOST_CLEAN, .limit = ALL},
	{"half-read",
	 {"accept", "read 4096", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = 4096,
	 .beyond = HOST_RESET},
	{"closes at once",
	 {"accept", "close"},
	 .up_to = HOST_CLEAN,
	 .beyond = HOST_RESET,
	 .ends_alone = true},
	{"aborts",
	 {"accept", "linger 0", "close"},
	 .up_to = HOST_RESET,
	 .limit = ALL,
	 .ends_alone = true},
	{"half-close",
	 {"accept", "shutdown", "read all", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"impatient",
	 {"accept", "timeout 100ms", "read", "close"},
	 .up_to = HOST_EITHER,
	 .limit = ALL,
	 .ends_alone = true},
	{"impatient at the end",
	 {"accept", "read 10", "timeout 30s", "read all", "close"},
	 .up_to = HOST_EITHER,
	 .limit = ALL},
	{"slow",
	 {"accept", "sleep 2s", "read all", "close"},
	 .receive_buffer = 3000,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"unread",
	 {"accept", "sleep 100ms", "close"},
	 .up_to = HOST_CLEAN,
	 .beyond = HOST_RESET,
	 .ends_alone = true},
	{"never accepts", {NULL}, .backlog = 3, .up_to = HOST_NEVER, .limit = ALL},
	{"hangs",
	 {"accept", "read 100", "hang"},
	 .receive_buffer = 2000,
	 .up_to = HOST_NEVER,
	 .limit = ALL},
	{"slow SYN-ACK",
	 {"accept", "read all", "close"},
	 .syn_ack_delay_ms = 110,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"handshake timeout",
	 {"accept", "sleep 1s", "close"},
	 .syn_ack_delay_ms = 20,
	 .handshake_timeout_ms = 100,
	 .up_to = HOST_EITHER,
	 .limit = ALL,
	 .ends_alone = true},
	{"cookies",
	 {"accept", "read all", "close"},
	 .cookies = COOKIES_ALWAYS,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"scaled",
	 {"accept", "read 1000", "sleep 10ms", "read", "sleep 300ms", "read all", "close"},
	 .receive_buffer = 1000001,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"small",
	 {"accept", "read 50", "sleep 40ms", "shutdown", "sleep 40ms", "read all", "close"},
	 .receive_buffer = 64,
	 .cookies = COOKIES_NEVER,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"a coin's toss",
	 {"accept", "linger 0", "close"},
	 .percent = 50,
	 .up_to = HOST_EITHER,
	 .limit = ALL},
	{"... and its other side",
	 {"accept", "read all"},
	 .above = true,
	 .up_to = HOST_EITHER,
	 .limit = ALL},
	{"only three", {"accept", "read all"}, .first = 3, .up_to = HOST_EITHER, .limit = ALL},
	{"accepts late",
	 {"sleep 200ms", "accept", "read all", "close"},
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"a queue of one",
	 {"sleep 200ms", "accept", "read all", "close"},
	 .backlog = 1,
	 .cookies = COOKIES_NEVER,
	 .up_to = HOST_CLEAN,
	 .limit = ALL},
	{"exits before it accepts",
	 {"sleep 100ms"},
	 .up_to = HOST_RESET,
	 .limit = ALL,
	 .ends_alone = true},
};
const unsigned int host_row_count = sizeof(host_rows) / sizeof(host_rows[0]);

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

unsigned int
host_row_named(const char *name)
{
	for (unsigned int row = 0; row < host_row_count; row++) {
		if (strcmp(host_rows[row].name, name) == 0)
			return row;
	}
	fail(name, "is no row's name");
	return 0;
}

uint16_t
host_port(unsigned int row)
{
	while (row < host_row_count && host_rows[row].above)
		row--;
	return (uint16_t)(HOST_PORT + row);
}

/* The listener of a row, without its script. */
static void
fill(struct host *h, unsigned int row, bool cookies_always)
{
	const struct host_row *r = &host_rows[row];

	h->ports[row] = (struct port_range){host_port(row), host_port(row)};
	h->listeners[row] = (struct listener){
		.name = r->name,
		.ports = &h->ports[row],
		.port_count = 1,
		.cookies = cookies_always && r->cookies == COOKIES_AUTO ? (uint8_t)COOKIES_ALWAYS
									: r->cookies,
		.backlog = r->backlog ? r->backlog : HOST_BACKLOG,
		.syn_ack_delay_ms = r->syn_ack_delay_ms,
		.handshake_timeout_ms = r->handshake_timeout_ms,
		.receive_buffer = r->receive_buffer ? r->receive_buffer : HOST_BUFFER,
		.chance = r->percent ? LISTENER_CHANCE_ALWAYS * r->percent / 100
				     : LISTENER_CHANCE_ALWAYS,
		.first = r->first,
	};
}

static void
compile(struct host *h, bool cookies_always)
{
	size_t used = 0, count, which;
	char error[128];

	if (host_row_count > HOST_LISTENERS)
		fail("host_rows", "more than HOST_LISTENERS");
	for (unsigned int row = 0; row < host_row_count; row++) {
		int steps;

		fill(h, row, cookies_always);
		for (count = 0; count < HOST_CALLS && host_rows[row].calls[count]; count++)
			;
		h->listeners[row].step = (uint16_t)used;
		steps = script_compile(host_rows[row].calls, count, (uint16_t)row, h->steps + used,
				       HOST_STEPS - used, error, sizeof(error), &which);
		if (steps < 0)
			fail(host_rows[row].name, error);
		used += (size_t)steps;
	}
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
	compile(h, options->cookies_always);
	listener_index_build(&h->index, h->listeners, 0, (uint16_t)host_row_count, h->numbers);
	h->conf = (struct stack_conf){
		.owned = &h->owned,
		.index = &h->index,
		.listener_room = (uint16_t)host_row_count,
		.steps = h->steps,
		.connections = options->connections,
		.senders = options->connections,
		.echo_memory = HOST_ECHO_MEMORY,
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
