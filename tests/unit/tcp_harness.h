/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_harness.h - one connection on the bench: RX() gives it a segment, TX() says what it must have
 * answered. Every scenario is run with sequence numbers on both sides of the wrap, with timestamps
 * and without. Expected numbers are worked out here by hand and never read from the connection. */
#ifndef RIPOSTE_TCP_HARNESS_H
#define RIPOSTE_TCP_HARNESS_H

#include "story.h"
#include "tcp.h"

enum {
	NONE = 0,
	FIN = TCP_FIN,
	SYN = TCP_SYN,
	RST = TCP_RST,
	PSH = TCP_PSH,
	ACK = TCP_ACK,
	URG = TCP_URG,
};

/* Where the numbers of a scenario begin. */
struct tcp_base {
	uint32_t iss, irs;
	uint32_t tsval, peer_ts;
	tcp_ms now;
};

struct tcp_harness {
	struct tcp_conn c;
	struct tcp_env env;
	const struct tcp_base *base;

	/* The scenario sets these before tcp_enter(). */
	uint8_t syn_options; /* of the SYN; TCP_OPT_TS is set in half of the runs */
	uint8_t syn_wscale;
	uint16_t syn_mss;
	uint16_t peer_mss; /* env.peer_mss */
	uint16_t wnd;      /* the window field of what RX() makes */
	uint32_t peer_ts;  /* and its TSval */
	uint32_t echo_ms;  /* how long ago we sent what its TSecr echoes: at first so long that it
			    * measures nothing */
	uint32_t fill;     /* bytes of text that lie unread once tcp_enter() is done */
	bool orphan;       /* tcp_enter() closes both directions where it closes ours */

	/* What both ends know after tcp_enter(). Nothing changes it later. */
	uint32_t iss, irs;
	uint32_t snd_una, snd_nxt, rcv_nxt;
	uint32_t ts_recent; /* TSecr of what is sent: the scenario may change it */

	/* What the last segment or call led to. */
	struct tcp_seg seg;
	struct tcp_reply reply;
	enum tcp_verdict verdict;
	bool unseen; /* nobody has looked at it yet */
};

extern struct tcp_harness h;

#define ISS     (h.iss)
#define IRS     (h.irs)
#define SND_UNA (h.snd_una)
#define SND_NXT (h.snd_nxt)
#define RCV_NXT (h.rcv_nxt)
#define BUFF    (h.env.rcv_buff)

/* A segment of the peer: its window and timestamp are h.wnd and h.peer_ts. */
struct tcp_rx {
	uint8_t flags;
	uint32_t seq, ack, text;
	bool no_ts; /* leaves the timestamp out that was negotiated */
	bool ts;    /* has one, negotiated or not */
};

/* What must have been sent. */
struct tcp_tx {
	uint8_t flags;
	uint32_t seq, ack;
	uint32_t unread; /* the window is the buffer less this */
	bool challenge;
	bool coalesce;
	bool abort;   /* RST_ABORT: carries the timestamp; the window is any */
	bool any_wnd; /* the scenario looks at h.reply.wnd itself */
};

#define RX(FLAGS, ...) tcp_rx(HERE, &(struct tcp_rx){.flags = (FLAGS), __VA_ARGS__})
#define TX(FLAGS, ...) tcp_tx(HERE, &(struct tcp_tx){.flags = (FLAGS), __VA_ARGS__})
/* Silence, for a reason of drop.def or DROP_NONE: lawful. */
#define TX_NOTHING(REASON) tcp_tx_nothing(HERE, (REASON))
#define STATE(WANT)        tcp_state_is(HERE, (WANT))
#define GONE()             tcp_gone(HERE)
#define REOPENED()         tcp_reopened(HERE)
#define RST_REASON(WANT)   tcp_rst_is(HERE, (WANT))
#define DEADLINE_IN(MS)    tcp_deadline_is(HERE, (MS))
#define NO_DEADLINE()      tcp_deadline_none(HERE)

void tcp_rx(struct story_where where, const struct tcp_rx *rx);
void tcp_tx(struct story_where where, const struct tcp_tx *want);
void tcp_tx_nothing(struct story_where where, enum drop_reason reason);
void tcp_state_is(struct story_where where, enum tcp_state want);
void tcp_gone(struct story_where where);
void tcp_reopened(struct story_where where);
void tcp_rst_is(struct story_where where, enum tcp_rst want);
void tcp_deadline_is(struct story_where where, uint32_t ms);
void tcp_deadline_none(struct story_where where);

/* A new connection in that state, made by segments and calls alone. */
void tcp_enter(enum tcp_state state);

/* The SYN alone, as tcp_enter() begins; TX(SYN | ACK) is left to the scenario. */
void tcp_syn(uint32_t delay_ms);

/* The SYN that h.syn_* describe. */
struct tcp_seg tcp_syn_segment(void);

/* The calls of an application; what they send is seen by TX(). */
void tcp_call_shutdown(void);
void tcp_call_close(void);
void tcp_call_abort(enum tcp_rst reason);
/* A read takes so many bytes and returns. */
void tcp_call_read(uint32_t bytes);

/* Time passes. */
void tcp_wait(uint32_t ms);
/* Waits for the connection's own timer and lets it expire; returns how long that took. */
uint32_t tcp_expire(void);

/* Runs a scenario from every base, without timestamps and with. */
void tcp_run_scenario(void (*scenario)(void));

#define TCP_TEST(NAME)                                                                             \
	static void NAME##_scenario(void);                                                         \
	static void NAME(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		tcp_run_scenario(NAME##_scenario);                                                 \
	}                                                                                          \
	static void NAME##_scenario(void)

/* The states that a scenario goes through: for (i = 0; i < COUNT(SYNCHRONIZED); i++). */
extern const enum tcp_state SYNCHRONIZED[7];
extern const enum tcp_state RECEIVING[3];   /* text is still taken */
extern const enum tcp_state PEER_CLOSED[4]; /* the peer's FIN has come */

#endif
