/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_app.c - a connection's application: the listener's script of socket calls, made one after
 * the other until one blocks. design.md, "The idea". */
#include <assert.h>

#include "stack_internal.h"

static void
accept_connection(struct stack *s, struct tcp_conn *c)
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
				     (event == STACK_APP_DATA && step->call == SCRIPT_READ_ALL)))
		c->timer.call_ms = timer_node_at(s->now, step->timeout_ms);
	c->flags |= TCP_F_READING;
	return false;
}

/* What a call of the protocol sends, if anything; false if it ended the connection. */
static bool
finish(struct stack *s, uint32_t conn, enum tcp_verdict v, const struct tcp_reply *reply)
{
	if (reply->flags != 0)
		stack_send(s, conn, reply);
	if (v != TCP_RELEASE)
		return true;
	stack_release(s, conn);
	return false;
}

static bool
close_connection(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	struct tcp_reply reply;
	struct tcp_env env;
	enum tcp_verdict v;

	c->flags &= (uint16_t)~TCP_F_READING;
	c->timer.call_ms = 0;
	env = stack_env(s, c, conn);
	if (c->flags & TCP_F_QUEUED)
		v = tcp_abort(c, TCP_RST_NOT_ACCEPTED, &env, &reply);
	else if (c->flags & TCP_F_LINGER)
		v = tcp_abort(c, TCP_RST_LINGER, &env, &reply);
	else
		v = tcp_close(c, &env, &reply);
	return finish(s, conn, v, &reply);
}

static void
shutdown_connection(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	struct tcp_env env = stack_env(s, c, conn);
	struct tcp_reply reply;

	tcp_shutdown(c, &env, &reply);
	finish(s, conn, TCP_KEEP, &reply);
}

/* The application blocks: the peer learns of the room that its reads have made. */
static bool
block(struct stack *s, struct tcp_conn *c, uint32_t conn)
{
	struct stack_slot *pending = stack_pending_ack(s, conn);
	struct tcp_env env = stack_env(s, c, conn);
	struct tcp_reply reply;

	if (pending != NULL) {
		tcp_reply_ack(c, &env, &pending->reply);
		pending->reply.coalesce = true;
		return true;
	}
	tcp_window_update(c, &env, &reply);
	return finish(s, conn, TCP_KEEP, &reply);
}

bool
stack_app_run(struct stack *s, uint32_t conn, enum stack_app_event event)
{
	struct tcp_conn *c = conn_store_tcp(&s->conns, conn);

	for (;; c->step++, event = STACK_APP_START) {
		const struct script_step *step = &s->conf.steps[c->step];

		switch ((enum script_call)step->call) {
		case SCRIPT_ACCEPT:
			accept_connection(s, c);
			break;
		case SCRIPT_READ:
		case SCRIPT_READ_ANY:
		case SCRIPT_READ_ALL:
			if (make_read(s, c, step, event))
				break;
			if (event != STACK_APP_TIMER)
				return block(s, c, conn);
			/* SO_RCVTIMEO: recv() returns what it has taken, and the script ends. */
			c->rcv.held = 0;
			return close_connection(s, c, conn);
		case SCRIPT_SLEEP:
			if (event == STACK_APP_TIMER || step->arg == 0)
				break;
			c->timer.call_ms = timer_node_at(s->now, step->arg);
			return block(s, c, conn);
		case SCRIPT_TIMEOUT:
			break;
		case SCRIPT_SHUTDOWN:
			shutdown_connection(s, c, conn);
			break;
		case SCRIPT_LINGER:
			c->flags |= TCP_F_LINGER;
			break;
		case SCRIPT_HANG:
			return block(s, c, conn);
		case SCRIPT_CLOSE:
		case SCRIPT_EXIT:
			return close_connection(s, c, conn);
		}
	}
}
