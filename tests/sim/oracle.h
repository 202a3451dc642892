/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle.h - what must hold of a stack whatever it is sent: the simulator and the fuzzers drive
 * stack_burst(), stack_tick() and stack_output() through here, and everything is checked after each
 * of them. What is checked:
 *
 * oracle.c        every frame is counted exactly once, and every frame sent too; entries balance;
 *                 no lawful segment is dropped for what lies below TCP
 * oracle_reply.c  every TCP reply has a shape of rules.md section 3 and follows from its trigger;
 *                 no RST draws a RST; nothing that section 2 drops is answered
 * oracle_text.c   text is what the script says, the same each time, and within the peer's window
 * oracle_other.c  the same for ARP, ping and neighbour discovery
 * oracle_look.c   the table holds the live connections and no other; what is counted is what there
 *                 is; which connections the two below look at
 * oracle_state.c  each state has the timers it needs, in the wheel, and none is late; numbers and
 *                 window edges never go back
 * oracle_send.c   the same for those that write: what they hold is accounted for, and nobody waits
 *                 for what will not come */
#ifndef RIPOSTE_SIM_ORACLE_H
#define RIPOSTE_SIM_ORACLE_H

#include "segment.h"
#include "stack.h"

/* The two ends of a connection, as the host calls them. */
struct oracle_ends {
	struct flow flow;
	uint64_t hash; /* the table's */
};

/* A frame as it was before the stack wrote its reply over it. */
struct oracle_trigger {
	uint8_t frame[SEGMENT_FRAME_MAX];
	uint32_t length; /* 0 with tcp */
	bool tcp;        /* segment is set: a whole TCP segment, which may still not be for us */
	bool lawful;     /* ... and nothing of rules.md section 2, F1 to F8, drops it */
	bool first; /* ... and there is no connection that it could be of, from this burst neither
		     */
	bool known; /* ... and there was a connection of its ends before the burst */
	bool open;  /* ... and it is of a connection that was established before the burst */
	struct segment segment;
	struct oracle_ends ends; /* set if lawful */
};

/* What was seen of the connection at one place when it was looked at last. */
struct oracle_conn {
	bool known;                             /* there was one */
	bool same;                              /* ... and this is the same */
	bool counted, half_open, armed, queued; /* what it adds to the sums */
	uint16_t listener;
	uint64_t hash; /* of its four-tuple */
	uint32_t rcv_nxt, snd_una, snd_nxt;
	uint32_t edge;       /* the furthest right edge of its window */
	uint32_t acked;      /* what was acknowledged last ... */
	uint64_t acked_look; /* ... before which look */
};

#define ORACLE_RECORDS 128 /* lists by hash */

struct oracle_record;
struct oracle_copy;

struct oracle {
	struct stack *stack;
	const struct stack_conf *conf;
	stack_us now;
	uint64_t fed;            /* frames given to the stack */
	uint64_t sent;           /* frames that it made */
	uint64_t resets;         /* ... of which RST */
	uint64_t digest;         /* of all frames made, and of when */
	unsigned int look_every; /* every so many looks everything is looked at, changed or not: 1,
				  * each time */
	unsigned int looks;      /* since then */
	bool failed;
	char why[512];    /* the first thing that did not hold */
	const char *rule; /* ... without its circumstances: the same for all that break it */
	uint8_t about_family, about[16]; /* ... and the client that it is about; 0: none */
	struct stack_counters before;
	uint64_t look;        /* how often the connections were looked at */
	uint64_t closed_then; /* counters.closed at the last look */
	uint64_t opened_then; /* ... and counters.opened */
	unsigned int came;    /* frames of the burst, in trigger; 0: it was no burst */
	enum stack_reach reach;
	bool stale;  /* records of connections that have ended are still to be forgotten */
	bool called; /* somebody has made calls by hand */
	uint32_t record_count;
	struct oracle_conn *conns;                     /* by place */
	struct oracle_copy *copy;                      /* oracle_look.c's */
	struct segment replies[STACK_BURST_MAX];       /* of the burst, as far as they are TCP */
	uint64_t drained;                              /* segments taken from behind the bursts */
	struct oracle_record *records[ORACLE_RECORDS]; /* oracle_text.c's */
	struct oracle_trigger trigger[STACK_BURST_MAX];
};

/* Begins to watch a stack that has just been made. conf lives as long. o is zeroed, or has watched
 * another. */
void oracle_init(struct oracle *o, struct stack *stack, const struct stack_conf *conf,
		 stack_us now);

/* Frees what oracle_init() allocated. */
void oracle_free(struct oracle *o);

/* The stack's calls, checked. False once anything did not hold; why says what. */
bool oracle_burst(struct oracle *o, struct stack_frame *frames, unsigned int count, stack_us now);
bool oracle_tick(struct oracle *o, stack_us now);

/* False if there is nothing to send (or something did not hold: failed is then set). */
bool oracle_output(struct oracle *o, struct stack_frame *frame);

/* What an operator does, checked. */
bool oracle_crash(struct oracle *o, stack_us now);
bool oracle_reload(struct oracle *o, const struct stack_conf *conf);
void oracle_set_reach(struct oracle *o, enum stack_reach reach);

/* One more call, as it is written, by the application of the connection at place, if there is one
 * (else true). */
bool oracle_call(struct oracle *o, uint32_t place, const char *call, stack_us now);

/* Is nothing held any more of what connections take besides their entry? To be asked when there are
 * none, and nothing waits to be sent. */
bool oracle_check_empty(struct oracle *o);

/* Notes what did not hold, unless something else did not before. Always false. */
__attribute__((format(printf, 2, 3))) bool oracle_fail(struct oracle *o, const char *format, ...);

/* What will not hold is this rule, of the connection of the client at addr (NULL: nobody's);
 * oracle_fail() comes next. */
void oracle_about(struct oracle *o, const char *rule, uint8_t family, const uint8_t *addr);

/* oracle_reply.c */

/* Would rules.md section 2, F1 to F8, let this segment pass? */
bool oracle_is_lawful(const struct oracle *o, const struct segment *s);

/* Is the reply that the trigger has drawn, or that there is none, what rules.md sections 6.1
 * and 6.2 want where there is no connection? reply is NULL if there is none. */
bool oracle_check_first(struct oracle *o, const struct segment *reply,
			const struct oracle_trigger *trigger);

/* A TCP frame that the stack made, and what it is; trigger is NULL if no frame asked for it. */
bool oracle_check_tcp(struct oracle *o, const struct stack_frame *frame, const struct segment *s,
		      const struct oracle_trigger *trigger);

/* oracle_other.c: a frame that the stack made and that is not TCP. */
bool oracle_check_other(struct oracle *o, const struct stack_frame *frame,
			const struct oracle_trigger *trigger);

/* oracle_state.c */

/* The ends of a segment that came, or that the host sent. */
struct oracle_ends oracle_ends(const struct oracle *o, const struct segment *s, bool came);

/* The place of the connection between them; UINT32_MAX if there is none. */
uint32_t oracle_find_ends(const struct oracle *o, const struct oracle_ends *ends);

/* Notes that a segment was just made that acknowledges something to the connection at conn. */
void oracle_note_ack(struct oracle *o, const struct segment *s, uint32_t conn);

/* Is there a connection at conn, and is it established? */
bool oracle_is_open(const struct oracle *o, uint32_t conn);

/* The connection that a segment for us is of, for harnesses that aim at it; NULL if there is none.
 */
const struct tcp_conn *oracle_find(const struct oracle *o, const struct segment *s);

/* The live connections one after the other, in no order that matters: *place is 0 at first. NULL
 * past the last. */
const struct tcp_conn *oracle_next(const struct oracle *o, uint32_t *place, struct flow *flow);

/* oracle_look.c */

/* Begins to look at a stack that has just been made. */
void oracle_look_begin(struct oracle *o);
void oracle_look_free(struct oracle *o);

/* Looks at every connection that has changed since the last look, or at all of them if it is their
 * turn. ticked: stack_tick() was the last call. */
bool oracle_look(struct oracle *o, bool ticked);

/* Looks at every connection. */
bool oracle_look_at_all(struct oracle *o);

/* oracle_text.c */

/* A SYN-ACK goes out: what was seen of these ends before is of another connection. */
void oracle_text_opens(struct oracle *o, const struct oracle_ends *ends);

/* An ACK came in a burst in which cookies were taken. Certain: what was seen of these ends before
 * is not of the connection that there is now, if there is one; else it may be, or not. */
void oracle_text_cookie(struct oracle *o, const struct oracle_ends *ends, bool certain);

/* A segment has come whose window may be the furthest so far. To be called after the burst. */
void oracle_text_offered(struct oracle *o, const struct segment *s, const struct oracle_ends *ends);

/* The connection's application makes calls that are not in its script. */
void oracle_text_called(struct oracle *o, const struct flow *flow);

/* Segments may have been made that were not seen. */
void oracle_text_unseen(struct oracle *o);

/* The text and FIN of a segment that goes out. The rule that is broken, or NULL. */
const char *oracle_text_check(struct oracle *o, const struct segment *s,
			      const struct oracle_ends *ends);

/* Forgets connections that are gone; nothing that they have sent waits any more. All of them. */
void oracle_text_forget(struct oracle *o);
void oracle_text_free(struct oracle *o);

#endif
