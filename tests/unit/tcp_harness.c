/* SPDX-License-Identifier: BSD-3-Clause */
/* tcp_harness.c - runs scenarios against lib/tcp.h alone. See tcp_harness.h. */
#include <string.h>

#include "tcp_harness.h"

struct tcp_harness h;

const enum tcp_state SYNCHRONIZED[7] = {
	TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_CLOSE_WAIT,
	TCP_CLOSING,     TCP_LAST_ACK,   TCP_TIME_WAIT,
};
const enum tcp_state RECEIVING[3] = {TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2};
const enum tcp_state PEER_CLOSED[4] = {TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK, TCP_TIME_WAIT};

/* Both sides of every wrap: sequence numbers, timestamps, the clock's low 32 bits. */
static const struct tcp_base BASES[] = {
	{1000, 1000, 5000, 7000, 100000},
	{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xfffffff0},
	{0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7ffffff0},
	{0xfffffff0, 0xfffffff0, 1, 0xfffffffe, UINT64_C(0x1fffffc17)},
	{0, 0, 1, 1, 1},
	{0xffffffff, 1000, 5000, 0x80000000, 100000},
	{1000, 0xffffffff, 0xfffffff0, 7000, 100000},
	{0x80000000, 0xfffffffe, 0x80000000, 0, UINT64_C(0x17ffffff0)},
};

/* In the connection's timer links, which are the wheel's: tcp_open() leaves them alone. */
#define LINK_NEXT 0x11111111u
#define LINK_PREV 0x22222222u

/* Sequence numbers with their distances from where they began. */
static void
tell_segment(const char *what, uint8_t flags, uint32_t seq, uint32_t seq_base, uint32_t ack,
	     uint32_t ack_base)
{
	story_tell("  %-8s <CTL=%s><SEQ=%u", what, story_flags(flags), seq);
	story_tell(" (%+d)><ACK=%u (%+d)>", (int)(seq - seq_base), ack, (int)(ack - ack_base));
}

static void
tell_reply(const char *what, const struct tcp_reply *r)
{
	if (r->flags == 0) {
		story_tell("  %-8s nothing (%s)\n", what, drop_name(r->drop));
		return;
	}
	tell_segment(what, r->flags, r->seq, h.iss, r->ack, h.irs);
	story_tell("<WND=%u>", r->wnd);
	if (r->options & TCP_OPT_TS)
		story_tell("<TS=%u,%u>", r->tsval, r->tsecr);
	story_tell("%s%s\n", r->challenge ? " challenge" : "", r->coalesce ? " coalesce" : "");
}

/* An outcome that no check ever looked at proves nothing. */
static void
begin(struct story_where where)
{
	if (h.unseen)
		story_fail(where, "the scenario did not look at the last outcome");
	memset(&h.reply, 0, sizeof(h.reply));
	h.reply.flags = 0xff;
	h.reply.drop = 0xff;
	h.verdict = TCP_NEXT;
	h.unseen = true;
}

static void
end(const char *what)
{
	tell_reply(what, &h.reply);
	if (h.verdict == TCP_RELEASE)
		story_tell("           released\n");
	else if (h.verdict == TCP_REOPEN)
		story_tell("           to be opened anew\n");
	else
		story_tell("           %s\n", tcp_state_name(h.c.state));
}

void
tcp_rx(struct story_where where, const struct tcp_rx *rx)
{
	bool ts = rx->ts || ((h.syn_options & TCP_OPT_TS) && !rx->no_ts);

	h.seg = (struct tcp_seg){
		.seq = rx->seq,
		.ack = rx->ack,
		.text = rx->text,
		.tsval = ts ? h.peer_ts : 0,
		.tsecr = ts ? h.env.tsval - h.echo_ms : 0,
		.wnd = h.wnd,
		.flags = rx->flags,
		.options = ts ? TCP_OPT_TS : 0,
	};
	begin(where);
	tell_segment("RX", rx->flags, rx->seq, h.irs, rx->ack, h.iss);
	story_tell("<WND=%u> text %u\n", h.seg.wnd, h.seg.text);
	h.verdict = tcp_input(&h.c, &h.seg, &h.env, &h.reply);
	end("TX");
}

/* The window field that belongs to a segment which must have been sent. */
static bool
right_window(const struct tcp_tx *want)
{
	uint32_t window = BUFF - want->unread;

	if (want->any_wnd || want->abort)
		return true;
	if (want->flags & TCP_RST)
		return h.reply.wnd == 0;
	return h.reply.wnd == (window < 65535 ? window : 65535);
}

static bool
right_options(const struct tcp_tx *want)
{
	bool ts = (h.syn_options & TCP_OPT_TS) && (!(want->flags & TCP_RST) || want->abort);

	if (want->flags & TCP_SYN)
		return true; /* test_tcp_syn_ack.c looks at these */
	if (h.reply.options != (ts ? TCP_OPT_TS : 0))
		return false;
	return !ts || (h.reply.tsval == h.env.tsval && h.reply.tsecr == h.ts_recent);
}

void
tcp_tx(struct story_where where, const struct tcp_tx *want)
{
	struct tcp_reply show = {
		.seq = want->seq,
		.ack = want->ack,
		.wnd = want->flags & TCP_RST ? 0 : (uint16_t)(BUFF - want->unread),
		.flags = want->flags,
		.tsval = h.env.tsval,
		.tsecr = h.ts_recent,
		.options = h.syn_options & TCP_OPT_TS,
		.challenge = want->challenge,
		.coalesce = want->coalesce,
	};

	h.unseen = false;
	if (h.reply.flags == want->flags && h.reply.seq == want->seq && h.reply.ack == want->ack &&
	    h.reply.challenge == want->challenge && (!want->coalesce || h.reply.coalesce) &&
	    right_window(want) && right_options(want))
		return;
	tell_reply("expected", &show);
	tell_reply("came", &h.reply);
	story_fail(where, "not what was to be sent (options: 0x%x came)", h.reply.options);
}

void
tcp_tx_nothing(struct story_where where, enum drop_reason reason)
{
	h.unseen = false;
	if (h.reply.flags == 0 && h.reply.drop == reason)
		return;
	story_fail(where, "expected silence (%s)", drop_name(reason));
}

void
tcp_state_is(struct story_where where, enum tcp_state want)
{
	if (h.verdict != TCP_KEEP || h.c.state != want)
		story_fail(where, "expected to be in %s", tcp_state_name(want));
}

void
tcp_gone(struct story_where where)
{
	if (h.verdict != TCP_RELEASE)
		story_fail(where, "expected the connection to be released");
}

void
tcp_reopened(struct story_where where)
{
	h.unseen = false;
	if (h.verdict != TCP_REOPEN)
		story_fail(where, "expected the SYN to open the connection anew");
}

void
tcp_rst_is(struct story_where where, enum tcp_rst want)
{
	if (h.reply.rst != want)
		story_fail(where, "expected the reason %s, came %s", tcp_rst_name(want),
			   tcp_rst_name(h.reply.rst));
}

void
tcp_deadline_is(struct story_where where, uint32_t ms)
{
	uint32_t want = timer_node_at(h.env.now, ms);

	if (h.c.timer.tcp_ms != want)
		story_fail(where, "timer: expected in %u ms, came %s%d ms", ms,
			   h.c.timer.tcp_ms ? "" : "none, ",
			   (int)(h.c.timer.tcp_ms - (uint32_t)h.env.now));
}

void
tcp_deadline_none(struct story_where where)
{
	if (h.c.timer.tcp_ms != 0)
		story_fail(where, "timer: expected none, came %d ms",
			   (int)(h.c.timer.tcp_ms - (uint32_t)h.env.now));
}

struct tcp_seg
tcp_syn_segment(void)
{
	return (struct tcp_seg){
		.seq = h.irs,
		.tsval = h.syn_options & TCP_OPT_TS ? h.peer_ts : 0,
		.wnd = h.wnd,
		.mss = h.syn_mss,
		.flags = TCP_SYN,
		.options = h.syn_options,
		.wscale = h.syn_wscale,
	};
}

void
tcp_syn(uint32_t delay_ms)
{
	struct tcp_seg syn = tcp_syn_segment();

	story_begin();
	begin(HERE);
	/* tcp_open() sets everything but the links. */
	memset(&h.c, 0xee, sizeof(h.c));
	h.c.timer.next = LINK_NEXT;
	h.c.timer.prev = LINK_PREV;
	h.ts_recent = h.peer_ts;
	story_tell("  ISS=%u IRS=%u timestamps %s\n", h.iss, h.irs,
		   h.syn_options & TCP_OPT_TS ? "on" : "off");
	tell_segment("RX", TCP_SYN, h.irs, h.irs, 0, 0);
	story_tell("<WND=%u>\n", h.wnd);
	h.verdict = TCP_KEEP;
	tcp_open(&h.c, &syn, h.iss, delay_ms, &h.env, &h.reply);
	end("TX");
	SAME(LINK_NEXT, h.c.timer.next);
	SAME(LINK_PREV, h.c.timer.prev);
	SAME(0, h.c.timer.call_ms);
}

void
tcp_call_shutdown(void)
{
	begin(HERE);
	story_tell("  shutdown()\n");
	h.verdict = tcp_shutdown(&h.c, &h.env, &h.reply);
	end("TX");
}

void
tcp_call_close(void)
{
	begin(HERE);
	story_tell("  close()\n");
	h.verdict = tcp_close(&h.c, &h.env, &h.reply);
	end("TX");
}

void
tcp_call_abort(enum tcp_rst reason)
{
	begin(HERE);
	story_tell("  abort, because of %s\n", tcp_rst_name(reason));
	h.verdict = tcp_abort(&h.c, reason, &h.env, &h.reply);
	end("TX");
}

void
tcp_call_read(uint32_t bytes)
{
	begin(HERE);
	story_tell("  read %u\n", bytes);
	h.c.rcv.held -= bytes;
	h.verdict = TCP_KEEP;
	tcp_window_update(&h.c, &h.env, &h.reply);
	end("TX");
}

void
tcp_wait(uint32_t ms)
{
	story_tell("  %u ms pass\n", ms);
	h.env.now += ms;
}

uint32_t
tcp_expire(void)
{
	uint32_t ms = h.c.timer.tcp_ms - (uint32_t)h.env.now;

	begin(HERE);
	if (h.c.timer.tcp_ms == 0)
		FAIL("expected a timer, came none");
	if ((int32_t)ms < 0)
		FAIL("the timer was due %d ms ago", -(int)ms);
	tcp_wait(ms);
	story_tell("  the timer expires\n");
	h.verdict = tcp_timeout(&h.c, &h.env, &h.reply);
	end("TX");
	return ms;
}

/* Our FIN, in answer to the application. */
static void
close_our_side(void)
{
	if (h.orphan)
		tcp_call_close();
	else
		tcp_call_shutdown();
	TX(FIN | ACK, .seq = h.snd_nxt, .ack = h.rcv_nxt, .any_wnd = true);
	h.snd_nxt++;
}

static void
peer_closes(void)
{
	RX(FIN | ACK, .seq = h.rcv_nxt, .ack = h.snd_una);
	h.rcv_nxt++;
	TX(ACK, .seq = h.snd_nxt, .ack = h.rcv_nxt, .any_wnd = true);
}

void
tcp_enter(enum tcp_state state)
{
	tcp_syn(0);
	h.rcv_nxt = h.irs + 1;
	h.snd_una = h.iss;
	h.snd_nxt = h.iss + 1;
	TX(SYN | ACK, .seq = h.iss, .ack = h.rcv_nxt);
	if (state == TCP_SYN_RECEIVED) {
		STATE(state);
		return;
	}

	RX(ACK, .seq = h.rcv_nxt, .ack = h.snd_nxt);
	h.snd_una = h.snd_nxt;
	TX_NOTHING(DROP_NONE);
	if (h.fill) {
		RX(PSH | ACK, .seq = h.rcv_nxt, .ack = h.snd_nxt, .text = h.fill);
		h.rcv_nxt += h.fill;
		TX(ACK, .seq = h.snd_nxt, .ack = h.rcv_nxt, .any_wnd = true);
	}
	if (state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK)
		peer_closes();
	if (state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT)
		close_our_side();
	if (state == TCP_FIN_WAIT_2 || state == TCP_TIME_WAIT) {
		RX(ACK, .seq = h.rcv_nxt, .ack = h.snd_nxt);
		h.snd_una = h.snd_nxt;
		TX_NOTHING(DROP_NONE);
	}
	if (state == TCP_CLOSING || state == TCP_TIME_WAIT)
		peer_closes();
	STATE(state);
}

static void
prepare(const struct tcp_base *base, bool ts)
{
	memset(&h, 0, sizeof(h));
	story_begin();
	h.base = base;
	h.iss = base->iss;
	h.irs = base->irs;
	h.peer_ts = base->peer_ts;
	h.ts_recent = base->peer_ts;
	h.echo_ms = 1000000;
	h.wnd = 5000;
	h.syn_mss = 1460;
	h.syn_options = (uint8_t)(TCP_OPT_MSS | (ts ? TCP_OPT_TS : 0));
	h.env = (struct tcp_env){
		.now = base->now,
		.tsval = base->tsval,
		.rcv_buff = 65535,
		.msl_ms = 30000,
		.mss = 1460,
		.peer_mss = &h.peer_mss,
	};
	h.peer_mss = 1460;
}

void
tcp_run_scenario(void (*scenario)(void))
{
	size_t i;

	for (i = 0; i < 2 * COUNT(BASES); i++) {
		prepare(&BASES[i / 2], i % 2 == 1);
		scenario();
		if (h.unseen)
			FAIL("the scenario did not look at the last outcome");
	}
}
