/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_key.h - the keys of the configuration: one row each, which is how a key is read, checked,
 * printed and explained. */
#ifndef RIPOSTE_CONF_KEY_H
#define RIPOSTE_CONF_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "secret.h"

#define CONF_KEYS_MAX 32 /* of one section */

enum conf_type {
	CONF_NUMBER, /* uint64_t */
	CONF_TIME,   /* uint64_t, milliseconds */
	CONF_SHARE,  /* uint64_t: LISTENER_CHANCE_ALWAYS for 1 */
	CONF_CHOICE, /* uint64_t: index of choices */
	CONF_SECRET, /* struct conf_secret */
	CONF_LIST, /* its words are read where they are understood: conf_host.c, conf_listener.c */
};

struct conf_secret {
	bool given;
	uint8_t bytes[SECRET_BYTES];
};

struct conf_key {
	const char *name;
	enum conf_type type;
	size_t offset;       /* of what it fills, in struct conf_host or struct conf_listener */
	const char *preset;  /* the value where the file has none, as it would stand there */
	const char *without; /* where there is no preset: what then, in words; NULL: required */
	uint64_t min, max;   /* both included */
	bool at_start;       /* memory or devices were set up by it: a reload cannot change it */
	const char *choices[4];
	const char *help;
};

struct conf_section {
	const char *name;
	const struct conf_key *keys;
	size_t count;
};

extern const struct conf_section conf_host_section;
extern const struct conf_section conf_listener_section;

/* Reads text, of any type but CONF_LIST, into what key fills in values; -1 if it is no such value.
 */
int conf_key_read(const struct conf_key *key, const char *text, void *values);

/* Writes to text what would be right for key, in words that continue "must be ", and returns it. */
const char *conf_key_right(const struct conf_key *key, char *text, size_t size);

/* Writes the value in values as it would stand in a file, and returns text. */
const char *conf_key_print(const struct conf_key *key, const void *values, char *text, size_t size);

/* Writes the names of a section's keys, "owns, closed and cookies", and returns text. */
const char *conf_key_names(const struct conf_section *section, char *text, size_t size);

/* Prints every key with its default, its range and what it means. */
void conf_key_help(FILE *out);

#endif
