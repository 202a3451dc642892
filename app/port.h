/* SPDX-License-Identifier: BSD-3-Clause */
/* port.h - one Ethernet device: its queues, offloads and buffers. */
#ifndef RIPOSTE_PORT_H
#define RIPOSTE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#define PORT_BURST 32

struct port {
	uint16_t id;
	char name[RTE_ETH_NAME_MAX_LEN];
	uint16_t queues;
	uint16_t mtu;
	uint8_t mac[RTE_ETHER_ADDR_LEN];
	uint8_t tx_offload; /* WIRE_TX_... */
	int node;           /* NUMA node, -1: any */
	bool started;
	bool promiscuous; /* made so */
	uint64_t missed;  /* once closed: frames that came and found no room in the ring */
	unsigned int
		lost; /* once closed: buffers that had not come back; 0 unless there is a leak */
	struct rte_mempool *pool;
};

/* Configures and starts device id, with or without a link, with a receive and a transmit queue for
 * each of workers, or with as many as it can steer to: one, if it has no RSS. ipv6: some IPv6
 * address is owned. 0, or a negative errno after an error, which has been said in one line;
 * port_close() is due in either case. */
int port_open(struct port *p, uint16_t id, uint16_t workers, bool ipv6);

/* Frames that have come so far and found no room in the ring. */
uint64_t port_missed(const struct port *p);

/* Stops and closes the device, sets missed and lost, and frees the buffers. */
void port_close(struct port *p);

#endif
