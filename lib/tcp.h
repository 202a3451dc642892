/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp.h - one TCP connection as RFC 9293 describes it: segments, calls and timeouts go in, replies
 * come out. Knows no addresses, packets, tables, scripts, memory or clock. */
#ifndef RIPOSTE_TCP_H
#define RIPOSTE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drop.h"
#include "seq.h"
#include "timer_node.h"

typedef uint64_t tcp_ms; /* a clock in milliseconds; what it counts from does not matter */

/* The control bits, as in the header. RFC 9293 3.1. */
enum {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

/* Options that a segment carries. */
enum {
	TCP_OPT_MSS = 0x01,
	TCP_OPT_WSCALE = 0x02,
	TCP_OPT_SACK_OK = 0x04,
	TCP_OPT_TS = 0x08,
};

/* A segment that arrived; all in host byte order. */
struct tcp_seg {
	uint32_t seq;
	uint32_t ack;   /* the field, whether or not the ACK bit is set */
	uint32_t text;  /* payload bytes */
	uint32_t tsval; /* with TCP_OPT_TS */
	uint32_t tsecr;
	uint16_t wnd;    /* the field, not scaled */
	uint16_t mss;    /* with TCP_OPT_MSS */
	uint8_t flags;   /* TCP_FIN ... */
	uint8_t options; /* TCP_OPT_MSS ...; the last one of a kind won (D-25) */
	uint8_t wscale;  /* with TCP_OPT_WSCALE, as received: may be over 14 */
};

/* SEG.LEN. RFC 9293 3.4. */
static inline uint32_t
tcp_seg_len(const struct tcp_seg *seg)
{
	return seg->text + !!(seg->flags & TCP_SYN) + !!(seg->flags & TCP_FIN);
}

/* Why a RST was sent: the counter is rst.NAME. */
enum tcp_rst {
	TCP_RST_NONE = 0,
	TCP_RST_NO_LISTENER,       /* 3.10.7.1: nobody listens on the port */
	TCP_RST_NO_CONNECTION,     /* 3.10.7.2: a listener, but no such connection */
	TCP_RST_BAD_ACK,           /* D-9: SYN-RECEIVED, and not our SYN that is acknowledged */
	TCP_RST_AFTER_CLOSE,       /* 3.6.1: text for an application that has closed */
	TCP_RST_UNREAD_DATA,       /* 3.6.1: closed with text unread */
	TCP_RST_LINGER,            /* 3.10.5: closed with SO_LINGER {on, 0} */
	TCP_RST_NOT_ACCEPTED,      /* the application ended with the connection in its queue */
	TCP_RST_HANDSHAKE_TIMEOUT, /* the handshake took longer than the listener allows */
	TCP_RST_COUNT
};

/* The name as counters show it, without "rst.". */
const char *tcp_rst_name(enum tcp_rst reason);

/* A segment to send, or (flags == 0) why there is none. Host byte order. */
struct tcp_reply {
	uint32_t seq;
	uint32_t ack;   /* 0 unless flags has TCP_ACK */
	uint32_t tsval; /* with TCP_OPT_TS */
	uint32_t tsecr;
	uint16_t wnd;  /* the field, already scaled */
	uint16_t mss;  /* with TCP_OPT_MSS */
	uint16_t text; /* payload bytes: what the application wrote, from seq on */
	uint8_t flags; /* 0: nothing to send */
	uint8_t options;
	uint8_t wscale; /* with TCP_OPT_WSCALE */
	uint8_t drop;   /* enum drop_reason, where there is no reply; DROP_NONE: lawful */
	uint8_t rst;    /* enum tcp_rst, where flags has TCP_RST */
	bool challenge; /* a challenge ACK: limited to so many a second (D-14) */
	bool coalesce;  /* acknowledges in-order text: the next one replaces it (D-13) */
	uint8_t sent;   /* enum tcp_sent: what a segment of tcp_send_next() is, for the counters */
};

/* Of a segment with text or FIN. */
enum tcp_sent {
	TCP_SENT_NEW,
	TCP_SENT_AGAIN, /* a retransmission */
	TCP_SENT_FAST,  /* ... by fast retransmit */
	TCP_SENT_PROBE, /* of a window that is closed */
};

/* CLOSED is absence from the table, LISTEN an entry of the configuration, SYN-SENT impossible. */
enum tcp_state {
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
};
#define TCP_STATES 8

/* The RFC's name, "SYN-RECEIVED". */
const char *tcp_state_name(enum tcp_state state);

/* tcp_conn.flags */
enum {
	TCP_F_TS = 0x0001,          /* timestamps were negotiated */
	TCP_F_WSCALE = 0x0002,      /* window scaling was negotiated */
	TCP_F_SACK = 0x0004,        /* the SYN permitted SACK */
	TCP_F_SYN_ACK_DUE = 0x0008, /* SYN-RECEIVED: the first SYN-ACK is being delayed */
	TCP_F_FIN_UNSENT = 0x0010,  /* closed, but the peer's window has no room for the FIN */
	TCP_F_ORPHAN = 0x0020,      /* close() was called: nobody reads any more (6.6) */
	TCP_F_MAX_WND_RAW = 0x0040, /* snd.max_wnd is not scaled: it came in a SYN */
	TCP_F_RTT = 0x0080,         /* rto_ms was measured */
	TCP_F_ACK_PENDING = 0x2000, /* in-order text was taken whose ACK has not been sent yet */
	/* The application's; the protocol never looks at them. */
	TCP_F_READING = 0x0100, /* blocked in a read */
	TCP_F_QUEUED = 0x0200,  /* in the accept queue */
	TCP_F_ACCEPTED = 0x0400,
	TCP_F_LINGER = 0x0800,  /* SO_LINGER {on, 0} */
	TCP_F_WRITING = 0x4000, /* blocked in a write: the send buffer is full */
	TCP_F_SENDER = 0x8000,  /* it has a struct tcp_send beside it */
};

/* Everything that the protocol keeps of a connection: with an IPv4 four-tuple one cache line.
 * Windows are kept as the 16-bit field and its shift, which is exact: see tcp_rcv_wnd(). */
struct tcp_conn {
	struct timer_node timer; /* tcp_ms is ours; call_ms the application's */
	struct {
		uint32_t una;
		uint32_t nxt;
	} snd;
	struct {
		uint32_t nxt;
		uint32_t held; /* bytes received and not taken by a read that has returned */
	} rcv;
	uint32_t ts_recent;
	uint16_t rcv_wnd;     /* the window last advertised less what came since */
	uint16_t snd_wnd;     /* SND.WND as received */
	uint16_t snd_max_wnd; /* MAX.SND.WND as received (RFC 5961 5.2) */
	uint16_t ts_age;      /* when ts_recent was set, in units of 2^20 ms */
	uint16_t rto_ms;      /* RFC 6298, doubled by each retransmission */
	uint16_t step;        /* the script's step, counted over all scripts */
	uint8_t state : 4;    /* enum tcp_state */
	uint8_t retries : 4;
	uint8_t snd_shift : 4; /* the peer's window scale */
	uint8_t rcv_shift : 4; /* the shift of rcv_wnd: 0 until a scaled window was advertised */
	uint16_t flags;        /* TCP_F_... */
};
_Static_assert(sizeof(struct tcp_conn) == 52, "52 + 12 bytes of IPv4 four-tuple: one line");

/* What a connection keeps beside tcp_conn once its application writes. c->snd.nxt stays the highest
 * sequence number ever sent, so that ACKs are checked as RFC 9293 has it; resume is what the next
 * segment begins with. Times are the low 32 bits of tcp_ms. RFC 9293 3.8, RFC 5681, RFC 6298. */
struct tcp_send {
	uint32_t end;      /* behind the last byte written: a FIN's sequence number */
	uint32_t resume;   /* SND.UNA .. SND.NXT; less than SND.NXT: what follows is sent again */
	uint32_t wl1;      /* SND.WL1 */
	uint32_t small;    /* behind the last segment that was not full (RFC 9293 A.3) */
	uint32_t recover;  /* SND.NXT when a loss was last noticed (RFC 6582 3.2) */
	uint32_t dup_nxt;  /* SND.NXT when the first duplicate ACK came: before RFC 3042 */
	uint32_t cwnd;     /* bytes */
	uint32_t ssthresh; /* bytes */
	uint32_t timed;    /* the ACK of this ends the measurement of a round trip ... */
	uint32_t timed_ms; /* ... that began here */
	uint32_t sent_ms;  /* when text was last sent */
	uint32_t srtt;     /* RFC 6298 2, in units of 1/8 ms; 0: not measured */
	uint32_t rttvar;   /* in units of 1/4 ms */
	uint16_t rto;      /* in ms, until text was measured */
	uint8_t dup_acks;
	bool timing;
	bool recovering; /* fast recovery */
	bool probed;     /* a byte was sent that the closed window may have refused */
	bool once;       /* one segment at SND.UNA is due, whatever cwnd says */
	bool push;       /* the timer lets one segment go that SWS avoidance or a closed window
			  * held back */
};

/* What the host and the listener decide for a connection. */
struct tcp_env {
	tcp_ms now;
	uint32_t tsval;    /* TSval of what is sent now, never 0 */
	uint32_t rcv_buff; /* the listener's receive_buffer, 1 .. 2^30 */
	uint32_t msl_ms;
	uint16_t mss;             /* what we announce: MTU - 40 or - 60 */
	const uint16_t *peer_mss; /* what the peer announced: our SWS threshold (3.8.6.2.2). Far
				   * from the connection, and most segments do without */
	uint32_t reading;         /* bytes that a blocked read takes: they leave the buffer as they
				   * come. 0: the application is not in a read */
	bool accept_full;         /* the accept queue has no room (D-24) */
	bool refuse_text;         /* text has to be kept, and there is no memory for it */
	struct tcp_send *send;    /* of a connection with TCP_F_SENDER; NULL: it never wrote */
};

/* Bytes that lie in the receive buffer. */
static inline uint32_t
tcp_unread(const struct tcp_conn *c, const struct tcp_env *env)
{
	return c->rcv.held > env->reading ? c->rcv.held - env->reading : 0;
}

enum tcp_verdict {
	TCP_KEEP,
	TCP_RELEASE, /* the connection is gone: forget it once the reply is out, if there is one */
	TCP_REOPEN,  /* TIME-WAIT and a lawful new SYN: tcp_open() anew with an ISS over snd.nxt */
	TCP_NEXT,    /* internal: on to the RFC's next step */
};

/* Timers, in milliseconds. */
#define TCP_RTO_INITIAL_MS  1000u /* RFC 6298 2.1 */
#define TCP_RTO_MIN_MS      200u  /* once measured. DEVIATION: 1 s. RFC 6298 2.4 */
#define TCP_RTO_MAX_MS      60000u
#define TCP_SYN_ACK_RETRIES 5 /* DEVIATION: 63 s, not 3 minutes. RFC 9293 3.8.3 MUST-23 */
#define TCP_RETRIES         15
#define TCP_RTO_UNKNOWN_MS  3000u  /* RFC 6298 5.7: the SYN-ACK had to be sent again */
#define TCP_FIN_WAIT_2_MS   60000u /* without a reader */
#define TCP_TS_AGE_SHIFT    20
#define TCP_TS_AGE_MAX      1977u /* 24 days in units of 2^20 ms. RFC 7323 5.5 */

/* RCV.WND in bytes: the window last advertised, less what was taken in since. */
static inline uint32_t
tcp_rcv_wnd(const struct tcp_conn *c)
{
	return (uint32_t)c->rcv_wnd << c->rcv_shift;
}

/* SND.WND in bytes. A SYN's window is never scaled. RFC 7323 2.2. */
static inline uint32_t
tcp_snd_wnd(const struct tcp_conn *c)
{
	return c->state == TCP_SYN_RECEIVED ? c->snd_wnd : (uint32_t)c->snd_wnd << c->snd_shift;
}

/* MAX.SND.WND in bytes. */
static inline uint32_t
tcp_max_snd_wnd(const struct tcp_conn *c)
{
	return (uint32_t)c->snd_max_wnd << (c->flags & TCP_F_MAX_WND_RAW ? 0 : c->snd_shift);
}

/* Has the peer's FIN come, in order? */
static inline bool
tcp_peer_closed(const struct tcp_conn *c)
{
	return c->state == TCP_CLOSE_WAIT || c->state == TCP_CLOSING || c->state == TCP_LAST_ACK ||
	       c->state == TCP_TIME_WAIT;
}

#define TCP_WSCALE_MAX 14 /* RFC 7323 2.3 */

/* The window scale to offer for a buffer of rcv_buff bytes: the least with which all of it can be
 * advertised, or TCP_WSCALE_MAX. */
uint8_t tcp_window_shift(uint32_t rcv_buff);

/* --- tcp_input.c: SEGMENT ARRIVES --- */

/* 3.10.7.2: there is no connection but somebody listens. True for a SYN that may open one (then
 * out is empty); else out gets the RST, or none and a reason. */
bool tcp_input_listen(const struct tcp_seg *seg, struct tcp_reply *out);

/* 3.10.7.4: a segment for connection c. At most one reply. */
enum tcp_verdict tcp_input(struct tcp_conn *c, const struct tcp_seg *seg, const struct tcp_env *env,
			   struct tcp_reply *out);

/* --- tcp_call.c: OPEN, CLOSE, ABORT and what reading does --- */

/* 3.10.7.2 third: makes c a connection in SYN-RECEIVED for the SYN seg, out its SYN-ACK. With
 * delay_ms the SYN-ACK is sent by tcp_timeout() that much later and out is empty. c's timer links
 * are left alone, everything else is set. */
void tcp_open(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t iss, uint32_t delay_ms,
	      const struct tcp_env *env, struct tcp_reply *out);

/* The SYN-ACK of a cookie: no connection is kept. RFC 4987 3.6. */
void tcp_open_cookie(const struct tcp_seg *seg, uint32_t iss, const struct tcp_env *env,
		     struct tcp_reply *out);

/* What a cookie has kept of its SYN. */
struct tcp_syn_options {
	uint8_t options; /* TCP_OPT_WSCALE, TCP_OPT_SACK_OK, TCP_OPT_TS */
	uint8_t wscale;
};

/* Makes c the connection in SYN-RECEIVED that a cookie's SYN would have made, just before the ACK
 * seg: tcp_input(c, seg) then establishes it. */
void tcp_open_from_cookie(struct tcp_conn *c, const struct tcp_seg *seg,
			  const struct tcp_syn_options *syn, const struct tcp_env *env);

/* shutdown(SHUT_WR), 3.10.4 without the end of reading: FIN if there was none yet. */
enum tcp_verdict tcp_shutdown(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

/* close(): FIN, or RST where received text was not read. 3.10.4, 3.6.1, RFC 2525 2.17. */
enum tcp_verdict tcp_close(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

/* ABORT, 3.10.5: RST with that reason, in the states that send one. Always TCP_RELEASE. */
enum tcp_verdict tcp_abort(struct tcp_conn *c, enum tcp_rst reason, const struct tcp_env *env,
			   struct tcp_reply *out);

/* After the application took text: an ACK that opens the window, if the peer may be waiting for
 * it. 3.8.6.2.2. */
void tcp_window_update(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

/* --- tcp_send.c: SEND, 3.10.2 and 3.8 --- */

/* Makes env->send that of c, which has not written anything yet. */
void tcp_send_open(struct tcp_conn *c, const struct tcp_env *env);

/* SEND: length bytes more are to be sent. The connection has not been shut down, and what is
 * unacknowledged stays below 2^31 bytes. */
void tcp_write(const struct tcp_env *env, uint32_t length);

/* Bytes written and not acknowledged yet. */
uint32_t tcp_unacked(const struct tcp_conn *c, const struct tcp_send *send);

/* The next segment with text or FIN that may be sent now; false, with a timer running if something
 * is still to be sent, when there is none. To be called until it says so after anything that may
 * have let one go: a write, a shutdown or close, a segment that arrived, a timeout. */
bool tcp_send_next(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

/* --- tcp_timeout.c: 3.10.8 --- */

/* timer.tcp_ms has passed: it is cleared or set anew, out gets what is sent. */
enum tcp_verdict tcp_timeout(struct tcp_conn *c, const struct tcp_env *env, struct tcp_reply *out);

#endif
