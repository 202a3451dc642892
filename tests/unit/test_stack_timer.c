/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_timer.c - the host's timers are never early, whatever part of a millisecond they begin
 * in, and never a round of the clock late. */
#include "stack_harness.h"

/* The listener's script is these calls; the handshake is done and its last ACK has come. */
#define SERVE(PEER, ...)                                                                           \
	do {                                                                                       \
		LISTEN(80, __VA_ARGS__);                                                           \
		START();                                                                           \
		HANDSHAKE(PEER);                                                                   \
	} while (0)

/* Beginnings of a timer within its millisecond. */
static const uint32_t FRACTIONS_US[] = {0, 1, 500, 900, 999};

/* A millisecond begins, so many microseconds ago. */
static void
begin_at(uint32_t fraction_us)
{
	w.now = (w.now / 1000 + 2) * 1000 + fraction_us;
	stack_tick(w.s, w.now);
	MARK();
}

/* One segment goes out when ms have passed since MARK() to the microsecond, and at most 1.1 ms
 * later. */
static void
goes_after(struct story_where where, uint32_t ms)
{
	stack_quiet(where);
	w.now = w.mark + 1000 * (stack_us)ms - 1;
	stack_tick(w.s, w.now);
	story_same(where, "segments before their time", 0, stack_pending(w.s));
	w.now += 1 + 1100;
	stack_tick(w.s, w.now);
	story_same(where, "segments in time", 1, stack_pending(w.s));
	stack_run(where);
}

/* The application closes 100 ms after the handshake. */
static void
closes_after_100_ms(struct story_where where)
{
	struct stack_peer p;
	size_t i;

	START();
	for (i = 0; i < COUNT(FRACTIONS_US); i++) {
		p = stack_peer(40000, 80);
		begin_at(FRACTIONS_US[i]);
		HANDSHAKE(&p);
		goes_after(where, 100);
		TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
		SEND(&p, RST, .seq = p.seq);
	}
}

STACK_TEST(design_sleep_is_not_short)
{
	LISTEN(80, "accept", "sleep 100ms", "close", NULL);
	closes_after_100_ms(HERE);
}

STACK_TEST(design_timeout_of_a_read_is_not_short)
{
	LISTEN(80, "accept", "timeout 100ms", "read", "close", NULL);
	closes_after_100_ms(HERE);
}

STACK_TEST(design_2_delay_is_not_short)
{
	struct stack_peer p = stack_peer(40000, 80);
	size_t i;

	LISTEN(80, "accept", "hang", NULL)->syn_ack_delay_ms = 100;
	START();
	for (i = 0; i < COUNT(FRACTIONS_US); i++) {
		begin_at(FRACTIONS_US[i]);
		SEND(&p, SYN, .seq = p.seq);
		goes_after(HERE, 100);
		TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true);
		SEND(&p, RST, .seq = p.seq + 1);
	}
}

STACK_TEST(design_2c_handshake_timeout_is_not_short)
{
	struct stack_peer p;
	size_t i;

	LISTEN(80, "accept", "hang", NULL)->handshake_timeout_ms = 100;
	START();
	for (i = 0; i < COUNT(FRACTIONS_US); i++) {
		p = stack_peer(40000, 80);
		begin_at(FRACTIONS_US[i]);
		SEND(&p, SYN, .seq = p.seq);
		p.seq++;
		p.ack = TX(&p, SYN | ACK, .ack = p.seq, .any_seq = true)->segment.seq + 1;
		goes_after(HERE, 100);
		TX(&p, RST | ACK, .seq = p.ack, .ack = p.seq);
	}
}

STACK_TEST(rfc6298_2_1_first_retransmission_is_not_early)
{
	struct stack_peer p;
	size_t i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	for (i = 0; i < COUNT(FRACTIONS_US); i++) {
		p = stack_peer(40000, 80);
		begin_at(FRACTIONS_US[i]);
		SEND(&p, SYN, .seq = p.seq);
		p.seq++;
		p.ack = TX(&p, SYN | ACK, .ack = p.seq, .any_seq = true)->segment.seq + 1;
		goes_after(HERE, 1000);
		TX(&p, SYN | ACK, .seq = p.ack - 1, .ack = p.seq);
		SEND(&p, RST, .seq = p.seq);
	}
}

/* However long the window was shut and the probes had backed off: they say nothing of the network.
 */
STACK_TEST(rfc9293_3_8_6_1_fin_held_long_is_soon_sent_again)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t probes = 0;
	int i;

	p.wnd = 0;
	SERVE(&p, "accept", "close", NULL);
	for (i = 0; i < 20; i++) {
		QUIET();
		PASS(61000);
		for (; stack_peek(&p); probes++)
			TX(&p, ACK, .seq = p.ack - 1, .ack = p.seq);
		SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	}
	/* About one a minute by now, after those that came fast. */
	TRUE(probes >= 20 && probes < 40);
	p.wnd = 5000;
	MARK();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	QUIET();
	PASS(1002);
	TRUE(stack_peek(&p) != NULL);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* A SYN-ACK whose deadline would be 0, "not armed", has it a millisecond later; that is no round
 * trip of 49 days. */
STACK_TEST(rfc6298_2_2_round_trip_where_the_clock_wraps)
{
	struct stack_peer p = stack_peer(40000, 80);

	w.now = ((UINT64_C(1) << 32) - 1000) * 1000;
	MARK();
	SERVE(&p, "accept", "close", NULL);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	PASS(210);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 200);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_sleep_is_not_short),
		cmocka_unit_test(design_timeout_of_a_read_is_not_short),
		cmocka_unit_test(design_2_delay_is_not_short),
		cmocka_unit_test(design_2c_handshake_timeout_is_not_short),
		cmocka_unit_test(rfc6298_2_1_first_retransmission_is_not_early),
		cmocka_unit_test(rfc9293_3_8_6_1_fin_held_long_is_soon_sent_again),
		cmocka_unit_test(rfc6298_2_2_round_trip_where_the_clock_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
