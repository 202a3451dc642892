/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_internal.h - what the files of conf*.c share. */
#ifndef RIPOSTE_CONF_INTERNAL_H
#define RIPOSTE_CONF_INTERNAL_H

#include <confuse.h>

#include "conf.h"

/* One word of the file. */
struct conf_word {
	int line;
	char text[];
};

/* conf_file.c: libconfuse's side. */

/* The file as libconfuse reads it, all values being struct conf_word; NULL after an error, which
 * has been said. For cfg_free(). */
cfg_t *conf_file_read(const char *file);

/* The line on which a section begins. */
int conf_file_line(cfg_t *section);

/* The line of a key's value; of the section if it was not given. */
int conf_file_key_line(cfg_t *section, const char *key);

/* A list as it stands in the file. */
struct conf_words {
	unsigned int count;
	int line;   /* of its first word; of the section if it has none */
	bool given; /* false: the section does not have this key */
	cfg_opt_t *opt;
};

struct conf_words conf_file_words(cfg_t *section, const char *key);
const struct conf_word *conf_file_word(const struct conf_words *words, unsigned int i);

/* Fills values with every key of the section that is no list, given or not. -1 after an error,
 * which has been said. */
int conf_file_values(const char *file, cfg_t *section, const struct conf_section *keys,
		     void *values);

/* conf.c */

/* Zeroed memory that lives as long as conf; NULL, which has been said, if there is none. */
void *conf_alloc(struct conf *conf, size_t count, size_t size);

/* Reads a list of addresses. -1 after an error, which has been said. */
int conf_addrs_read(struct conf *conf, const struct conf_words *words, struct conf_addrs *addrs);

/* Is prefix within set? */
bool conf_addrs_within(const struct addr_set *set, const struct addr_prefix *prefix);

/* conf_data.c */

/* Gives step, a write of a script, the file that it names. -1 after an error, which has been said.
 */
int conf_data_attach(struct conf *conf, int line, struct script_step *step);

/* Gives up the files of conf. */
void conf_data_drop(struct conf *conf);

/* conf_listener.c: reads the listeners of root into conf. -1 after an error, which has been said.
 */
int conf_listeners_read(struct conf *conf, cfg_t *root);

/* conf_reach.c: can each listener be reached, or do those before it take everything? -1 after an
 * error, which has been said. */
int conf_reach_check(struct conf *conf);

#endif
