/* SPDX-License-Identifier: BSD-3-Clause */
/* port_rss.h - how a device deals frames out to its queues: by a hash of the four-tuple, so that
 * all of a connection come to one worker. */
#ifndef RIPOSTE_PORT_RSS_H
#define RIPOSTE_PORT_RSS_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>

#include "flow.h"
#include "siphash.h"

#define PORT_RSS_KEY_MAX 64 /* bytes; DPDK 22.11's drivers have 40 or 52 */

struct port_rss {
	uint16_t queues;     /* 1: nothing is dealt out */
	uint16_t table_size; /* entries; entry i is queue i % queues. 0: the driver keeps to itself
			      * what it does */
	uint8_t key_length;  /* 0: the driver's own key, not known here */
	_Alignas(8) uint8_t key[PORT_RSS_KEY_MAX];
	uint64_t types; /* RTE_ETH_RSS_... that the device deals out by */
};

/* Decides how many queues the device called name gets for workers: as many as it can steer TCP to
 * by the four-tuple, one if it cannot (which is said). The hash's key comes from secret: who does
 * not know it cannot aim at one worker; a driver that takes none has its own, which is said. */
void port_rss_choose(struct port_rss *rss, const char *name, const struct rte_eth_dev_info *info,
		     uint16_t workers, const struct siphash_key *secret);

/* Asks for it in conf, which rss must outlive until the device is configured. */
void port_rss_fill(struct port_rss *rss, struct rte_eth_conf *conf);

/* Fills the redirection table of device id, which has been started. 0, also where the driver fills
 * it by itself; a negative errno. */
int port_rss_set_table(struct port_rss *rss, uint16_t id);

/* Is it known which flow comes to which queue? */
bool port_rss_is_known(const struct port_rss *rss);

/* The queue to which a frame of flow belongs, or -1 if that is not known. */
int port_rss_queue(const struct port_rss *rss, const struct flow *flow);

#endif
