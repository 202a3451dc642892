/* SPDX-License-Identifier: BSD-3-Clause */
/* test_tcp_matrix.c - every state, every mixture of control bits, at every position of SEQ and ACK
 * that matters: what is answered and what becomes of the connection. The expectation is rules.md
 * 6.3 to 6.6, read top down, the first row that matches. */
#include "tcp_harness.h"

/* The connection before the segment, as both ends know it. */
struct before {
	enum tcp_state state;
	bool orphan;
	uint32_t unread;
	uint32_t wnd; /* RCV.WND */
};

/* What must become of the segment. */
struct expected {
	uint8_t flags; /* of the reply; 0: silence */
	bool challenge, any_challenge;
	uint32_t seq, ack;
	uint32_t rcv_nxt, unread;
	enum tcp_verdict verdict;
	enum tcp_state state;
	enum drop_reason drop;
	bool any_drop;  /* the rows do not say which reason */
	bool any_after; /* the rows do not say what becomes of the connection */
};

static bool
in_window(const struct before *b, uint32_t seq)
{
	return (uint32_t)(seq - RCV_NXT) < b->wnd;
}

/* RFC 9293 3.4, Table 6. */
static bool
acceptable(const struct before *b, const struct tcp_seg *seg)
{
	uint32_t len = tcp_seg_len(seg);

	if (len == 0)
		return b->wnd == 0 ? seg->seq == RCV_NXT : in_window(b, seg->seq);
	return b->wnd != 0 && (in_window(b, seg->seq) || in_window(b, seg->seq + len - 1));
}

static void
silence(struct expected *e, enum drop_reason why)
{
	e->flags = 0;
	e->drop = why;
}

static void
release(struct expected *e)
{
	e->verdict = TCP_RELEASE;
}

static void
reply_ack(struct expected *e)
{
	e->flags = ACK;
	e->seq = SND_NXT;
	e->ack = e->rcv_nxt;
}

static void
reply_challenge(struct expected *e)
{
	reply_ack(e);
	e->challenge = true;
}

/* The ACK of a row that rules.md does not call a challenge; whether it counts as one for the limit
 * of D-14 is open. */
static void
reply_ack_or_challenge(struct expected *e)
{
	reply_ack(e);
	e->any_challenge = true;
}

static void
reply_reset(struct expected *e, uint32_t ack)
{
	e->flags = RST;
	e->seq = ack;
	e->ack = 0;
}

/* Rows 1 to 3. */
static void
expect_rst(const struct before *b, const struct tcp_seg *seg, struct expected *e)
{
	if (seg->seq == RCV_NXT) {
		silence(e, DROP_NONE);
		release(e);
	} else if (in_window(b, seg->seq)) {
		reply_challenge(e);
	} else {
		silence(e, DROP_tcp_rst_out_of_window);
	}
}

/* Row 4, and 6.5 in TIME-WAIT. Timestamps are as new as TS.Recent here, or not there at all. */
static void
expect_syn(const struct before *b, const struct tcp_seg *seg, struct expected *e)
{
	bool above = (int32_t)(seg->seq - (RCV_NXT - 1)) > 0;

	if (b->state == TCP_TIME_WAIT && !(seg->flags & (ACK | FIN)) && above) {
		e->verdict = TCP_REOPEN;
		return;
	}
	reply_challenge(e);
	e->any_challenge = b->state == TCP_TIME_WAIT;
}

/* Rows 9 to 13: an acceptable segment with a lawful ACK, in e->state, which may have changed for
 * it. */
static void
expect_text_and_fin(const struct before *b, const struct tcp_seg *seg, struct expected *e)
{
	uint32_t end = seg->seq + seg->text; /* where FIN would be */
	bool new_text = seg->text != 0 && (int32_t)(end - RCV_NXT) > 0;
	bool in_order = (int32_t)(seg->seq - RCV_NXT) <= 0;
	bool fin = seg->flags & FIN && in_window(b, end);
	uint32_t room;

	if (e->state == TCP_CLOSE_WAIT || e->state == TCP_CLOSING || e->state == TCP_LAST_ACK ||
	    e->state == TCP_TIME_WAIT) {
		silence(e, new_text           ? DROP_tcp_text_after_fin
			   : seg->flags & FIN ? DROP_tcp_fin_after_fin
					      : DROP_NONE);
		return;
	}
	if (b->orphan && new_text) { /* 6.6 */
		reply_reset(e, seg->ack);
		release(e);
		return;
	}
	if (tcp_seg_len(seg) == 0) { /* 9 */
		silence(e, DROP_NONE);
		return;
	}
	if (in_order) {
		room = b->wnd < end - RCV_NXT ? b->wnd : end - RCV_NXT;
		e->rcv_nxt += new_text ? room : 0; /* 10 */
		e->unread += new_text ? room : 0;
		if (fin) { /* 12 */
			e->rcv_nxt++;
			e->state = e->state == TCP_ESTABLISHED  ? TCP_CLOSE_WAIT
				   : e->state == TCP_FIN_WAIT_1 ? TCP_CLOSING
								: TCP_TIME_WAIT;
		}
	}
	reply_ack(e); /* and 11, 13 */
}

/* Step 5 of a lawful ACK: is our FIN acknowledged? False: the connection is gone. */
static bool
expect_fin_acked(const struct tcp_seg *seg, struct expected *e)
{
	if (seg->ack != SND_NXT)
		return true;
	if (e->state == TCP_FIN_WAIT_1)
		e->state = TCP_FIN_WAIT_2;
	else if (e->state == TCP_CLOSING)
		e->state = TCP_TIME_WAIT;
	else if (e->state == TCP_LAST_ACK)
		return false;
	return true;
}

/* 6.4, for synchronized states. */
static void
expect_synchronized(const struct before *b, const struct tcp_seg *seg, struct expected *e)
{
	bool too_new = (int32_t)(seg->ack - SND_NXT) > 0;
	bool too_old = (int32_t)(seg->ack - (SND_UNA - 5000)) < 0;
	bool ack_ok = seg->flags & ACK && !too_new && !too_old;

	if (seg->flags & RST) {
		expect_rst(b, seg, e);
	} else if (seg->flags & SYN) {
		expect_syn(b, seg, e);
	} else if (!acceptable(b, seg)) { /* 5 */
		reply_ack(e);
		/* A valid ACK at RCV.NXT counts even while the window is zero; what the last of
		 * a connection is then answered is not said. */
		if (b->wnd == 0 && seg->seq == RCV_NXT && ack_ok) {
			e->any_after = b->state == TCP_CLOSING || b->state == TCP_LAST_ACK;
			expect_fin_acked(seg, e);
		}
	} else if (!(seg->flags & ACK)) { /* 6 */
		silence(e, DROP_tcp_no_ack);
	} else if (too_new || too_old) { /* 7, 8 */
		reply_ack_or_challenge(e);
	} else if (!expect_fin_acked(seg, e)) {
		silence(e, DROP_NONE);
		e->any_drop = tcp_seg_len(seg) != 0;
		release(e);
	} else {
		expect_text_and_fin(b, seg, e);
	}
}

/* 6.3. */
static void
expect_syn_received(const struct before *b, const struct tcp_seg *arrived, struct expected *e)
{
	struct tcp_seg seg = *arrived;

	if (seg.flags & RST) {
		expect_rst(b, &seg, e);
		return;
	}
	if ((seg.flags & (SYN | ACK)) == SYN && seg.seq == IRS) {
		e->flags = SYN | ACK;
		e->seq = ISS;
		e->ack = IRS + 1;
		return;
	}
	if (!acceptable(b, &seg)) {
		reply_ack_or_challenge(e);
		return;
	}
	/* Section 1: the old part on the left is cut off, with its SYN. */
	if (seg.flags & SYN && !in_window(b, seg.seq)) {
		seg.flags &= (uint8_t)~SYN;
		seg.seq++;
	}
	if (seg.flags & SYN) {
		silence(e, DROP_tcp_syn_in_handshake);
		release(e);
	} else if (!(seg.flags & ACK)) {
		silence(e, DROP_tcp_no_ack);
	} else if (seg.ack != ISS + 1) {
		reply_reset(e, seg.ack);
	} else {
		e->state = TCP_ESTABLISHED;
		expect_text_and_fin(b, &seg, e);
	}
}

/* The window that an ACK must show: D-23 and silly window avoidance. */
static uint32_t
expected_window(const struct before *b, const struct expected *e)
{
	uint32_t edge = RCV_NXT + b->wnd;
	uint32_t open = e->rcv_nxt + (BUFF - e->unread);
	uint32_t step = BUFF / 2 < h.peer_mss ? BUFF / 2 : h.peer_mss;

	if (e->unread == 0 || (int32_t)(open - edge) >= (int32_t)step)
		edge = open;
	return edge - e->rcv_nxt;
}

static bool
matches(const struct before *b, const struct expected *e)
{
	const struct tcp_reply *r = &h.reply;

	if (e->verdict == TCP_REOPEN)
		return h.verdict == TCP_REOPEN;
	if (e->any_after)
		return r->flags == 0 || (r->flags == ACK && r->seq == e->seq && r->ack == e->ack);
	if (h.verdict != e->verdict || r->flags != e->flags)
		return false;
	if (e->verdict == TCP_KEEP && (h.c.state != e->state || h.c.rcv.nxt != e->rcv_nxt))
		return false;
	if (e->flags == 0)
		return e->any_drop || r->drop == e->drop;
	if (r->seq != e->seq || r->ack != e->ack)
		return false;
	if (!e->any_challenge && r->challenge != e->challenge)
		return false;
	if (e->flags & SYN)
		return r->wnd == b->wnd;
	return r->wnd == (e->flags & RST ? 0 : expected_window(b, e));
}

static void
check(const struct before *b, const struct tcp_conn *entered, const struct tcp_seg *seg)
{
	struct expected e = {
		.rcv_nxt = RCV_NXT, .unread = b->unread, .verdict = TCP_KEEP, .state = b->state};

	if (b->state == TCP_SYN_RECEIVED)
		expect_syn_received(b, seg, &e);
	else
		expect_synchronized(b, seg, &e);

	h.c = *entered;
	h.reply = (struct tcp_reply){.flags = 0xff, .drop = 0xff};
	h.verdict = tcp_input(&h.c, seg, &h.env, &h.reply);
	if (matches(b, &e))
		return;
	story_tell("segment  <CTL=%s><SEQ=RCV.NXT%+d><ACK=SND.NXT%+d> text %u, RCV.WND %u\n",
		   story_flags(seg->flags), (int)(seg->seq - RCV_NXT), (int)(seg->ack - SND_NXT),
		   seg->text, b->wnd);
	story_tell("expected <CTL=%s><SEQ=SND.NXT%+d><ACK=RCV.NXT%+d><WND=%u>%s %s, %s, "
		   "verdict %d\n",
		   story_flags(e.flags), (int)(e.seq - SND_NXT), (int)(e.ack - RCV_NXT),
		   expected_window(b, &e), e.challenge ? " challenge" : "", drop_name(e.drop),
		   tcp_state_name(e.state), e.verdict);
	FAIL("came     <CTL=%s><SEQ=SND.NXT%+d><ACK=RCV.NXT%+d><WND=%u>%s %s, %s, verdict %d",
	     story_flags(h.reply.flags), (int)(h.reply.seq - SND_NXT), (int)(h.reply.ack - RCV_NXT),
	     h.reply.wnd, h.reply.challenge ? " challenge" : "",
	     h.reply.flags ? "" : drop_name(h.reply.drop), tcp_state_name(h.c.state), h.verdict);
}

/* One state: all flags, at all positions. */
static void
go_through(const struct before *b)
{
	const struct tcp_conn entered = h.c;
	const uint32_t seqs[] = {
		IRS,
		RCV_NXT - 11,
		RCV_NXT - 10,
		RCV_NXT - 1,
		RCV_NXT,
		RCV_NXT + 1,
		RCV_NXT + b->wnd - 1,
		RCV_NXT + b->wnd,
		RCV_NXT + b->wnd - 11,
		RCV_NXT + b->wnd + 10,
		RCV_NXT + 0x40000000,
		RCV_NXT - 0x40000000,
	};
	const uint32_t texts[] = {0, 1, 10, b->wnd, b->wnd + 1};
	const uint32_t acks[] = {SND_UNA - 5001, SND_UNA - 5000, SND_UNA - 1,         SND_UNA,
				 SND_NXT,        SND_NXT + 1,    SND_NXT + 0x40000000};
	struct tcp_seg seg = {
		.wnd = h.wnd,
		.options = h.syn_options & TCP_OPT_TS,
		.tsval = h.peer_ts,
		.tsecr = h.env.tsval,
	};
	unsigned int flags;
	size_t i, j, k;

	for (flags = 0; flags < 64; flags++)
		for (i = 0; i < COUNT(seqs); i++)
			for (j = 0; j < COUNT(texts); j++)
				for (k = 0; k < (flags & ACK ? COUNT(acks) : 1); k++) {
					seg.flags = (uint8_t)flags;
					seg.seq = seqs[i];
					seg.text = texts[j];
					seg.ack = acks[k];
					check(b, &entered, &seg);
				}
}

/* A buffer of that size with so much of it filled; the peer's FIN takes one from the window. */
static void
enter_and_go_through(enum tcp_state state, bool orphan, uint32_t buffer, uint32_t fill)
{
	bool peer_closed = state == TCP_CLOSE_WAIT || state == TCP_CLOSING ||
			   state == TCP_LAST_ACK || state == TCP_TIME_WAIT;
	struct before b = {.state = state, .orphan = orphan, .unread = fill};

	BUFF = buffer;
	h.fill = fill;
	h.orphan = orphan;
	tcp_enter(state);
	b.wnd = buffer - fill - (peer_closed && fill ? 1 : 0);
	go_through(&b);
}

TCP_TEST(rules_6_3_syn_received_matrix)
{
	enter_and_go_through(TCP_SYN_RECEIVED, false, 1000, 0);
	enter_and_go_through(TCP_SYN_RECEIVED, false, 1, 0);
	enter_and_go_through(TCP_SYN_RECEIVED, false, 65535, 0);
}

TCP_TEST(rules_6_4_synchronized_matrix)
{
	size_t i;

	for (i = 0; i < COUNT(SYNCHRONIZED); i++) {
		enter_and_go_through(SYNCHRONIZED[i], false, 1000, 0);
		enter_and_go_through(SYNCHRONIZED[i], false, 1000, 400);
	}
}

TCP_TEST(rules_6_4_synchronized_matrix_at_zero_window)
{
	size_t i;

	for (i = 0; i < COUNT(SYNCHRONIZED); i++)
		enter_and_go_through(SYNCHRONIZED[i], false,
				     SYNCHRONIZED[i] == TCP_ESTABLISHED ||
						     SYNCHRONIZED[i] == TCP_FIN_WAIT_1 ||
						     SYNCHRONIZED[i] == TCP_FIN_WAIT_2
					     ? 400
					     : 401,
				     400);
}

TCP_TEST(rules_6_6_orphan_matrix)
{
	static const enum tcp_state ORPHANS[] = {TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_CLOSING,
						 TCP_LAST_ACK, TCP_TIME_WAIT};
	size_t i;

	for (i = 0; i < COUNT(ORPHANS); i++)
		enter_and_go_through(ORPHANS[i], true, 1000, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_6_3_syn_received_matrix),
		cmocka_unit_test(rules_6_4_synchronized_matrix),
		cmocka_unit_test(rules_6_4_synchronized_matrix_at_zero_window),
		cmocka_unit_test(rules_6_6_orphan_matrix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
