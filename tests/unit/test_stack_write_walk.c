/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_write_walk.c - text over networks that lose, double and reorder segments and ACKs, to
 * readers whose windows open and close: it arrives byte for byte, whatever happens. */
#include <string.h>

#include "seed.h"
#include "text_harness.h"

#define HELD 64

/* A network and its chances, in percent. */
struct network {
	struct seed seed;
	uint32_t lose, twice, later, shut;
	struct stack_sent held[HELD]; /* segments that come later */
	unsigned int count;
};

static struct network net;

static bool
chance(uint32_t percent)
{
	return seed_below(&net.seed, 100) < percent;
}

/* What comes out goes into the network. Did anything? */
static bool
carry(struct text_reader *r)
{
	const struct stack_sent *sent;
	bool came = false;

	for (; (sent = stack_take(&r->peer)) != NULL; came = true) {
		if (chance(net.lose))
			continue;
		if (net.count < HELD && chance(net.later)) {
			net.held[net.count++] = *sent;
			continue;
		}
		text_look(r, sent);
		if (net.count < HELD && chance(net.twice))
			net.held[net.count++] = *sent;
	}
	while (net.count > 0 && !chance(net.later)) {
		unsigned int i = seed_below(&net.seed, net.count);

		text_look(r, &net.held[i]);
		net.held[i] = net.held[--net.count];
	}
	return came;
}

/* ACKs, duplicate ones as a receiver sends them, with a window that may be closed. */
static void
answer(struct text_reader *r, unsigned int times)
{
	r->peer.wnd = chance(net.shut) ? (uint16_t)seed_below(&net.seed, 2000)
				       : (uint16_t)(10000 + seed_below(&net.seed, 50000));
	if (chance(net.shut))
		r->peer.wnd = 0;
	if (chance(20)) {
		r->peer.tsval++;
		r->peer.wnd = 65535;
	}
	while (times-- > 0)
		if (!chance(net.lose))
			text_send_ack(r);
	if (w.rx_count > 0)
		BURST();
}

/* A window never takes back what it has given: a receiver's right edge stays. So that one which
 * does is tried too, nothing is kept here; the peer takes whatever comes. */
static void
walk(struct text_reader *r)
{
	bool good = net.lose + net.twice + net.later + net.shut == 0;
	unsigned int step;

	for (step = 0; !r->fin; step++) {
		if (step > 20000)
			FAIL("%u of %u bytes have come", r->taken, r->length);
		if (carry(r) && good)
			answer(r, 1);
		else if (!good)
			answer(r, 1 + seed_below(&net.seed, 4));
		if (chance(30))
			PASS(1 + seed_below(&net.seed, !good && chance(10) ? 3000 : 30));
	}
}

static void
run(uint32_t lose, uint32_t twice, uint32_t later, uint32_t shut, uint32_t length)
{
	struct stack_peer p = stack_peer(40000, 80);
	struct text_reader *r;

	net.lose = lose;
	net.twice = twice;
	net.later = later;
	net.shut = shut;
	net.count = 0;
	LISTEN(80, "accept", "write @text", "sleep 5ms", "write @text", "write @text", "close",
	       NULL)
		->send_buffer = 1 + seed_below(&net.seed, 70000);
	text_of_write(text_pattern(), length / 2);
	text_of_write(text_pattern() + length / 2, 77);
	text_of_write(text_pattern() + length / 2 + 77, length - length / 2 - 77);
	START();
	if (chance(50))
		p.syn_options |= TCP_OPT_TS;
	if (chance(50)) {
		p.syn_options |= TCP_OPT_WSCALE;
		p.wscale = (uint8_t)seed_below(&net.seed, 3);
	}
	p.mss = (uint16_t)(100 + seed_below(&net.seed, 1400));
	HANDSHAKE(&p);
	r = text_reader(&p, text_pattern(), length);
	walk(r);
	SAME(length, r->taken);
	/* All of it is acknowledged in the end, and the connection closes as any. */
	stack_forget();
	r->peer.wnd = 65535;
	text_send_ack(r);
	BURST();
	stack_forget();
	SEND(&r->peer, FIN | ACK, .seq = r->peer.seq, .ack = text_ack(r));
	TX(&r->peer, ACK, .seq = text_ack(r), .ack = r->peer.seq + 1);
	EMPTY_AFTER(60100);
}

STACK_TEST(walk_on_a_good_network)
{
	run(0, 0, 0, 0, 250000);
	SAME(0, COUNTER(text_retransmitted));
}

STACK_TEST(walk_with_windows_that_close)
{
	run(0, 0, 0, 40, 30000);
}

STACK_TEST(walk_with_reordering)
{
	run(0, 10, 40, 0, 150000);
}

STACK_TEST(walk_with_losses)
{
	run(10, 0, 0, 0, 100000);
	TRUE(COUNTER(fast_retransmitted) > 0);
}

STACK_TEST(walk_with_everything)
{
	run(20, 10, 20, 20, 30000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_on_a_good_network),
		cmocka_unit_test(walk_with_windows_that_close),
		cmocka_unit_test(walk_with_reordering),
		cmocka_unit_test(walk_with_losses),
		cmocka_unit_test(walk_with_everything),
	};

	net.seed = seed_start("stack_write_walk");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
