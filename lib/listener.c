/* SPDX-License-Identifier: BSD-3-Clause */
/* listener.c - which of the configuration's listeners a segment meets. */
#include <arpa/inet.h>
#include <string.h>

#include "listener.h"

size_t
listener_index_numbers(const struct listener *listeners, uint16_t first, uint16_t count)
{
	size_t numbers = 0;

	for (unsigned int i = first; i < (unsigned int)first + count; i++)
		for (size_t j = 0; j < listeners[i].port_count; j++)
			numbers += (size_t)listeners[i].ports[j].last -
				   listeners[i].ports[j].first + 1;
	return numbers;
}

static bool
takes_all(const struct listener *l)
{
	return l->on == NULL && l->first == 0 && l->chance >= LISTENER_CHANCE_ALWAYS;
}

void
listener_index_build(struct listener_index *index, const struct listener *listeners, uint16_t first,
		     uint16_t count, uint16_t *numbers)
{
	const unsigned int end = (unsigned int)first + count;
	uint32_t *start = index->start;
	uint32_t port;

	*index = (struct listener_index){
		.listeners = listeners, .first = first, .count = count, .numbers = numbers};

	/* A counting sort by port, which leaves each port's listeners in their order. */
	for (unsigned int i = first; i < end; i++)
		for (size_t j = 0; j < listeners[i].port_count; j++)
			for (port = listeners[i].ports[j].first; port <= listeners[i].ports[j].last;
			     port++)
				start[port + 1]++;
	for (port = 1; port <= 65536; port++)
		start[port] += start[port - 1];
	for (unsigned int i = first; i < end; i++) {
		index->draws = index->draws || listeners[i].chance != LISTENER_CHANCE_ALWAYS;
		for (size_t j = 0; j < listeners[i].port_count; j++)
			for (port = listeners[i].ports[j].first; port <= listeners[i].ports[j].last;
			     port++)
				numbers[start[port]++] = (uint16_t)i;
	}
	/* Each start has moved to where the next port's was. */
	memmove(start + 1, start, 65536 * sizeof(*start));
	start[0] = 0;
	for (port = 0; port < 65536; port++) {
		index->used[port / 64] |= (uint64_t)(start[port] != start[port + 1]) << port % 64;
		index->only[port] = start[port] + 1 == start[port + 1] &&
						    takes_all(&listeners[numbers[start[port]]])
					    ? numbers[start[port]]
					    : LISTENER_NONE;
	}
}

/* 32 bits of draw for one listener: a bijection of draw (splitmix64's finaliser) that differs from
 * listener to listener, so that a share of what one leaves is a fair share for the next. */
static uint32_t
draw_for(uint64_t draw, uint16_t number)
{
	uint64_t x = draw + (number + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((x ^ x >> 31) >> 32);
}

static bool
has_addr(const struct listener *l, const struct flow *flow)
{
	if (!l->on)
		return true;
	return flow->family == 4 ? addr_set_has4(l->on, flow->v4.laddr)
				 : addr_set_has6(l->on, flow->v6.laddr);
}

uint16_t
listener_find(const struct listener_index *index, const struct flow *flow, uint64_t draw,
	      const uint32_t *taken)
{
	uint16_t port = ntohs(flow_lport(flow));
	uint32_t i;

	for (i = index->start[port]; i < index->start[port + 1]; i++) {
		uint16_t number = index->numbers[i];
		const struct listener *l = &index->listeners[number];

		if (!has_addr(l, flow))
			continue;
		if (l->first != 0 && taken[number] >= l->first)
			continue;
		if (l->chance < LISTENER_CHANCE_ALWAYS && draw_for(draw, number) >= l->chance)
			continue;
		return number;
	}
	return LISTENER_NONE;
}
