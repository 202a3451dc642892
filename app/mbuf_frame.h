/* SPDX-License-Identifier: BSD-3-Clause */
/* mbuf_frame.h - an mbuf as the stack's frame, and a frame that the stack has written as an mbuf.
 */
#ifndef RIPOSTE_MBUF_FRAME_H
#define RIPOSTE_MBUF_FRAME_H

#include <stdint.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_mbuf_ptype.h>

#include "stack.h"

/* The NIC's word on a frame's checksums. It is believed of what the NIC says that it has parsed:
 * several drivers report "good" of whatever they did not look at, such as TCP behind an extension
 * header. NONE (both bits) is a field that was not filled in, by a sender on the same machine, with
 * data that the device vouches for. */
static inline uint8_t
frame_csum(uint64_t ol_flags, uint32_t packet_type)
{
	const uint64_t ip = ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	const uint64_t l4 = ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
	const bool is_ip4 = RTE_ETH_IS_IPV4_HDR(packet_type);
	const bool is_tcp = (packet_type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP &&
			    !RTE_ETH_IS_TUNNEL_PKT(packet_type);
	uint8_t csum = 0;

	/* It says nothing. */
	if ((ip | l4) == 0)
		return 0;
	if (is_ip4 && (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD || ip == RTE_MBUF_F_RX_IP_CKSUM_NONE))
		csum |= WIRE_IP_GOOD;
	else if (is_ip4 && ip == RTE_MBUF_F_RX_IP_CKSUM_BAD)
		csum |= WIRE_IP_BAD;
	if (is_tcp && (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD || l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE))
		csum |= WIRE_L4_GOOD;
	else if (is_tcp && l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD)
		csum |= WIRE_L4_BAD;
	return csum;
}

/* The frame in m, for the stack. One that is in several pieces, or that somebody else holds too,
 * cannot be answered in place: length 0. */
static inline void
frame_of(struct rte_mbuf *m, struct stack_frame *frame)
{
	const uint32_t room = (uint32_t)m->buf_len - m->data_off;
	const bool ours = m->nb_segs == 1 && RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 &&
			  room >= WIRE_TCP_MAX;

	frame->data = rte_pktmbuf_mtod(m, uint8_t *);
	frame->length = ours ? m->data_len : 0;
	frame->room = room;
	frame->csum = frame_csum(m->ol_flags, m->packet_type);
}

/* Makes m the mbuf of a frame that the stack has written, for a device that was asked for
 * tx_offload (WIRE_TX_...). */
static inline void
frame_to_mbuf(const struct stack_frame *frame, uint8_t tx_offload, struct rte_mbuf *m)
{
	m->data_len = (uint16_t)frame->length;
	m->pkt_len = frame->length;
	m->ol_flags = 0;
	if (!frame->tcp || tx_offload == 0)
		return;
	m->tx_offload = (uint64_t)frame->lengths.l2 << RTE_MBUF_L2_LEN_OFS |
			(uint64_t)frame->lengths.l3 << RTE_MBUF_L3_LEN_OFS |
			(uint64_t)frame->lengths.l4 << RTE_MBUF_L4_LEN_OFS;
	m->ol_flags = frame->lengths.l3 == sizeof(struct rte_ipv4_hdr) ? RTE_MBUF_F_TX_IPV4
								       : RTE_MBUF_F_TX_IPV6;
	if ((tx_offload & WIRE_TX_IP) && (m->ol_flags & RTE_MBUF_F_TX_IPV4))
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
	if (tx_offload & WIRE_TX_TCP)
		m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM;
}

#endif
