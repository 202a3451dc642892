/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_frames.c - all kinds of frames in a burst, each counted once; checksums left to the
 * NIC. design.md, "Control and sight". */
#include <stdlib.h>
#include <string.h>

#include "frame_other.h"
#include "stack_harness.h"

/* Frames that are not the harness's segments: they go into the burst as they are. */
static void
put(const struct frame *f)
{
	struct stack_frame *frame = &w.frames[w.rx_count++];

	*frame = (struct stack_frame){
		.length = f->length, .room = FRAME_MAX, .data = malloc(FRAME_MAX), .tcp = true};
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

/* Runs a burst of one frame, which must end so: answered or not. */
static void
run_one(struct story_where where, const struct frame *f, bool answered)
{
	uint32_t length;

	put(f);
	run(&length);
	story_same(where, "answered", answered, length != 0);
}

STACK_TEST(design_every_frame_ends_in_one_counter)
{
	uint32_t lengths[STACK_BURST_MAX];
	struct frame f;

	LISTEN(80, "accept", "hang", NULL);
	START();
	frame_arp(&f, 1);
	put(&f);
	frame_arp(&f, 77); /* not ours */
	put(&f);
	frame_echo(&f, w.family);
	put(&f);
	frame_echo(&f, w.family);
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
	SAME(w.owned.v4_count > 0 ? 1 : 2, DROPPED(arp_not_ours));
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
	run_one(HERE, &f, true);
	put(&f);
	w.frames[0].length = 0;
	put(&f);
	run(lengths);
	SAME(0, lengths[0]);
	TRUE(lengths[1] != 0);
	SAME(1, DROPPED(segmented));
}

STACK_TEST(design_arp_and_neighbour_solicitation)
{
	struct frame f;

	LISTEN(80, "accept", "hang", NULL);
	START();
	frame_arp(&f, 1);
	run_one(HERE, &f, w.owned.v4_count > 0);
	TRUE(!w.frames[0].tcp); /* the NIC fills in checksums of TCP alone */
	frame_arp(&f, 77);
	run_one(HERE, &f, false);
	SAME(w.owned.v4_count > 0 ? 1 : 2, DROPPED(arp_not_ours));
	frame_solicitation(&f, 1);
	run_one(HERE, &f, w.owned.v6_count > 0);
	frame_solicitation(&f, 77);
	run_one(HERE, &f, false);
	SAME(w.owned.v6_count > 0 ? 1 : 2, DROPPED(nd_not_ours));
	SAME(w.owned.v4_count + w.owned.v6_count, COUNTER(answered));
}

/* Nothing of one burst shows in the next, whose frames lie in the same places. */
STACK_TEST(style_bursts_leave_nothing_behind)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint64_t answered;
	struct frame f;

	LISTEN(80, "accept", "hang", NULL);
	START();
	HANDSHAKE(&p);
	frame_echo(&f, w.family);
	run_one(HERE, &f, true);
	frame_arp(&f, 77);
	run_one(HERE, &f, false);
	w.tx_total = COUNTER(tx);
	/* The first one's ACK is put together with the second's; then there is nothing to answer.
	 */
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	RX(&p, ACK, .seq = p.seq + 10, .ack = p.ack, .text = 10);
	BURST();
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 20);
	answered = COUNTER(answered);
	RX(&p, ACK, .seq = p.seq + 20, .ack = p.ack);
	RX(&p, ACK, .seq = p.seq + 20, .ack = p.ack);
	BURST();
	QUIET();
	SAME(answered, COUNTER(answered));
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

/* RFC 3168 6.1.1: ECE in a SYN-ACK would agree to what is not done here. */
STACK_TEST(rfc3168_6_1_1_syn_that_offers_ecn_gets_a_plain_syn_ack)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&p, SYN | TCP_ECE | TCP_CWR, .seq = p.seq);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	SEND(&p, ACK | TCP_CWR, .seq = p.seq + 1, .ack = p.ack, .text = 1);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 2);
	SEND(&p, RST, .seq = p.seq + 2);
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_every_frame_ends_in_one_counter),
		cmocka_unit_test(design_frame_in_several_buffers_is_dropped),
		cmocka_unit_test(design_arp_and_neighbour_solicitation),
		cmocka_unit_test(style_bursts_leave_nothing_behind),
		cmocka_unit_test(design_nic_says_whether_checksums_are_right),
		cmocka_unit_test(design_nic_fills_in_checksums),
		cmocka_unit_test(rfc3168_6_1_1_syn_that_offers_ecn_gets_a_plain_syn_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
