/* SPDX-License-Identifier: BSD-3-Clause */
/* lawful.c - clients of this host's kernel, so many a second:
 *	lawful ADDRESS SPREAD PORT COUNT RATE
 * COUNT times, one each RATE-th of a second whatever became of the others: connects, sends a
 * hundred bytes, shuts down, reads to the end of file and closes. ADDRESS is the first of SPREAD
 * addresses that take turns, so that ports do not run out. Prints "CONNECTED WHOLE" of each that
 * ended well, the microseconds until it was connected and until it had read all; "failed: N"; and
 * on stderr what became of the first few of these. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_US UINT64_C(30000000) /* with the last one that began */
#define TOLD        5                  /* of those that failed */
#define EVENTS      256

enum stage { NEW, CONNECTING, SENT, DONE, FAILED };

struct client {
	int fd;
	enum stage stage;
	uint64_t began, connected, ended;
};

struct crowd {
	struct sockaddr_in to;
	uint32_t spread, count, begun, over, failed;
	int epoll;
	struct client *clients;
};

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "lawful: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
fail(struct crowd *crowd, struct client *c, const char *what, int why)
{
	static const char *const stages[] = {"new", "connecting", "sent", "done", "failed"};

	if (crowd->failed < TOLD)
		fprintf(stderr, "lawful: client %td, %s: %s: %s\n", c - crowd->clients,
			stages[c->stage], what, strerror(why));
	close(c->fd);
	c->stage = FAILED;
	crowd->failed++;
	crowd->over++;
}

static void
begin(struct crowd *crowd)
{
	struct client *c = &crowd->clients[crowd->begun];
	struct epoll_event out = {.events = EPOLLOUT, .data.ptr = c};
	struct sockaddr_in to = crowd->to;

	to.sin_addr.s_addr = htonl(ntohl(to.sin_addr.s_addr) + crowd->begun % crowd->spread);
	crowd->begun++;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	c->began = now_us();
	c->stage = CONNECTING;
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)
		fail(crowd, c, "connect", errno);
	else if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, c->fd, &out) != 0)
		die("epoll_ctl");
}

static void
talk(struct crowd *crowd, struct client *c)
{
	static const char text[100];
	struct epoll_event in = {.events = EPOLLIN, .data.ptr = c};

	c->connected = now_us();
	if (send(c->fd, text, sizeof(text), MSG_NOSIGNAL) != sizeof(text) ||
	    shutdown(c->fd, SHUT_WR) != 0)
		fail(crowd, c, "send", errno);
	else if (epoll_ctl(crowd->epoll, EPOLL_CTL_MOD, c->fd, &in) != 0)
		die("epoll_ctl");
	else
		c->stage = SENT;
}

static void
step(struct crowd *crowd, struct client *c)
{
	int error = 0;
	socklen_t size = sizeof(error);
	char byte;
	ssize_t n;

	if (c->stage == CONNECTING) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
			fail(crowd, c, "connect", error);
		else
			talk(crowd, c);
		return;
	}
	n = read(c->fd, &byte, 1);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n != 0) {
		fail(crowd, c, n < 0 ? "read" : "it was sent something", n < 0 ? errno : 0);
		return;
	}
	c->ended = now_us();
	c->stage = DONE;
	close(c->fd);
	crowd->over++;
}

/* A clock that ticks RATE times a second. */
static int
open_clock(long rate)
{
	const struct timespec tick = {.tv_sec = rate == 1,
				      .tv_nsec = 1000000000 / rate % 1000000000};
	const struct itimerspec when = {.it_interval = tick, .it_value = tick};
	const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0 || timerfd_settime(fd, 0, &when, NULL) != 0)
		die("timerfd");
	return fd;
}

/* As many as the clock has ticked for: those that are late are still as many. */
static void
begin_some(struct crowd *crowd, int clock)
{
	uint64_t ticks = 0;

	if (read(clock, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	while (ticks-- > 0 && crowd->begun < crowd->count)
		begin(crowd);
	if (crowd->begun == crowd->count)
		close(clock);
}

static void
run(struct crowd *crowd, int clock)
{
	struct epoll_event events[EVENTS];
	struct epoll_event tick = {.events = EPOLLIN, .data.ptr = NULL};
	uint64_t until = UINT64_MAX;

	if (epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, clock, &tick) != 0)
		die("epoll_ctl");
	while (crowd->over < crowd->count && now_us() < until) {
		const int n = epoll_wait(crowd->epoll, events, EVENTS, 1000);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				begin_some(crowd, clock);
			else
				step(crowd, events[i].data.ptr);
		}
		if (crowd->begun == crowd->count && until == UINT64_MAX)
			until = now_us() + PATIENCE_US;
	}
	for (uint32_t i = 0; i < crowd->begun; i++)
		if (crowd->clients[i].stage < DONE)
			fail(crowd, &crowd->clients[i], "it takes too long", ETIMEDOUT);
}

int
main(int argc, char **argv)
{
	struct crowd crowd = {.to = {.sin_family = AF_INET}};
	struct rlimit files;
	long rate;

	if (argc != 6 || (rate = strtol(argv[5], NULL, 10)) < 1) {
		fprintf(stderr, "usage: lawful ADDRESS SPREAD PORT COUNT RATE\n");
		return 2;
	}
	if (inet_pton(AF_INET, argv[1], &crowd.to.sin_addr) != 1)
		die(argv[1]);
	crowd.spread = (uint32_t)strtoul(argv[2], NULL, 10);
	crowd.to.sin_port = htons((uint16_t)atoi(argv[3]));
	crowd.count = (uint32_t)strtoul(argv[4], NULL, 10);
	crowd.clients = calloc(crowd.count, sizeof(*crowd.clients));
	crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (crowd.clients == NULL || crowd.epoll < 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
		die("memory");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		die("setrlimit");
	run(&crowd, open_clock(rate));
	for (uint32_t i = 0; i < crowd.count; i++) {
		const struct client *c = &crowd.clients[i];

		if (c->stage == DONE)
			printf("%" PRIu64 " %" PRIu64 "\n", c->connected - c->began,
			       c->ended - c->began);
	}
	printf("failed: %" PRIu32 "\n", crowd.failed);
	free(crowd.clients);
	return 0;
}
