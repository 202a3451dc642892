/* SPDX-License-Identifier: BSD-3-Clause */
/* sim_plan.c - who the clients of a scenario are and what they want. */
#include <string.h>

#include "sim.h"

#define SECOND       UINT64_C(1000000)
#define DELAY_ACK_US 150000

/* Up to limit, and mostly little. */
static uint32_t
some_bytes(struct sim *s, uint32_t limit)
{
	static const uint32_t most[] = {0, 10, 600, 5000, 20000};
	uint32_t up_to = most[sim_below(s, 5)];

	if (sim_chance(s, 100))
		return 4096;
	return sim_below(s, (up_to < limit ? up_to : limit) + 1) & ~1u;
}

static void
plan_way(struct sim *s, struct client *c)
{
	static const uint16_t tpids[] = {0x8100, 0x88a8, 0x9100};
	struct segment *w = &c->way;

	memcpy(w->to, host_mac, 6);
	w->from[0] = 0x02;
	segment_put32(w->from + 2, 0x10000 + c->number);
	w->tags = sim_chance(s, 700) ? 0 : (uint8_t)(1 + sim_below(s, 2));
	for (int i = 0; i < w->tags; i++) {
		w->tag[i].tpid = tpids[sim_below(s, 3)];
		w->tag[i].tci = (uint16_t)sim_below(s, 65536);
	}
	w->family = sim_below(s, 2) ? 4 : 6;
	host_client_address(w->family, c->number, w->src);
	host_address(w->family, sim_below(s, 256), w->dst);
	w->ttl = (uint8_t)(1 + sim_below(s, 255));
	w->tos = (uint8_t)sim_below(s, 256);
	w->id = (uint16_t)sim_below(s, 65536);
	w->fragment = sim_below(s, 2) ? 0x4000 : 0;
	w->label = sim_below(s, 1u << 20);
	w->extra = sim_chance(s, 700) ? 0 : (uint8_t)sim_below(s, w->family == 4 ? 11 : 4);
	w->sport = (uint16_t)(1024 + sim_below(s, 64512));
	w->dport = host_port(c->plan.row);
}

unsigned int
sim_row(struct sim *s)
{
	const char *const *rows = s->scenario->rows;
	unsigned int count = 0;

	while (count < SIM_ROWS && rows[count] != NULL)
		count++;
	return count ? host_row_named(rows[sim_below(s, count)]) : sim_below(s, host_row_count + 1);
}

static void
plan_options(struct sim *s, struct client_plan *p)
{
	p->options = (uint8_t)((sim_chance(s, 800) ? TCP_OPT_MSS : 0) |
			       (sim_below(s, 2) ? TCP_OPT_WSCALE : 0) |
			       (sim_below(s, 2) ? TCP_OPT_SACK_OK : 0) |
			       (sim_below(s, 2) ? TCP_OPT_TS : 0));
	p->mss = sim_chance(s, 100) ? (uint16_t)sim_below(s, 100)
				    : (uint16_t)(536 + sim_below(s, 925));
	p->wscale = (uint8_t)sim_below(s, sim_chance(s, 100) ? 256 : 15);
	p->wnd = (uint16_t)(1000 + sim_below(s, 64536));
	/* Not so large that text of long ago would fit. */
	if (p->wscale > 5)
		p->wnd = (uint16_t)(1 + (2000000u >> (p->wscale < 14 ? p->wscale : 14)));
	/* Where nothing comes in order, one who holds nothing waits for RTO again and again. */
	p->holds = sim_below(s, 2) || s->network.faults.jitter_us > 0;
	p->delay_ack_us = sim_below(s, 2) ? 0 : 1000 + sim_below(s, DELAY_ACK_US);
	if (sim_chance(s, 300))
		p->read_every_us = 1000 + sim_below(s, 300000);
}

/* Those who do not leave by the book; on a listener that waits for ever, nobody may vanish. */
static void
plan_fate(struct sim *s, struct client_plan *p, uint64_t start)
{
	const struct host_row *row = &host_rows[p->row];
	bool listens = p->row < host_row_count;
	bool never = listens && row->up_to == HOST_NEVER;

	if (!never && !sim_chance(s, s->scenario->failing))
		return;
	p->fate = CLIENT_ABORTS;
	if (listens && row->ends_alone)
		p->fate = (uint8_t)(CLIENT_ABORTS + sim_below(s, 3));
	p->fate_at = start + (never ? 5 * SECOND : 0) + sim_below(s, never ? 15000000 : 1000000);
	if (sim_chance(s, 300) && !never)
		p->fate_at = start + sim_below(s, 3 * s->network.faults.delay_us + 10);
}

static void
plan_times(struct sim *s, struct client_plan *p, uint64_t start)
{
	uint64_t hold_until = s->start + s->scenario->hold_until_s * SECOND;

	if (hold_until > start) {
		p->bytes += 200;
		p->hold_offset = p->bytes / 2 & ~1u;
		p->hold_until = hold_until + sim_below(s, 1000000);
	}
	/* At once, after a while, or once the server has closed (or never will). */
	switch (sim_below(s, 5)) {
	case 0:
	case 1:
		break;
	case 2:
	case 3:
		p->fin_at = start + sim_below(s, 3000000);
		break;
	default:
		p->fin_at = start + 35 * SECOND;
		break;
	}
	if (sim_chance(s, 100))
		p->shut_until = start + 1 + sim_below(s, 20000000);
}

/* The rounds whose outcome is certain: all of them on a good cable. On a bad one the first, as
 * later ones meet segments of those before; and none with cookies, where the final ACK is not asked
 * for again if it is lost, and whatever comes without it draws RST. */
static unsigned int
firm_rounds(const struct sim *s, const struct client_plan *p)
{
	if (s->scenario->loose || (p->fate != CLIENT_LAWFUL && s->scenario->failing))
		return 0;
	if (!sim_is_bad_cable(s))
		return UINT32_MAX;
	return sim_may_get_cookie(s, p->row) ? 0 : 1;
}

/* enum sim_lie. */
static void
deceive(const struct sim *s, struct client *c, uint64_t start)
{
	bool vanishes = s->scenario->lie == SIM_LIE_VANISH;

	c->plan.row = host_row_named(vanishes ? "hangs" : "aborts");
	c->way.dport = host_port(c->plan.row);
	c->plan.fate = vanishes ? CLIENT_VANISHES : CLIENT_LAWFUL;
	c->plan.fate_at = start + 2 * SECOND;
	c->plan.firm = !vanishes;
	c->plan.bytes = 90;
	c->plan.chunk = 30;
	if (!vanishes)
		c->plan.row = host_row_named("sink");
}

void
sim_plan_client(struct sim *s, struct client *c, uint32_t number)
{
	uint64_t start = s->start + sim_below(s, (uint32_t)s->scenario->starts_within + 1);
	struct client_plan *p = &c->plan;
	const struct host_row *row;
	bool small;

	c->number = number;
	p->row = sim_row(s);
	row = &host_rows[p->row];
	small = p->row < host_row_count && row->receive_buffer != 0 && row->receive_buffer < 500;
	plan_way(s, c);
	plan_options(s, p);
	p->bytes = some_bytes(s, small ? 1000 : 20000);
	plan_times(s, p, start);
	p->chunk = (2 + p->bytes / 40 + sim_below(s, 1400 - p->bytes / 40)) & ~1u;
	p->flight = 1 + sim_below(s, 10);
	p->fin_with_text = sim_below(s, 2);
	plan_fate(s, p, start);
	p->rounds = 1 + sim_below(s, s->scenario->max_rounds);
	p->firm = firm_rounds(s, p);
	/* Nothing is lost, and there is room in the accept queue. */
	if (!s->scenario->loose && !sim_is_bad_cable(s) &&
	    s->scenario->closed == STACK_CLOSED_RESET &&
	    (p->row == host_row_count || row->backlog == 0))
		p->answered = UINT32_MAX;
	if (s->scenario->lie != SIM_TRUTH && number == SIM_LIAR)
		deceive(s, c, start);
	client_init(c, s, number, start);
}
