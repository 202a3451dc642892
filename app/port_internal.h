/* SPDX-License-Identifier: BSD-3-Clause */
/* port_internal.h - the parts of a port, for each other. */
#ifndef RIPOSTE_PORT_INTERNAL_H
#define RIPOSTE_PORT_INTERNAL_H

#include "port.h"

#define PORT_LINK_TEXT 48

/* What a buffer has to have room for around the MTU: Ethernet with two tags, its checksum, and the
 * header that virtio puts in front. A buffer's size, with DPDK's headroom, has 16 bits. */
#define PORT_FRAME_ROOM (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN + 12)
#define PORT_BUFFER_MAX (63 * 1024u)
#define PORT_MTU_MAX    (PORT_BUFFER_MAX - PORT_FRAME_ROOM)

/* Says "device NAME: WHAT: " and what error, a negative errno, means. Returns error. */
int port_refuse(const struct port *p, const char *what, int error);

/* Makes p->pool, of buffers each of which holds a frame of the MTU, for rings of so many
 * descriptors. 0, or a negative errno after an error, which has been said. */
int port_make_pool(struct port *p, const char *driver, uint16_t rx_descriptors,
		   uint16_t tx_descriptors);

/* Lets a started device receive what was asked for, and says what it cannot. */
void port_set_filters(struct port *p, const struct port_orders *orders,
		      const struct rte_eth_dev_info *info);

/* "up, 10 Gbit/s" or "down"; text may be used for it. */
const char *port_link(const struct port *p, bool *up, char text[PORT_LINK_TEXT]);

#endif
