/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_script.c - what an application reads, and what its peer learns of it: windows, window
 * updates, timeouts, a FIN held back. design.md, "The idea"; rules.md D-23 and section 9. */
#include <stdlib.h>

#include "stack_harness.h"

/* The listener's script is these calls; the handshake is done and its last ACK has come. */
#define SERVE(PEER, ...)                                                                           \
	do {                                                                                       \
		LISTEN(80, __VA_ARGS__);                                                           \
		START();                                                                           \
		HANDSHAKE(PEER);                                                                   \
	} while (0)

/* Text that is acknowledged with that window. */
static void
text(struct story_where where, struct stack_peer *p, uint32_t bytes, uint16_t wnd)
{
	stack_rx(where, p,
		 &(struct stack_rx){
			 .flags = PSH | ACK, .seq = p->seq, .ack = p->ack, .text = bytes});
	stack_run(where);
	p->seq += bytes;
	stack_tx(where, p,
		 &(struct stack_tx){
			 .flags = ACK, .seq = p->ack, .ack = p->seq, .wnd_is = true, .wnd = wnd});
	stack_quiet(where);
}

STACK_TEST(design_read_n_takes_bytes_as_they_come)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 4096", "hang", NULL);
	text(HERE, &p, 1000, 65535);
	text(HERE, &p, 1000, 65535);
	text(HERE, &p, 1800, 65535);
	/* 296 of these are the read's, and leave room that is worth no segment. */
	text(HERE, &p, 1800, 65535 - 1800);
	text(HERE, &p, 100, 65535 - 1900);
}

STACK_TEST(design_read_takes_whatever_comes_next_and_no_more)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read", "hang", NULL);
	text(HERE, &p, 1000, 65535);
	text(HERE, &p, 10, 65525);
}

STACK_TEST(design_read_n_returns_and_takes_no_more)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 100", "hang", NULL);
	text(HERE, &p, 100, 65535);
	text(HERE, &p, 1000, 65535 - 1000);
}

STACK_TEST(design_read_all_reads_until_the_fin)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	SERVE(&p, "accept", "read all", "close", NULL);
	for (i = 0; i < 100; i++)
		text(HERE, &p, 1400, 65535);
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 1);
	SEND(&p, ACK, .seq = p.seq + 1, .ack = p.ack + 1);
	EMPTY_AFTER(0);
}

/* Both reads are over when the ACK goes out: nothing is unread. */
STACK_TEST(rules_d23_ack_of_a_burst_tells_what_its_reads_have_left)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 100", "read 100", "hang", NULL);
	RX(&p, ACK, .seq = p.seq, .ack = p.ack, .text = 100);
	RX(&p, ACK, .seq = p.seq + 100, .ack = p.ack, .text = 100);
	BURST();
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 200, .wnd_is = true, .wnd = 65535);
	QUIET();
}

STACK_TEST(design_text_that_waits_is_read_at_once)
{
	struct stack_peer p = stack_peer(40000, 80);

	MARK();
	SERVE(&p, "accept", "sleep 100ms", "read 500", "read", "close", NULL);
	text(HERE, &p, 800, 65535 - 800);
	PASS(110);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
	QUIET();
}

/* RFC 9293 3.10.3: RECEIVE. */
STACK_TEST(rules_9_read_after_zero_window_updates_it)
{
	struct stack_peer p = stack_peer(40000, 80);

	MARK();
	LISTEN(80, "accept", "sleep 100ms", "read all", "close", NULL)->receive_buffer = 4000;
	START();
	HANDSHAKE(&p);
	text(HERE, &p, 1460, 2540);
	text(HERE, &p, 1460, 1080);
	text(HERE, &p, 1080, 0);
	PASS(98);
	QUIET();
	PASS(10);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq, .wnd_is = true, .wnd = 4000, .after_ms = 100);
	QUIET();
}

/* The window is shut, then so much is read: is the peer told of it? 3.8.6.2.2: when the room is
 * worth a segment of its MSS, or half the buffer, here 2000. */
static void
read_opens(struct story_where where, struct stack_peer *p, const char *read, bool told)
{
	uint32_t i;

	free(w.memory);
	w.listener_count = 0;
	w.step_count = 0;
	w.rx_total = w.tx_total = 0;
	LISTEN(80, "accept", "sleep 100ms", read, "hang", NULL)->receive_buffer = 4000;
	START();
	p->seq = w.irs;
	HANDSHAKE(p);
	for (i = 0; i < 4; i++)
		RX(p, ACK, .seq = p->seq + 1000 * i, .ack = p->ack, .text = 1000);
	BURST();
	stack_tx(where, p,
		 &(struct stack_tx){
			 .flags = ACK, .seq = p->ack, .ack = p->seq + 4000, .wnd_is = true});
	PASS(110);
	if (told)
		story_true(where, "a window update came",
			   stack_tx(where, p,
				    &(struct stack_tx){
					    .flags = ACK, .seq = p->ack, .ack = p->seq + 4000})
					   ->segment.wnd > 0);
	stack_quiet(where);
}

STACK_TEST(rfc9293_3_8_6_2_2_update_is_worth_a_segment_of_the_peer)
{
	struct stack_peer p = stack_peer(40000, 80);

	p.mss = 1000;
	read_opens(HERE, &p, "read 999", false);
	read_opens(HERE, &p, "read 1000", true);
	/* Half of the buffer is enough in any case. */
	p.mss = 9000;
	read_opens(HERE, &p, "read 1999", false);
	read_opens(HERE, &p, "read 2000", true);
}

STACK_TEST(rfc9293_must_15_peer_without_an_mss_takes_the_default)
{
	struct stack_peer p = stack_peer(40000, 80);

	p.syn_options = 0;
	read_opens(HERE, &p, p.family == 4 ? "read 535" : "read 1219", false);
	read_opens(HERE, &p, p.family == 4 ? "read 536" : "read 1220", true);
}

STACK_TEST(rules_7_1_tiny_mss_counts_as_the_floor)
{
	struct stack_peer p = stack_peer(40000, 80);

	w.conf.min_mss = 64;
	for (p.mss = 0; p.mss < 64; p.mss = (uint16_t)(p.mss + 21)) {
		read_opens(HERE, &p, "read 63", false);
		read_opens(HERE, &p, "read 64", true);
	}
	p.mss = 65;
	read_opens(HERE, &p, "read 64", false);
}

STACK_TEST(design_timeout_of_a_read_that_returned_is_over)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "timeout 100ms", "read 10", "hang", NULL);
	PASS(50);
	text(HERE, &p, 10, 65535);
	PASS(5000);
	QUIET();
	CONNECTIONS(1);
}

STACK_TEST(design_timeout_holds_for_each_read)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	SERVE(&p, "accept", "timeout 100ms", "read 10", "read 10", "read 10", "close", NULL);
	for (i = 0; i < 2; i++) {
		PASS(80);
		text(HERE, &p, 10, 65535);
	}
	MARK();
	PASS(98);
	QUIET();
	PASS(10);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
}

/* read all is read after read: each may wait so long. */
STACK_TEST(design_timeout_of_read_all_begins_with_each_text)
{
	struct stack_peer p = stack_peer(40000, 80);
	int i;

	SERVE(&p, "accept", "timeout 100ms", "read all", "close", NULL);
	for (i = 0; i < 5; i++) {
		PASS(80);
		text(HERE, &p, 10, 65535);
	}
	MARK();
	PASS(110);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
}

STACK_TEST(design_read_before_the_timeout_call_waits_for_ever)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 10", "timeout 100ms", "read 10", "close", NULL);
	PASS(100000);
	QUIET();
	text(HERE, &p, 10, 65535);
	MARK();
	PASS(110);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .after_ms = 100);
}

/* recv() with SO_RCVTIMEO hands over what came until then: nothing is unread. */
STACK_TEST(design_2b_read_that_times_out_has_taken_what_came)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "timeout 100ms", "read 4096", "close", NULL);
	text(HERE, &p, 100, 65535);
	PASS(250);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq, .wnd_is = true, .wnd = 65535);
	SAME(0, RESETS(UNREAD_DATA));
	stack_forget();
	SEND(&p, ACK, .seq = p.seq - 1, .ack = p.ack);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq, .wnd_is = true, .wnd = 65535);
}

STACK_TEST(rfc9293_3_8_6_1_fin_waits_for_the_window)
{
	struct stack_peer p = stack_peer(40000, 80);

	LISTEN(80, "accept", "close", NULL);
	START();
	p.wnd = 0;
	HANDSHAKE(&p);
	QUIET();
	PASS(1500);
	/* Probes, from one number below. */
	TX(&p, ACK, .seq = p.ack - 1, .ack = p.seq);
	stack_forget();
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	QUIET();
	p.wnd = 1;
	SEND(&p, ACK, .seq = p.seq, .ack = p.ack);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	EMPTY_AFTER(60100);
}

STACK_TEST(design_half_close_in_the_middle)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "read 10", "shutdown", "read all", "close", NULL);
	SEND(&p, PSH | ACK, .seq = p.seq, .ack = p.ack, .text = 10);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq + 10);
	QUIET();
	p.seq += 10;
	p.ack++;
	text(HERE, &p, 1000, 65535);
	/* FIN and the end of the script in one: TIME-WAIT. */
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack, .text = 5);
	TX(&p, ACK, .seq = p.ack, .ack = p.seq + 6);
	CONNECTIONS(1);
	EMPTY_AFTER(60100);
}

STACK_TEST(design_linger_is_for_the_close_behind_it)
{
	struct stack_peer p = stack_peer(40000, 80);

	SERVE(&p, "accept", "linger 0", "shutdown", "read all", "close", NULL);
	TX(&p, FIN | ACK, .seq = p.ack, .ack = p.seq);
	/* 3.10.5: behind both FINs an abort sends nothing. */
	SEND(&p, FIN | ACK, .seq = p.seq, .ack = p.ack + 1);
	TX(&p, ACK, .seq = p.ack + 1, .ack = p.seq + 1);
	QUIET();
	SAME(0, RESETS(LINGER));
	EMPTY_AFTER(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_read_n_takes_bytes_as_they_come),
		cmocka_unit_test(design_read_takes_whatever_comes_next_and_no_more),
		cmocka_unit_test(design_read_n_returns_and_takes_no_more),
		cmocka_unit_test(design_read_all_reads_until_the_fin),
		cmocka_unit_test(rules_d23_ack_of_a_burst_tells_what_its_reads_have_left),
		cmocka_unit_test(design_text_that_waits_is_read_at_once),
		cmocka_unit_test(rules_9_read_after_zero_window_updates_it),
		cmocka_unit_test(rfc9293_3_8_6_2_2_update_is_worth_a_segment_of_the_peer),
		cmocka_unit_test(rfc9293_must_15_peer_without_an_mss_takes_the_default),
		cmocka_unit_test(rules_7_1_tiny_mss_counts_as_the_floor),
		cmocka_unit_test(design_timeout_of_a_read_that_returned_is_over),
		cmocka_unit_test(design_timeout_holds_for_each_read),
		cmocka_unit_test(design_timeout_of_read_all_begins_with_each_text),
		cmocka_unit_test(design_read_before_the_timeout_call_waits_for_ever),
		cmocka_unit_test(design_2b_read_that_times_out_has_taken_what_came),
		cmocka_unit_test(rfc9293_3_8_6_1_fin_waits_for_the_window),
		cmocka_unit_test(design_half_close_in_the_middle),
		cmocka_unit_test(design_linger_is_for_the_close_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
