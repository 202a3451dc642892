/* SPDX-License-Identifier: BSD-3-Clause */
/* send_harness.c - see send_harness.h. */
#include <string.h>

#include "send_harness.h"

struct send_harness o;

static const char *const SENT[] = {"new", "again", "fast", "probe"};

/* tcp_send_next() sets the whole of its reply, or says that there is none. */
static bool
next(struct tcp_reply *r)
{
	memset(r, 0xee, sizeof(*r));
	if (!tcp_send_next(&h.c, &h.env, r))
		return false;
	story_tell("  sends    <CTL=%s><SEQ=%u (text %+d)><ACK=%u> text %u, %s\n",
		   story_flags(r->flags), r->seq, (int)(r->seq - h.snd_nxt), r->ack, r->text,
		   r->sent < COUNT(SENT) ? SENT[r->sent] : "what?");
	return true;
}

/* Whatever is sent carries the newest ACK and window, and timestamps if they were negotiated. */
static void
check_header(struct story_where where, const struct tcp_reply *r, uint32_t peer, uint32_t unread)
{
	bool ts = h.syn_options & TCP_OPT_TS;
	uint32_t window = BUFF - unread;

	story_same(where, "ACK", h.rcv_nxt + peer, r->ack);
	story_same(where, "WND", window < 65535 ? window : 65535, r->wnd);
	story_same(where, "options", ts ? TCP_OPT_TS : 0, r->options);
	if (ts) {
		story_same(where, "TSval", h.env.tsval, r->tsval);
		story_same(where, "TSecr", h.ts_recent, r->tsecr);
	}
	story_same(where, "RST reason", TCP_RST_NONE, r->rst);
	story_true(where, "no challenge, nothing to be replaced", !r->challenge && !r->coalesce);
}

void
send_out(struct story_where where, const struct send_out *want)
{
	uint8_t flags = ACK;
	struct tcp_reply r;

	if (want->text && want->at + want->text == o.written)
		flags |= PSH;
	if (want->fin)
		flags |= FIN;
	if (!next(&r))
		story_fail(where, "expected text %u..%u, came nothing", want->at,
			   want->at + want->text);
	story_same(where, "SEQ, of the text", want->at, r.seq - h.snd_nxt);
	story_same(where, "length", want->text, r.text);
	if ((r.flags & ~PSH) != (flags & ~PSH) || (want->text && r.flags != flags))
		story_fail(where, "flags: expected %s", story_flags(flags));
	story_same(where, "sent (new, again, fast, probe)", want->sent, r.sent);
	check_header(where, &r, want->peer, want->unread);
	if (want->at + want->text > o.next)
		o.next = want->at + want->text;
}

void
send_none(struct story_where where)
{
	struct tcp_reply r;

	if (next(&r))
		story_fail(where, "expected nothing to be sent");
}

void
send_full(struct story_where where, uint32_t count)
{
	while (count--)
		send_out(where, &(struct send_out){.at = o.next, .text = MSS});
	send_none(where);
}

uint32_t
send_all(struct story_where where)
{
	uint32_t bytes = 0;
	struct tcp_reply r;

	while (next(&r)) {
		story_true(where, "no more than the MSS", r.text <= MSS);
		check_header(where, &r, 0, 0);
		bytes += r.text;
		if (seq_lt(h.snd_nxt + o.next, r.seq + r.text))
			o.next = r.seq + r.text - h.snd_nxt;
	}
	return bytes;
}

void
send_acked(struct story_where where, uint32_t bytes)
{
	tcp_rx(where, &(struct tcp_rx){.flags = ACK, .seq = h.rcv_nxt, .ack = TEXT(bytes)});
	tcp_tx_nothing(where, DROP_NONE);
}

uint32_t
send_expire(struct story_where where)
{
	uint32_t ms = tcp_expire();

	tcp_tx_nothing(where, DROP_NONE);
	return ms;
}

void
send_open(void)
{
	memset(&o, 0, sizeof(o));
	memset(&o.send, 0xee, sizeof(o.send));
	h.env.send = &o.send;
	tcp_send_open(&h.c, &h.env);
	h.c.flags |= TCP_F_SENDER;
	send_none(HERE);
}

void
send_enter(uint32_t rtt_ms, uint16_t window)
{
	h.wnd = window;
	tcp_syn(0);
	TX(SYN | ACK, .seq = ISS, .ack = IRS + 1);
	h.rcv_nxt = h.irs + 1;
	h.snd_una = h.snd_nxt = h.iss + 1;
	tcp_wait(rtt_ms);
	RX(ACK, .seq = RCV_NXT, .ack = SND_NXT);
	TX_NOTHING(DROP_NONE);
	STATE(TCP_ESTABLISHED);
	send_open();
}

void
send_write(uint32_t bytes)
{
	story_tell("  write %u\n", bytes);
	tcp_write(&h.env, bytes);
	o.written += bytes;
}

void
send_shutdown(void)
{
	tcp_call_shutdown();
	TX_NOTHING(DROP_NONE);
}

void
send_close(void)
{
	tcp_call_close();
	TX_NOTHING(DROP_NONE);
}

void
send_grow(uint32_t segments)
{
	send_write(segments * MSS);
	while (segments--) {
		send_all(HERE);
		send_acked(HERE, o.written - segments * MSS);
	}
	send_none(HERE);
	SAME(o.written, o.next);
}

void
ten_on_their_way(uint32_t segments)
{
	send_enter(0, 65535);
	send_write(segments * MSS);
	FULL(10);
}

void
three_duplicates(void)
{
	DUP();
	NO_MORE();
	DUP();
	NO_MORE();
	DUP();
	FAST(0);
	NO_MORE();
}

void
three_duplicates_with_more(void)
{
	DUP();
	FULL(1);
	DUP();
	FULL(1);
	DUP();
	FAST(0);
}
