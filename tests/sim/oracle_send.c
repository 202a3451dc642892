/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_send.c - looks into the stack's sending side: does everybody who has something to send
 * have what will let him, and is every place and chunk of memory accounted for? */
#include <string.h>

#include "oracle_look.h"

static bool
has_fin(const struct tcp_conn *c)
{
	return c->state == TCP_FIN_WAIT_1 || c->state == TCP_CLOSING || c->state == TCP_LAST_ACK;
}

/* RFC 9293 3.3.1, figure 3, and the text that is written. */
static const char *
check_numbers(const struct tcp_conn *c, const struct tcp_send *send)
{
	uint32_t last = send->end + (has_fin(c) && !(c->flags & TCP_F_FIN_UNSENT));

	if (seq_gt(c->snd.una, send->resume) || seq_gt(send->resume, c->snd.nxt))
		return "SND.UNA <= what is sent next <= SND.NXT";
	if (seq_gt(c->snd.nxt, last))
		return "SND.NXT is not behind what was written";
	if ((c->flags & TCP_F_FIN_UNSENT) && !has_fin(c))
		return "a FIN waits in the states that send one";
	if (send->cwnd == 0)
		return "the congestion window is never 0";
	return NULL;
}

/* Something to send or to be acknowledged has a timer, or its turn will come when there is room. */
static const char *
check_timer(const struct tcp_conn *c, const struct sender *it)
{
	bool due = c->snd.una != c->snd.nxt || seq_lt(c->snd.nxt, it->tcp.end) ||
		   (c->flags & TCP_F_FIN_UNSENT);
	bool armed = c->timer.tcp_ms != 0;

	if (due && !armed && !it->ready)
		return "text or FIN that waits or is not acknowledged has a timer";
	if (!due && armed)
		return "what is all acknowledged has no timer";
	return NULL;
}

/* The application waits for an ACK that will come, or for its own timer. */
static const char *
check_blocked(const struct stack *s, const struct tcp_conn *c, const struct sender *it)
{
	const struct listener *l = &s->conf.index->listeners[stack_listener(s, c)];

	if (!(c->flags & TCP_F_WRITING) || c->timer.call_ms != 0)
		return NULL;
	/* An echo hands over byte by byte, a write all at once. */
	if (tcp_unacked(c, &it->tcp) < l->send_buffer + (stack_step(s, c)->call == SCRIPT_WRITE))
		return "who is blocked in a write has filled the send buffer, or tries again";
	return NULL;
}

static const char *
check_extents(const struct sender *it, const struct tcp_conn *c)
{
	uint32_t bytes = 0, held = 0;

	if (it->extent_count > STACK_EXTENTS)
		return "there are no more extents than fit";
	for (unsigned int i = 0; i < it->extent_count; i++) {
		bytes += it->extents[i].length;
		held += it->extents[i].step == NULL ? it->extents[i].length : 0;
	}
	if (held != it->sending.bytes)
		return "what is held to be sent is what extents point at";
	if (it->extent_count > 0 && it->base + bytes != it->tcp.end)
		return "extents end where what was written does";
	if (tcp_unacked(c, &it->tcp) > 0 && (it->extent_count == 0 || seq_gt(it->base, c->snd.una)))
		return "what is not acknowledged is kept";
	return NULL;
}

/* For an echo as much is kept as was received and not read. */
static const char *
check_kept(const struct stack *s, const struct tcp_conn *c, const struct sender *it)
{
	uint32_t kept = it != NULL ? it->received.bytes : 0;
	bool keeps = stack_step(s, c)->keeps;
	bool may_write = c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT;

	if (keeps && may_write && kept != c->rcv.held)
		return "what echo has not read is kept";
	if (!keeps && kept != 0)
		return "nothing is kept that will not be echoed";
	return NULL;
}

const char *
oracle_check_sender(const struct oracle *o, uint32_t conn)
{
	const struct stack *s = o->stack;
	const struct tcp_conn *c = conn_store_tcp(&s->conns, conn);
	uint32_t sender = stack_sender_find(s, conn);
	const struct sender *it = sender != SENDER_NONE ? &s->senders[sender] : NULL;
	const char *rule;

	if ((it != NULL) != !!(c->flags & TCP_F_SENDER))
		return "who writes has a sender, and nobody else";
	if ((rule = check_kept(s, c, it)) != NULL)
		return rule;
	if (it == NULL)
		return NULL;
	if ((rule = check_numbers(c, &it->tcp)) != NULL ||
	    (rule = check_blocked(s, c, it)) != NULL || (rule = check_extents(it, c)) != NULL)
		return rule;
	/* Of these two the timer is another one, and nothing is left to send. */
	if (c->state == TCP_FIN_WAIT_2 || c->state == TCP_TIME_WAIT)
		return "a sender goes when all it has sent is acknowledged, FIN and all";
	return check_timer(c, it);
}

/* The chunks of a queue; UINT32_MAX if they do not add up. A peer that sends byte by byte must not
 * take a chunk for each. */
static uint32_t
chunks(const struct byte_pool *pool, const struct byte_queue *q)
{
	uint32_t left = q->bytes, chunk = q->head, count = 0;

	for (; left > 0; count++, chunk = pool->chunks[chunk].next) {
		if (chunk >= pool->fresh || pool->chunks[chunk].length == 0 ||
		    pool->chunks[chunk].length > left)
			return UINT32_MAX;
		left -= pool->chunks[chunk].length;
	}
	return count > 2 * q->bytes / BYTE_CHUNK_TEXT + 3 ? UINT32_MAX : count;
}

/* Is every sender that belongs to a connection found by it, and the ring of those that are ready
 * whole? */
static bool
check_links(struct oracle *o)
{
	const struct stack *s = o->stack;

	for (uint32_t i = 0; i < s->sender_fresh; i++) {
		const struct sender *it = &s->senders[i];

		if (it->conn != CONN_NONE && stack_sender_find(s, it->conn) != i)
			return oracle_fail(o, "sender %u is not found by its connection", i);
		if (it->ready && (s->senders[it->next].prev != i || s->senders[it->prev].next != i))
			return oracle_fail(o, "the ring of those that are ready is broken at %u",
					   i);
	}
	return true;
}

static void
add_to_sums(struct oracle_sender_sums *sums, const struct oracle_sender *it, uint32_t sign)
{
	sums->used += sign * it->used;
	sums->free += sign * !it->used;
	sums->orphans += sign * it->orphan;
	sums->ready += sign * it->ready;
	sums->chunks += sign * it->chunks;
	sums->waiting += sign * it->waiting;
}

/* A sender that has changed, or whose chunks may have. */
static bool
look_at(struct oracle *o, uint32_t sender, bool counted)
{
	const struct stack *s = o->stack;
	struct oracle_sender *seen = &o->copy->sender_seen[sender];
	const struct sender *it = &s->senders[sender];
	uint32_t sending = chunks(&s->text, &it->sending);
	uint32_t received = chunks(&s->text, &it->received);

	if (sending == UINT32_MAX || received == UINT32_MAX)
		return oracle_fail(o,
				   "the chunks of sender %u do not add up, or are too many: "
				   "%u and %u bytes",
				   sender, it->sending.bytes, it->received.bytes);
	if (counted)
		add_to_sums(&o->copy->sender_sums, seen, UINT32_MAX);
	*seen = (struct oracle_sender){
		.used = it->conn != CONN_NONE || it->waiting > 0,
		.orphan = it->conn == CONN_NONE && it->waiting > 0,
		.ready = it->ready,
		.chunks = sending + received,
		.waiting = it->waiting,
	};
	if (!seen->used)
		seen->ready = false;
	add_to_sums(&o->copy->sender_sums, seen, 1);
	return seen->used || seen->chunks == 0 || oracle_fail(o, "a free sender holds text");
}

/* The free ones are those in the list. */
static bool
check_free(struct oracle *o)
{
	const struct stack *s = o->stack;
	const struct oracle_sender_sums *t = &o->copy->sender_sums;
	uint32_t free = 0;

	for (uint32_t i = s->sender_free; i != SENDER_NONE && free <= t->free;
	     i = s->senders[i].next)
		free++;
	if (free != t->free || t->used - t->orphans != s->sender_table.count)
		return oracle_fail(o,
				   "%u senders used, %u free, but %u in the list and %u in the "
				   "table",
				   t->used, t->free, free, s->sender_table.count);
	return true;
}

static void
touch(struct oracle *o, uint32_t conn)
{
	if (conn != CONN_NONE)
		oracle_touch(o->copy, conn);
}

bool
oracle_look_senders(struct oracle *o, bool all)
{
	const struct stack *s = o->stack;
	struct oracle_copy *c = o->copy;
	size_t table = s->sender_table.bucket_count * sizeof(*c->sender_table);
	bool moved = memcmp(&s->text, &c->text, sizeof(c->text)) != 0, some = all;

	if (s->sender_fresh == 0 && c->sender_fresh == 0 && !all)
		return true;
	for (uint32_t i = 0; i < s->sender_fresh; i++) {
		const struct sender *it = &s->senders[i];
		bool counted = !all && i < c->sender_fresh;
		bool same = counted && memcmp(it, &c->senders[i], sizeof(*it)) == 0;

		if (same && !(moved && it->sending.bytes + it->received.bytes > 0))
			continue;
		if (counted)
			touch(o, c->senders[i].conn);
		touch(o, it->conn);
		memcpy(&c->senders[i], it, sizeof(*it));
		if (!look_at(o, i, counted))
			return false;
		some = true;
	}
	memcpy(&c->text, &s->text, sizeof(c->text));
	c->sender_fresh = s->sender_fresh;
	if (!some && memcmp(s->sender_table.buckets, c->sender_table, table) == 0)
		return true;
	memcpy(c->sender_table, s->sender_table.buckets, table);
	return check_links(o) && check_free(o);
}

bool
oracle_check_called(struct oracle *o)
{
	const struct stack *s = o->stack;
	uint32_t used = 0, in = 0;

	for (unsigned int i = 0; i < STACK_CALLED; i++)
		used += s->called[i].used;
	if (used == 0)
		return true;
	for (uint32_t place = 0; place < conn_store_places(&s->conns); place++) {
		uint16_t step;

		if (!o->conns[place].known)
			continue;
		for (step = conn_store_tcp(&s->conns, place)->step; step >= SCRIPT_STEPS_MAX;
		     in++) {
			const struct called *called = &s->called[step - SCRIPT_STEPS_MAX];

			if (!called->used)
				return oracle_fail(o, "a connection is in a call that is over");
			step = called->back;
		}
	}
	return in == used || oracle_fail(o, "%u calls by hand, %u connections in them", used, in);
}

/* A listener is not forgotten while anything may need its text. */
static bool
check_alive(struct oracle *o)
{
	const struct stack *s = o->stack;
	uint32_t total = 0, held = o->copy->sender_sums.orphans;

	for (unsigned int l = 0; l < o->conf->listener_room; l++)
		total += s->alive[l];
	return total == s->conns.count + held ||
	       oracle_fail(o, "%u alive, but %u connections and %u that wait to be sent", total,
			   s->conns.count, held);
}

bool
oracle_check_senders(struct oracle *o)
{
	const struct stack *s = o->stack;
	const struct oracle_sender_sums *t = &o->copy->sender_sums;
	uint32_t waiting = 0;

	for (unsigned int i = s->queue_head; i != s->queue_tail; i++)
		waiting += s->queue[i % STACK_QUEUE].sender != SENDER_NONE;
	if (waiting != t->waiting)
		return oracle_fail(o, "%u segments with text wait, senders say %u", waiting,
				   t->waiting);
	if (t->chunks + s->text.free_count != s->text.count)
		return oracle_fail(o, "%u chunks are held and %u free of %u", t->chunks,
				   s->text.free_count, s->text.count);
	if ((t->ready > 0) != (s->sender_ready != SENDER_NONE) ||
	    (t->ready > 0 && stack_queue_room(s) > STACK_RESERVE))
		return oracle_fail(o, "%u are ready to send, and nobody lets them", t->ready);
	return check_alive(o);
}

bool
oracle_check_empty(struct oracle *o)
{
	const struct stack *s = o->stack;

	if (s->conns.count > 0 || s->queue_head != s->queue_tail)
		return oracle_fail(o, "%u connections are left", s->conns.count);
	if (s->text.free_count != s->text.count || s->sender_table.count > 0)
		return oracle_fail(o, "nobody is left, but %u chunks and %u senders are",
				   s->text.count - s->text.free_count, s->sender_table.count);
	for (unsigned int i = 0; i < STACK_CALLED; i++) {
		if (s->called[i].used)
			return oracle_fail(o, "nobody is left, but a call by hand is");
	}
	for (unsigned int l = 0; l < o->conf->listener_room; l++) {
		if (s->alive[l] > 0 || s->queued[l] > 0)
			return oracle_fail(o, "nobody is left, but listener %u has %u", l,
					   s->alive[l]);
	}
	return true;
}
