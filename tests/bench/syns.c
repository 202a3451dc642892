/* SPDX-License-Identifier: BSD-3-Clause */
/* syns.c - the packet socket, and the frames of random clients. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "syns.h"

#define PORT_FIRST 1024u /* even */
#define MSS        1460

/* But for the net's two ends. */
static const struct addr_range4 clients = {SYNS_NET << 24 | 1, SYNS_NET << 24 | 0xfffffe};
static const struct addr_set client_set = {.v4 = &clients, .v4_count = 1};

void
syns_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t
syns_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* Marsaglia's xorshift: each SYN should cost little. */
uint32_t
syns_random(struct syns *s, uint32_t bound)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (uint32_t)((s->random >> 32) * bound >> 32);
}

static void
open_socket(struct syns *s, const char *interface)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET};
	struct ifreq request = {0};
	const int yes = 1;

	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	s->interface = if_nametoindex(interface);
	at.sll_ifindex = (int)s->interface;
	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	if (s->fd < 0 || s->interface == 0 ||
	    bind(s->fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    ioctl(s->fd, SIOCGIFHWADDR, &request) != 0 ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)) != 0)
		syns_die(interface);
	memcpy(s->host.mac, request.ifr_hwaddr.sa_data, sizeof(s->host.mac));
}

void
syns_open(struct syns *s, const char *interface, const char *mac, const char *address,
	  const char *port)
{
	uint8_t *peer = s->to.peer;

	memset(s, 0, sizeof(*s));
	open_socket(s, interface);
	s->host.ttl = 64;
	s->host.owned = &client_set;
	/* Whoever was here before left clients behind that the server still knows. */
	s->random = syns_ns() * UINT64_C(0x9e3779b97f4a7c15) | 1;
	s->flow.family = 4;
	s->flow.v4.rport = htons((uint16_t)atoi(port));
	errno = EINVAL;
	if (sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &peer[0], &peer[1], &peer[2],
		   &peer[3], &peer[4], &peer[5]) != 6)
		syns_die(mac);
	if (inet_pton(AF_INET, address, &s->flow.v4.raddr) != 1)
		syns_die(address);
}

static void
write_frame(const struct syns *s, const struct tcp_reply *segment, uint8_t frame[SYNS_FRAME])
{
	uint8_t whole[WIRE_TCP_MAX] = {0};
	struct wire_lengths lengths;

	wire_emit_tcp(&s->host, &s->to, &s->flow, segment, whole, &lengths);
	memcpy(frame, whole, SYNS_FRAME);
}

void
syns_next(struct syns *s, uint8_t frame[SYNS_FRAME])
{
	struct tcp_reply syn = {.wnd = 65535, .mss = MSS, .flags = TCP_SYN, .options = TCP_OPT_MSS};

	s->flow.v4.laddr = htonl(clients.first + syns_random(s, clients.last - clients.first + 1));
	s->flow.v4.lport = htons(
		(uint16_t)(PORT_FIRST + 2 * syns_random(s, (65536 - PORT_FIRST) / 2) + s->odd));
	s->iss = syns_random(s, UINT32_MAX);
	syn.seq = s->iss;
	write_frame(s, &syn, frame);
}

void
syns_reset(const struct syns *s, uint8_t frame[SYNS_FRAME])
{
	struct tcp_reply reset = {.seq = s->iss + 1, .flags = TCP_RST};

	write_frame(s, &reset, frame);
}
