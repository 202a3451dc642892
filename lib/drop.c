/* SPDX-License-Identifier: BSD-3-Clause */
/* drop.c - names and meanings of drop.def. */
#include <assert.h>

#include "drop.h"

static const struct {
	const char *name;
	const char *meaning;
} reasons[DROP_COUNT] = {
	{"none", "not dropped"},
#define DROP(name, meaning) {#name, meaning},
#include "drop.def"
#undef DROP
};

const char *
drop_name(enum drop_reason reason)
{
	assert(reason < DROP_COUNT);
	return reasons[reason].name;
}

const char *
drop_meaning(enum drop_reason reason)
{
	assert(reason < DROP_COUNT);
	return reasons[reason].meaning;
}
