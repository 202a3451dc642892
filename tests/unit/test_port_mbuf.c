/* SPDX-License-Identifier: BSD-3-Clause */
/* test_port_mbuf.c - what a NIC says of a frame's checksums is believed of what it says it has
 * parsed, and what it is asked to fill in of a reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mbuf_frame.h"

#define GOOD (RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD)
#define BAD  (RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD)
#define NONE (RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE)

#define TCP4 (RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_TCP)
#define TCP6 (RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV6 | RTE_PTYPE_L4_TCP)

static void
a_verdict_on_what_was_parsed_is_believed(void **state)
{
	(void)state;
	assert_int_equal(frame_csum(GOOD, TCP4), WIRE_IP_GOOD | WIRE_L4_GOOD);
	assert_int_equal(frame_csum(BAD, TCP4), WIRE_IP_BAD | WIRE_L4_BAD);
	assert_int_equal(frame_csum(GOOD, TCP6), WIRE_L4_GOOD);
	assert_int_equal(frame_csum(BAD, TCP6), WIRE_L4_BAD);
	assert_int_equal(frame_csum(RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD, TCP4),
			 WIRE_IP_GOOD | WIRE_L4_BAD);
}

static void
a_verdict_on_what_was_not_parsed_is_not(void **state)
{
	static const uint32_t types[] = {
		0,
		RTE_PTYPE_L2_ETHER,
		RTE_PTYPE_L3_IPV6_EXT,
		RTE_PTYPE_L3_IPV6 | RTE_PTYPE_L4_FRAG,
		RTE_PTYPE_L3_IPV6 | RTE_PTYPE_L4_UDP,
		RTE_PTYPE_L3_IPV6 | RTE_PTYPE_L4_TCP | RTE_PTYPE_TUNNEL_GRE,
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		assert_int_equal(frame_csum(GOOD, types[i]), 0);
		assert_int_equal(frame_csum(BAD, types[i]), 0);
	}
	assert_int_equal(frame_csum(GOOD, RTE_PTYPE_L3_IPV4), WIRE_IP_GOOD);
	assert_int_equal(frame_csum(BAD, RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_FRAG), WIRE_IP_BAD);
}

static void
no_verdict_is_no_verdict_and_a_field_not_filled_in_on_this_machine_is_good(void **state)
{
	(void)state;
	assert_int_equal(frame_csum(0, TCP4), 0);
	assert_int_equal(frame_csum(NONE, TCP4), WIRE_IP_GOOD | WIRE_L4_GOOD);
	/* hinic says so of whatever else was wrong. */
	assert_int_equal(frame_csum(NONE, 0), 0);
}

/* An mbuf with room for bytes at data. */
static struct rte_mbuf
mbuf(uint8_t *data, uint16_t bytes, uint16_t length)
{
	return (struct rte_mbuf){
		.buf_addr = data,
		.buf_len = bytes,
		.data_len = length,
		.pkt_len = length,
		.nb_segs = 1,
		.refcnt = 1,
	};
}

static void
only_a_frame_in_one_piece_of_ours_can_be_answered_in_place(void **state)
{
	uint8_t data[2048];
	struct stack_frame frame;
	struct rte_mbuf m = mbuf(data, sizeof(data), 60);

	(void)state;
	frame_of(&m, &frame);
	assert_ptr_equal(frame.data, data);
	assert_int_equal(frame.length, 60);
	assert_int_equal(frame.room, sizeof(data));
	m.nb_segs = 2;
	frame_of(&m, &frame);
	assert_int_equal(frame.length, 0);
	m = mbuf(data, sizeof(data), 60);
	m.refcnt = 2;
	frame_of(&m, &frame);
	assert_int_equal(frame.length, 0);
	m = mbuf(data, WIRE_TCP_MAX - 1, 60);
	frame_of(&m, &frame);
	assert_int_equal(frame.length, 0);
}

static const struct stack_frame reply4 = {
	.length = 58,
	.tcp = true,
	.lengths = {.l2 = 18, .l3 = 20, .l4 = 20},
};

static void
a_device_is_asked_for_the_checksums_that_it_offers_to_fill_in(void **state)
{
	static const struct {
		uint8_t offload;
		uint64_t v4, v6;
	} expected[] = {
		{0, 0, 0},
		{WIRE_TX_IP, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM, RTE_MBUF_F_TX_IPV6},
		{WIRE_TX_TCP, RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM,
		 RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_TCP_CKSUM},
		{WIRE_TX_IP | WIRE_TX_TCP,
		 RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM,
		 RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_TCP_CKSUM},
	};
	struct stack_frame reply6 = reply4;
	uint8_t data[256];

	(void)state;
	reply6.lengths.l3 = 40;
	for (unsigned int i = 0; i < 4; i++) {
		struct rte_mbuf m = mbuf(data, sizeof(data), 1);

		m.ol_flags = GOOD | RTE_MBUF_F_RX_RSS_HASH;
		frame_to_mbuf(&reply4, expected[i].offload, &m);
		assert_int_equal(m.ol_flags, expected[i].v4);
		assert_int_equal(m.data_len, 58);
		assert_int_equal(m.pkt_len, 58);
		if (expected[i].offload != 0) {
			assert_int_equal(m.l2_len, 18);
			assert_int_equal(m.l3_len, 20);
			assert_int_equal(m.l4_len, 20);
		}
		frame_to_mbuf(&reply6, expected[i].offload, &m);
		assert_int_equal(m.ol_flags, expected[i].v6);
	}
}

static void
what_is_not_tcp_goes_as_it_is(void **state)
{
	struct stack_frame ping = reply4;
	uint8_t data[256];
	struct rte_mbuf m = mbuf(data, sizeof(data), 1);

	(void)state;
	ping.tcp = false;
	frame_to_mbuf(&ping, WIRE_TX_IP | WIRE_TX_TCP, &m);
	assert_int_equal(m.ol_flags, 0);
	assert_int_equal(m.data_len, 58);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verdict_on_what_was_parsed_is_believed),
		cmocka_unit_test(a_verdict_on_what_was_not_parsed_is_not),
		cmocka_unit_test(
			no_verdict_is_no_verdict_and_a_field_not_filled_in_on_this_machine_is_good),
		cmocka_unit_test(only_a_frame_in_one_piece_of_ours_can_be_answered_in_place),
		cmocka_unit_test(a_device_is_asked_for_the_checksums_that_it_offers_to_fill_in),
		cmocka_unit_test(what_is_not_tcp_goes_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
