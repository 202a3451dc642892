/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_data.c - the files that applications write: read once, and kept once however many scripts
 * name them. */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_data.h"
#include "conf_internal.h"
#include "conf_text.h"
#include "say.h"

#define MIB 20

/* One that a configuration holds. */
struct conf_file_data {
	struct conf_file_data *next;
	const char *name; /* as the script has it */
	struct conf_data data;
};

static int
open_file(const char *conf_file, const char *name)
{
	const char *slash = strrchr(conf_file, '/');
	const int length = slash != NULL && name[0] != '/' ? (int)(slash + 1 - conf_file) : 0;
	char *path;
	int fd;

	if (asprintf(&path, "%.*s%s", length, conf_file, name) < 0) {
		errno = ENOMEM;
		return -1;
	}
	/* A pipe must not keep us waiting for who writes to it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	free(path);
	return fd;
}

/* NULL if all went well, else what was wrong. */
static const char *
load(int fd, struct conf_data *data)
{
	struct stat stat;
	ssize_t got;
	void *to;

	if (fd < 0 || fstat(fd, &stat) != 0)
		return strerror(errno);
	if (!S_ISREG(stat.st_mode))
		return "no regular file";
	if (stat.st_size > SCRIPT_WRITE_MAX)
		return "too large";
	*data = (struct conf_data){.bytes = (const uint8_t *)"", .size = 0};
	if (stat.st_size == 0)
		return NULL;
	to = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		  -1, 0);
	if (to == MAP_FAILED)
		return strerror(errno);
	data->bytes = to;
	data->size = (size_t)stat.st_size;
	got = conf_text_read_up_to(fd, to, data->size);
	if (got < 0) {
		const char *const why = strerror(errno);

		conf_data_unload(data);
		return why;
	}
	if ((size_t)got < data->size) {
		conf_data_unload(data);
		return "it changes while it is read";
	}
	return NULL;
}

int
conf_data_load(const char *conf_file, const char *name, struct conf_data *data, char *error,
	       size_t error_size)
{
	int fd = open_file(conf_file, name);
	const char *wrong = load(fd, data);

	if (fd >= 0)
		close(fd);
	if (wrong == NULL)
		return 0;
	snprintf(error, error_size,
		 "\"write @%.200s\": %s; a readable file of at most %u MiB, its path from the "
		 "configuration's directory on, would be right",
		 name, wrong, SCRIPT_WRITE_MAX >> MIB);
	return -1;
}

void
conf_data_unload(struct conf_data *data)
{
	if (data->size > 0)
		munmap((void *)(uintptr_t)data->bytes, data->size);
	data->size = 0;
}

static const struct conf_file_data *
find(const struct conf *conf, const char *name)
{
	const struct conf_file_data *file = conf->data;

	while (file != NULL && strcmp(file->name, name) != 0)
		file = file->next;
	return file;
}

int
conf_data_attach(struct conf *conf, int line, struct script_step *step)
{
	const struct conf_file_data *known = find(conf, step->file);
	struct conf_file_data *file;
	char error[512];

	if (known == NULL) {
		file = conf_alloc(conf, 1, sizeof(*file));
		if (file == NULL)
			return -1;
		if (conf_data_load(conf->file, step->file, &file->data, error, sizeof(error)) < 0) {
			say_at(conf->file, line, "%s", error);
			return -1;
		}
		file->name = step->file;
		file->next = conf->data;
		conf->data = file;
		known = file;
	}
	step->text = known->data.bytes;
	step->arg = (uint32_t)known->data.size;
	return 0;
}

void
conf_data_drop(struct conf *conf)
{
	for (struct conf_file_data *file = conf->data; file != NULL; file = file->next)
		conf_data_unload(&file->data);
	conf->data = NULL;
}
