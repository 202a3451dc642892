/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_conf.c - any text as a configuration. It is read, or refused with one line that names the
 * file; what was read and is printed is a configuration that prints the same. */
#define _GNU_SOURCE /* memfd_create */
#include <sys/mman.h>
#include <unistd.h>

#include "conf.h"
#include "input.h"
#include "say.h"

/* A file of these bytes, by a name that lasts while *fd is open. */
static void
make_file(const char *bytes, size_t size, int *fd, char name[32])
{
	*fd = memfd_create("configuration", MFD_CLOEXEC);
	INPUT_REQUIRE(*fd >= 0 && write(*fd, bytes, size) == (ssize_t)size, "no file");
	snprintf(name, 32, "/proc/self/fd/%d", *fd);
}

/* Cuts comments off, which have the file's name and lines in them. */
static void
drop_comments(char *text)
{
	static const char behind[] = "{  # line ";
	char *to = text;

	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char *comment = NULL;

		if (line[strspn(line, " ")] == '#')
			continue;
		for (char *at = line; (at = strstr(at, behind)) != NULL; at++)
			comment = at + 1;
		if (comment != NULL)
			*comment = '\0';
		memmove(to, line, strlen(line) + 1);
		to += strlen(to);
		*to++ = '\n';
	}
	*to = '\0';
}

/* What --check prints of it, without comments; to be freed. */
static char *
print(const struct conf *conf)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	INPUT_REQUIRE(out != NULL, "no memory");
	conf_print(conf, out);
	INPUT_REQUIRE(fclose(out) == 0, "it does not print");
	drop_comments(text);
	return text;
}

/* Reads it; line gets what was said. */
static struct conf *
take(const char *name, char *line, size_t size)
{
	struct conf *conf;

	say_catch(line, size);
	conf = conf_read(name);
	say_release();
	return conf;
}

static void
check_again(const struct conf *conf)
{
	char name[32], line[1024];
	char *text = print(conf), *again;
	struct conf *second;
	int fd;

	make_file(text, strlen(text), &fd, name);
	second = take(name, line, sizeof(line));
	INPUT_REQUIRE(second != NULL, "%s\n%s", line, text);
	again = print(second);
	INPUT_REQUIRE(strcmp(text, again) == 0, "%s\nis not\n%s", text, again);
	conf_free(second);
	close(fd);
	free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[32], line[1024];
	struct conf *conf;
	int fd;

	make_file((const char *)data, size, &fd, name);
	conf = take(name, line, sizeof(line));
	if (conf == NULL) {
		INPUT_REQUIRE(strncmp(line, name, strlen(name)) == 0, "\"%s\" names no file", line);
	} else {
		INPUT_REQUIRE(line[0] == '\0', "read, and said: %s", line);
		/* Who can read a key can make cookies: it is not printed. */
		if (!conf->host.cookie_key.given)
			check_again(conf);
		conf_free(conf);
	}
	close(fd);
	return 0;
}
