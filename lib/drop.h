/* SPDX-License-Identifier: BSD-3-Clause */
/* drop.h - the reasons of drop.def as an enum. DROP_NONE (0) means: not dropped. */
#ifndef RIPOSTE_DROP_H
#define RIPOSTE_DROP_H

enum drop_reason {
	DROP_NONE = 0,
#define DROP(name, meaning) DROP_##name,
#include "drop.def"
#undef DROP
	DROP_COUNT
};

/* The name of a reason as counters show it, without "dropped."; "none" for DROP_NONE. */
const char *drop_name(enum drop_reason reason);

/* One sentence on what the reason means. */
const char *drop_meaning(enum drop_reason reason);

#endif
