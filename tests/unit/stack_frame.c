/* SPDX-License-Identifier: BSD-3-Clause */
/* stack_frame.c - the frames of stack_harness.h, byte by byte. Shares no code with lib. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "stack_harness.h"

#define OURS(FAMILY) ((FAMILY) == 4 ? FRAME_US4 : FRAME_US6)

/* TCP options in the order that hosts use; returns their length. */
static size_t
put_options(const struct stack_peer *from, const struct stack_rx *rx, uint8_t *p)
{
	bool syn = rx->flags & SYN || rx->syn_options;
	bool ts = from->syn_options & TCP_OPT_TS && !rx->no_ts;
	uint8_t *start = p;
	int i;

	if (syn && from->syn_options & TCP_OPT_MSS) {
		*p++ = 2;
		*p++ = 4;
		*p++ = (uint8_t)(from->mss >> 8);
		*p++ = (uint8_t)from->mss;
	}
	if (syn && from->syn_options & TCP_OPT_SACK_OK) {
		*p++ = 4;
		*p++ = 2;
	}
	if (ts) {
		*p++ = 8;
		*p++ = 10;
		for (i = 24; i >= 0; i -= 8)
			*p++ = (uint8_t)(from->tsval >> i);
		for (i = 24; i >= 0; i -= 8)
			*p++ = (uint8_t)(rx->flags & ACK ? from->tsecr >> i : 0);
	}
	if (syn && from->syn_options & TCP_OPT_WSCALE) {
		*p++ = 3;
		*p++ = 3;
		*p++ = from->wscale;
	}
	while ((p - start) % 4)
		*p++ = 1;
	return (size_t)(p - start);
}

static void
set32(struct frame *f, uint32_t at, uint32_t value)
{
	frame_set16(f, at, value >> 16);
	frame_set16(f, at + 2, value & 0xffff);
}

void
stack_frame_make(const struct stack_peer *from, const struct stack_rx *rx,
		 struct stack_frame *frame)
{
	uint8_t options[40];
	struct frame f;
	uint32_t i;

	frame_start(&f, FRAME_US_MAC, from->mac);
	for (i = 0; i < from->tags; i++)
		frame_tag(&f, from->tpid[i], from->tci[i]);
	frame_ip(&f, from->family, 6);
	f.data[frame_src(&f) + frame_addr_size(&f) - 1] = from->address;
	f.data[frame_dst(&f) + frame_addr_size(&f) - 1] = from->local;
	frame_tcp(&f, rx->flags, options, put_options(from, rx, options));
	frame_set16(&f, f.l4, from->port);
	frame_set16(&f, f.l4 + 2, from->lport);
	set32(&f, f.l4 + 4, rx->seq);
	set32(&f, f.l4 + 8, rx->ack);
	frame_set16(&f, f.l4 + 14, from->wnd);
	for (i = 0; i < rx->text; i++)
		frame_put8(&f, rx->bytes ? ((const uint8_t *)rx->bytes)[i] : i & 0xff);
	frame_finish(&f);

	frame->length = f.length;
	frame->room = f.length > WIRE_TCP_MAX ? f.length : WIRE_TCP_MAX;
	frame->room = frame->room > rx->room ? frame->room : rx->room;
	frame->data = malloc(frame->room);
	assert_non_null(frame->data);
	memcpy(frame->data, f.data, f.length);
}

/* Ethernet and tags; returns the offset behind them. */
static uint32_t
read_l2(struct story_where where, const struct frame *f, struct stack_peer *to)
{
	uint32_t at = 12;

	memcpy(to->mac, f->data, 6);
	story_same(where, "Ethernet source is ours", 0,
		   (uint64_t) !!memcmp(f->data + 6, FRAME_US_MAC, 6));
	while (frame_get16(f, at) == 0x8100 || frame_get16(f, at) == 0x88a8) {
		story_true(where, "two tags at most", to->tags < 2);
		to->tpid[to->tags] = (uint16_t)frame_get16(f, at);
		to->tci[to->tags++] = (uint16_t)frame_get16(f, at + 2);
		at += 4;
	}
	to->family = frame_get16(f, at) == 0x0800 ? 4 : 6;
	story_same(where, "EtherType", to->family == 4 ? 0x0800 : 0x86dd, frame_get16(f, at));
	return at + 2;
}

/* rules.md section 3, "IP fields of every reply". */
static void
read_ip(struct story_where where, struct frame *f, struct stack_peer *to)
{
	uint32_t size = frame_addr_size(f);

	if (f->family == 4) {
		story_same(where, "version, IHL, DSCP, ECN", 0x4500, frame_get16(f, f->l3));
		story_same(where, "total length", f->length - f->l3, frame_get16(f, f->l3 + 2));
		story_same(where, "identification", 0, frame_get16(f, f->l3 + 4));
		story_same(where, "DF alone", 0x4000, frame_get16(f, f->l3 + 6));
		story_same(where, "TTL, TCP", 64 << 8 | 6, frame_get16(f, f->l3 + 8));
		if (w.conf.tx_offload & WIRE_TX_IP)
			story_same(where, "IPv4 checksum left out", 0, frame_get16(f, f->l3 + 10));
		else
			story_same(where, "IPv4 header sum", 0xffff,
				   frame_sum(0, f->data + f->l3, 20));
	} else {
		story_same(where, "version, class", 0x600, frame_get16(f, f->l3) >> 4);
		story_same(where, "payload length", f->length - f->l4, frame_get16(f, f->l3 + 4));
		story_same(where, "TCP, hop limit", 6 << 8 | 64, frame_get16(f, f->l3 + 6));
	}
	story_same(where, "source prefix is ours", 0,
		   (uint64_t) !!memcmp(f->data + frame_src(f), OURS(f->family), size - 1));
	story_same(where, "destination prefix", 0,
		   (uint64_t) !!memcmp(f->data + frame_dst(f), OURS(f->family), size - 1));
	to->local = f->data[frame_src(f) + size - 1];
	to->address = f->data[frame_dst(f) + size - 1];
}

/* The TCP checksum, or what a NIC begins it with: the pseudo header's sum. */
static void
read_sum(struct story_where where, const struct frame *f)
{
	uint8_t tail[4] = {(uint8_t)((f->length - f->l4) >> 8), (uint8_t)(f->length - f->l4), 0, 6};
	uint16_t sum = frame_sum(0, f->data + frame_src(f), 2 * frame_addr_size(f));

	if (w.conf.tx_offload & WIRE_TX_TCP)
		story_same(where, "pseudo header's sum", frame_sum(sum, tail, 4),
			   frame_get16(f, f->l4 + 16));
	else
		story_same(where, "TCP sum", 0xffff, frame_l4_sum(f, f->length - f->l4));
}

/* Options that riposte may send, each once. */
static void
read_options(struct story_where where, const struct frame *f, uint32_t at, uint32_t end,
	     struct stack_sent *sent)
{
	struct tcp_reply *r = &sent->segment;
	unsigned int count = 0;

	while (at < end) {
		uint8_t kind = f->data[at];
		uint8_t bit = 0;

		if (kind == 0)
			return;
		if (kind == 1) {
			at++;
			continue;
		}
		switch (kind) {
		case 2:
			bit = TCP_OPT_MSS;
			r->mss = (uint16_t)frame_get16(f, at + 2);
			break;
		case 3:
			bit = TCP_OPT_WSCALE;
			r->wscale = f->data[at + 2];
			break;
		case 4:
			bit = TCP_OPT_SACK_OK;
			break;
		case 8:
			bit = TCP_OPT_TS;
			r->tsval = frame_get32(f, at + 2);
			r->tsecr = frame_get32(f, at + 6);
			break;
		default:
			story_fail(where, "TCP option %u came out", kind);
		}
		story_true(where, "each option once", !(r->options & bit));
		r->options |= bit;
		sent->option_order[count++] = kind;
		at += f->data[at + 1];
	}
	story_same(where, "options end where the header does", end, at);
}

void
stack_frame_read(struct story_where where, const struct stack_frame *frame, struct stack_sent *sent)
{
	struct tcp_reply *r = &sent->segment;
	struct frame f = {.length = frame->length, .protocol = 6};
	uint32_t header;

	story_true(where, "54 bytes at least and 2048 at most",
		   frame->length >= 54 && frame->length <= FRAME_MAX);
	memcpy(f.data, frame->data, frame->length);
	memset(sent, 0, sizeof(*sent));
	f.l3 = read_l2(where, &f, &sent->to);
	f.family = sent->to.family;
	f.l4 = f.l3 + (f.family == 4 ? 20 : 40);
	read_ip(where, &f, &sent->to);
	read_sum(where, &f);
	sent->to.lport = (uint16_t)frame_get16(&f, f.l4);
	sent->to.port = (uint16_t)frame_get16(&f, f.l4 + 2);
	r->seq = frame_get32(&f, f.l4 + 4);
	r->ack = frame_get32(&f, f.l4 + 8);
	header = (uint32_t)(f.data[f.l4 + 12] >> 4) * 4;
	story_true(where, "no longer than the MTU", f.length - f.l3 <= w.conf.mtu);
	story_true(where, "a TCP header", header >= 20 && header <= f.length - f.l4);
	r->text = (uint16_t)(f.length - f.l4 - header);
	memcpy(sent->text, f.data + f.l4 + header, r->text);
	story_same(where, "reserved bits", 0, f.data[f.l4 + 12] & 0x0f);
	r->flags = f.data[f.l4 + 13];
	r->wnd = (uint16_t)frame_get16(&f, f.l4 + 14);
	story_same(where, "urgent pointer", 0, frame_get16(&f, f.l4 + 18));
	read_options(where, &f, f.l4 + 20, f.l4 + header, sent);
	story_true(where, "marked as TCP", frame->tcp);
	story_same(where, "lengths.l2", f.l3, frame->lengths.l2);
	story_same(where, "lengths.l3", f.l4 - f.l3, frame->lengths.l3);
	story_same(where, "lengths.l4", header, frame->lengths.l4);
}
