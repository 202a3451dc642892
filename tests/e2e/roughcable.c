/* SPDX-License-Identifier: BSD-3-Clause */
/* roughcable - a cable between two interfaces that delays every frame, loses some, doubles some and
 * lets some overtake the others, as netem would: not every kernel has netem. The same seed and the
 * same frames have the same fate. Runs until it is told to end.
 *	roughcable INTERFACE INTERFACE DELAY_MS LOSS DUPLICATE REORDER SEED	(the middle ones in
 *percent) */
#define _GNU_SOURCE /* ppoll */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAMES 4096u /* on the cable in one direction, at most: a power of two */
#define FRAME  2048

struct frame {
	int64_t due_us;
	size_t length;
	uint8_t bytes[FRAME];
};

/* One direction. */
struct way {
	int from, to;
	unsigned int head, tail;
	struct frame frames[FRAMES];
};

static struct way ways[2];
static int64_t delay_us;
static double loss, duplicate, reorder;

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static bool
percent(double share)
{
	return drand48() * 100 < share;
}

static int
open_interface(const char *name)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, room = 8 << 20;

	address.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || address.sll_ifindex == 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		fprintf(stderr, "roughcable: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

static void
pass(const struct way *w, const struct frame *f)
{
	/* What the other end has no room for is lost, as on any cable. */
	if (send(w->to, f->bytes, f->length, 0) < 0 && errno != ENOBUFS && errno != ENETDOWN)
		perror("roughcable: send");
}

/* Decides the fate of what came. */
static void
take(struct way *w)
{
	struct frame in;
	ssize_t length;

	while ((length = recv(w->from, in.bytes, sizeof(in.bytes), 0)) > 0) {
		in.length = (size_t)length;
		in.due_us = now_us() + delay_us;
		if (percent(loss))
			continue;
		if (percent(reorder)) {
			pass(w, &in);
			continue;
		}
		for (int copies = percent(duplicate) ? 2 : 1; copies > 0; copies--) {
			if (w->tail - w->head < FRAMES)
				w->frames[w->tail++ % FRAMES] = in;
		}
	}
}

/* Passes on what is due; returns the microseconds until the next is, at most one second. */
static int64_t
give(struct way *w)
{
	int64_t now = now_us();

	for (; w->head != w->tail; w->head++) {
		const struct frame *f = &w->frames[w->head % FRAMES];

		if (f->due_us > now)
			return f->due_us - now;
		pass(w, f);
	}
	return 1000000;
}

int
main(int argc, char **argv)
{
	struct pollfd fds[2];

	if (argc != 8) {
		fprintf(stderr, "usage: roughcable INTERFACE INTERFACE DELAY_MS LOSS DUPLICATE "
				"REORDER SEED\n");
		return 2;
	}
	ways[0].from = ways[1].to = open_interface(argv[1]);
	ways[0].to = ways[1].from = open_interface(argv[2]);
	delay_us = (int64_t)(1000 * atof(argv[3]));
	loss = atof(argv[4]);
	duplicate = atof(argv[5]);
	reorder = atof(argv[6]);
	srand48(atol(argv[7]));
	fds[0] = (struct pollfd){.fd = ways[0].from, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = ways[1].from, .events = POLLIN};
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int64_t wait_us = give(&ways[0]), other_us = give(&ways[1]);
		struct timespec wait;

		wait_us = wait_us < other_us ? wait_us : other_us;
		wait = (struct timespec){wait_us / 1000000, wait_us % 1000000 * 1000};
		if (ppoll(fds, 2, &wait, NULL) < 0 && errno != EINTR)
			return 1;
		take(&ways[0]);
		take(&ways[1]);
	}
}
