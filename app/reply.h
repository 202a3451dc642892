/* SPDX-License-Identifier: BSD-3-Clause */
/* reply.h - what a telemetry command answers, within what DPDK's telemetry can carry: 127 characters
 * a value, 16 KiB a reply. */
#ifndef RIPOSTE_REPLY_H
#define RIPOSTE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_telemetry.h>

/* Rows of a page at most: so many of the shortest fill it. */
#define REPLY_ROWS_MAX 256

/* A dict in an array. */
struct reply_row {
	struct rte_tel_data *data; /* NULL: there is no memory */
	size_t size;               /* as JSON */
};

/* An array of dicts, as many as fit. */
struct reply_page {
	struct rte_tel_data *rows[REPLY_ROWS_MAX];
	unsigned int count;
	size_t size;
};

/* {"error": line}. What is beyond 127 characters goes on in "error_2", "error_3" and so on. */
void reply_error(struct rte_tel_data *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One more entry of a dict. A text is cut with "..." at the end if it is too long; what is not
 * printable ASCII becomes '?', for DPDK 22.11 cannot carry it. */
void reply_text(struct rte_tel_data *dict, const char *name, const char *text);
void reply_number(struct rte_tel_data *dict, const char *name, uint64_t value);

/* A row, and entries of it as above. */
void reply_row_begin(struct reply_row *row);
void reply_row_text(struct reply_row *row, const char *name, const char *text);
void reply_row_number(struct reply_row *row, const char *name, uint64_t value);

/* Puts the row on the page, or gives it up: false, for it does not fit. */
bool reply_page_add(struct reply_page *page, struct reply_row *row);

/* Makes the page the reply, or gives it up. */
void reply_page_send(struct reply_page *page, struct rte_tel_data *reply);
void reply_page_drop(struct reply_page *page);

#endif
