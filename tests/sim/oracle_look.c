/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_look.c - the look at all connections after each event. What the stack keeps of them is
 * compared, byte for byte, with how it was at the last look, so that a connection that no segment
 * was for and that changed all the same is found; the rules are then asked for those that did
 * change. For the others they hold as they held before, but for the clock: a deadline that nobody
 * heeds is looked for as soon as the nearest of all has passed. Every look_every looks everything
 * is counted and asked for anew. */
#include <stdlib.h>
#include <string.h>

#include "oracle_look.h"

/* --- memory --- */

static void *
take(size_t count, size_t size)
{
	size_t bytes = (count * size + 63) / 64 * 64;
	void *memory = aligned_alloc(64, bytes);

	if (memory == NULL)
		abort();
	memset(memory, 0, bytes);
	return memory;
}

void
oracle_look_free(struct oracle *o)
{
	struct oracle_copy *c = o->copy;

	free(o->conns);
	o->conns = NULL;
	if (c == NULL)
		return;
	free(c->v4);
	free(c->side4);
	free(c->v6);
	free(c->table);
	free(c->sender_table);
	free(c->senders);
	free(c->sums.queued);
	free(c->sender_seen);
	free(c->touched);
	free(c);
	o->copy = NULL;
}

static void
allocate(struct oracle *o)
{
	const struct stack *s = o->stack;
	uint32_t connections = o->conf->connections, places = conn_store_places(&s->conns);
	struct oracle_copy *c = take(1, sizeof(*c));

	c->connections = connections;
	c->sender_room = o->conf->senders;
	c->listener_room = o->conf->listener_room;
	c->v4 = take(connections, sizeof(*c->v4));
	c->side4 = take(connections, sizeof(*c->side4));
	c->v6 = take(connections, sizeof(*c->v6));
	c->table = take(s->table.bucket_count, sizeof(*c->table));
	c->sender_table = take(s->sender_table.bucket_count, sizeof(*c->sender_table));
	c->senders = take(c->sender_room, sizeof(*c->senders));
	c->sender_seen = take(c->sender_room, sizeof(*c->sender_seen));
	c->sums.queued = take(c->listener_room, sizeof(*c->sums.queued));
	c->touched = take(places, sizeof(*c->touched));
	o->conns = take(places, sizeof(*o->conns));
	o->copy = c;
}

void
oracle_look_begin(struct oracle *o)
{
	const struct stack *s = o->stack;
	struct oracle_copy *c = o->copy;

	if (c != NULL &&
	    (c->connections != o->conf->connections || c->sender_room != o->conf->senders ||
	     c->listener_room != o->conf->listener_room))
		oracle_look_free(o);
	if (o->copy == NULL)
		allocate(o);
	c = o->copy;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t first = i ? s->conns.split : 0;

		if (c->fresh[i] > first)
			memset(&o->conns[first], 0, (c->fresh[i] - first) * sizeof(*o->conns));
	}
	c->fresh[0] = 0;
	c->fresh[1] = s->conns.split;
	c->sender_fresh = 0;
	c->index = NULL; /* which makes the first look one at everything */
}

/* --- what has changed --- */

static bool
differs(const void *now, const void *then, size_t size)
{
	return memcmp(now, then, size) != 0;
}

/* The same for what lies in whole cache lines: there are many of them. */
static inline bool
line_differs(const void *now, const void *then, size_t lines)
{
	const uint64_t *a = now, *b = then;
	uint64_t changed = 0;

	for (size_t i = 0; i < 8 * lines; i++)
		changed |= a[i] ^ b[i];
	return changed != 0;
}

#define BLOCK 16 /* lines that are compared at once, first */

/* The next of so many elements of size bytes, from the i-th on, that is not what it was; count if
 * none is. */
static inline uint32_t
next_changed(const void *now, const void *then, size_t size, uint32_t i, uint32_t count)
{
	const uint8_t *a = now, *b = then;

	while (i < count) {
		uint32_t end = i + BLOCK - i % BLOCK < count ? i + BLOCK - i % BLOCK : count;

		if (i % BLOCK != 0 || differs(a + i * size, b + i * size, (end - i) * size)) {
			for (; i < end; i++) {
				if (line_differs(a + i * size, b + i * size, size / 64))
					return i;
			}
		}
		i = end;
	}
	return count;
}

/* Has the configuration changed, or has the host been started again? */
static bool
all_is_new(const struct oracle *o)
{
	const struct stack *s = o->stack;
	const struct oracle_copy *c = o->copy;

	return s->conf.index != c->index || s->conns.fresh[0] < c->fresh[0] ||
	       s->conns.fresh[1] < c->fresh[1] || s->sender_fresh < c->sender_fresh ||
	       differs(&s->flow_key, &c->flow_key, sizeof(c->flow_key)) ||
	       (o->called && differs(s->called, c->called, sizeof(c->called)));
}

static void
forget_all(struct oracle *o)
{
	const struct stack *s = o->stack;
	struct oracle_copy *c = o->copy;

	/* Places that were in use before a crash. */
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t place = s->conns.fresh[i]; place < c->fresh[i]; place++)
			o->conns[place] = (struct oracle_conn){0};
		for (uint32_t place = i ? s->conns.split : 0; place < s->conns.fresh[i]; place++) {
			o->conns[place].counted = o->conns[place].half_open = false;
			o->conns[place].armed = o->conns[place].queued = false;
		}
	}
	c->sums.connections = c->sums.half_open = c->sums.armed = c->sums.waiting = 0;
	memset(c->sums.queued, 0, c->listener_room * sizeof(*c->sums.queued));
	memset(c->sender_seen, 0, c->sender_room * sizeof(*c->sender_seen));
	c->sender_sums = (struct oracle_sender_sums){0};
	c->armed = false;
	c->index = s->conf.index;
	c->flow_key = s->flow_key;
	memcpy(c->called, s->called, sizeof(c->called));
}

/* --- one connection --- */

static void
discount(struct oracle *o, struct oracle_conn *was)
{
	struct oracle_sums *sums = &o->copy->sums;

	sums->connections -= was->counted;
	sums->half_open -= was->half_open;
	sums->armed -= was->armed;
	sums->queued[was->listener] -= was->queued;
	sums->waiting -= was->queued;
	was->counted = was->half_open = was->armed = was->queued = false;
}

static void
note_deadline(struct oracle_copy *c, uint32_t deadline_ms)
{
	if (deadline_ms == 0)
		return;
	if (!c->armed || (int32_t)(deadline_ms - c->nearest_ms) < 0)
		c->nearest_ms = deadline_ms;
	c->armed = true;
}

static void
count(struct oracle *o, struct oracle_conn *was, const struct tcp_conn *c)
{
	struct oracle_sums *sums = &o->copy->sums;

	was->counted = true;
	was->half_open = c->state == TCP_SYN_RECEIVED;
	was->armed = c->timer.tcp_ms != 0 || c->timer.call_ms != 0;
	was->queued = c->flags & TCP_F_QUEUED;
	was->listener = stack_listener(o->stack, c);
	sums->connections++;
	sums->half_open += was->half_open;
	sums->armed += was->armed;
	sums->queued[was->listener] += was->queued;
	sums->waiting += was->queued;
	note_deadline(o->copy, c->timer.tcp_ms);
	note_deadline(o->copy, c->timer.call_ms);
}

static uint32_t
find(const struct stack *s, uint32_t conn, uint64_t hash)
{
	struct flow_probe p = flow_table_probe(&s->table, hash);
	struct flow flow;
	uint32_t other;

	conn_store_flow(&s->conns, conn, &flow);
	while ((other = flow_probe_next(&s->table, &p)) != FLOW_TABLE_NONE) {
		if (conn_store_is(&s->conns, other, &flow))
			return other;
	}
	return CONN_NONE;
}

/* The connection at a place that has changed, or may have: none may be there any more. */
static bool
look_at(struct oracle *o, uint32_t conn, bool other_ends)
{
	const struct stack *s = o->stack;
	struct oracle_conn *was = &o->conns[conn];
	struct flow flow;
	const char *rule;

	discount(o, was);
	if (!conn_store_alive(&s->conns, conn)) {
		was->known = false;
		return true;
	}
	if (other_ends || !was->known) {
		conn_store_flow(&s->conns, conn, &flow);
		was->hash = flow_hash(&flow, &s->flow_key);
	}
	count(o, was, conn_store_tcp(&s->conns, conn));
	if (find(s, conn, was->hash) != conn)
		return oracle_wrong(o, conn, "a connection is found by its four-tuple, once");
	if (conn_store_side(&s->conns, conn)->path == PATH_NONE)
		return oracle_wrong(o, conn, "a connection has a way back");
	rule = oracle_check_conn(o, conn);
	was->known = true;
	return rule == NULL || oracle_wrong(o, conn, rule);
}

/* Marks the places whose bytes have changed. */
static void
find_changed(struct oracle *o)
{
	const struct conn_store *store = &o->stack->conns;
	uint32_t count[2] = {store->fresh[0], store->fresh[1] - store->split};
	struct oracle_copy *c = o->copy;

	for (uint32_t i = 0;; i++) {
		i = next_changed(store->v4, c->v4, sizeof(*c->v4), i, count[0]);
		if (i == count[0])
			break;
		c->touched[i] = true;
	}
	for (uint32_t i = 0;; i++) {
		i = next_changed(store->v6, c->v6, sizeof(*c->v6), i, count[1]);
		if (i == count[1])
			break;
		c->touched[store->split + i] = true;
	}
	if (!differs(store->side4, c->side4, count[0] * sizeof(*c->side4)))
		return;
	for (uint32_t i = 0; i < count[0]; i++)
		c->touched[i] |= differs(&store->side4[i], &c->side4[i], sizeof(*c->side4)) != 0;
}

/* Takes a copy of the connection at a place; true if its four-tuple is another. */
static bool
copy_place(struct oracle *o, uint32_t place)
{
	const struct conn_store *store = &o->stack->conns;
	struct oracle_copy *c = o->copy;
	bool ends;

	if (place < store->split) {
		ends = differs(&c->v4[place].flow, &store->v4[place].flow, sizeof(struct flow4));
		memcpy(&c->v4[place], &store->v4[place], sizeof(*c->v4));
		memcpy(&c->side4[place], &store->side4[place], sizeof(*c->side4));
		return ends;
	}
	place -= store->split;
	ends = differs(&c->v6[place].flow, &store->v6[place].flow, sizeof(struct flow6));
	memcpy(&c->v6[place], &store->v6[place], sizeof(*c->v6));
	return ends;
}

static bool
look_at_places(struct oracle *o, bool all)
{
	const struct conn_store *store = &o->stack->conns;
	struct oracle_copy *c = o->copy;

	if (!all)
		find_changed(o);
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t place = i ? store->split : 0; place < store->fresh[i]; place++) {
			if (!all && !c->touched[place])
				continue;
			c->touched[place] = false;
			if (!look_at(o, place, copy_place(o, place) || all))
				return false;
		}
		c->fresh[i] = store->fresh[i];
	}
	return true;
}

/* --- all together --- */

static bool
is_found(struct oracle *o, uint32_t conn)
{
	return !o->conns[conn].known || find(o->stack, conn, o->conns[conn].hash) == conn ||
	       oracle_wrong(o, conn, "a connection is found by its four-tuple, once");
}

static bool
all_are_found(struct oracle *o)
{
	const struct conn_store *store = &o->stack->conns;

	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t conn = i ? store->split : 0; conn < store->fresh[i]; conn++) {
			if (!is_found(o, conn))
				return false;
		}
	}
	return true;
}

/* Of a bucket that has changed, those that were in it. */
static bool
check_bucket(struct oracle *o, const struct flow_bucket *then)
{
	for (uint32_t i = 0; i < FLOW_TABLE_SLOTS; i++) {
		if (then->index[i] != FLOW_TABLE_NONE && !is_found(o, then->index[i]))
			return false;
	}
	return true;
}

static uint32_t
slots_used(const struct flow_bucket *b)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < FLOW_TABLE_SLOTS; i++)
		used += b->index[i] != FLOW_TABLE_NONE;
	return used;
}

/* Every connection is in the table, and nothing else is. One that has not changed may have been
 * moved. */
static bool
check_table(struct oracle *o, bool all)
{
	const struct flow_table *t = &o->stack->table;
	struct oracle_copy *c = o->copy;

	if (all)
		c->slots = 0;
	for (uint32_t i = 0; i < t->bucket_count; i++) {
		struct flow_bucket then;

		if (!all)
			i = next_changed(t->buckets, c->table, sizeof(then), i, t->bucket_count);
		if (i == t->bucket_count)
			break;
		then = c->table[i];
		memcpy(&c->table[i], &t->buckets[i], sizeof(then));
		c->slots += slots_used(&t->buckets[i]) - (all ? 0 : slots_used(&then));
		/* With passed the ways of others have changed. */
		if (!all && !(then.passed == t->buckets[i].passed ? check_bucket(o, &then)
								  : all_are_found(o)))
			return false;
	}
	return c->slots == t->count ||
	       oracle_fail(o, "%u connections in the table, which counts %u", c->slots, t->count);
}

/* The accept queues: what is counted in each is what waits there, and no more than backlog. */
static bool
check_queues(struct oracle *o)
{
	const struct stack *s = o->stack;
	const uint32_t *queued = o->copy->sums.queued;

	if (o->copy->sums.waiting == 0 &&
	    !differs(s->queued, queued, o->conf->listener_room * sizeof(*queued)))
		return true;
	for (uint16_t l = 0; l < o->conf->listener_room; l++) {
		if (s->queued[l] == 0 && queued[l] == 0)
			continue;
		if (queued[l] != s->queued[l] || queued[l] > o->conf->index->listeners[l].backlog)
			return oracle_fail(o, "listener %s: %u queued of %u, %u are counted",
					   o->conf->index->listeners[l].name, queued[l],
					   o->conf->index->listeners[l].backlog, s->queued[l]);
	}
	return true;
}

/* Is a deadline less than wait_ms away? */
static bool
is_near(uint32_t deadline_ms, uint32_t now_ms, uint32_t wait_ms)
{
	return deadline_ms != 0 && (int32_t)(deadline_ms - now_ms) < (int32_t)wait_ms;
}

/* No timer is late, and the wheel wakes its caller in time for every connection. */
static bool
check_clock(struct oracle *o)
{
	const struct stack *s = o->stack;
	struct oracle_copy *c = o->copy;
	uint32_t wake_ms = (stack_idle_us(s, o->now, 3600u * 1000000u) + 999) / 1000;
	uint32_t now_ms = (uint32_t)(o->now / 1000);
	uint32_t wait_ms = wake_ms > 1 ? wake_ms : 1;

	if (!c->armed || !is_near(c->nearest_ms, now_ms, wait_ms))
		return true;
	/* The nearest may be nobody's any more. */
	c->armed = false;
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t conn = i ? s->conns.split : 0; conn < s->conns.fresh[i]; conn++) {
			const struct timer_node *t = &conn_store_tcp(&s->conns, conn)->timer;

			if (!o->conns[conn].known)
				continue;
			note_deadline(c, t->tcp_ms);
			note_deadline(c, t->call_ms);
			if (is_near(t->tcp_ms, now_ms, 1) || is_near(t->call_ms, now_ms, 1))
				return oracle_wrong(o, conn, "a timer is late");
			if (is_near(t->tcp_ms, now_ms, wake_ms) ||
			    is_near(t->call_ms, now_ms, wake_ms))
				return oracle_wrong(
					o, conn,
					"stack_idle_us() sleeps no longer than to a deadline");
		}
	}
	return true;
}

static bool
check_sums(struct oracle *o)
{
	const struct stack *s = o->stack;
	const struct oracle_sums *sums = &o->copy->sums;

	if (sums->connections != s->conns.count || sums->connections != s->table.count)
		return oracle_fail(o, "%u connections, the table counts %u, the store %u",
				   sums->connections, s->table.count, s->conns.count);
	if (sums->half_open != s->half_open)
		return oracle_fail(o, "%u half open, %u are counted", sums->half_open,
				   s->half_open);
	if (sums->armed != s->wheel.count)
		return oracle_fail(o, "%u connections have a timer, the wheel holds %u",
				   sums->armed, s->wheel.count);
	if (s->paths.count > sums->connections)
		return oracle_fail(o, "%u ways back for %u connections", s->paths.count,
				   sums->connections);
	return check_queues(o);
}

static bool
look(struct oracle *o, bool ticked, bool all)
{
	const struct stack *s = o->stack;
	/* It lets those go on that wait for room; later in the walk nothing moves. */
	unsigned int pending = stack_pending(o->stack);
	bool in_time = ticked && stack_queue_room(s) >= 2;

	o->look++;
	o->none_ended = s->counters.closed == o->closed_then;
	if (!o->none_ended)
		o->stale = true;
	if (o->stale && pending == 0) {
		oracle_text_forget(o);
		o->stale = false;
	}
	o->closed_then = s->counters.closed;
	all |= all_is_new(o);
	if (all)
		forget_all(o);
	if (!oracle_look_senders(o, all) || !look_at_places(o, all))
		return false;
	if (!check_table(o, all))
		return false;
	return check_sums(o) && oracle_check_senders(o) && (!in_time || check_clock(o)) &&
	       ((!all && !o->called) || oracle_check_called(o));
}

bool
oracle_look(struct oracle *o, bool ticked)
{
	bool all = ++o->looks >= o->look_every;

	if (all)
		o->looks = 0;
	return look(o, ticked, all);
}

bool
oracle_look_at_all(struct oracle *o)
{
	return look(o, false, true);
}
