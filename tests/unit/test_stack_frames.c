/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_frames.c - all kinds of frames in a burst, each counted once; both families on one
 * host; checksums left to the NIC; many timers at once. design.md, "Control and sight", "Shape". */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "stack_harness.h"

/* Frames that are not the harness's segments: they go into the burst as they are. */
static void
put(const struct frame *f)
{
	struct stack_frame *frame = &w.frames[w.rx_count++];

	*frame = (struct stack_frame){
		.length = f->length, .room = FRAME_MAX, .data = malloc(FRAME_MAX)};
	assert_non_null(frame->data);
	memcpy(frame->data, f->data, f->length);
}

/* Runs the burst; the length of each frame's reply is in lengths. */
static void
run(uint32_t *lengths)
{
	const struct stack_counters *c = stack_counters(w.s);
	uint64_t dropped = 0;
	unsigned int i;

	stack_burst(w.s, w.frames, w.rx_count, w.now);
	for (i = 0; i < w.rx_count; i++) {
		lengths[i] = w.frames[i].length;
		free(w.frames[i].data);
	}
	w.rx_total += w.rx_count;
	w.rx_count = 0;
	for (i = 0; i < DROP_COUNT; i++)
		dropped += c->dropped[i];
	SAME(w.rx_total, c->rx);
	SAME(c->rx, c->answered + c->consumed + dropped);
}

static void
make_arp(struct frame *f, uint8_t target)
{
	static const uint8_t FIXED[8] = {0, 1, 8, 0, 6, 4, 0, 1};

	frame_start(f, FRAME_BROADCAST, FRAME_PEER_MAC);
	frame_put16(f, 0x0806);
	frame_put(f, FIXED, sizeof(FIXED));
	frame_put(f, FRAME_PEER_MAC, 6);
	frame_put(f, FRAME_PEER4, 4);
	frame_put(f, (const uint8_t[6]){0}, 6);
	frame_put(f, FRAME_US4, 3);
	frame_put8(f, target);
}

static void
make_echo(struct frame *f, int family)
{
	frame_start(f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_ip(f, family, family == 4 ? 1 : 58);
	frame_put8(f, family == 4 ? 8 : 128);
	frame_put8(f, 0);
	frame_put16(f, 0);
	frame_put32(f, 0x00010002);
	frame_put32(f, 0xdeadbeef);
	frame_finish(f);
}

STACK_TEST(design_every_frame_ends_in_one_counter)
{
	uint32_t lengths[STACK_BURST_MAX];
	struct frame f;

	LISTEN(80, "accept", "hang", NULL);
	START();
	make_arp(&f, 1);
	put(&f);
	make_arp(&f, 77); /* not ours */
	put(&f);
	make_echo(&f, w.family);
	put(&f);
	make_echo(&f, w.family);
	f.data[f.length - 1] ^= 1; /* its checksum is wrong now */
	put(&f);
	frame_segment(&f, w.family, SYN, 0);
	put(&f);
	frame_segment(&f, w.family, SYN, 0);
	f.data[f.l4 + 5] ^= 1;
	put(&f);
	frame_segment(&f, w.family, FIN, 3);
	put(&f);
	f.length = 13;
	put(&f);
	frame_start(&f, FRAME_US_MAC, FRAME_PEER_MAC);
	frame_put16(&f, 0x88cc);
	put(&f);
	run(lengths);
	SAME(w.owned.v4_count > 0, lengths[0] != 0);
	SAME(0, lengths[1]);
	TRUE(lengths[2] != 0);
	SAME(0, lengths[3]);
	TRUE(lengths[4] != 0);
	SAME(0, lengths[5]);
	SAME(1, DROPPED(icmp_checksum));
	SAME(1, DROPPED(tcp_checksum));
	SAME(1, DROPPED(l2_runt));
	SAME(1, DROPPED(l2_type));
	/* The FIN is the SYN's connection's by now: without an ACK. */
	SAME(1, DROPPED(tcp_no_ack) + DROPPED(tcp_listen));
	SAME(w.owned.v4_count > 0 ? 3 : 2, COUNTER(answered));
	SAME(COUNTER(answered), COUNTER(tx));
}

STACK_TEST(design_frame_in_several_buffers_is_dropped)
{
	uint32_t lengths[STACK_BURST_MAX];
	struct frame f;

	LISTEN(80, "accept", "hang", NULL);
	START();
	frame_segment(&f, w.family, SYN, 0);
	put(&f);
	w.frames[0].length = 0;
	put(&f);
	run(lengths);
	SAME(0, lengths[0]);
	TRUE(lengths[1] != 0);
	SAME(1, DROPPED(segmented));
}

/* The NIC's verdict counts where it gives one. */
STACK_TEST(design_nic_says_whether_checksums_are_right)
{
	static const uint8_t BAD = WIRE_L4_BAD, GOOD = WIRE_IP_GOOD | WIRE_L4_GOOD;
	uint32_t lengths[STACK_BURST_MAX];
	struct frame f;

	LISTEN(80, "accept", "hang", NULL);
	START();
	frame_segment(&f, w.family, SYN, 0);
	put(&f);
	w.frames[0].csum = BAD;
	f.data[f.l4 + 16] ^= 0x55; /* wrong, but the NIC says that it has looked */
	put(&f);
	w.frames[1].csum = GOOD;
	run(lengths);
	SAME(0, lengths[0]);
	TRUE(lengths[1] != 0);
	SAME(1, DROPPED(tcp_checksum));
}

/* The harness reads the sums that are left to the NIC. */
STACK_TEST(design_nic_fills_in_checksums)
{
	static const uint8_t OFFLOADS[] = {WIRE_TX_TCP, WIRE_TX_IP, WIRE_TX_TCP | WIRE_TX_IP};
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer q = stack_peer(40000, 99);
	size_t i;

	LISTEN(80, "accept", "sleep 10ms", "close", NULL);
	for (i = 0; i < COUNT(OFFLOADS); i++) {
		w.conf.tx_offload = OFFLOADS[i];
		free(w.memory);
		w.rx_total = w.tx_total = 0;
		START();
		p.seq = w.irs;
		HANDSHAKE(&p);
		PASS(20);
		TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
		SEND(&q, SYN, .seq = q.seq);
		TX(&q, RST | ACK, .ack = q.seq + 1);
	}
}

/* One table for both families: together they are as many as "connections" says. */
STACK_TEST(design_both_families_share_the_table)
{
	struct stack_peer p[5];
	unsigned int i;

	if (w.owned.v4_count == 0 || w.owned.v6_count == 0)
		return;
	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	w.conf.connections = 4;
	START();
	for (i = 0; i < 4; i++) {
		p[i] = stack_peer(40000, 80);
		p[i].family = i % 2 ? 4 : 6;
		p[i].port = (uint16_t)(40000 + i / 2);
		HANDSHAKE(&p[i]);
		QUIET();
	}
	CONNECTIONS(4);
	for (i = 0; i < 2; i++) {
		p[4] = stack_peer(50000, 80);
		p[4].family = i % 2 ? 4 : 6;
		SEND(&p[4], SYN, .seq = p[4].seq);
		QUIET();
		SAME(i + 1, DROPPED(tcp_table_full));
	}
	/* In one burst, each in its own. */
	for (i = 0; i < 4; i++)
		RX(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack, .text = 10 + i);
	BURST();
	for (i = 0; i < 4; i++)
		TX(&p[i], ACK, .seq = p[i].ack, .ack = p[i].seq + 10 + i);
	/* What one family gives back the other can have. */
	SEND(&p[0], RST, .seq = p[0].seq + 10);
	p[4] = stack_peer(50000, 80);
	p[4].family = 4;
	HANDSHAKE(&p[4]);
	QUIET();
	CONNECTIONS(4);
}

/* More than stack_output() holds at once are due in the same millisecond. */
STACK_TEST(design_many_timers_are_due_at_once)
{
	enum { MANY = 900 };
	struct stack_peer p = stack_peer(40000, 80);
	unsigned int i;

	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	w.conf.connections = MANY;
	START();
	for (i = 0; i < MANY; i++) {
		p.port = (uint16_t)(40000 + i);
		SEND(&p, SYN, .seq = p.seq);
		stack_forget();
	}
	MARK();
	PASS(1005);
	for (i = 0; i < MANY; i++) {
		p.port = (uint16_t)(40000 + i);
		TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .after_ms = 1000);
		story_begin();
	}
	QUIET();
	SAME(MANY, COUNTER(syn_ack_retransmitted));
	for (i = 0; i < MANY; i++) {
		p.port = (uint16_t)(40000 + i);
		SEND(&p, RST, .seq = p.seq + 1);
	}
	EMPTY_AFTER(0);
}

/* RFC 7323 5.4: a tick of 1 ms to 1 s, and never backwards; TSval is never 0 (3.2). */
STACK_TEST(rfc7323_5_4_timestamp_clock)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t last, now;
	int i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p.syn_options |= TCP_OPT_TS;
	HANDSHAKE(&p);
	SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
	last = TX(&p, ACK, .seq = p.ack, .ack = p.seq)->segment.tsval;
	for (i = 0; i < 10; i++) {
		PASS(5000);
		SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
		now = TX(&p, ACK, .seq = p.ack, .ack = p.seq)->segment.tsval;
		TRUE(now - last >= 5 && now - last <= 5001);
		last = now;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_every_frame_ends_in_one_counter),
		cmocka_unit_test(design_frame_in_several_buffers_is_dropped),
		cmocka_unit_test(design_nic_says_whether_checksums_are_right),
		cmocka_unit_test(design_nic_fills_in_checksums),
		cmocka_unit_test(design_both_families_share_the_table),
		cmocka_unit_test(design_many_timers_are_due_at_once),
		cmocka_unit_test(rfc7323_5_4_timestamp_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
