/* SPDX-License-Identifier: BSD-3-Clause */
/* scenarios.c - what the simulator plays. */
#include "sim.h"

#define SECONDS(n) (UINT64_C(1000000) * (n))

#define GOOD_CABLE .faults = {.delay_us = 300}
/* Until it heals; it still reorders a little then. */
#define BAD_CABLE(heals_after)                                                                     \
	.faults = {.lost = 150,                                                                    \
		   .doubled = 80,                                                                  \
		   .corrupted = 60,                                                                \
		   .late = 200,                                                                    \
		   .delay_us = 2000,                                                               \
		   .jitter_us = 3000,                                                              \
		   .late_us = 1500000},                                                            \
	.heals_at = SECONDS(heals_after)
/* Nothing gets lost, but nothing comes in order. */
#define CROOKED_CABLE(heals_after)                                                                 \
	.faults = {.doubled = 300,                                                                 \
		   .late = 500,                                                                    \
		   .delay_us = 100,                                                                \
		   .jitter_us = 1000,                                                              \
		   .late_us = 100000},                                                             \
	.heals_at = SECONDS(heals_after)

/* The listeners that write and echo, and one that does not. */
#define WRITERS                                                                                    \
	{                                                                                          \
		"greets", "answers", "pours", "pours and waits", "pours and aborts",               \
			"pours now and then", "blocks", "blocks on each byte", "echo",             \
			"small echo", "tiny echo", "echo between writes", "late echo",             \
			"impatient echo", "sink"                                                   \
	}

const struct sim_scenario sim_scenarios[] = {
	{
		.name = "lawful clients on a good cable end as each listener's script says",
		.runs = 560,
		GOOD_CABLE,
		.clients = 60,
		.starts_within = SECONDS(5),
		.connections = 512,
		.max_rounds = 3,
	},
	{
		.name = "lawful clients on a bad cable have every byte acknowledged or are reset",
		.runs = 560,
		.clients = 60,
		BAD_CABLE(20),
		.starts_within = SECONDS(10),
		.connections = 512,
		.max_rounds = 2,
	},
	{
		.name = "lawful clients on a cable that reorders and doubles",
		.runs = 560,
		.clients = 60,
		CROOKED_CABLE(30),
		.starts_within = SECONDS(10),
		.connections = 512,
		.max_rounds = 2,
	},
	{
		.name = "lawful clients, cookies always: nothing is kept of a SYN",
		.runs = 560,
		GOOD_CABLE,
		.clients = 60,
		.starts_within = SECONDS(5),
		.connections = 512,
		.cookies_always = true,
		.max_rounds = 3,
	},
	{
		.name = "lawful clients, cookies always, on a bad cable",
		.runs = 560,
		.clients = 60,
		BAD_CABLE(20),
		.starts_within = SECONDS(10),
		.connections = 512,
		.cookies_always = true,
		.max_rounds = 2,
	},
	{
		.name = "clients that abort, vanish and reboot leave no connection behind",
		.runs = 560,
		GOOD_CABLE,
		.clients = 100,
		.starts_within = SECONDS(5),
		.connections = 512,
		.failing = 700,
		.max_rounds = 1,
	},
	{
		.name = "the same on a bad cable, with a table too small for all",
		.runs = 560,
		.clients = 100,
		BAD_CABLE(60),
		.starts_within = SECONDS(10),
		.connections = 40,
		.fills_table = true,
		.failing = 500,
		.loose = true,
		.max_rounds = 3,
	},
	{
		.name = "no blind RST, SYN, text or ACK ends a connection or adds to it",
		.runs = 400,
		GOOD_CABLE,
		.clients = 30,
		.starts_within = SECONDS(2),
		.connections = 512,
		.rows = {"sink", "half-close", "cookies", "scaled"},
		.hold_until_s = 20,
		.max_rounds = 1,
		.attackers = {{ATTACKER_BLIND, 1000, 8000}, {ATTACKER_BLIND, 10, 2000}},
	},
	{
		.name = "the same on a bad cable",
		.runs = 400,
		.clients = 30,
		BAD_CABLE(18),
		.starts_within = SECONDS(2),
		.connections = 512,
		.rows = {"sink", "half-close", "cookies", "scaled"},
		.hold_until_s = 20,
		.max_rounds = 1,
		.attackers = {{ATTACKER_BLIND, 1000, 8000}, {ATTACKER_BLIND, 10, 2000}},
	},
	{
		.name = "a SYN flood takes a quarter of the table, and clients are served by "
			"cookies",
		.runs = 150,
		GOOD_CABLE,
		.clients = 30,
		.starts_within = SECONDS(9),
		.connections = 400,
		.fills_table = true,
		.rows = {"sink", "half-close", "cookies"},
		.max_rounds = 1,
		.attackers = {{ATTACKER_SYN_FLOOD, 500, 20000}},
	},
	{
		.name = "a SYN flood from living hosts, which answer the SYN-ACK with RST",
		.runs = 100,
		GOOD_CABLE,
		.clients = 30,
		.starts_within = SECONDS(9),
		.connections = 400,
		.fills_table = true,
		.rows = {"sink", "half-close", "cookies"},
		.max_rounds = 1,
		.reflected = 900,
		.attackers = {{ATTACKER_SYN_FLOOD, 500, 20000}},
	},
	{
		.name = "an ACK flood opens nothing, with cookies and without",
		.runs = 150,
		GOOD_CABLE,
		.clients = 30,
		.starts_within = SECONDS(5),
		.connections = 512,
		.cookies_always = true,
		.max_rounds = 1,
		.attackers = {{ATTACKER_ACK_FLOOD, 200, 20000}},
	},
	{
		.name = "garbage disturbs nobody, and each frame of it is counted",
		.runs = 200,
		GOOD_CABLE,
		.clients = 40,
		.starts_within = SECONDS(5),
		.connections = 2048,
		.max_rounds = 2,
		.attackers = {{ATTACKER_GARBAGE, 500, 10000}},
	},
	{
		.name = "ARP, ping and neighbour solicitations are all answered, between all else",
		.runs = 560,
		GOOD_CABLE,
		.clients = 40,
		.starts_within = SECONDS(5),
		.connections = 512,
		.closed = STACK_CLOSED_DROP,
		.rows = {"sink", "scaled"},
		.max_rounds = 2,
		.attackers = {{ATTACKER_ASKS, 1000, 3000}},
	},
	{
		.name = "everything at once",
		.runs = 300,
		.clients = 80,
		BAD_CABLE(40),
		.starts_within = SECONDS(20),
		.connections = 200,
		.fills_table = true,
		.failing = 300,
		.loose = true,
		.max_rounds = 3,
		.reflected = 300,
		.attackers = {{ATTACKER_BLIND, 1000, 5000},
			      {ATTACKER_SYN_FLOOD, 2000, 4000},
			      {ATTACKER_ACK_FLOOD, 2000, 4000},
			      {ATTACKER_GARBAGE, 2000, 4000}},
	},
	{
		.name = "text: on a good cable every byte comes, and nothing is sent again for "
			"nothing",
		.runs = 580,
		GOOD_CABLE,
		.clients = 40,
		.starts_within = SECONDS(5),
		.connections = 512,
		.rows = WRITERS,
		.max_rounds = 2,
	},
	{
		.name = "text on a bad cable, with memory for few senders and little to echo",
		.runs = 560,
		BAD_CABLE(20),
		.clients = 40,
		.starts_within = SECONDS(10),
		.connections = 512,
		.senders = 6,
		.echo_memory = 16384,
		.rows = WRITERS,
		.max_rounds = 2,
	},
	{
		.name = "text to clients that abort, vanish and reboot",
		.runs = 560,
		BAD_CABLE(20),
		.clients = 60,
		.starts_within = SECONDS(5),
		.connections = 512,
		.rows = WRITERS,
		.failing = 600,
		.max_rounds = 1,
	},
	{
		.name = "hostile receivers: optimists, dividers, closed windows, one byte at a "
			"time",
		.runs = 400,
		GOOD_CABLE,
		.clients = 20,
		.starts_within = SECONDS(5),
		.connections = 512,
		.rows = WRITERS,
		.max_rounds = 1,
		.hostiles = 30,
	},
	{
		.name = "the same on a bad cable, with memory for few",
		.runs = 400,
		BAD_CABLE(20),
		.clients = 20,
		.starts_within = SECONDS(5),
		.connections = 60,
		.senders = 12,
		.echo_memory = 32768,
		.loose = true,
		.max_rounds = 2,
		.hostiles = 40,
	},
	{
		.name = "an operator reloads: connections go on as they began",
		.runs = 560,
		GOOD_CABLE,
		.clients = 50,
		.starts_within = SECONDS(8),
		.connections = 512,
		.max_rounds = 2,
		.operator= {OPERATOR_RELOADS, 500000, 40},
	},
	{
		.name = "an operator crashes the host, takes it down, takes listeners away",
		.runs = 560,
		GOOD_CABLE,
		.clients = 50,
		.starts_within = SECONDS(20),
		.connections = 512,
		.loose = true,
		.max_rounds = 3,
		.operator= {OPERATOR_CRASHES | OPERATOR_TAKES_DOWN | OPERATOR_REDUCES |
				    OPERATOR_RELOADS,
			    700000, 60},
	},
	{
		.name = "an operator makes all kinds of calls, and everything else too",
		.runs = 200,
		BAD_CABLE(20),
		.clients = 50,
		.starts_within = SECONDS(20),
		.connections = 512,
		.senders = 30,
		.echo_memory = 65536,
		.calls = true,
		.loose = true,
		.max_rounds = 3,
		.hostiles = 10,
		.operator= {OPERATOR_CALLS | OPERATOR_CRASHES | OPERATOR_REDUCES | OPERATOR_RELOADS,
			    40000, 800},
	},
};
const unsigned int sim_scenario_count = sizeof(sim_scenarios) / sizeof(sim_scenarios[0]);

/* A small scenario for one lie, so that it can be seen whether just that is found. */
#define LIE(which)                                                                                 \
	GOOD_CABLE, .clients = 40, .starts_within = SECONDS(5), .connections = 512,                \
		    .max_rounds = 2, .attackers = {{ATTACKER_SYN_FLOOD, 5000, 1000}},              \
		    .hostiles = 5, .lie = (which)

const struct sim_scenario sim_lies[] = {
	{.name = "a client that is told to expect another end", LIE(SIM_LIE_OUTCOME)},
	{.name = "a client that vanishes where nobody asks for it", LIE(SIM_LIE_VANISH)},
};
const unsigned int sim_lie_count = sizeof(sim_lies) / sizeof(sim_lies[0]);
