/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_app.c - a connection's application: the listener's script of socket calls, made one after
 * the other until one blocks. design.md, "The idea". */
#include <assert.h>

#include "stack_env.h"

#define RETRY_MS     100 /* until a write is tried again that found no memory, at least */
#define RETRIES_A_MS 128 /* ... at most, however many connections wait for some */

void
stack_app_accept(struct stack *s, struct tcp_conn *c)
{
	assert(c->flags & TCP_F_QUEUED);
	s->queued[stack_listener(s, c)]--;
	c->flags &= (uint16_t)~TCP_F_QUEUED;
	c->flags |= TCP_F_ACCEPTED;
}

/* Is the read over? Then what it took has left the buffer. */
static bool
read_returns(struct tcp_conn *c, const struct script_step *step)
{
	bool fin = tcp_peer_closed(c);
	uint32_t held = c->rcv.held;

	if (step->call == SCRIPT_READ) {
		if (held < step->arg && !fin)
			return false;
		c->rcv.held = held < step->arg ? 0 : held - step->arg;
		return true;
	}
	c->rcv.held = 0;
	return fin || (step->call == SCRIPT_READ_ANY && held > 0);
}

/* False while the read blocks. */
static bool
make_read(struct stack *s, struct tcp_conn *c, const struct script_step *step,
	  enum stack_app_event event)
{
	if (read_returns(c, step)) {
		c->flags &= (uint16_t)~TCP_F_READING;
		c->timer.call_ms = 0;
		return true;
	}
	/* SO_RCVTIMEO is of one recv(); "read all" is made of many, each of which some text ends.
	 */
	if (step->timeout_ms > 0 && (!(c->flags & TCP_F_READING) ||
				     (event == STACK_APP_WAKE && step->call == SCRIPT_READ_ALL)))
		c->timer.call_ms = timer_node_at(s->now, step->timeout_ms);
	c->flags |= TCP_F_READING;
	return false;
}

/* What a call of the protocol sends, if anything; false if it ended the connection. */
static bool
finish(struct stack *s, uint32_t conn, enum tcp_verdict v, const struct tcp_reply *reply)
{
	struct tcp_conn *c = conn_store_tcp(&s->conns, conn);

	if (reply->flags != 0)
		stack_send(s, conn, reply, SENDER_NONE);
	if (v != TCP_RELEASE) {
		/* A FIN goes the way of the text before it. */
		if (c->flags & TCP_F_SENDER)
			stack_push(s, c, conn);
		return true;
	}
	stack_release(s, conn);
	return false;
}

/* May the application still send? */
static bool
may_write(const struct tcp_conn *c)
{
	return c->state == TCP_ESTABLISHED || c->state == TCP_CLOSE_WAIT;
}

static uint32_t
unacked(const struct stack *s, const struct tcp_conn *c, uint32_t conn)
{
	if (!(c->flags & TCP_F_SENDER))
		return 0;
	return tcp_unacked(c, &s->senders[stack_sender_find(s, conn)].tcp);
}

static uint32_t
send_buffer(const struct stack *s, const struct tcp_conn *c)
{
	return s->conf.index->listeners[stack_listener(s, c)].send_buffer;
}

/* Bytes that echo may still hand over before it blocks. */
static uint32_t
send_room(const struct stack *s, const struct tcp_conn *c, uint32_t conn)
{
	uint32_t most = send_buffer(s, c);
	uint32_t used = unacked(s, c, conn);

	return used < most ? most - used : 0;
}

/* When a write is tried again that found no memory. The worker needs its time for those that have
 * some. */
static uint32_t
retry_at(const struct stack *s)
{
	return timer_node_at(s->now, RETRY_MS + s->conns.count / RETRIES_A_MS);
}

/* A write returns once all but send_buffer bytes of it are acknowledged: what is left then would
 * have been copied. False while it blocks. */
static bool
make_write(struct stack *s, struct tcp_conn *c, uint32_t conn, const struct script_step *step)
{
	if (step->arg == 0)
		return true;
	if (!(c->flags & TCP_F_WRITING)) {
		if (!stack_write(s, c, conn, step, false)) {
			s->counters.writes_without_memory++;
			c->timer.call_ms = retry_at(s);
			return false;
		}
		c->flags |= TCP_F_WRITING;
	}
	if (unacked(s, c, conn) > send_buffer(s, c))
		return false;
	c->flags &= (uint16_t)~TCP_F_WRITING;
	return true;
}

/* False while it blocks, in a read or in a write. */
static bool
make_echo(struct stack *s, struct tcp_conn *c, uint32_t conn, const struct script_step *step,
	  enum stack_app_event event)
{
	uint32_t echoed = 0, left;

	/* What reads before it have taken is not its own. */
	stack_kept_trim(s, c, conn);
	if (c->flags & TCP_F_SENDER)
		echoed = stack_echo(s, c, conn, send_room(s, c, conn));
	c->rcv.held -= echoed;
	left = c->rcv.held;
	c->flags &= (uint16_t) ~(TCP_F_READING | TCP_F_WRITING);
	if (left > 0) {
		/* An ACK makes room; where memory is short, there may be none to wait for. */
		c->flags |= TCP_F_WRITING;
		c->timer.call_ms = send_room(s, c, conn) > 0 ? retry_at(s) : 0;
		return false;
	}
	if (tcp_peer_closed(c)) {
		c->timer.call_ms = 0;
		return true;
	}
	if (step->timeout_ms == 0)
		c->timer.call_ms = 0;
	else if (echoed > 0 || event == STACK_APP_START)
		c->timer.call_ms = timer_node_at(s->now, step->timeout_ms);
	c->flags |= TCP_F_READING;
	return false;
}

bool
stack_app_close(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	struct tcp_reply reply;
	struct tcp_env env;
	enum tcp_verdict v;

	/* What a read that waits has taken is not unread. */
	stack_env(s, c, conn, &env);
	c->rcv.held = tcp_unread(c, &env);
	c->flags &= (uint16_t) ~(TCP_F_READING | TCP_F_WRITING);
	c->timer.call_ms = 0;
	/* Calls by hand that wait never return: their places are for others. */
	stack_calls_forget(s, c);
	env.reading = 0;
	if (c->flags & TCP_F_QUEUED)
		v = tcp_abort(c, TCP_RST_NOT_ACCEPTED, &env, &reply);
	else if (c->flags & TCP_F_LINGER)
		v = tcp_abort(c, TCP_RST_LINGER, &env, &reply);
	else
		v = tcp_close(c, &env, &reply);
	return finish(s, conn, v, &reply);
}

void
stack_app_shutdown(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	struct tcp_env env;
	struct tcp_reply reply;

	stack_env(s, c, conn, &env);
	tcp_shutdown(c, &env, &reply);
	finish(s, conn, TCP_KEEP, &reply);
}

/* The application blocks: the peer learns of the room that its reads have made. */
static bool
block(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	struct stack_slot *pending = stack_pending_ack(s, conn);
	struct tcp_env env;
	struct tcp_reply reply;

	stack_kept_trim(s, c, conn);
	stack_env(s, c, conn, &env);
	if (pending != NULL) {
		tcp_reply_ack(c, &env, &pending->reply);
		pending->reply.coalesce = true;
		return true;
	}
	tcp_window_update(c, &env, &reply);
	if (reply.flags != 0)
		stack_send(s, conn, &reply, SENDER_NONE);
	return true;
}

/* The next call; one by hand was the only one. */
static void
go_on(struct stack *s, struct tcp_conn *c)
{
	if (c->step < SCRIPT_STEPS_MAX)
		c->step++;
	else
		stack_call_return(s, c);
}

bool
stack_app_run(struct stack *s, uint32_t conn, enum stack_app_event event)
{
	struct tcp_conn *c = conn_store_tcp(&s->conns, conn);

	for (;; go_on(s, c), event = STACK_APP_START) {
		const struct script_step *step = stack_step(s, c);

		switch ((enum script_call)step->call) {
		case SCRIPT_ACCEPT:
			stack_app_accept(s, c);
			break;
		case SCRIPT_READ:
		case SCRIPT_READ_ANY:
		case SCRIPT_READ_ALL:
			if (make_read(s, c, step, event))
				break;
			if (event != STACK_APP_TIMER)
				return block(s, c, conn);
			/* SO_RCVTIMEO: recv() returns what it has taken, and the script ends. */
			return stack_app_close(s, c, conn);
		case SCRIPT_WRITE:
			/* SIGPIPE: somebody has called shutdown meanwhile. */
			if (!may_write(c))
				return stack_app_close(s, c, conn);
			if (make_write(s, c, conn, step))
				break;
			return block(s, c, conn);
		case SCRIPT_ECHO:
			if (!may_write(c) && c->rcv.held > 0)
				return stack_app_close(s, c, conn);
			if (event == STACK_APP_TIMER && (c->flags & TCP_F_READING))
				return stack_app_close(s, c, conn);
			if (make_echo(s, c, conn, step, event))
				break;
			return block(s, c, conn);
		case SCRIPT_SLEEP:
			if (event == STACK_APP_TIMER || step->arg == 0)
				break;
			c->timer.call_ms = timer_node_at(s->now, step->arg);
			return block(s, c, conn);
		case SCRIPT_TIMEOUT:
			break;
		case SCRIPT_SHUTDOWN:
			stack_app_shutdown(s, c, conn);
			break;
		case SCRIPT_LINGER:
			c->flags |= TCP_F_LINGER;
			break;
		case SCRIPT_HANG:
			return block(s, c, conn);
		case SCRIPT_CLOSE:
		case SCRIPT_EXIT:
			return stack_app_close(s, c, conn);
		}
	}
}
