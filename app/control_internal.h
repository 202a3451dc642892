/* SPDX-License-Identifier: BSD-3-Clause */
/* control_internal.h - what the files of control*.c share. */
#ifndef RIPOSTE_CONTROL_INTERNAL_H
#define RIPOSTE_CONTROL_INTERNAL_H

#include <arpa/inet.h>

#include "control.h"
#include "reply.h"

/* A command. params is what follows its name and a comma, "" if there is nothing; reply is empty.
 * Commands run one at a time. */
typedef void control_command(struct control *c, const char *params, struct rte_tel_data *reply);

control_command control_counters, control_workers;
control_command control_listeners, control_connections;
control_command control_crash, control_down, control_up;
control_command control_reload;
control_command control_call;

/* Gives an order to one worker, or orders[i] to each worker i: mailbox_ask(). */
const char *control_ask(struct control *c, unsigned int worker, struct order *order);
const char *control_ask_all(struct control *c, struct order *const orders[]);

/* Reads the offset of a page, 0 if there is none. False: it is no number, which the reply says. */
bool control_read_offset(const char *params, uint64_t *offset, struct rte_tel_data *reply);

/* Is there no parameter? False: there is, which the reply says. */
bool control_no_params(const char *params, struct rte_tel_data *reply);

/* control_end.c: one end of a connection. */
struct control_end {
	uint8_t family; /* 4, 6; 0: any address */
	uint8_t addr[16];
	uint16_t port; /* in network byte order */
};

#define CONTROL_END_SIZE (INET6_ADDRSTRLEN + 8)

/* Writes riposte's end of a flow or its client's, "10.9.0.2:4711" or "[fd09::2]:4711". */
const char *control_end_print(const struct flow *flow, bool ours, char text[CONTROL_END_SIZE]);

/* Reads an address, a port, or a port that may have an address in front of it (in brackets if it is
 * IPv6) into end. -1: it is none. */
int control_addr_parse(const char *text, struct control_end *end);
int control_port_parse(const char *text, struct control_end *end);
int control_end_parse(char *text, struct control_end *end);

/* Is that end of the flow this one? */
bool control_end_is(const struct control_end *end, const struct flow *flow, bool ours);

#endif
