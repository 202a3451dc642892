/* SPDX-License-Identifier: BSD-3-Clause */
/* port_buffers.c - how large a device's packet buffers are, and how many. */
#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "port_internal.h"
#include "say.h"

#define POOL_CACHE  256
#define POOL_PLENTY 40960 /* if there is memory: net_pcap's infinite_rx keeps a whole file */
#define BUFFER_STEP 1024u /* ixgbe and igb take no more of a buffer than a multiple of it */

/* Bytes for a frame of the MTU in one piece: one that comes in two cannot be answered. */
static uint32_t
buffer_for(uint16_t mtu, const char *driver)
{
	const uint32_t room = RTE_MAX(mtu + (uint32_t)PORT_FRAME_ROOM, 2 * BUFFER_STEP);

	/* This one takes a power of two. */
	if (strcmp(driver, "net_e1000_em") == 0)
		return RTE_MIN(rte_align32pow2(room), PORT_BUFFER_MAX);
	return RTE_ALIGN_CEIL(room, BUFFER_STEP);
}

int
port_make_pool(struct port *p, const char *driver, uint16_t rx_descriptors, uint16_t tx_descriptors)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	uint32_t room = RTE_PKTMBUF_HEADROOM + buffer_for(p->mtu, driver);
	int node = p->node < 0 ? SOCKET_ID_ANY : p->node;
	/* What the rings hold, what the caches of the lcores hold, and a burst in hand for each. */
	uint32_t least =
		p->rss.queues * (uint32_t)(rx_descriptors + tx_descriptors + 4 * PORT_BURST) +
		(rte_lcore_count() + 1) * 3 * POOL_CACHE / 2;

	snprintf(name, sizeof(name), "port-%u", p->id);
	if (least < POOL_PLENTY)
		p->pool = rte_pktmbuf_pool_create(name, POOL_PLENTY, POOL_CACHE, 0, (uint16_t)room,
						  node);
	if (p->pool == NULL)
		p->pool = rte_pktmbuf_pool_create(name, least, POOL_CACHE, 0, (uint16_t)room, node);
	if (p->pool == NULL) {
		say("device %s: no memory for %u buffers of %u bytes near it: %s", p->name, least,
		    room,
		    rte_eal_has_hugepages() ? "reserve more hugepages on its NUMA node "
					      "(scripts/nic bind --hugepages MIB)"
					    : "give EAL more with -m");
		return -rte_errno;
	}
	return 0;
}
