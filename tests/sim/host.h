/* SPDX-License-Identifier: BSD-3-Clause */
/* host.h - the host under test: one stack, made as app/ would make it, with a listener for each way
 * in which a server can behave, and what a lawful client of that listener must see. */
#ifndef RIPOSTE_SIM_HOST_H
#define RIPOSTE_SIM_HOST_H

#include "oracle.h"

#define HOST_PORT  1000 /* row i listens on HOST_PORT + i */
#define HOST_CALLS 8

/* Unless a row says otherwise. */
#define HOST_BACKLOG     128
#define HOST_BUFFER      65535
#define HOST_SEND_BUFFER 262144
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
	uint32_t send_buffer;
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

#define HOST_ROWS        48
#define HOST_ALL_ROWS    UINT64_MAX
#define HOST_STEPS       (HOST_ROWS * (HOST_CALLS + 1))
#define HOST_GENERATIONS 3 /* of listeners: before and after a reload */
#define HOST_TEXT_MAX    131072

/* What a row's application sends to a lawful client, whatever segments it comes in. */
struct host_stream {
	const uint8_t *text; /* of all its writes */
	uint32_t length;
	bool echoes;
	uint32_t echo_at;   /* so many bytes of text go before what it echoes */
	uint32_t echo_skip; /* so many of the client's bytes it reads and does not echo */
};

/* Compiles the script of a row, as listener number's, and notes its stream; aborts if it is wrong.
 * Returns how many steps that were. */
int host_compile(unsigned int row, uint16_t number, struct script_step *steps, size_t room);

const struct host_stream *host_stream(unsigned int row);

/* One of the calls that an operator makes by hand, by any number, as it is written. */
const char *host_call(uint32_t number);

/* What may differ from one host to the next. */
struct host_options {
	uint64_t seed; /* of its secrets */
	uint32_t connections;
	uint32_t senders;     /* 0: one for each connection */
	uint32_t echo_memory; /* 0: HOST_ECHO_MEMORY */
	uint32_t challenge_acks;
	uint8_t closed;      /* enum stack_closed */
	bool cookies_always; /* on every listener that says auto */
	stack_us now;
};

struct host {
	struct addr_range4 owned4[2];
	struct addr_range6 owned6[2];
	struct addr_set owned;
	struct port_range ports[HOST_GENERATIONS * HOST_ROWS];
	struct listener listeners[HOST_GENERATIONS * HOST_ROWS];
	uint8_t row_of[HOST_GENERATIONS * HOST_ROWS];
	struct script_step steps[HOST_GENERATIONS * HOST_STEPS];
	struct listener_index index[HOST_GENERATIONS];
	struct host_generation {
		bool compiled, always;
		uint64_t mask;
		unsigned int turned;
	} generations[HOST_GENERATIONS];
	uint16_t numbers[HOST_GENERATIONS][HOST_ROWS];
	unsigned int generation;
	bool cookies_always;
	struct stack_conf conf;
	void *memory;
	size_t memory_bytes;
	struct oracle oracle;
};

/* Makes a host and begins to watch it. h is zeroed, or a host that has served: then its memory is
 * used again. Aborts if the rows do not compile. */
void host_init(struct host *h, const struct host_options *options);

/* An operator's reload: to those rows of which the mask has the bit, in an order that is turned by
 * so many rows. Nothing happens while connections of two older configurations live. False if
 * anything did not hold. */
bool host_reload(struct host *h, uint64_t mask, unsigned int turned);

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
