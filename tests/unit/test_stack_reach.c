/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_reach.c - a host that is down: what it still answers, what is lost, and how it goes on
 * when it is up again. design.md, the table's rows 6 and 6b. */
#include <stdlib.h>
#include <string.h>

#include "frame_other.h"
#include "stack_harness.h"

/* A burst of one frame that is not TCP: is it answered? */
static bool
answered(const struct frame *f)
{
	struct stack_frame frame = {.length = f->length, .room = FRAME_MAX};

	frame.data = malloc(FRAME_MAX);
	assert_non_null(frame.data);
	memcpy(frame.data, f->data, f->length);
	stack_burst(w.s, &frame, 1, w.now);
	free(frame.data);
	w.rx_total++;
	w.tx_total += frame.length != 0;
	return frame.length != 0;
}

/* Whoever asks for the address of ours. */
static bool
resolved(void)
{
	struct frame f;

	if (w.family == 4)
		frame_arp(&f, 1);
	else
		frame_solicitation(&f, 1);
	return answered(&f);
}

static bool
pinged(void)
{
	struct frame f;

	frame_echo(&f, w.family);
	return answered(&f);
}

/* A frame is lost. */
#define LOST(STATEMENT)                                                                            \
	do {                                                                                       \
		uint64_t before = DROPPED(host_down);                                              \
		STATEMENT;                                                                         \
		QUIET();                                                                           \
		SAME(before + 1, DROPPED(host_down));                                              \
	} while (0)

static void
nothing_is_answered(struct stack_peer *p)
{
	struct stack_peer stranger = stack_peer(50000, 80);
	struct stack_peer closed = stack_peer(50000, 9);

	LOST(SEND(&stranger, SYN, .seq = stranger.seq));
	LOST(SEND(&closed, SYN, .seq = closed.seq));
	LOST(SEND(&closed, ACK, .seq = closed.seq, .ack = 5));
	LOST(SEND(p, PSH | ACK, .seq = p->seq, .ack = p->ack, .text = 10));
	LOST(SEND(p, FIN | ACK, .seq = p->seq, .ack = p->ack));
	LOST(SEND(p, RST, .seq = p->seq));
	LOST(TRUE(!pinged()));
	/* One that does not lie in one buffer is that first of all. */
	SAME(0, DROPPED(segmented));
	TRUE(!answered(&(struct frame){.length = 0}));
	SAME(1, DROPPED(segmented));
	CONNECTIONS(1);
}

STACK_TEST(design_6_host_that_is_down)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL);
	START();
	HANDSHAKE(&p);
	stack_set_reach(w.s, STACK_DOWN);
	nothing_is_answered(&p);
	TRUE(resolved());
	TRUE(resolved());
	stack_set_reach(w.s, STACK_UP);
	/* The connection was there all the time. */
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 10, .wnd_is = true, .wnd = 65525);
	TRUE(pinged());
	SEND(&p, RST, .seq = p.seq + 10);
	EMPTY_AFTER(0);
}

STACK_TEST(design_6b_host_that_is_long_gone)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "hang", NULL);
	START();
	HANDSHAKE(&p);
	stack_set_reach(w.s, STACK_DOWN_ARP);
	nothing_is_answered(&p);
	LOST(TRUE(!resolved()));
	/* From one to the other, and up. */
	stack_set_reach(w.s, STACK_DOWN);
	TRUE(resolved());
	LOST(TRUE(!pinged()));
	stack_set_reach(w.s, STACK_UP);
	TRUE(resolved());
	TRUE(pinged());
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

/* A frame that is wrong, or somebody else's, has the reason that it has on a host that is up, or
 * that the host is down: but one, and no answer. */
STACK_TEST(design_6_every_frame_is_counted_once)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct frame f;
	int reach;

	LISTEN(80, "accept", "hang", NULL);
	START();
	for (reach = STACK_DOWN; reach <= STACK_DOWN_ARP; reach++) {
		stack_set_reach(w.s, (enum stack_reach)reach);
		frame_segment(&f, w.family, SYN, 0);
		f.data[f.l4 + 5] ^= 1;
		TRUE(!answered(&f));
		frame_segment(&f, w.family, SYN, 0);
		f.length = 10;
		TRUE(!answered(&f));
		frame_arp(&f, 77);
		TRUE(!answered(&f));
		/* The counters balance after every burst of the harness. */
		LOST(SEND(&p, SYN, .seq = p.seq));
	}
	EMPTY_AFTER(0);
}

/* Timers go on, what they send is lost, and what is lost is sent again as ever. */
STACK_TEST(design_6_what_timers_send_is_lost)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "write \"hello\"", "sleep 1s", "close", NULL);
	START();
	HANDSHAKE(&p);
	MARK();
	TX(&p, PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 5, .bytes = "hello");
	stack_set_reach(w.s, STACK_DOWN);
	PASS(1500);
	QUIET();
	stack_set_reach(w.s, STACK_UP);
	QUIET();
	/* 200, 600 and 1400 ms were lost; the FIN of 1000 ms goes with the text now. */
	PASS(1600);
	TX(&p, FIN | PSH | ACK, .seq = p.ack, .ack = p.seq, .text = 5, .bytes = "hello",
	   .after_ms = 3000);
	QUIET();
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

STACK_TEST(design_6_connections_are_given_up_while_it_is_down)
{
	struct stack_peer a = stack_peer(40000, 80);
	struct stack_peer b = stack_peer(40001, 80);

	LISTEN(80, "accept", "close", NULL);
	START();
	HANDSHAKE(&a);
	TX(&a, FIN | ACK, .seq = a.ack, .ack = a.seq);
	SEND(&b, SYN, .seq = b.seq);
	TX(&b, SYN | ACK, .ack = b.seq + 1, .any_seq = true);
	stack_set_reach(w.s, STACK_DOWN_ARP);
	PASS(1200000);
	QUIET();
	CONNECTIONS(0);
	stack_set_reach(w.s, STACK_UP);
	EMPTY_AFTER(0);
}

/* What had been made before and waits is lost, too. */
STACK_TEST(design_6_what_waits_is_lost)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "sleep 10ms", "close", NULL);
	START();
	HANDSHAKE(&p);
	stack_set_reach(w.s, STACK_DOWN);
	w.now += 20000;
	stack_tick(w.s, w.now);
	BURST();
	QUIET();
	stack_set_reach(w.s, STACK_UP);
	BURST();
	QUIET();
	PASS(250);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, RST, .seq = p.seq);
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_6_host_that_is_down),
		cmocka_unit_test(design_6b_host_that_is_long_gone),
		cmocka_unit_test(design_6_every_frame_is_counted_once),
		cmocka_unit_test(design_6_what_timers_send_is_lost),
		cmocka_unit_test(design_6_connections_are_given_up_while_it_is_down),
		cmocka_unit_test(design_6_what_waits_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
