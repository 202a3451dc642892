/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_look.c - the look at all connections after each event. What the stack keeps of them is
 * compared, byte for byte, with how it was at the last look, so that a connection that no segment
 * was for and that changed all the same is found; the rules are then asked for those that did
 * change. For the others they hold as they held before, but for the clock: a deadline that nobody
 * heeds is looked for as soon as the nearest of all has passed. Every look_every looks everything
 * is counted and asked for anew. */
#include <string.h>

#include "oracle_look.h"

/* Has the configuration changed, or has the host been started again? */
static bool
all_is_new(const struct oracle *o)
{
	const struct stack *s = o->stack;
	const struct oracle_copy *c = o->copy;

	return s->conf.index != c->index || s->conns.fresh[0] < c->fresh[0] ||
	       s->conns.fresh[1] < c->fresh[1] || s->sender_fresh < c->sender_fresh ||
	       oracle_differs(&s->flow_key, &c->flow_key, sizeof(c->flow_key)) ||
	       (o->called && oracle_differs(s->called, c->called, sizeof(c->called)));
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

/* Is it still the connection that it was, and not one that has opened in its place between the same
 * ends? Only what came in this burst can have opened one. */
static bool
is_same(const struct oracle *o, const struct oracle_conn *was)
{
	const struct stack_counters *now = &o->stack->counters;

	if (now->closed == o->closed_then || now->opened == o->opened_then)
		return true;
	for (unsigned int i = 0; i < o->came; i++) {
		if (o->trigger[i].lawful && o->trigger[i].ends.hash == was->hash)
			return false;
	}
	return true;
}

/* The connection at a place that has changed, or may have: none may be there any more. */
static bool
look_at(struct oracle *o, uint32_t conn, bool other_ends, bool all)
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
	was->same = was->known && !other_ends && is_same(o, was);
	if (!was->same || all) {
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

static bool
look_at_places(struct oracle *o, bool all)
{
	const struct conn_store *store = &o->stack->conns;
	struct oracle_copy *c = o->copy;

	for (uint32_t i = 0; all && i < 2; i++) {
		for (uint32_t place = i ? store->split : 0; place < store->fresh[i]; place++)
			oracle_touch(c, place);
	}
	if (!all)
		oracle_find_changed(o);
	c->fresh[0] = store->fresh[0];
	c->fresh[1] = store->fresh[1];
	while (c->changed_count > 0) {
		uint32_t place = c->changed[--c->changed_count];

		c->touched[place] = false;
		if (!look_at(o, place, oracle_copy_place(o, place), all))
			return false;
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
			i = oracle_next_changed(t->buckets, c->table, sizeof(then), i,
						t->bucket_count);
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
	    !oracle_differs(s->queued, queued, o->conf->listener_room * sizeof(*queued)))
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
	if (s->counters.closed != o->closed_then)
		o->stale = true;
	if (o->stale && pending == 0) {
		oracle_text_forget(o);
		o->stale = false;
	}
	all |= all_is_new(o);
	if (all)
		forget_all(o);
	if (!oracle_look_senders(o, all) || !look_at_places(o, all))
		return false;
	o->closed_then = s->counters.closed;
	o->opened_then = s->counters.opened;
	o->came = 0;
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
