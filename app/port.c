/* SPDX-License-Identifier: BSD-3-Clause */
/* port.c - one Ethernet device: its queues, offloads and buffers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "interface.h"
#include "port_internal.h"
#include "say.h"
#include "steer.h"
#include "wire.h"

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define IPV6_MTU_MIN   1280 /* RFC 8200 5 */
#define IPV4_MTU_MIN   68   /* RFC 791 3.2 */
int
port_refuse(const struct port *p, const char *what, int error)
{
	say("device %s: %s: %s", p->name, what, rte_strerror(-error));
	return error;
}

static struct rte_eth_conf
device_conf(struct port *p, const struct rte_eth_dev_info *info)
{
	const uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	/* A queue's buffers are all of one pool, and nobody else holds those that are sent. */
	const uint64_t tx = RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	struct rte_eth_conf conf = {.rxmode.mtu = p->mtu};

	conf.rxmode.offloads = info->rx_offload_capa & rx;
	conf.txmode.offloads = info->tx_offload_capa & tx;
	if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) {
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
		p->tx_offload |= WIRE_TX_IP;
	}
	if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) {
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
		p->tx_offload |= WIRE_TX_TCP;
	}
	/* With many queues the hash, too: a debug build looks at it (steer.c). */
	if (STEER_CHECK && p->rss.queues > 1)
		conf.rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_RSS_HASH;
	port_rss_fill(&p->rss, &conf);
	return conf;
}

/* Gives the device the MTU that was asked for, and looks whether all have taken it. */
static int
set_mtu(struct port *p, const struct rte_eth_dev_info *info)
{
	int error = rte_eth_dev_set_mtu(p->id, p->mtu);
	uint16_t mtu = interface_mtu(info->if_index, p->mtu);

	/* Only an interface of the kernel's remembers it. */
	p->mtu_set = error == 0 && p->if_index != 0;
	/* Some take it from rte_eth_dev_configure() alone. */
	if (error != 0 && error != -ENOTSUP)
		return port_refuse(p, "does not take the \"mtu\"", error);
	if (mtu == p->mtu)
		return 0;
	say("device %s: mtu = %u, but its interface has %u: raise that first", p->name, p->mtu,
	    mtu);
	return -EINVAL;
}

/* Some drivers split frames that they think too long for a buffer, by counts of their own. */
static void
warn_of_pieces(const struct port *p)
{
	struct rte_eth_rxq_info queue;

	if (rte_eth_rx_queue_info_get(p->id, 0, &queue) == 0 && queue.scattered_rx != 0)
		say("warning: device %s may receive long frames in pieces, which are dropped: a "
		    "smaller mtu would be right",
		    p->name);
}

static int
start_queues(struct port *p, const struct rte_eth_dev_info *info, bool own_mtu)
{
	const struct rte_eth_conf conf = device_conf(p, info);
	uint16_t rx = RX_DESCRIPTORS, tx = TX_DESCRIPTORS;
	unsigned int socket = p->node < 0 ? (unsigned int)SOCKET_ID_ANY : (unsigned int)p->node;
	int error;

	if ((error = rte_eth_dev_configure(p->id, p->rss.queues, p->rss.queues, &conf)) != 0)
		return port_refuse(p, "cannot be configured", error);
	if (!own_mtu && (error = set_mtu(p, info)) != 0)
		return error;
	if ((error = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx)) != 0)
		return port_refuse(p, "descriptors", error);
	if ((error = port_make_pool(p, info->driver_name, rx, tx)) != 0)
		return error;
	for (uint16_t q = 0; q < p->rss.queues; q++) {
		if ((error = rte_eth_rx_queue_setup(p->id, q, rx, socket, NULL, p->pool)) != 0)
			return port_refuse(p, "receive queue", error);
		if ((error = rte_eth_tx_queue_setup(p->id, q, tx, socket, NULL)) != 0)
			return port_refuse(p, "transmit queue", error);
	}
	/* What they say of a frame is believed where they say what it is (mbuf_frame.h). */
	(void)rte_eth_dev_set_ptypes(p->id, RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK, NULL, 0);
	if ((error = rte_eth_dev_start(p->id)) != 0)
		return port_refuse(p, "cannot be started", error);
	p->started = true;
	warn_of_pieces(p);
	if ((error = port_rss_set_table(&p->rss, p->id)) != 0)
		return port_refuse(p, "RSS table", error);
	if (STEER_CHECK && !port_rss_is_known(&p->rss))
		say("device %s: its driver has a key or table of its own: which worker a frame "
		    "comes to is not checked",
		    p->name);
	return 0;
}

/* The largest MTU that rte_eth_dev_configure() would take, and whose frame fits into one buffer. */
static uint16_t
most_mtu(const struct rte_eth_dev_info *info)
{
	uint32_t around = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
	uint32_t most = info->max_mtu;

	if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
		around = info->max_rx_pktlen - info->max_mtu;
	if (info->max_rx_pktlen > around)
		most = RTE_MIN(most, info->max_rx_pktlen - around);
	return (uint16_t)RTE_MIN(most, PORT_MTU_MAX);
}

/* Asks the device who and what it is, and settles the MTU. */
static int
ask_device(struct port *p, const struct port_orders *orders, struct rte_eth_dev_info *info)
{
	struct rte_ether_addr mac;
	uint16_t most;
	int error;

	if (rte_eth_dev_get_name_by_port(p->id, p->name) != 0)
		snprintf(p->name, sizeof(p->name), "%u", p->id);
	if ((error = rte_eth_dev_info_get(p->id, info)) != 0)
		return port_refuse(p, "does not say what it can do", error);
	if ((error = rte_eth_macaddr_get(p->id, &mac)) != 0)
		return port_refuse(p, "has no Ethernet address", error);
	if ((error = rte_eth_dev_get_mtu(p->id, &p->mtu)) != 0)
		return port_refuse(p, "has no MTU", error);
	memcpy(p->mac, mac.addr_bytes, sizeof(p->mac));
	p->node = rte_eth_dev_socket_id(p->id);
	p->if_index = info->if_index;
	p->mtu_before = interface_mtu(info->if_index, UINT16_MAX);
	if (orders->mtu == 0) {
		/* A frame of the MTU has to fit into one buffer, whose size has 16 bits. */
		p->mtu = interface_mtu(info->if_index, (uint16_t)RTE_MIN(p->mtu, PORT_MTU_MAX));
		return 0;
	}
	p->mtu = orders->mtu;
	most = most_mtu(info);
	if (p->mtu >= info->min_mtu && p->mtu <= most)
		return 0;
	say("device %s: mtu = %u, and it takes from %u to %u", p->name, p->mtu, info->min_mtu,
	    most);
	return -EINVAL;
}

int
port_open(struct port *p, uint16_t id, const struct port_orders *orders)
{
	char link[PORT_LINK_TEXT];
	struct rte_eth_dev_info info;
	int error;

	*p = (struct port){.id = id, .groups = -1};
	if ((error = ask_device(p, orders, &info)) != 0)
		return error;
	if (p->mtu < IPV4_MTU_MIN) {
		say("device %s: its MTU is %u, and IPv4 needs %u: raise it", p->name, p->mtu,
		    IPV4_MTU_MIN);
		return -EINVAL;
	}
	if (orders->ipv6 && p->mtu < IPV6_MTU_MIN) {
		say("device %s: its MTU is %u, and IPv6 needs %u: raise it, or own IPv4 alone",
		    p->name, p->mtu, IPV6_MTU_MIN);
		return -EINVAL;
	}
	port_rss_choose(&p->rss, p->name, &info, orders->workers, orders->secret);
	if ((error = start_queues(p, &info, orders->mtu == 0)) != 0)
		return error;
	port_set_filters(p, orders, &info);
	say("device %s: %u worker%s, MTU %u, link %s", p->name, p->rss.queues,
	    p->rss.queues == 1 ? "" : "s", p->mtu, port_link(p, &p->link_up, link));
	return 0;
}

void
port_close(struct port *p)
{
	bool closed;

	p->missed = port_missed(p);
	/* An interface that it stands on would stay so. */
	if (p->promiscuous)
		(void)rte_eth_promiscuous_disable(p->id);
	if (p->groups >= 0)
		close(p->groups);
	if (p->mtu_set)
		interface_set_mtu(p->if_index, p->mtu_before);
	if (p->started)
		(void)rte_eth_dev_stop(p->id);
	p->started = false;
	closed = rte_eth_dev_close(p->id) == 0;
	if (p->pool == NULL)
		return;
	p->lost = rte_mempool_in_use_count(p->pool);
	/* One that is not closed may still write to its buffers. */
	if (closed)
		rte_mempool_free(p->pool);
	p->pool = NULL;
}
