/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_columns.c - sixteen frames side by side (stack_columns.h) end as each would one by
 * one: what wire_parse() says of them, and what wire_emit_tcp() answers. Where the processor has no
 * AVX-512, no frame is taken side by side, and that is all there is to test. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "columns_row.h"
#include "seed.h"

static struct listener_index listeners;

static int
setup(void **state)
{
	/* Every third port, so that each place in a word is taken and left free. */
	for (uint32_t port = 0; port < 65536; port += 3)
		listeners.used[port / 64] |= UINT64_C(1) << port % 64;
	return wire_test_setup(state);
}

/* Is it of the kind that may be taken side by side? What a NIC says is wrong never is. */
static bool
is_plain(const struct wire_packet *p, uint8_t csum)
{
	return !(csum & (WIRE_IP_BAD | WIRE_L4_BAD)) && p->kind == WIRE_TCP && p->l2.tags == 0 &&
	       p->l4 == (p->flow.family == 4 ? 14 + 20 : 14 + 40);
}

static void
same(const char *what, unsigned int lane, uint32_t expected, uint32_t came)
{
	if (expected != came)
		fail_msg("lane %u, %s: expected %#x, came %#x", lane, what, expected, came);
}

static void
same_addresses(unsigned int lane, const struct stack_columns *c, const struct flow *flow)
{
	const bool v6 = flow->family == 6;
	const uint8_t *raddr = v6 ? flow->v6.raddr : (const uint8_t *)&flow->v4.raddr;
	const uint8_t *laddr = v6 ? flow->v6.laddr : (const uint8_t *)&flow->v4.laddr;

	for (unsigned int i = 0; i < (v6 ? 4 : 1); i++) {
		uint32_t word;

		memcpy(&word, raddr + 4 * i, 4);
		same("raddr", lane, word, c->raddr[i][lane]);
		memcpy(&word, laddr + 4 * i, 4);
		same("laddr", lane, word, c->laddr[i][lane]);
	}
}

/* Every frame of the row is plain where wire_parse() says so, and the same is in it. */
static void
check(const struct wire_host *host, const struct row *row)
{
	struct stack_columns c;

	memset(&c, 0x5a, sizeof(c));
	if (!stack_columns_have())
		return;
	stack_columns_parse(host, &listeners, row->frames, row->count, &c);
	same("lanes that are not there", 0, 0, c.plain >> row->count);
	for (unsigned int lane = 0; lane < row->count; lane++) {
		const struct stack_frame *frame = &row->frames[lane];
		struct wire_packet p = {0};

		wire_parse(host, frame->data, frame->length, frame->csum, &p);
		same("plain", lane, is_plain(&p, frame->csum), c.plain >> lane & 1);
		if (!(c.plain >> lane & 1))
			continue;
		same("IPv6", lane, p.flow.family == 6, c.ip6 >> lane & 1);
		same("listened", lane, ntohs(flow_lport(&p.flow)) % 3 == 0, c.listened >> lane & 1);
		same("ports", lane, flow_ports(&p.flow), c.ports[lane]);
		same("seq", lane, p.seg.seq, c.seq[lane]);
		same("ack", lane, p.seg.ack, c.ack[lane]);
		same("text", lane, p.seg.text, c.text[lane]);
		same("flags and window", lane, (uint32_t)p.seg.flags << 16 | p.seg.wnd,
		     c.rest[lane] & 0xffffff);
		same("data offset", lane, p.l4_length - p.seg.text, c.rest[lane] >> 28 << 2);
		same_addresses(lane, &c, &p.flow);
	}
}

/* A frame on its own would not show what comes of the lanes beside it: in all sixteen, changed in
 * different ways by change(f, what + lane). */
static void
check_all(const struct frame *f, void (*change)(struct frame *f, uint32_t how), uint32_t end)
{
	static const uint8_t csum[] = {0,
				       WIRE_IP_GOOD | WIRE_L4_GOOD,
				       WIRE_IP_BAD | WIRE_L4_GOOD,
				       WIRE_IP_GOOD,
				       WIRE_L4_GOOD,
				       WIRE_IP_GOOD | WIRE_L4_BAD};
	struct row row = {.count = 0};

	for (size_t i = 0; i < sizeof(csum); i++) {
		for (uint32_t how = 0; how < end;) {
			for (; row.count < STACK_COLUMNS && how < end; how++) {
				struct frame changed = *f;

				change(&changed, how);
				/* Every other frame, so that both kinds meet, but of each lane. */
				row_put(&row, &changed,
					(how + how / STACK_COLUMNS) % 2 ? csum[i] : 0);
			}
			check(&wire_test_host, &row);
			row_free(&row);
		}
	}
}

static void
make(struct frame *f, int family, size_t options, size_t text)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, family, 6);
	frame_tcp(f, TCP_SYN | TCP_PSH, SYN_OPTIONS, options);
	for (size_t i = 0; i < text; i++)
		frame_put8(f, (unsigned int)(i * 37 + 11) & 0xff);
	frame_finish(f);
}

static void
change_byte(struct frame *f, uint32_t how)
{
	f->data[how / 256] = (uint8_t)how;
}

static void
change_byte_rightly(struct frame *f, uint32_t how)
{
	change_byte(f, how);
	frame_fix_ip(f);
	frame_fix_l4(f, f->length - f->l4);
}

/* Half a word of zeros, or of ones: ports of 0 among them. */
static void
change_half(struct frame *f, uint32_t how)
{
	memset(f->data + how / 2 * 2, how % 2 ? 0xff : 0, 2);
	frame_fix_ip(f);
	frame_fix_l4(f, f->length - f->l4);
}

BOTH(rules_2_a_byte_changed_anywhere_ends_as_in_a_frame_alone)
{
	struct frame f;

	make(&f, family, sizeof(SYN_OPTIONS), 7);
	check_all(&f, change_byte, f.length * 256);
	check_all(&f, change_byte_rightly, f.length * 256);
	make(&f, family, 4, 0);
	check_all(&f, change_byte, f.length * 256);
}

BOTH(rules_2_f8_no_port_and_other_extremes_end_as_in_a_frame_alone)
{
	struct frame f;

	make(&f, family, sizeof(SYN_OPTIONS), 8);
	check_all(&f, change_half, f.length / 2 * 2);
	make(&f, family, 0, 0);
	check_all(&f, change_half, f.length / 2 * 2);
}

/* Either end, in turn. */
static void
change_address(struct frame *f, uint32_t how)
{
	static const uint8_t V4[][4] = {{0, 0, 0, 0},         {0, 1, 2, 3},        {1, 0, 0, 0},
					{126, 0, 0, 1},       {127, 0, 0, 1},      {128, 0, 0, 1},
					{223, 1, 1, 1},       {224, 0, 0, 1},      {240, 0, 0, 1},
					{255, 255, 255, 255}, {198, 51, 100, 255}, {10, 9, 0, 1}};
	static const uint8_t V6[][16] = {{0},
					 {[15] = 1},
					 {[15] = 2},
					 {[11] = 1},
					 {[10] = 0xff, 0xff, 1, 2, 3, 4},
					 {[8] = 1, [10] = 0xff, 0xff},
					 {[9] = 1, [15] = 1},
					 {[7] = 1},
					 {[0] = 0xff, 0x02, [15] = 1},
					 {[0] = 0xfe, 0x80, [15] = 1},
					 {[0] = 0xfe, [8] = 0xff},
					 {0xfd, 0x09, [15] = 1}};

	frame_set_addr(f, how % 2 ? frame_src(f) : frame_dst(f), V4[how / 2], V6[how / 2]);
	frame_fix_ip(f);
	frame_fix_l4(f, f->length - f->l4);
}

BOTH(rules_2_f3_f4_addresses_of_no_host_end_as_in_a_frame_alone)
{
	struct frame f;

	make(&f, family, 0, 0);
	check_all(&f, change_address, 24);
}

static void
cut(struct frame *f, uint32_t how)
{
	f->length = how;
}

BOTH(rules_2_a_frame_cut_anywhere_ends_as_in_a_frame_alone)
{
	struct frame f;

	make(&f, family, 0, 20);
	check_all(&f, cut, f.length + 1);
	make(&f, family, sizeof(SYN_OPTIONS), 0);
	check_all(&f, cut, f.length + 1);
	/* Ethernet's padding is nobody's. */
	make(&f, family, 0, 0);
	frame_put(&f, "\x01\x02\x03\x04\x05\x06\x07", 7);
	check_all(&f, cut, f.length + 1);
}

static void
lengthen(struct frame *f, uint32_t how)
{
	make(f, f->family, how / 210 % 2 ? sizeof(SYN_OPTIONS) : 0, how % 210);
	/* A third of them have one bit wrong, somewhere in the segment. */
	if (how % 3 == 0)
		f->data[f->l4 + how * 7 % (f->length - f->l4)] ^= (uint8_t)(1 << how % 8);
}

BOTH(rfc9293_3_1_checksums_of_all_lengths_are_told_right_from_wrong)
{
	struct frame f;

	make(&f, family, 0, 0);
	check_all(&f, lengthen, 840);
}

/* Addresses beside every bound of what is owned, few ranges and many. */
BOTH(rules_2_f3_f4_whatever_is_owned_is_told_as_by_addr_set)
{
	struct addr_range4 v4[20];
	struct addr_range6 v6[20];
	struct addr_prefix prefixes[20];
	struct addr_set owned;
	struct wire_host host = wire_test_host;
	struct seed seed = seed_start("owned addresses");
	struct row row = {.count = 0};
	struct frame f;

	host.owned = &owned;
	for (unsigned int count = 0; count <= 20; count++) {
		for (unsigned int i = 0; i < count; i++) {
			prefixes[i] = (struct addr_prefix){.family = (uint8_t)family,
							   .length = family == 4 ? 32 : 128};
			seed_fill(&seed, prefixes[i].addr, family == 4 ? 4 : 16);
		}
		addr_set_build(&owned, prefixes, count, v4, v6);
		for (unsigned int i = 0; i < 40 * (count + 1); i++) {
			const uint32_t size = family == 4 ? 4 : 16;
			const uint32_t at = i % 4 == 3 ? 0 : size; /* the source, or mostly ours */

			make(&f, family, 0, 0);
			if (count > 0) {
				uint8_t *addr = f.data + frame_src(&f) + at;

				memcpy(addr, prefixes[seed_below(&seed, count)].addr, size);
				/* Itself, or beside it in one of its bytes. */
				if (i % 2)
					addr[seed_below(&seed, size)] ^=
						(uint8_t)(1 << seed_below(&seed, 8));
			}
			frame_finish(&f);
			row_put(&row, &f, 0);
			if (row.count == STACK_COLUMNS) {
				check(&host, &row);
				row_free(&row);
			}
		}
	}
	row_free(&row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(rules_2_a_byte_changed_anywhere_ends_as_in_a_frame_alone),
		BOTH_TESTS(rules_2_f8_no_port_and_other_extremes_end_as_in_a_frame_alone),
		BOTH_TESTS(rules_2_f3_f4_addresses_of_no_host_end_as_in_a_frame_alone),
		BOTH_TESTS(rules_2_a_frame_cut_anywhere_ends_as_in_a_frame_alone),
		BOTH_TESTS(rfc9293_3_1_checksums_of_all_lengths_are_told_right_from_wrong),
		BOTH_TESTS(rules_2_f3_f4_whatever_is_owned_is_told_as_by_addr_set),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
