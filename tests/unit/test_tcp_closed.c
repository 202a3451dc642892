/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_closed.c - a port that nobody listens on. RFC 9293 3.10.7.1; rules.md 6.1. */
#include "tcp_closed.h"
#include "tcp_harness.h"

/* Sequence numbers at which the sum with SEG.LEN wraps, and others. */
static const uint32_t SEQS[] = {1000, 0, 0xffffffff, 0xfffffffe, 0x7fffffff, 0xfffffff0};
static const uint32_t TEXTS[] = {0, 1, 20, 1460};

/* Runs tcp_input_closed() on every sequence number and length of text. */
static void
each(uint8_t flags, void (*check)(const struct tcp_seg *seg, const struct tcp_reply *out))
{
	struct tcp_reply out;
	struct tcp_seg seg;
	size_t i, j;

	for (i = 0; i < COUNT(SEQS); i++)
		for (j = 0; j < COUNT(TEXTS); j++) {
			seg = (struct tcp_seg){
				.seq = SEQS[i],
				.ack = SEQS[i] * 3 + 7,
				.text = TEXTS[j],
				.wnd = 1024,
				.flags = flags,
			};
			out = (struct tcp_reply){.flags = 0xff, .drop = 0xff};
			tcp_input_closed(&seg, &out);
			check(&seg, &out);
		}
}

static void
silence(const struct tcp_seg *seg, const struct tcp_reply *out)
{
	(void)seg;
	SAME(0, out->flags);
	SAME(DROP_tcp_stray_rst, out->drop);
}

/* RST_A */
static void
reset_at_ack(const struct tcp_seg *seg, const struct tcp_reply *out)
{
	SAME(RST, out->flags);
	SAME(seg->ack, out->seq);
	SAME(0, out->ack);
	SAME(0, out->wnd);
	SAME(0, out->options);
	SAME(TCP_RST_NO_LISTENER, out->rst);
}

/* RST_N, whose SEG.LEN counts so many control bits. */
static void
reset_behind(const struct tcp_seg *seg, const struct tcp_reply *out, uint32_t control)
{
	SAME(RST | ACK, out->flags);
	SAME(0, out->seq);
	SAME((uint32_t)(seg->seq + seg->text + control), out->ack);
	SAME(0, out->wnd);
	SAME(0, out->options);
	SAME(TCP_RST_NO_LISTENER, out->rst);
}

static void
reset_behind_text(const struct tcp_seg *seg, const struct tcp_reply *out)
{
	reset_behind(seg, out, 0);
}

static void
reset_behind_one(const struct tcp_seg *seg, const struct tcp_reply *out)
{
	reset_behind(seg, out, 1);
}

static void
reset_behind_two(const struct tcp_seg *seg, const struct tcp_reply *out)
{
	reset_behind(seg, out, 2);
}

/* F9; RFC 9293 3.5.2. */
static void
rfc9293_3_10_7_1_rst_is_never_answered(void **state)
{
	unsigned int others;

	(void)state;
	for (others = 0; others < 256; others++)
		each((uint8_t)(others | RST), silence);
}

static void
rfc9293_3_10_7_1_ack_gets_rst_at_seg_ack(void **state)
{
	unsigned int others;

	(void)state;
	/* ACK, SYN+ACK, FIN+ACK, PSH+ACK, URG+ACK and all their mixtures. */
	for (others = 0; others < 256; others++)
		if (!(others & RST))
			each((uint8_t)(others | ACK), reset_at_ack);
}

static void
rfc9293_3_10_7_1_syn_gets_rst_ack_behind_it(void **state)
{
	(void)state;
	each(SYN, reset_behind_one);
	each(SYN | PSH, reset_behind_one);
	each(SYN | URG | TCP_ECE | TCP_CWR, reset_behind_one);
}

static void
rfc9293_3_10_7_1_syn_fin_counts_two(void **state)
{
	(void)state;
	each(SYN | FIN, reset_behind_two);
	each(SYN | FIN | PSH, reset_behind_two);
}

static void
rfc9293_3_10_7_1_fin_and_xmas_count_one(void **state)
{
	(void)state;
	each(FIN, reset_behind_one);
	each(FIN | PSH | URG, reset_behind_one);
}

static void
rfc9293_3_10_7_1_null_and_text_count_their_text(void **state)
{
	(void)state;
	each(NONE, reset_behind_text);
	each(PSH, reset_behind_text);
	each(URG, reset_behind_text);
	each(PSH | URG, reset_behind_text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9293_3_10_7_1_rst_is_never_answered),
		cmocka_unit_test(rfc9293_3_10_7_1_ack_gets_rst_at_seg_ack),
		cmocka_unit_test(rfc9293_3_10_7_1_syn_gets_rst_ack_behind_it),
		cmocka_unit_test(rfc9293_3_10_7_1_syn_fin_counts_two),
		cmocka_unit_test(rfc9293_3_10_7_1_fin_and_xmas_count_one),
		cmocka_unit_test(rfc9293_3_10_7_1_null_and_text_count_their_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
