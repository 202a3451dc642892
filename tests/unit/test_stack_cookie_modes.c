/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_cookie_modes.c - when a SYN gets a table entry, a cookie or nothing. design.md,
 * "cookies"; rules.md D-24. */
#include <stdlib.h>

#include "stack_harness.h"

static struct stack_peer
nth(unsigned int n)
{
	struct stack_peer p = stack_peer((uint16_t)(40000 + n), 80);

	p.seq += 1000 * n;
	return p;
}

static struct listener *
listen_with(enum listener_cookies cookies)
{
	struct listener *l = LISTEN(80, "accept", "hang", NULL);

	l->cookies = (uint8_t)cookies;
	l->backlog = 1000;
	return l;
}

/* The SYN is answered, whether by an entry or by a cookie. */
static void
syn(struct stack_peer *p)
{
	const struct stack_sent *sent;

	SEND(p, SYN, .seq = p->seq);
	p->seq++;
	sent = TX(p, SYN | ACK, .ack = p->seq, .any_seq = true);
	p->ack = sent->segment.seq + 1;
	p->tsecr = sent->segment.tsval;
	QUIET();
}

STACK_TEST(design_cookies_always_keeps_no_entry_before_the_ack)
{
	struct stack_peer p = nth(0);

	listen_with(COOKIES_ALWAYS);
	START();
	syn(&p);
	CONNECTIONS(0);
	SAME(1, COUNTER(cookies_sent));
	/* No timer: it is not sent again. */
	PASS(5000);
	QUIET();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	CONNECTIONS(1);
	SAME(1, COUNTER(cookies_accepted));
	SAME(1, COUNTER(established));
	SAME(0, stack_half_open(w.s));
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 10);
	SEND(&p, RST, .seq = p.seq + 10);
	EMPTY_AFTER(0);
}

/* A quarter of 16 is 4: so many may be half open, the next gets a cookie. */
STACK_TEST(design_cookies_auto_begin_at_a_quarter)
{
	struct stack_peer p[7];
	unsigned int i;

	listen_with(COOKIES_AUTO);
	w.conf.connections = 16;
	START();
	for (i = 0; i < 4; i++) {
		p[i] = nth(i);
		syn(&p[i]);
		SAME(i + 1, stack_half_open(w.s));
		SAME(0, COUNTER(cookies_sent));
	}
	for (; i < 6; i++) {
		p[i] = nth(i);
		syn(&p[i]);
		SAME(4, stack_half_open(w.s));
		SAME(i - 3, COUNTER(cookies_sent));
	}
	CONNECTIONS(4);
	/* Both kinds complete. */
	for (i = 0; i < 6; i++)
		SEND(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack);
	QUIET();
	CONNECTIONS(6);
	SAME(2, COUNTER(cookies_accepted));
	SAME(0, stack_half_open(w.s));
	/* And there are entries again. */
	p[6] = nth(6);
	syn(&p[6]);
	SAME(1, stack_half_open(w.s));
	SAME(2, COUNTER(cookies_sent));
}

STACK_TEST(design_cookies_auto_full_table_answers_with_cookies)
{
	struct stack_peer p[5];
	unsigned int i;

	listen_with(COOKIES_AUTO);
	w.conf.connections = 4;
	START();
	for (i = 0; i < 4; i++) {
		p[i] = nth(i);
		HANDSHAKE(&p[i]);
	}
	QUIET();
	CONNECTIONS(4);
	SAME(0, COUNTER(cookies_sent));
	p[4] = nth(4);
	syn(&p[4]);
	SAME(1, COUNTER(cookies_sent));
	/* Never by evicting a live connection: there is no room for it. */
	SEND(&p[4], ACK, .seq = p[4].seq, .ack = p[4].ack);
	QUIET();
	SAME(1, DROPPED(tcp_table_full));
	CONNECTIONS(4);
	/* There is, once one of them is gone. */
	SEND(&p[0], RST, .seq = p[0].seq);
	SEND(&p[4], ACK, .seq = p[4].seq, .ack = p[4].ack);
	QUIET();
	CONNECTIONS(4);
	SAME(1, COUNTER(cookies_accepted));
}

STACK_TEST(design_cookies_auto_backlog_full_answers_nothing)
{
	struct stack_peer p = nth(0), q = nth(1);
	struct listener *l = LISTEN(80, NULL);

	l->backlog = 1;
	START();
	HANDSHAKE(&p);
	SEND(&q, SYN, .seq = q.seq);
	QUIET();
	SAME(1, DROPPED(tcp_backlog_full));
	SAME(0, COUNTER(cookies_sent));
}

/* The SYN came twice: a cookie answered it first, and an entry when there was one. Either ACK
 * completes the handshake. */
static void
cookie_and_entry(bool ack_the_cookie)
{
	struct stack_peer p = nth(0), q = nth(1), entry;

	listen_with(COOKIES_AUTO);
	w.conf.connections = 4;
	START();
	SEND(&q, SYN, .seq = q.seq);
	TX(&q, SYN | ACK, .ack = q.seq + 1, .any_seq = true);
	syn(&p);
	SAME(1, COUNTER(cookies_sent));
	SEND(&q, RST, .seq = q.seq + 1);
	CONNECTIONS(0);
	entry = p;
	entry.seq--;
	syn(&entry);
	SAME(1, stack_half_open(w.s));
	/* What is neither of them is as bad as ever. */
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 7);
	TX(&p, RST, .seq = p.ack + 7);
	if (ack_the_cookie)
		entry = p;
	SEND(&p, ACK, .seq = p.seq, .ack = entry.ack, .text = 10);
	TX(&p, ACK, .seq = entry.ack, .ack = p.seq + 10);
	CONNECTIONS(1);
	SAME(0, stack_half_open(w.s));
	SAME(1, COUNTER(established));
	SEND(&p, RST, .seq = p.seq + 10);
	EMPTY_AFTER(0);
}

STACK_TEST(design_cookies_auto_ack_of_a_cookie_whose_syn_has_an_entry)
{
	cookie_and_entry(true);
}

STACK_TEST(design_cookies_auto_ack_of_an_entry_whose_syn_had_a_cookie)
{
	cookie_and_entry(false);
}

/* design.md: "a key that several machines can share". One of them makes the cookie, this one has
 * made none. */
STACK_TEST(design_cookies_of_another_machine)
{
	struct stack_peer p = nth(0);
	struct listener *l = listen_with(COOKIES_ALWAYS);

	START();
	syn(&p);
	free(w.memory);
	w.rx_total = w.tx_total = 0;
	w.conf.secret.k0 ^= 1;
	w.conf.cookie_shared = true;
	l->cookies = COOKIES_AUTO;
	START();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 10);
	SAME(1, COUNTER(cookies_accepted));

	/* With another key it is none of ours. */
	free(w.memory);
	w.rx_total = w.tx_total = 0;
	w.conf.cookie_secret.k1 ^= 1;
	START();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, RST, .seq = p.ack);
}

STACK_TEST(rules_d24_ack_of_a_cookie_with_a_full_queue_is_ignored)
{
	struct stack_peer p = nth(0), q = nth(1);
	struct listener *l = LISTEN(80, NULL);

	l->backlog = 1;
	l->cookies = COOKIES_ALWAYS;
	START();
	syn(&p);
	syn(&q);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	SEND(&q, ACK, .seq = q.seq, .ack = q.ack);
	QUIET();
	SAME(1, DROPPED(tcp_backlog_full));
	CONNECTIONS(1);
	SEND(&p, RST, .seq = p.seq);
	SEND(&q, ACK, .seq = q.seq, .ack = q.ack);
	QUIET();
	CONNECTIONS(1);
	SAME(2, COUNTER(established));
}

STACK_TEST(design_cookies_never_answers_nothing_without_an_entry)
{
	struct stack_peer p[5];
	unsigned int i;

	listen_with(COOKIES_NEVER);
	w.conf.connections = 4;
	START();
	for (i = 0; i < 4; i++) {
		p[i] = nth(i);
		syn(&p[i]);
	}
	SAME(4, stack_half_open(w.s));
	p[4] = nth(4);
	SEND(&p[4], SYN, .seq = p[4].seq);
	QUIET();
	SAME(1, DROPPED(tcp_table_full));
	SAME(0, COUNTER(cookies_sent));
	SEND(&p[0], RST, .seq = p[0].seq);
	syn(&p[4]);
	CONNECTIONS(4);
}

STACK_TEST(design_cookies_never_takes_no_cookie)
{
	struct stack_peer p = nth(0);

	listen_with(COOKIES_ALWAYS);
	LISTEN(81, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	START();
	syn(&p);
	/* A cookie is good for its own port. */
	p.lport = 81;
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, RST, .seq = p.ack);
	p.lport = 80;
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	CONNECTIONS(1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_cookies_always_keeps_no_entry_before_the_ack),
		cmocka_unit_test(design_cookies_auto_begin_at_a_quarter),
		cmocka_unit_test(design_cookies_auto_full_table_answers_with_cookies),
		cmocka_unit_test(design_cookies_auto_backlog_full_answers_nothing),
		cmocka_unit_test(design_cookies_auto_ack_of_a_cookie_whose_syn_has_an_entry),
		cmocka_unit_test(design_cookies_auto_ack_of_an_entry_whose_syn_had_a_cookie),
		cmocka_unit_test(design_cookies_of_another_machine),
		cmocka_unit_test(rules_d24_ack_of_a_cookie_with_a_full_queue_is_ignored),
		cmocka_unit_test(design_cookies_never_answers_nothing_without_an_entry),
		cmocka_unit_test(design_cookies_never_takes_no_cookie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
