/* SPDX-License-Identifier: BSD-3-Clause */
/* secret.c - keys from text and from the kernel. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "secret.h"

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c);

	return at == NULL ? -1 : (int)(at - digits);
}

int
secret_parse(const char *text, uint8_t bytes[SECRET_BYTES])
{
	if (strlen(text) != (size_t)2 * SECRET_BYTES)
		return -1;
	for (unsigned int i = 0; i < SECRET_BYTES; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int
secret_random(uint8_t bytes[SECRET_BYTES])
{
	ssize_t got;

	do {
		got = getrandom(bytes, SECRET_BYTES, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got == SECRET_BYTES ? 0 : -EIO;
}
