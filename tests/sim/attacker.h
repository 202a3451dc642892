/* SPDX-License-Identifier: BSD-3-Clause */
/* attacker.h - those who guess, flood and send rubbish. */
#ifndef RIPOSTE_SIM_ATTACKER_H
#define RIPOSTE_SIM_ATTACKER_H

#include <stdint.h>

struct sim;

enum attacker_kind {
	ATTACKER_NONE,
	ATTACKER_BLIND,     /* RST, SYN, text and ACKs for a connection whose numbers it guesses */
	ATTACKER_SYN_FLOOD, /* SYNs from addresses that are not its own */
	ATTACKER_ACK_FLOOD, /* ACKs, text and FINs for connections that do not exist */
	ATTACKER_GARBAGE,   /* bytes, and segments with bytes changed */
	ATTACKER_ASKS,      /* no attacker: ARP, ping and neighbour solicitations */
};

struct attacker_plan {
	uint8_t kind; /* enum attacker_kind */
	uint32_t interval_us;
	uint32_t frames;
};

struct attacker {
	struct attacker_plan plan;
	uint32_t number; /* of the attacker: who, in its alarms */
	uint32_t left;
};

/* Begins, with an alarm for the first frame. */
void attacker_init(struct attacker *a, struct sim *s, uint32_t number,
		   const struct attacker_plan *plan);

/* Its alarm rang: one frame. */
void attacker_act(struct attacker *a, struct sim *s);

#endif
