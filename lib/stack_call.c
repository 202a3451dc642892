/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_call.c - what an operator sees and does: connections one by one, the state of listeners,
 * and calls that an application makes by hand. design.md, "Control and sight". */
#include "stack_env.h"

struct stack_listener_state
stack_listener_state(const struct stack *s, uint16_t number)
{
	return (struct stack_listener_state){
		.taken = s->taken[number],
		.waiting = s->queued[number],
		.alive = s->alive[number],
	};
}

uint32_t
stack_places(const struct stack *s)
{
	return conn_store_places(&s->conns);
}

bool
stack_connection_at(const struct stack *s, uint32_t place, struct stack_connection *out)
{
	const struct tcp_conn *c = conn_store_tcp(&s->conns, place);
	struct tcp_env env;

	if (!conn_store_alive(&s->conns, place))
		return false;
	stack_env(s, c, place, &env);
	*out = (struct stack_connection){
		.state = (enum tcp_state)c->state,
		.listener = stack_listener(s, c),
		.step = stack_step(s, c),
		.unread = tcp_unread(c, &env),
		.unacked = env.send != NULL ? tcp_unacked(c, env.send) : 0,
		.closed = c->flags & TCP_F_ORPHAN,
	};
	conn_store_flow(&s->conns, place, &out->flow);
	return true;
}

void
stack_call_return(struct stack *s, struct tcp_conn *c)
{
	struct called *called = &s->called[c->step - SCRIPT_STEPS_MAX];

	called->used = false;
	c->step = called->back;
}

void
stack_calls_forget(struct stack *s, struct tcp_conn *c)
{
	while (c->step >= SCRIPT_STEPS_MAX)
		stack_call_return(s, c);
}

/* Is the application in no call that has still to return? Then it is free to make another. */
static bool
is_free(const struct stack *s, const struct tcp_conn *c)
{
	return stack_step(s, c)->call == SCRIPT_HANG;
}

/* As much as any send_buffer: sequence numbers compare within 2^31, and a script's next write may
 * follow. */
#define UNACKED_MAX (UINT32_C(1) << 30)

/* Would too much be unacknowledged after length bytes more? */
static bool
is_too_much(const struct stack *s, const struct tcp_conn *c, uint32_t conn, uint32_t length)
{
	struct tcp_env env;
	uint32_t unacked;

	stack_env(s, c, conn, &env);
	unacked = env.send != NULL ? tcp_unacked(c, env.send) : 0;
	return unacked > UNACKED_MAX || length > UNACKED_MAX - unacked;
}

/* A call that may block becomes the application's step. */
static const char *
begin(struct stack *s, struct tcp_conn *c, uint32_t conn, const struct script_step *call)
{
	const struct script_step *now = stack_step(s, c);
	struct called *called = s->called;

	if (call->call == SCRIPT_TIMEOUT && c->step >= SCRIPT_STEPS_MAX) {
		s->called[c->step - SCRIPT_STEPS_MAX].step.timeout_ms = call->arg;
		return NULL;
	}
	while (called < s->called + STACK_CALLED && called->used)
		called++;
	if (called == s->called + STACK_CALLED)
		return "too many calls by hand wait on this worker; wait until some have returned";
	*called = (struct called){.step = *call, .back = c->step, .used = true};
	called->step.listener = now->listener;
	called->step.timeout_ms = now->timeout_ms;
	called->step.keeps = call->call == SCRIPT_ECHO;
	if (call->call == SCRIPT_TIMEOUT) {
		/* A hang that gives its time-out to what is called from it. */
		called->step.call = SCRIPT_HANG;
		called->step.timeout_ms = call->arg;
	}
	c->step = (uint16_t)(SCRIPT_STEPS_MAX + (called - s->called));
	stack_app_run(s, conn, STACK_APP_START);
	return NULL;
}

/* A call that returns at once, from whatever the application is doing. */
static const char *
make(struct stack *s, struct tcp_conn *c, uint32_t conn, const struct script_step *call)
{
	uint8_t in = stack_step(s, c)->call;

	switch ((enum script_call)call->call) {
	case SCRIPT_WRITE:
		if (in == SCRIPT_WRITE || in == SCRIPT_ECHO)
			return "the application is in a write or echo; what it sends would get "
			       "mixed up";
		if (c->state != TCP_ESTABLISHED && c->state != TCP_CLOSE_WAIT)
			return "the application has shut the connection down; a write would be "
			       "EPIPE";
		if (is_too_much(s, c, conn, call->arg))
			return "1 GiB would be unacknowledged; once the client has read some of it "
			       "would be right";
		if (call->arg > 0 && !stack_write(s, c, conn, call, true))
			return "no memory to hold the text; a higher echo_memory or senders would "
			       "be right";
		return NULL;
	case SCRIPT_SHUTDOWN:
		if (c->state != TCP_ESTABLISHED && c->state != TCP_CLOSE_WAIT)
			return "the application has shut the connection down already";
		stack_app_shutdown(s, c, conn);
		return NULL;
	case SCRIPT_LINGER:
		c->flags |= TCP_F_LINGER;
		return NULL;
	case SCRIPT_CLOSE:
		stack_app_close(s, c, conn);
		return NULL;
	case SCRIPT_ACCEPT:
	case SCRIPT_READ:
	case SCRIPT_READ_ANY:
	case SCRIPT_READ_ALL:
	case SCRIPT_ECHO:
	case SCRIPT_SLEEP:
	case SCRIPT_TIMEOUT:
	case SCRIPT_HANG:
	case SCRIPT_EXIT:
		break;
	}
	if (!is_free(s, c))
		return "the application is in another call; write, shutdown, linger 0 and close "
		       "can "
		       "be made meanwhile";
	if (call->call == SCRIPT_ECHO && c->rcv.held > 0 && !stack_step(s, c)->keeps)
		return "what is unread was not kept, so that it cannot be sent back; read it first";
	if (call->call == SCRIPT_ECHO && c->state != TCP_ESTABLISHED && c->state != TCP_CLOSE_WAIT)
		return "the application has shut the connection down; an echo would be EPIPE";
	return call->call == SCRIPT_HANG ? NULL : begin(s, c, conn, call);
}

const char *
stack_call(struct stack *s, uint32_t place, const struct script_step *call, stack_us now)
{
	struct tcp_conn *c = conn_store_tcp(&s->conns, place);
	struct timer_node before = c->timer;
	const char *error;

	stack_set_time(s, now);
	if (c->state == TCP_SYN_RECEIVED)
		return "the handshake is not complete; there is nothing to accept yet";
	if (c->flags & TCP_F_ORPHAN)
		return "the application has closed the connection";
	if (call->call == SCRIPT_ACCEPT) {
		if (!(c->flags & TCP_F_QUEUED))
			return "the connection has been accepted already";
		if (!is_free(s, c))
			return "the application is in another call; it will accept by itself";
		stack_app_accept(s, c);
		return NULL;
	}
	if (c->flags & TCP_F_QUEUED)
		return "the connection waits in the accept queue; accept would be right";
	error = make(s, c, place, call);
	if (conn_store_alive(&s->conns, place))
		stack_rearm(s, place, &before);
	return error;
}
