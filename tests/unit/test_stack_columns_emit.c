/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_columns_emit.c - sixteen answers at a time (stack_columns.h) are, byte by byte, those
 * that wire_emit_tcp() writes. Where the processor has no AVX-512, none is written so, and there is
 * nothing to test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "columns_row.h"
#include "seed.h"
#include "stack_answer.h"

#define ETHERNET_MIN 60

static const struct listener_index nobody;

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
		frame_tcp(&f, (first + lane) & 0xff, SYN_OPTIONS,
			  lane % 3 ? 0 : sizeof(SYN_OPTIONS));
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

		host.ttl = (uint8_t)(63 - i % 7);
		host.tx_offload = OFFLOADS[i / 48];
		row_of(&row, FAMILIES[i % 3], i / 3 % 16 * 16, packets);
		stack_columns_parse(&host, &nobody, row.frames, row.count, &c);
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

/* A reply of any numbers: some sums have to be folded twice. */
static struct tcp_reply
reply_of(struct seed *seed, uint8_t options)
{
	return (struct tcp_reply){
		.seq = (uint32_t)seed_next(seed),
		.ack = (uint32_t)seed_next(seed),
		.wnd = (uint16_t)seed_next(seed),
		.flags = options & ~TCP_OPT_TS ? TCP_SYN | TCP_ACK : TCP_ACK | TCP_FIN,
		.options = options,
		.mss = (uint16_t)seed_next(seed),
		.wscale = (uint8_t)seed_below(seed, 15),
		.tsval = (uint32_t)seed_next(seed),
		.tsecr = (uint32_t)seed_next(seed),
	};
}

/* As many answers as there are in a burst's last sixteen, in turn with and without options. */
static void
answer_some(struct seed *seed, const struct wire_host *host, int family, unsigned int count,
	    bool with_options, struct stack_answers *answers)
{
	/* Over IPv6 there is room for an MSS alone. */
	const uint32_t options = !with_options ? 1 : family == 4 ? 16 : 2;
	struct tcp_reply replies[STACK_COLUMNS];
	struct wire_packet packets[STACK_COLUMNS];
	struct row row;

	row_of(&row, family, 0, packets);
	for (unsigned int lane = 0; lane < count; lane++) {
		replies[lane] = reply_of(seed, (uint8_t)seed_below(seed, options));
		assert_true(stack_answers_put(answers, &row.frames[lane], &packets[lane].flow,
					      &replies[lane]));
	}
	stack_columns_answer(host, (uint8_t)family, answers);
	assert_int_equal(answers->count, 0);
	for (unsigned int lane = 0; lane < count; lane++)
		same_answer(host, &row.frames[lane], &packets[lane], &replies[lane]);
	row_free(&row);
}

BOTH(rules_7_1_answers_with_any_options_are_written_as_one_by_one)
{
	struct seed seed = seed_start("answers");
	struct wire_host host = wire_test_host;
	struct stack_answers answers;

	memset(&answers, 0x5a, sizeof(answers)); /* whatever a burst before has left */
	answers.count = 0;
	for (unsigned int i = 0; stack_columns_have() && i < 2000; i++) {
		host.ttl = (uint8_t)seed_next(&seed);
		host.tx_offload = OFFLOADS[i / 17 % 4];
		answer_some(&seed, &host, family, i % 17, i % 3, &answers);
	}
}

static void
rules_7_1_answers_with_more_options_than_a_row_holds_are_not_taken(void **state)
{
	const struct flow flow = {.family = 6};
	const struct tcp_reply reply = {.flags = TCP_ACK, .options = TCP_OPT_TS};
	struct stack_answers answers = {.count = 3};
	struct stack_frame frame = {.room = WIRE_TCP_MAX};

	(void)state;
	assert_false(stack_answers_put(&answers, &frame, &flow, &reply));
	assert_int_equal(answers.count, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_7_1_closed_ports_answer_as_one_by_one),
		BOTH_TESTS(rules_7_1_answers_with_any_options_are_written_as_one_by_one),
		cmocka_unit_test(
			rules_7_1_answers_with_more_options_than_a_row_holds_are_not_taken),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
