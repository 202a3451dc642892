/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_internal.h - what the files of stack_*.c share. */
#ifndef RIPOSTE_STACK_INTERNAL_H
#define RIPOSTE_STACK_INTERNAL_H

#include "conn_store.h"
#include "flow_table.h"
#include "isn.h"
#include "path_table.h"
#include "stack.h"
#include "tcp_reply.h"
#include "timer_wheel.h"

#define STACK_QUEUE 256 /* segments that no frame asked for, waiting to be sent: a power of two */

/* What became of one frame of the burst. */
struct stack_slot {
	struct wire_packet packet;
	struct tcp_reply reply; /* flags 0: none, and drop says why */
	uint64_t hash;          /* TCP on a listener's port: of packet.flow */
	uint32_t conn;          /* whose segment it was; CONN_NONE: nobody's, or released since */
	uint32_t length;        /* a reply that is not TCP: its bytes */
	bool shared;            /* its ACK was replaced by a later one of this burst (D-13) */
	bool wake;              /* it brought what a blocked read waits for */
};

/* A segment that no frame asked for. */
struct stack_segment {
	struct wire_l2 l2;
	struct flow flow;
	struct tcp_reply reply;
};

struct stack {
	struct stack_conf conf;
	struct wire_host host;
	struct listener_index index;
	uint32_t *queued; /* by listener: connections in its accept queue */
	uint32_t *taken;  /* by listener: connections it has taken, for "first" */
	bool draws;       /* some listener's chance is below 1 */
	struct siphash_key flow_key, isn_key, cookie_key, chance_key;

	struct conn_store conns;
	struct flow_table table;
	struct timer_wheel wheel;
	struct path_table paths;
	uint32_t half_open;

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
	struct stack_segment queue[STACK_QUEUE];
	unsigned int queue_head, queue_tail;
};

/* stack.c */

/* Sets the clock that everything until the next call goes by. */
void stack_set_time(struct stack *s, stack_us now);

/* Writes a TCP segment into frame and counts its RST, if it is one. */
void stack_emit_tcp(struct stack *s, struct stack_frame *frame, const struct wire_l2 *l2,
		    const struct flow *flow, const struct tcp_reply *reply);

/* stack_conn.c */

/* A TCP segment that nothing was said about yet: finds its connection or listener and sets the
 * slot's reply. */
void stack_segment(struct stack *s, struct stack_slot *slot);

/* A segment of connection conn: sets the slot's reply. */
void stack_connection_segment(struct stack *s, struct stack_slot *slot, uint32_t conn);

/* What a listener and the host decide for its connections of a family, 4 or 6. */
struct tcp_env stack_listener_env(const struct stack *s, const struct listener *l, uint8_t family);

/* What connection c's listener and host decide for it. */
struct tcp_env stack_env(const struct stack *s, const struct tcp_conn *c, uint32_t conn);

/* The listener of a connection. */
uint16_t stack_listener(const struct stack *s, const struct tcp_conn *c);

/* Forgets a connection: table, wheel, accept queue, path. */
void stack_release(struct stack *s, uint32_t conn);

/* stack_listen.c */

/* A segment for a port without a listener: RFC 9293 3.10.7.1, or "closed = drop". */
void stack_closed_segment(const struct stack *s, struct stack_slot *slot);

/* A segment of no connection for a port that has listeners: opens one, or RFC 9293 3.10.7.2. */
void stack_listen_segment(struct stack *s, struct stack_slot *slot);

/* A lawful new SYN for conn, which is in TIME-WAIT. */
void stack_reopen(struct stack *s, struct stack_slot *slot, uint32_t conn);

/* Does the slot's segment prove a cookie for the four-tuple of conn, which is in SYN-RECEIVED and
 * whose own SYN-ACK it does not acknowledge? Then conn has to make way. */
bool stack_supersedes(struct stack *s, const struct stack_slot *slot, uint32_t conn);

/* The first SYN-ACK is being sent: the listener's handshake_timeout begins, if it has one. */
void stack_arm_handshake_timeout(const struct stack *s, struct tcp_conn *c);

/* stack_app.c */

enum stack_app_event {
	STACK_APP_START, /* the connection is established */
	STACK_APP_DATA,  /* text or FIN came while a read waited */
	STACK_APP_TIMER, /* the sleep is over, or the read's timeout */
};

/* The connection's application makes its calls until one blocks; false if they ended the
 * connection. Deadlines may have changed: stack_rearm() is the caller's. */
bool stack_app_run(struct stack *s, uint32_t conn, enum stack_app_event event);

/* stack_timer.c */

/* Sends a segment of connection conn: in the burst in the place of a frame of the same connection
 * if there is one that has no reply yet, or whose ACK this one repeats; else behind the burst. */
void stack_send(struct stack *s, uint32_t conn, const struct tcp_reply *reply);

/* The slot of this burst that holds conn's ACK of in-order text, which a later one may replace;
 * NULL if there is none. */
struct stack_slot *stack_pending_ack(struct stack *s, uint32_t conn);

/* Free places behind the burst. */
static inline unsigned int
stack_queue_room(const struct stack *s)
{
	return STACK_QUEUE - (s->queue_tail - s->queue_head);
}

/* Puts the connection into the wheel anew if before (its node as it was) differs. */
void stack_rearm(struct stack *s, uint32_t conn, const struct timer_node *before);

#endif
