/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_data.h - the files that applications write. */
#ifndef RIPOSTE_CONF_DATA_H
#define RIPOSTE_CONF_DATA_H

#include <stddef.h>
#include <stdint.h>

/* What was in a file, in memory of its own: nothing that happens to the file later matters. */
struct conf_data {
	const uint8_t *bytes;
	size_t size;
};

/* Reads the file of write @NAME, a path from the directory of the configuration file on. -1 after
 * an error: error (of error_size bytes) says in one line what would be right. */
int conf_data_load(const char *conf_file, const char *name, struct conf_data *data, char *error,
		   size_t error_size);

void conf_data_unload(struct conf_data *data);

#endif
