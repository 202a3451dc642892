/* SPDX-License-Identifier: BSD-3-Clause */
/* sim.h - a host under test, its clients and attackers and the cable between them, under a virtual
 * clock. Everything that happens follows from a scenario and a seed. */
#ifndef RIPOSTE_SIM_SIM_H
#define RIPOSTE_SIM_SIM_H

#include <stdio.h>

#include "attacker.h"
#include "client.h"
#include "host.h"
#include "hostile.h"
#include "network.h"
#include "operator.h"

#define SIM_ATTACKERS 4
#define SIM_ROWS      16

/* What client 17 is told wrong, to see that it is found out. */
enum sim_lie {
	SIM_TRUTH,
	SIM_LIE_OUTCOME, /* ... of how its connection has to end: a rule breaks at an event */
	SIM_LIE_VANISH,  /* ... that it may vanish where nobody would notice: one breaks at the end
			  */
};
#define SIM_LIAR 17

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
	uint8_t lie; /* enum sim_lie */
};

extern const struct sim_scenario sim_scenarios[];
extern const unsigned int sim_scenario_count;

/* Where somebody is told wrong what has to come: they have to fail. */
extern const struct sim_scenario sim_lies[];
extern const unsigned int sim_lie_count;

#define SIM_TRACE_NONE UINT32_MAX
#define SIM_TRACE_ALL  (UINT32_MAX - 1)
#define SIM_LINES      24
#define SIM_LINE       256

#define SIM_CLIENTS  100
#define SIM_HOSTILES 40

/* Who takes part: each draws random numbers of his own, so that they are the same whoever else is
 * left out. */
enum {
	SIM_CLIENT,
	SIM_HOSTILE = SIM_CLIENT + SIM_CLIENTS,
	SIM_ATTACKER = SIM_HOSTILE + SIM_HOSTILES,
	SIM_OPERATOR = SIM_ATTACKER + SIM_ATTACKERS,
	SIM_ACTORS,
	SIM_OTHERS = SIM_ACTORS, /* hosts that were sent what they did not ask for */
	SIM_STATIONS,            /* how frames from there come into bursts */
	SIM_LUCK = SIM_STATIONS + NETWORK_STATIONS,
};

struct sim_options {
	uint64_t seed;
	uint64_t steps;         /* so many are played; UINT64_MAX: all */
	uint64_t quiet_after;   /* from this step on no client begins, and nobody attacks */
	bool muted[SIM_ACTORS]; /* these were planned, but do nothing */
	bool every;             /* all is checked at every event, whether it has changed or not */
	uint32_t traced;        /* client whose segments are printed; SIM_TRACE_... */
	bool tail;              /* ... no: kept, the last of them */
};

struct sim_result {
	uint64_t digest;  /* of all frames that the host sent, and of when */
	uint64_t frames;  /* that came to it */
	uint64_t sent;    /* ... and that it made */
	uint64_t lasted;  /* microseconds from the last that came to its last timer */
	uint64_t step;    /* the last one */
	bool at_end;      /* what did not hold was what must be true when all is over */
	const char *rule; /* ... and that is the rule */
	uint32_t client;  /* ... and whom it is about; SIM_TRACE_NONE: nobody */
	char why[1024];   /* what did not hold, and at which step */
};

struct sim {
	struct host host;
	struct network network;
	struct client clients[SIM_CLIENTS];
	struct hostile hostiles[SIM_HOSTILES];

	const struct sim_scenario *scenario;
	const struct sim_options *options;
	struct seed seed;           /* of the plan */
	struct seed luck[SIM_LUCK]; /* of each that takes part, once the plan is made */
	struct seed *draw;          /* whose turn it is to draw random numbers */
	uint64_t start, now;        /* microseconds */
	uint64_t step;              /* bursts, ticks and events so far */
	bool stopped;               /* options.steps are over */
	bool at_end;                /* nothing happens any more */
	struct attacker attackers[SIM_ATTACKERS];
	uint32_t operator_left;
	uint32_t traced;      /* client whose segments are printed; SIM_TRACE_NONE */
	uint64_t asked, told; /* ARP, ping and neighbour discovery: questions and answers */
	uint64_t frames;      /* given to the host */
	uint64_t lasted;      /* as in sim_result */
	uint64_t sent_again;  /* by clients whose timer ran out: so often */
	uint32_t half_open_most;
	uint64_t heard_at;  /* when the host was last sent anything ... */
	uint64_t ticked_at; /* ... and when its last timer ran */
	bool host_idle;     /* nothing was done to the host since it was asked for next_tick */
	uint64_t next_tick;

	unsigned int line_count;

	/* The burst that is being gathered. */
	unsigned int burst_count;
	uint64_t burst_at;
	struct stack_frame burst[STACK_BURST_MAX];
	uint8_t buffers[STACK_BURST_MAX][SEGMENT_FRAME_MAX];

	char lines[SIM_LINES][SIM_LINE]; /* the last of the trace */
};

/* Memory for runs, one after the other; aborts if there is none. */
struct sim *sim_new(void);
void sim_free(struct sim *s);

/* Everything, with that seed. */
struct sim_options sim_options(uint64_t seed);

/* Runs a scenario to its end. False if something did not hold. */
bool sim_run(struct sim *s, const struct sim_scenario *scenario, const struct sim_options *options,
	     struct sim_result *result);

/* sim_shrink.c */

/* A run has failed. Finds, with every check at every event, the fewest events with which the first
 * rule that does not hold still does not: *all, which has its options, is set to them; and the
 * fewest of those that take part, with fewer events again: *few, with its result. False if nothing
 * fails any more. */
bool sim_shrink(struct sim *s, const struct sim_scenario *scenario, struct sim_options *all,
		struct sim_options *few, struct sim_result *result);

/* "c17,h2,a0,o" to who is muted: all others; false if it is no such list. */
bool sim_read_only(const char *list, bool muted[SIM_ACTORS]);

/* ... and back. */
void sim_print_only(const struct sim_scenario *scenario, const bool muted[SIM_ACTORS], FILE *to);

/* Plays events until nothing will happen any more, or all steps are over. */
bool sim_play(struct sim *s);

/* For clients and attackers: sends to the host. */
void sim_send(struct sim *s, const struct segment *segment);

/* Prints a segment of the traced client, or of whoever sends in its name. */
void sim_trace(struct sim *s, const char *what, const struct segment *g);
void sim_trace_counters(const struct sim *s);

/* Prints the last of what options.tail has kept. */
void sim_trace_tail(const struct sim *s);

void sim_send_frame(struct sim *s, const uint8_t *frame, uint32_t length);

/* One of 0 .. count - 1. */
uint32_t sim_below(struct sim *s, uint32_t count);

/* True for share of 1000. */
bool sim_chance(struct sim *s, uint32_t share);

/* Does nobody begin any more? */
bool sim_is_quiet(const struct sim *s);

/* Does the cable do anything but delay? */
bool sim_is_bad_cable(const struct sim *s);

/* May a SYN to that row be answered with a cookie? */
bool sim_may_get_cookie(const struct sim *s, unsigned int row);

/* sim_end.c */

/* Has every client been told how its connection ended? */
bool sim_check_clients(struct sim *s);

/* Has every connection gone? excuses: but for those that wait, by design, for a client that has. */
bool sim_check_leftovers(struct sim *s, bool excuses);

/* Were all the host's timers over in time after the last that it was sent? */
bool sim_check_timers(struct sim *s);

/* Was no FIN sent again for nothing? */
bool sim_check_retransmissions(struct sim *s);

/* design.md, "cookies = auto": were SYNs given entries up to a quarter of the table, and cookies
 * beyond? */
bool sim_check_quarter(struct sim *s);

/* sim_plan.c: clients as the scenario wants them, and one of the rows that take part. */
void sim_plan_client(struct sim *s, struct client *c, uint32_t number);
unsigned int sim_row(struct sim *s);

#endif
