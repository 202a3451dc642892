/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_harness.h - a whole host on the bench: frames of many peers go in, in bursts, and time
 * passes; TX() says what must have come out. Every scenario is run over IPv4 and IPv6, on a host
 * that owns addresses of that family alone and on one that owns both. After each burst the counters
 * must balance. Frames are made and read by frame.h, not by lib. */
#ifndef RIPOSTE_STACK_HARNESS_H
#define RIPOSTE_STACK_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "stack.h"
#include "story.h"

enum {
	NONE = 0,
	FIN = TCP_FIN,
	SYN = TCP_SYN,
	RST = TCP_RST,
	PSH = TCP_PSH,
	ACK = TCP_ACK,
	URG = TCP_URG,
};

#define STACK_LISTENERS 4
#define STACK_STEPS     64
#define STACK_SENT      1024
#define STACK_TEXT      1500 /* bytes of one segment's text at most */

/* One end of a connection, which the scenario plays. */
struct stack_peer {
	int family;
	uint8_t address; /* the last byte of its IP address */
	uint8_t local;   /* the last byte of ours that it talks to */
	uint16_t port, lport;
	uint8_t mac[6];
	uint8_t tags; /* VLAN tags; host byte order, the outermost first */
	uint16_t tpid[2], tci[2];
	uint8_t syn_options; /* TCP_OPT_... of its SYN */
	uint8_t wscale;
	uint16_t mss;
	uint16_t wnd;   /* of every segment */
	uint32_t tsval; /* with TCP_OPT_TS: of every segment */
	uint32_t tsecr;
	/* Sequence numbers: the next that it sends, the next that it expects. HANDSHAKE() sets
	 * them, the scenario goes on from there. */
	uint32_t seq, ack;
};

/* A segment that came out. */
struct stack_sent {
	struct stack_peer to;     /* address, local, ports, mac and tags of it */
	struct tcp_reply segment; /* but challenge, coalesce, rst and drop */
	stack_us at;
	int place; /* of the frame that it answers; -1: behind the burst, or of a timer */
	uint8_t option_order[4]; /* kinds, in the order in which they came */
	uint8_t text[STACK_TEXT];
};

struct stack_harness {
	int family;   /* of stack_peer() */
	uint32_t irs; /* where peers begin */
	struct stack *s;
	void *memory;
	stack_us now, mark;

	/* The scenario may change these before START(). */
	struct stack_conf conf;
	struct listener listeners[STACK_LISTENERS];
	uint16_t listener_count;
	struct listener_index index;
	uint16_t *numbers;

	struct port_range ports[STACK_LISTENERS];
	struct script_step steps[STACK_STEPS];
	size_t step_count;
	struct addr_set owned;
	struct addr_range4 owned4[2];
	struct addr_range6 owned6[2];

	struct stack_frame frames[STACK_BURST_MAX];
	uint8_t rx_flags[STACK_BURST_MAX];
	unsigned int rx_count; /* frames that wait for BURST() */
	uint64_t rx_total, tx_total;
	bool undrained; /* BURST() leaves alone what waits behind it */

	struct stack_sent sent[STACK_SENT];
	unsigned int sent_head, sent_tail;
};

extern struct stack_harness w;

struct stack_rx {
	uint8_t flags;
	uint32_t seq, ack, text;
	bool no_ts;        /* leaves the timestamp out */
	bool syn_options;  /* has those of a SYN though it is none */
	const void *bytes; /* the text; NULL: 0, 1, 2 ... */
	uint32_t room;     /* its buffer has so much room; 0: no more than it needs */
};

/* What must have come out. wnd_is: wnd counts; otherwise any window will do, but for RST's 0. */
struct stack_tx {
	uint8_t flags;
	uint32_t seq, ack, text;
	const void *bytes; /* the text; NULL: whatever */
	bool wnd_is, any_seq;
	uint16_t wnd;
	uint32_t after_ms; /* so long after MARK(); 0: whenever */
};

/* A listener on port whose script are these calls, closed by NULL: LISTEN(80, "accept", "close",
 * NULL). The scenario may change what it points to before START(). */
#define LISTEN(PORT, ...) stack_listen((PORT), (const char *const[]){__VA_ARGS__})
#define START()           stack_start()
/* Puts a segment into the next burst; BURST() runs it; SEND() is a burst of one. */
#define RX(PEER, FLAGS, ...)                                                                       \
	stack_rx(HERE, (PEER), &(struct stack_rx){.flags = (FLAGS), __VA_ARGS__})
#define BURST() stack_run(HERE)
#define SEND(PEER, FLAGS, ...)                                                                     \
	do {                                                                                       \
		RX((PEER), FLAGS, __VA_ARGS__);                                                    \
		BURST();                                                                           \
	} while (0)
/* The next segment for that peer. */
#define TX(PEER, FLAGS, ...)                                                                       \
	stack_tx(HERE, (PEER), &(struct stack_tx){.flags = (FLAGS), __VA_ARGS__})
/* Nothing else came out. */
#define QUIET() stack_quiet(HERE)
/* SYN, SYN-ACK, ACK; what the last one causes is left to TX(). */
#define HANDSHAKE(PEER) stack_handshake(HERE, (PEER))
#define MARK()          (w.mark = w.now)
#define PASS(MS)        stack_pass(HERE, (MS))
/* So much later, whatever was sent until then, no connection and no timer is left. */
#define EMPTY_AFTER(MS) stack_empty_after(HERE, (MS))
#define CONNECTIONS(N)  SAME((N), stack_connections(w.s))
#define DROPPED(REASON) (stack_counters(w.s)->dropped[DROP_##REASON])
#define RESETS(REASON)  (stack_counters(w.s)->rst[TCP_RST_##REASON])
#define COUNTER(NAME)   (stack_counters(w.s)->NAME)

struct listener *stack_listen(uint16_t port, const char *const *calls);
void stack_start(void);
struct stack_peer stack_peer(uint16_t port, uint16_t lport);
void stack_rx(struct story_where where, const struct stack_peer *from, const struct stack_rx *rx);
void stack_run(struct story_where where);
const struct stack_sent *stack_tx(struct story_where where, const struct stack_peer *to,
				  const struct stack_tx *want);
void stack_quiet(struct story_where where);
/* The next segment for that peer, which stays; NULL: none. */
const struct stack_sent *stack_peek(const struct stack_peer *to);
/* ... which goes: good until the next is taken. */
const struct stack_sent *stack_take(const struct stack_peer *to);
/* Forgets what came out so far. */
void stack_forget(void);
void stack_handshake(struct story_where where, struct stack_peer *peer);
void stack_pass(struct story_where where, uint32_t ms);
void stack_empty_after(struct story_where where, uint32_t ms);
void stack_run_scenario(void (*scenario)(void));

/* stack_frame.c: the peer's side of the wire. */

/* Makes the frame; its bytes are malloc'ed, with just as much room as they need. */
void stack_frame_make(const struct stack_peer *from, const struct stack_rx *rx,
		      struct stack_frame *frame);
/* Reads and checks what came out, header by header. */
void stack_frame_read(struct story_where where, const struct stack_frame *frame,
		      struct stack_sent *sent);

#define STACK_TEST(NAME)                                                                           \
	static void NAME##_scenario(void);                                                         \
	static void NAME(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		stack_run_scenario(NAME##_scenario);                                               \
	}                                                                                          \
	static void NAME##_scenario(void)

#endif
