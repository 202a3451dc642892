/* SPDX-License-Identifier: BSD-3-Clause */
/* port.c - one Ethernet device: its queues, offloads and buffers. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "port.h"
#include "say.h"
#include "wire.h"

#define RX_DESCRIPTORS 1024
#define TX_DESCRIPTORS 1024
#define POOL_CACHE     256
#define POOL_PLENTY    40960 /* if there is memory: net_pcap's infinite_rx keeps a whole file */
#define IPV6_MTU_MIN   1280  /* RFC 8200 5 */
#define IPV4_MTU_MIN   68    /* RFC 791 3.2 */
#define VLAN_ROOM      (2 * RTE_VLAN_HLEN)
#define FRAME_ROOM     (RTE_ETHER_HDR_LEN + VLAN_ROOM + RTE_ETHER_CRC_LEN) /* around the MTU */
#define MTU_MAX        (UINT16_MAX - RTE_PKTMBUF_HEADROOM - FRAME_ROOM)

#define RSS_TCP (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP)

static int
refuse(const struct port *p, const char *what, int error)
{
	say("device %s: %s: %s", p->name, what, rte_strerror(-error));
	return error;
}

/* RSS is what keeps a connection on one worker; without it there is one. */
static uint16_t
queue_count(const struct port *p, const struct rte_eth_dev_info *info, uint16_t workers)
{
	uint16_t most = info->max_rx_queues < info->max_tx_queues ? info->max_rx_queues
								  : info->max_tx_queues;

	if (workers == 1)
		return 1;
	if (!(info->flow_type_rss_offloads & RSS_TCP) || most < 2) {
		say("device %s: no RSS on TCP, so it gets one worker", p->name);
		return 1;
	}
	return workers < most ? workers : most;
}

static struct rte_eth_conf
device_conf(struct port *p, const struct rte_eth_dev_info *info)
{
	const uint64_t rx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
	struct rte_eth_conf conf = {.rxmode.mtu = p->mtu};

	conf.rxmode.offloads = info->rx_offload_capa & rx;
	if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) {
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
		p->tx_offload |= WIRE_TX_IP;
	}
	if (info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) {
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
		p->tx_offload |= WIRE_TX_TCP;
	}
	if (p->queues > 1) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & RSS_TCP;
	}
	return conf;
}

static int
make_pool(struct port *p, uint16_t rx_descriptors, uint16_t tx_descriptors)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	uint32_t frame = FRAME_ROOM + p->mtu;
	uint32_t room = RTE_PKTMBUF_HEADROOM + RTE_MAX(frame, 2048u);
	int node = p->node < 0 ? SOCKET_ID_ANY : p->node;
	/* What the rings hold, what the caches of the lcores hold, and a burst in hand for each. */
	uint32_t least = p->queues * (uint32_t)(rx_descriptors + tx_descriptors + 4 * PORT_BURST) +
			 (rte_lcore_count() + 1) * 3 * POOL_CACHE / 2;

	snprintf(name, sizeof(name), "port-%u", p->id);
	if (least < POOL_PLENTY)
		p->pool = rte_pktmbuf_pool_create(name, POOL_PLENTY, POOL_CACHE, 0, (uint16_t)room,
						  node);
	if (p->pool == NULL)
		p->pool = rte_pktmbuf_pool_create(name, least, POOL_CACHE, 0, (uint16_t)room, node);
	if (p->pool == NULL) {
		say("device %s: no memory for %u buffers of %u bytes: give EAL more with -m",
		    p->name, least, room);
		return -rte_errno;
	}
	return 0;
}

static int
start_queues(struct port *p, const struct rte_eth_conf *conf)
{
	uint16_t rx = RX_DESCRIPTORS, tx = TX_DESCRIPTORS;
	unsigned int socket = p->node < 0 ? (unsigned int)SOCKET_ID_ANY : (unsigned int)p->node;
	int error;

	if ((error = rte_eth_dev_configure(p->id, p->queues, p->queues, conf)) != 0)
		return refuse(p, "cannot be configured", error);
	if ((error = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx)) != 0)
		return refuse(p, "descriptors", error);
	if ((error = make_pool(p, rx, tx)) != 0)
		return error;
	for (uint16_t q = 0; q < p->queues; q++) {
		if ((error = rte_eth_rx_queue_setup(p->id, q, rx, socket, NULL, p->pool)) != 0)
			return refuse(p, "receive queue", error);
		if ((error = rte_eth_tx_queue_setup(p->id, q, tx, socket, NULL)) != 0)
			return refuse(p, "transmit queue", error);
	}
	if ((error = rte_eth_dev_start(p->id)) != 0)
		return refuse(p, "cannot be started", error);
	p->started = true;
	return 0;
}

/* Neighbour solicitations come to group addresses, and more of them than any filter holds. */
static void
receive_groups(struct port *p, bool ipv6)
{
	if (!ipv6 || rte_eth_allmulticast_enable(p->id) == 0)
		return;
	p->promiscuous =
		rte_eth_promiscuous_get(p->id) == 0 && rte_eth_promiscuous_enable(p->id) == 0;
}

static bool
link_is_up(const struct port *p)
{
	struct rte_eth_link link = {0};

	return rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

/* The MTU of the kernel's interface that a software device stands on, which the device itself does
 * not know; most where there is none, or it has more. */
static uint16_t
interface_mtu(unsigned int if_index, uint16_t most)
{
	struct ifreq request = {0};
	int s;

	if (if_index == 0 || if_indextoname(if_index, request.ifr_name) == NULL)
		return most;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0 || ioctl(s, SIOCGIFMTU, &request) != 0)
		request.ifr_mtu = most;
	if (s >= 0)
		close(s);
	return request.ifr_mtu < most ? (uint16_t)request.ifr_mtu : most;
}

int
port_open(struct port *p, uint16_t id, uint16_t workers, bool ipv6)
{
	struct rte_ether_addr mac;
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf;
	int error;

	*p = (struct port){.id = id};
	if (rte_eth_dev_get_name_by_port(id, p->name) != 0)
		snprintf(p->name, sizeof(p->name), "%u", id);
	if ((error = rte_eth_dev_info_get(id, &info)) != 0)
		return refuse(p, "does not say what it can do", error);
	if ((error = rte_eth_macaddr_get(id, &mac)) != 0)
		return refuse(p, "has no Ethernet address", error);
	if ((error = rte_eth_dev_get_mtu(id, &p->mtu)) != 0)
		return refuse(p, "has no MTU", error);
	/* A frame of the MTU has to fit into one buffer, whose size has 16 bits. */
	p->mtu = interface_mtu(info.if_index, p->mtu < MTU_MAX ? p->mtu : (uint16_t)MTU_MAX);
	if (p->mtu < IPV4_MTU_MIN) {
		say("device %s: its MTU is %u, and IPv4 needs %u: raise it", p->name, p->mtu,
		    IPV4_MTU_MIN);
		return -EINVAL;
	}
	if (ipv6 && p->mtu < IPV6_MTU_MIN) {
		say("device %s: its MTU is %u, and IPv6 needs %u: raise it, or own IPv4 alone",
		    p->name, p->mtu, IPV6_MTU_MIN);
		return -EINVAL;
	}
	memcpy(p->mac, mac.addr_bytes, sizeof(p->mac));
	p->node = rte_eth_dev_socket_id(id);
	p->queues = queue_count(p, &info, workers);
	conf = device_conf(p, &info);
	if ((error = start_queues(p, &conf)) != 0)
		return error;
	receive_groups(p, ipv6);
	say("device %s: %u worker%s, MTU %u, link %s", p->name, p->queues,
	    p->queues == 1 ? "" : "s", p->mtu, link_is_up(p) ? "up" : "down");
	return 0;
}

uint64_t
port_missed(const struct port *p)
{
	struct rte_eth_stats stats;

	if (!p->started || rte_eth_stats_get(p->id, &stats) != 0)
		return p->missed;
	return stats.imissed + stats.rx_nombuf;
}

void
port_close(struct port *p)
{
	p->missed = port_missed(p);
	if (p->promiscuous)
		(void)rte_eth_promiscuous_disable(p->id);
	if (p->started)
		(void)rte_eth_dev_stop(p->id);
	(void)rte_eth_dev_close(p->id);
	p->started = false;
	if (p->pool != NULL) {
		p->lost = rte_mempool_in_use_count(p->pool);
		rte_mempool_free(p->pool);
		p->pool = NULL;
	}
}
