/* SPDX-License-Identifier: BSD-3-Clause */
/* oracle_reply.c - the shapes of what TCP sends. rules.md sections 2 and 3. */
#include <stdio.h>
#include <string.h>

#include "oracle.h"

#define IP4_DF 0x4000

static bool
is_host4(const uint8_t addr[4])
{
	return addr[0] != 0 && addr[0] != 127 && addr[0] < 224;
}

static bool
is_host6(const uint8_t addr[16])
{
	static const uint8_t zero[16], mapped[12] = {[10] = 0xff, [11] = 0xff};

	/* ::, ::1, ff00::/8 and ::ffff:0:0/96 are no host's. */
	if (addr[0] == 0xff || memcmp(addr, mapped, 12) == 0)
		return false;
	return memcmp(addr, zero, 15) != 0 || addr[15] > 1;
}

static bool
is_host(uint8_t family, const uint8_t *addr)
{
	return family == 4 ? is_host4(addr) : is_host6(addr);
}

static bool
is_owned(const struct oracle *o, uint8_t family, const uint8_t *addr)
{
	uint32_t addr4;

	memcpy(&addr4, addr, 4);
	return family == 4 ? addr_set_has4(o->conf->owned, addr4)
			   : addr_set_has6(o->conf->owned, addr);
}

bool
oracle_is_lawful(const struct oracle *o, const struct segment *s)
{
	return memcmp(s->to, o->conf->mac, 6) == 0 && !(s->from[0] & 1) &&
	       is_host(s->family, s->dst) && is_owned(o, s->family, s->dst) &&
	       is_host(s->family, s->src) && !is_owned(o, s->family, s->src) && s->sport != 0 &&
	       s->dport != 0;
}

/* "RST,ACK seq 1 ack 2 wnd 0 opt 8 text 0" */
static const char *
describe(const struct segment *s, char *text, size_t size)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
	int at = 0;

	for (int i = 0; i < 8; i++) {
		if (s->flags & 1 << i)
			at += snprintf(text + at, size - (size_t)at, "%s%s", at ? "," : "",
				       names[i]);
	}
	snprintf(text + at, size - (size_t)at, "%sseq %u ack %u wnd %u options %#x text %u",
		 at ? " " : "", s->seq, s->ack, s->wnd, s->options, s->text);
	return text;
}

/* A reply that breaks a rule. Always false. */
static bool
wrong(struct oracle *o, const char *rule, const struct segment *s,
      const struct oracle_trigger *trigger)
{
	char sent[128], came[128];

	oracle_about(o, rule, trigger ? trigger->segment.family : s->family,
		     trigger ? trigger->segment.src : s->dst);
	return oracle_fail(o, "%s: sent %s, port %u to %u; %s %s", rule,
			   describe(s, sent, sizeof(sent)), s->sport, s->dport,
			   trigger ? "the trigger was" : "no frame asked for it",
			   trigger ? describe(&trigger->segment, came, sizeof(came)) : "");
}

/* rules.md section 3, "IP fields of every reply", and what no reply of any kind has. Returns the
 * rule that is broken, or NULL. */
static const char *
check_fields(const struct oracle *o, const struct segment *s, const struct stack_frame *frame)
{
	if (s->length != frame->length)
		return "a reply ends where its IP datagram does";
	if (!s->plain || s->strange)
		return "a reply has no options but those of TCP that were asked for";
	if (s->reserved != 0 || s->urgent != 0)
		return "reserved bits and urgent pointer are 0";
	if (s->tos != 0 || s->label != 0 || s->ttl != o->conf->ttl)
		return "DSCP, ECN and flow label are 0, TTL is the configured one";
	if (s->family == 4 && (s->id != 0 || s->fragment != IP4_DF))
		return "DF is 1 and ID is 0";
	if (memcmp(s->from, o->conf->mac, 6) != 0)
		return "the Ethernet source is ours";
	if (!is_owned(o, s->family, s->src))
		return "the source address is ours";
	if (!is_host(s->family, s->dst) || is_owned(o, s->family, s->dst) || (s->to[0] & 1))
		return "nothing goes to a group, to ourselves or to no host";
	if (frame->lengths.l2 != 14 + 4 * s->tags ||
	    frame->lengths.l3 != (s->family == 4 ? 20 : 40) ||
	    frame->length - frame->lengths.l2 - frame->lengths.l3 - s->text != frame->lengths.l4)
		return "the lengths for the NIC are those of the headers";
	return NULL;
}

/* The way back is the way the trigger came. */
static const char *
check_way_back(const struct segment *s, const struct oracle_trigger *trigger)
{
	const struct segment *t = &trigger->segment;

	if (!trigger->lawful)
		return "what rules.md section 2 drops is not answered";
	if (memcmp(s->to, t->from, 6) != 0 || s->tags != t->tags ||
	    memcmp(s->tag, t->tag, sizeof(s->tag)) != 0)
		return "a reply goes to the trigger's Ethernet source in its VLAN";
	if (s->family != t->family || memcmp(s->src, t->dst, 16) != 0 ||
	    memcmp(s->dst, t->src, 16) != 0 || s->sport != t->dport || s->dport != t->sport)
		return "addresses and ports of a reply are the trigger's, swapped";
	return NULL;
}

/* RST_A, RST_N or RST_ABORT. */
static const char *
check_reset(const struct segment *s, const struct segment *t)
{
	if (s->text != 0)
		return "a RST has no payload";
	if (t != NULL && (t->flags & TCP_RST))
		return "RFC 9293 3.5.2: a RST is never answered with a RST";
	if (s->wnd != 0)
		return "a RST has window 0";
	if (s->flags == TCP_RST) {
		if (t == NULL || !(t->flags & TCP_ACK))
			return "RST without ACK answers a segment with ACK";
		if (s->seq != t->ack || s->ack != 0 || s->options != 0)
			return "RFC 9293 3.10.7.1: <SEQ=SEG.ACK><CTL=RST>";
		return NULL;
	}
	/* RST_ABORT carries the connection's timestamps, RST_N nothing. */
	if (s->options & ~TCP_OPT_TS)
		return "a RST has no option but timestamps";
	if (t != NULL && !(t->flags & TCP_ACK) &&
	    (s->seq != 0 || s->ack != t->seq + segment_len(t) || s->options != 0))
		return "RFC 9293 3.10.7.1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>";
	return NULL;
}

static const char *
check_syn_ack(const struct oracle *o, const struct segment *s, const struct segment *t)
{
	unsigned int headers = s->family == 4 ? 40 : 60;

	if (s->text != 0)
		return "a SYN-ACK has no payload";
	if (!(s->options & TCP_OPT_MSS) || s->mss != o->conf->mtu - headers)
		return "RFC 9293 3.7.1: a SYN-ACK announces the MTU less the fixed headers";
	if ((s->options & TCP_OPT_WSCALE) && s->wscale > 14)
		return "RFC 7323 2.3: the window scale is 14 at most";
	if ((s->options & TCP_OPT_TS) && s->tsval == 0)
		return "a SYN-ACK's TSval is not 0";
	if (t == NULL)
		return NULL;
	if ((t->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return "a SYN-ACK answers a SYN";
	if (s->ack != t->seq + 1)
		return "RFC 9293 3.10.7.2: SYN-ACK has ACK=SEG.SEQ+1";
	return NULL;
}

static const char *
check_shape(const struct oracle *o, const struct segment *s, const struct segment *t)
{
	switch (s->flags) {
	case TCP_RST:
	case TCP_RST | TCP_ACK:
		return check_reset(s, t);
	case TCP_SYN | TCP_ACK:
		return check_syn_ack(o, s, t);
	case TCP_FIN | TCP_ACK:
		if (t != NULL && (t->flags & TCP_RST))
			return "a RST draws a challenge ACK or nothing";
		break;
	case TCP_ACK:
		break;
	case TCP_ACK | TCP_PSH:
	case TCP_ACK | TCP_PSH | TCP_FIN:
		if (s->text == 0)
			return "PSH comes with text";
		break;
	default:
		return "no reply has these flags";
	}
	if (s->text > 0 && t != NULL && (t->flags & TCP_RST))
		return "a RST draws no text";
	/* rules.md section 8: SACK blocks have nothing to tell, as nothing is held. */
	if (s->options & ~TCP_OPT_TS)
		return "ACK and FIN have no option but timestamps";
	return NULL;
}

static bool
has_port(const struct listener *l, uint16_t port)
{
	for (size_t i = 0; i < l->port_count; i++) {
		if (port >= l->ports[i].first && port <= l->ports[i].last)
			return true;
	}
	return false;
}

/* How many listeners have the port, whatever their address and chance; *cookies: an ACK may prove a
 * cookie of one of them, *some: one of them may not take every connection. */
static unsigned int
listeners_on(const struct oracle *o, uint16_t port, bool *cookies, bool *some)
{
	unsigned int count = 0;

	*cookies = *some = false;
	for (unsigned int i = 0; i < o->conf->index->count; i++) {
		const struct listener *l = &o->conf->index->listeners[o->conf->index->first + i];

		if (!has_port(l, port))
			continue;
		count++;
		*cookies |= l->cookies != COOKIES_NEVER;
		*some |= l->first != 0 || l->chance != LISTENER_CHANCE_ALWAYS || l->on != NULL;
	}
	return count;
}

bool
oracle_check_first(struct oracle *o, const struct segment *reply,
		   const struct oracle_trigger *trigger)
{
	static const struct segment none;
	const struct segment *t = &trigger->segment;
	const struct segment *s = reply ? reply : &none;
	const char *rule = NULL;
	bool cookies, some, listens, reset;

	listens = listeners_on(o, t->dport, &cookies, &some) > 0;
	reset = s->flags & TCP_RST;
	if (t->flags & TCP_RST)
		rule = s->flags ? "F9: RST for no connection is not answered" : NULL;
	else if (!listens && o->conf->closed == STACK_CLOSED_DROP)
		rule = s->flags ? "closed = drop: nothing is answered" : NULL;
	else if (!listens)
		rule = reset ? NULL : "RFC 9293 3.10.7.1: where nobody listens the answer is RST";
	else if (some)
		return true;
	else if (t->flags & TCP_ACK)
		rule = reset || (cookies && !(t->flags & TCP_SYN))
			       ? NULL
			       : "RFC 9293 3.10.7.2: a listener answers an ACK with RST";
	else if (t->flags & TCP_SYN)
		rule = s->flags && s->flags != (TCP_SYN | TCP_ACK)
			       ? "RFC 9293 3.10.7.2: a listener answers a SYN with SYN-ACK"
			       : NULL;
	else
		rule = s->flags ? "RFC 9293 3.10.7.2: a listener answers nothing else" : NULL;
	return rule == NULL || wrong(o, rule, s, trigger);
}

bool
oracle_check_tcp(struct oracle *o, const struct stack_frame *frame, const struct segment *s,
		 const struct oracle_trigger *trigger)
{
	const struct segment *t = trigger ? &trigger->segment : NULL;
	struct oracle_ends ends;
	const char *rule;
	uint32_t conn;

	if (trigger != NULL && !trigger->tcp)
		return oracle_fail(o, "TCP was the answer to what is no whole TCP segment");
	o->resets += (s->flags & TCP_RST) != 0;
	if ((rule = check_fields(o, s, frame)) != NULL)
		return wrong(o, rule, s, trigger);
	if (trigger != NULL && (rule = check_way_back(s, trigger)) != NULL)
		return wrong(o, rule, s, trigger);
	if ((rule = check_shape(o, s, t)) != NULL)
		return wrong(o, rule, s, trigger);
	/* Addresses and ports of a reply are its trigger's. */
	ends = trigger != NULL ? trigger->ends : oracle_ends(o, s, false);
	conn = oracle_find_ends(o, &ends);
	/* In TIME-WAIT a SYN may meet nobody who listens; and a cookie that comes twice may open
	 * the same one again. */
	if (stack_counters(o->stack)->closed == o->before.closed && (s->flags & TCP_RST) &&
	    t != NULL && trigger->open && !(t->flags & TCP_SYN) && oracle_is_open(o, conn))
		return wrong(o, "who is reset has no connection any more", s, trigger);
	if (trigger == NULL && (s->flags & TCP_SYN))
		oracle_text_opens(o, &ends);
	if ((rule = oracle_text_check(o, s, &ends)) != NULL)
		return wrong(o, rule, s, trigger);
	if (s->flags & TCP_ACK)
		oracle_note_ack(o, s, conn);
	return true;
}
