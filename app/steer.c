/* SPDX-License-Identifier: BSD-3-Clause */
/* steer.c - has the device dealt the frames out as it was asked to? */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_net.h>
#include <rte_tcp.h>

#include "say.h"
#include "steer.h"
#include "worker.h"

bool
steer_flow(const struct rte_mbuf *m, struct flow *flow)
{
	struct rte_net_hdr_lens lens = {0};
	const uint32_t type = rte_net_get_ptype(m, &lens, RTE_PTYPE_ALL_MASK);
	const uint32_t l3 = (uint32_t)lens.l2_len, l4 = l3 + lens.l3_len;
	const struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, const struct rte_tcp_hdr *, l4);

	if ((type & RTE_PTYPE_L4_MASK) != RTE_PTYPE_L4_TCP || RTE_ETH_IS_TUNNEL_PKT(type) ||
	    l4 + sizeof(*tcp) > m->data_len)
		return false;
	if (RTE_ETH_IS_IPV4_HDR(type)) {
		const struct rte_ipv4_hdr *ip =
			rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, l3);

		*flow = (struct flow){
			.family = 4,
			.v4 = {.raddr = ip->src_addr,
			       .laddr = ip->dst_addr,
			       .rport = tcp->src_port,
			       .lport = tcp->dst_port},
		};
	} else {
		const struct rte_ipv6_hdr *ip =
			rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, l3);

		*flow = (struct flow){.family = 6};
		memcpy(flow->v6.laddr, ip->dst_addr, sizeof(flow->v6.laddr));
		memcpy(flow->v6.raddr, ip->src_addr, sizeof(flow->v6.raddr));
		flow->v6.lport = tcp->dst_port;
		flow->v6.rport = tcp->src_port;
	}
	return true;
}

static void
report(const struct worker *w, const struct rte_mbuf *m, const struct flow *flow, int queue)
{
	const int family = flow->family == 4 ? AF_INET : AF_INET6;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], hash[32] = "no hash";

	inet_ntop(family, flow->family == 4 ? (const void *)&flow->v4.raddr : flow->v6.raddr, from,
		  sizeof(from));
	inet_ntop(family, flow->family == 4 ? (const void *)&flow->v4.laddr : flow->v6.laddr, to,
		  sizeof(to));
	if (m->ol_flags & RTE_MBUF_F_RX_RSS_HASH)
		snprintf(hash, sizeof(hash), "the hash %08" PRIx32, m->hash.rss);
	say("device %s: a frame from %s port %u to %s port %u came to queue %u with %s and belongs "
	    "to queue %d: its connection may be another worker's",
	    w->port->name, from, ntohs(flow_rport(flow)), to, ntohs(flow_lport(flow)), w->queue,
	    hash, queue);
}

void
steer_check(struct worker *w, struct rte_mbuf *const *mbufs, uint16_t count)
{
	struct flow flow;

	if (w->port->rss.queues == 1)
		return;
	for (uint16_t i = 0; i < count; i++) {
		int queue;

		if (!steer_flow(mbufs[i], &flow))
			continue;
		queue = port_rss_queue(&w->port->rss, &flow);
		if (queue < 0 || queue == w->queue)
			continue;
		if (atomic_fetch_add_explicit(&w->misdirected, 1, memory_order_relaxed) == 0)
			report(w, mbufs[i], &flow, queue);
	}
}
