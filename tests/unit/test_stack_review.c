/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_review.c - what a review of the host found, once each: before a delayed SYN-ACK, small
 * buffers, TIME-WAIT under cookies, no way back left, timers to the microsecond. */
#include "stack_harness.h"

/* The listener's script is these calls; the handshake is done and its last ACK has come. */
#define SERVE(PEER, ...)                                                                           \
	do {                                                                                       \
		LISTEN(80, __VA_ARGS__);                                                           \
		START();                                                                           \
		HANDSHAKE(PEER);                                                                   \
	} while (0)

/* The SYN is answered, whether by an entry or by a cookie. */
static void
syn(struct story_where where, struct stack_peer *p)
{
	stack_rx(where, p, &(struct stack_rx){.flags = SYN, .seq = p->seq});
	stack_run(where);
	p->seq++;
	p->ack = stack_tx(where, p,
			  &(struct stack_tx){.flags = SYN | ACK, .ack = p->seq, .any_seq = true})
			 ->segment.seq +
		 1;
	stack_quiet(where);
}

/* --- syn_ack_delay --- */

/* The scenario knows the ISS from an earlier try: its clock stands still. */
static struct stack_peer
delayed(void)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL)->syn_ack_delay_ms = 5000;
	w.conf.isn_clock_stopped = true;
	START();
	SEND(&p, SYN, .seq = p.seq);
	PASS(5010);
	p.ack = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.seq + 1;
	SEND(&p, RST, .seq = p.seq + 1);
	CONNECTIONS(0);
	MARK();
	SEND(&p, SYN, .seq = p.seq);
	QUIET();
	p.seq++;
	return p;
}

STACK_TEST(design_2_nothing_is_answered_before_the_syn_ack)
{
	struct stack_peer p = delayed();

	/* RFC 9293 3.10.7.4 would answer each of them, and tell ISS. */
	SEND(&p, SYN | ACK, .seq = p.seq - 1, .ack = p.ack);
	SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
	SEND(&p, ACK, .seq = p.seq + 65535, .ack = p.ack, .text = 10);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack + 1);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack - 1, .text = 10);
	SEND(&p, RST, .seq = p.seq + 1);
	QUIET();
	SAME(6, DROPPED(tcp_syn_ack_due));
	SAME(0, COUNTER(challenge_acks));
	SAME(1, stack_half_open(w.s));
	/* Nor was any of it too much for the handshake. */
	PASS(5010);
	TX(&p, SYN | ACK, .seq = p.ack - 1, .ack = p.seq, .after_ms = 5000);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	SAME(1, COUNTER(established));
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 10);
}

STACK_TEST(design_2_ack_of_a_syn_ack_not_sent_does_not_establish)
{
	struct stack_peer p = delayed();

	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	SAME(3, DROPPED(tcp_syn_ack_due));
	SAME(0, COUNTER(established));
	SAME(1, stack_half_open(w.s));
	PASS(5010);
	TX(&p, SYN | ACK, .seq = p.ack - 1, .ack = p.seq, .after_ms = 5000);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	SAME(1, COUNTER(established));
}

STACK_TEST(design_2_exact_rst_ends_what_was_not_answered)
{
	struct stack_peer p = delayed();

	SEND(&p, RST, .seq = p.seq);
	QUIET();
	SAME(0, DROPPED(tcp_syn_ack_due));
	EMPTY_AFTER(5010);
}

/* --- what the application reads --- */

STACK_TEST(rfc9293_3_8_6_2_2_buffer_of_one_byte_opens_again)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "sleep 1s", "read all", "close", NULL)->receive_buffer = 1;
	START();
	MARK();
	HANDSHAKE(&p);
	QUIET();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 1);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1, .wnd_is = true, .wnd = 0);
	PASS(1010);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 1, .wnd_is = true, .wnd = 1, .after_ms = 1000);
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack, .text = 1);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 2, .wnd_is = true, .wnd = 1);
}

/* recv() returns the bytes that it has taken: none of them is unread. */
STACK_TEST(design_timeout_of_a_read_keeps_what_it_took)
{
	struct stack_peer p = stack_peer(40000, 80);

	MARK();
	SERVE(&p, "accept", "timeout 100ms", "read 10", "close", NULL);
	PASS(60);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 5);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 5);
	PASS(60);
	/* One recv(): what came did not prolong it. */
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 5, .after_ms = 100);
	SAME(0, RESETS(UNREAD_DATA));
	SEND(&p, RST, .seq = p.seq + 5);
	EMPTY_AFTER(0);
}

/* Many recv()s, each of which some text ends. */
STACK_TEST(design_timeout_of_read_all_begins_again_with_each_text)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	SERVE(&p, "accept", "timeout 100ms", "read all", "close", NULL);
	for (i = 0; i < 5; i++) {
		PASS(60);
		MARK();
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
		p.seq += 10;
		TX(&p, ACK, .seq = p.ack, .ack = p.seq);
		QUIET();
	}
	PASS(110);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* --- cookies --- */

/* "accept", "close": from the handshake's last ACK to TIME-WAIT. */
static void
to_time_wait(struct stack_peer *p)
{
	TX(p, FIN | ACK, .seq = p->ack, .ack = p->seq);
	p->ack++;
	SEND(p, FIN | ACK, .seq = p->seq, .ack = p->ack);
	p->seq++;
	TX(p, ACK, .seq = p->ack, .ack = p->seq);
	QUIET();
}

/* TIME-WAIT makes way, time and again, while others' SYNs draw cookies: a cookie would lie above
 * the old numbers half of the time. others: connections beside p's. */
static void
reuse(struct stack_peer *p, uint32_t others)
{
	int i;

	for (i = 0; i < 8; i++) {
		uint64_t cookies = COUNTER(cookies_sent), accepted = COUNTER(cookies_accepted);
		uint64_t established = COUNTER(established);
		uint32_t half_open = stack_half_open(w.s);
		uint32_t old = p->ack;

		p->seq += 1000;
		syn(HERE, p);
		/* rules.md 6.5, RFC 9293 3.6.1 MAY-2 (1). */
		TRUE(seq_gt(p->ack - 1, old));
		SAME(cookies, COUNTER(cookies_sent));
		CONNECTIONS(others + 1);
		SAME(half_open + 1, stack_half_open(w.s));
		SEND(p, ACK, .seq = p->seq, .ack = p->ack);
		SAME(established + 1, COUNTER(established));
		SAME(accepted, COUNTER(cookies_accepted));
		to_time_wait(p);
	}
}

STACK_TEST(rules_6_5_reuse_beside_cookies_always)
{
	struct stack_peer p = stack_peer(40000, 80), q = stack_peer(40001, 80);

	LISTEN(80, "accept", "close", NULL)->cookies = COOKIES_ALWAYS;
	START();
	HANDSHAKE(&p);
	SAME(1, COUNTER(cookies_accepted));
	to_time_wait(&p);
	reuse(&p, 0);
	syn(HERE, &q);
	SAME(2, COUNTER(cookies_sent));
}

STACK_TEST(rules_6_5_reuse_beside_cookies_auto)
{
	struct stack_peer p = stack_peer(40000, 80), q;
	uint16_t i;

	LISTEN(80, "accept", "close", NULL)->cookies = COOKIES_AUTO;
	w.conf.connections = 5;
	START();
	HANDSHAKE(&p);
	to_time_wait(&p);
	/* Two of five half open are more than a quarter: from now on there are cookies. */
	for (i = 1; i <= 2; i++) {
		q = stack_peer((uint16_t)(40000 + i), 80);
		syn(HERE, &q);
	}
	SAME(0, COUNTER(cookies_sent));
	q = stack_peer(40003, 80);
	syn(HERE, &q);
	SAME(1, COUNTER(cookies_sent));
	/* Two of those complete: the table is full. */
	for (i = 0; i < 2; i++) {
		SEND(&q, ACK, .seq = q.seq, .ack = q.ack);
		TX(&q, FIN | ACK, .seq = q.ack, .ack = q.seq);
		q = stack_peer((uint16_t)(40004 + i), 80);
		syn(HERE, &q);
	}
	CONNECTIONS(5);
	reuse(&p, 4);
}

/* The SYN's cookie crosses with the SYN again, which is given an entry. */
STACK_TEST(rfc4987_3_6_ack_of_a_cookie_finds_an_entry)
{
	struct stack_peer other[4], p = stack_peer(40000, 80), again;
	uint16_t i;
	int turn;

	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_AUTO;
	w.conf.connections = 16;
	START();
	for (turn = 0; turn < 2; turn++) {
		uint64_t accepted = COUNTER(cookies_accepted), sent = COUNTER(cookies_sent);

		for (i = 0; i < 4; i++) {
			other[i] = stack_peer((uint16_t)(41000 + i), 80);
			syn(HERE, &other[i]);
		}
		p = stack_peer((uint16_t)(40000 + turn), 80);
		again = p;
		syn(HERE, &p);
		SAME(sent + 1, COUNTER(cookies_sent));
		for (i = 0; i < 4; i++)
			SEND(&other[i], RST, .seq = other[i].seq);
		syn(HERE, &again);
		SAME(sent + 1, COUNTER(cookies_sent));
		SAME(1, stack_half_open(w.s));
		TRUE(again.ack != p.ack);
		/* Either will do: now the cookie's, then the entry's. */
		if (turn == 1)
			p = again;
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
		QUIET();
		CONNECTIONS(1);
		SAME(0, stack_half_open(w.s));
		SAME(accepted + !turn, COUNTER(cookies_accepted));
		SAME((uint64_t)turn + 1, COUNTER(established));
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 10);
		TX(&p, ACK, .seq = p.ack, .ack = p.seq + 10);
		SEND(&p, RST, .seq = p.seq + 10);
		CONNECTIONS(0);
	}
	/* The entry's SYN-ACK is not sent again. */
	EMPTY_AFTER(5000);
}

/* --- more ways back than the host can keep: 65535 --- */

#define PATHS 65535u

/* A client with an Ethernet address of its own. */
static struct stack_peer
nth(uint32_t n)
{
	struct stack_peer p = stack_peer((uint16_t)(20000 + n % 30000), 80);

	p.address = (uint8_t)(2 + n / 30000);
	p.mac[3] = (uint8_t)(n >> 16);
	p.mac[4] = (uint8_t)(n >> 8);
	p.mac[5] = (uint8_t)n;
	return p;
}

STACK_TEST(design_cookies_answer_when_no_way_back_is_left)
{
	struct stack_peer p, leaver = nth(1000);
	uint32_t i;

	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_AUTO;
	LISTEN(81, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	w.conf.connections = 300000; /* a quarter is more than there are ways */
	START();
	for (i = 0; i < PATHS; i++) {
		p = nth(i);
		RX(&p, SYN, .seq = p.seq);
		if (w.rx_count == STACK_BURST_MAX || i + 1 == PATHS) {
			BURST();
			stack_forget();
		}
	}
	CONNECTIONS(PATHS);
	SAME(0, COUNTER(cookies_sent));
	p = nth(PATHS);
	p.lport = 81;
	SEND(&p, SYN, .seq = p.seq);
	QUIET();
	SAME(1, DROPPED(tcp_path_full));
	p.lport = 80;
	syn(HERE, &p);
	SAME(1, COUNTER(cookies_sent));
	CONNECTIONS(PATHS);
	/* It has to wait for its place all the same. */
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	SAME(2, DROPPED(tcp_path_full));
	CONNECTIONS(PATHS);
	SEND(&leaver, RST, .seq = leaver.seq + 1);
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	SAME(1, COUNTER(established));
	CONNECTIONS(PATHS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_2_nothing_is_answered_before_the_syn_ack),
		cmocka_unit_test(design_2_ack_of_a_syn_ack_not_sent_does_not_establish),
		cmocka_unit_test(design_2_exact_rst_ends_what_was_not_answered),
		cmocka_unit_test(rfc9293_3_8_6_2_2_buffer_of_one_byte_opens_again),
		cmocka_unit_test(design_timeout_of_a_read_keeps_what_it_took),
		cmocka_unit_test(design_timeout_of_read_all_begins_again_with_each_text),
		cmocka_unit_test(rules_6_5_reuse_beside_cookies_always),
		cmocka_unit_test(rules_6_5_reuse_beside_cookies_auto),
		cmocka_unit_test(rfc4987_3_6_ack_of_a_cookie_finds_an_entry),
		cmocka_unit_test(design_cookies_answer_when_no_way_back_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
