/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_text.c - the text that a stack sends: every byte is what the script says at its number, is
 * the same however often it is sent, and fits what the peer has offered. RFC 9293 3.7.1, 3.8.6. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "oracle_look.h"

/* What was seen of one connection, from its SYN-ACK on. */
struct oracle_record {
	struct oracle_record *next; /* of the same list */
	struct oracle_ends ends;
	uint64_t behind; /* until so many are drained they may be of the one before */
	bool edged;      /* an ACK of it came */
	uint32_t edge;   /* the furthest right edge of the peer's windows */
	uint8_t shift;   /* of its windows */
	bool called;     /* somebody has made calls by hand */
	bool unseen;     /* not all it sent was seen */
	bool mixed;      /* some of it may be of the one before, and nothing tells which */
	bool begun;      /* it sent text or FIN; base is the first one's number */
	bool finished;   /* a FIN was sent ... */
	uint32_t fin;    /* ... and that is its number */
	uint32_t base;
	uint32_t length, room;
	uint8_t *bytes; /* from base on, all there were */
};

static bool
same(const struct flow *a, const struct flow *b)
{
	return a->family == b->family &&
	       (a->family == 4 ? memcmp(&a->v4, &b->v4, sizeof(a->v4)) == 0
			       : memcmp(&a->v6, &b->v6, sizeof(a->v6)) == 0);
}

/* Where the record of flow is linked, or its end of the list. */
static struct oracle_record **
find_record(struct oracle *o, const struct oracle_ends *ends)
{
	struct oracle_record **at = &o->records[ends->hash % ORACLE_RECORDS];

	while (*at != NULL && !same(&(*at)->ends.flow, &ends->flow))
		at = &(*at)->next;
	return at;
}

static struct oracle_record *
take_record(struct oracle *o, const struct oracle_ends *ends)
{
	struct oracle_record **at = find_record(o, ends);

	if (*at == NULL) {
		*at = calloc(1, sizeof(**at));
		if (*at == NULL)
			abort();
		(*at)->ends = *ends;
		o->record_count++;
	}
	return *at;
}

static void
drop_record(struct oracle *o, struct oracle_record **at)
{
	struct oracle_record *r = *at;

	*at = r->next;
	free(r->bytes);
	free(r);
	o->record_count--;
}

void
oracle_text_free(struct oracle *o)
{
	for (unsigned int i = 0; i < ORACLE_RECORDS; i++) {
		while (o->records[i] != NULL)
			drop_record(o, &o->records[i]);
	}
}

void
oracle_text_forget(struct oracle *o)
{
	for (unsigned int i = 0; i < ORACLE_RECORDS && o->record_count > 0; i++) {
		struct oracle_record **at = &o->records[i];

		while (*at != NULL) {
			if (oracle_find_ends(o, &(*at)->ends) == CONN_NONE)
				drop_record(o, at);
			else
				at = &(*at)->next;
		}
	}
}

void
oracle_text_unseen(struct oracle *o)
{
	for (unsigned int i = 0; i < ORACLE_RECORDS; i++) {
		for (struct oracle_record *r = o->records[i]; r != NULL; r = r->next) {
			r->unseen = true;
		}
	}
}

/* What waits behind the burst now may be of the connection before. */
static void
wait_for_new(struct oracle *o, const struct oracle_ends *ends)
{
	const unsigned int pending = stack_pending(o->stack);

	if (pending > 0)
		take_record(o, ends)->behind = o->drained + pending;
}

void
oracle_text_opens(struct oracle *o, const struct oracle_ends *ends)
{
	struct oracle_record **at = find_record(o, ends);
	uint32_t conn = oracle_find_ends(o, ends);

	/* It may have waited behind the burst while the handshake came to its end. */
	if (*at != NULL && (conn == CONN_NONE ||
			    conn_store_tcp(&o->stack->conns, conn)->state == TCP_SYN_RECEIVED))
		drop_record(o, at);
	wait_for_new(o, ends);
}

void
oracle_text_cookie(struct oracle *o, const struct oracle_ends *ends, bool certain)
{
	struct oracle_record **at = find_record(o, ends);

	if (!certain) {
		take_record(o, ends)->mixed = true;
		return;
	}
	if (*at != NULL)
		drop_record(o, at);
	wait_for_new(o, ends);
}

void
oracle_text_offered(struct oracle *o, const struct segment *s, const struct oracle_ends *ends)
{
	uint32_t conn = oracle_find_ends(o, ends);
	struct oracle_record *r;
	uint32_t edge;

	/* A SYN may be cut off by step 1, and its ACK be as good as any. */
	if (!(s->flags & TCP_ACK) || (s->flags & TCP_RST))
		return;
	if (conn == CONN_NONE) {
		/* It may have ended in this very burst. */
		r = *find_record(o, ends);
		if (r == NULL || !r->edged)
			return;
	} else {
		const struct tcp_conn *c = conn_store_tcp(&o->stack->conns, conn);

		/* Ahead of what was sent it is no ACK that counts. */
		if (c->state == TCP_SYN_RECEIVED || seq_gt(s->ack, c->snd.nxt))
			return;
		r = take_record(o, ends);
		r->shift = c->snd_shift;
	}
	edge = s->ack + ((uint32_t)s->wnd << r->shift);
	if (!r->edged || seq_gt(edge, r->edge))
		r->edge = edge;
	r->edged = true;
}

void
oracle_text_called(struct oracle *o, const struct flow *flow)
{
	struct oracle_ends ends = {*flow, flow_hash(flow, &o->stack->flow_key)};

	o->called = true;
	take_record(o, &ends)->called = true;
}

/* --- what the script says --- */

/* How many bytes the writes before step c->step have written, or UINT32_MAX if that is not the
 * script's alone to say. Whether end, of them, is where one of them ends: *boundary. */
static uint32_t
written(const struct stack *s, const struct tcp_conn *c, uint32_t end, bool *boundary)
{
	const struct listener *l = &s->conf.index->listeners[stack_listener(s, c)];
	uint32_t bytes = 0;

	*boundary = false;
	for (uint16_t i = l->step; i <= c->step; i++) {
		const struct script_step *step = &s->conf.steps[i];

		if (step->call == SCRIPT_ECHO)
			return UINT32_MAX;
		if (step->call == SCRIPT_WRITE && (i < c->step || (c->flags & TCP_F_WRITING))) {
			bytes += step->arg;
			*boundary |= bytes == end;
		}
	}
	return bytes;
}

/* Are length bytes what the script says from its byte number at on? */
static bool
is_script(const struct stack *s, const struct tcp_conn *c, uint32_t at, const uint8_t *bytes,
	  uint32_t length)
{
	const struct script_step *step =
		&s->conf.steps[s->conf.index->listeners[stack_listener(s, c)].step];

	for (; length > 0; step++) {
		uint32_t part = step->call == SCRIPT_WRITE ? step->arg : 0;

		if (at >= part) {
			at -= part;
			continue;
		}
		part = part - at < length ? part - at : length;
		if (memcmp(step->text + at, bytes, part) != 0)
			return false;
		at = 0;
		bytes += part;
		length -= part;
	}
	return true;
}

/* Of a connection that lives, and whose sender is known. */
static const char *
check_script(const struct oracle *o, const struct tcp_conn *c, const struct tcp_send *send,
	     const struct segment *s)
{
	const struct stack *stack = o->stack;
	uint32_t first, bytes, at;
	bool boundary;

	if (c->step >= SCRIPT_STEPS_MAX)
		return NULL;
	bytes = written(stack, c, 0, &boundary);
	if (bytes == UINT32_MAX)
		return NULL;
	first = send->end - bytes;
	at = s->seq - first;
	if (at + s->text > bytes)
		return "text is the script's";
	if (!is_script(stack, c, at, s->payload, s->text))
		return "text is what the script writes at that sequence number";
	written(stack, c, at + s->text, &boundary);
	if ((s->flags & TCP_PSH) && !boundary)
		return "RFC 9293 3.9.1.2: PSH is where a write ends";
	return NULL;
}

static const char *
check_alive(const struct oracle *o, uint32_t conn, const struct oracle_record *r,
	    const struct segment *s)
{
	const struct stack *stack = o->stack;
	const struct tcp_conn *c = conn_store_tcp(&stack->conns, conn);
	uint32_t mss = conn_store_side(&stack->conns, conn)->peer_mss;
	uint32_t ours = o->conf->mtu - (s->family == 4 ? 40u : 60u);
	const struct tcp_send *send;
	uint32_t sender;

	mss = mss < ours ? mss : ours;
	if (s->text > mss - (c->flags & TCP_F_TS ? 12 : 0))
		return "RFC 9293 3.7.1: text is at most Eff.snd.MSS bytes";
	if (seq_gt(s->seq + s->text, c->snd.nxt))
		return "SND.NXT is beyond what was sent";
	sender = stack_sender_find(stack, conn);
	/* It may have gone since: all is acknowledged. */
	if (sender == SENDER_NONE)
		return NULL;
	send = &stack->senders[sender].tcp;
	if (seq_gt(s->seq + s->text, send->end))
		return "nothing is sent that was not written";
	if (s->seq + s->text == send->end && !(s->flags & TCP_PSH))
		return "RFC 9293 3.9.1.2: PSH is where there is nothing more to send";
	return r->called ? NULL : check_script(o, c, send, s);
}

/* --- what is sent --- */

/* Is it what was sent before at these numbers, with no gap behind that? Then it is noted. */
static const char *
check_bytes(struct oracle_record *r, const struct segment *s)
{
	uint32_t at, again;

	at = s->seq - r->base;
	if (!r->begun || (r->unseen && at > r->length)) {
		r->base = s->seq;
		r->length = 0;
		at = 0;
	}
	r->begun = true;
	if (at > r->length)
		return "text is sent without gaps, in order";
	again = r->length - at < s->text ? r->length - at : s->text;
	if (again > 0 && memcmp(r->bytes + at, s->payload, again) != 0)
		return "what is sent again is what was sent before";
	if (at + s->text > r->length) {
		if (r->finished && seq_gt(s->seq + s->text, r->fin))
			return "no text comes behind the FIN";
		if (at + s->text > r->room) {
			r->room = 2 * (at + s->text);
			r->bytes = realloc(r->bytes, r->room);
			if (r->bytes == NULL)
				abort();
		}
		memcpy(r->bytes + at, s->payload, s->text);
		r->length = at + s->text;
	}
	return NULL;
}

const char *
oracle_text_check(struct oracle *o, const struct segment *s, const struct oracle_ends *ends)
{
	uint32_t conn = oracle_find_ends(o, ends);
	struct oracle_record *r;
	uint32_t end = s->seq + s->text;
	const char *rule;

	if (s->text == 0 && !(s->flags & TCP_FIN))
		return NULL;
	/* Of the connection before: it has waited behind the burst in which this one began. */
	if (conn != CONN_NONE && conn_store_tcp(&o->stack->conns, conn)->state == TCP_SYN_RECEIVED)
		return NULL;
	r = *find_record(o, ends);
	if (r != NULL && o->drained < r->behind) {
		r->unseen = true;
		return NULL;
	}
	if (r == NULL)
		return conn == CONN_NONE ? NULL : "text and FIN come after the handshake's ACK";
	if (r->mixed)
		return NULL;
	if ((rule = check_bytes(r, s)) != NULL)
		return rule;
	if (s->text > 0 && r->edged && seq_gt(end, r->edge) && s->text > 1)
		return "text beyond the window is one byte, a probe";
	if (s->flags & TCP_FIN) {
		if (r->finished && r->fin != end)
			return "the FIN has one sequence number";
		if (end != r->base + r->length)
			return "the FIN comes after the last byte";
		r->finished = true;
		r->fin = end;
	}
	return conn == CONN_NONE || s->text == 0 ? NULL : check_alive(o, conn, r, s);
}
