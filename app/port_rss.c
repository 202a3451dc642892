/* SPDX-License-Identifier: BSD-3-Clause */
/* port_rss.c - receive side scaling: which queue a flow's frames come to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_thash.h>

#include "port_rss.h"
#include "say.h"

#define RSS_TCP (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP)

#define KEY_USED 40 /* bytes, by IPv6's 36 */

/* What drivers of DPDK 22.11 do not say of themselves. */
struct quirk {
	const char *driver;
	bool power_of_two; /* of queues */
	uint16_t few;      /* queues at most where the table has fewer entries than that: 16 */
};

static const struct quirk quirks[] = {
	{"net_vmxnet3", true, 0},
	{"net_ixgbe_vf", true, 0},
	{"net_mana", true, 0},
	/* 82599 and X540 have four bits for a queue, X550 has a larger table. */
	{"net_ixgbe", false, 512},
};

static unsigned int
quirk(const struct rte_eth_dev_info *info, unsigned int queues)
{
	for (unsigned int i = 0; i < RTE_DIM(quirks); i++) {
		if (strcmp(info->driver_name, quirks[i].driver) != 0)
			continue;
		if (quirks[i].power_of_two)
			queues = rte_align32prevpow2(queues);
		if (info->reta_size < quirks[i].few)
			queues = RTE_MIN(queues, 16u);
	}
	return queues;
}

static void
make_key(struct port_rss *rss, uint8_t length, const struct siphash_key *secret)
{
	for (uint8_t at = 0; at < length; at = (uint8_t)(at + sizeof(struct siphash_key))) {
		char purpose[16];
		struct siphash_key part;

		snprintf(purpose, sizeof(purpose), "rss %u", at);
		part = siphash_key_derive(secret, purpose);
		memcpy(rss->key + at, &part, sizeof(part));
	}
	rss->key_length = length;
}

void
port_rss_choose(struct port_rss *rss, const char *name, const struct rte_eth_dev_info *info,
		uint16_t workers, const struct siphash_key *secret)
{
	unsigned int most = (unsigned int)RTE_MIN(info->max_rx_queues, info->max_tx_queues);

	_Static_assert(PORT_RSS_KEY_MAX % sizeof(struct siphash_key) == 0, "whole parts");
	*rss = (struct port_rss){.queues = 1};
	if (workers == 1)
		return;
	rss->types = info->flow_type_rss_offloads & RSS_TCP;
	if (rss->types == 0 || most < 2) {
		say("device %s: %s, so it gets one worker", name,
		    rss->types == 0 ? "no RSS on TCP" : "one queue");
		return;
	}
	/* The device sends what it does not hash to its first queue. */
	if (rss->types != RSS_TCP)
		say("device %s: no RSS on TCP over IPv%d, which all comes to one worker", name,
		    rss->types == RTE_ETH_RSS_NONFRAG_IPV4_TCP ? 6 : 4);
	if (info->reta_size > 0)
		most = RTE_MIN(most, info->reta_size);
	rss->queues = (uint16_t)quirk(info, RTE_MIN(workers, most));
	if (rss->queues < workers)
		say("device %s: %u queues can be dealt out to, so it gets %u workers of %u lcores",
		    name, rss->queues, rss->queues, workers);
	rss->table_size = info->reta_size;
	if (info->hash_key_size <= PORT_RSS_KEY_MAX)
		make_key(rss, info->hash_key_size, secret);
	if (rss->key_length == 0)
		say("device %s: its key of RSS is the driver's own, and who knows it can aim at "
		    "one worker",
		    name);
}

void
port_rss_fill(struct port_rss *rss, struct rte_eth_conf *conf)
{
	if (rss->queues == 1)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = rss->types;
	if (rss->key_length > 0) {
		conf->rx_adv_conf.rss_conf.rss_key = rss->key;
		conf->rx_adv_conf.rss_conf.rss_key_len = rss->key_length;
	}
}

int
port_rss_set_table(struct port_rss *rss, uint16_t id)
{
	struct rte_eth_rss_reta_entry64 *table;
	struct rte_eth_dev_info info;
	uint16_t groups;
	int error;

	/* Some know how large it is only now. */
	if (rte_eth_dev_info_get(id, &info) == 0)
		rss->table_size = info.reta_size;
	if (rss->queues == 1 || rss->table_size == 0)
		return 0;
	groups = (uint16_t)((rss->table_size + RTE_ETH_RETA_GROUP_SIZE - 1) /
			    RTE_ETH_RETA_GROUP_SIZE);
	table = calloc(groups, sizeof(*table));
	if (table == NULL)
		return -ENOMEM;
	for (uint16_t i = 0; i < rss->table_size; i++) {
		table[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1)
							   << i % RTE_ETH_RETA_GROUP_SIZE;
		table[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] =
			i % rss->queues;
	}
	error = rte_eth_dev_rss_reta_update(id, table, rss->table_size);
	free(table);
	if (error != -ENOTSUP)
		return error;
	rss->table_size = 0;
	return 0;
}

bool
port_rss_is_known(const struct port_rss *rss)
{
	return rss->queues == 1 || (rss->table_size > 0 && rss->key_length >= KEY_USED);
}

int
port_rss_queue(const struct port_rss *rss, const struct flow *flow)
{
	union {
		struct rte_ipv4_tuple v4;
		struct rte_ipv6_tuple v6;
		uint32_t words[RTE_THASH_V6_L4_LEN];
	} tuple;
	uint32_t words = RTE_THASH_V4_L4_LEN;

	if (rss->queues == 1)
		return 0;
	if (!port_rss_is_known(rss) ||
	    !(rss->types &
	      (flow->family == 4 ? RTE_ETH_RSS_NONFRAG_IPV4_TCP : RTE_ETH_RSS_NONFRAG_IPV6_TCP)))
		return -1;
	/* As the frame has it: from the remote end to ours. In words of host byte order. */
	if (flow->family == 4) {
		tuple.v4.src_addr = rte_be_to_cpu_32(flow->v4.raddr);
		tuple.v4.dst_addr = rte_be_to_cpu_32(flow->v4.laddr);
		tuple.v4.sport = rte_be_to_cpu_16(flow->v4.rport);
		tuple.v4.dport = rte_be_to_cpu_16(flow->v4.lport);
	} else {
		memcpy(tuple.v6.src_addr, flow->v6.raddr, sizeof(tuple.v6.src_addr));
		memcpy(tuple.v6.dst_addr, flow->v6.laddr, sizeof(tuple.v6.dst_addr));
		tuple.v6.sport = rte_be_to_cpu_16(flow->v6.rport);
		tuple.v6.dport = rte_be_to_cpu_16(flow->v6.lport);
		words = RTE_THASH_V6_L4_LEN;
		for (unsigned int i = 0; i < 8; i++)
			tuple.words[i] = rte_be_to_cpu_32(tuple.words[i]);
	}
	return (int)(rte_softrss(tuple.words, words, rss->key) % rss->table_size) % rss->queues;
}
