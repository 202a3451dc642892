/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_emit.c - TCP replies as bytes: rules.md section 3, "IP fields of every reply", and 7.1.
 * The frames that are expected were made by scapy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_test.h"

static struct flow
test_flow(int family)
{
	struct flow flow;

	memset(&flow, 0, sizeof(flow));
	flow.family = (uint8_t)family;
	if (family == 4) {
		memcpy(&flow.v4.laddr, FRAME_US4, 4);
		memcpy(&flow.v4.raddr, FRAME_PEER4, 4);
		memcpy(&flow.v4.lport, "\x00\x50", 2);
		memcpy(&flow.v4.rport, "\x9c\x40", 2);
	} else {
		memcpy(flow.v6.laddr, FRAME_US6, 16);
		memcpy(flow.v6.raddr, FRAME_PEER6, 16);
		memcpy(&flow.v6.lport, "\x00\x50", 2);
		memcpy(&flow.v6.rport, "\x9c\x40", 2);
	}
	return flow;
}

static const struct wire_l2 TO_PEER = {.peer = {0x02, 0, 0, 0, 0, 0x02}};

/* Emits into a frame of ones, so that a byte left out shows; f gets it with its offsets. */
static struct wire_lengths
emit(const struct wire_l2 *l2, int family, const struct tcp_reply *reply, struct frame *f)
{
	const struct flow flow = test_flow(family);
	struct wire_lengths lengths;

	memset(f, 0xff, sizeof(*f));
	f->length = wire_emit_tcp(&wire_test_host, l2, &flow, reply, f->data, &lengths);
	f->family = family;
	f->protocol = 6;
	f->l3 = lengths.l2;
	f->l4 = f->l3 + lengths.l3;
	assert_int_equal(f->length, lengths.l2 + lengths.l3 + lengths.l4);
	assert_true(f->length <= WIRE_TCP_MAX);
	assert_int_equal(f->data[f->length], 0xff);
	return lengths;
}

static void
expect_bytes(const struct frame *f, const uint8_t *expected, size_t size)
{
	assert_int_equal(f->length, size);
	assert_memory_equal(f->data, expected, size);
}

static void
rst_ack_by_ip4(void **state)
{
	static const uint8_t expected[] = {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00,
		0x45, 0x00, 0x00, 0x28, 0x00, 0x00, 0x40, 0x00, 0x40, 0x06, 0x26, 0xbc, 0x0a, 0x09,
		0x00, 0x01, 0x0a, 0x09, 0x00, 0x02, 0x00, 0x50, 0x9c, 0x40, 0x00, 0x00, 0x00, 0x00,
		0x11, 0x22, 0x33, 0x45, 0x50, 0x14, 0x00, 0x00, 0xba, 0xc4, 0x00, 0x00,
	};
	const struct tcp_reply rst = {.ack = 0x11223345, .flags = TCP_RST | TCP_ACK};
	struct wire_lengths lengths;
	struct frame f;

	(void)state;
	lengths = emit(&TO_PEER, 4, &rst, &f);
	expect_bytes(&f, expected, sizeof(expected));
	assert_int_equal(lengths.l2, 14);
	assert_int_equal(lengths.l3, 20);
	assert_int_equal(lengths.l4, 20);
}

static void
syn_ack_with_every_option_by_ip6(void **state)
{
	static const uint8_t expected[] = {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86, 0xdd,
		0x60, 0x00, 0x00, 0x00, 0x00, 0x28, 0x06, 0x40, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0xfd, 0x09, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x50,
		0x9c, 0x40, 0xff, 0xff, 0xff, 0xfe, 0x11, 0x22, 0x33, 0x45, 0xa0, 0x12, 0xff, 0xff,
		0x52, 0xdd, 0x00, 0x00, 0x02, 0x04, 0x05, 0xa0, 0x04, 0x02, 0x08, 0x0a, 0x0a, 0x0b,
		0x0c, 0x0d, 0x01, 0x02, 0x03, 0x04, 0x01, 0x03, 0x03, 0x03,
	};
	const struct tcp_reply syn_ack = {
		.seq = 0xfffffffe,
		.ack = 0x11223345,
		.tsval = 0x0a0b0c0d,
		.tsecr = 0x01020304,
		.wnd = 65535,
		.mss = 1440,
		.flags = TCP_SYN | TCP_ACK,
		.options = TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE,
		.wscale = 3,
	};
	struct wire_lengths lengths;
	struct frame f;

	(void)state;
	lengths = emit(&TO_PEER, 6, &syn_ack, &f);
	expect_bytes(&f, expected, sizeof(expected));
	assert_int_equal(lengths.l2, 14);
	assert_int_equal(lengths.l3, 40);
	assert_int_equal(lengths.l4, 40);
}

/* RFC 7323 A: timestamps stand behind two NOPs. */
static void
ack_with_timestamps_by_ip6_in_two_tags(void **state)
{
	static const uint8_t expected[] = {
		0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x88, 0xa8,
		0xa0, 0x64, 0x81, 0x00, 0x10, 0x07, 0x86, 0xdd, 0x60, 0x00, 0x00, 0x00, 0x00, 0x20,
		0x06, 0x40, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x01, 0xfd, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x50, 0x9c, 0x40, 0x00, 0x00, 0x00, 0x01,
		0x00, 0x00, 0x00, 0x02, 0x80, 0x10, 0x00, 0x03, 0xe0, 0x07, 0x00, 0x00, 0x01, 0x01,
		0x08, 0x0a, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x05,
	};
	const struct tcp_reply ack = {
		.seq = 1,
		.ack = 2,
		.tsval = 4,
		.tsecr = 5,
		.wnd = 3,
		.flags = TCP_ACK,
		.options = TCP_OPT_TS,
	};
	struct wire_l2 l2 = TO_PEER;
	struct wire_lengths lengths;
	struct frame f;

	(void)state;
	l2.tags = 2;
	memcpy(l2.tag, "\x88\xa8\xa0\x64\x81\x00\x10\x07", 8);
	lengths = emit(&l2, 6, &ack, &f);
	expect_bytes(&f, expected, sizeof(expected));
	assert_int_equal(lengths.l2, 22);
	assert_int_equal(lengths.l4, 32);
}

/* rules.md 7.1: MSS, SACK-permitted, TS, NOP, WS; padded to 4. */
BOTH(options_of_a_syn_ack_come_in_order_and_padded)
{
	for (unsigned int options = 0; options < 16; options++) {
		const struct tcp_reply syn_ack = {
			.tsval = 0x01020304,
			.tsecr = 0x05060708,
			.mss = 0x1234,
			.wscale = 9,
			.flags = TCP_SYN | TCP_ACK,
			.options = (uint8_t)options,
		};
		const struct flow flow = test_flow(family);
		uint8_t order[4], expected[4];
		unsigned int n = 0, m = 0;
		struct wire_packet p;
		struct frame f;
		uint32_t at;

		emit(&TO_PEER, family, &syn_ack, &f);
		assert_int_equal(f.data[f.l4 + 12] >> 4, (f.length - f.l4) / 4);
		assert_int_equal(wire_text_offset(&TO_PEER, &flow, &syn_ack), f.length);
		for (at = f.l4 + 20; at < f.length && f.data[at] != 0;) {
			if (f.data[at] == 1) {
				at++;
				continue;
			}
			assert_true(n < 4);
			order[n++] = f.data[at];
			at += f.data[at + 1];
		}
		assert_true(at <= f.length);
		if (options & TCP_OPT_MSS)
			expected[m++] = 2;
		if (options & TCP_OPT_SACK_OK)
			expected[m++] = 4;
		if (options & TCP_OPT_TS)
			expected[m++] = 8;
		if (options & TCP_OPT_WSCALE)
			expected[m++] = 3;
		assert_int_equal(n, m);
		assert_memory_equal(order, expected, n);

		/* We speak as they do: what a SYN-ACK says is what a SYN would. */
		memcpy(f.data, FRAME_US_MAC, 6);
		memcpy(f.data + 6, FRAME_PEER_MAC, 6);
		frame_set_addr(&f, frame_src(&f), FRAME_PEER4, FRAME_PEER6);
		frame_set_addr(&f, frame_dst(&f), FRAME_US4, FRAME_US6);
		EXPECT_KIND(&f, WIRE_TCP, &p);
		assert_int_equal(p.seg.options, options);
		assert_int_equal(p.seg.text, 0);
	}
}

/* rules.md section 3; D-6, RFC 3168 6.1.4; RFC 6864 4.1. */
BOTH(ip_fields_are_those_of_every_reply)
{
	const struct tcp_reply ack = {.seq = 1, .ack = 2, .wnd = 3, .flags = TCP_ACK};
	struct frame f;

	wire_test_host.ttl = 77;
	emit(&TO_PEER, family, &ack, &f);
	wire_test_host.ttl = 64;
	if (family == 4) {
		assert_int_equal(frame_get16(&f, f.l3), 0x4500);     /* DSCP and ECN 0 (D-6) */
		assert_int_equal(frame_get16(&f, f.l3 + 4), 0);      /* ID, RFC 6864 4.1 */
		assert_int_equal(frame_get16(&f, f.l3 + 6), 0x4000); /* DF */
		assert_int_equal(f.data[f.l3 + 8], 77);
		assert_int_equal(frame_sum(0, f.data + f.l3, 20), 0xffff);
	} else {
		/* Traffic class and flow label 0. */
		assert_int_equal(frame_get32(&f, f.l3), 0x60000000);
		assert_int_equal(f.data[f.l3 + 7], 77);
	}
	assert_int_equal(f.data[f.l4 + 12] & 0x0f, 0);   /* reserved bits, RFC 9293 3.1 */
	assert_int_equal(frame_get16(&f, f.l4 + 18), 0); /* urgent pointer */
	assert_int_equal(frame_l4_sum(&f, f.length - f.l4), 0xffff);
}

static void
nic_offload_of_the_ip4_header_leaves_0(void **state)
{
	const struct tcp_reply ack = {.seq = 1, .ack = 2, .wnd = 3, .flags = TCP_ACK};
	struct frame f;

	(void)state;
	wire_test_host.tx_offload = WIRE_TX_IP;
	emit(&TO_PEER, 4, &ack, &f);
	wire_test_host.tx_offload = 0;
	assert_int_equal(frame_get16(&f, f.l3 + 10), 0);
	assert_int_equal(frame_l4_sum(&f, f.length - f.l4), 0xffff);
}

/* The field is the folded sum of the pseudo header, not complemented: the NIC sums over it. */
BOTH(nic_offload_of_tcp_leaves_the_pseudo_headers_sum)
{
	static const uint8_t options[] = {0, TCP_OPT_TS};

	for (size_t i = 0; i < 2; i++) {
		const struct tcp_reply ack = {
			.seq = 1,
			.ack = 2,
			.wnd = 3,
			.flags = TCP_ACK,
			.options = options[i],
		};
		struct frame f, software;
		uint8_t tail[4] = {0, i == 0 ? 20 : 32, 0, 6};
		uint16_t pseudo;

		emit(&TO_PEER, family, &ack, &software);
		wire_test_host.tx_offload = WIRE_TX_IP | WIRE_TX_TCP;
		emit(&TO_PEER, family, &ack, &f);
		wire_test_host.tx_offload = 0;
		pseudo = frame_sum(0, f.data + frame_src(&f), 2 * frame_addr_size(&f));
		pseudo = frame_sum(pseudo, tail, 4);
		assert_int_equal(frame_get16(&f, f.l4 + 16), pseudo);
		/* What the NIC makes of it is what software made. */
		frame_set16(&f, f.l4 + 16, 0xffffu ^ frame_sum(0, f.data + f.l4, f.length - f.l4));
		frame_fix_ip(&f);
		assert_int_equal(f.length, software.length);
		assert_memory_equal(f.data, software.data, f.length);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rst_ack_by_ip4),
		cmocka_unit_test(syn_ack_with_every_option_by_ip6),
		cmocka_unit_test(ack_with_timestamps_by_ip6_in_two_tags),
		BOTH_TESTS(options_of_a_syn_ack_come_in_order_and_padded),
		BOTH_TESTS(ip_fields_are_those_of_every_reply),
		cmocka_unit_test(nic_offload_of_the_ip4_header_leaves_0),
		BOTH_TESTS(nic_offload_of_tcp_leaves_the_pseudo_headers_sum),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
