/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_cookies.c - what is answered while there is a cookie and no connection, and what comes
 * of its ACK. RFC 4987 3.6; rules.md 7.3. */
#include "text_harness.h"

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

STACK_TEST(rules_7_3_syn_again_draws_the_same_cookie)
{
	struct stack_peer p = nth(0);
	uint32_t cookie;
	int i;

	listen_with(COOKIES_ALWAYS);
	START();
	SEND(&p, SYN, .seq = p.seq);
	cookie = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq;
	for (i = 0; i < 3; i++) {
		SEND(&p, SYN, .seq = p.seq);
		TX(&p, SYN | ACK, .seq = cookie, .ack = p.seq + 1);
	}
	/* Another SEQ is another SYN, and no challenge: there is no state. */
	SEND(&p, SYN, .seq = p.seq + 5);
	TRUE(TX(&p, SYN | ACK, .ack = p.seq + 6, .any_seq = true)->segment.seq != cookie);
	CONNECTIONS(0);
	/* The first is as good as ever. */
	SEND(&p, ACK, .seq = p.seq + 1, .ack = cookie + 1);
	QUIET();
	CONNECTIONS(1);
}

STACK_TEST(rules_7_3_ack_that_is_no_cookie_is_reset)
{
	struct stack_peer p = nth(0), q = nth(1);

	listen_with(COOKIES_ALWAYS);
	START();
	syn(&p);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, RST, .seq = p.ack + 1);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack - 1);
	TX(&p, RST, .seq = p.ack - 1);
	/* The right ACK on the wrong SEQ. */
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack);
	TX(&p, RST, .seq = p.ack);
	SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
	TX(&p, RST, .seq = p.ack);
	/* The right numbers from somebody else. */
	SEND(&q, ACK, .seq = p.seq, .ack = p.ack);
	TX(&q, RST, .seq = p.ack);
	/* SYN+ACK is not the third of the handshake. */
	SEND(&p, SYN | ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, RST, .seq = p.ack);
	SAME(6, RESETS(NO_CONNECTION));
	CONNECTIONS(0);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	CONNECTIONS(1);
}

STACK_TEST(rules_7_3_rst_cannot_cancel_a_cookie)
{
	struct stack_peer p = nth(0);

	listen_with(COOKIES_ALWAYS);
	START();
	syn(&p);
	SEND(&p, RST, .seq = p.seq);
	SEND(&p, RST | ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	SAME(2, DROPPED(tcp_stray_rst));
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	CONNECTIONS(1);
}

STACK_TEST(rules_7_3_without_ack_nothing_is_answered)
{
	struct stack_peer p = nth(0);

	listen_with(COOKIES_ALWAYS);
	START();
	syn(&p);
	SEND(&p, NONE, .seq = p.seq);
	SEND(&p, FIN, .seq = p.seq);
	SEND(&p, PSH, .seq = p.seq, .text = 10);
	QUIET();
	SAME(3, DROPPED(tcp_listen));
	CONNECTIONS(0);
}

STACK_TEST(rules_7_3_ack_brings_text_and_fin)
{
	struct stack_peer p = nth(0), q = nth(1);

	listen_with(COOKIES_ALWAYS);
	START();
	syn(&p);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 100, .wnd_is = true, .wnd = 65435);
	syn(&q);
	SEND(&q, FIN | ACK, .seq = q.seq, .ack = q.ack);
	TX(&q, ACK, .seq = q.ack, .ack = q.seq + 1);
	CONNECTIONS(2);
}

/* Good for the tick in which it was made and the next one: 64 to 128 s. */
STACK_TEST(rules_7_3_cookie_ages)
{
	struct stack_peer p = nth(0), q = nth(1);

	listen_with(COOKIES_ALWAYS);
	START();
	syn(&p);
	PASS(63000);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	CONNECTIONS(1);
	syn(&q);
	PASS(129000);
	SEND(&q, ACK, .seq = q.seq, .ack = q.ack);
	TX(&q, RST, .seq = q.ack);
	CONNECTIONS(1);
}

/* Over 64 ms, whatever the clock's low bits are: our window is scaled iff the SYN's was, and the
 * peer's by what it said (seen by how old an ACK may be: RFC 5961 5.2). */
STACK_TEST(rules_7_3_options_survive_in_the_timestamp)
{
	struct stack_peer p;
	const struct stack_sent *sent;
	uint8_t scale;
	unsigned int i;

	listen_with(COOKIES_ALWAYS)->receive_buffer = 200000; /* shift 2 */
	w.conf.connections = 100;
	START();
	for (i = 0; i < 64; i++) {
		PASS(1);
		p = nth(i);
		scale = (uint8_t)(i % 15);
		p.syn_options = (uint8_t)(TCP_OPT_MSS | TCP_OPT_TS | (i % 3 ? TCP_OPT_WSCALE : 0) |
					  (i % 2 ? TCP_OPT_SACK_OK : 0));
		p.wscale = scale;
		SEND(&p, SYN, .seq = p.seq);
		sent = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true);
		SAME(p.syn_options, sent->segment.options);
		p.tsecr = sent->segment.tsval;
		p.seq++;
		p.ack = sent->segment.seq + 1;
		p.wnd = 40000;
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1000);
		sent = TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1000);
		SAME(TCP_OPT_TS, sent->segment.options);
		SAME(p.tsval, sent->segment.tsecr);
		if (i % 3)
			SAME((200000 - 1000) >> 2, sent->segment.wnd);
		else
			TRUE(sent->segment.wnd >= 64535);
		p.seq += 1000;
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack - (40000u << (i % 3 ? scale : 0)));
		QUIET();
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack - (40000u << (i % 3 ? scale : 0)) - 1);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq);
	}
}

STACK_TEST(rules_7_3_options_are_lost_without_timestamps)
{
	struct stack_peer p = nth(0);
	const struct stack_sent *sent;

	listen_with(COOKIES_ALWAYS)->receive_buffer = 200000;
	START();
	p.syn_options = TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK;
	SEND(&p, SYN, .seq = p.seq);
	sent = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true);
	SAME(TCP_OPT_MSS, sent->segment.options);
	p.ack = sent->segment.seq + 1;
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack, .text = 1000);
	sent = TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1001);
	/* Not scaled: 65535 less the text, or 65535 again. */
	TRUE(sent->segment.wnd >= 64535);
	SAME(0, sent->segment.options);
}

/* Scripts, buffers and "first" are the listener's that made the cookie. */
STACK_TEST(rules_7_3_connection_of_a_cookie_is_its_listeners)
{
	struct stack_peer p = nth(0), q = nth(1);

	LISTEN(81, "accept", "hang", NULL);
	LISTEN(80, "accept", "close", NULL)->cookies = COOKIES_ALWAYS;
	w.listeners[1].first = 1;
	START();
	HANDSHAKE(&p);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SAME(1, COUNTER(cookies_accepted));
	/* The one and only. */
	SEND(&q, SYN, .seq = q.seq);
	TX(&q, RST | ACK, .ack = q.seq + 1);
}

STACK_TEST(rules_7_3_cookie_keeps_an_mss)
{
	struct stack_peer p = nth(0);
	unsigned int i;

	LISTEN(80, "accept", "sleep 100ms", "read 1460", "hang", NULL)->receive_buffer = 4000;
	w.listeners[0].cookies = COOKIES_ALWAYS;
	START();
	HANDSHAKE(&p);
	for (i = 0; i < 4; i++)
		RX(&p, ACK, .seq = p.seq + 1000 * i, .ack = p.ack, .text = 1000);
	BURST();
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 4000, .wnd_is = true, .wnd = 0);
	PASS(110);
	/* 3.8.6.2.2: the room is worth a segment of 1460. */
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 4000, .wnd_is = true, .wnd = 1460);
}

/* The floor holds for what a cookie remembers, rounded down, as well. */
STACK_TEST(rules_7_3_cookie_keeps_the_floor_of_an_mss)
{
	struct stack_peer p = stack_peer(40000, 80);

	w.conf.min_mss = 1000;
	p.syn_options = TCP_OPT_MSS;
	p.mss = 100;
	LISTEN(80, "accept", "write @text", "hang", NULL)->cookies = COOKIES_ALWAYS;
	text_of_write(text_pattern(), 1500);
	START();
	HANDSHAKE(&p);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq, .text = 1000);
	stack_forget();
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* RFC 9293 3.7.1 MUST-15, for the second cookie as for the first: while they are being sent, those
 * of a burst are hashed together. */
STACK_TEST(rules_7_3_cookie_of_a_syn_without_an_mss)
{
	const uint32_t least = w.family == 4 ? 536 : 1220;
	struct stack_peer p;

	LISTEN(80, "accept", "write @text", "hang", NULL)->cookies = COOKIES_ALWAYS;
	text_of_write(text_pattern(), 3000);
	START();
	for (uint16_t i = 0; i < 2; i++) {
		p = stack_peer((uint16_t)(40000 + i), 80);
		p.syn_options = 0;
		HANDSHAKE(&p);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq, .text = least);
		stack_forget();
		SEND(&p, RST, .seq = p.seq);
	}
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_7_3_syn_again_draws_the_same_cookie),
		cmocka_unit_test(rules_7_3_ack_that_is_no_cookie_is_reset),
		cmocka_unit_test(rules_7_3_rst_cannot_cancel_a_cookie),
		cmocka_unit_test(rules_7_3_without_ack_nothing_is_answered),
		cmocka_unit_test(rules_7_3_ack_brings_text_and_fin),
		cmocka_unit_test(rules_7_3_cookie_ages),
		cmocka_unit_test(rules_7_3_options_survive_in_the_timestamp),
		cmocka_unit_test(rules_7_3_options_are_lost_without_timestamps),
		cmocka_unit_test(rules_7_3_connection_of_a_cookie_is_its_listeners),
		cmocka_unit_test(rules_7_3_cookie_keeps_an_mss),
		cmocka_unit_test(rules_7_3_cookie_keeps_the_floor_of_an_mss),
		cmocka_unit_test(rules_7_3_cookie_of_a_syn_without_an_mss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
