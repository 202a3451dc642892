/* SPDX-License-Identifier: BSD-3-Clause */
/* conf_file.c - what libconfuse makes of a file: sections of keys whose values are words that know
 * their line. Their meaning is the callers'. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "conf_internal.h"
#include "conf_text.h"
#include "say.h"

/* libconfuse gives no callback when a section begins, but it sets defaults then, each through the
 * callback for its values. So this key, which no file has, holds the line of the section. */
#define LINE_KEY "\n"

/* In every section's own copy of a key, libconfuse leaves the default number of one that is no
 * number alone: here it is the line on which the key was first given. */
#define GIVEN_LINE(opt) ((opt)->def.number)

/* In a section's flags, ours alone: an error has been said. */
#define SAID (1 << 30)

/* Keeps a word with its line. */
static int
on_word(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	struct conf_word *word;

	/* In a list only its first word can tell; "+=" goes on with a list. */
	if (GIVEN_LINE(opt) != 0 && opt->nvalues <= 1) {
		cfg_error(cfg, "%s is given twice, first on line %ld; once would be right",
			  strcmp(opt->name, LINE_KEY) == 0 ? "this" : opt->name, GIVEN_LINE(opt));
		return -1;
	}
	word = malloc(sizeof(*word) + strlen(text) + 1);
	if (word == NULL) {
		cfg_error(cfg, "no memory for \"%s\"", text);
		return -1;
	}
	word->line = cfg->line;
	strcpy(word->text, text);
	if (GIVEN_LINE(opt) == 0)
		GIVEN_LINE(opt) = cfg->line;
	*(void **)result = word;
	return 0;
}

/* What would be right where libconfuse finds the syntax wrong, by what it says then. */
static const char *
syntax_hint(const char *format)
{
	static const struct {
		const char *said, *right;
	} hints[] = {
		{"unexpected token '%s'",
		 "KEY = VALUE or KEY = { VALUE, VALUE } would be right, a list being for keys that "
		 "take one"},
		{"unexpected closing brace", "it has no opening one"},
		{"premature end of file", "a value or a closing brace would be right"},
		{"missing equal sign after option '%s'", "KEY = VALUE would be right"},
		{"no sub-section title/index for '%s'", "KEY = VALUE would be right"},
		{"attempt to append to non-list option '%s'", "KEY = VALUE would be right"},
		{"missing opening brace for section '%s'",
		 "host { ... } or listener \"NAME\" { ... } would be right"},
		{"missing title for section '%s'", "listener \"NAME\" { ... } would be right"},
		{"found duplicate title '%s'", "every listener needs a name of its own"},
		{"bad escape sequence '%s'", "\\n, \\r, \\t, \\\", \\\\ or \\xHH would be right"},
		{"invalid octal number '%s'", "\\000 to \\377 or \\xHH would be right"},
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (strcmp(format, hints[i].said) == 0)
			return hints[i].right;
	}
	return NULL;
}

static void
say_unknown_key(cfg_t *cfg, const char *key)
{
	const struct conf_section *section;
	char names[256];

	if (strcmp(cfg->name, conf_host_section.name) == 0)
		section = &conf_host_section;
	else if (strcmp(cfg->name, conf_listener_section.name) == 0)
		section = &conf_listener_section;
	else {
		say_at(cfg->filename, cfg->line,
		       "there is no section \"%s\"; host { ... } or listener \"NAME\" { ... } "
		       "would "
		       "be right",
		       key);
		return;
	}
	say_at(cfg->filename, cfg->line, "%s has no key \"%s\"; its keys are %s", section->name,
	       key, conf_key_names(section, names, sizeof(names)));
}

static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
	const char *right = syntax_hint(format);
	char text[512];

	cfg->flags |= SAID;
	if (strcmp(format, "no such option '%s'") == 0) {
		say_unknown_key(cfg, va_arg(args, const char *));
		return;
	}
	vsnprintf(text, sizeof(text), format, args);
	say_at(cfg->filename, cfg->line, "%s%s%s", text, right != NULL ? "; " : "",
	       right != NULL ? right : "");
}

/* The keys of a section for libconfuse, and the one that holds its line. options has room for two
 * more than there are keys. */
static void
make_options(const struct conf_section *section, cfg_opt_t *options)
{
	static char any[] = "0";
	size_t i;

	for (i = 0; i < section->count; i++) {
		const char *name = section->keys[i].name;

		if (section->keys[i].type == CONF_LIST)
			options[i] =
				(cfg_opt_t)CFG_PTR_LIST_CB(name, NULL, CFGF_NONE, on_word, free);
		else
			options[i] = (cfg_opt_t)CFG_PTR_CB(name, NULL, CFGF_NONE, on_word, free);
	}
	options[i++] = (cfg_opt_t)CFG_PTR_CB(LINE_KEY, any, CFGF_NONE, on_word, free);
	options[i] = (cfg_opt_t)CFG_END();
}

static cfg_t *
make_parser(const char *file)
{
	cfg_opt_t host[CONF_KEYS_MAX + 2], listener[CONF_KEYS_MAX + 2];
	cfg_opt_t root[] = {
		CFG_SEC("host", host, CFGF_MULTI),
		CFG_SEC("listener", listener, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};
	cfg_t *cfg;

	assert(conf_host_section.count <= CONF_KEYS_MAX &&
	       conf_listener_section.count <= CONF_KEYS_MAX);
	make_options(&conf_host_section, host);
	make_options(&conf_listener_section, listener);
	cfg = cfg_init(root, CFGF_NONE);
	if (cfg == NULL)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	cfg->filename = strdup(file);
	return cfg;
}

/* libconfuse has refused the file: if it did not say why, as for a key of no letters, then where.
 */
static void
say_refused(cfg_t *root)
{
	static const char *const names[] = {"host", "listener"};
	int line = root->line;
	bool said = root->flags & SAID;

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cfg_opt_t *sections = cfg_getopt(root, names[i]);
		const unsigned int count = cfg_opt_size(sections);
		const cfg_t *last = count > 0 ? cfg_opt_getnsec(sections, count - 1) : NULL;

		if (last == NULL)
			continue;
		said = said || (last->flags & SAID);
		if (last->line > line)
			line = last->line;
	}
	if (!said)
		say_at(root->filename, line,
		       "not understood; KEY = VALUE or KEY = { VALUE, VALUE } would be right");
}

cfg_t *
conf_file_read(const char *file)
{
	struct conf_text text;
	FILE *stream = NULL;
	cfg_t *cfg = NULL;
	int error = -1;

	if (conf_text_read(file, &text) < 0)
		return NULL;
	cfg = make_parser(file);
	stream = fmemopen(text.text, strlen(text.text), "r");
	if (cfg == NULL || cfg->filename == NULL || stream == NULL)
		say_at(file, 0, "no memory to read it");
	else if (cfg_parse_fp(cfg, stream) == CFG_SUCCESS) {
		error = text.open_line == 0 ? 0 : -1;
		if (error < 0)
			say_at(file, text.open_line,
			       "this section has no end; a closing } would be right");
	} else {
		say_refused(cfg);
	}
	if (stream != NULL)
		fclose(stream);
	free(text.text);
	if (error < 0 && cfg != NULL) {
		cfg_free(cfg);
		cfg = NULL;
	}
	return cfg;
}

int
conf_file_line(cfg_t *section)
{
	const struct conf_word *word = cfg_getptr(section, LINE_KEY);

	return word->line;
}

int
conf_file_key_line(cfg_t *section, const char *key)
{
	const struct conf_word *word = cfg_getptr(section, key);

	return word != NULL ? word->line : conf_file_line(section);
}

struct conf_words
conf_file_words(cfg_t *section, const char *key)
{
	struct conf_words words = {.opt = cfg_getopt(section, key)};

	words.count = cfg_opt_size(words.opt);
	words.given = words.opt->flags & CFGF_MODIFIED;
	words.line = words.count > 0 ? conf_file_word(&words, 0)->line : conf_file_line(section);
	return words;
}

const struct conf_word *
conf_file_word(const struct conf_words *words, unsigned int i)
{
	return cfg_opt_getnptr(words->opt, i);
}

/* A list that was emptied after it had been given: on_word() does not see that. */
static int
check_list(const char *file, cfg_t *section, const char *key)
{
	cfg_opt_t *opt = cfg_getopt(section, key);

	if (cfg_opt_size(opt) > 0 || GIVEN_LINE(opt) == 0)
		return 0;
	say_at(file, (int)GIVEN_LINE(opt), "%s is given again further down; once would be right",
	       key);
	return -1;
}

int
conf_file_values(const char *file, cfg_t *section, const struct conf_section *keys, void *values)
{
	char right[128];

	for (size_t i = 0; i < keys->count; i++) {
		const struct conf_key *key = &keys->keys[i];
		const struct conf_word *word;

		if (key->type == CONF_LIST) {
			if (check_list(file, section, key->name) < 0)
				return -1;
			continue;
		}
		word = cfg_getptr(section, key->name);
		if (word == NULL && key->preset != NULL) {
			const int preset = conf_key_read(key, key->preset, values);

			assert(preset == 0);
			(void)preset;
		} else if (word != NULL && conf_key_read(key, word->text, values) < 0) {
			say_at(file, word->line, "%s = \"%s\": must be %s", key->name, word->text,
			       conf_key_right(key, right, sizeof(right)));
			return -1;
		}
	}
	return 0;
}
