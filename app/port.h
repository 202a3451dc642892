/* SPDX-License-Identifier: BSD-3-Clause */
/* port.h - one Ethernet device: its queues, offloads and buffers. */
#ifndef RIPOSTE_PORT_H
#define RIPOSTE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "port_rss.h"

#define PORT_BURST 64

struct port {
	uint16_t id;
	char name[RTE_ETH_NAME_MAX_LEN];
	struct port_rss rss;
	uint16_t mtu;
	uint16_t mtu_before;   /* of the interface that it stands on ... */
	bool mtu_set;          /* ... if that was changed */
	unsigned int if_index; /* of that interface; 0: none */
	uint8_t mac[RTE_ETHER_ADDR_LEN];
	uint8_t tx_offload; /* WIRE_TX_... */
	int node;           /* NUMA node, -1: any */
	bool started;
	bool promiscuous; /* made so */
	bool link_up;     /* as was last said */
	int groups;       /* keeps an interface receiving them; -1: nothing does */
	uint64_t missed;  /* once closed: frames that came and found no room in the ring */
	unsigned int
		lost; /* once closed: buffers that had not come back; 0 unless there is a leak */
	struct rte_mempool *pool;
};

/* What a port is opened for. */
struct port_orders {
	uint16_t workers;                 /* at most; queues are one for each */
	uint16_t mtu;                     /* 0: the device's own */
	bool ipv6;                        /* some IPv6 address is owned */
	bool promiscuous;                 /* receive what is for others, too */
	const struct siphash_key *secret; /* behind the key of RSS */
};

/* Configures and starts device id, with or without a link, with a receive and a transmit queue for
 * each worker, or with as many as it can steer to: one, if it has no RSS. 0, or a negative errno
 * after an error, which has been said in one line; port_close() is due in either case. */
int port_open(struct port *p, uint16_t id, const struct port_orders *orders);

/* Says whether the link has come or gone since this was last said. */
void port_watch_link(struct port *p);

/* Frames that have come so far and found no room in the ring. */
uint64_t port_missed(const struct port *p);

/* Stops and closes the device, sets missed and lost, and frees the buffers. */
void port_close(struct port *p);

#endif
