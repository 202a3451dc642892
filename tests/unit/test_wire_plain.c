/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_plain.c - the short way that nearly all frames take through wire_parse(): they do take
 * it, and whatever a frame is, it ends as on the long way, which a VLAN tag sends it on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_parse_plain.h"
#include "wire_test.h"

#define TAG 4 /* bytes of one VLAN tag */

static const uint8_t SYN_OPTIONS[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
				      0, 1, 0,    0,    0, 2, 1, 3,  3, 7};

static void
make(struct frame *f, int family, bool options, const char *text)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, family, 6);
	frame_tcp(f, options ? TCP_SYN : TCP_ACK, SYN_OPTIONS, options ? sizeof(SYN_OPTIONS) : 0);
	frame_put(f, text, strlen(text));
	frame_finish(f);
}

static bool
is_plain(const struct frame *f, uint8_t csum)
{
	struct wire_packet p;

	return plain_ip4(&wire_test_host, f->data, f->length, csum, &p) ||
	       plain_ip6(&wire_test_host, f->data, f->length, &p);
}

BOTH(rfc9293_3_1_segments_without_anything_unusual_below_them_take_the_short_way)
{
	static const uint8_t csum[] = {0, WIRE_IP_GOOD, WIRE_IP_GOOD | WIRE_L4_GOOD};
	struct frame f;

	for (int options = 0; options < 2; options++) {
		for (size_t i = 0; i < sizeof(csum); i++) {
			make(&f, family, options, "");
			assert_true(is_plain(&f, csum[i]));
			make(&f, family, options, "GET / HTTP/1.0\r\n\r\n");
			assert_true(is_plain(&f, csum[i]));
			/* Ethernet's padding. */
			make(&f, family, options, "");
			frame_put(&f, "\0\0\0\0\0\0", 6);
			assert_true(is_plain(&f, csum[i]));
		}
	}
}

/* The same frame with a tag. */
static void
with_tag(const struct frame *f, struct frame *tagged)
{
	const uint8_t tag[TAG] = {0x81, 0, 0, 1};

	*tagged = *f;
	memcpy(tagged->data + 12, tag, TAG);
	memcpy(tagged->data + 12 + TAG, f->data + 12, f->length - 12);
	tagged->length += TAG;
}

/* Both ways say the same of f. */
static void
same(const struct frame *f, uint8_t csum, uint32_t at, unsigned int value)
{
	struct wire_packet plain, tagged;
	struct frame long_way;
	bool alike;

	with_tag(f, &long_way);
	wire_test_parse_bytes(f->data, f->length, csum, &plain);
	wire_test_parse_bytes(long_way.data, long_way.length, csum, &tagged);
	alike = plain.kind == tagged.kind && plain.drop == tagged.drop;
	if (alike && plain.kind == WIRE_TCP)
		alike = plain.l3 + TAG == tagged.l3 && plain.l4 + TAG == tagged.l4 &&
			plain.l4_length == tagged.l4_length &&
			memcmp(plain.l2.peer, tagged.l2.peer, 6) == 0 && plain.l2.tags == 0 &&
			plain.flow.family == tagged.flow.family &&
			memcmp(&plain.flow.v6, &tagged.flow.v6,
			       plain.flow.family == 4 ? sizeof(plain.flow.v4)
						      : sizeof(plain.flow.v6)) == 0 &&
			memcmp(&plain.seg, &tagged.seg, offsetof(struct tcp_seg, wscale) + 1) == 0;
	if (alike)
		return;
	print_error("byte %u is %u, csum %u: the short way says %s, drop %s; the long one %s, drop "
		    "%s\n",
		    at, value, csum, wire_test_kind(plain.kind), drop_name(plain.drop),
		    wire_test_kind(tagged.kind), drop_name(tagged.drop));
	fail();
}

/* Behind the EtherType, whose place the tag takes. */
BOTH(rules_2_a_byte_changed_anywhere_ends_as_on_the_long_way)
{
	struct frame f;

	make(&f, family, true, "riposte");
	for (uint32_t at = 0; at < f.length; at++) {
		const uint8_t was = f.data[at];

		if (at == 12 || at == 13)
			continue;
		for (unsigned int value = 0; value < 256; value++) {
			f.data[at] = (uint8_t)value;
			same(&f, 0, at, value);
			/* Whatever was changed, the checksums are right again. */
			same(&f, WIRE_IP_GOOD | WIRE_L4_GOOD, at, value);
			same(&f, WIRE_IP_BAD | WIRE_L4_GOOD, at, value);
			same(&f, WIRE_IP_GOOD | WIRE_L4_BAD, at, value);
		}
		f.data[at] = was;
	}
}

BOTH(rules_2_a_frame_cut_anywhere_ends_as_on_the_long_way)
{
	struct frame f;

	make(&f, family, false, "riposte");
	/* Shorter, and there is no place for a tag. */
	for (; f.length >= 14; f.length--) {
		same(&f, 0, f.length, 0);
		same(&f, WIRE_IP_GOOD | WIRE_L4_GOOD, f.length, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(
			rfc9293_3_1_segments_without_anything_unusual_below_them_take_the_short_way),
		BOTH_TESTS(rules_2_a_byte_changed_anywhere_ends_as_on_the_long_way),
		BOTH_TESTS(rules_2_a_frame_cut_anywhere_ends_as_on_the_long_way),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
