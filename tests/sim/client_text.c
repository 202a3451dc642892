/* SPDX-License-Identifier: BSD-3-Clause */
/* client_text.c - what a client does with the server's text: it checks every byte, puts segments in
 * order, acknowledges, and has a window that its application's reading opens. RFC 9293 3.8.6, RFC
 * 5681 4.2. */
#include <string.h>

#include "sim.h"

uint16_t
client_window(const struct client *c)
{
	uint32_t field;

	if (c->sim->now < c->plan.shut_until)
		return 0;
	field = (((uint32_t)c->plan.wnd << c->rcv_shift) - c->unread) >> c->rcv_shift;
	return (uint16_t)field;
}

uint32_t
client_expects(const struct client *c)
{
	const struct host_stream *stream = host_stream(c->plan.row);
	uint32_t echoed = stream->echoes && c->plan.bytes > stream->echo_skip
				  ? c->plan.bytes - stream->echo_skip
				  : 0;

	return stream->length + echoed;
}

/* Is it segment_byte() of the numbers from seq on? */
static bool
is_echoed(const uint8_t *text, uint32_t length, uint32_t seq)
{
	uint8_t wrong = 0;

	for (uint32_t i = 0; i < length; i++)
		wrong |= text[i] ^ segment_byte(seq + i);
	return wrong == 0;
}

/* Is it the server's text from an offset on? What it writes before the echo, the echo, and what it
 * writes then. */
static bool
is_expected(const struct client *c, uint32_t at, const uint8_t *text, uint32_t length)
{
	const struct host_stream *stream = host_stream(c->plan.row);
	uint32_t echoed = client_expects(c) - stream->length, part;

	if (!stream->echoes)
		return memcmp(text, stream->text + at, length) == 0;
	if (at < stream->echo_at) {
		part = stream->echo_at - at < length ? stream->echo_at - at : length;
		if (memcmp(text, stream->text + at, part) != 0)
			return false;
		at += part;
		text += part;
		length -= part;
	}
	at -= stream->echo_at;
	if (at < echoed && length > 0) {
		part = echoed - at < length ? echoed - at : length;
		if (!is_echoed(text, part, c->iss + 1 + stream->echo_skip + at))
			return false;
		at += part;
		text += part;
		length -= part;
	}
	return length == 0 ||
	       memcmp(text, stream->text + stream->echo_at + at - echoed, length) == 0;
}

/* Does no text come but what the script writes? Where calls are made by hand it may be any, and
 * where the cable brings what is old it may be that of the connection before. */
static bool
is_sure(const struct client *c)
{
	return !c->sim->scenario->calls && (c->round == 0 || !sim_is_bad_cable(c->sim));
}

/* Old text or new, all of it has to be right. */
static void
check_text(struct client *c, const struct segment *s)
{
	const struct host_stream *stream = host_stream(c->plan.row);
	uint32_t at = s->seq - (c->irs + 1), end = at + s->text;

	if (!is_sure(c))
		return;
	if (end < at || end > client_expects(c)) {
		client_fail(c, "nothing comes that was not written", s);
		return;
	}
	if (stream->echoes && at >= stream->echo_at &&
	    seq_gt(c->iss + 1 + stream->echo_skip + (end - stream->echo_at), c->high) &&
	    seq_lt(c->high, client_end(c)))
		client_fail(c, "nothing is echoed that was not sent", s);
	if (!is_expected(c, at, s->payload, s->text))
		client_fail(c, "each byte is what was written, or sent for the echo", s);
}

/* Notes that the text from seq to end is here, ahead of RCV.NXT. Without room it is as if what lies
 * farthest ahead had not come. */
static void
hold(struct client *c, uint32_t seq, uint32_t end)
{
	unsigned int farthest = 0;

	for (unsigned int i = 0; i < CLIENT_HELD; i++) {
		if (c->held[i].seq == c->held[i].end) {
			c->held[i].seq = seq;
			c->held[i].end = end;
			return;
		}
		if (seq_gt(c->held[i].seq, c->held[farthest].seq))
			farthest = i;
	}
	if (seq_lt(seq, c->held[farthest].seq)) {
		c->held[farthest].seq = seq;
		c->held[farthest].end = end;
	}
}

/* RCV.NXT goes over what is held. True if it does. */
static bool
take_held(struct client *c)
{
	bool moved = false, again = true;

	while (again) {
		again = false;
		for (unsigned int i = 0; i < CLIENT_HELD; i++) {
			if (c->held[i].seq == c->held[i].end || seq_gt(c->held[i].seq, c->rcv_nxt))
				continue;
			if (seq_gt(c->held[i].end, c->rcv_nxt)) {
				c->rcv_nxt = c->held[i].end;
				moved = again = true;
			}
			c->held[i].seq = c->held[i].end;
		}
	}
	return moved;
}

/* RFC 5681 4.2: an ACK for every second segment at least, and soon. */
static void
acknowledge(struct client *c, bool at_once)
{
	if (at_once || c->plan.delay_ack_us == 0 || c->ack_at != 0)
		client_send(c, TCP_ACK, c->high, 0);
	else
		c->ack_at = c->sim->now + c->plan.delay_ack_us;
}

void
client_read(struct client *c)
{
	uint32_t buffer = (uint32_t)c->plan.wnd << c->rcv_shift;
	uint32_t room = c->rcv_edge - c->rcv_nxt;

	c->read_at = 0;
	c->unread = 0;
	/* RFC 9293 3.8.6.2.2. */
	if (room < 1460 || room < buffer / 2)
		client_send(c, TCP_ACK, c->high, 0);
}

/* RCV.NXT has come from where it was. */
static void
deliver(struct client *c, uint32_t was)
{
	if (c->plan.read_every_us == 0)
		return;
	c->unread += c->rcv_nxt - was;
	if (c->read_at == 0)
		c->read_at = c->sim->now + c->plan.read_every_us;
}

bool
client_text(struct client *c, const struct segment *s)
{
	uint32_t was = c->rcv_nxt, end = s->seq + s->text, seq = s->seq;
	bool hole, fin = s->flags & TCP_FIN;

	if (s->text == 0 && !fin)
		return false;
	check_text(c, s);
	if (seq_gt(end, c->rcv_edge)) {
		end = c->rcv_edge;
		fin = false;
	}
	if (fin)
		c->fin_held = true;
	if (fin)
		c->fin_at = end;
	if (seq_gt(seq, c->rcv_nxt)) {
		if (c->plan.holds)
			hold(c, seq, end);
		else
			c->fin_held = false;
		acknowledge(c, true);
		return false;
	}
	if (seq_gt(end, c->rcv_nxt))
		c->rcv_nxt = end;
	hole = take_held(c);
	deliver(c, was);
	fin = c->fin_held && c->fin_at == c->rcv_nxt && !c->fin_seen;
	if (fin) {
		uint32_t bytes = c->rcv_nxt - (c->irs + 1), all = client_expects(c);
		bool early = host_rows[c->plan.row].up_to == HOST_EITHER;

		if (is_sure(c) && bytes != all && !(early && bytes < all))
			client_fail(c, "the FIN comes after all that is written", s);
		c->rcv_nxt++;
	}
	acknowledge(c, hole || fin || c->rcv_nxt == was);
	return fin;
}
