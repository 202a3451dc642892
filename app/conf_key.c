/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_key.c - the table of keys, and reading and printing by it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

#define HOST(member)     offsetof(struct conf_host, member)
#define LISTENER(member) offsetof(struct conf_listener, member)
#define COUNT(array)     (sizeof(array) / sizeof((array)[0]))

#define TIME_MAX   UINT64_C(3600000)
#define TABLE_MAX  (UINT64_C(1) << 28)
#define BUFFER_MAX (UINT64_C(1) << 30)
#define SENDER_MAX (UINT64_C(1) << 24)
#define ECHO_MAX   (UINT64_C(1) << 34)
#define MTU_MAX    UINT64_C(64000)

/* Choices are in the order of their enums. */
static const struct conf_key host_keys[] = {
	{"owns", CONF_LIST, 0, .help = "addresses and prefixes that riposte answers for"},
	{"closed", CONF_CHOICE, HOST(closed), "reset", .choices = {"reset", "drop"},
	 .help = "what a segment to a port without a listener draws"},
	{"cookies", CONF_CHOICE, HOST(cookies), "auto", .choices = {"auto", "always", "never"},
	 .help = "SYN cookies: under pressure, for every SYN, not at all"},
	{"connections", CONF_NUMBER, HOST(connections), "1000000", .min = 1, .max = TABLE_MAX,
	 .at_start = true, .help = "size of a worker's table; its memory is taken at start"},
	{"senders", CONF_NUMBER, HOST(senders), "65536", .min = 1, .max = SENDER_MAX,
	 .at_start = true,
	 .help = "connections of a worker that send text at a time; a write beyond them waits"},
	{"echo_memory", CONF_NUMBER, HOST(echo_memory), "16777216", .max = ECHO_MAX,
	 .at_start = true, .help = "bytes per worker for text that echo and calls by hand hold"},
	{"msl", CONF_TIME, HOST(msl_ms), "30s", .min = 1, .max = TIME_MAX,
	 .help = "maximum segment lifetime; TIME-WAIT lasts two of them"},
	{"challenge_acks", CONF_NUMBER, HOST(challenge_acks), "10", .max = 255,
	 .help = "a second for one connection; 0: no limit (RFC 5961 7)"},
	{"ttl", CONF_NUMBER, HOST(ttl), "64", .min = 1, .max = 255,
	 .help = "TTL and hop limit of what is sent"},
	{"min_mss", CONF_NUMBER, HOST(min_mss), "64", .min = 1, .max = 1220,
	 .help = "a peer that announces a smaller MSS is taken to have said this"},
	{"mtu", CONF_NUMBER, HOST(mtu), "0", .max = MTU_MAX, .at_start = true,
	 .help = "of every device; 0: its own"},
	{"promiscuous", CONF_CHOICE, HOST(promiscuous), "no", .choices = {"no", "yes"},
	 .at_start = true, .help = "receive what is for other Ethernet addresses, and count it"},
	{"cookie_key", CONF_SECRET, HOST(cookie_key), .without = "a new one at each start",
	 .help = "key of the SYN cookies, for machines that share an address"},
};

static const struct conf_key listener_keys[] = {
	{"ports", CONF_LIST, 0, .help = "ports and ranges of ports"},
	{"on", CONF_LIST, 0, .without = "everything owned",
	 .help = "addresses and prefixes among those owned"},
	{"script", CONF_LIST, 0, .without = "{}, which never accepts",
	 .help = "socket calls of its application, in order"},
	{"backlog", CONF_NUMBER, LISTENER(backlog), "128", .max = TABLE_MAX,
	 .help = "connections that may wait to be accepted, per worker"},
	{"syn_ack_delay", CONF_TIME, LISTENER(syn_ack_delay_ms), "0", .max = TIME_MAX,
	 .help = "how long a SYN waits for its SYN-ACK"},
	{"handshake_timeout", CONF_TIME, LISTENER(handshake_timeout_ms), "0", .max = TIME_MAX,
	 .help = "reset the handshake that takes longer; 0: do not"},
	{"receive_buffer", CONF_NUMBER, LISTENER(receive_buffer), "65535", .min = 1,
	 .max = BUFFER_MAX, .help = "bytes; over 65535 only for a SYN with window scaling"},
	{"send_buffer", CONF_NUMBER, LISTENER(send_buffer), "262144", .min = 1, .max = BUFFER_MAX,
	 .help = "bytes; a write waits while more is unacknowledged, echo closes its window"},
	{"cookies", CONF_CHOICE, LISTENER(cookies), .choices = {"auto", "always", "never"},
	 .without = "the host's", .help = "SYN cookies, as for the host"},
	{"chance", CONF_SHARE, LISTENER(chance), "1.0", .min = 1, .max = LISTENER_CHANCE_ALWAYS,
	 .help = "share of connections; the rest fall to the next listener that matches"},
	{"first", CONF_NUMBER, LISTENER(first), "0", .max = UINT32_MAX,
	 .help = "only the first N connections, per worker; 0: all"},
};

const struct conf_section conf_host_section = {"host", host_keys, COUNT(host_keys)};
const struct conf_section conf_listener_section = {"listener", listener_keys, COUNT(listener_keys)};

/* Decimal digits and nothing else. */
static int
read_number(const char *text, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0 ? 0 : -1;
}

static int
read_time(const char *text, uint64_t *value)
{
	uint32_t ms;

	if (script_time_parse(text, &ms) < 0)
		return -1;
	*value = ms;
	return 0;
}

/* A decimal fraction, to 2^-32. */
static int
read_share(const char *text, uint64_t *value)
{
	double share;
	char *end;

	if (strspn(text, "0123456789.") != strlen(text))
		return -1;
	share = strtod(text, &end);
	if (end == text || *end != '\0' || share > 1)
		return -1;
	*value = (uint64_t)(share * (double)LISTENER_CHANCE_ALWAYS + 0.5);
	if (*value == 0 && share > 0)
		*value = 1;
	return 0;
}

static int
read_choice(const struct conf_key *key, const char *text, uint64_t *value)
{
	for (*value = 0; key->choices[*value] != NULL; ++*value) {
		if (strcmp(key->choices[*value], text) == 0)
			return 0;
	}
	return -1;
}

int
conf_key_read(const struct conf_key *key, const char *text, void *values)
{
	void *at = (uint8_t *)values + key->offset;
	uint64_t value = 0;
	int error = -1;

	switch (key->type) {
	case CONF_NUMBER:
		error = read_number(text, &value);
		break;
	case CONF_TIME:
		error = read_time(text, &value);
		break;
	case CONF_SHARE:
		error = read_share(text, &value);
		break;
	case CONF_CHOICE:
		return read_choice(key, text, at);
	case CONF_SECRET:
		((struct conf_secret *)at)->given = true;
		return secret_parse(text, ((struct conf_secret *)at)->bytes);
	case CONF_LIST:
		return -1;
	}
	if (error < 0 || value < key->min || value > key->max)
		return -1;
	*(uint64_t *)at = value;
	return 0;
}

/* In the largest unit that divides it. */
static const char *
print_time(uint64_t ms, char *text, size_t size)
{
	if (ms == 0)
		snprintf(text, size, "0");
	else if (ms % 60000 == 0)
		snprintf(text, size, "%" PRIu64 "m", ms / 60000);
	else if (ms % 1000 == 0)
		snprintf(text, size, "%" PRIu64 "s", ms / 1000);
	else
		snprintf(text, size, "%" PRIu64 "ms", ms);
	return text;
}

/* "a, b or c". */
static const char *
print_choices(const struct conf_key *key, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (unsigned int i = 0; key->choices[i] != NULL && length < size; i++) {
		const char *between = i == 0 ? "" : key->choices[i + 1] != NULL ? ", " : " or ";

		length += (size_t)snprintf(text + length, size - length, "%s%s", between,
					   key->choices[i]);
	}
	return text;
}

const char *
conf_key_right(const struct conf_key *key, char *text, size_t size)
{
	char min[24], max[24];

	switch (key->type) {
	case CONF_NUMBER:
		snprintf(text, size, "a whole number from %" PRIu64 " to %" PRIu64, key->min,
			 key->max);
		break;
	case CONF_TIME:
		snprintf(text, size, "a time from %s to %s with a unit (ms, s or m)",
			 print_time(key->min, min, sizeof(min)),
			 print_time(key->max, max, sizeof(max)));
		break;
	case CONF_SHARE:
		snprintf(text, size, "a share above 0 and up to 1, such as 0.25");
		break;
	case CONF_CHOICE:
		print_choices(key, text, size);
		break;
	case CONF_SECRET:
		snprintf(text, size, "%d hexadecimal digits", 2 * SECRET_BYTES);
		break;
	case CONF_LIST:
		snprintf(text, size, "a list");
		break;
	}
	return text;
}

const char *
conf_key_print(const struct conf_key *key, const void *values, char *text, size_t size)
{
	const void *at = (const uint8_t *)values + key->offset;
	const bool number = key->type != CONF_SECRET && key->type != CONF_LIST;
	const uint64_t value = number ? *(const uint64_t *)at : 0;
	char time[24];

	switch (key->type) {
	case CONF_NUMBER:
		snprintf(text, size, "%" PRIu64, value);
		break;
	case CONF_TIME:
		snprintf(text, size, "\"%s\"", print_time(value, time, sizeof(time)));
		break;
	case CONF_SHARE:
		/* All its 32 bits, and no exponent, which the file does not have. */
		snprintf(text, size, "%.12f", (double)value / (double)LISTENER_CHANCE_ALWAYS);
		for (size_t end = strlen(text) - 1; text[end] == '0' && text[end - 1] != '.'; end--)
			text[end] = '\0';
		break;
	case CONF_CHOICE:
		snprintf(text, size, "%s", key->choices[value]);
		break;
	case CONF_SECRET: /* who can read it can make cookies */
		snprintf(text, size, "%s",
			 ((const struct conf_secret *)at)->given ? "(given)" : "(random)");
		break;
	case CONF_LIST:
		text[0] = '\0';
		break;
	}
	return text;
}

const char *
conf_key_names(const struct conf_section *section, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < section->count && length < size; i++) {
		const char *between = i == 0 ? "" : i + 1 < section->count ? ", " : " and ";

		length += (size_t)snprintf(text + length, size - length, "%s%s", between,
					   section->keys[i].name);
	}
	return text;
}

static void
help_section(const struct conf_section *section, FILE *out)
{
	char right[80];

	for (size_t i = 0; i < section->count; i++) {
		const struct conf_key *key = &section->keys[i];

		fprintf(out, "    %-18s%s", key->name, key->help);
		if (key->type != CONF_LIST)
			fprintf(out, ":\n%22s%s", "", conf_key_right(key, right, sizeof(right)));
		if (key->preset != NULL)
			fprintf(out, "; default %s\n", key->preset);
		else if (key->without != NULL)
			fprintf(out, "; without it, %s\n", key->without);
		else
			fprintf(out, "; required\n");
	}
}

void
conf_key_help(FILE *out)
{
	fprintf(out,
		"The configuration has one section host { KEY = VALUE ... } with the keys\n\n");
	help_section(&conf_host_section, out);
	fprintf(out, "\nand any number of sections listener \"NAME\" { KEY = VALUE ... } with\n\n");
	help_section(&conf_listener_section, out);
}
