/* SPDX-License-Identifier: BSD-3-Clause */
/* mtu.c - lies in front of DPDK for Pktgen on memif. Pktgen gives every device its MTU, and ends if
 * it cannot; net_memif has no such operation, and needs none: its buffers are larger. */
#include <stdint.h>

int rte_eth_dev_set_mtu(uint16_t port, uint16_t mtu);

int
rte_eth_dev_set_mtu(uint16_t port, uint16_t mtu)
{
	(void)port;
	(void)mtu;
	return 0;
}
