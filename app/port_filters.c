/* SPDX-License-Identifier: BSD-3-Clause */
/* port_filters.c - whose frames a device receives. */
#include <errno.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>

#include "interface.h"
#include "port_internal.h"
#include "say.h"

/* Neighbour solicitations come to group addresses, and more of them than any filter holds. */
static void
receive_groups(struct port *p, bool is_virtual)
{
	int error = rte_eth_allmulticast_enable(p->id);

	if (error == 0)
		return;
	/* A file or another program's memory filters nothing. */
	if (error == -ENOTSUP && is_virtual && p->if_index == 0)
		return;
	if (p->if_index != 0) {
		p->groups = error = interface_receive_groups(p->if_index);
		if (error >= 0)
			return;
	}
	say("warning: device %s does not receive all group addresses (%s), so neighbours may not "
	    "find IPv6 addresses; promiscuous = yes would be right",
	    p->name, rte_strerror(-error));
}

static void
become_promiscuous(struct port *p)
{
	int error;

	if (rte_eth_promiscuous_get(p->id) == 1)
		return;
	error = rte_eth_promiscuous_enable(p->id);
	p->promiscuous = error == 0;
	if (error != 0)
		say("warning: device %s does not become promiscuous: %s", p->name,
		    rte_strerror(-error));
}

void
port_set_filters(struct port *p, const struct port_orders *orders,
		 const struct rte_eth_dev_info *info)
{
	if (orders->promiscuous)
		become_promiscuous(p);
	else if (orders->ipv6)
		receive_groups(p, strcmp(rte_bus_name(rte_dev_bus(info->device)), "vdev") == 0);
}
