/* SPDX-License-Identifier: BSD-3-Clause */
/* interface.c - the kernel's interface below a software device. */
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interface.h"

/* One of the kernel's SIOCGIF... and SIOCSIF..., about the interface that request is given the name
 * of; false if it does not say or do it. */
static bool
ask(unsigned int if_index, unsigned long what, struct ifreq *request)
{
	bool done;
	int s;

	if (if_index == 0 || if_indextoname(if_index, request->ifr_name) == NULL)
		return false;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return false;
	done = ioctl(s, what, request) == 0;
	close(s);
	return done;
}

uint16_t
interface_mtu(unsigned int if_index, uint16_t most)
{
	struct ifreq answer = {0};

	return ask(if_index, SIOCGIFMTU, &answer) && answer.ifr_mtu < most
		       ? (uint16_t)answer.ifr_mtu
		       : most;
}

void
interface_set_mtu(unsigned int if_index, uint16_t mtu)
{
	struct ifreq request = {.ifr_mtu = mtu};

	(void)ask(if_index, SIOCSIFMTU, &request);
}

bool
interface_is_running(unsigned int if_index)
{
	struct ifreq answer = {0};

	return !ask(if_index, SIOCGIFFLAGS, &answer) || (answer.ifr_flags & IFF_RUNNING);
}

int
interface_receive_groups(unsigned int if_index)
{
	const struct packet_mreq all = {
		.mr_ifindex = (int)if_index,
		.mr_type = PACKET_MR_ALLMULTI,
	};
	/* Protocol 0: it hears nothing itself. */
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (s < 0)
		return -errno;
	if (setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) != 0) {
		int error = -errno;

		close(s);
		return error;
	}
	return s;
}
