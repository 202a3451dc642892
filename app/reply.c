/* SPDX-License-Identifier: BSD-3-Clause */
/* reply.c - what a telemetry command answers. DPDK 22.11 cuts and drops in silence whatever is too
 * long for it, so that nothing of that is ever given to it. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "reply.h"

#define TEXT_MAX  ((size_t)RTE_TEL_MAX_STRING_LEN - 1)
#define PAGE_SIZE (16 * 1024 - 128) /* 16 KiB with the command's name around it */
#define ERROR_MAX 1024
#define DOTS      "..."

/* What JSON would not carry as it is. */
static void
make_printable(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

/* text as a value, and how long it is in JSON. */
static size_t
fit(const char *text, char value[RTE_TEL_MAX_STRING_LEN])
{
	size_t size;

	if (snprintf(value, TEXT_MAX + 1, "%s", text) > (int)TEXT_MAX)
		strcpy(value + TEXT_MAX - strlen(DOTS), DOTS);
	make_printable(value);
	size = strlen(value);
	for (const char *c = value; *c != '\0'; c++)
		size += *c == '"' || *c == '\\';
	return size;
}

void
reply_text(struct rte_tel_data *dict, const char *name, const char *text)
{
	char value[RTE_TEL_MAX_STRING_LEN];

	fit(text, value);
	rte_tel_data_add_dict_string(dict, name, value);
}

void
reply_number(struct rte_tel_data *dict, const char *name, uint64_t value)
{
	rte_tel_data_add_dict_u64(dict, name, value);
}

void
reply_error(struct rte_tel_data *reply, const char *format, ...)
{
	char line[ERROR_MAX], name[24] = "error";
	const char *at = line;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	make_printable(line);
	rte_tel_data_start_dict(reply);
	for (unsigned int part = 1; part == 1 || *at != '\0'; part++) {
		const size_t length = strnlen(at, TEXT_MAX);
		char value[RTE_TEL_MAX_STRING_LEN] = "";

		if (part > 1)
			snprintf(name, sizeof(name), "error_%u", part);
		memcpy(value, at, length);
		rte_tel_data_add_dict_string(reply, name, value);
		at += length;
	}
}

void
reply_row_begin(struct reply_row *row)
{
	row->count = 0;
	row->size = strlen("{},");
}

static struct reply_entry *
next_entry(struct reply_row *row, const char *name)
{
	struct reply_entry *entry = &row->entries[row->count++];

	assert(row->count <= REPLY_ENTRIES_MAX);
	entry->name = name;
	return entry;
}

void
reply_row_text(struct reply_row *row, const char *name, const char *text)
{
	struct reply_entry *entry = next_entry(row, name);

	entry->is_text = true;
	row->size += strlen(name) + fit(text, entry->text) + strlen("\"\":\"\",");
}

void
reply_row_number(struct reply_row *row, const char *name, uint64_t value)
{
	struct reply_entry *entry = next_entry(row, name);

	entry->is_text = false;
	entry->number = value;
	row->size += strlen(name) + (size_t)snprintf(NULL, 0, "%" PRIu64, value) + strlen("\"\":,");
}

void
reply_page_begin(struct reply_page *page, struct rte_tel_data *reply)
{
	page->reply = reply;
	page->count = 0;
	page->size = strlen("[]");
	page->full = false;
	rte_tel_data_start_array(reply, RTE_TEL_CONTAINER);
}

static bool
add(struct reply_page *page, const struct reply_row *row)
{
	struct rte_tel_data *dict;

	if (page->count == REPLY_ROWS_MAX || page->size + row->size > PAGE_SIZE)
		return false;
	dict = rte_tel_data_alloc();
	if (dict == NULL)
		return false;
	/* DPDK 22.11 prints a dict in an array, but lets only an array into one: so this is one
	 * until it is there. It is DPDK's to free then. */
	rte_tel_data_start_array(dict, RTE_TEL_STRING_VAL);
	if (rte_tel_data_add_array_container(page->reply, dict, 0) != 0) {
		rte_tel_data_free(dict);
		return false;
	}
	rte_tel_data_start_dict(dict);
	for (unsigned int i = 0; i < row->count; i++) {
		const struct reply_entry *entry = &row->entries[i];

		if (entry->is_text)
			rte_tel_data_add_dict_string(dict, entry->name, entry->text);
		else
			rte_tel_data_add_dict_u64(dict, entry->name, entry->number);
	}
	page->rows[page->count++] = dict;
	page->size += row->size;
	return true;
}

bool
reply_page_add(struct reply_page *page, const struct reply_row *row)
{
	page->full = !add(page, row);
	return !page->full;
}

void
reply_page_end(struct reply_page *page)
{
	if (page->full && page->count == 0)
		reply_error(page->reply, "no memory for the reply");
}

void
reply_page_drop(struct reply_page *page)
{
	for (unsigned int i = 0; i < page->count; i++)
		rte_tel_data_free(page->rows[i]);
	page->count = 0;
}
