/* SPDX-License-Identifier: BSD-3-Clause */
/* secret.h - the 16 bytes behind sequence numbers and cookies. */
#ifndef RIPOSTE_SECRET_H
#define RIPOSTE_SECRET_H

#include <stdint.h>

#define SECRET_BYTES 16

/* Reads 32 hexadecimal digits and nothing else; -1 if text is not that. */
int secret_parse(const char *text, uint8_t bytes[SECRET_BYTES]);

/* Bytes that nobody can guess, from getrandom(2); a negative errno if there are none. */
int secret_random(uint8_t bytes[SECRET_BYTES]);

#endif
