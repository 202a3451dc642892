/* SPDX-License-Identifier: BSD-3-Clause */
/* flood.c - as much of one kind of segment as riposte's memif takes, and lawful clients in the
 * midst of it, for the tests: "flood EAL... -- FLAGS PORT MAC". FLAGS are tcpdump's letters (S, A,
 * FPU, or none), sent from random clients to PORT of 10.9.0.1 and fd09::1 at the Ethernet address
 * MAC; with "-" nothing is sent of its own. Meanwhile what the first other device receives goes the
 * same way, and answers that are not the flood's come back to it. SIGTERM ends it; then it prints
 * what it sent and what came back. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#define BURST     32
#define FRAMES    8192 /* different ones; half IPv4, half IPv6 */
#define FRAME_MAX 80
#define POOL      16384
#define RING      1024
#define PATIENCE  2 /* seconds, with a lawful client's frame, while riposte is not running */

struct frame {
	uint16_t length;
	uint8_t data[FRAME_MAX];
};

struct flood {
	uint16_t memif, clients; /* ports */
	struct rte_mempool *pool;
	struct frame *frames;
	unsigned int next;
	bool dry; /* no flood */
	uint64_t offered, syn_ack, rst, other, carried;
};

static const struct rte_ether_addr flood_mac = {{0x02, 0xf1, 0, 0, 0, 1}};
static volatile sig_atomic_t over;

static void
stop(int signal)
{
	(void)signal;
	over = 1;
}

static uint8_t
flags_of(const char *letters)
{
	static const char known[] = "FSRPAU";
	uint8_t flags = 0;

	for (const char *c = letters; *c != '\0'; c++)
		flags = (uint8_t)(flags | 1 << (strchr(known, *c) - known));
	return flags;
}

static void
make_tcp(struct rte_tcp_hdr *tcp, uint8_t flags, uint16_t port)
{
	*tcp = (struct rte_tcp_hdr){
		.src_port = htons((uint16_t)(1024 + rand() % 60000)),
		.dst_port = htons(port),
		.sent_seq = (uint32_t)rand(),
		.recv_ack = flags & RTE_TCP_ACK_FLAG ? (uint32_t)rand() : 0,
		.data_off = 0x50,
		.tcp_flags = flags,
		.rx_win = htons(1024),
	};
}

/* From a random client of 10.9.128.0/17 or fd09:0:0:1::/64. */
static void
make_frame(struct frame *f, bool v6, uint8_t flags, uint16_t port, const struct rte_ether_addr *to)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)f->data;

	memset(f, 0, sizeof(*f));
	ether->dst_addr = *to;
	ether->src_addr = flood_mac;
	ether->ether_type = htons(v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	if (v6) {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(ether + 1);
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);

		ip->vtc_flow = htonl(0x60000000);
		ip->payload_len = htons(sizeof(*tcp));
		ip->proto = IPPROTO_TCP;
		ip->hop_limits = 64;
		inet_pton(AF_INET6, "fd09:0:0:1::", ip->src_addr);
		inet_pton(AF_INET6, "fd09::1", ip->dst_addr);
		memcpy(ip->src_addr + 8, &(uint32_t){(uint32_t)rand()}, 4);
		make_tcp(tcp, flags, port);
		tcp->cksum = rte_ipv6_udptcp_cksum(ip, tcp);
		f->length = sizeof(*ether) + sizeof(*ip) + sizeof(*tcp);
	} else {
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(ether + 1);
		struct rte_tcp_hdr *tcp = (struct rte_tcp_hdr *)(ip + 1);

		ip->version_ihl = 0x45;
		ip->total_length = htons(sizeof(*ip) + sizeof(*tcp));
		ip->time_to_live = 64;
		ip->next_proto_id = IPPROTO_TCP;
		ip->src_addr = htonl(0x0a098000u | ((uint32_t)rand() % 32766 + 1));
		ip->dst_addr = htonl(0x0a090001u);
		ip->hdr_checksum = rte_ipv4_cksum(ip);
		make_tcp(tcp, flags, port);
		tcp->cksum = rte_ipv4_udptcp_cksum(ip, tcp);
		f->length = 60; /* Ethernet's least, without its checksum */
	}
}

static void
open_port(const struct flood *f, uint16_t port)
{
	const struct rte_eth_conf conf = {0};

	if (rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
	    rte_eth_rx_queue_setup(port, 0, RING, (unsigned int)SOCKET_ID_ANY, NULL, f->pool) !=
		    0 ||
	    rte_eth_tx_queue_setup(port, 0, RING, (unsigned int)SOCKET_ID_ANY, NULL) != 0 ||
	    rte_eth_dev_start(port) != 0)
		rte_exit(1, "flood: device %u does not start\n", port);
}

/* Sends a burst of the flood, as far as there is room. */
static void
pour(struct flood *f)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t sent;

	if (rte_pktmbuf_alloc_bulk(f->pool, mbufs, BURST) != 0)
		return;
	for (unsigned int i = 0; i < BURST; i++) {
		const struct frame *frame = &f->frames[f->next++ % FRAMES];

		memcpy(rte_pktmbuf_mtod(mbufs[i], void *), frame->data, sizeof(frame->data));
		mbufs[i]->data_len = frame->length;
		mbufs[i]->pkt_len = frame->length;
	}
	sent = rte_eth_tx_burst(f->memif, 0, mbufs, BURST);
	f->offered += sent;
	if (sent < BURST)
		rte_pktmbuf_free_bulk(mbufs + sent, (unsigned int)(BURST - sent));
}

/* A lawful client's frames wait for room: a cable that loses is another test. */
static void
carry(struct flood *f, uint16_t to, struct rte_mbuf **mbufs, uint16_t count)
{
	const uint64_t until = rte_get_timer_cycles() + PATIENCE * rte_get_timer_hz();
	uint16_t sent = 0;

	while (sent < count && rte_get_timer_cycles() < until)
		sent = (uint16_t)(sent +
				  rte_eth_tx_burst(to, 0, mbufs + sent, (uint16_t)(count - sent)));
	f->carried += sent;
	if (sent < count)
		rte_pktmbuf_free_bulk(mbufs + sent, (unsigned int)(count - sent));
}

static void
count_reply(struct flood *f, const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const size_t ip = ether->ether_type == htons(RTE_ETHER_TYPE_IPV6)
				  ? sizeof(struct rte_ipv6_hdr)
				  : sizeof(struct rte_ipv4_hdr);
	const struct rte_tcp_hdr *tcp =
		rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, sizeof(*ether) + ip);

	if (tcp->tcp_flags & RTE_TCP_RST_FLAG)
		f->rst++;
	else if ((tcp->tcp_flags & (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG)) ==
		 (RTE_TCP_SYN_FLAG | RTE_TCP_ACK_FLAG))
		f->syn_ack++;
	else
		f->other++;
}

/* What riposte has sent. */
static unsigned int
hear(struct flood *f)
{
	struct rte_mbuf *mbufs[BURST], *lawful[BURST];
	const uint16_t count = rte_eth_rx_burst(f->memif, 0, mbufs, BURST);
	uint16_t lawful_count = 0;

	for (uint16_t i = 0; i < count; i++) {
		const struct rte_ether_hdr *ether =
			rte_pktmbuf_mtod(mbufs[i], const struct rte_ether_hdr *);

		if (rte_is_same_ether_addr(&ether->dst_addr, &flood_mac)) {
			count_reply(f, mbufs[i]);
			rte_pktmbuf_free(mbufs[i]);
		} else {
			lawful[lawful_count++] = mbufs[i];
		}
	}
	if (lawful_count > 0)
		carry(f, f->clients, lawful, lawful_count);
	return count;
}

static void
run(struct flood *f)
{
	const uint64_t second = rte_get_timer_hz();
	uint64_t last = 0;

	/* Then for as long as answers come, and a little longer. */
	while (!over || rte_get_timer_cycles() - last < second / 2) {
		struct rte_mbuf *mbufs[BURST];
		const uint16_t count = rte_eth_rx_burst(f->clients, 0, mbufs, BURST);

		if (count > 0)
			carry(f, f->memif, mbufs, count);
		if (!over && !f->dry)
			pour(f);
		if (hear(f) > 0 || !over)
			last = rte_get_timer_cycles();
	}
}

int
main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = stop};
	const int eal_args = rte_eal_init(argc, argv);
	struct rte_ether_addr to;
	struct flood f = {0};

	if (eal_args < 0 || argc - eal_args != 4 ||
	    rte_ether_unformat_addr(argv[eal_args + 3], &to) != 0)
		rte_exit(1, "usage: flood EAL... -- FLAGS PORT MAC\n");
	sigaction(SIGTERM, &action, NULL);
	if (rte_eth_dev_get_port_by_name("net_memif0", &f.memif) != 0 ||
	    rte_eth_dev_get_port_by_name("net_af_packet0", &f.clients) != 0)
		rte_exit(1, "flood: needs net_memif0 and net_af_packet0\n");
	f.dry = strcmp(argv[eal_args + 1], "-") == 0;
	f.pool = rte_pktmbuf_pool_create("flood", POOL, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					 SOCKET_ID_ANY);
	f.frames = calloc(FRAMES, sizeof(*f.frames));
	if (f.pool == NULL || f.frames == NULL)
		rte_exit(1, "flood: no memory\n");
	for (unsigned int i = 0; i < FRAMES; i++)
		make_frame(&f.frames[i], i % 2 != 0, f.dry ? 0 : flags_of(argv[eal_args + 1]),
			   (uint16_t)atoi(argv[eal_args + 2]), &to);
	open_port(&f, f.memif);
	open_port(&f, f.clients);
	run(&f);
	printf("offered: %" PRIu64 "\nsyn_ack: %" PRIu64 "\nrst: %" PRIu64 "\nother: %" PRIu64
	       "\ncarried: %" PRIu64 "\n",
	       f.offered, f.syn_ack, f.rst, f.other, f.carried);
	free(f.frames);
	return 0;
}
