/* SPDX-License-Identifier: BSD-3-Clause */
/* stack.h - the host of one worker: a burst of frames in, replies out in the same buffers. Holds
 * the connections, their table and their timers; shares nothing with other workers. Knows no DPDK,
 * clock or allocator: frames, time and memory are arguments. */
#ifndef RIPOSTE_STACK_H
#define RIPOSTE_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "listener.h"
#include "script.h"
#include "siphash.h"
#include "tcp.h"
#include "wire.h"

#define STACK_BURST_MAX 64

typedef uint64_t stack_us; /* a clock in microseconds; its zero does not matter */

enum stack_closed { STACK_CLOSED_RESET, STACK_CLOSED_DROP };

/* All that a stack needs to know. What is pointed at must live until stack_reload() has put
 * something else in its place and no connection is left of its listeners. */
struct stack_conf {
	const struct addr_set *owned;
	const struct listener_index *index;
	uint16_t listener_room;          /* listener numbers are below it, after reloads too */
	const struct script_step *steps; /* ... and all their steps are here */
	uint32_t connections;            /* table size: live connections at most, 1 .. 2^28 */
	uint32_t senders; /* connections that have written and are not closed, at most; 1 .. 2^24 */
	uint64_t echo_memory; /* bytes for the text that echo and calls by hand hold */
	uint32_t msl_ms;
	uint32_t challenge_acks; /* a second for one connection, 0 .. 255; 0: no limit */
	uint16_t min_mss;        /* floor for a peer's MSS */
	uint16_t mtu;            /* of the port: 1280 or more where IPv6 is owned */
	uint8_t closed;          /* enum stack_closed */
	uint8_t ttl;
	uint8_t mac[6];
	uint8_t tx_offload; /* WIRE_TX_... */
	struct siphash_key secret;
	struct siphash_key cookie_secret;
	bool cookie_shared;        /* other machines make cookies with that secret too */
	bool isn_clock_stopped;    /* tests: the same SYN always draws the same ISS */
	uint32_t cookie_tick_base; /* added to the stack clock's count of cookie ticks */
};

/* One frame of a burst. */
struct stack_frame {
	uint8_t *data;   /* the frame; the reply is written here */
	uint32_t length; /* in: bytes of the frame; 0: it does not lie in one buffer (counted and
			  * dropped). Out: bytes of the reply, 0: none */
	uint32_t room;   /* bytes at data, length or more; WIRE_TCP_MAX or more */
	uint8_t csum;    /* in: the NIC's verdict, WIRE_IP_... and WIRE_L4_... */
	bool tcp;        /* out: the reply is TCP, so tx_offload applies */
	struct wire_lengths lengths; /* out, with tcp */
};

struct stack_counters {
	uint64_t rx;
	uint64_t answered;
	uint64_t consumed;
	uint64_t dropped[DROP_COUNT];
	uint64_t rst[TCP_RST_COUNT];
	uint64_t tx;     /* frames made, answers and timers' alike */
	uint64_t opened; /* connections that got an entry */
	uint64_t established;
	uint64_t closed; /* entries given back */
	uint64_t cookies_sent;
	uint64_t cookies_accepted;
	uint64_t syn_ack_retransmitted;
	uint64_t fin_retransmitted;
	uint64_t challenge_acks;
	uint64_t text_segments; /* segments with text, the first time they were sent */
	uint64_t text_retransmitted;
	uint64_t fast_retransmitted;
	uint64_t window_probes;
	uint64_t writes_without_memory; /* tried again later */
};

struct stack;

/* Bytes of memory (64-byte aligned, zeroed) that a stack with this configuration needs. */
size_t stack_bytes(const struct stack_conf *conf);

/* Makes memory, of stack_bytes(conf) zeroed bytes, a stack at time now. conf is copied, what it
 * points at is not. */
struct stack *stack_init(void *memory, const struct stack_conf *conf, stack_us now);

/* rx, parse, warm, act, emit: count frames (at most STACK_BURST_MAX) that came together. Each one's
 * reply, if any, is in its place afterwards. More segments may wait in stack_output(). */
void stack_burst(struct stack *s, struct stack_frame *frames, unsigned int count, stack_us now);

/* Runs the timers that are due by now, as far as there is room for what they send. */
void stack_tick(struct stack *s, stack_us now);

/* Segments that no frame asked for and that wait to be sent: at least one if there are any. */
unsigned int stack_pending(struct stack *s);

/* Writes the first of them to frame->data (room for a frame of the MTU with two VLAN tags, and
 * WIRE_TCP_MAX at least) and sets length, tcp and lengths; false if there is none. */
bool stack_output(struct stack *s, struct stack_frame *frame);

/* Microseconds from now until a timer may be due, at most limit. */
uint32_t stack_idle_us(const struct stack *s, stack_us now, uint32_t limit);

const struct stack_counters *stack_counters(const struct stack *s);

/* Connections alive now, and how many of them are in SYN-RECEIVED. */
uint32_t stack_connections(const struct stack *s);
uint32_t stack_half_open(const struct stack *s);

/* --- what an operator does, between bursts --- */

/* As a host that is started again: every connection is forgotten, nothing is sent, the secrets are
 * new ones (derived from the old). Counters go on, those of listeners begin anew. Returns how many
 * connections that were. */
uint32_t stack_crash(struct stack *s, stack_us now);

enum stack_reach {
	STACK_UP,
	STACK_DOWN,    /* only ARP and neighbour solicitations are answered */
	STACK_DOWN_ARP /* they are not either */
};

/* What is heard and said from now on. Connections and their timers go on, but what they send is
 * lost. */
void stack_set_reach(struct stack *s, enum stack_reach reach);

/* Takes over what conf says of addresses, listeners, steps and everything else that no memory was
 * taken for: connections, senders, echo_memory, listener_room, and the port's part (mac, mtu,
 * tx_offload) stay as they are. Connections go on with the listeners and steps they had, but for
 * those to addresses that are owned no longer: they are forgotten. No address is owned of a family
 * of which none was at the start. */
void stack_reload(struct stack *s, const struct stack_conf *conf);

/* Of one listener, by number. */
struct stack_listener_state {
	uint32_t taken;   /* connections so far */
	uint32_t waiting; /* in its accept queue */
	uint32_t alive;   /* connections, and segments on their way out that point at its text */
};

struct stack_listener_state stack_listener_state(const struct stack *s, uint16_t number);

/* One connection, for people. */
struct stack_connection {
	struct flow flow;
	enum tcp_state state;
	uint16_t listener;              /* number */
	const struct script_step *step; /* the call that its application is in */
	uint32_t unread;                /* bytes in the receive buffer */
	uint32_t unacked;               /* bytes written and not acknowledged */
	bool closed;                    /* the application has closed it */
};

/* Places of connections; those in use have no order. */
uint32_t stack_places(const struct stack *s);

/* The connection at a place; false if there is none. */
bool stack_connection_at(const struct stack *s, uint32_t place, struct stack_connection *out);

/* The application of the connection at place, which is in use, makes call now: what it was doing
 * goes on afterwards. call, of script_compile_call(), and its text may go once this has returned.
 * NULL if it was made; else one line that says why it was not. */
const char *stack_call(struct stack *s, uint32_t place, const struct script_step *call,
		       stack_us now);

/* One counter by its printed name. */
struct stack_counter {
	const char *group; /* "", "dropped." or "rst." */
	const char *name;
	uint64_t value;
};

/* The i-th counter of c, in the order in which they are printed; false past the last. rx comes
 * first. */
bool stack_counter_at(const struct stack_counters *c, unsigned int i, struct stack_counter *out);

/* Adds b to a, counter by counter. */
void stack_counters_add(struct stack_counters *a, const struct stack_counters *b);

#endif
