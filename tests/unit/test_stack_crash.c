/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_crash.c - a host that crashes and is started again: design.md, the table's rows 5 and
 * 5b; rules.md section 6.1. */
#include <stdlib.h>
#include <string.h>

#include "byte_queue.h"
#include "frame.h"
#include "text_harness.h"

/* RFC 9293 3.5.1 "half-open connections": whatever comes of what was, but RST, draws a RST. */
static void
is_forgotten(struct stack_peer *p)
{
	uint64_t resets = RESETS(NO_CONNECTION);

	SEND(p, ACK, .seq = p->seq, .ack = p->ack);
	TX(p, RST, .seq = p->ack);
	SEND(p, PSH | ACK, .seq = p->seq, .ack = p->ack + 7, .text = 10);
	TX(p, RST, .seq = p->ack + 7);
	SEND(p, FIN | ACK, .seq = p->seq, .ack = p->ack);
	TX(p, RST, .seq = p->ack);
	/* A keepalive probe. */
	SEND(p, ACK, .seq = p->seq - 1, .ack = p->ack);
	TX(p, RST, .seq = p->ack);
	SAME(resets + 4, RESETS(NO_CONNECTION));
	SEND(p, RST, .seq = p->seq);
	QUIET();
}

STACK_TEST(design_5_every_connection_is_forgotten)
{
	struct stack_peer p[6];
	struct stack_listener_state l;
	uint64_t rx;
	int i;

	LISTEN(80, "accept", "read 1000", "write \"hello\"", "close", NULL);
	LISTEN(81, NULL);
	LISTEN(82, "accept", "close", NULL);
	START();
	for (i = 0; i < 6; i++)
		p[i] = stack_peer((uint16_t)(40000 + i), (uint16_t)(80 + i % 3));
	/* With text unread; in an accept queue; FIN-WAIT-1; TIME-WAIT; two handshakes. */
	HANDSHAKE(&p[0]);
	SEND(&p[0], PSH | ACK, .seq = p[0].seq, .ack = p[0].ack, .text = 10);
	stack_forget();
	HANDSHAKE(&p[1]);
	HANDSHAKE(&p[2]);
	stack_forget();
	HANDSHAKE(&p[5]);
	stack_forget();
	SEND(&p[5], FIN | ACK, .seq = p[5].seq, .ack = p[5].ack + 1);
	stack_forget();
	for (i = 3; i < 5; i++) {
		SEND(&p[i], SYN, .seq = p[i].seq++);
		p[i].ack = TX(&p[i], SYN | ACK, .ack = p[i].seq, .any_seq = true)->segment.seq + 1;
	}
	CONNECTIONS(6);
	rx = COUNTER(rx);
	SAME(6, stack_crash(w.s, w.now));
	CONNECTIONS(0);
	SAME(0, stack_half_open(w.s));
	SAME(rx, COUNTER(rx));
	SAME(6, COUNTER(opened));
	SAME(6, COUNTER(closed));
	SAME(4, COUNTER(established));
	for (i = 0; i < 3; i++) {
		l = stack_listener_state(w.s, (uint16_t)i);
		SAME(0, l.taken);
		SAME(0, l.waiting);
		SAME(0, l.alive);
	}
	EMPTY_AFTER(100000);
	for (i = 0; i < 6; i++)
		is_forgotten(&p[i]);
	SAME(0, stack_crash(w.s, w.now));
	EMPTY_AFTER(0);
}

/* Initial sequence numbers come of a new secret. RFC 6528 3. */
STACK_TEST(design_5_new_initial_sequence_numbers)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t iss[3];
	int i;

	w.conf.isn_clock_stopped = true;
	LISTEN(80, "accept", "hang", NULL);
	START();
	for (i = 0; i < 3; i++) {
		SEND(&p, SYN, .seq = p.seq);
		iss[i] = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq;
		stack_crash(w.s, w.now);
	}
	TRUE(iss[0] != iss[1] && iss[1] != iss[2] && iss[0] != iss[2]);
	EMPTY_AFTER(0);
}

/* All memory is there again: entries, senders, chunks. */
STACK_TEST(design_5_memory_is_used_again)
{
	struct stack_peer p;
	int round, i;

	w.conf.connections = 8;
	w.conf.senders = 8;
	w.conf.echo_memory = 8 * BYTE_CHUNK;
	LISTEN(80, "accept", "sleep 1s", "echo", "close", NULL)->cookies = COOKIES_NEVER;
	START();
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 8; i++) {
			p = stack_peer((uint16_t)(40000 + i), 80);
			HANDSHAKE(&p);
			SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 1400);
			TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1400);
		}
		SEND(&p, ACK, .seq = p.seq + 1400, .ack = p.ack);
		CONNECTIONS(8);
		SAME(0, DROPPED(tcp_no_memory));
		/* With text on its way, every other time. */
		if (round % 2)
			PASS(1001);
		stack_forget();
		SAME(8, stack_crash(w.s, w.now));
	}
	EMPTY_AFTER(0);
}

/* A listener's first connections are counted from the start. */
STACK_TEST(design_5_listeners_begin_anew)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	LISTEN(80, "accept", "hang", NULL)->first = 1;
	START();
	for (i = 0; i < 3; i++) {
		p = stack_peer((uint16_t)(40000 + i), 80);
		HANDSHAKE(&p);
		SAME(1, stack_listener_state(w.s, 0).taken);
		p = stack_peer((uint16_t)(41000 + i), 80);
		SEND(&p, SYN, .seq = p.seq);
		TX(&p, RST | ACK, .ack = p.seq + 1);
		stack_crash(w.s, w.now);
	}
	EMPTY_AFTER(0);
}

/* A cookie from before is no longer one, unless others share the secret and might have made it. */
STACK_TEST(design_5_cookies_from_before)
{
	struct stack_peer p = stack_peer(40000, 80);
	int shared;

	for (shared = 0; shared < 2; shared++) {
		p = stack_peer(40000, 80);
		w.listener_count = 0;
		LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_ALWAYS;
		w.conf.cookie_shared = shared;
		if (shared) {
			free(w.memory);
			w.rx_total = w.tx_total = 0;
		}
		START();
		SEND(&p, SYN, .seq = p.seq++);
		p.ack = TX(&p, SYN | ACK, .ack = p.seq, .any_seq = true)->segment.seq + 1;
		CONNECTIONS(0);
		stack_crash(w.s, w.now);
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
		if (!shared)
			TX(&p, RST, .seq = p.ack);
		QUIET();
		CONNECTIONS((uint32_t)shared);
		SEND(&p, RST, .seq = p.seq);
	}
	EMPTY_AFTER(0);
}

/* In the midst of everything, again and again. */
STACK_TEST(design_5_crash_at_any_time)
{
	struct text_reader *r;
	struct stack_peer p;
	int i;

	LISTEN(80, "accept", "write @text", "close", NULL);
	text_of_write(text_pattern(), 20000);
	START();
	for (i = 0; i < 30; i++) {
		int steps = i % 10;

		p = stack_peer((uint16_t)(40000 + i), 80);
		HANDSHAKE(&p);
		r = text_reader(&p, text_pattern(), 20000);
		while (steps-- > 0 && text_take(r)) {
			text_send_ack(r);
			BURST();
		}
		text_take(r);
		SAME(1, stack_crash(w.s, w.now));
		PASS(i % 3 ? 500 : 0);
		QUIET();
	}
	EMPTY_AFTER(0);
}

/* What is owned from now on: addresses of that family alone; 0: as at the start. */
static void
own(int family)
{
	static struct addr_set owned;
	static struct addr_range4 owned4[1];
	static struct addr_range6 owned6[1];
	struct addr_prefix prefix = {.family = (uint8_t)family,
				     .length = (uint8_t)(family == 4 ? 32 : 128)};
	struct stack_conf conf = w.conf;

	if (family != 0) {
		memcpy(prefix.addr, family == 4 ? FRAME_US4 : FRAME_US6, family == 4 ? 4 : 16);
		addr_set_build(&owned, &prefix, 1, owned4, owned6);
		conf.owned = &owned;
	}
	stack_reload(w.s, &conf);
}

/* Memory is laid out as it was at the start, whatever has been owned since. */
STACK_TEST(design_5_crash_of_a_host_that_owns_less)
{
	struct stack_peer p[64];
	int owned, family;
	uint32_t i;

	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	START();
	if (w.owned.v4_count == 0 || w.owned.v6_count == 0)
		return;
	for (owned = 4; owned <= 6; owned += 2) {
		for (family = 4; family <= 6; family += 2) {
			own(owned);
			stack_crash(w.s, w.now);
			own(0);
			for (i = 0; i < COUNT(p); i++) {
				p[i] = stack_peer((uint16_t)(40000 + i), 80);
				p[i].family = family;
				HANDSHAKE(&p[i]);
			}
			CONNECTIONS(COUNT(p));
			for (i = 0; i < COUNT(p); i++) {
				SEND(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack, .text = 10);
				TX(&p[i], ACK, .seq = p[i].ack, .ack = p[i].seq + 10);
				SEND(&p[i], RST, .seq = p[i].seq + 10);
			}
			CONNECTIONS(0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_5_every_connection_is_forgotten),
		cmocka_unit_test(design_5_new_initial_sequence_numbers),
		cmocka_unit_test(design_5_memory_is_used_again),
		cmocka_unit_test(design_5_listeners_begin_anew),
		cmocka_unit_test(design_5_cookies_from_before),
		cmocka_unit_test(design_5_crash_at_any_time),
		cmocka_unit_test(design_5_crash_of_a_host_that_owns_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
