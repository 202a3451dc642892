/* SPDX-License-Identifier: BSD-3-Clause */
/* conf.c - the configuration as a whole, and its host. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "say.h"

/* All of a configuration's memory is in one list, so that it can be given up at any point. */
struct conf_block {
	struct conf_block *next;
	_Alignas(16) uint8_t memory[];
};

void *
conf_alloc(struct conf *conf, size_t count, size_t size)
{
	struct conf_block *block;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*block), &bytes) ||
	    (block = calloc(1, bytes)) == NULL) {
		say_at(conf->file, 0, "no memory for what it says");
		return NULL;
	}
	block->next = conf->blocks;
	conf->blocks = block;
	return block->memory;
}

void
conf_free(struct conf *conf)
{
	struct conf_block *block, *next;

	if (conf == NULL)
		return;
	conf_data_drop(conf);
	for (block = conf->blocks; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(conf);
}

const char *
conf_addr_print(const struct addr_prefix *prefix, char *text, size_t size)
{
	char addr[INET6_ADDRSTRLEN];
	const bool v4 = prefix->family == 4;

	inet_ntop(v4 ? AF_INET : AF_INET6, prefix->addr, addr, sizeof(addr));
	if (prefix->length == (v4 ? 32 : 128))
		snprintf(text, size, "%s", addr);
	else
		snprintf(text, size, "%s/%d", addr, prefix->length);
	return text;
}

bool
conf_addrs_within(const struct addr_set *set, const struct addr_prefix *prefix)
{
	struct addr_range4 v4;
	struct addr_range6 v6;
	struct addr_set one;

	addr_set_build(&one, prefix, 1, &v4, &v6);
	return addr_set_covers(set, &one);
}

static int
read_prefix(const struct conf *conf, const struct conf_word *word, struct addr_prefix *prefix)
{
	char right[INET6_ADDRSTRLEN + 4] = "";
	const char *error;

	if (addr_prefix_parse(word->text, prefix, &error) == 0)
		return 0;
	/* With only the bits beyond its length wrong it is known what was meant. */
	if (prefix->family != 0 && prefix->length != 0)
		conf_addr_print(prefix, right, sizeof(right));
	say_at(conf->file, word->line, "\"%s\" %s%s%s%s", word->text, error,
	       right[0] != '\0' ? "; " : "", right, right[0] != '\0' ? " would be right" : "");
	return -1;
}

int
conf_addrs_read(struct conf *conf, const struct conf_words *words, struct conf_addrs *addrs)
{
	struct addr_range4 *v4 = conf_alloc(conf, words->count, sizeof(*v4));
	struct addr_range6 *v6 = conf_alloc(conf, words->count, sizeof(*v6));

	addrs->count = words->count;
	addrs->prefixes = conf_alloc(conf, words->count, sizeof(*addrs->prefixes));
	if (v4 == NULL || v6 == NULL || addrs->prefixes == NULL)
		return -1;
	for (unsigned int i = 0; i < words->count; i++) {
		if (read_prefix(conf, conf_file_word(words, i), &addrs->prefixes[i]) < 0)
			return -1;
	}
	addr_set_build(&addrs->set, addrs->prefixes, addrs->count, v4, v6);
	return 0;
}

/* Can a host have this address, or some of these? RFC 1122 3.2.1.3, RFC 4291 2. */
static bool
is_for_hosts(const struct addr_prefix *prefix)
{
	static const char *const others[] = {
		"0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "::ffff:0:0/96", "ff00::/8",
	};
	enum { COUNT = sizeof(others) / sizeof(others[0]) };
	struct addr_prefix prefixes[COUNT];
	struct addr_range4 v4[COUNT];
	struct addr_range6 v6[COUNT];
	struct addr_set set;
	const char *error;

	for (unsigned int i = 0; i < COUNT; i++)
		addr_prefix_parse(others[i], &prefixes[i], &error);
	addr_set_build(&set, prefixes, COUNT, v4, v6);
	return !conf_addrs_within(&set, prefix);
}

static int
read_owns(struct conf *conf, cfg_t *section)
{
	struct conf_words words = conf_file_words(section, "owns");
	struct conf_addrs *owns = &conf->host.owns;

	conf->host.owns_line = words.line;
	if (words.count == 0) {
		say_at(conf->file, words.line,
		       "the host owns no address; owns = { \"10.9.0.1\" } would be right");
		return -1;
	}
	if (conf_addrs_read(conf, &words, owns) < 0)
		return -1;
	for (unsigned int i = 0; i < words.count; i++) {
		const struct conf_word *word = conf_file_word(&words, i);
		int *line =
			owns->prefixes[i].family == 4 ? &conf->host.v4_line : &conf->host.v6_line;

		if (*line == 0)
			*line = word->line;
		if (owns->prefixes[i].length == 0) {
			say_at(conf->file, word->line,
			       "\"%s\" leaves no address for a client; a longer prefix would be "
			       "right",
			       word->text);
			return -1;
		}
		if (!is_for_hosts(&owns->prefixes[i])) {
			say_at(conf->file, word->line,
			       "\"%s\" cannot be a host's; a unicast address would be right",
			       word->text);
			return -1;
		}
	}
	return 0;
}

uint32_t
conf_senders(const struct conf *conf)
{
	const struct conf_host *host = &conf->host;

	return (uint32_t)(host->senders < host->connections ? host->senders : host->connections);
}

static int
read_host(struct conf *conf, cfg_t *root)
{
	cfg_opt_t *hosts = cfg_getopt(root, "host");
	cfg_t *section;

	if (cfg_opt_size(hosts) == 0) {
		say_at(conf->file, 1,
		       "there is no host; host { owns = { \"10.9.0.1\" } } would be right");
		return -1;
	}
	section = cfg_opt_getnsec(hosts, 0);
	conf->host.line = conf_file_line(section);
	if (cfg_opt_size(hosts) > 1) {
		say_at(conf->file, conf_file_line(cfg_opt_getnsec(hosts, 1)),
		       "there is a host already, on line %d; one would be right", conf->host.line);
		return -1;
	}
	if (conf_file_values(conf->file, section, &conf_host_section, &conf->host) < 0)
		return -1;
	for (size_t i = 0; i < conf_host_section.count; i++)
		conf->host.key_lines[i] =
			conf_file_key_line(section, conf_host_section.keys[i].name);
	return read_owns(conf, section);
}

struct conf *
conf_read(const char *file)
{
	cfg_t *root = conf_file_read(file);
	struct conf *conf;
	int error = -1;

	if (root == NULL)
		return NULL;
	conf = calloc(1, sizeof(*conf));
	if (conf == NULL) {
		say_at(file, 0, "no memory for what it says");
		goto out;
	}
	conf->file = file;
	if (read_host(conf, root) == 0 && conf_listeners_read(conf, root) == 0)
		error = conf_reach_check(conf);
	if (error < 0) {
		conf_free(conf);
		conf = NULL;
	}
out:
	cfg_free(root);
	return conf;
}
