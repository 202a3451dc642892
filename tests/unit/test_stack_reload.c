/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_reload.c - a new configuration under live connections, and what can be seen of both.
 * design.md, "Control and sight". */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "text_harness.h"

static struct listener_index second;
static uint16_t *second_numbers;

/* The listeners from number on are those of the new configuration. */
static void
reload(uint16_t number)
{
	struct stack_conf conf = w.conf;
	uint16_t count = (uint16_t)(w.listener_count - number);

	second_numbers =
		malloc((listener_index_numbers(w.listeners, number, count) + 1) * sizeof(uint16_t));
	assert_non_null(second_numbers);
	listener_index_build(&second, w.listeners, number, count, second_numbers);
	conf.index = &second;
	stack_reload(w.s, &conf);
}

static void
done(void)
{
	EMPTY_AFTER(0);
	free(second_numbers);
}

/* Connections go on with the listener and script that they have; new ones get the new. */
STACK_TEST(design_reload_connections_keep_their_script)
{
	struct stack_peer old = stack_peer(40000, 80);
	struct stack_peer half = stack_peer(40001, 80);
	struct stack_peer fresh = stack_peer(40002, 80);

	LISTEN(80, "accept", "read 5", "write \"old\"", "read", "write \"er\"", "close", NULL)
		->receive_buffer = 1000;
	START();
	HANDSHAKE(&old);
	SEND(&half, SYN, .seq = half.seq++);
	half.ack =
		TX(&half, SYN | ACK, .ack = half.seq, .any_seq = true, .wnd_is = true, .wnd = 1000)
			->segment.seq +
		1;
	LISTEN(80, "accept", "write \"new\"", "hang", NULL)->receive_buffer = 2000;
	reload(1);
	SEND(&old, PSH | ACK, .seq = old.seq, .ack = old.ack, .text = 5);
	TX(&old, PSH | ACK, .seq = old.ack, .ack = old.seq + 5, .text = 3, .bytes = "old",
	   .wnd_is = true, .wnd = 1000);
	/* The handshake belongs to the listener that its SYN met. */
	SEND(&half, ACK, .seq = half.seq, .ack = half.ack);
	QUIET();
	SEND(&half, PSH | ACK, .seq = half.seq, .ack = half.ack, .text = 5);
	TX(&half, PSH | ACK, .seq = half.ack, .ack = half.seq + 5, .text = 3, .bytes = "old");
	SEND(&fresh, SYN, .seq = fresh.seq++);
	fresh.ack = TX(&fresh, SYN | ACK, .ack = fresh.seq, .any_seq = true, .wnd_is = true,
		       .wnd = 2000)
			    ->segment.seq +
		    1;
	SEND(&fresh, ACK, .seq = fresh.seq, .ack = fresh.ack);
	TX(&fresh, PSH | ACK, .seq = fresh.ack, .ack = fresh.seq, .text = 3, .bytes = "new");
	SAME(2, stack_listener_state(w.s, 0).alive);
	SAME(2, stack_listener_state(w.s, 0).taken);
	SAME(1, stack_listener_state(w.s, 1).alive);
	SAME(1, stack_listener_state(w.s, 1).taken);
	/* To the end. */
	SEND(&old, PSH | ACK, .seq = old.seq + 5, .ack = old.ack + 3, .text = 1);
	TX(&old, PSH | ACK, .seq = old.ack + 3, .ack = old.seq + 6, .text = 2, .bytes = "er");
	TX(&old, FIN | ACK, .seq = old.ack + 5, .ack = old.seq + 6);
	SEND(&old, RST, .seq = old.seq + 6);
	SAME(1, stack_listener_state(w.s, 0).alive);
	SEND(&half, RST, .seq = half.seq + 5);
	SAME(0, stack_listener_state(w.s, 0).alive);
	SEND(&fresh, RST, .seq = fresh.seq);
	SAME(0, stack_listener_state(w.s, 1).alive);
	done();
}

/* Ports come and go; connections of one that is gone stay. */
STACK_TEST(design_reload_ports)
{
	struct stack_peer old = stack_peer(40000, 80);
	struct stack_peer p = stack_peer(40001, 80);
	struct stack_peer q = stack_peer(40001, 81);

	LISTEN(80, "accept", "hang", NULL);
	START();
	HANDSHAKE(&old);
	SEND(&q, SYN, .seq = q.seq);
	TX(&q, RST | ACK, .ack = q.seq + 1);
	SAME(1, RESETS(NO_LISTENER));
	LISTEN(81, "accept", "hang", NULL);
	reload(1);
	SEND(&p, SYN, .seq = p.seq);
	TX(&p, RST | ACK, .ack = p.seq + 1);
	SAME(2, RESETS(NO_LISTENER));
	HANDSHAKE(&q);
	SEND(&old, PSH | ACK, .seq = old.seq, .ack = old.ack, .text = 7);
	TX(&old, ACK, .seq = old.ack, .ack = old.seq + 7);
	SEND(&old, RST, .seq = old.seq + 7);
	SEND(&q, RST, .seq = q.seq);
	done();
}

/* RFC 9293 3.10.7.1: a SYN that TIME-WAIT would give way to meets no listener any more, and is
 * answered as any other on a closed port. TIME-WAIT goes on. */
STACK_TEST(design_reload_time_wait_outlives_its_listener)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "close", NULL);
	START();
	HANDSHAKE(&p);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	LISTEN(81, "accept", "hang", NULL);
	reload(1);
	SEND(&p, SYN, .seq = p.seq + 1000);
	TX(&p, RST | ACK, .ack = p.seq + 1001);
	SAME(1, RESETS(NO_LISTENER));
	CONNECTIONS(1);
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	EMPTY_AFTER(60100);
	free(second_numbers);
}

STACK_TEST(design_reload_of_the_host)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer q = stack_peer(40000, 9);

	LISTEN(80, "accept", "close", NULL);
	START();
	HANDSHAKE(&p);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	w.conf.closed = STACK_CLOSED_DROP;
	w.conf.msl_ms = 500;
	LISTEN(80, "accept", "close", NULL);
	reload(1);
	SEND(&q, SYN, .seq = q.seq);
	QUIET();
	SAME(1, DROPPED(tcp_closed));
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	PASS(990);
	CONNECTIONS(1);
	PASS(20);
	done();
}

/* Numbers go on: those of a reloaded host are not drawn from another secret. */
STACK_TEST(design_reload_keeps_the_secrets)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer c = stack_peer(40001, 81);
	uint32_t iss;

	w.conf.isn_clock_stopped = true;
	LISTEN(80, "accept", "hang", NULL);
	LISTEN(81, "accept", "hang", NULL)->cookies = COOKIES_ALWAYS;
	START();
	SEND(&p, SYN, .seq = p.seq);
	iss = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq;
	SEND(&p, RST, .seq = p.seq + 1);
	SEND(&c, SYN, .seq = c.seq++);
	c.ack = TX(&c, SYN | ACK, .ack = c.seq, .any_seq = true)->segment.seq + 1;
	LISTEN(80, "accept", "hang", NULL);
	LISTEN(81, "accept", "hang", NULL)->cookies = COOKIES_ALWAYS;
	w.conf.secret.k0 ^= 1;
	w.conf.cookie_secret.k0 ^= 1;
	reload(2);
	SEND(&p, SYN, .seq = p.seq);
	TX(&p, SYN | ACK, .seq = iss, .ack = p.seq + 1);
	SEND(&p, RST, .seq = p.seq + 1);
	SEND(&c, ACK, .seq = c.seq, .ack = c.ack);
	QUIET();
	CONNECTIONS(1);
	SEND(&c, RST, .seq = c.seq);
	done();
}

/* A script's text lives as long as what points at it. */
STACK_TEST(design_reload_in_the_midst_of_a_write)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct text_reader *r;

	LISTEN(80, "accept", "write @text", "write @text", "close", NULL)->send_buffer = 500;
	text_of_write(text_pattern(), 10000);
	text_of_write(text_pattern() + 10000, 5000);
	START();
	HANDSHAKE(&p);
	r = text_reader(&p, text_pattern(), 15000);
	text_take(r);
	LISTEN(80, "accept", "close", NULL);
	reload(1);
	text_send_ack(r);
	BURST();
	text_read(r);
	SAME(15000, r->taken);
	TRUE(r->fin);
	SAME(1, stack_listener_state(w.s, 0).alive);
	SEND(&p, RST, .seq = p.seq);
	SAME(0, stack_listener_state(w.s, 0).alive);
	done();
}

/* What is no longer owned is no longer spoken for: neither text nor a FIN is sent from there again,
 * and no configuration is kept for it. */
STACK_TEST(design_reload_forgets_connections_of_addresses_that_are_gone)
{
	struct stack_peer p = stack_peer(40000, 80), q = stack_peer(40001, 81);
	struct addr_prefix prefixes[2] = {
		{.family = (uint8_t)w.family, .length = (uint8_t)(w.family == 4 ? 32 : 128)},
		{.family = (uint8_t)(10 - w.family), .length = (uint8_t)(w.family == 4 ? 128 : 32)},
	};
	static struct addr_set owned;
	static struct addr_range4 owned4[2];
	static struct addr_range6 owned6[2];
	bool both = w.owned.v4_count > 0 && w.owned.v6_count > 0;

	/* Another address of the family, and all that was owned of the other one. */
	memcpy(prefixes[0].addr, w.family == 4 ? FRAME_US4 : FRAME_US6, w.family == 4 ? 4 : 16);
	prefixes[0].addr[w.family == 4 ? 3 : 15] ^= 0x40;
	memcpy(prefixes[1].addr, w.family == 4 ? FRAME_US6 : FRAME_US4, w.family == 4 ? 16 : 4);
	addr_set_build(&owned, prefixes, both ? 2 : 1, owned4, owned6);

	LISTEN(80, "accept", "write @text", "hang", NULL);
	text_of_write(text_pattern(), 5000);
	LISTEN(81, "accept", "hang", NULL);
	START();
	HANDSHAKE(&p);
	stack_forget();
	if (both)
		q.family = 10 - w.family;
	HANDSHAKE(&q);
	CONNECTIONS(2);
	w.conf.owned = &owned;
	LISTEN(80, "accept", "hang", NULL);
	reload(2);
	CONNECTIONS(both);
	SAME(0, stack_listener_state(w.s, 0).alive);
	SAME(both, stack_listener_state(w.s, 1).alive);
	PASS(120000);
	QUIET();
	if (both)
		SEND(&q, RST, .seq = q.seq);
	done();
}

/* --- What can be seen --- */

static struct stack_connection
see(const struct stack_peer *p)
{
	struct stack_connection c, found = {.state = TCP_STATES};
	uint32_t i, count = 0;

	for (i = 0; i < stack_places(w.s); i++) {
		if (!stack_connection_at(w.s, i, &c))
			continue;
		count++;
		if (ntohs(flow_rport(&c.flow)) == p->port && ntohs(flow_lport(&c.flow)) == p->lport)
			found = c;
	}
	CONNECTIONS(count);
	TRUE(found.state != TCP_STATES);
	SAME((uint64_t)p->family, found.flow.family);
	return found;
}

STACK_TEST(design_connections_are_seen)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct stack_peer q = stack_peer(40001, 81);
	struct stack_connection c;

	LISTEN(80, "accept", "read 4", "write @text", "read 10", "close", NULL)->send_buffer = 100;
	text_of_write(text_pattern(), 2000);
	LISTEN(81, NULL);
	START();
	SEND(&p, SYN, .seq = p.seq++);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq, .any_seq = true)->segment.seq + 1;
	c = see(&p);
	SAME(TCP_SYN_RECEIVED, c.state);
	SAME(0, c.listener);
	SAME(SCRIPT_ACCEPT, c.step->call);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	HANDSHAKE(&q);
	c = see(&p);
	SAME(TCP_ESTABLISHED, c.state);
	SAME(SCRIPT_READ, c.step->call);
	SAME(0, c.unread);
	SAME(0, c.unacked);
	TRUE(!c.closed);
	c = see(&q);
	SAME(TCP_ESTABLISHED, c.state);
	SAME(1, c.listener);
	SAME(SCRIPT_HANG, c.step->call);
	SAME(1, stack_listener_state(w.s, 1).waiting);
	SAME(0, stack_listener_state(w.s, 0).waiting);
	SEND(&q, PSH | ACK, .seq = q.seq, .ack = q.ack, .text = 77);
	stack_forget();
	SAME(77, see(&q).unread);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 9);
	stack_forget();
	c = see(&p);
	SAME(SCRIPT_WRITE, c.step->call);
	SAME(5, c.unread);
	SAME(2000, c.unacked);
	SEND(&p, ACK, .seq = p.seq + 9, .ack = p.ack + 1950);
	stack_forget();
	c = see(&p);
	/* A read takes what comes; nothing lies in the buffer. */
	SAME(SCRIPT_READ, c.step->call);
	SAME(0, c.unread);
	SAME(50, c.unacked);
	SEND(&p, PSH | ACK, .seq = p.seq + 9, .ack = p.ack + 2000, .text = 5);
	stack_forget();
	c = see(&p);
	SAME(TCP_FIN_WAIT_1, c.state);
	SAME(0, c.unacked);
	TRUE(c.closed);
	SEND(&p, RST, .seq = p.seq + 14);
	SEND(&q, RST, .seq = q.seq + 77);
	SAME(0, stack_listener_state(w.s, 1).waiting);
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_reload_connections_keep_their_script),
		cmocka_unit_test(design_reload_ports),
		cmocka_unit_test(design_reload_time_wait_outlives_its_listener),
		cmocka_unit_test(design_reload_of_the_host),
		cmocka_unit_test(design_reload_keeps_the_secrets),
		cmocka_unit_test(design_reload_in_the_midst_of_a_write),
		cmocka_unit_test(design_reload_forgets_connections_of_addresses_that_are_gone),
		cmocka_unit_test(design_connections_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
