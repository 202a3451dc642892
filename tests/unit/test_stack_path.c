/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_path.c - a reply goes back to the Ethernet address and in the VLAN that the segment
 * came from; what no segment asked for goes where the connection's SYN came from. design.md, "The
 * configuration". */
#include "stack_harness.h"

/* The same end of a connection by another way. */
static struct stack_peer
by_way_of(const struct stack_peer *p, uint8_t mac, uint8_t tags)
{
	struct stack_peer other = *p;

	other.mac[5] = mac;
	other.tags = tags;
	other.tpid[0] = tags == 2 ? 0x88a8 : 0x8100;
	other.tci[0] = 0x2005;
	other.tpid[1] = 0x8100;
	other.tci[1] = 0x0064;
	return other;
}

STACK_TEST(design_reply_goes_back_the_way_of_its_segment)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer way;
	uint8_t tags;

	LISTEN(80, "accept", "hang", NULL);
	START();
	for (tags = 0; tags <= 2; tags++) {
		p.port++;
		p.seq = w.irs;
		way = by_way_of(&p, (uint8_t)(0x10 + tags), tags);
		HANDSHAKE(&way); /* TX() looks at address and tags */
		QUIET();
		SEND(&way, ACK, .seq = way.seq, .ack = way.ack, .text = 10);
		TX(&way, ACK, .seq = way.ack, .ack = way.seq + 10);
		/* And of nobody's segments. */
		way.lport = 99;
		SEND(&way, SYN, .seq = way.seq);
		TX(&way, RST | ACK, .ack = way.seq + 1);
	}
}

/* One connection, whose peer comes by another way now: the answers go there. */
STACK_TEST(design_reply_follows_a_peer_that_moves)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer moved;

	LISTEN(80, "accept", "hang", NULL);
	START();
	HANDSHAKE(&p);
	QUIET();
	moved = by_way_of(&p, 0x77, 1);
	SEND(&moved, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&moved, ACK, .seq = p.ack, .ack = p.seq + 10);
	SEND(&p, ACK, .seq = p.seq + 10, .ack = p.ack, .text = 10);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 20);
	CONNECTIONS(1);
}

STACK_TEST(design_syn_ack_is_repeated_the_way_of_its_syn)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer a = by_way_of(&p, 0x0a, 2), b = by_way_of(&p, 0x0b, 1);
	uint32_t iss;

	LISTEN(80, "accept", "hang", NULL);
	START();
	SEND(&a, SYN, .seq = a.seq);
	iss = TX(&a, SYN | ACK, .ack = a.seq + 1, .any_seq = true)->segment.seq;
	SEND(&b, SYN, .seq = b.seq);
	TX(&b, SYN | ACK, .seq = iss, .ack = b.seq + 1);
	PASS(1500);
	TX(&a, SYN | ACK, .seq = iss, .ack = a.seq + 1);
	QUIET();
}

STACK_TEST(design_delayed_syn_ack_goes_the_way_of_its_syn)
{
	struct stack_peer p = stack_peer(40000, 80), q = stack_peer(40001, 80);
	struct stack_peer a = by_way_of(&p, 0x0a, 1), b = by_way_of(&q, 0x0b, 2);

	LISTEN(80, "accept", "hang", NULL)->syn_ack_delay_ms = 50;
	START();
	RX(&a, SYN, .seq = a.seq);
	RX(&b, SYN, .seq = b.seq);
	BURST();
	QUIET();
	PASS(100);
	TX(&a, SYN | ACK, .ack = a.seq + 1, .any_seq = true);
	TX(&b, SYN | ACK, .ack = b.seq + 1, .any_seq = true);
}

STACK_TEST(design_what_the_application_causes_goes_the_way_of_the_connection)
{
	struct stack_peer p = stack_peer(40000, 80), q = stack_peer(40001, 80);
	struct stack_peer a = by_way_of(&p, 0x0a, 1), b = by_way_of(&q, 0x0b, 2);

	LISTEN(80, "accept", "sleep 100ms", "close", NULL);
	START();
	HANDSHAKE(&a);
	HANDSHAKE(&b);
	SEND(&b, ACK, .seq = b.seq, .ack = b.ack, .text = 10);
	TX(&b, ACK, .seq = b.ack, .ack = b.seq + 10);
	PASS(150);
	TX(&a, FIN | ACK, .seq = a.ack, .ack = a.seq);
	TX(&b, RST | ACK, .seq = b.ack, .ack = b.seq + 10);
	QUIET();
	PASS(250);
	TX(&a, FIN | ACK, .seq = a.ack, .ack = a.seq); /* sent again */
	stack_forget();
}

/* The peer moved during the handshake: its last word counts. */
STACK_TEST(design_established_connection_goes_the_way_of_its_ack)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer a = by_way_of(&p, 0x0a, 2), b = by_way_of(&p, 0x0b, 1);
	uint32_t iss;

	LISTEN(80, "accept", "sleep 100ms", "close", NULL);
	START();
	SEND(&a, SYN, .seq = a.seq);
	iss = TX(&a, SYN | ACK, .ack = a.seq + 1, .any_seq = true)->segment.seq;
	SEND(&b, ACK, .seq = b.seq + 1, .ack = iss + 1);
	QUIET();
	PASS(110);
	TX(&b, FIN | ACK, .seq = iss + 1, .ack = b.seq + 1);
	QUIET();
}

STACK_TEST(design_cookie_remembers_the_way_of_its_ack)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer a = by_way_of(&p, 0x0a, 0), b = by_way_of(&p, 0x0b, 1);
	uint32_t iss;

	LISTEN(80, "accept", "sleep 100ms", "linger 0", "close", NULL)->cookies = COOKIES_ALWAYS;
	START();
	SEND(&a, SYN, .seq = a.seq);
	iss = TX(&a, SYN | ACK, .ack = a.seq + 1, .any_seq = true)->segment.seq;
	SEND(&b, ACK, .seq = b.seq + 1, .ack = iss + 1);
	QUIET();
	PASS(150);
	TX(&b, RST | ACK, .seq = iss + 1, .ack = b.seq + 1);
	EMPTY_AFTER(0);
}

/* The n-th of very many. */
static struct stack_peer
nth_way(const struct stack_peer *p, unsigned int n)
{
	struct stack_peer way = by_way_of(p, 0, 1);

	way.mac[3] = (uint8_t)(n >> 16);
	way.mac[4] = (uint8_t)(n >> 8);
	way.mac[5] = (uint8_t)n;
	return way;
}

/* Ways are given back with their connections: many more come one after another than at once. */
STACK_TEST(design_ways_are_given_back)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer a, b;
	unsigned int i;
	uint32_t iss;

	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	START();
	for (i = 0; i < 70000; i++) {
		a = nth_way(&p, 2 * i);
		b = nth_way(&p, 2 * i + 1);
		SEND(&a, SYN, .seq = a.seq);
		iss = TX(&a, SYN | ACK, .ack = a.seq + 1, .any_seq = true)->segment.seq;
		SEND(&b, ACK, .seq = b.seq + 1, .ack = iss + 1);
		QUIET();
		SEND(&b, RST, .seq = b.seq + 1);
		story_begin();
	}
	SAME(70000, COUNTER(established));
	SAME(70000, COUNTER(closed));
	SAME(0, DROPPED(tcp_path_full));
	EMPTY_AFTER(0);
}

STACK_TEST(design_ways_are_not_taken_by_what_gets_no_entry)
{
	struct stack_peer p = stack_peer(40000, 80), q = stack_peer(40001, 80);
	struct stack_peer way;
	unsigned int i;

	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	w.conf.connections = 1;
	START();
	HANDSHAKE(&p);
	for (i = 0; i < 70000; i++) {
		way = nth_way(&q, i);
		SEND(&way, SYN, .seq = way.seq);
		story_begin();
	}
	QUIET();
	SAME(70000, DROPPED(tcp_table_full));
	SEND(&p, RST, .seq = p.seq);
	SEND(&way, SYN, .seq = way.seq);
	TX(&way, SYN | ACK, .ack = way.seq + 1, .any_seq = true);
}

/* 65,535 ways are in use at most; a SYN by one more gets no entry, one by a known way does. */
STACK_TEST(design_ways_may_run_out)
{
	struct stack_peer p = stack_peer(0, 80);
	struct stack_peer way;
	uint32_t iss = 0;
	unsigned int i;

	LISTEN(80, "accept", "sleep 10ms", "close", NULL)->cookies = COOKIES_NEVER;
	w.conf.connections = 70000;
	START();
	for (i = 0; i < 65535; i++) {
		p.port = (uint16_t)(i + 1);
		way = nth_way(&p, i);
		SEND(&way, SYN, .seq = way.seq);
		if (i == 4)
			iss = stack_peek(&way)->segment.seq;
		stack_forget();
		story_begin();
	}
	CONNECTIONS(65535);
	p.address = 3;
	p.port = 7;
	way = nth_way(&p, 70000);
	SEND(&way, SYN, .seq = way.seq);
	QUIET();
	SAME(1, DROPPED(tcp_path_full));
	way = nth_way(&p, 77);
	SEND(&way, SYN, .seq = way.seq);
	TX(&way, SYN | ACK, .ack = way.seq + 1, .any_seq = true);
	/* One that moves during its handshake is served the old way. */
	p.address = 2;
	p.port = 5;
	way = nth_way(&p, 70001);
	SEND(&way, ACK, .seq = way.seq + 1, .ack = iss + 1);
	QUIET();
	SAME(1, COUNTER(established));
	PASS(15);
	way = nth_way(&p, 4);
	TX(&way, FIN | ACK, .seq = iss + 1, .ack = way.seq + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_reply_goes_back_the_way_of_its_segment),
		cmocka_unit_test(design_reply_follows_a_peer_that_moves),
		cmocka_unit_test(design_syn_ack_is_repeated_the_way_of_its_syn),
		cmocka_unit_test(design_delayed_syn_ack_goes_the_way_of_its_syn),
		cmocka_unit_test(design_what_the_application_causes_goes_the_way_of_the_connection),
		cmocka_unit_test(design_established_connection_goes_the_way_of_its_ack),
		cmocka_unit_test(design_cookie_remembers_the_way_of_its_ack),
		cmocka_unit_test(design_ways_are_given_back),
		cmocka_unit_test(design_ways_are_not_taken_by_what_gets_no_entry),
		cmocka_unit_test(design_ways_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
