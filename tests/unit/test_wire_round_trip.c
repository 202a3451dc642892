/* SPDX-License-Identifier: BSD-3-Clause */
/* test_wire_round_trip.c - what wire_emit_tcp() writes, wire_parse() reads at the other end. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seed.h"
#include "wire_test.h"

/* The peer's host: all that is not ours. */
static struct addr_set peer_owned;
static struct addr_range4 peer_v4[2];
static struct addr_range6 peer_v6[2];
static struct wire_host peer_host = {
	.mac = {0x02, 0, 0, 0, 0, 0x02},
	.ttl = 64,
	.owned = &peer_owned,
};

static int
setup(void **state)
{
	static const struct addr_prefix prefixes[] = {{4, 5, {192}}, {6, 3, {0x60}}};

	addr_set_build(&peer_owned, prefixes, 2, peer_v4, peer_v6);
	return wire_test_setup(state);
}

static struct wire_l2
random_l2(struct seed *s)
{
	static const uint16_t tpids[] = {0x8100, 0x88a8, 0x9100};
	struct wire_l2 l2;

	memset(&l2, 0, sizeof(l2));
	memcpy(l2.peer, peer_host.mac, 6);
	l2.tags = (uint8_t)seed_below(s, WIRE_TAGS_MAX + 1);
	for (unsigned int i = 0; i < l2.tags; i++) {
		l2.tag[i].tpid = htons(tpids[seed_below(s, 3)]);
		l2.tag[i].tci = (uint16_t)seed_next(s);
	}
	return l2;
}

/* From an address of 10.0.0.0/8 or 2000::/8 to one of the peer's. */
static struct flow
random_flow(struct seed *s, uint8_t family)
{
	struct flow flow;

	memset(&flow, 0, sizeof(flow));
	flow.family = family;
	if (family == 4) {
		flow.v4.laddr = htonl(10u << 24 | (seed_next(s) & 0xffffff));
		flow.v4.raddr = htonl(192u << 24 | (seed_next(s) & 0x7ffffff));
		flow.v4.lport = htons((uint16_t)(1 + seed_below(s, 65535)));
		flow.v4.rport = htons((uint16_t)(1 + seed_below(s, 65535)));
	} else {
		seed_fill(s, flow.v6.laddr, 16);
		seed_fill(s, flow.v6.raddr, 16);
		flow.v6.laddr[0] = 0x20;
		flow.v6.raddr[0] = (uint8_t)(0x60 | (flow.v6.raddr[0] & 0x1f));
		flow.v6.lport = htons((uint16_t)(1 + seed_below(s, 65535)));
		flow.v6.rport = htons((uint16_t)(1 + seed_below(s, 65535)));
	}
	return flow;
}

static struct tcp_reply
random_reply(struct seed *s)
{
	struct tcp_reply r = {0};

	seed_fill(s, (uint8_t *)&r.seq, 4);
	seed_fill(s, (uint8_t *)&r.ack, 4);
	seed_fill(s, (uint8_t *)&r.tsval, 4);
	seed_fill(s, (uint8_t *)&r.tsecr, 4);
	r.wnd = (uint16_t)seed_next(s);
	r.mss = (uint16_t)seed_next(s);
	r.wscale = (uint8_t)seed_next(s);
	r.flags = (uint8_t)seed_next(s);
	r.options = (uint8_t)seed_next(s) & (r.flags & TCP_SYN ? 0x0f : TCP_OPT_TS);
	return r;
}

static void
expect_segment(const struct tcp_seg *seg, const struct tcp_reply *r)
{
	assert_int_equal(seg->seq, r->seq);
	assert_int_equal(seg->ack, r->ack);
	assert_int_equal(seg->wnd, r->wnd);
	assert_int_equal(seg->flags, r->flags);
	assert_int_equal(seg->text, 0);
	assert_int_equal(seg->options, r->options);
	if (r->options & TCP_OPT_TS) {
		assert_int_equal(seg->tsval, r->tsval);
		assert_int_equal(seg->tsecr, r->tsecr);
	}
	if (r->options & TCP_OPT_MSS)
		assert_int_equal(seg->mss, r->mss);
	if (r->options & TCP_OPT_WSCALE)
		assert_int_equal(seg->wscale, r->wscale);
}

/* The flow as the other end sees it. */
static void
expect_flow(const struct flow *there, const struct flow *here)
{
	assert_int_equal(there->family, here->family);
	assert_int_equal(flow_lport(there), flow_rport(here));
	assert_int_equal(flow_rport(there), flow_lport(here));
	if (here->family == 4) {
		assert_int_equal(there->v4.laddr, here->v4.raddr);
		assert_int_equal(there->v4.raddr, here->v4.laddr);
	} else {
		assert_memory_equal(there->v6.laddr, here->v6.raddr, 16);
		assert_memory_equal(there->v6.raddr, here->v6.laddr, 16);
	}
}

BOTH(peer_reads_what_was_written)
{
	struct seed s = seed_start(family == 4 ? "IPv4 round trip" : "IPv6 round trip");

	for (int i = 0; i < 100000; i++) {
		const struct wire_l2 l2 = random_l2(&s);
		const struct flow flow = random_flow(&s, (uint8_t)family);
		const struct tcp_reply reply = random_reply(&s);
		uint8_t *frame = malloc(WIRE_TCP_MAX);
		struct wire_lengths lengths;
		struct wire_packet p;
		uint32_t length;

		assert_non_null(frame);
		memset(frame, 0xa5, WIRE_TCP_MAX);
		length = wire_emit_tcp(&wire_test_host, &l2, &flow, &reply, frame, &lengths);
		assert_true(length <= WIRE_TCP_MAX);
		wire_parse(&peer_host, frame, length, 0, &p);
		free(frame);
		if (p.kind != WIRE_TCP)
			fail_msg("expected TCP, came %s, drop %s", wire_test_kind(p.kind),
				 drop_name(p.drop));
		assert_memory_equal(p.l2.peer, wire_test_host.mac, 6);
		assert_int_equal(p.l2.tags, l2.tags);
		assert_memory_equal(p.l2.tag, l2.tag, sizeof(l2.tag));
		assert_int_equal(p.l3, lengths.l2);
		assert_int_equal(p.l4, lengths.l2 + lengths.l3);
		assert_int_equal(p.l4_length, lengths.l4);
		expect_flow(&p.flow, &flow);
		expect_segment(&p.seg, &reply);
	}
}

/* The reply is written over the frame that asked for it. */
BOTH(reply_in_place_is_the_reply_elsewhere)
{
	struct seed s = seed_start(family == 4 ? "IPv4 in place" : "IPv6 in place");

	for (int i = 0; i < 10000; i++) {
		struct tcp_reply reply = random_reply(&s);
		struct wire_lengths lengths;
		uint8_t elsewhere[WIRE_TCP_MAX];
		struct wire_packet p;
		struct frame f;
		uint32_t length;

		frame_segment(&f, family, TCP_ACK, seed_below(&s, 100));
		wire_parse(&wire_test_host, f.data, f.length, 0, &p);
		assert_int_equal(p.kind, WIRE_TCP);
		length =
			wire_emit_tcp(&wire_test_host, &p.l2, &p.flow, &reply, elsewhere, &lengths);
		assert_int_equal(
			wire_emit_tcp(&wire_test_host, &p.l2, &p.flow, &reply, f.data, &lengths),
			length);
		assert_memory_equal(f.data, elsewhere, length);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_TESTS(peer_reads_what_was_written),
		BOTH_TESTS(reply_in_place_is_the_reply_elsewhere),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
