/* SPDX-License-Identifier: BSD-3-Clause */
/* control_end.c - one end of a connection, as text: 10.9.0.2:4711 or [fd09::2]:4711. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_internal.h"

const char *
control_end_print(const struct flow *flow, bool ours, char text[CONTROL_END_SIZE])
{
	char addr[INET6_ADDRSTRLEN];
	const uint16_t port = ntohs(ours ? flow_lport(flow) : flow_rport(flow));

	if (flow->family == 4) {
		inet_ntop(AF_INET, ours ? &flow->v4.laddr : &flow->v4.raddr, addr, sizeof(addr));
		snprintf(text, CONTROL_END_SIZE, "%s:%d", addr, port);
	} else {
		inet_ntop(AF_INET6, ours ? flow->v6.laddr : flow->v6.raddr, addr, sizeof(addr));
		snprintf(text, CONTROL_END_SIZE, "[%s]:%d", addr, port);
	}
	return text;
}

int
control_addr_parse(const char *text, struct control_end *end)
{
	char addr[INET6_ADDRSTRLEN];
	size_t length = strlen(text);
	const bool bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';

	end->family = 0;
	if (bracketed) {
		text++;
		length -= 2;
	}
	if (length >= sizeof(addr))
		return -1;
	memcpy(addr, text, length);
	addr[length] = '\0';
	if (!bracketed && inet_pton(AF_INET, addr, end->addr) == 1)
		end->family = 4;
	else if (inet_pton(AF_INET6, addr, end->addr) == 1)
		end->family = 6;
	return end->family != 0 ? 0 : -1;
}

int
control_port_parse(const char *text, struct control_end *end)
{
	unsigned long port;
	char *rest;

	port = strtoul(text, &rest, 10);
	if (text[0] < '0' || text[0] > '9' || *rest != '\0' || port == 0 || port > UINT16_MAX)
		return -1;
	end->port = htons((uint16_t)port);
	return 0;
}

int
control_end_parse(char *text, struct control_end *end)
{
	char *colon = strrchr(text, ':');

	*end = (struct control_end){0};
	if (colon == NULL)
		return control_port_parse(text, end);
	*colon = '\0';
	/* Without brackets an IPv6 address would end who knows where. */
	if (control_addr_parse(text, end) < 0 || (end->family == 6 && text[0] != '['))
		return -1;
	return control_port_parse(colon + 1, end);
}

bool
control_end_is(const struct control_end *end, const struct flow *flow, bool ours)
{
	const void *addr;

	if (end->port != (ours ? flow_lport(flow) : flow_rport(flow)))
		return false;
	if (end->family == 0)
		return true;
	if (flow->family == 4)
		addr = ours ? &flow->v4.laddr : &flow->v4.raddr;
	else
		addr = ours ? flow->v6.laddr : flow->v6.raddr;
	return end->family == flow->family &&
	       memcmp(end->addr, addr, end->family == 4 ? 4 : 16) == 0;
}
