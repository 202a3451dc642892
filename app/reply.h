/* SPDX-License-Identifier: BSD-3-Clause */
/* reply.h - what a telemetry command answers, within what DPDK's telemetry can carry: 127
 * characters a value, 16 KiB a reply. */
#ifndef RIPOSTE_REPLY_H
#define RIPOSTE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_telemetry.h>

#define REPLY_ROWS_MAX    256 /* of a page: so many of the shortest fill it */
#define REPLY_ENTRIES_MAX 12  /* of a row */

/* A dict that is to go into an array. */
struct reply_row {
	struct reply_entry {
		const char *name;
		bool is_text;
		uint64_t number;
		char text[RTE_TEL_MAX_STRING_LEN];
	} entries[REPLY_ENTRIES_MAX];
	unsigned int count;
	size_t size; /* as JSON */
};

/* An array of dicts, as many as fit. */
struct reply_page {
	struct rte_tel_data *reply;
	struct rte_tel_data *rows[REPLY_ROWS_MAX];
	unsigned int count;
	size_t size;
	bool full; /* a row did not fit */
};

/* {"error": line}. What is beyond 127 characters goes on in "error_2", "error_3" and so on. */
void reply_error(struct rte_tel_data *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One more entry of a dict. A text is cut with "..." at the end if it is too long; what is not
 * printable ASCII becomes '?', for DPDK 22.11 cannot carry it. */
void reply_text(struct rte_tel_data *dict, const char *name, const char *text);
void reply_number(struct rte_tel_data *dict, const char *name, uint64_t value);

/* A row without entries, and entries of it as above. */
void reply_row_begin(struct reply_row *row);
void reply_row_text(struct reply_row *row, const char *name, const char *text);
void reply_row_number(struct reply_row *row, const char *name, uint64_t value);

/* Makes reply an empty page. */
void reply_page_begin(struct reply_page *page, struct rte_tel_data *reply);

/* Puts a row on the page; false: it does not fit. */
bool reply_page_add(struct reply_page *page, const struct reply_row *row);

/* Says so if not even one row had memory: an empty page would be the end of them all. */
void reply_page_end(struct reply_page *page);

/* Takes every row off the page: the reply has to begin anew. */
void reply_page_drop(struct reply_page *page);

#endif
