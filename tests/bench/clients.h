/* SPDX-License-Identifier: BSD-3-Clause */
/* clients.h - the clients of the benchmarks, and the frames that they send to a stack whose secret
 * is known and whose clock of sequence numbers stands: what it will say can be told beforehand. */
#ifndef RIPOSTE_BENCH_CLIENTS_H
#define RIPOSTE_BENCH_CLIENTS_H

#include <stdint.h>

#include "stack.h"
#include "tcp.h"
#include "wire.h"

#define CLIENT_FRAME_MAX 256
#define CLIENT_TEXT      100 /* bytes of text in a segment that has some */
#define CLIENT_IRS       1000u

/* Clients below it are in the table before anything is measured, if any are; those from it on are
 * not. There are as many of either. */
#define CLIENT_NEW (UINT32_C(1) << 28)

/* The server's ports, as scripts/benchmark configures it. */
enum { CLIENT_PORT_CLOSED = 9, CLIENT_PORT_ENTRY = 80, CLIENT_PORT_COOKIE = 81 };

struct clients {
	uint8_t family; /* 4 or 6 */
	struct wire_host host;
	struct wire_l2 to; /* the device */
	struct siphash_key isn_key;
};

/* Clients of a stack of that secret, on a device of that Ethernet address. */
void clients_init(struct clients *c, uint8_t family, const uint8_t mac[6],
		  const struct siphash_key *secret);

/* The connection of a client, seen from the server; and either end's view of it as the other's. */
void clients_flow(const struct clients *c, uint32_t client, uint16_t port, struct flow *flow);
struct flow clients_turned(const struct flow *flow);

/* The ISS with which the server answers that client. */
uint32_t clients_iss(const struct clients *c, uint32_t client, uint16_t port);

/* Completes conf so that the ISS is what clients_frame() takes it to be. */
void clients_fill(struct stack_conf *conf);

/* One segment. */
struct client_segment {
	uint32_t client;
	uint16_t port;
	uint8_t flags; /* TCP_SYN ... */
	uint16_t text;
	uint32_t seq,
		ack; /* from the client's and the server's first number on; ack with TCP_ACK */
};

/* Writes the frame of a segment (room CLIENT_FRAME_MAX) and returns its length, 60 at least. */
uint32_t clients_frame(const struct clients *c, const struct client_segment *segment,
		       uint8_t *frame);

/* Gives s, which has listeners, clients first .. first + count - 1 as live connections that have
 * sent CLIENT_TEXT bytes. syn: their SYNs came before. What s wants to send meanwhile is lost. */
void clients_establish(const struct clients *c, struct stack *s, uint32_t first, uint32_t count,
		       bool syn, stack_us now);

/* Each of these clients, which clients_establish() has made, ends its connection by its own FIN and
 * acknowledges the server's. Returns how many were answered as they should be, and are gone. */
uint32_t clients_close(const struct clients *c, struct stack *s, uint32_t first, uint32_t count,
		       stack_us now);

/* A burst of the same segment of count clients from first on, at most STACK_BURST_MAX; the replies
 * are in frames. */
void clients_burst(const struct clients *c, struct stack *s, uint32_t first, uint32_t count,
		   struct client_segment segment, stack_us now, struct stack_frame *frames);

#endif
