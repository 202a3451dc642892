/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_tcp.c - the TCP header: rules.md section 2, F6 to F8. Options are in
 * test_wire_tcp_option.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire_test.h"

/* A Linux client's SYN, made by scapy. */
static const uint8_t LINUX_SYN[] = {
	0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x02, 0x08, 0x00, 0x45,
	0x00, 0x00, 0x3c, 0x12, 0x34, 0x40, 0x00, 0x40, 0x06, 0x14, 0x74, 0x0a, 0x09, 0x00, 0x02,
	0x0a, 0x09, 0x00, 0x01, 0x9c, 0x40, 0x00, 0x50, 0x11, 0x22, 0x33, 0x44, 0x00, 0x00, 0x00,
	0x00, 0xa0, 0x02, 0xfa, 0xf0, 0x53, 0xfe, 0x00, 0x00, 0x02, 0x04, 0x05, 0xb4, 0x04, 0x02,
	0x08, 0x0a, 0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00, 0x01, 0x03, 0x03, 0x07,
};

static void
linux_syn_is_read_whole(void **state)
{
	struct wire_packet p;

	(void)state;
	wire_test_parse_bytes(LINUX_SYN, sizeof(LINUX_SYN), 0, &p);
	assert_int_equal(p.kind, WIRE_TCP);
	assert_int_equal(p.seg.seq, 0x11223344);
	assert_int_equal(p.seg.ack, 0);
	assert_int_equal(p.seg.text, 0);
	assert_int_equal(p.seg.wnd, 64240);
	assert_int_equal(p.seg.flags, TCP_SYN);
	assert_int_equal(p.seg.options,
			 TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_TS);
	assert_int_equal(p.seg.mss, 1460);
	assert_int_equal(p.seg.wscale, 7);
	assert_int_equal(p.seg.tsval, 0x01020304);
	assert_int_equal(p.seg.tsecr, 0);
}

BOTH(header_fields_are_read_in_host_order)
{
	for (unsigned int flags = 0; flags < 256; flags++) {
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, family, flags, 3);
		EXPECT_KIND(&f, WIRE_TCP, &p);
		assert_int_equal(p.seg.flags, flags);
		assert_int_equal(p.seg.seq, 0x11223344);
		/* The field, whether or not the ACK bit is set. */
		assert_int_equal(p.seg.ack, 0x55667788);
		assert_int_equal(p.seg.wnd, 64240);
		assert_int_equal(p.seg.text, 3);
		assert_int_equal(p.seg.options, 0);
	}
}

/* RFC 9293 3.1: reserved bits are ignored; so is an urgent pointer. */
BOTH(reserved_bits_and_urgent_pointer_do_not_matter)
{
	struct wire_packet p;
	struct frame f;

	frame_segment(&f, family, TCP_ACK, 0);
	f.data[f.l4 + 12] |= 0x0f;
	frame_set16(&f, f.l4 + 18, 0xffff);
	frame_finish(&f);
	EXPECT_KIND(&f, WIRE_TCP, &p);
	assert_int_equal(p.seg.flags, TCP_ACK);
}

BOTH(f6_less_than_a_header_is_dropped)
{
	for (uint32_t n = 1; n < 20; n++) {
		struct frame f;

		frame_segment(&f, family, TCP_SYN, 0);
		f.length = f.l4 + n;
		frame_set16(&f, f.l3 + (family == 4 ? 2 : 4), family == 4 ? 20 + n : n);
		frame_fix_ip(&f);
		EXPECT_DROP(&f, DROP_tcp_header);
		/* The frame may be padded: it is the IP length that counts. */
		f.length = f.l4 + 20;
		EXPECT_DROP(&f, DROP_tcp_header);
	}
}

static void
f6_no_tcp_at_all_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	frame_segment(&f, 4, TCP_SYN, 0);
	frame_set16(&f, f.l3 + 2, 20);
	frame_fix_ip(&f);
	f.length = f.l4;
	EXPECT_DROP(&f, DROP_tcp_header);
}

BOTH(f6_data_offset_under_5_or_past_the_segment_is_dropped)
{
	for (unsigned int text = 0; text <= 40; text++) {
		for (unsigned int offset = 0; offset < 16; offset++) {
			struct wire_packet p;
			struct frame f;

			frame_segment(&f, family, TCP_ACK, text);
			/* The end of options: whatever is behind it is no option. */
			if (text)
				f.data[f.l4 + 20] = 0;
			f.data[f.l4 + 12] = (uint8_t)(offset << 4);
			frame_finish(&f);
			if (offset < 5 || offset * 4 > 20 + text) {
				EXPECT_DROP(&f, DROP_tcp_header);
				continue;
			}
			EXPECT_KIND(&f, WIRE_TCP, &p);
			assert_int_equal(p.seg.text, 20 + text - offset * 4);
		}
	}
}

BOTH(f7_any_wrong_bit_fails_the_checksum)
{
	struct frame good;

	frame_segment(&good, family, TCP_ACK, 5);
	for (uint32_t bit = 0; bit < 25 * 8; bit++) {
		struct frame f = good;

		if (bit / 8 == 12 && bit % 8 >= 4) /* F6 comes first */
			continue;
		f.data[f.l4 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		EXPECT_DROP(&f, DROP_tcp_checksum);
	}
}

/* RFC 9293 3.1 MUST-3: the pseudo header counts. */
BOTH(f7_checksum_covers_addresses_and_protocol)
{
	struct frame f;

	frame_segment(&f, family, TCP_ACK, 0);
	f.data[frame_src(&f) + 3] ^= 0x40;
	frame_fix_ip(&f);
	EXPECT_DROP(&f, DROP_tcp_checksum);

	frame_segment(&f, family, TCP_ACK, 0);
	f.protocol = 58; /* right, had it been ICMPv6 */
	frame_set16(&f, f.l4 + 16, 0);
	frame_set16(&f, f.l4 + 16, 0xffffu ^ frame_l4_sum(&f, 20));
	EXPECT_DROP(&f, DROP_tcp_checksum);
}

/* RFC 9293 3.1 MUST-3: 0 is not "no checksum". */
BOTH(f7_checksum_field_0_is_wrong_unless_it_is_right)
{
	struct wire_packet p;
	struct frame f;

	frame_segment(&f, family, TCP_ACK, 0);
	frame_set16(&f, f.l4 + 16, 0);
	EXPECT_DROP(&f, DROP_tcp_checksum);
	/* The urgent pointer is chosen so that the sum over everything else is 0xffff. */
	frame_set16(&f, f.l4 + 18, 0xffffu ^ frame_l4_sum(&f, 20));
	assert_int_equal(frame_l4_sum(&f, 20), 0xffff);
	EXPECT_KIND(&f, WIRE_TCP, &p);
}

BOTH(f7_checksum_over_odd_lengths)
{
	for (size_t text = 0; text < 1461; text += text < 40 ? 1 : 71) {
		struct wire_packet p;
		struct frame f;

		frame_segment(&f, family, TCP_ACK | TCP_PSH, text);
		EXPECT_KIND(&f, WIRE_TCP, &p);
		assert_int_equal(p.seg.text, text);
		if (text == 0)
			continue;
		f.data[f.length - 1] ^= 0x10;
		EXPECT_DROP(&f, DROP_tcp_checksum);
	}
}

BOTH(f7_nics_verdict_stands)
{
	struct wire_packet p;
	struct frame f;

	frame_segment(&f, family, TCP_ACK, 5);
	EXPECT_DROP_CSUM(&f, WIRE_L4_BAD, DROP_tcp_checksum);
	EXPECT_DROP_CSUM(&f, WIRE_IP_GOOD | WIRE_L4_BAD, DROP_tcp_checksum);
	f.data[f.l4 + 4] ^= 1;
	EXPECT_DROP_CSUM(&f, WIRE_IP_GOOD, DROP_tcp_checksum);
	EXPECT_KIND_CSUM(&f, WIRE_L4_GOOD, WIRE_TCP, &p);
	EXPECT_KIND_CSUM(&f, WIRE_IP_GOOD | WIRE_L4_GOOD, WIRE_TCP, &p);
}

/* D-3. */
BOTH(f8_port_0_at_either_end_is_dropped)
{
	struct wire_packet p;
	struct frame f;

	for (uint32_t at = 0; at <= 2; at += 2) {
		frame_segment(&f, family, TCP_SYN, 0);
		frame_set16(&f, f.l4 + at, 0);
		frame_finish(&f);
		EXPECT_DROP(&f, DROP_tcp_port_zero);
		frame_set16(&f, f.l4 + at, 0x0100);
		frame_finish(&f);
		EXPECT_KIND(&f, WIRE_TCP, &p);
	}
}

/* The order of rules.md section 2: each frame has all the faults after its own, too. */
BOTH(faults_are_found_in_the_order_of_the_rules)
{
	struct frame f;

	frame_segment(&f, family, TCP_RST, 0);
	frame_set16(&f, f.l4, 0);
	frame_finish(&f);
	EXPECT_DROP(&f, DROP_tcp_port_zero);
	f.data[f.l4 + 5] ^= 1;
	EXPECT_DROP(&f, DROP_tcp_checksum);
	f.data[f.l4 + 12] = 0x40;
	EXPECT_DROP(&f, DROP_tcp_header);
	if (family == 4) {
		frame_set16(&f, f.l3 + 6, 0x2000);
		frame_fix_ip(&f);
		EXPECT_DROP(&f, DROP_ip_fragment);
	}
	frame_set_addr(&f, frame_src(&f), FRAME_US4, FRAME_US6);
	frame_fix_ip(&f);
	EXPECT_DROP(&f, DROP_ip_source);
	frame_set_addr(&f, frame_dst(&f), FRAME_PEER4, FRAME_PEER6);
	frame_fix_ip(&f);
	EXPECT_DROP(&f, DROP_ip_not_ours);
	f.data[f.l3] = 0x15;
	EXPECT_DROP(&f, DROP_ip_header);
	f.data[0] ^= 2;
	EXPECT_DROP(&f, DROP_l2_not_ours);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linux_syn_is_read_whole),
		BOTH_TESTS(header_fields_are_read_in_host_order),
		BOTH_TESTS(reserved_bits_and_urgent_pointer_do_not_matter),
		BOTH_TESTS(f6_less_than_a_header_is_dropped),
		cmocka_unit_test(f6_no_tcp_at_all_is_dropped),
		BOTH_TESTS(f6_data_offset_under_5_or_past_the_segment_is_dropped),
		BOTH_TESTS(f7_any_wrong_bit_fails_the_checksum),
		BOTH_TESTS(f7_checksum_covers_addresses_and_protocol),
		BOTH_TESTS(f7_checksum_field_0_is_wrong_unless_it_is_right),
		BOTH_TESTS(f7_checksum_over_odd_lengths),
		BOTH_TESTS(f7_nics_verdict_stands),
		BOTH_TESTS(f8_port_0_at_either_end_is_dropped),
		BOTH_TESTS(faults_are_found_in_the_order_of_the_rules),
	};

	return cmocka_run_group_tests(tests, wire_test_setup, NULL);
}
