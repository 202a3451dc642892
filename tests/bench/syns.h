/* SPDX-License-Identifier: BSD-3-Clause */
/* syns.h - random clients without a TCP of their own, on one of this namespace's interfaces: their
 * frames are written here, and what comes back is nobody's but whoever looks at the interface. */
#ifndef RIPOSTE_BENCH_SYNS_H
#define RIPOSTE_BENCH_SYNS_H

#include <stdint.h>

#include "flow.h"
#include "wire.h"

#define SYNS_NET   10 /* clients are of 10.0.0.0/8 */
#define SYNS_FRAME 60 /* Ethernet's least, without its checksum: more than a SYN takes */

struct syns {
	int fd; /* a packet socket that sends, and hears nothing */
	unsigned int interface;
	struct wire_host host; /* the clients' */
	struct wire_l2 to;
	struct flow flow; /* of the last client, from its side */
	uint16_t odd;     /* 1: its port is odd; 0: even */
	uint32_t iss;
	uint64_t random;
};

/* Clients on that interface, and the server at that Ethernet address, IPv4 address and port. Their
 * ports are even unless odd is set. Ends the program where it cannot be. */
void syns_open(struct syns *s, const char *interface, const char *mac, const char *address,
	       const char *port);

/* The SYN of another client, with its checksums. */
void syns_next(struct syns *s, uint8_t frame[SYNS_FRAME]);

/* The RST of the last client, after it has had a SYN-ACK. */
void syns_reset(const struct syns *s, uint8_t frame[SYNS_FRAME]);

/* A random number below a bound. */
uint32_t syns_random(struct syns *s, uint32_t bound);

uint64_t syns_ns(void);

/* Says what could not be done, and errno's reason, and ends the program. */
_Noreturn void syns_die(const char *what);

#endif
