/* SPDX-License-Identifier: BSD-3-Clause */
/* storm.c - a client of many connections, for the tests: "storm one ADDRESS PORT COUNT SPREAD"
 * makes COUNT connections one after another, "storm all ..." all of them at once. ADDRESS is the
 * first of SPREAD addresses that take turns. Each connection reads to the end of file; with "all"
 * it sends a hundred bytes and a FIN first, once all are connected. Prints how many ended well. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 60000 /* without anything happening */

struct target {
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	bool is6;
	unsigned int spread;
};

enum stage { CONNECTING, CONNECTED, SENT };

struct client {
	int fd;
	enum stage stage;
};

static void
die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
parse_target(struct target *t, const char *address, const char *port)
{
	memset(t, 0, sizeof(*t));
	t->is6 = strchr(address, ':') != NULL;
	t->v4.sin_family = AF_INET;
	t->v6.sin6_family = AF_INET6;
	t->v4.sin_port = t->v6.sin6_port = htons((uint16_t)atoi(port));
	if (inet_pton(t->is6 ? AF_INET6 : AF_INET, address,
		      t->is6 ? (void *)&t->v6.sin6_addr : (void *)&t->v4.sin_addr) != 1)
		die(address);
}

/* A socket connecting to the i-th target; the result of connect() is in *result. */
static int
start(const struct target *t, unsigned int i, int flags, int *result)
{
	struct target to = *t;
	int fd = socket(t->is6 ? AF_INET6 : AF_INET, SOCK_STREAM | flags, 0);

	if (fd < 0)
		die("socket");
	to.v4.sin_addr.s_addr = htonl(ntohl(t->v4.sin_addr.s_addr) + i % t->spread);
	to.v6.sin6_addr.s6_addr[15] = (uint8_t)(t->v6.sin6_addr.s6_addr[15] + i % t->spread);
	*result = connect(fd, t->is6 ? (struct sockaddr *)&to.v6 : (struct sockaddr *)&to.v4,
			  t->is6 ? sizeof(to.v6) : sizeof(to.v4));
	return fd;
}

static unsigned int
one_after_another(const struct target *t, unsigned int count)
{
	unsigned int good = 0;
	char byte;

	for (unsigned int i = 0; i < count; i++) {
		int result;
		int fd = start(t, i, 0, &result);

		if (result == 0 && read(fd, &byte, 1) == 0)
			good++;
		else if (i - good < 10)
			fprintf(stderr, "storm: connection %u: %s\n", i, strerror(errno));
		close(fd);
	}
	return good;
}

/* The socket is connected: waits for the others. */
static void
connected(int epoll, struct client *c)
{
	struct epoll_event none = {.events = 0, .data.ptr = c};

	c->stage = CONNECTED;
	if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &none) != 0)
		die("epoll_ctl");
}

static void
talk(int epoll, struct client *c)
{
	static const char text[100];
	struct epoll_event in = {.events = EPOLLIN, .data.ptr = c};

	if (send(c->fd, text, sizeof(text), MSG_NOSIGNAL) != sizeof(text) ||
	    shutdown(c->fd, SHUT_WR) != 0 || epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &in) != 0)
		die("a connection was lost");
	c->stage = SENT;
}

/* What happened to one connection: true if it has ended well. */
static bool
event(int epoll, struct client *c, uint32_t events, unsigned int *up)
{
	socklen_t size = sizeof(errno);
	char byte;

	if (c->stage == SENT) {
		if (read(c->fd, &byte, 1) != 0)
			die("a connection did not end well");
		close(c->fd);
		return true;
	}
	if (c->stage == CONNECTED || events & EPOLLERR) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &errno, &size);
		die("a connection was refused or lost");
	}
	connected(epoll, c);
	(*up)++;
	return false;
}

static unsigned int
all_at_once(const struct target *t, unsigned int count)
{
	struct client *clients = calloc(count, sizeof(*clients));
	struct epoll_event events[256];
	unsigned int up = 0, good = 0;
	int epoll = epoll_create1(0);

	if (clients == NULL || epoll < 0)
		die("memory");
	for (unsigned int i = 0; i < count; i++) {
		struct epoll_event out = {.events = EPOLLOUT, .data.ptr = &clients[i]};
		int result;

		clients[i].fd = start(t, i, SOCK_NONBLOCK, &result);
		if ((result != 0 && errno != EINPROGRESS) ||
		    epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &out) != 0)
			die("connect");
	}
	while (good < count) {
		int n = epoll_wait(epoll, events, 256, PATIENCE_MS);
		bool before = up < count;

		if (n <= 0) {
			fprintf(stderr, "storm: %u connected, %u ended, and then nothing\n", up,
				good);
			break;
		}
		for (int i = 0; i < n; i++)
			good += event(epoll, events[i].data.ptr, events[i].events, &up);
		for (unsigned int i = 0; before && up == count && i < count; i++)
			talk(epoll, &clients[i]);
	}
	free(clients);
	return good;
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	struct target target;
	unsigned int count, good;

	if (argc != 6) {
		fprintf(stderr, "usage: storm one|all ADDRESS PORT COUNT SPREAD\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		die("getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		die("setrlimit");
	parse_target(&target, argv[2], argv[3]);
	count = (unsigned int)strtoul(argv[4], NULL, 10);
	target.spread = (unsigned int)strtoul(argv[5], NULL, 10);
	good = strcmp(argv[1], "all") == 0 ? all_at_once(&target, count)
					   : one_after_another(&target, count);
	printf("%u of %u connections ended well\n", good, count);
	return good == count ? 0 : 1;
}
