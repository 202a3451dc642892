/* SPDX-License-Identifier: BSD-3-Clause */
/* host.h - the host under test: one stack, made as app/ would make it, with a listener for each way
 * in which a server can behave, and what a lawful client of that listener must see. */
#ifndef RIPOSTE_SIM_HOST_H
#define RIPOSTE_SIM_HOST_H

#include "oracle.h"

#define HOST_PORT  1000 /* row i listens on HOST_PORT + i */
#define HOST_CALLS 8

/* Unless a row says otherwise. */
#define HOST_BACKLOG 128
#define HOST_BUFFER  65535

#define HOST_ECHO_MEMORY (1u << 20)

/* How a lawful client's connection ends, as its application sees it. */
enum host_end {
	HOST_CLEAN,  /* every byte and the FIN acknowledged, the server's FIN received */
	HOST_RESET,  /* RST */
	HOST_EITHER, /* one of the two, by timing or chance */
	HOST_NEVER,  /* not by itself: the client has to give up */
};

struct host_row {
	const char *name;
	const char *calls[HOST_CALLS];
	uint32_t backlog;
	uint32_t receive_buffer;
	uint32_t syn_ack_delay_ms;
	uint32_t handshake_timeout_ms;
	uint32_t first;
	uint32_t percent; /* chance */
	uint8_t cookies;  /* enum listener_cookies */
	bool above;       /* shares the port of the row before: takes what that one leaves */
	uint8_t up_to;    /* enum host_end for at most limit bytes sent */
	uint8_t beyond;   /* ... and for more */
	uint32_t limit;
	bool ends_alone; /* the server ends it even if the client has vanished */
};

/* Ports: rows first, then one where nobody listens. */
extern const struct host_row host_rows[];
extern const unsigned int host_row_count;

/* The row of that name; aborts if there is none. */
unsigned int host_row_named(const char *name);

/* The port of a row; of host_row_count: a closed one. */
uint16_t host_port(unsigned int row);

#define HOST_LISTENERS 32
#define HOST_STEPS     (HOST_LISTENERS * (HOST_CALLS + 1))

/* What may differ from one host to the next. */
struct host_options {
	uint64_t seed; /* of its secrets */
	uint32_t connections;
	uint32_t challenge_acks;
	uint8_t closed;      /* enum stack_closed */
	bool cookies_always; /* on every listener that says auto */
	stack_us now;
};

struct host {
	struct addr_range4 owned4[2];
	struct addr_range6 owned6[2];
	struct addr_set owned;
	struct port_range ports[HOST_LISTENERS];
	struct listener listeners[HOST_LISTENERS];
	struct script_step steps[HOST_STEPS];
	struct listener_index index;
	uint16_t numbers[HOST_LISTENERS];
	struct stack_conf conf;
	void *memory;
	size_t memory_bytes;
	struct oracle oracle;
};

/* Makes a host and begins to watch it. h is zeroed, or a host that has served: then its memory is
 * used again. Aborts if the rows do not compile. */
void host_init(struct host *h, const struct host_options *options);

/* Frees what host_init() allocated. */
void host_free(struct host *h);

extern const uint8_t host_mac[6];

/* The i-th owned address of a family, i < 256; 16 bytes at addr are written. */
void host_address(uint8_t family, uint32_t i, uint8_t addr[16]);

/* An address that is not owned: the i-th client's, i < 65536. */
void host_client_address(uint8_t family, uint32_t i, uint8_t addr[16]);

/* Which client's it is; UINT32_MAX if none's. */
uint32_t host_client_number(uint8_t family, const uint8_t addr[16]);

#endif
