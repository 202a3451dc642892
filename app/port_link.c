/* SPDX-License-Identifier: BSD-3-Clause */
/* port_link.c - what a device says of its link and of frames that it had no room for. */
#include <pthread.h>
#include <stdio.h>

#include "interface.h"
#include "port_internal.h"
#include "say.h"

/* Two threads ask, and some devices answer both questions in one register. */
static pthread_mutex_t registers = PTHREAD_MUTEX_INITIALIZER;

const char *
port_link(const struct port *p, bool *up, char text[PORT_LINK_TEXT])
{
	struct rte_eth_link link = {0};

	pthread_mutex_lock(&registers);
	*up = rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
	pthread_mutex_unlock(&registers);
	/* net_af_packet says up whatever its interface says. */
	if (p->if_index != 0 && !interface_is_running(p->if_index))
		*up = false;
	if (!*up)
		return "down";
	if (link.link_speed == RTE_ETH_SPEED_NUM_NONE ||
	    link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		return "up";
	snprintf(text, PORT_LINK_TEXT, "up, %g Gbit/s%s", link.link_speed / 1000.0,
		 link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX ? "" : ", half duplex");
	return text;
}

void
port_watch_link(struct port *p)
{
	char text[PORT_LINK_TEXT];
	bool up;
	const char *link = port_link(p, &up, text);

	if (up != p->link_up)
		say("device %s: link %s", p->name, link);
	p->link_up = up;
}

uint64_t
port_missed(const struct port *p)
{
	struct rte_eth_stats stats;
	int error;

	if (!p->started)
		return p->missed;
	pthread_mutex_lock(&registers);
	error = rte_eth_stats_get(p->id, &stats);
	pthread_mutex_unlock(&registers);
	return error != 0 ? p->missed : stats.imissed + stats.rx_nombuf;
}
