/* SPDX-License-Identifier: BSD-3-Clause */
/* pour.c - SYNs of random clients, as fast as an interface carries them:
 *	pour INTERFACE MAC ADDRESS PORT MILLISECONDS [WINDOW]
 * They flow half a second before it begins to count: a server's backlog is full then, or whatever
 * it has. SIGTERM ends it earlier. Then it prints how many nanoseconds it counted, the SYNs that it
 * sent in them, and the RSTs and SYN-ACKs that came; and the SYNs offered in all the time. With a
 * WINDOW no more than so many SYNs are without an answer at a time: what a ring in front of the
 * server holds. */
#define _GNU_SOURCE /* sendmmsg() */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "syns.h"

#define BURST      64u
#define WARM_UP_NS UINT64_C(500000000)
#define LOST_NS    200000000 /* what has no answer by then gets none */

struct pour {
	struct syns syns;
	uint64_t window;            /* 0: none */
	int rst_socket, ack_socket; /* these count */
	uint64_t sent, rst, syn_ack, given_up;
	uint8_t frames[BURST][SYNS_FRAME];
	struct iovec parts[BURST];
	struct mmsghdr messages[BURST];
};

static volatile sig_atomic_t over;

static void
stop(int signal)
{
	(void)signal;
	over = 1;
}

/* A socket that is never read: it takes a frame or two with these flags, from the server's port to
 * one of these clients, and from then on the kernel counts those that it would have taken. That
 * costs a filter where a ring would cost a copy. */
static int
open_count(const struct syns *s, uint8_t flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23), /* IPv4's protocol */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 10),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 30), /* where the destination begins */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYNS_NET, 0, 8),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 34), /* TCP's ports, behind no IP options */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohs(s->flow.v4.rport), 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 36),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 1),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, s->odd, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 47), /* its flags */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, flags, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETHERTYPE_IP),
				 .sll_ifindex = (int)s->interface};
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), room = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		syns_die("packet socket");
	return fd;
}

/* What has come since the last time. */
static uint32_t
counted(int fd)
{
	struct tpacket_stats stats;
	socklen_t size = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) != 0)
		syns_die("PACKET_STATISTICS");
	return stats.tp_packets;
}

static void
count_answers(struct pour *p)
{
	p->rst += counted(p->rst_socket);
	p->syn_ack += counted(p->ack_socket);
}

static void
pour_burst(struct pour *p)
{
	unsigned int sent = 0;

	for (unsigned int i = 0; i < BURST; i++)
		syns_next(&p->syns, p->frames[i]);
	while (sent < BURST) {
		const int n = sendmmsg(p->syns.fd, p->messages + sent, BURST - sent, 0);

		if (n > 0)
			sent += (unsigned int)n;
		else if (errno == ENOBUFS) /* this one is lost on its way */
			sent++;
		else if (errno != EINTR)
			syns_die("sendmmsg");
	}
	p->sent += BURST;
}

/* Until so few are without an answer that there is room for another burst. */
static void
wait_for_room(struct pour *p)
{
	uint64_t since = syns_ns(), before = p->rst + p->syn_ack;

	while (!over && p->sent + BURST > p->rst + p->syn_ack + p->given_up + p->window) {
		count_answers(p);
		if (p->rst + p->syn_ack != before) {
			before = p->rst + p->syn_ack;
			since = syns_ns();
		} else if (syns_ns() - since > LOST_NS) {
			p->given_up = p->sent - before;
		}
	}
}

/* Clients that have an entry are sent their SYN-ACKs again, a second later and on: those that are
 * there before this are not counted, for theirs are the other ports. Returns how long it took. */
static uint64_t
pour_for(struct pour *p, uint16_t odd, uint64_t ns)
{
	uint64_t began, took = 0;

	p->sent = p->rst = p->syn_ack = p->given_up = 0;
	p->syns.odd = odd;
	p->rst_socket = open_count(&p->syns, TCP_RST | TCP_ACK);
	p->ack_socket = open_count(&p->syns, TCP_SYN | TCP_ACK);
	for (began = syns_ns(); !over && took < ns; took = syns_ns() - began) {
		if (p->window > 0)
			wait_for_room(p);
		pour_burst(p);
	}
	count_answers(p);
	close(p->rst_socket);
	close(p->ack_socket);
	return took;
}

int
main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = stop};
	static struct pour p;
	uint64_t ns, before;

	if (argc != 6 && argc != 7) {
		fprintf(stderr, "usage: pour INTERFACE MAC ADDRESS PORT MILLISECONDS [WINDOW]\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	syns_open(&p.syns, argv[1], argv[2], argv[3], argv[4]);
	p.window = argc == 7 ? strtoull(argv[6], NULL, 10) : 0;
	for (unsigned int i = 0; i < BURST; i++) {
		p.parts[i] = (struct iovec){p.frames[i], SYNS_FRAME};
		p.messages[i].msg_hdr = (struct msghdr){.msg_iov = &p.parts[i], .msg_iovlen = 1};
	}
	pour_for(&p, 1, WARM_UP_NS);
	before = p.sent;
	ns = pour_for(&p, 0, strtoull(argv[5], NULL, 10) * 1000000);
	printf("ns: %" PRIu64 "\nsent: %" PRIu64 "\nrst: %" PRIu64 "\nsyn_ack: %" PRIu64
	       "\noffered: %" PRIu64 "\n",
	       ns, p.sent, p.rst, p.syn_ack, before + p.sent);
	return 0;
}
