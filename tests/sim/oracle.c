/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle.c - drives a stack and checks that everything is counted. design.md, "Control and sight".
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

void
oracle_init(struct oracle *o, struct stack *stack, const struct stack_conf *conf, stack_us now)
{
	oracle_text_free(o);
	/* The triggers and replies are written before they are read: there is no need to clear
	 * them. */
	memset(o, 0, offsetof(struct oracle, conns));
	o->stack = stack;
	o->conf = conf;
	o->now = now;
	o->digest = UINT64_C(0xcbf29ce484222325);
	o->look_every = 1;
	oracle_look_begin(o);
}

void
oracle_free(struct oracle *o)
{
	oracle_text_free(o);
	oracle_look_free(o);
}

void
oracle_about(struct oracle *o, const char *rule, uint8_t family, const uint8_t *addr)
{
	if (o->failed)
		return;
	o->rule = rule;
	o->about_family = addr != NULL ? family : 0;
	if (addr != NULL)
		memcpy(o->about, addr, family == 4 ? 4 : 16);
}

bool
oracle_fail(struct oracle *o, const char *format, ...)
{
	va_list args;

	if (o->failed)
		return false;
	o->failed = true;
	if (o->rule == NULL)
		o->rule = format;
	va_start(args, format);
	vsnprintf(o->why, sizeof(o->why), format, args);
	va_end(args);
	return false;
}

/* FNV-1a over 64-bit words: only equality matters. */
static void
digest(struct oracle *o, const uint8_t *at, uint32_t length)
{
	uint64_t word;

	for (; length > 0; at += sizeof(word)) {
		uint32_t size = length < sizeof(word) ? length : (uint32_t)sizeof(word);

		word = 0;
		memcpy(&word, at, size);
		o->digest = (o->digest ^ word) * UINT64_C(0x100000001b3);
		o->digest ^= o->digest >> 29;
		length -= size;
	}
}

/* A frame that the stack made, and what it is if it is TCP; NULL: not even that can be read. */
static bool
check_frame(struct oracle *o, const struct stack_frame *frame, const struct segment *s,
	    const struct oracle_trigger *trigger)
{
	o->sent++;
	digest(o, (const uint8_t *)&o->now, sizeof(o->now));
	digest(o, frame->data, frame->length);
	if (frame->length > frame->room)
		return oracle_fail(o, "%u bytes were written into a room of %u", frame->length,
				   frame->room);
	if (frame->tcp && s == NULL)
		return oracle_fail(o, "a frame of %u bytes was made that is no whole TCP segment",
				   frame->length);
	if (frame->tcp)
		return oracle_check_tcp(o, frame, s, trigger);
	if (trigger == NULL)
		return oracle_fail(o, "a frame that is not TCP was sent and nobody asked");
	return oracle_check_other(o, frame, trigger);
}

static uint64_t
sum(const uint64_t *values, unsigned int first, unsigned int end)
{
	uint64_t total = 0;

	for (unsigned int i = first; i < end; i++)
		total += values[i];
	return total;
}

/* rx = answered + consumed + dropped, and so on; nothing ever counts down. */
static bool
check_counters(struct oracle *o)
{
	const struct stack_counters *now = stack_counters(o->stack);
	const uint64_t *is = (const uint64_t *)now, *was = (const uint64_t *)&o->before;
	uint64_t dropped = sum(now->dropped, 0, DROP_COUNT);
	uint32_t connections = stack_connections(o->stack);
	uint64_t back = 0;

	for (size_t i = 0; i < sizeof(*now) / sizeof(uint64_t); i++)
		back |= (is[i] - was[i]) >> 63;
	for (size_t i = 0; back && i < sizeof(*now) / sizeof(uint64_t); i++) {
		if (is[i] < was[i])
			return oracle_fail(o, "counter %zu went back from %" PRIu64 " to %" PRIu64,
					   i, was[i], is[i]);
	}
	if (now->rx != o->fed)
		return oracle_fail(o, "rx is %" PRIu64 ", but %" PRIu64 " frames came", now->rx,
				   o->fed);
	if (now->rx != now->answered + now->consumed + dropped)
		return oracle_fail(o,
				   "rx %" PRIu64 " is not answered %" PRIu64 " + consumed %" PRIu64
				   " + dropped %" PRIu64,
				   now->rx, now->answered, now->consumed, dropped);
	if (now->dropped[DROP_NONE] != 0 || now->rst[TCP_RST_NONE] != 0)
		return oracle_fail(o, "a frame was dropped, or a RST sent, for no reason");
	if (now->tx != o->sent)
		return oracle_fail(o, "tx is %" PRIu64 ", but %" PRIu64 " frames were made",
				   now->tx, o->sent);
	if (sum(now->rst, 0, TCP_RST_COUNT) != o->resets)
		return oracle_fail(o, "rst.* are %" PRIu64 ", but %" PRIu64 " RST were made",
				   sum(now->rst, 0, TCP_RST_COUNT), o->resets);
	if (now->opened - now->closed != connections)
		return oracle_fail(o, "opened %" PRIu64 ", closed %" PRIu64 ", but %u connections",
				   now->opened, now->closed, connections);
	if (connections > o->conf->connections || stack_half_open(o->stack) > connections)
		return oracle_fail(o, "%u connections of %u, %u of them half open", connections,
				   o->conf->connections, stack_half_open(o->stack));
	return true;
}

/* What the burst did to the counters: replies of so many frames are answers, and of so many lawful
 * segments none was dropped below TCP. */
static bool
check_burst(struct oracle *o, unsigned int count, unsigned int replies, unsigned int lawful)
{
	const struct stack_counters *now = stack_counters(o->stack), *was = &o->before;
	uint64_t answered = now->answered - was->answered;
	uint64_t below_tcp = sum(now->dropped, DROP_NONE + 1, DROP_tcp_stray_rst) -
			     sum(was->dropped, DROP_NONE + 1, DROP_tcp_stray_rst);

	if (answered < replies)
		return oracle_fail(o, "%u frames have a reply, but %" PRIu64 " were answered",
				   replies, answered);
	if (below_tcp > count - lawful)
		return oracle_fail(
			o, "of %u frames %u were lawful segments, yet %" PRIu64 " dropped for less",
			count, lawful, below_tcp);
	return true;
}

static bool
after(struct oracle *o, bool ticked)
{
	if (!check_counters(o))
		return false;
	o->before = *stack_counters(o->stack);
	return oracle_look(o, ticked);
}

/* Has no frame before the i-th of this burst the same ends? */
static bool
is_first(const struct oracle *o, unsigned int i)
{
	const struct oracle_trigger *t = &o->trigger[i];

	for (unsigned int j = 0; j < i; j++) {
		if (o->trigger[j].lawful && o->trigger[j].ends.hash == t->ends.hash)
			return false;
	}
	return true;
}

static void
take_trigger(struct oracle *o, unsigned int i, const struct stack_frame *frame)
{
	struct oracle_trigger *t = &o->trigger[i];
	uint32_t conn;

	t->tcp = segment_read(frame->data, frame->length, &t->segment);
	t->segment.payload = NULL;
	/* Of TCP all that matters has been read. */
	t->length = t->tcp ? 0 : frame->length;
	memcpy(t->frame, frame->data, t->length);
	t->lawful = t->tcp && oracle_is_lawful(o, &t->segment);
	t->open = t->first = t->known = false;
	if (!t->lawful)
		return;
	t->ends = oracle_ends(o, &t->segment, true);
	conn = oracle_find_ends(o, &t->ends);
	t->known = conn != UINT32_MAX;
	t->open = oracle_is_open(o, conn);
	t->first = t->segment.plain && !t->known && is_first(o, i);
}

/* Nothing goes back that would say which ACK was a cookie's and has opened a connection; a segment
 * before it may have ended another of the same ends. */
static void
note_cookies(struct oracle *o, unsigned int count)
{
	if (stack_counters(o->stack)->cookies_accepted == o->before.cookies_accepted)
		return;
	for (unsigned int i = 0; i < count; i++) {
		const struct oracle_trigger *t = &o->trigger[i];
		unsigned int earlier = 0;

		if (!t->lawful || !(t->segment.flags & TCP_ACK))
			continue;
		for (unsigned int j = 0; j < i; j++)
			earlier += o->trigger[j].lawful && o->trigger[j].ends.hash == t->ends.hash;
		/* One that this burst has opened takes a segment more to end. */
		if (!t->known && earlier <= 1)
			oracle_text_cookie(o, &t->ends, true);
		else if (earlier > 0)
			oracle_text_cookie(o, &t->ends, false);
	}
}

/* What opens connections comes before what is seen of them: it may be in one burst. */
static void
note_text(struct oracle *o, const struct segment *const *replies, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (replies[i] != NULL && o->trigger[i].lawful && (replies[i]->flags & TCP_SYN))
			oracle_text_opens(o, &o->trigger[i].ends);
	}
	note_cookies(o, count);
	for (unsigned int i = 0; i < count; i++) {
		if (o->trigger[i].lawful && o->reach == STACK_UP)
			oracle_text_offered(o, &o->trigger[i].segment, &o->trigger[i].ends);
	}
}

/* The i-th reply, read; NULL if there is none, or none that can be read as TCP. */
static const struct segment *
read_reply(struct oracle *o, unsigned int i, const struct stack_frame *frame)
{
	if (frame->length == 0 || !frame->tcp ||
	    !segment_read(frame->data, frame->length, &o->replies[i]))
		return NULL;
	return &o->replies[i];
}

bool
oracle_burst(struct oracle *o, struct stack_frame *frames, unsigned int count, stack_us now)
{
	const struct segment *replies[STACK_BURST_MAX];
	unsigned int answered = 0, lawful = 0;
	bool up = o->reach == STACK_UP;

	o->now = now;
	for (unsigned int i = 0; i < count; i++) {
		take_trigger(o, i, &frames[i]);
		/* In an extension header's or an IP option's details the two readers may differ. */
		lawful += up && o->trigger[i].lawful && o->trigger[i].segment.plain;
	}
	o->fed += count;
	o->came = count;
	stack_burst(o->stack, frames, count, now);
	for (unsigned int i = 0; i < count; i++)
		replies[i] = read_reply(o, i, &frames[i]);
	note_text(o, replies, count);
	for (unsigned int i = 0; i < count; i++) {
		if (up && o->trigger[i].first && frames[i].length > 0 && replies[i] == NULL)
			return oracle_fail(o, "the answer to a segment is no segment");
		if (up && o->trigger[i].first && !oracle_check_first(o, replies[i], &o->trigger[i]))
			return false;
		if (frames[i].length == 0)
			continue;
		answered++;
		if (o->reach == STACK_DOWN_ARP || (o->reach == STACK_DOWN && frames[i].tcp))
			return oracle_fail(o, "a host that is down has answered");
		if (!check_frame(o, &frames[i], replies[i], &o->trigger[i]))
			return false;
	}
	return check_burst(o, count, answered, lawful) && after(o, false);
}

bool
oracle_tick(struct oracle *o, stack_us now)
{
	o->now = now;
	stack_tick(o->stack, now);
	return after(o, true);
}

bool
oracle_output(struct oracle *o, struct stack_frame *frame)
{
	unsigned int pending = stack_pending(o->stack), left;
	struct segment s;
	bool tcp;

	if (!stack_output(o->stack, frame))
		return pending > 0 && oracle_fail(o, "%u segments wait, but none came", pending);
	/* In its place another may have come that waited for room. */
	left = stack_pending(o->stack);
	if (pending == 0 || (left != pending - 1 && left != pending))
		return oracle_fail(o, "%u segments waited, one came, %u are left", pending, left);
	tcp = segment_read(frame->data, frame->length, &s);
	if (!check_frame(o, frame, tcp ? &s : NULL, NULL) || !check_counters(o))
		return false;
	o->drained++;
	return true;
}

bool
oracle_crash(struct oracle *o, stack_us now)
{
	uint32_t connections = stack_connections(o->stack), forgotten;

	o->now = now;
	forgotten = stack_crash(o->stack, now);
	if (forgotten != connections)
		return oracle_fail(o, "%u connections, %u forgotten", connections, forgotten);
	if (stack_pending(o->stack) > 0)
		return oracle_fail(o, "a host that has crashed sends nothing");
	return oracle_check_empty(o) && after(o, false);
}

bool
oracle_reload(struct oracle *o, const struct stack_conf *conf)
{
	stack_reload(o->stack, conf);
	return after(o, false);
}

void
oracle_set_reach(struct oracle *o, enum stack_reach reach)
{
	stack_set_reach(o->stack, reach);
	/* What it sends meanwhile nobody sees. */
	if (o->reach != STACK_UP)
		oracle_text_unseen(o);
	o->reach = reach;
}

bool
oracle_call(struct oracle *o, uint32_t place, const char *call, stack_us now)
{
	struct stack_connection c;
	struct script_step step;
	const char *refused;
	char error[200];

	if (script_compile_call(call, &step, error, sizeof(error)) < 0)
		return oracle_fail(o, "\"%s\" is a call, yet: %s", call, error);
	if (!stack_connection_at(o->stack, place, &c))
		return true;
	o->now = now;
	refused = stack_call(o->stack, place, &step, now);
	oracle_text_called(o, &c.flow);
	if (refused != NULL && (*refused == '\0' || strchr(refused, '\n') != NULL))
		return oracle_fail(o, "a refusal is one line");
	return after(o, false);
}
