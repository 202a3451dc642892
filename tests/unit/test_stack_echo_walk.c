/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_echo_walk.c - a long conversation with echo over a cable that loses segments, with
 * little memory and peers that do not always read: it all comes back, byte for byte. */
#include "byte_queue.h"
#include "seed.h"
#include "text_harness.h"

static struct seed dice;

static bool
chance(uint32_t percent)
{
	return seed_below(&dice, 100) < percent;
}

/* Sends what the window has room for, on from what was acknowledged: at most three segments; one
 * byte if it has none. */
static void
say_some(struct text_reader *r, uint32_t acked, uint32_t wnd)
{
	uint32_t end = acked + (wnd > 0 ? wnd : 1);
	uint32_t most = end < r->length ? end : r->length;
	uint32_t at = acked, part;
	int i;

	for (i = 0; i < 3; i++, at += part) {
		part = 1 + seed_below(&dice, 1400);
		part = part < most - at ? part : most - at;
		if (!chance(15))
			RX(&r->peer, (uint8_t)(ACK | PSH | (at + part == r->length ? FIN : 0)),
			   .seq = r->peer.seq + at, .ack = text_ack(r), .text = part,
			   .bytes = r->want + at, .room = chance(50) ? 2048 : 0);
		if (at + part == most)
			break;
	}
	BURST();
}

STACK_TEST(echo_over_a_bad_cable)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct listener *l = LISTEN(80, "accept", "sleep 20ms", "echo", "close", NULL);
	uint32_t acked = 0, wnd, step; /* acked: the FIN is the last one */
	const struct stack_sent *sent;
	struct text_reader *r;

	l->send_buffer = 1 + seed_below(&dice, 20000);
	l->receive_buffer = 2000 + seed_below(&dice, 20000);
	w.conf.echo_memory = (8 + seed_below(&dice, 20)) * BYTE_CHUNK;
	wnd = l->receive_buffer;
	START();
	p.syn_options |= chance(50) ? TCP_OPT_TS : 0;
	HANDSHAKE(&p);
	r = text_reader(&p, text_pattern(), 50000);
	for (step = 0; !r->fin; step++) {
		if (step > 30000)
			FAIL("%u of %u are acknowledged, %u came back", acked, r->length, r->taken);
		while ((sent = stack_take(&p)) != NULL) {
			uint32_t ack = sent->segment.ack - p.seq;

			if (chance(15))
				continue;
			if (ack >= acked && ack <= r->length + 1) {
				acked = ack;
				wnd = sent->segment.wnd;
			}
			text_look(r, sent);
		}
		r->peer.wnd = chance(10) ? 0 : 20000;
		if (acked <= r->length && chance(70)) {
			say_some(r, acked, wnd);
			continue;
		}
		RX(&r->peer, ACK, .seq = p.seq + acked, .ack = text_ack(r));
		BURST();
		if (chance(50))
			PASS(1 + seed_below(&dice, 200));
	}
	SAME(50000, r->taken);
	stack_forget();
	SEND(&r->peer, RST, .seq = p.seq + 50001);
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_over_a_bad_cable),
	};

	dice = seed_start("stack_echo_walk");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
