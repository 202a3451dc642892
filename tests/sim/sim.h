/* SPDX-License-Identifier: BSD-3-Clause */
/* sim.h - a host under test, its clients and attackers and the cable between them, under a virtual
 * clock. Everything that happens follows from a scenario and a seed. */
#ifndef RIPOSTE_SIM_SIM_H
#define RIPOSTE_SIM_SIM_H

#include "attacker.h"
#include "client.h"
#include "host.h"
#include "hostile.h"
#include "network.h"
#include "operator.h"

#define SIM_ATTACKERS 4
#define SIM_ROWS      16

struct sim_scenario {
	const char *name;
	unsigned int runs; /* seeds that are tried unless told otherwise */
	unsigned int clients;
	struct network_faults faults;
	uint64_t heals_at;
	uint64_t starts_within; /* clients begin at a time up to this */
	uint32_t connections;   /* of the host's table */
	uint8_t closed;         /* enum stack_closed */
	bool cookies_always;
	bool fills_table;           /* of half-open connections: cookies are sent */
	const char *rows[SIM_ROWS]; /* the listeners that take part; none: all, and a closed port */
	uint32_t hold_until_s;      /* clients pause in the middle until then: they are victims */
	uint16_t failing;           /* of 1000 clients: abort, vanish or reboot */
	bool calls;                 /* ... are made by hand: text may be anything */
	uint32_t senders, echo_memory; /* of the host; 0: enough */
	bool loose;                    /* outcomes are not what host_rows says: any end will do */
	uint8_t max_rounds;
	uint16_t reflected; /* of 1000 hosts that did not ask: they answer with RST */
	struct attacker_plan attackers[SIM_ATTACKERS];
	unsigned int hostiles;
	struct operator_plan operator;
};

extern const struct sim_scenario sim_scenarios[];
extern const unsigned int sim_scenario_count;

#define SIM_CLIENTS  100
#define SIM_HOSTILES 40

struct sim {
	struct host host;
	struct network network;
	struct client clients[SIM_CLIENTS];
	struct hostile hostiles[SIM_HOSTILES];

	const struct sim_scenario *scenario;
	struct seed seed;
	uint64_t start, now; /* microseconds */
	uint64_t step;       /* bursts, ticks and events so far */
	struct attacker attackers[SIM_ATTACKERS];
	uint32_t operator_left;
	uint32_t traced;      /* client whose segments are printed; SIM_TRACE_NONE */
	uint64_t asked, told; /* ARP, ping and neighbour discovery: questions and answers */
	uint64_t frames;      /* given to the host */
	uint32_t half_open_most;
	bool host_idle; /* nothing was done to the host since it was asked for next_tick */
	uint64_t next_tick;

	/* The burst that is being gathered. */
	unsigned int burst_count;
	uint64_t burst_at;
	struct stack_frame burst[STACK_BURST_MAX];
	uint8_t buffers[STACK_BURST_MAX][SEGMENT_FRAME_MAX];
};

#define SIM_TRACE_NONE UINT32_MAX

struct sim_result {
	uint64_t digest; /* of all frames that the host sent, and of when */
	uint64_t frames; /* that came to it */
	uint64_t sent;   /* ... and that it made */
	char why[1024];  /* what did not hold, and at which step */
};

/* Memory for runs, one after the other; aborts if there is none. */
struct sim *sim_new(void);
void sim_free(struct sim *s);

/* Runs a scenario with a seed to its end. False if something did not hold. */
bool sim_run(struct sim *s, const struct sim_scenario *scenario, uint64_t seed, uint32_t traced,
	     struct sim_result *result);

/* For clients and attackers: sends to the host. */
void sim_send(struct sim *s, const struct segment *segment);

/* Prints a segment of the traced client, or of whoever sends in its name. */
void sim_trace(const struct sim *s, const char *what, const struct segment *g);
void sim_send_frame(struct sim *s, const uint8_t *frame, uint32_t length);

/* One of 0 .. count - 1. */
uint32_t sim_below(struct sim *s, uint32_t count);

/* True for share of 1000. */
bool sim_chance(struct sim *s, uint32_t share);

/* Does the cable do anything but delay? */
bool sim_is_bad_cable(const struct sim *s);

/* May a SYN to that row be answered with a cookie? */
bool sim_may_get_cookie(const struct sim *s, unsigned int row);

/* sim_end.c */

/* Has every client been told how its connection ended? */
bool sim_check_clients(struct sim *s);

/* Has every connection gone? excuses: but for those that wait, by design, for a client that has. */
bool sim_check_leftovers(struct sim *s, bool excuses);

/* Was no FIN sent again for nothing? */
bool sim_check_retransmissions(struct sim *s);

/* design.md, "cookies = auto": were SYNs given entries up to a quarter of the table, and cookies
 * beyond? */
bool sim_check_quarter(struct sim *s);

/* sim_plan.c: clients as the scenario wants them, and one of the rows that take part. */
void sim_plan_client(struct sim *s, struct client *c, uint32_t number);
unsigned int sim_row(struct sim *s);

#endif
