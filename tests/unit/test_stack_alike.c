/* SPDX-License-Identifier: BSD-3-Clause */
/* test_stack_alike.c - what comes of frames of clients that have nothing to do with each other does
 * not depend on how many of them come at a time: each is answered in a burst, where they are looked
 * at side by side, as on a host where it comes alone. */
#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "stack_columns.h"
#include "stack_harness.h"

#define ROUNDS      40
#define PORT_CLOSED 9
#define PORT_ENTRY  80
#define PORT_COOKIE 8097
#define MANY        8 /* enough to be looked at side by side */

/* Somebody who has not been here before. */
static struct stack_peer
somebody(struct seed *seed, uint16_t port, uint16_t lport, bool has_tag)
{
	struct stack_peer p = stack_peer(port, lport);

	p.address = (uint8_t)(2 + seed_below(seed, 250));
	p.mac[5] = (uint8_t)seed_below(seed, 256);
	p.syn_options = (uint8_t)seed_below(seed, 16);
	p.wscale = (uint8_t)seed_below(seed, 16);
	p.mss = (uint16_t)seed_below(seed, 1500);
	p.wnd = (uint16_t)seed_below(seed, 65536);
	/* A few are not plain anyway. */
	p.tags = has_tag || seed_below(seed, 8) == 0;
	p.tpid[0] = 0x8100;
	p.tci[0] = 5;
	return p;
}

static void
make(struct seed *seed, uint16_t port, bool has_tag, struct stack_frame *frame)
{
	static const uint16_t PORTS[] = {PORT_CLOSED, PORT_ENTRY, PORT_COOKIE};
	static const uint8_t FLAGS[] = {SYN, SYN,       SYN,  ACK,       RST,
					FIN, FIN | ACK, NONE, SYN | ACK, RST | ACK};
	const struct stack_peer p = somebody(seed, port, PORTS[seed_below(seed, 3)], has_tag);
	const struct stack_rx rx = {
		.flags = FLAGS[seed_below(seed, sizeof(FLAGS))],
		.seq = (uint32_t)seed_next(seed),
		.ack = (uint32_t)seed_next(seed),
		.text = seed_below(seed, 4) ? 0 : seed_below(seed, 200),
	};

	*frame = (struct stack_frame){.csum = 0};
	stack_frame_make(&p, &rx, frame);
	if (seed_below(seed, 6) == 0)
		frame->data[seed_below(seed, frame->length)] ^= (uint8_t)(1 << seed_below(seed, 8));
}

static void
copy(const struct stack_frame *from, struct stack_frame *to)
{
	*to = *from;
	to->data = malloc(from->room);
	assert_non_null(to->data);
	memcpy(to->data, from->data, from->length);
}

/* An answer goes back with the tag of what it answers, or none. */
static bool
tagged(const struct stack_frame *frame)
{
	return frame->data[12] == 0x81 && frame->data[13] == 0;
}

/* The same frames at once to one host and one by one to the other; the first of them have tags. */
static void
round_of(struct seed *seed, struct stack *one, struct stack *all, uint16_t port, unsigned int count,
	 unsigned int tags)
{
	struct stack_frame alone[STACK_BURST_MAX], together[STACK_BURST_MAX];
	bool has_tag[STACK_BURST_MAX];

	for (unsigned int i = 0; i < count; i++) {
		make(seed, (uint16_t)(port + i), i < tags, &alone[i]);
		copy(&alone[i], &together[i]);
		has_tag[i] = tagged(&alone[i]);
		stack_burst(one, &alone[i], 1, w.now);
	}
	stack_burst(all, together, count, w.now);
	for (unsigned int i = 0; i < count; i++) {
		SAME(alone[i].length, together[i].length);
		if (alone[i].length > 0) {
			SAME(alone[i].tcp, together[i].tcp);
			SAME(has_tag[i], tagged(&together[i]));
			story_true(HERE, "the same answer",
				   memcmp(alone[i].data, together[i].data, alone[i].length) == 0);
		}
		if (alone[i].length > 0 && alone[i].tcp)
			story_true(HERE, "the same lengths of headers",
				   memcmp(&alone[i].lengths, &together[i].lengths,
					  sizeof(alone[i].lengths)) == 0);
		free(alone[i].data);
		free(together[i].data);
	}
	for (unsigned int i = 0;; i++) {
		struct stack_counter a, b;

		if (!stack_counter_at(stack_counters(one), i, &a))
			break;
		stack_counter_at(stack_counters(all), i, &b);
		story_same(HERE, a.name, a.value, b.value);
	}
}

static void
alike(uint8_t closed, uint8_t tx_offload)
{
	struct seed seed = seed_start("burst and single frames");
	struct stack *one;
	size_t bytes;
	void *memory;

	LISTEN(PORT_ENTRY, "accept", "hang", NULL)->cookies = COOKIES_NEVER;
	LISTEN(PORT_COOKIE, "accept", "hang", NULL)->cookies = COOKIES_ALWAYS;
	w.conf.closed = closed;
	w.conf.tx_offload = tx_offload;
	w.conf.ttl = 17;
	w.conf.connections = ROUNDS * STACK_BURST_MAX / 8; /* at the end they are not enough */
	START();
	bytes = stack_bytes(&w.conf);
	memory = aligned_alloc(64, bytes);
	assert_non_null(memory);
	memset(memory, 0, bytes);
	one = stack_init(memory, &w.conf, w.now);
	for (unsigned int i = 0; i < ROUNDS; i++)
		round_of(&seed, one, w.s, (uint16_t)(1024 + i * STACK_BURST_MAX),
			 1 + seed_below(&seed, STACK_BURST_MAX), i % 3 ? 0 : STACK_COLUMNS);
	/* Not for lack of answers. */
	story_true(HERE, "cookies were sent", COUNTER(cookies_sent) > 0);
	story_true(HERE, "connections were opened", COUNTER(opened) > 0);
	story_true(HERE, "closed ports answered", closed || RESETS(NO_LISTENER) > 0);
	story_true(HERE, "listeners refused", RESETS(NO_CONNECTION) > 0);
	free(memory);
}

STACK_TEST(rules_3_a_burst_is_answered_as_its_frames_alone)
{
	alike(STACK_CLOSED_RESET, 0);
}

STACK_TEST(rules_3_a_burst_is_answered_as_its_frames_alone_by_a_nic_that_sums)
{
	alike(STACK_CLOSED_RESET, WIRE_TX_IP | WIRE_TX_TCP);
}

STACK_TEST(design_closed_drop_is_the_same_in_a_burst)
{
	alike(STACK_CLOSED_DROP, 0);
}

/* Connections of that many clients, established. */
static void
crowd(struct stack_peer peers[MANY], uint8_t options)
{
	for (unsigned int i = 0; i < MANY; i++) {
		peers[i] = stack_peer((uint16_t)(40000 + i), PORT_ENTRY);
		peers[i].syn_options = options;
		peers[i].tsval = 1000;
		HANDSHAKE(&peers[i]);
	}
	QUIET();
}

/* RFC 7323 3.2: they are read in every segment, and the text is behind them. */
STACK_TEST(rfc7323_3_2_text_behind_timestamps_in_a_burst)
{
	struct stack_peer peers[MANY];

	LISTEN(PORT_ENTRY, "accept", "echo", NULL);
	START();
	crowd(peers, TCP_OPT_MSS | TCP_OPT_TS);
	for (unsigned int i = 0; i < MANY; i++)
		RX(&peers[i], PSH | ACK, .seq = peers[i].seq, .ack = peers[i].ack, .text = 7,
		   .bytes = "riposte");
	BURST();
	for (unsigned int i = 0; i < MANY; i++)
		TX(&peers[i], PSH | ACK, .seq = peers[i].ack, .ack = peers[i].seq + 7, .text = 7,
		   .bytes = "riposte");
	QUIET();
	/* RFC 7323 5.3 R1: old ones. */
	for (unsigned int i = 0; i < MANY; i++) {
		peers[i].tsval = 999;
		RX(&peers[i], ACK, .seq = peers[i].seq + 7, .ack = peers[i].ack + 7, .text = 1);
	}
	BURST();
	for (unsigned int i = 0; i < MANY; i++)
		TX(&peers[i], ACK, .seq = peers[i].ack + 7, .ack = peers[i].seq + 7);
	QUIET();
}

STACK_TEST(design_a_host_that_is_down_hears_no_burst)
{
	LISTEN(PORT_ENTRY, "accept", "hang", NULL);
	START();
	stack_set_reach(w.s, STACK_DOWN);
	for (unsigned int i = 0; i < MANY; i++) {
		const struct stack_peer p =
			stack_peer((uint16_t)(40000 + i), i % 2 ? PORT_ENTRY : PORT_CLOSED);

		RX(&p, SYN, .seq = p.seq);
	}
	BURST();
	QUIET();
	SAME(MANY, DROPPED(host_down));
	EMPTY_AFTER(0);
}

/* Their port is nobody's now, and another's frames to it are refused. */
STACK_TEST(design_reload_connections_of_a_port_given_up_go_on_in_a_burst)
{
	static struct listener_index nobody;
	struct stack_conf conf;
	struct stack_peer peers[MANY], stranger;

	LISTEN(PORT_ENTRY, "accept", "read all", "close", NULL);
	START();
	crowd(peers, TCP_OPT_MSS);
	listener_index_build(&nobody, w.listeners, 1, 0, NULL);
	conf = w.conf;
	conf.index = &nobody;
	nobody.listeners = w.listeners;
	stack_reload(w.s, &conf);
	for (unsigned int i = 0; i < MANY; i++)
		RX(&peers[i], PSH | ACK, .seq = peers[i].seq, .ack = peers[i].ack, .text = 5);
	stranger = stack_peer(50000, PORT_ENTRY);
	RX(&stranger, SYN, .seq = stranger.seq);
	BURST();
	for (unsigned int i = 0; i < MANY; i++)
		TX(&peers[i], ACK, .seq = peers[i].ack, .ack = peers[i].seq + 5);
	TX(&stranger, RST | ACK, .ack = stranger.seq + 1);
	QUIET();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_3_a_burst_is_answered_as_its_frames_alone),
		cmocka_unit_test(
			rules_3_a_burst_is_answered_as_its_frames_alone_by_a_nic_that_sums),
		cmocka_unit_test(design_closed_drop_is_the_same_in_a_burst),
		cmocka_unit_test(rfc7323_3_2_text_behind_timestamps_in_a_burst),
		cmocka_unit_test(design_a_host_that_is_down_hears_no_burst),
		cmocka_unit_test(design_reload_connections_of_a_port_given_up_go_on_in_a_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
