/* SPDX-License-Identifier: BSD-3-Clause */
/* conf.h - what a configuration file says. */
#ifndef RIPOSTE_CONF_H
#define RIPOSTE_CONF_H

#include <stdint.h>
#include <stdio.h>

#include "addr_set.h"
#include "conf_key.h"
#include "listener.h"
#include "script.h"

/* Addresses as they are written and as they are looked up. */
struct conf_addrs {
	struct addr_prefix *prefixes;
	size_t count;
	struct addr_set set;
};

/* Numbers are uint64_t for conf_key.c's sake; its ranges say how far they go. */
struct conf_host {
	int line;
	int owns_line;
	int v4_line, v6_line; /* of the first address of that family; 0: none is owned */
	struct conf_addrs owns;
	uint64_t closed;  /* enum stack_closed */
	uint64_t cookies; /* enum listener_cookies */
	uint64_t connections;
	uint64_t senders;
	uint64_t echo_memory;
	uint64_t msl_ms;
	uint64_t challenge_acks;
	uint64_t ttl;
	uint64_t min_mss;
	uint64_t mtu;         /* 0: the device's */
	uint64_t promiscuous; /* 0: no, 1: yes */
	struct conf_secret cookie_key;
	int key_lines[CONF_KEYS_MAX]; /* of conf_host_section's keys; the section's where not given
				       */
};

struct conf_listener {
	int line;
	struct conf_addrs on; /* as the host's owns where there is no such key */
	size_t calls;         /* of the script */
	uint64_t backlog;
	uint64_t syn_ack_delay_ms;
	uint64_t handshake_timeout_ms;
	uint64_t receive_buffer;
	uint64_t send_buffer;
	uint64_t cookies; /* enum listener_cookies */
	uint64_t chance;
	uint64_t first;
};

struct conf {
	const char *file; /* the caller's */
	struct conf_host host;
	struct listener *listeners;       /* as the engine takes them ... */
	struct conf_listener *as_written; /* ... and what is printed of them */
	uint16_t listener_count;
	struct script_step *steps;
	size_t step_count;
	struct conf_file_data *data; /* the files that its scripts write */
	struct conf_block *blocks;   /* all other memory that this configuration holds */
};

/* Reads a configuration file, which conf_free() gives back; NULL after an error, which has been
 * said in one line. */
struct conf *conf_read(const char *file);

void conf_free(struct conf *conf);

/* The senders of a worker: no more than it has connections. */
uint32_t conf_senders(const struct conf *conf);

/* "10.9.1.0/24" or, for one host, "10.9.0.1". */
const char *conf_addr_print(const struct addr_prefix *prefix, char *text, size_t size);

/* "80" or "10000-10099". */
const char *conf_port_print(const struct port_range *range, char *text, size_t size);

/* Prints it in its own syntax, with every default and what a connection table takes. */
void conf_print(const struct conf *conf, FILE *out);

#endif
