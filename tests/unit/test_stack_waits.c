/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_waits.c - a connection of which some text waits behind the burst at any time. */
#include <stdlib.h>

#include "byte_queue.h"
#include "text_harness.h"

#define ROOM (14 + 8 + 1500)
#define MSS  1000u

/* The reader takes the first segment that waits; others still do. */
static void
take_first(struct text_reader *r)
{
	struct stack_frame frame = {.room = ROOM, .data = malloc(ROOM)};
	struct stack_sent sent;

	assert_non_null(frame.data);
	TRUE(stack_output(w.s, &frame));
	stack_frame_read(HERE, &frame, &sent);
	w.tx_total++;
	text_look(r, &sent);
	free(frame.data);
	TRUE(stack_pending(w.s) > 0);
}

/* Puts the next text of r's peer into the burst. */
static void
say(struct text_reader *r)
{
	r->peer.ack = text_ack(r);
	RX(&r->peer, ACK, .seq = r->peer.seq, .ack = r->peer.ack, .text = MSS,
	   .bytes = text_pattern() + (r->peer.seq - w.irs - 1));
	r->peer.seq += MSS;
}

/* What is acknowledged is given back all the same: much more goes through than there is memory. */
STACK_TEST(echo_memory_is_given_back_while_text_waits)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct text_reader *r;
	int i;

	w.conf.echo_memory = 8 * BYTE_CHUNK;
	LISTEN(80, "accept", "echo", "close", NULL);
	START();
	p.mss = MSS;
	p.wnd = 65535;
	HANDSHAKE(&p);
	r = text_reader(&p, text_pattern(), 200 * MSS);
	w.undrained = true;
	for (i = 0; i < 4; i++)
		say(r);
	BURST();
	text_take(r);
	for (i = 4; i < 200; i++) {
		take_first(r);
		say(r);
		BURST();
		text_take(r);
		SAME(0, DROPPED(tcp_no_memory));
	}
	w.undrained = false;
	BURST();
	text_read(r);
	SAME(200 * MSS, r->taken);
	SEND(&p, RST, .seq = r->peer.seq);
	EMPTY_AFTER(0);
}

/* Where a chunk is handed over in parts, the last one of the pool is left for the parts. */
STACK_TEST(echo_goes_on_though_all_memory_is_full)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct text_reader *r;
	int i;

	w.conf.echo_memory = 3 * BYTE_CHUNK;
	LISTEN(80, "accept", "sleep 1s", "echo", "close", NULL)->send_buffer = 100;
	START();
	HANDSHAKE(&p);
	r = text_reader(&p, text_pattern(), 10 * MSS);
	for (i = 0; i < 10; i++)
		say(r);
	BURST();
	TRUE(DROPPED(tcp_no_memory) > 0);
	r->peer.seq = stack_take(&p)->segment.ack;
	r->length = r->peer.seq - w.irs - 1;
	TRUE(r->length >= 3 * MSS);
	PASS(1001);
	text_read(r);
	SAME(r->length, r->taken);
	SEND(&p, RST, .seq = r->peer.seq);
	EMPTY_AFTER(0);
}

/* Many writes that wait for memory leave time for everything else. */
STACK_TEST(writes_without_memory_are_not_tried_too_often)
{
	const uint32_t count = 20000;
	uint64_t before;
	uint32_t i;

	w.conf.connections = 2 * count;
	w.conf.senders = 1;
	LISTEN(80, "accept", "write \"x\"", "hang", NULL)->cookies = COOKIES_NEVER;
	START();
	for (i = 0; i < count; i++) {
		struct stack_peer p = stack_peer((uint16_t)(20000 + i), 80);

		HANDSHAKE(&p);
		stack_forget();
	}
	before = COUNTER(writes_without_memory);
	PASS(1000);
	stack_forget();
	TRUE(COUNTER(writes_without_memory) - before >= count);
	TRUE(COUNTER(writes_without_memory) - before <= 128 * 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_memory_is_given_back_while_text_waits),
		cmocka_unit_test(echo_goes_on_though_all_memory_is_full),
		cmocka_unit_test(writes_without_memory_are_not_tried_too_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
