/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_listener.c - the listeners: their ports, addresses and scripts. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "byte_queue.h"
#include "conf_internal.h"
#include "say.h"

#define NAME_MAX_LENGTH 63

/* Digits to a port; the first character after them, or NULL if it is no port. */
static const char *
parse_port(const char *text, uint16_t *port)
{
	unsigned int value = 0;
	const char *at;

	for (at = text; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (unsigned int)(*at - '0');
		if (value > UINT16_MAX)
			return NULL;
	}
	*port = (uint16_t)value;
	return at == text || value == 0 ? NULL : at;
}

static int
parse_range(const char *file, const struct conf_word *word, struct port_range *range)
{
	const char *rest = parse_port(word->text, &range->first);

	range->last = range->first;
	if (rest != NULL && *rest == '-')
		rest = parse_port(rest + 1, &range->last);
	if (rest == NULL || *rest != '\0') {
		say_at(file, word->line,
		       "port \"%s\": must be a port from 1 to 65535 or a range, such as 80 or "
		       "\"10000-10099\"",
		       word->text);
		return -1;
	}
	if (range->last < range->first) {
		say_at(file, word->line, "port \"%s\" runs backwards; \"%d-%d\" would be right",
		       word->text, range->last, range->first);
		return -1;
	}
	return 0;
}

static int
read_ports(struct conf *conf, cfg_t *section, struct listener *listener)
{
	struct conf_words words = conf_file_words(section, "ports");
	struct port_range *ports;

	if (words.count == 0) {
		say_at(conf->file, words.line,
		       "listener \"%s\" has no ports; ports = { 80, \"10000-10099\" } would be "
		       "right",
		       listener->name);
		return -1;
	}
	ports = conf_alloc(conf, words.count, sizeof(*ports));
	if (ports == NULL)
		return -1;
	for (unsigned int i = 0; i < words.count; i++) {
		const struct conf_word *word = conf_file_word(&words, i);

		if (parse_range(conf->file, word, &ports[i]) < 0)
			return -1;
		for (unsigned int j = 0; j < i; j++) {
			if (ports[i].first > ports[j].last || ports[j].first > ports[i].last)
				continue;
			say_at(conf->file, word->line,
			       "port \"%s\" overlaps with \"%s\"; each port once would be right",
			       word->text, conf_file_word(&words, j)->text);
			return -1;
		}
	}
	listener->ports = ports;
	listener->port_count = words.count;
	return 0;
}

static int
read_on(struct conf *conf, cfg_t *section, struct listener *listener, struct conf_addrs *on)
{
	struct conf_words words = conf_file_words(section, "on");

	if (!words.given) {
		*on = conf->host.owns;
		return 0;
	}
	if (words.count == 0) {
		say_at(conf->file, words.line,
		       "listener \"%s\" is on no address; without the key it is on all of them",
		       listener->name);
		return -1;
	}
	if (conf_addrs_read(conf, &words, on) < 0)
		return -1;
	for (unsigned int i = 0; i < words.count; i++) {
		const struct conf_word *word = conf_file_word(&words, i);

		if (conf_addrs_within(&conf->host.owns.set, &on->prefixes[i]))
			continue;
		say_at(conf->file, word->line,
		       "\"%s\" is not owned; an address within owns, on line %d, would be right",
		       word->text, conf->host.owns_line);
		return -1;
	}
	listener->on = &on->set;
	return 0;
}

/* The steps point into the calls, and outlive the words of the file. */
static const char **
copy_calls(struct conf *conf, const struct conf_words *words)
{
	const char **calls = conf_alloc(conf, words->count + 1, sizeof(*calls));

	for (unsigned int i = 0; calls != NULL && i < words->count; i++) {
		const char *text = conf_file_word(words, i)->text;
		char *copy = conf_alloc(conf, strlen(text) + 1, 1);

		if (copy == NULL)
			return NULL;
		calls[i] = strcpy(copy, text);
	}
	return calls;
}

/* With less than this an echo would not get a byte: a chunk for what has come, one for what goes.
 */
#define ECHO_MEMORY_MIN (2 * BYTE_CHUNK)

static int
check_echo(const struct conf *conf, int line)
{
	if (conf->host.echo_memory >= ECHO_MEMORY_MIN)
		return 0;
	say_at(conf->file, line,
	       "echo has no memory for what it sends back: the host's echo_memory is %" PRIu64
	       "; %u or more would be right",
	       conf->host.echo_memory, ECHO_MEMORY_MIN);
	return -1;
}

static int
read_script(struct conf *conf, cfg_t *section, uint16_t number)
{
	struct conf_words words = conf_file_words(section, "script");
	struct script_step *steps = conf->steps + conf->step_count;
	const char **calls = copy_calls(conf, &words);
	char error[256] = "";
	size_t which = 0;
	int count;

	if (calls == NULL)
		return -1;
	count = script_compile(calls, words.count, number, steps,
			       SCRIPT_STEPS_MAX - conf->step_count, error, sizeof(error), &which);
	if (count < 0) {
		const bool call = which < words.count;

		say_at(conf->file,
		       call ? conf_file_word(&words, (unsigned int)which)->line : words.line, "%s",
		       error);
		return -1;
	}
	for (unsigned int i = 0; i < words.count; i++) {
		const int line = conf_file_word(&words, i)->line;

		if (steps[i].call == SCRIPT_ECHO && check_echo(conf, line) < 0)
			return -1;
		if (steps[i].file != NULL && conf_data_attach(conf, line, &steps[i]) < 0)
			return -1;
	}
	conf->listeners[number].step = (uint16_t)conf->step_count;
	conf->as_written[number].calls = words.count;
	conf->step_count += (size_t)count;
	return 0;
}

/* Keys that are right by themselves and contradict each other. */
static int
check_keys(const struct conf *conf, cfg_t *section, const struct conf_listener *l)
{
	const char *const key = l->syn_ack_delay_ms > 0 ? "syn_ack_delay" : "handshake_timeout";

	if (l->cookies == COOKIES_ALWAYS &&
	    (l->syn_ack_delay_ms > 0 || l->handshake_timeout_ms > 0)) {
		say_at(conf->file, conf_file_key_line(section, key),
		       "%s needs to remember the SYN, which cookies = always does not; cookies = "
		       "never would be right",
		       key);
		return -1;
	}
	return 0;
}

static int
check_name(const struct conf *conf, int line, const char *name)
{
	size_t length = strlen(name);

	for (const char *c = name; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == '\x7f')
			length = 0;
	}
	if (length > 0 && length <= NAME_MAX_LENGTH)
		return 0;
	say_at(conf->file, line,
	       "listener \"%s\": a name of 1 to %d printable characters other than \" and \\ would "
	       "be right",
	       name, NAME_MAX_LENGTH);
	return -1;
}

static int
read_listener(struct conf *conf, cfg_t *section, uint16_t number)
{
	struct listener *listener = &conf->listeners[number];
	struct conf_listener *l = &conf->as_written[number];
	char *name = conf_alloc(conf, strlen(cfg_title(section)) + 1, 1);

	if (name == NULL)
		return -1;
	listener->name = strcpy(name, cfg_title(section));
	l->line = conf_file_line(section);
	l->cookies = conf->host.cookies;
	if (check_name(conf, l->line, name) < 0 ||
	    conf_file_values(conf->file, section, &conf_listener_section, l) < 0 ||
	    check_keys(conf, section, l) < 0 || read_ports(conf, section, listener) < 0 ||
	    read_on(conf, section, listener, &l->on) < 0 || read_script(conf, section, number) < 0)
		return -1;
	listener->cookies = (uint8_t)l->cookies;
	listener->backlog = (uint32_t)l->backlog;
	listener->syn_ack_delay_ms = (uint32_t)l->syn_ack_delay_ms;
	listener->handshake_timeout_ms = (uint32_t)l->handshake_timeout_ms;
	listener->receive_buffer = (uint32_t)l->receive_buffer;
	listener->send_buffer = (uint32_t)l->send_buffer;
	listener->chance = l->chance;
	listener->first = (uint32_t)l->first;
	return 0;
}

int
conf_listeners_read(struct conf *conf, cfg_t *root)
{
	cfg_opt_t *sections = cfg_getopt(root, "listener");
	const unsigned int count = cfg_opt_size(sections);

	if (count > LISTENERS_MAX) {
		say_at(conf->file, conf_file_line(cfg_opt_getnsec(sections, LISTENERS_MAX)),
		       "there are too many listeners; up to %d would be right", LISTENERS_MAX);
		return -1;
	}
	conf->listeners = conf_alloc(conf, count, sizeof(*conf->listeners));
	conf->as_written = conf_alloc(conf, count, sizeof(*conf->as_written));
	conf->steps = conf_alloc(conf, SCRIPT_STEPS_MAX, sizeof(*conf->steps));
	if (conf->listeners == NULL || conf->as_written == NULL || conf->steps == NULL)
		return -1;
	for (unsigned int i = 0; i < count; i++) {
		if (read_listener(conf, cfg_opt_getnsec(sections, i), (uint16_t)i) < 0)
			return -1;
		conf->listener_count = (uint16_t)(i + 1);
	}
	return 0;
}
