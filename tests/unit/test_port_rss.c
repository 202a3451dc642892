/* SPDX-License-Identifier: BSD-3-Clause */
/* test_port_rss.c - which queue a flow comes to, by Microsoft's published vectors of the Toeplitz
 * hash, and how many queues a device gets. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "port_rss.h"

/* "Verifying the RSS Hash Calculation". */
static const uint8_t key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct vector {
	int family;
	const char *laddr;
	uint16_t lport;
	const char *raddr;
	uint16_t rport;
	uint32_t hash;
} vectors[] = {
	{4, "161.142.100.80", 1766, "66.9.149.187", 2794, 0x51ccc178},
	{4, "65.69.140.83", 4739, "199.92.111.2", 14230, 0xc626b0ea},
	{4, "12.22.207.184", 38024, "24.19.198.95", 12898, 0x5c2b394a},
	{4, "209.142.163.6", 2217, "38.27.205.30", 48228, 0xafc7327f},
	{4, "202.188.127.2", 1303, "153.39.163.191", 44251, 0x10e828a2},
	{6, "3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x40207d3d},
	{6, "ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0xdde51bbf},
	{6, "fe80::200:f8ff:fe21:67cf", 38024, "3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251,
	 0x02d1feef},
};

static const struct siphash_key secret = {.k0 = 1, .k1 = 2};

static struct flow
flow_of(const struct vector *v)
{
	struct flow flow = {.family = (uint8_t)v->family};

	if (v->family == 4) {
		assert_int_equal(inet_pton(AF_INET, v->laddr, &flow.v4.laddr), 1);
		assert_int_equal(inet_pton(AF_INET, v->raddr, &flow.v4.raddr), 1);
		flow.v4.lport = htons(v->lport);
		flow.v4.rport = htons(v->rport);
	} else {
		assert_int_equal(inet_pton(AF_INET6, v->laddr, flow.v6.laddr), 1);
		assert_int_equal(inet_pton(AF_INET6, v->raddr, flow.v6.raddr), 1);
		flow.v6.lport = htons(v->lport);
		flow.v6.rport = htons(v->rport);
	}
	return flow;
}

static struct port_rss
with_key(uint16_t table_size, uint16_t queues)
{
	struct port_rss rss = {
		.queues = queues,
		.table_size = table_size,
		.key_length = sizeof(key),
		.types = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP,
	};

	memcpy(rss.key, key, sizeof(key));
	return rss;
}

static void
a_flow_comes_to_the_queue_that_its_hash_has_in_the_table(void **state)
{
	static const uint16_t shapes[][2] = {{65521, 65521}, {512, 512}, {128, 7}, {128, 2}};

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		const struct port_rss rss = with_key(shapes[i][0], shapes[i][1]);

		for (unsigned int v = 0; v < sizeof(vectors) / sizeof(vectors[0]); v++) {
			const struct flow flow = flow_of(&vectors[v]);

			assert_int_equal(port_rss_queue(&rss, &flow),
					 vectors[v].hash % shapes[i][0] % shapes[i][1]);
		}
	}
}

static void
one_queue_gets_every_flow(void **state)
{
	const struct port_rss rss = {.queues = 1};
	const struct flow flow = flow_of(&vectors[0]);

	(void)state;
	assert_int_equal(port_rss_queue(&rss, &flow), 0);
}

static void
where_a_flow_comes_is_not_known_of_a_driver_that_keeps_it_to_itself(void **state)
{
	const struct flow v4 = flow_of(&vectors[0]), v6 = flow_of(&vectors[5]);
	struct port_rss rss = with_key(0, 2);

	(void)state;
	assert_int_equal(port_rss_queue(&rss, &v4), -1);
	rss = with_key(128, 2);
	rss.key_length = 0;
	assert_int_equal(port_rss_queue(&rss, &v4), -1);
	rss = with_key(128, 2);
	rss.types = RTE_ETH_RSS_NONFRAG_IPV4_TCP;
	assert_int_not_equal(port_rss_queue(&rss, &v4), -1);
	assert_int_equal(port_rss_queue(&rss, &v6), -1);
}

static const struct rte_eth_dev_info able = {
	.driver_name = "net_test",
	.max_rx_queues = 8,
	.max_tx_queues = 4,
	.reta_size = 128,
	.hash_key_size = 52,
	.flow_type_rss_offloads = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP,
};

static void
a_device_gets_a_queue_for_each_worker_as_far_as_it_has_them(void **state)
{
	static const struct {
		uint16_t workers, queues;
	} expected[] = {{1, 1}, {2, 2}, {4, 4}, {5, 4}, {64, 4}};
	struct rte_eth_dev_info small = able;
	struct port_rss rss;

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		port_rss_choose(&rss, "test", &able, expected[i].workers, &secret);
		assert_int_equal(rss.queues, expected[i].queues);
	}
	/* A queue that no entry of the table leads to would get nothing. */
	small.reta_size = 3;
	port_rss_choose(&rss, "test", &small, 4, &secret);
	assert_int_equal(rss.queues, 3);
}

static void
drivers_that_take_fewer_queues_than_they_say_get_fewer(void **state)
{
	static const struct {
		const char *driver;
		uint16_t table_size, workers, queues;
	} expected[] = {
		{"net_vmxnet3", 0, 3, 2},   {"net_ixgbe_vf", 64, 7, 4}, {"net_ixgbe_vf", 64, 8, 8},
		{"net_ixgbe", 128, 20, 16}, {"net_ixgbe", 512, 20, 20}, {"net_i40e", 512, 20, 20},
		{"net_i40e", 512, 3, 3},
	};
	struct rte_eth_dev_info info = able;
	struct port_rss rss;

	(void)state;
	info.max_rx_queues = info.max_tx_queues = 64;
	for (unsigned int i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		info.driver_name = expected[i].driver;
		info.reta_size = expected[i].table_size;
		port_rss_choose(&rss, "test", &info, expected[i].workers, &secret);
		assert_int_equal(rss.queues, expected[i].queues);
	}
}

static void
a_device_without_rss_on_tcp_or_with_one_queue_gets_one_worker(void **state)
{
	struct rte_eth_dev_info info = able;
	struct port_rss rss;

	(void)state;
	info.flow_type_rss_offloads = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;
	port_rss_choose(&rss, "test", &info, 4, &secret);
	assert_int_equal(rss.queues, 1);
	info = able;
	info.max_tx_queues = 1;
	port_rss_choose(&rss, "test", &info, 4, &secret);
	assert_int_equal(rss.queues, 1);
}

static void
the_key_is_the_devices_length_and_the_secrets(void **state)
{
	static const uint8_t none[PORT_RSS_KEY_MAX];
	const struct siphash_key other = {.k0 = 1, .k1 = 3};
	struct rte_eth_conf conf = {0};
	struct port_rss a, b;

	(void)state;
	port_rss_choose(&a, "test", &able, 2, &secret);
	port_rss_choose(&b, "test", &able, 2, &other);
	assert_int_equal(a.key_length, 52);
	assert_memory_not_equal(a.key, b.key, 52);
	for (unsigned int at = 0; at + 8 <= 52; at += 8)
		assert_memory_not_equal(a.key + at, none, 8);
	port_rss_choose(&b, "test", &able, 2, &secret);
	assert_memory_equal(a.key, b.key, 52);
	port_rss_fill(&a, &conf);
	assert_ptr_equal(conf.rx_adv_conf.rss_conf.rss_key, a.key);
	assert_int_equal(conf.rx_adv_conf.rss_conf.rss_key_len, 52);
	assert_int_equal(conf.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
	/* By the four-tuple of TCP and nothing less: a hash of the addresses alone would do, too,
	 * but put all of a client's connections on one worker. */
	assert_int_equal(conf.rx_adv_conf.rss_conf.rss_hf,
			 RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP);
}

static void
a_device_that_takes_no_key_or_a_longer_one_keeps_its_own(void **state)
{
	struct rte_eth_dev_info info = able;
	struct rte_eth_conf conf = {0};
	struct port_rss rss;

	(void)state;
	info.hash_key_size = 0;
	port_rss_choose(&rss, "test", &info, 2, &secret);
	port_rss_fill(&rss, &conf);
	assert_null(conf.rx_adv_conf.rss_conf.rss_key);
	info.hash_key_size = PORT_RSS_KEY_MAX + 1;
	port_rss_choose(&rss, "test", &info, 2, &secret);
	port_rss_fill(&rss, &conf);
	assert_null(conf.rx_adv_conf.rss_conf.rss_key);
	assert_int_equal(rss.queues, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_comes_to_the_queue_that_its_hash_has_in_the_table),
		cmocka_unit_test(one_queue_gets_every_flow),
		cmocka_unit_test(
			where_a_flow_comes_is_not_known_of_a_driver_that_keeps_it_to_itself),
		cmocka_unit_test(a_device_gets_a_queue_for_each_worker_as_far_as_it_has_them),
		cmocka_unit_test(drivers_that_take_fewer_queues_than_they_say_get_fewer),
		cmocka_unit_test(a_device_without_rss_on_tcp_or_with_one_queue_gets_one_worker),
		cmocka_unit_test(the_key_is_the_devices_length_and_the_secrets),
		cmocka_unit_test(a_device_that_takes_no_key_or_a_longer_one_keeps_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
