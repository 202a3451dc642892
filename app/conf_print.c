/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_print.c - what a configuration means: every key with its value, in the file's own syntax. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "stack.h"

static void
print_key(FILE *out, const char *name)
{
	fprintf(out, "    %-17s = ", name);
}

/* Every key of the section that is no list. */
static void
print_values(const struct conf_section *section, const void *values, FILE *out)
{
	char text[64];

	for (size_t i = 0; i < section->count; i++) {
		const struct conf_key *key = &section->keys[i];

		if (key->type == CONF_LIST || key->type == CONF_SECRET)
			continue;
		print_key(out, key->name);
		fprintf(out, "%s\n", conf_key_print(key, values, text, sizeof(text)));
	}
}

static void
print_addrs(const struct conf_addrs *addrs, FILE *out)
{
	char text[INET6_ADDRSTRLEN + 4];

	fprintf(out, "{");
	for (size_t i = 0; i < addrs->count; i++)
		fprintf(out, "%s \"%s\"", i == 0 ? "" : ",",
			conf_addr_print(&addrs->prefixes[i], text, sizeof(text)));
	fprintf(out, " }\n");
}

/* What the table takes, and all that a worker has beside it. */
static uint64_t
worker_mib(const struct conf *conf)
{
	const struct stack_conf stack = {
		.owned = &conf->host.owns.set,
		.listener_room = LISTENERS_MAX,
		.connections = (uint32_t)conf->host.connections,
		.senders = conf_senders(conf),
		.echo_memory = conf->host.echo_memory,
	};

	return (stack_bytes(&stack) >> 20) + 1;
}

static void
print_host(const struct conf *conf, FILE *out)
{
	const struct conf_host *host = &conf->host;
	uint64_t v4_count = 0;

	for (uint32_t i = 0; i < host->owns.set.v4_count; i++)
		v4_count += (uint64_t)host->owns.set.v4[i].last - host->owns.set.v4[i].first + 1;
	fprintf(out, "host {  # line %d\n", host->line);
	fprintf(out, "    # IPv4 addresses owned: %" PRIu64 "; ranges of IPv6: %" PRIu32 "\n",
		v4_count, host->owns.set.v6_count);
	print_key(out, "owns");
	print_addrs(&host->owns, out);
	print_values(&conf_host_section, host, out);
	fprintf(out, "    # cookie_key: %s\n",
		host->cookie_key.given ? "given" : "a new one at each start");
	fprintf(out, "    # memory: %" PRIu64 " MiB for each worker\n", worker_mib(conf));
	fprintf(out, "}\n");
}

const char *
conf_port_print(const struct port_range *range, char *text, size_t size)
{
	if (range->first == range->last)
		snprintf(text, size, "%d", range->first);
	else
		snprintf(text, size, "%d-%d", range->first, range->last);
	return text;
}

static void
print_ports(const struct listener *l, FILE *out)
{
	char text[16];

	print_key(out, "ports");
	fprintf(out, "{");
	for (size_t i = 0; i < l->port_count; i++) {
		const struct port_range *r = &l->ports[i];
		const char *const quote = r->first == r->last ? "" : "\"";

		fprintf(out, "%s%s%s%s", i == 0 ? " " : ", ", quote,
			conf_port_print(r, text, sizeof(text)), quote);
	}
	fprintf(out, " }\n");
}

/* For the inside of double quotes as libconfuse reads them. */
static void
print_escaped(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == '\x7f') {
			fprintf(out, "\\x%02x", *text);
			continue;
		}
		/* ${NAME} is a variable of the environment. */
		if (*text == '"' || *text == '\\' || (text[0] == '$' && text[1] == '{'))
			fputc('\\', out);
		fputc(*text, out);
	}
}

/* A write of text: script_print() has escaped all but its quotes, which are the first character
 * behind "write " and the last. */
static void
print_write(char *text, FILE *out)
{
	const size_t begin = strlen("write \""), end = strlen(text) - 1;

	fputs("write \\\"", out);
	for (size_t i = begin; i < end; i++) {
		if (text[i] == '$' && text[i + 1] == '{')
			fputc('\\', out);
		fputc(text[i], out);
	}
	fputs("\\\"", out);
}

static void
print_call(const struct script_step *step, FILE *out)
{
	const bool written = step->call == SCRIPT_WRITE && step->file == NULL;
	const size_t size = 64 + (written              ? (size_t)4 * step->arg
				  : step->file != NULL ? strlen(step->file)
						       : 0);
	char *text = malloc(size);

	if (text == NULL) {
		fputs("# no memory to print a call", out);
		return;
	}
	script_print(step, text, size);
	fputc('"', out);
	if (written)
		print_write(text, out);
	else
		print_escaped(text, out);
	fputc('"', out);
	free(text);
}

static void
print_script(const struct conf *conf, uint16_t number, FILE *out)
{
	const struct script_step *steps = &conf->steps[conf->listeners[number].step];
	const size_t calls = conf->as_written[number].calls;

	print_key(out, "script");
	fprintf(out, "{");
	for (size_t i = 0; i < calls; i++) {
		fprintf(out, i == 0 ? " " : ", ");
		print_call(&steps[i], out);
	}
	fprintf(out, "%s\n", calls > 0 ? " }" : "}  # never accepts");
}

static void
print_listener(const struct conf *conf, uint16_t number, FILE *out)
{
	const struct listener *l = &conf->listeners[number];
	const struct conf_listener *written = &conf->as_written[number];

	fprintf(out, "\nlistener \"%s\" {  # line %d\n", l->name, written->line);
	print_ports(l, out);
	if (l->on != NULL) {
		print_key(out, "on");
		print_addrs(&written->on, out);
	} else {
		fprintf(out, "    # on: everything owned\n");
	}
	print_script(conf, number, out);
	print_values(&conf_listener_section, written, out);
	fprintf(out, "}\n");
}

void
conf_print(const struct conf *conf, FILE *out)
{
	fprintf(out, "# %s\n", conf->file);
	print_host(conf, out);
	for (uint16_t i = 0; i < conf->listener_count; i++)
		print_listener(conf, i, out);
}
