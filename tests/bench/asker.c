/* SPDX-License-Identifier: BSD-3-Clause */
/* asker.c - a client that sends one SYN at a time, and how long each answer took:
 *	asker INTERFACE MAC ADDRESS PORT rst|syn-ack MILLISECONDS
 * Each SYN is another client's, sent when the last one's answer has come and a little while has
 * passed. Prints the nanoseconds of each, from just before the SYN is sent until its answer lies in
 * the receive ring, which is looked at without a pause; and "lost: N", those without an answer. An
 * answer that is not what it should be ends the program. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "syns.h"

#define ANSWERS_MAX 4000000u
#define PATIENCE_NS UINT64_C(1000000000)
/* Between an answer and the next SYN: random, for a server that sleeps would be met at the same
 * point of its sleep each time. */
#define PAUSE_MIN_NS 50000u
#define PAUSE_NS     100000u

enum { SLOT = 256, SLOTS = 1024, RING = SLOT * SLOTS };

struct asker {
	struct syns syns;
	uint8_t flags; /* of the answer that is expected */
	uint8_t *ring;
	unsigned int slot; /* the next to be looked at */
	uint32_t *ns;      /* of each answer */
	uint32_t count, lost;
};

static void
open_ring(struct asker *a)
{
	const struct tpacket_req request = {.tp_block_size = RING,
					    .tp_block_nr = 1,
					    .tp_frame_size = SLOT,
					    .tp_frame_nr = SLOTS};
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETHERTYPE_IP),
				 .sll_ifindex = (int)a->syns.interface};
	const int version = TPACKET_V2;
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) != 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) != 0)
		syns_die("receive ring");
	a->ring = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (a->ring == MAP_FAILED || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		syns_die("receive ring");
}

/* Is it the answer to the last SYN? Others come late, or were sent again. */
static bool
is_answer(const struct asker *a, const uint8_t *frame, uint32_t length)
{
	struct wire_packet p = {0};

	/* A kernel leaves the sums to the device, and a veth pair computes none. */
	wire_parse(&a->syns.host, frame, length, WIRE_IP_GOOD | WIRE_L4_GOOD, &p);
	if (p.kind != WIRE_TCP || memcmp(&p.flow.v4, &a->syns.flow.v4, sizeof(p.flow.v4)) != 0)
		return false;
	if (p.seg.flags != a->flags || p.seg.ack != a->syns.iss + 1) {
		fprintf(stderr, "asker: a SYN was answered with flags 0x%02x, ack %" PRIu32 "\n",
			p.seg.flags, p.seg.ack - a->syns.iss);
		exit(1);
	}
	return true;
}

/* Looks at the next frame of the ring, if there is one. */
static bool
look(struct asker *a)
{
	struct tpacket2_hdr *head = (struct tpacket2_hdr *)(a->ring + (size_t)a->slot * SLOT);
	_Atomic uint32_t *status = (_Atomic uint32_t *)&head->tp_status;
	bool found;

	if ((atomic_load_explicit(status, memory_order_acquire) & TP_STATUS_USER) == 0)
		return false;
	found = is_answer(a, (uint8_t *)head + head->tp_mac, head->tp_snaplen);
	atomic_store_explicit(status, TP_STATUS_KERNEL, memory_order_release);
	a->slot = (a->slot + 1) % SLOTS;
	return found;
}

static void
send_frame(const struct asker *a, const uint8_t frame[SYNS_FRAME])
{
	if (send(a->syns.fd, frame, SYNS_FRAME, 0) != SYNS_FRAME)
		syns_die("send");
}

static void
ask(struct asker *a)
{
	uint8_t frame[SYNS_FRAME];
	uint64_t before, now;

	syns_next(&a->syns, frame);
	before = syns_ns();
	send_frame(a, frame);
	do {
		const bool answered = look(a);

		now = syns_ns();
		if (answered) {
			a->ns[a->count++] = (uint32_t)(now - before);
			break;
		}
	} while (now - before < PATIENCE_NS);
	if (now - before >= PATIENCE_NS)
		a->lost++;
	/* Neither server keeps what it would ask for again. */
	if (a->flags & TCP_SYN) {
		syns_reset(&a->syns, frame);
		send_frame(a, frame);
	}
	now = syns_ns() + PAUSE_MIN_NS + syns_random(&a->syns, PAUSE_NS);
	while (syns_ns() < now)
		(void)look(a);
}

int
main(int argc, char **argv)
{
	static struct asker a;
	uint64_t until;

	if (argc != 7) {
		fprintf(stderr,
			"usage: asker INTERFACE MAC ADDRESS PORT rst|syn-ack MILLISECONDS\n");
		return 2;
	}
	syns_open(&a.syns, argv[1], argv[2], argv[3], argv[4]);
	a.flags = strcmp(argv[5], "rst") == 0 ? TCP_RST | TCP_ACK : TCP_SYN | TCP_ACK;
	a.ns = calloc(ANSWERS_MAX, sizeof(*a.ns));
	if (a.ns == NULL)
		syns_die("memory");
	open_ring(&a);
	/* Whoever is asked for the first time has pages to touch. */
	for (unsigned int i = 0; i < 100; i++)
		ask(&a);
	a.count = a.lost = 0;
	until = syns_ns() + strtoull(argv[6], NULL, 10) * 1000000;
	while (syns_ns() < until && a.count < ANSWERS_MAX)
		ask(&a);
	for (uint32_t i = 0; i < a.count; i++)
		printf("%" PRIu32 "\n", a.ns[i]);
	printf("lost: %" PRIu32 "\n", a.lost);
	free(a.ns);
	return 0;
}
