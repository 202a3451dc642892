/* SPDX-License-Identifier: BSD-3-Clause */
/* interface.c - the kernel's interface below a software device. */
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interface.h"

/* Asks the kernel one of SIOCGIF...; false if it does not say. */
static bool
ask(unsigned int if_index, unsigned long question, struct ifreq *answer)
{
	bool answered;
	int s;

	*answer = (struct ifreq){0};
	if (if_index == 0 || if_indextoname(if_index, answer->ifr_name) == NULL)
		return false;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return false;
	answered = ioctl(s, question, answer) == 0;
	close(s);
	return answered;
}

uint16_t
interface_mtu(unsigned int if_index, uint16_t most)
{
	struct ifreq answer;

	return ask(if_index, SIOCGIFMTU, &answer) && answer.ifr_mtu < most
		       ? (uint16_t)answer.ifr_mtu
		       : most;
}

bool
interface_is_running(unsigned int if_index)
{
	struct ifreq answer;

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
