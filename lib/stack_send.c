/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_send.c - the text that applications write: where it lies, and its way into segments. What
 * may be sent when is tcp_send.c's. A script's text is never copied: it is sent from where the
 * configuration has it. Only what echo sends back and what is written by hand is held in the
 * stack's pool of chunks. */
#include <assert.h>

#include "stack_env.h"

#define QUANTUM 16 /* segments of one connection before it is the next one's turn */

static struct sender *
get(const struct stack *s, uint32_t sender)
{
	return &s->senders[sender];
}

/* --- the record beside a connection --- */

static uint64_t
hash_of(uint32_t conn)
{
	/* Of our own numbers: nobody outside chooses them. */
	return (conn + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Where the table lies behind the senders: at a line's beginning. */
static size_t
table_offset(uint32_t senders)
{
	return (senders * sizeof(struct sender) + 63) / 64 * 64;
}

size_t
stack_senders_bytes(const struct stack_conf *conf)
{
	return table_offset(conf->senders) + flow_table_bytes(conf->senders);
}

void
stack_senders_clear(struct stack *s)
{
	uint8_t *memory = (uint8_t *)s->senders;

	/* Afresh from the beginning: those that were never used need not be touched. */
	flow_table_init(&s->sender_table, memory + table_offset(s->conf.senders), s->conf.senders);
	s->sender_free = SENDER_NONE;
	s->sender_fresh = 0;
	s->sender_ready = SENDER_NONE;
	byte_pool_init(&s->text, s->text.chunks, s->text.count);
}

uint32_t
stack_sender_find(const struct stack *s, uint32_t conn)
{
	struct flow_probe p = flow_table_probe(&s->sender_table, hash_of(conn));
	uint32_t sender;

	while ((sender = flow_probe_next(&s->sender_table, &p)) != FLOW_TABLE_NONE) {
		if (get(s, sender)->conn == conn)
			return sender;
	}
	return SENDER_NONE;
}

static uint32_t
unused(const struct stack *s)
{
	return s->sender_free != SENDER_NONE       ? s->sender_free
	       : s->sender_fresh < s->conf.senders ? s->sender_fresh
						   : SENDER_NONE;
}

uint32_t
stack_sender_take(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	uint32_t sender;
	struct tcp_env env;

	if (c->flags & TCP_F_SENDER)
		return stack_sender_find(s, conn);
	sender = unused(s);
	if (sender == SENDER_NONE)
		return SENDER_NONE;
	if (sender == s->sender_free)
		s->sender_free = get(s, sender)->next;
	else
		s->sender_fresh++;
	*get(s, sender) = (struct sender){.conn = conn,
					  .listener = stack_listener(s, c),
					  .base = c->snd.nxt,
					  .then_una = c->snd.una};
	if (!flow_table_insert(&s->sender_table, hash_of(conn), sender))
		assert(false && "the table has room for every sender");
	c->flags |= TCP_F_SENDER;
	stack_env(s, c, conn, &env);
	tcp_send_open(c, &env);
	return sender;
}

bool
stack_sender_spare(const struct stack *s, const struct tcp_conn *c, uint32_t conn)
{
	const struct sender *it;

	/* Connections that wrote once and stay open must not keep all others from writing. What is
	 * lost is little: RFC 5681 4.1 takes the congestion window back after a pause as well. */
	if (s->sender_table.count <= s->conf.senders / 2)
		return false;
	it = get(s, stack_sender_find(s, conn));
	return c->snd.una == c->snd.nxt && tcp_unacked(c, &it->tcp) == 0 &&
	       !(c->flags & TCP_F_FIN_UNSENT) && it->received.bytes == 0 && it->waiting == 0;
}

static void
give(struct stack *s, uint32_t sender)
{
	struct sender *it = get(s, sender);

	byte_queue_drop(&s->text, &it->sending, it->sending.bytes);
	it->next = s->sender_free;
	s->sender_free = sender;
}

static void
unready(struct stack *s, uint32_t sender)
{
	struct sender *it = get(s, sender);

	if (!it->ready)
		return;
	it->ready = false;
	get(s, it->prev)->next = it->next;
	get(s, it->next)->prev = it->prev;
	if (s->sender_ready == sender)
		s->sender_ready = it->next == sender ? SENDER_NONE : it->next;
}

/* Into the ring, as the last one to come. */
static void
ready(struct stack *s, uint32_t sender)
{
	struct sender *it = get(s, sender);

	if (it->ready)
		return;
	it->ready = true;
	if (s->sender_ready == SENDER_NONE) {
		it->next = it->prev = sender;
		s->sender_ready = sender;
		return;
	}
	it->next = s->sender_ready;
	it->prev = get(s, it->next)->prev;
	get(s, it->prev)->next = sender;
	get(s, it->next)->prev = sender;
}

void
stack_sender_drop(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	uint32_t sender = stack_sender_find(s, conn);
	struct sender *it = get(s, sender);

	unready(s, sender);
	flow_table_remove(&s->sender_table, hash_of(conn), sender);
	c->flags &= (uint16_t)~TCP_F_SENDER;
	byte_queue_drop(&s->text, &it->received, it->received.bytes);
	it->conn = CONN_NONE;
	if (it->waiting == 0)
		give(s, sender);
	else
		stack_count_alive(s, it->listener, true); /* until the text is out */
}

/* --- what it keeps --- */

/* What is acknowledged is not kept, unless a segment that waits may still point at it. */
static void
trim(struct stack *s, struct sender *it, uint32_t una)
{
	if (it->waiting == 0)
		stack_text_drop(s, it, una);
}

void
stack_sender_unhold(struct stack *s, uint32_t sender)
{
	struct sender *it = get(s, sender);
	uint32_t una;

	it->waiting--;
	if (it->conn == CONN_NONE) {
		if (it->waiting == 0) {
			stack_count_alive(s, it->listener, false);
			give(s, sender);
		}
		return;
	}
	/* Some may wait at any time, as long as there is more to send than goes out. They go in the
	 * order in which they were made: once those that waited when then_una was SND.UNA are out,
	 * nothing before it is pointed at. */
	if (it->then_waiting > 0 && --it->then_waiting > 0)
		return;
	una = conn_store_tcp(&s->conns, it->conn)->snd.una;
	stack_text_drop(s, it, it->waiting > 0 ? it->then_una : una);
	it->then_una = una;
	it->then_waiting = it->waiting;
}

bool
stack_write(struct stack *s, struct tcp_conn *c, uint32_t conn, const struct script_step *step,
	    bool copied)
{
	uint32_t sender = stack_sender_take(s, c, conn);
	struct tcp_env env;
	struct sender *it;

	if (sender == SENDER_NONE)
		return false;
	it = get(s, sender);
	trim(s, it, c->snd.una);
	if (copied && !byte_pool_has_room(&s->text, step->arg))
		return false;
	if (!stack_text_extend(it, copied ? NULL : step, step->arg))
		return false;
	if (copied)
		byte_queue_append(&s->text, &it->sending, step->text, step->arg);
	stack_env(s, c, conn, &env);
	tcp_write(&env, step->arg);
	stack_push(s, c, conn);
	return true;
}

uint32_t
stack_echo(struct stack *s, struct tcp_conn *c, uint32_t conn, uint32_t length)
{
	uint32_t sender = stack_sender_find(s, conn);
	struct tcp_env env;
	struct sender *it = get(s, sender);
	uint32_t moved;

	stack_env(s, c, conn, &env);
	trim(s, it, c->snd.una);
	if (length > it->received.bytes)
		length = it->received.bytes;
	if (length == 0 || !stack_text_extend(it, NULL, 0))
		return 0;
	moved = byte_queue_move(&s->text, &it->received, &it->sending, length);
	it->extents[it->extent_count - 1].length += moved;
	tcp_write(&env, moved);
	stack_push(s, c, conn);
	return moved;
}

bool
stack_may_keep(const struct stack *s, const struct tcp_conn *c, uint32_t length)
{
	/* Where an echo cannot hand over whole chunks, it wants one more to copy to: were all of
	 * them kept for echoes that do, none would ever go on. */
	if (s->conf.index->listeners[stack_listener(s, c)].send_buffer < BYTE_CHUNK_TEXT)
		length += BYTE_CHUNK_TEXT;
	return ((c->flags & TCP_F_SENDER) || unused(s) != SENDER_NONE) &&
	       byte_pool_has_room(&s->text, length);
}

void
stack_keep(struct stack *s, struct tcp_conn *c, uint32_t conn, const uint8_t *text, uint32_t length)
{
	struct sender *it = get(s, stack_sender_take(s, c, conn));

	byte_queue_append(&s->text, &it->received, text, length);
}

void
stack_kept_trim(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	uint32_t held = stack_step(s, c)->keeps ? c->rcv.held : 0;
	struct sender *it;

	if (!(c->flags & TCP_F_SENDER))
		return;
	it = get(s, stack_sender_find(s, conn));
	if (it->received.bytes > held)
		byte_queue_drop(&s->text, &it->received, it->received.bytes - held);
}

/* --- the way out --- */

static void
count(struct stack *s, const struct tcp_reply *reply)
{
	struct stack_counters *n = &s->counters;

	switch ((enum tcp_sent)reply->sent) {
	case TCP_SENT_NEW:
		n->text_segments += reply->text > 0;
		break;
	case TCP_SENT_FAST:
		n->fast_retransmitted++;
		__attribute__((fallthrough));
	case TCP_SENT_AGAIN:
		n->text_retransmitted += reply->text > 0;
		n->fin_retransmitted += reply->text == 0 && (reply->flags & TCP_FIN);
		break;
	case TCP_SENT_PROBE:
		n->window_probes++;
		break;
	}
}

/* Up to QUANTUM segments; false once there is no more to send now. */
static bool
push(struct stack *s, struct tcp_conn *c, uint32_t conn, uint32_t sender)
{
	struct tcp_env env;
	struct tcp_reply reply;

	stack_env(s, c, conn, &env);
	trim(s, get(s, sender), c->snd.una);
	for (unsigned int i = 0; i < QUANTUM && stack_queue_room(s) > STACK_RESERVE; i++) {
		if (!tcp_send_next(c, &env, &reply))
			return false;
		count(s, &reply);
		stack_send(s, conn, &reply, reply.text > 0 ? sender : SENDER_NONE);
	}
	return true;
}

void
stack_push(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	uint32_t sender = stack_sender_find(s, conn);

	/* Those that have waited longer come first. */
	if (get(s, sender)->ready || push(s, c, conn, sender))
		ready(s, sender);
}

void
stack_push_ready(struct stack *s)
{
	while (s->sender_ready != SENDER_NONE && stack_queue_room(s) > STACK_RESERVE) {
		uint32_t sender = s->sender_ready;
		uint32_t conn = get(s, sender)->conn;
		struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
		struct timer_node before = c->timer;

		unready(s, sender);
		if (push(s, c, conn, sender))
			ready(s, sender);
		stack_rearm(s, conn, &before);
	}
}
