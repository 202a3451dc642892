/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_text.h - a configuration file as text that libconfuse reads without losing anything of it
 * or count of its lines. */
#ifndef RIPOSTE_CONF_TEXT_H
#define RIPOSTE_CONF_TEXT_H

#include <stddef.h>
#include <sys/types.h>

struct conf_text {
	char *text;    /* the caller's to free */
	int open_line; /* of the first '{' that no '}' ends; 0: there is none */
};

/* Reads the file, with its comments blanked. -1 after an error, which has been said: what
 * libconfuse 3.3 would pass over in silence is one. */
int conf_text_read(const char *file, struct conf_text *text);

/* Reads at most size bytes, of a pipe too, until the end. Returns how many; -1 with errno. */
ssize_t conf_text_read_up_to(int fd, void *to, size_t size);

#endif
