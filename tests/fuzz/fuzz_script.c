/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz_script.c - any text as what the configuration hands to lib: a listener's calls, times,
 * addresses. Steps and texts lie in allocations of exactly their size.
 *
 * Input: one byte of flags, one of room; then lines. Each line is a call of one script, and a time,
 * and an address. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>

#include "addr_set.h"
#include "input.h"
#include "script.h"

#define LINES 64

/* Does a write say what its print says, so that libconfuse would expand nothing? */
static bool
is_plain(const struct script_step *step)
{
	if (step->call != SCRIPT_WRITE)
		return true;
	if (step->file != NULL)
		return strlen(step->file) < 40 && !isspace((unsigned char)*step->file);
	for (uint32_t i = 0; i < step->arg; i++) {
		if (!isprint(step->text[i]) || step->text[i] == '"' || step->text[i] == '\\')
			return false;
	}
	return step->arg < 40;
}

/* However little room there is, what is printed fits and has an end. */
static void
print_short(const struct script_step *step)
{
	for (size_t size = 1; size <= 20; size++) {
		char *text = malloc(size);

		INPUT_REQUIRE(text != NULL, "no memory");
		memset(text, 'x', size);
		script_print(step, text, size);
		INPUT_REQUIRE(memchr(text, '\0', size) != NULL, "no end in %zu bytes", size);
		free(text);
	}
}

/* A step that is printed and compiled again, after accept if it needs one, is what it was. */
static void
print_again(const struct script_step *step)
{
	char text[64], error[128];
	const char *calls[2] = {"accept", text};
	struct script_step again[3];
	size_t which;
	int count;

	INPUT_REQUIRE(script_print(step, text, sizeof(text)) == text, "it returns its argument");
	INPUT_REQUIRE(memchr(text, '\0', sizeof(text)) != NULL, "no end");
	print_short(step);
	if (step->call == SCRIPT_EXIT || !is_plain(step))
		return;
	if (step->call == SCRIPT_ACCEPT) {
		INPUT_REQUIRE(strcmp(text, "accept") == 0, "%s", text);
		return;
	}
	count = script_compile(calls, 2, step->listener, again, 3, error, sizeof(error), &which);
	INPUT_REQUIRE(count == 3, "\"%s\": %s", text, error);
	INPUT_REQUIRE(again[1].call == step->call && again[1].arg == step->arg,
		      "\"%s\" is call %u %u, not %u %u", text, again[1].call, again[1].arg,
		      step->call, step->arg);
	if (step->call == SCRIPT_WRITE && step->file != NULL)
		INPUT_REQUIRE(again[1].file != NULL && strcmp(again[1].file, step->file) == 0,
			      "\"%s\"", text);
	else if (step->call == SCRIPT_WRITE)
		INPUT_REQUIRE(memcmp(again[1].text, step->text, step->arg) == 0, "\"%s\"", text);
}

/* A call by itself: compiled alone it is the same, whatever comes before it. */
static void
take_call(const char *call)
{
	struct script_step step;
	char error[100];

	if (script_compile_call(call, &step, error, sizeof(error)) == 0) {
		print_again(&step);
		return;
	}
	INPUT_REQUIRE(memchr(error, '\0', sizeof(error)) != NULL && error[0] != '\0' &&
			      strchr(error, '\n') == NULL,
		      "\"%s\": no line", call);
}

static void
compile(const char *const *calls, size_t count, size_t room, size_t error_size)
{
	struct script_step *steps = malloc(room ? room * sizeof(*steps) : 1);
	char *error = malloc(error_size);
	size_t which = SIZE_MAX;
	int made;

	INPUT_REQUIRE(steps != NULL && error != NULL, "no memory");
	memset(error, 'x', error_size);
	made = script_compile(calls, count, 7, steps, room, error, error_size, &which);
	if (made < 0) {
		INPUT_REQUIRE(made == -1, "%d", made);
		INPUT_REQUIRE(memchr(error, '\0', error_size) != NULL, "the error has no end");
		INPUT_REQUIRE(error_size < 16 || error[0] != '\0', "an error without words");
		INPUT_REQUIRE(strchr(error, '\n') == NULL, "two lines: %s", error);
		INPUT_REQUIRE(which < count || (which == count && room <= count), "call %zu of %zu",
			      which, count);
	} else {
		INPUT_REQUIRE((size_t)made == count + 1 && count + 1 <= room, "%d of %zu calls",
			      made, count);
		INPUT_REQUIRE(steps[made - 1].call == SCRIPT_EXIT ||
				      steps[made - 1].call == SCRIPT_HANG,
			      "the end is %u", steps[made - 1].call);
		for (int i = 0; i < made; i++) {
			INPUT_REQUIRE(steps[i].listener == 7, "listener %u", steps[i].listener);
			print_again(&steps[i]);
		}
	}
	free(error);
	free(steps);
}

/* Digits and a unit, or 0, as another reader sees it; UINT64_MAX if it is no time. */
static uint64_t
read_time(const char *text)
{
	uint64_t value = 0, factor;
	size_t i;

	for (i = 0; isdigit((unsigned char)text[i]); i++) {
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > UINT64_C(1) << 40)
			return UINT64_MAX;
	}
	if (i == 0)
		return UINT64_MAX;
	if (text[i] == '\0')
		return value == 0 ? 0 : UINT64_MAX;
	factor = strcmp(text + i, "ms") == 0  ? 1
		 : strcmp(text + i, "s") == 0 ? 1000
		 : strcmp(text + i, "m") == 0 ? 60000
					      : 0;
	if (factor == 0 || value * factor > INT32_MAX)
		return UINT64_MAX;
	return value * factor;
}

static void
take_time(const char *text)
{
	uint64_t expected = read_time(text);
	uint32_t ms = 12345;

	if (script_time_parse(text, &ms) == 0)
		INPUT_REQUIRE(ms == expected, "\"%s\" is %u ms", text, ms);
	else
		INPUT_REQUIRE(expected == UINT64_MAX, "\"%s\" was refused", text);
}

/* Is bit i of an address set? */
static bool
bit(const uint8_t *addr, unsigned int i)
{
	return addr[i / 8] >> (7 - i % 8) & 1;
}

static bool
in_prefix(const struct addr_prefix *p, uint8_t family, const uint8_t *addr)
{
	if (p->family != family)
		return false;
	for (unsigned int i = 0; i < p->length; i++) {
		if (bit(addr, i) != bit(p->addr, i))
			return false;
	}
	return true;
}

static bool
in_any(const struct addr_prefix *prefixes, size_t count, uint8_t family, const uint8_t *addr)
{
	for (size_t i = 0; i < count; i++) {
		if (in_prefix(&prefixes[i], family, addr))
			return true;
	}
	return false;
}

/* Around each end of the prefix the set must say what a walk over all prefixes says. */
static void
probe(const struct addr_set *set, const struct addr_prefix *prefixes, size_t count,
      const struct addr_prefix *p)
{
	for (int end = 0; end < 4; end++) {
		int step = end == 0 ? -1 : end == 3 ? 1 : 0;
		unsigned int bytes = p->family == 4 ? 4 : 16;
		uint8_t addr[16];
		uint32_t addr4;
		bool is;

		memcpy(addr, p->addr, 16);
		for (unsigned int i = p->length; end >= 2 && i < 8 * bytes; i++)
			addr[i / 8] |= (uint8_t)(0x80u >> i % 8);
		for (unsigned int i = bytes; step != 0 && i-- > 0;) {
			addr[i] = (uint8_t)(addr[i] + step);
			if (addr[i] != (step > 0 ? 0 : 0xff))
				break;
		}
		memcpy(&addr4, addr, 4);
		is = p->family == 4 ? addr_set_has4(set, addr4) : addr_set_has6(set, addr);
		INPUT_REQUIRE(is == in_any(prefixes, count, p->family, addr),
			      "IPv%u address %02x%02x%02x%02x..%02x", p->family, addr[0], addr[1],
			      addr[2], addr[3], addr[15]);
	}
}

static void
take_prefixes(const struct addr_prefix *prefixes, size_t count)
{
	struct addr_range4 *v4 = malloc(count * sizeof(*v4) + 1), one4;
	struct addr_range6 *v6 = malloc(count * sizeof(*v6) + 1), one6;
	struct addr_set set, one;

	INPUT_REQUIRE(v4 != NULL && v6 != NULL, "no memory");
	addr_set_build(&set, prefixes, count, v4, v6);
	INPUT_REQUIRE((size_t)set.v4_count + set.v6_count <= count, "%u and %u ranges",
		      set.v4_count, set.v6_count);
	INPUT_REQUIRE(addr_set_covers(&set, &set), "a set covers itself");
	for (size_t i = 0; i < count; i++) {
		probe(&set, prefixes, count, &prefixes[i]);
		addr_set_build(&one, &prefixes[i], 1, &one4, &one6);
		INPUT_REQUIRE(addr_set_covers(&set, &one), "prefix %zu", i);
	}
	free(v4);
	free(v6);
}

/* Returns whether text is a prefix, as inet_pton() and a look at its bits agree. */
static bool
take_prefix(const char *text, struct addr_prefix *prefix)
{
	const char *error = NULL;
	uint8_t addr[16];
	bool good = addr_prefix_parse(text, prefix, &error) == 0;

	if (good) {
		INPUT_REQUIRE(prefix->family == 4 || prefix->family == 6, "\"%s\"", text);
		INPUT_REQUIRE(prefix->length <= (prefix->family == 4 ? 32 : 128), "\"%s\"", text);
		for (unsigned int i = prefix->length; i < 128; i++)
			INPUT_REQUIRE(!bit(prefix->addr, i), "\"%s\": bit %u", text, i);
	} else {
		INPUT_REQUIRE(error != NULL && *error != '\0', "\"%s\"", text);
	}
	if (inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1)
		INPUT_REQUIRE(good, "an address alone is one host: \"%s\"", text);
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t flags = input_u8(&in), room = input_u8(&in);
	char *lines[LINES];
	struct addr_prefix prefixes[LINES];
	size_t count = 0, prefix_count = 0;

	while (in.left > 0 && count < LINES) {
		const uint8_t *end = memchr(in.at, '\n', in.left);
		size_t length = end ? (size_t)(end - in.at) : in.left;

		lines[count] = malloc(length + 1);
		INPUT_REQUIRE(lines[count] != NULL, "no memory");
		memcpy(lines[count], in.at, length);
		lines[count++][length] = '\0';
		in.at += length + (end != NULL);
		in.left -= length + (end != NULL);
	}
	compile((const char *const *)lines, count, flags & 1 ? room % (LINES + 2) : LINES + 1,
		flags & 2 ? 1 + room : 200);
	for (size_t i = 0; i < count; i++) {
		take_time(lines[i]);
		take_call(lines[i]);
		prefix_count += take_prefix(lines[i], &prefixes[prefix_count]);
	}
	take_prefixes(prefixes, prefix_count);
	while (count > 0)
		free(lines[--count]);
	return 0;
}
