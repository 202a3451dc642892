/* SPDX-License-Identifier: BSD-3-Clause */
/* test_port_steer.c - a debug build finds the flow of a frame, and the frames that came to another
 * worker than their flow's. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include <cmocka.h>

#include "steer.h"
#include "worker.h"

struct frame {
	uint8_t data[256];
	struct rte_mbuf mbuf;
};

/* A frame of type, and what follows the Ethernet header. */
static struct rte_mbuf *
make(struct frame *f, uint16_t type, const void *payload, size_t length)
{
	struct rte_ether_hdr *ether = (struct rte_ether_hdr *)f->data;

	memset(f, 0, sizeof(*f));
	ether->ether_type = htons(type);
	memcpy(f->data + sizeof(*ether), payload, length);
	f->mbuf = (struct rte_mbuf){
		.buf_addr = f->data,
		.buf_len = sizeof(f->data),
		.data_len = (uint16_t)(sizeof(*ether) + length),
		.pkt_len = (uint32_t)(sizeof(*ether) + length),
		.nb_segs = 1,
		.refcnt = 1,
	};
	return &f->mbuf;
}

struct packet4 {
	struct rte_ipv4_hdr ip;
	struct rte_tcp_hdr tcp;
} __rte_packed;

struct packet6 {
	struct rte_ipv6_hdr ip;
	struct rte_tcp_hdr tcp;
} __rte_packed;

/* 192.0.2.1 port 1025 to 198.51.100.9 port 80. */
static const struct packet4 *
packet4(uint16_t fragment)
{
	static struct packet4 p;

	p = (struct packet4){
		.ip = {.version_ihl = 0x45,
		       .total_length = RTE_BE16(40),
		       .fragment_offset = htons(fragment),
		       .next_proto_id = IPPROTO_TCP,
		       .src_addr = htonl(0xc0000201),
		       .dst_addr = htonl(0xc6336409)},
		.tcp = {.src_port = RTE_BE16(1025), .dst_port = RTE_BE16(80), .data_off = 0x50},
	};
	return &p;
}

static const struct packet6 *
packet6(void)
{
	static struct packet6 p;

	p = (struct packet6){
		.ip = {.vtc_flow = htonl(0x60000000), .payload_len = RTE_BE16(20), .proto = 6},
		.tcp = {.src_port = RTE_BE16(1026), .dst_port = RTE_BE16(81), .data_off = 0x50},
	};
	memset(p.ip.src_addr, 0x11, 16);
	memset(p.ip.dst_addr, 0x22, 16);
	return &p;
}

static void
expect_flow4(const struct rte_mbuf *m)
{
	struct flow flow;

	assert_true(steer_flow(m, &flow));
	assert_int_equal(flow.family, 4);
	assert_int_equal(ntohl(flow.v4.raddr), 0xc0000201);
	assert_int_equal(ntohl(flow.v4.laddr), 0xc6336409);
	assert_int_equal(ntohs(flow.v4.rport), 1025);
	assert_int_equal(ntohs(flow.v4.lport), 80);
}

static void
the_flow_of_a_segment_is_its_four_tuple_seen_from_here(void **state)
{
	struct frame f;
	struct flow flow;

	(void)state;
	expect_flow4(make(&f, RTE_ETHER_TYPE_IPV4, packet4(0), sizeof(struct packet4)));
	assert_true(steer_flow(make(&f, RTE_ETHER_TYPE_IPV6, packet6(), sizeof(struct packet6)),
			       &flow));
	assert_int_equal(flow.family, 6);
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(flow.v6.raddr[i], 0x11);
		assert_int_equal(flow.v6.laddr[i], 0x22);
	}
	assert_int_equal(ntohs(flow.v6.rport), 1026);
	assert_int_equal(ntohs(flow.v6.lport), 81);
}

static void
it_is_found_behind_a_vlan_tag(void **state)
{
	uint8_t tagged[4 + sizeof(struct packet4)] = {0x00, 0x05, 0x08, 0x00};
	struct frame f;

	(void)state;
	memcpy(tagged + 4, packet4(0), sizeof(struct packet4));
	expect_flow4(make(&f, RTE_ETHER_TYPE_VLAN, tagged, sizeof(tagged)));
}

static void
what_is_no_segment_has_none(void **state)
{
	static const uint8_t arp[28];
	struct packet4 udp = *packet4(0);
	struct flow flow;
	struct frame f;

	(void)state;
	udp.ip.next_proto_id = IPPROTO_UDP;
	assert_false(steer_flow(make(&f, RTE_ETHER_TYPE_ARP, arp, sizeof(arp)), &flow));
	assert_false(steer_flow(make(&f, RTE_ETHER_TYPE_IPV4, &udp, sizeof(udp)), &flow));
	/* A fragment has no ports, and RSS no four-tuple of it. */
	assert_false(steer_flow(
		make(&f, RTE_ETHER_TYPE_IPV4, packet4(0x2000), sizeof(struct packet4)), &flow));
}

static void
a_frame_that_is_cut_off_anywhere_has_none_and_is_not_read_beyond(void **state)
{
	struct flow flow;
	struct frame f;

	(void)state;
	for (size_t length = 0; length < sizeof(struct packet4); length++)
		assert_false(steer_flow(make(&f, RTE_ETHER_TYPE_IPV4, packet4(0), length), &flow));
	for (size_t length = 0; length < sizeof(struct packet6); length++)
		assert_false(steer_flow(make(&f, RTE_ETHER_TYPE_IPV6, packet6(), length), &flow));
}

static void
frames_of_another_workers_flows_are_counted(void **state)
{
	static struct port port = {.name = "test"};
	struct frame f4, f6, arp;
	struct rte_mbuf *burst[] = {
		make(&f4, RTE_ETHER_TYPE_IPV4, packet4(0), sizeof(struct packet4)),
		make(&f6, RTE_ETHER_TYPE_IPV6, packet6(), sizeof(struct packet6)),
		make(&arp, RTE_ETHER_TYPE_ARP, "", 0),
	};
	struct flow flow4, flow6;
	struct worker w[2] = {{.port = &port}, {.port = &port, .queue = 1}};
	uint64_t expected[2] = {0, 0};

	(void)state;
	port.rss = (struct port_rss){
		.queues = 2,
		.table_size = 128,
		.key_length = 40,
		.types = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP,
	};
	memset(port.rss.key, 0x5a, 40);
	port.rss.key[3] = 0x31;
	assert_true(steer_flow(burst[0], &flow4));
	assert_true(steer_flow(burst[1], &flow6));
	expected[1 - port_rss_queue(&port.rss, &flow4)]++;
	expected[1 - port_rss_queue(&port.rss, &flow6)]++;
	for (unsigned int i = 0; i < 2; i++) {
		steer_check(&w[i], burst, 3);
		assert_int_equal(w[i].misdirected, expected[i]);
		steer_check(&w[i], burst, 3);
		assert_int_equal(w[i].misdirected, 2 * expected[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_flow_of_a_segment_is_its_four_tuple_seen_from_here),
		cmocka_unit_test(it_is_found_behind_a_vlan_tag),
		cmocka_unit_test(what_is_no_segment_has_none),
		cmocka_unit_test(a_frame_that_is_cut_off_anywhere_has_none_and_is_not_read_beyond),
		cmocka_unit_test(frames_of_another_workers_flows_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
