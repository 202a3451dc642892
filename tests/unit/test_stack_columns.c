/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_columns.c - sixteen frames side by side (stack_columns.h) end as each would one by
 * one: what wire_parse() says of them, and what wire_emit_tcp() answers. Where the processor has no
 * AVX-512, no frame is taken side by side, and that is all there is to test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "stack_answer.h"
#include "wire_test.h"

#define LISTENED     FRAME_TCP_PORT
#define ETHERNET_MIN 60

static struct listener_index listeners; /* LISTENED alone is used */

static int
setup(void **state)
{
	listeners.used[LISTENED / 64] |= UINT64_C(1) << LISTENED % 64;
	return wire_test_setup(state);
}

/* Frames, each in memory of just its room, so that a sanitizer sees a byte too far. */
struct row {
	struct stack_frame frames[STACK_COLUMNS];
	unsigned int count;
};

static void
row_put(struct row *row, const struct frame *f, uint8_t csum)
{
	struct stack_frame *frame = &row->frames[row->count++];

	*frame = (struct stack_frame){
		.length = f->length,
		.room = f->length > WIRE_TCP_MAX ? f->length : WIRE_TCP_MAX,
		.csum = csum,
	};
	frame->data = malloc(frame->room);
	assert_non_null(frame->data);
	memset(frame->data, 0xa5, frame->room);
	memcpy(frame->data, f->data, f->length);
}

static void
row_free(struct row *row)
{
	for (unsigned int i = 0; i < row->count; i++)
		free(row->frames[i].data);
	row->count = 0;
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
		same("listened", lane, ntohs(flow_lport(&p.flow)) == LISTENED,
		     c.listened >> lane & 1);
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

static const uint8_t OPTIONS[] = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0,
				  0, 1, 0,    0,    0, 2, 1, 3,  3, 7};

static void
make(struct frame *f, int family, size_t options, size_t text)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, family, 6);
	frame_tcp(f, TCP_SYN | TCP_PSH, OPTIONS, options);
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

BOTH(rules_2_a_byte_changed_anywhere_ends_as_in_a_frame_alone)
{
	struct frame f;

	make(&f, family, sizeof(OPTIONS), 7);
	check_all(&f, change_byte, f.length * 256);
	check_all(&f, change_byte_rightly, f.length * 256);
	make(&f, family, 4, 0);
	check_all(&f, change_byte, f.length * 256);
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
	make(&f, family, sizeof(OPTIONS), 0);
	check_all(&f, cut, f.length + 1);
	/* Ethernet's padding is nobody's. */
	make(&f, family, 0, 0);
	frame_put(&f, "\x01\x02\x03\x04\x05\x06\x07", 7);
	check_all(&f, cut, f.length + 1);
}

static void
lengthen(struct frame *f, uint32_t how)
{
	make(f, f->family, how / 210 % 2 ? sizeof(OPTIONS) : 0, how % 210);
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

/* What wire_emit_tcp() makes of reply for the frame that p was parsed from. */
static void
same_answer(const struct wire_host *host, const struct stack_frame *frame,
	    const struct wire_packet *p, const struct tcp_reply *reply)
{
	uint8_t expected[WIRE_TCP_MAX];
	struct wire_lengths lengths;
	const uint32_t length = wire_emit_tcp(host, &p->l2, &p->flow, reply, expected, &lengths);

	assert_int_equal(length, frame->length);
	assert_memory_equal(expected, frame->data, length);
	/* Nothing of what was there is left where a driver may pad. */
	for (uint32_t at = length; at < ETHERNET_MIN; at++)
		assert_int_equal(frame->data[at], 0);
	assert_true(frame->tcp);
	assert_memory_equal(&lengths, &frame->lengths, sizeof(lengths));
}

/* A row of plain frames with these flags and others like it; returns their packets. */
static void
row_of(struct row *row, int family, unsigned int first, struct wire_packet *packets)
{
	struct frame f;

	row->count = 0;
	for (unsigned int lane = 0; lane < STACK_COLUMNS; lane++) {
		frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
		f.data[11] = (uint8_t)lane;
		/* Of both families, if family is 0. */
		frame_ip(&f, family ? family : lane % 2 ? 4 : 6, 6);
		frame_tcp(&f, (first + lane) & 0xff, OPTIONS, lane % 3 ? 0 : sizeof(OPTIONS));
		for (unsigned int i = 0; i < lane; i++)
			frame_put8(&f, i);
		f.data[f.l4 + 1] = (uint8_t)lane;
		frame_finish(&f);
		row_put(row, &f, 0);
		wire_parse(&wire_test_host, row->frames[lane].data, f.length, 0, &packets[lane]);
		assert_int_equal(packets[lane].kind, WIRE_TCP);
	}
}

static const uint8_t OFFLOADS[] = {0, WIRE_TX_IP, WIRE_TX_TCP, WIRE_TX_IP | WIRE_TX_TCP};

static void
rfc9293_3_10_7_1_closed_ports_answer_as_one_by_one(void **state)
{
	static const int FAMILIES[] = {4, 6, 0};
	struct wire_packet packets[STACK_COLUMNS];
	struct stack_columns c;
	struct row row;

	(void)state;
	for (unsigned int i = 0; stack_columns_have() && i < 3 * 16 * sizeof(OFFLOADS); i++) {
		struct wire_host host = wire_test_host;
		uint32_t which = 0;

		host.tx_offload = OFFLOADS[i / 48];
		row_of(&row, FAMILIES[i % 3], i / 3 % 16 * 16, packets);
		stack_columns_parse(&host, &listeners, row.frames, row.count, &c);
		assert_int_equal(c.plain, 0xffff);
		/* All but RSTs, and every fifth, which must be left as it is. */
		for (unsigned int lane = 0; lane < STACK_COLUMNS; lane++)
			if (!(packets[lane].seg.flags & TCP_RST) && lane % 5)
				which |= 1u << lane;
		stack_columns_reset(&host, row.frames, &c, which);
		for (unsigned int lane = 0; lane < STACK_COLUMNS; lane++) {
			struct tcp_reply reply = {0};
			struct wire_packet again;

			if (which >> lane & 1) {
				tcp_input_closed(&packets[lane].seg, &reply);
				same_answer(&host, &row.frames[lane], &packets[lane], &reply);
				continue;
			}
			wire_parse(&host, row.frames[lane].data, row.frames[lane].length, 0,
				   &again);
			assert_int_equal(again.kind, WIRE_TCP);
			assert_int_equal(again.seg.flags, packets[lane].seg.flags);
		}
		row_free(&row);
	}
}

/* The reply of that number, with the options that number has. */
static struct tcp_reply
reply_of(unsigned int number, uint8_t options)
{
	return (struct tcp_reply){
		.seq = 0x01020304u * (number + 1),
		.ack = 0xfffefdfc - number,
		.wnd = (uint16_t)(number * 4099),
		.flags = options & ~TCP_OPT_TS ? TCP_SYN | TCP_ACK : TCP_ACK | TCP_FIN,
		.options = options,
		.mss = (uint16_t)(536 + number),
		.wscale = (uint8_t)(number % 15),
		.tsval = number * 77777,
		.tsecr = ~number,
	};
}

BOTH(rules_7_1_answers_with_any_options_are_written_as_one_by_one)
{
	struct stack_answers answers;
	struct wire_packet packets[STACK_COLUMNS];
	struct row row;

	memset(&answers, 0x5a, sizeof(answers)); /* whatever a burst before has left */
	answers.count = 0;
	for (unsigned int i = 0; stack_columns_have() && i < 17 * sizeof(OFFLOADS); i++) {
		struct wire_host host = wire_test_host;
		const unsigned int count = i % 17;

		host.tx_offload = OFFLOADS[i / 17];
		row_of(&row, family, 0, packets);
		for (unsigned int lane = 0; lane < count; lane++) {
			/* Over IPv6 there is room for an MSS alone. */
			const uint8_t options = (uint8_t)((lane * 5 + i) & (family == 4 ? 15 : 1));
			const struct tcp_reply reply = reply_of(lane + i, options);

			assert_true(stack_answers_put(&answers, &row.frames[lane],
						      &packets[lane].flow, &reply));
		}
		stack_columns_answer(&host, (uint8_t)family, &answers);
		assert_int_equal(answers.count, 0);
		for (unsigned int lane = 0; lane < count; lane++) {
			const uint8_t options = (uint8_t)((lane * 5 + i) & (family == 4 ? 15 : 1));
			const struct tcp_reply reply = reply_of(lane + i, options);

			same_answer(&host, &row.frames[lane], &packets[lane], &reply);
		}
		row_free(&row);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(rules_2_a_byte_changed_anywhere_ends_as_in_a_frame_alone),
		BOTH_TESTS(rules_2_a_frame_cut_anywhere_ends_as_in_a_frame_alone),
		BOTH_TESTS(rfc9293_3_1_checksums_of_all_lengths_are_told_right_from_wrong),
		BOTH_TESTS(rules_2_f3_f4_whatever_is_owned_is_told_as_by_addr_set),
		cmocka_unit_test(rfc9293_3_10_7_1_closed_ports_answer_as_one_by_one),
		BOTH_TESTS(rules_7_1_answers_with_any_options_are_written_as_one_by_one),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
