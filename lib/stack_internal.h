/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_internal.h - what the files of stack_*.c share. */
#ifndef RIPOSTE_STACK_INTERNAL_H
#define RIPOSTE_STACK_INTERNAL_H

#include <arpa/inet.h>

#include "byte_queue.h"
#include "conn_store.h"
#include "flow_table.h"
#include "isn.h"
#include "path_table.h"
#include "stack.h"
#include "stack_columns.h"
#include "tcp_closed.h"
#include "tcp_reply.h"
#include "timer_wheel.h"

#define STACK_QUEUE           512 /* segments that no frame asked for, waiting to be sent: a power of two */
#define STACK_RESERVE         64  /* places in it that text leaves to everything else */
#define STACK_OPENED_BITS     512 /* of which a burst sets so few that hardly two share one */
#define STACK_SLOT_PLACES_LOG 7
#define STACK_CALLED          64 /* calls made by hand that have not returned */
_Static_assert(SCRIPT_STEPS_MAX + STACK_CALLED == UINT16_MAX, "a step is 16 bits");
_Static_assert(STACK_OPENED_BITS % 64 == 0, "whole words");

#define SENDER_NONE UINT32_MAX
#define SLOT_NONE   UINT8_MAX

/* Text that was written at one go, or by writes that follow each other in a script. */
struct stack_extent {
	const struct script_step *step; /* the first write; NULL: it lies in sender.sending */
	uint32_t offset;                /* in that write */
	uint32_t length;                /* over all its writes */
};

#define STACK_EXTENTS 4

/* What a connection has beside it once its application writes, or text has to be kept for echo. */
struct sender {
	struct tcp_send tcp;
	uint32_t conn;       /* CONN_NONE: released; it stays for the segments that wait in queue */
	uint32_t next, prev; /* the ring of those that have text ready; next: the free list */
	uint16_t listener;   /* whose text it is */
	uint16_t waiting;    /* segments in slots and queue whose text is here */
	uint16_t then_waiting; /* ... those of them that did when then_una was SND.UNA */
	uint32_t then_una;
	bool ready;
	uint8_t extent_count;
	struct stack_extent extents[STACK_EXTENTS]; /* what is kept for sending, from base on */
	uint32_t base;                              /* sequence number of its first byte */
	struct byte_queue sending;                  /* extents without a step */
	struct byte_queue received;                 /* what an echo has still to read */
};

/* A call by hand that has not returned, as a step of its own. */
struct called {
	struct script_step step;
	uint16_t back; /* the step that goes on when it has returned */
	bool used;
};

enum stack_hashed {
	STACK_HASHED_NOT,
	STACK_HASHED_ISN,    /* the flow, with isn_key */
	STACK_HASHED_COOKIE, /* isn_cookie_words(), with cookie_key */
};

/* What became of one frame of the burst whose port somebody listens on. */
struct stack_slot {
	struct stack_frame *frame; /* NULL: it has been answered and counted */
	struct wire_packet packet;
	struct tcp_reply reply; /* flags 0: none, and drop says why */
	uint64_t hash;          /* of packet.flow */
	uint64_t syn_hash;      /* what syn_hashed says; see stack_hash.c */
	uint8_t syn_hashed;     /* enum stack_hashed */
	uint8_t mss_index;      /* a SYN's, for its cookie */
	uint16_t peer_mss;      /* a SYN's */
	uint32_t seen;          /* stack_warm(): the connection whose segment it may be */
	uint32_t conn;          /* whose segment it was; CONN_NONE: nobody's, or released since */
	uint8_t place;          /* in last_slot, while the slot is somebody's */
	uint8_t earlier;        /* the slot before this one in that place; SLOT_NONE: none */
	bool claimed;           /* place and earlier are set */
	uint32_t sender;        /* whose text the reply carries */
	bool plain;             /* as in stack_columns.h */
	bool shared;            /* its ACK was replaced by a later one of this burst (D-13) */
	bool wake;              /* it brought what a blocked read or write waits for */
};

/* A segment that no frame asked for. */
struct stack_segment {
	struct wire_l2 l2;
	struct flow flow;
	struct tcp_reply reply;
	uint32_t sender; /* whose text it carries */
};

struct stack {
	struct stack_conf conf;
	struct wire_host host;
	enum stack_reach reach;
	/* By listener number: as in struct stack_listener_state. */
	uint32_t *queued, *taken, *alive;
	uint32_t left_behind; /* alive, of those that are not in the index any more */
	struct siphash_key flow_key, isn_key, cookie_key, chance_key;

	struct conn_store conns;
	struct flow_table table;
	struct timer_wheel wheel;
	struct path_table paths;
	uint32_t half_open;

	struct sender *senders;
	struct flow_table sender_table; /* by connection */
	uint32_t sender_free;           /* list by next */
	uint32_t sender_fresh;          /* the first that was never used */
	uint32_t sender_ready;          /* ring by next and prev */
	struct byte_pool text;
	struct called called[STACK_CALLED];

	/* The time of this burst or tick. */
	tcp_ms now;     /* rounded up: what is armed now does not fire early */
	tcp_ms elapsed; /* rounded down: what is due by now */
	uint32_t tsval;
	uint32_t ts_offset;
	uint32_t isn_ticks;
	uint32_t cookie_tick;
	uint32_t cookie_sent; /* the tick in which the last cookie was made */
	bool cookie_ever;

	struct stack_counters counters;

	struct stack_slot slots[STACK_BURST_MAX];
	unsigned int slot_count; /* slots of this burst acted on so far; 0 outside of one */
	bool acting;             /* slots are still to come */
	uint8_t last_slot[1 << STACK_SLOT_PLACES_LOG]; /* by connection: see stack_slot.h */
	/* Opened since slots[].seen was looked up: a bit for each, by its hash. */
	uint64_t opened[STACK_OPENED_BITS / 64];
	struct stack_answers answers[2]; /* to IPv4 and IPv6 frames of this burst */
	struct stack_segment queue[STACK_QUEUE];
	unsigned int queue_head, queue_tail;
};

/* stack.c */

/* Sets the clock that everything until the next call goes by. */
void stack_set_time(struct stack *s, stack_us now);

/* Writes a TCP segment into frame, its text being sender's, and counts what it is. */
void stack_emit_tcp(struct stack *s, struct stack_frame *frame, const struct wire_l2 *l2,
		    const struct flow *flow, const struct tcp_reply *reply, uint32_t sender);

/* stack_parse.c */

/* Answers, drops and counts the frames that need no connection; returns how many others there are.
 * They are in the slots, in the order in which they came. */
unsigned int stack_parse(struct stack *s, struct stack_frame *frames, unsigned int count);

/* stack_hash.c */

/* Sets hash and syn_hash of the first count slots, and asks for their buckets. */
void stack_hash(struct stack *s, unsigned int count);

/* stack_conn.c */

/* Looks up what the first count slots belong to as long as no connection is opened, sets seen, and
 * asks for those connections' lines. */
void stack_warm(struct stack *s, unsigned int count);

/* A TCP segment that nothing was said about yet: finds its connection or listener and sets the
 * slot's reply. */
void stack_segment(struct stack *s, struct stack_slot *slot);

/* A segment of connection conn: sets the slot's reply. */
void stack_connection_segment(struct stack *s, struct stack_slot *slot, uint32_t conn);

/* The listener of a connection. */
uint16_t stack_listener(const struct stack *s, const struct tcp_conn *c);

/* Forgets a connection: table, wheel, accept queue, path. */
void stack_release(struct stack *s, uint32_t conn);

/* stack_listen.c */

/* A segment of no connection for a port that has listeners: opens one, or is answered here and now
 * by RFC 9293 3.10.7.2. */
void stack_listen_segment(struct stack *s, struct stack_slot *slot);

/* A lawful new SYN for conn, which is in TIME-WAIT. */
void stack_reopen(struct stack *s, struct stack_slot *slot, uint32_t conn);

/* Does the slot's segment prove a cookie for the four-tuple of conn, which is in SYN-RECEIVED and
 * whose own SYN-ACK it does not acknowledge? Then conn has to make way. */
bool stack_supersedes(struct stack *s, const struct stack_slot *slot, uint32_t conn);

/* The first SYN-ACK is being sent: the listener's handshake_timeout begins, if it has one. */
void stack_arm_handshake_timeout(const struct stack *s, struct tcp_conn *c);

/* The step that connection c is at. */
static inline const struct script_step *
stack_step(const struct stack *s, const struct tcp_conn *c)
{
	return c->step < SCRIPT_STEPS_MAX ? &s->conf.steps[c->step]
					  : &s->called[c->step - SCRIPT_STEPS_MAX].step;
}

/* stack_send.c: text that applications write, and text kept for echo */

/* Memory for senders, and for their table. */
size_t stack_senders_bytes(const struct stack_conf *conf);

/* No connection has one any more. */
void stack_senders_clear(struct stack *s);

/* The sender of conn; SENDER_NONE: it has none. */
uint32_t stack_sender_find(const struct stack *s, uint32_t conn);

/* The same, which is taken if there is none; SENDER_NONE: all are in use. */
uint32_t stack_sender_take(struct stack *s, struct tcp_conn *c, uint32_t conn);

/* Would c do without its sender until it writes again, or text has to be kept, and are they getting
 * scarce? */
bool stack_sender_spare(const struct stack *s, const struct tcp_conn *c, uint32_t conn);

/* Takes it from its connection. */
void stack_sender_drop(struct stack *s, struct tcp_conn *c, uint32_t conn);

/* One segment less points at it. */
void stack_sender_unhold(struct stack *s, uint32_t sender);

/* Keeps length bytes of text for echo; there is memory for them. */
void stack_keep(struct stack *s, struct tcp_conn *c, uint32_t conn, const uint8_t *text,
		uint32_t length);

/* Could a segment's text be kept, if it has to be? */
bool stack_may_keep(const struct stack *s, const struct tcp_conn *c, uint32_t length);

/* What the application has taken, or will never echo, is not kept any longer. */
void stack_kept_trim(struct stack *s, struct tcp_conn *c, uint32_t conn);

/* The application writes what step says, or as a call by hand (copied) its text; false if there is
 * no room for that now. */
bool stack_write(struct stack *s, struct tcp_conn *c, uint32_t conn, const struct script_step *step,
		 bool copied);

/* ... or sends back up to length bytes of what was kept for it; returns how many. */
uint32_t stack_echo(struct stack *s, struct tcp_conn *c, uint32_t conn, uint32_t length);

/* Sends what tcp_send_next() finds for conn, which has a sender: as far as there is room at once,
 * the rest from stack_pending() on. */
void stack_push(struct stack *s, struct tcp_conn *c, uint32_t conn);

/* The same for connections that have waited for room in the queue. */
void stack_push_ready(struct stack *s);

/* stack_text.c */

/* Makes the text of step, or length bytes at the end of sending, the next to be sent. False: there
 * are too many extents. */
bool stack_text_extend(struct sender *it, const struct script_step *step, uint32_t length);

/* What lies before seq is not kept any longer. */
void stack_text_drop(struct stack *s, struct sender *it, uint32_t seq);

/* Copies a segment's text. */
void stack_copy_text(const struct stack *s, uint32_t sender, const struct tcp_reply *reply,
		     uint8_t *to);

/* stack_app.c */

enum stack_app_event {
	STACK_APP_START, /* the connection is established, or a call returned */
	STACK_APP_WAKE,  /* what a blocked read or write waited for came */
	STACK_APP_TIMER, /* the sleep is over, or the read's timeout */
};

/* The connection's application makes its calls until one blocks; false if they ended the
 * connection. Deadlines may have changed: stack_rearm() is the caller's. */
bool stack_app_run(struct stack *s, uint32_t conn, enum stack_app_event event);

/* A connection's application closes it. False if it is gone. */
bool stack_app_close(struct stack *s, struct tcp_conn *c, uint32_t conn);

/* shutdown(SHUT_WR). */
void stack_app_shutdown(struct stack *s, struct tcp_conn *c, uint32_t conn);

/* accept(). */
void stack_app_accept(struct stack *s, struct tcp_conn *c);

/* stack_call.c */

/* The call by hand that c is in has returned. */
void stack_call_return(struct stack *s, struct tcp_conn *c);

/* c's calls by hand will not return. */
void stack_calls_forget(struct stack *s, struct tcp_conn *c);

/* stack_timer.c */

/* Sends a segment of connection conn, with sender's text if it has any: in the burst in the place
 * of a frame of the same connection if there is one that has no reply yet, or whose ACK this one
 * repeats; else behind the burst. */
void stack_send(struct stack *s, uint32_t conn, const struct tcp_reply *reply, uint32_t sender);

/* The slot of this burst that holds conn's ACK of in-order text, which a later one may replace;
 * NULL if there is none. */
struct stack_slot *stack_pending_ack(struct stack *s, uint32_t conn);

/* One connection more of that listener, or one less; or text of it that waits. */
static inline void
stack_count_alive(struct stack *s, uint16_t number, bool more)
{
	uint32_t change = more ? 1 : UINT32_MAX;

	s->alive[number] += change;
	if (!listener_in_index(s->conf.index, number))
		s->left_behind += change;
}

/* May there be connections of ours on that segment's port? If nobody listens on it there are none,
 * and no table is touched, unless a reload has left some behind. */
static inline bool
stack_has_port(const struct stack *s, const struct flow *flow)
{
	return listener_on_port(s->conf.index, ntohs(flow_lport(flow))) || s->left_behind > 0;
}

/* Counts a frame, whose reply is in it if length is not 0: exactly once. */
static inline void
stack_count_frame(struct stack *s, const struct stack_frame *frame, uint8_t drop)
{
	struct stack_counters *n = &s->counters;

	if (frame->length > 0) {
		n->tx++;
		n->answered++;
	} else if (drop != DROP_NONE) {
		n->dropped[drop]++;
	} else {
		n->consumed++;
	}
}

/* The bit of opened that a hash has. */
static inline unsigned int
stack_opened_bit(uint64_t hash)
{
	return (unsigned int)(hash >> 16) % STACK_OPENED_BITS;
}

/* A connection is in the table now whose slots of this burst may have been looked up before. */
static inline void
stack_mark_opened(struct stack *s, uint64_t hash)
{
	const unsigned int bit = stack_opened_bit(hash);

	s->opened[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* Has one of that hash, or of another, been opened since the burst was looked up? */
static inline bool
stack_may_be_opened(const struct stack *s, uint64_t hash)
{
	const unsigned int bit = stack_opened_bit(hash);

	return s->opened[bit / 64] >> bit % 64 & 1;
}

/* RFC 9293 3.7.1 MUST-15: what the peer can take. */
static inline uint16_t
stack_peer_mss(const struct stack *s, const struct tcp_seg *seg, uint8_t family)
{
	uint16_t mss = seg->options & TCP_OPT_MSS ? seg->mss : family == 4 ? 536 : 1220;

	return mss < s->conf.min_mss ? s->conf.min_mss : mss;
}

/* A segment for a port without a listener: RFC 9293 3.10.7.1, or the configuration's "closed =
 * drop". */
static inline void
stack_input_closed(const struct stack *s, const struct tcp_seg *seg, struct tcp_reply *out)
{
	tcp_input_closed(seg, out);
	if (s->conf.closed == STACK_CLOSED_DROP && out->flags != 0)
		*out = (struct tcp_reply){.drop = DROP_tcp_closed};
}

/* Free places behind the burst. */
static inline unsigned int
stack_queue_room(const struct stack *s)
{
	return STACK_QUEUE - (s->queue_tail - s->queue_head);
}

/* Puts the connection into the wheel anew if before (its node as it was) differs. */
void stack_rearm(struct stack *s, uint32_t conn, const struct timer_node *before);

#endif
