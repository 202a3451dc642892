/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_limits.c - a table for both families, many timers at once, more segments than are
 * fetched, the clock of the timestamps. design.md, "Shape"; RFC 7323. */
#include <stdlib.h>

#include "stack_harness.h"

/* Nobody fetches what waits behind the bursts: then a RST takes the place of the ACK before it. */
STACK_TEST(design_segments_behind_the_bursts_may_be_too_many)
{
	struct stack_peer p = stack_peer(40000, 80);
	unsigned int came = 0, in_place = 0;
	struct stack_frame frame;
	uint32_t iss[400];
	unsigned int i;
	uint8_t flags;

	LISTEN(80, "accept", "read 1", "close", NULL);
	w.conf.connections = 4 * COUNT(iss);
	START();
	for (i = 0; i < COUNT(iss); i++) {
		p.port = (uint16_t)(40000 + i);
		p.seq = w.irs;
		HANDSHAKE(&p);
		iss[i] = p.ack - 1;
		story_begin();
	}
	w.undrained = true;
	for (i = 0; i < COUNT(iss); i++) {
		p.port = (uint16_t)(40000 + i);
		SEND(&p, ACK, .seq = p.seq, .ack = iss[i] + 1, .text = 10);
		flags = stack_peek(&p)->segment.flags;
		TRUE(flags == ACK || flags == (RST | ACK));
		in_place += flags != ACK;
		TX(&p, flags, .seq = iss[i] + 1, .ack = p.seq + 10);
		story_begin();
	}
	CONNECTIONS(0);
	SAME(0, stack_idle_us(w.s, w.now, 1000));
	frame = (struct stack_frame){.room = WIRE_TCP_MAX, .data = malloc(WIRE_TCP_MAX)};
	assert_non_null(frame.data);
	while (stack_output(w.s, &frame))
		came++;
	free(frame.data);
	w.tx_total += came;
	SAME(COUNT(iss), came + in_place);
	SAME(COUNT(iss), RESETS(UNREAD_DATA));
}

/* One table for both families: together they are as many as "connections" says. */
STACK_TEST(design_both_families_share_the_table)
{
	struct stack_peer p[5];
	unsigned int i;

	if (w.owned.v4_count == 0 || w.owned.v6_count == 0)
		return;
	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	w.conf.connections = 4;
	START();
	for (i = 0; i < 4; i++) {
		p[i] = stack_peer(40000, 80);
		p[i].family = i % 2 ? 4 : 6;
		p[i].port = (uint16_t)(40000 + i / 2);
		HANDSHAKE(&p[i]);
		QUIET();
	}
	CONNECTIONS(4);
	for (i = 0; i < 2; i++) {
		p[4] = stack_peer(50000, 80);
		p[4].family = i % 2 ? 4 : 6;
		SEND(&p[4], SYN, .seq = p[4].seq);
		QUIET();
		SAME(i + 1, DROPPED(tcp_table_full));
	}
	/* In one burst, each in its own. */
	for (i = 0; i < 4; i++)
		RX(&p[i], ACK, .seq = p[i].seq, .ack = p[i].ack, .text = 10 + i);
	BURST();
	for (i = 0; i < 4; i++)
		TX(&p[i], ACK, .seq = p[i].ack, .ack = p[i].seq + 10 + i);
	/* What one family gives back the other can have. */
	SEND(&p[0], RST, .seq = p[0].seq + 10);
	p[4] = stack_peer(50000, 80);
	p[4].family = 4;
	HANDSHAKE(&p[4]);
	QUIET();
	CONNECTIONS(4);
}

/* More than stack_output() holds at once are due in the same millisecond. */
STACK_TEST(design_many_timers_are_due_at_once)
{
	enum { MANY = 900 };
	struct stack_peer p = stack_peer(40000, 80);
	unsigned int i;

	LISTEN(80, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	w.conf.connections = MANY;
	START();
	for (i = 0; i < MANY; i++) {
		p.port = (uint16_t)(40000 + i);
		SEND(&p, SYN, .seq = p.seq);
		stack_forget();
	}
	MARK();
	PASS(1005);
	for (i = 0; i < MANY; i++) {
		p.port = (uint16_t)(40000 + i);
		TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true, .after_ms = 1000);
		story_begin();
	}
	QUIET();
	SAME(MANY, COUNTER(syn_ack_retransmitted));
	for (i = 0; i < MANY; i++) {
		p.port = (uint16_t)(40000 + i);
		SEND(&p, RST, .seq = p.seq + 1);
	}
	EMPTY_AFTER(0);
}

/* RFC 7323 5.4: a tick of 1 ms to 1 s, and never backwards; TSval is never 0 (3.2). */
STACK_TEST(rfc7323_5_4_timestamp_clock)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t last, now;
	int i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p.syn_options |= TCP_OPT_TS;
	HANDSHAKE(&p);
	SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
	last = TX(&p, ACK, .seq = p.ack, .ack = p.seq)->segment.tsval;
	for (i = 0; i < 10; i++) {
		PASS(5000);
		SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
		now = TX(&p, ACK, .seq = p.ack, .ack = p.seq)->segment.tsval;
		TRUE(now - last >= 5 && now - last <= 5001);
		last = now;
	}
}

/* RFC 7323 7.1: nobody learns from TSval how long the host has been up: its clock begins anywhere,
 * and somewhere else at the next start. */
STACK_TEST(rfc7323_7_1_timestamps_do_not_tell_the_uptime)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t tsval[2], i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p.syn_options |= TCP_OPT_TS;
	for (i = 0; i < 2; i++) {
		SEND(&p, SYN, .seq = p.seq);
		tsval[i] = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.tsval;
		stack_crash(w.s, w.now);
	}
	TRUE(tsval[0] - (uint32_t)(w.now / 1000) + 100000 > 200000);
	TRUE(tsval[1] - tsval[0] + 100000 > 200000);
	EMPTY_AFTER(0);
}

/* RFC 7323 3.2: 0 is not a timestamp. */
STACK_TEST(rfc7323_3_2_timestamp_is_never_zero)
{
	struct stack_peer p = stack_peer(40000, 80);
	uint32_t tsval;
	int i;

	LISTEN(80, "accept", "hang", NULL);
	START();
	p.syn_options |= TCP_OPT_TS;
	SEND(&p, SYN, .seq = p.seq);
	tsval = TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.tsval;
	SEND(&p, RST, .seq = p.seq + 1);
	/* To just before its clock wraps. */
	w.now += ((uint64_t)UINT32_MAX - tsval - 3) * 1000;
	stack_tick(w.s, w.now);
	for (i = 0; i < 10; i++) {
		PASS(1);
		SEND(&p, SYN, .seq = p.seq);
		TRUE(TX(&p, SYN | ACK, .ack = p.seq + 1, .any_seq = true)->segment.tsval != 0);
		SEND(&p, RST, .seq = p.seq + 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_segments_behind_the_bursts_may_be_too_many),
		cmocka_unit_test(design_both_families_share_the_table),
		cmocka_unit_test(design_many_timers_are_due_at_once),
		cmocka_unit_test(rfc7323_5_4_timestamp_clock),
		cmocka_unit_test(rfc7323_7_1_timestamps_do_not_tell_the_uptime),
		cmocka_unit_test(rfc7323_3_2_timestamp_is_never_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
