/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_listener.c - which listener a connection meets: chance, first, on. design.md, "The
 * configuration". Listeners show by the receive buffer in their SYN-ACK. */
#include "stack_harness.h"

static struct listener *
listener(uint32_t receive_buffer)
{
	struct listener *l = LISTEN(80, "accept", "hang", NULL);

	l->receive_buffer = receive_buffer;
	return l;
}

/* The window that the SYN-ACK for a SYN of that peer shows; 0: a RST came. */
static uint16_t
meets(const struct stack_peer *p)
{
	const struct stack_sent *sent;

	SEND(p, SYN, .seq = p->seq);
	sent = stack_peek(p);
	TRUE(sent != NULL);
	if (sent->segment.flags & RST) {
		TX(p, RST | ACK, .ack = p->seq + 1);
		return 0;
	}
	return TX(p, SYN | ACK, .ack = p->seq + 1, .any_seq = true)->segment.wnd;
}

/* Ends the handshake again. */
static void
leave(const struct stack_peer *p)
{
	SEND(p, RST, .seq = p->seq + 1);
	QUIET();
}

STACK_TEST(design_first_takes_so_many_connections)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	listener(1000)->first = 3;
	listener(2000);
	START();
	for (i = 0; i < 6; i++) {
		p.port++;
		SAME(i < 3 ? 1000 : 2000, meets(&p));
		leave(&p);
	}
	EMPTY_AFTER(0);
}

STACK_TEST(design_first_and_then_nobody)
{
	struct stack_peer p = stack_peer(40000, 80);

	listener(1000)->first = 1;
	START();
	HANDSHAKE(&p);
	QUIET();
	p.port++;
	p.seq = w.irs;
	SAME(0, meets(&p));
	SAME(1, RESETS(NO_LISTENER) + RESETS(NO_CONNECTION));
	CONNECTIONS(1);
}

/* A SYN that comes again is the same connection. */
STACK_TEST(design_first_counts_connections_and_not_segments)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	listener(1000)->first = 2;
	listener(2000);
	START();
	for (i = 0; i < 5; i++)
		SAME(1000, meets(&p));
	p.port++;
	SAME(1000, meets(&p));
	p.port++;
	SAME(2000, meets(&p));
}

STACK_TEST(design_chance_draws_its_share)
{
	struct stack_peer p = stack_peer(30000, 80);
	unsigned int share = 0;
	uint16_t wnd;
	int i;

	listener(1000)->chance = LISTENER_CHANCE_ALWAYS / 4;
	listener(2000);
	START();
	for (i = 0; i < 2000; i++) {
		p.port++;
		wnd = meets(&p);
		TRUE(wnd == 1000 || wnd == 2000);
		share += wnd == 1000;
		leave(&p);
	}
	/* 500, and 19 is a standard deviation. */
	TRUE(share > 400 && share < 600);
}

STACK_TEST(design_chance_of_none_and_of_all)
{
	struct stack_peer p = stack_peer(30000, 80);
	int i;

	listener(1000)->chance = 0;
	listener(2000);
	listener(3000);
	START();
	for (i = 0; i < 200; i++) {
		p.port++;
		SAME(2000, meets(&p));
		leave(&p);
	}
}

/* The rest falls through, and what nobody takes is refused. */
STACK_TEST(design_chance_leaves_the_rest_to_nobody)
{
	struct stack_peer p = stack_peer(30000, 80);
	unsigned int refused = 0;
	int i;

	listener(1000)->chance = LISTENER_CHANCE_ALWAYS / 2;
	START();
	for (i = 0; i < 1000; i++) {
		p.port++;
		if (meets(&p) == 0)
			refused++;
		else
			leave(&p);
	}
	TRUE(refused > 400 && refused < 600);
}

/* All segments of one handshake meet the same listener, and so does a SYN that comes again. */
STACK_TEST(design_chance_is_drawn_once_for_a_handshake)
{
	struct stack_peer p = stack_peer(30000, 80);
	uint16_t wnd;
	int i, j;

	listener(1000)->chance = LISTENER_CHANCE_ALWAYS / 2;
	listener(2000);
	w.listeners[0].cookies = COOKIES_ALWAYS;
	w.listeners[1].cookies = COOKIES_ALWAYS;
	START();
	for (i = 0; i < 60; i++) {
		p.port++;
		p.seq = w.irs;
		wnd = meets(&p);
		for (j = 0; j < 3; j++)
			SAME(wnd, meets(&p));
		HANDSHAKE(&p);
		QUIET();
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100, .wnd_is = true,
		   .wnd = (uint16_t)(wnd - 100));
	}
	CONNECTIONS(60);
}

/* Two addresses are owned, and l is on the second of them. */
static void
put_on_second(struct listener *l)
{
	static struct addr_range4 r4;
	static struct addr_range6 r6;
	static struct addr_set on;
	struct addr_prefix prefix = {.family = (uint8_t)w.family,
				     .length = w.family == 4 ? 32 : 128};

	if (w.family == 4) {
		w.owned4[0].last++;
		prefix.addr[0] = 10;
		prefix.addr[1] = 9;
		prefix.addr[3] = 2;
	} else {
		w.owned6[0].last[15]++;
		prefix.addr[0] = 0xfd;
		prefix.addr[1] = 0x09;
		prefix.addr[15] = 2;
	}
	addr_set_build(&on, &prefix, 1, &r4, &r6);
	l->on = &on;
}

STACK_TEST(design_listener_is_on_its_addresses)
{
	struct stack_peer p = stack_peer(40000, 80), q = stack_peer(40001, 80);

	put_on_second(listener(1000));
	listener(2000);
	START();
	p.address = q.address = 9;
	p.local = 1;
	q.local = 2;
	SAME(2000, meets(&p));
	SAME(1000, meets(&q));
	/* The same ports on both addresses are two connections. */
	q.port = p.port;
	SAME(1000, meets(&q));
	CONNECTIONS(3);
}

/* ... and if no other has its port, nobody is on the rest. */
STACK_TEST(design_lone_listener_is_on_its_addresses)
{
	struct stack_peer p = stack_peer(40000, 80);

	put_on_second(listener(1000));
	START();
	p.address = 9;
	p.local = 1;
	SAME(0, meets(&p));
	p.local = 2;
	SAME(1000, meets(&p));
	CONNECTIONS(1);
}

STACK_TEST(design_listeners_have_a_port_each)
{
	struct stack_peer p = stack_peer(40000, 80);

	listener(1000);
	LISTEN(81, "accept", "hang", NULL)->receive_buffer = 2000;
	w.ports[1] = (struct port_range){81, 90};
	START();
	SAME(1000, meets(&p));
	p.lport = 81;
	SAME(2000, meets(&p));
	p.lport = 90;
	SAME(2000, meets(&p));
	p.lport = 91;
	SAME(0, meets(&p));
	p.lport = 79;
	SAME(0, meets(&p));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_first_takes_so_many_connections),
		cmocka_unit_test(design_first_and_then_nobody),
		cmocka_unit_test(design_first_counts_connections_and_not_segments),
		cmocka_unit_test(design_chance_draws_its_share),
		cmocka_unit_test(design_chance_of_none_and_of_all),
		cmocka_unit_test(design_chance_leaves_the_rest_to_nobody),
		cmocka_unit_test(design_chance_is_drawn_once_for_a_handshake),
		cmocka_unit_test(design_listener_is_on_its_addresses),
		cmocka_unit_test(design_lone_listener_is_on_its_addresses),
		cmocka_unit_test(design_listeners_have_a_port_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
