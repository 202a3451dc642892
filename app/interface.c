/* SPDX-License-Identifier: BSD-3-Clause */
/* interface.c - the kernel's interface below a software device. */
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interface.h"

uint16_t
interface_mtu(unsigned int if_index, uint16_t most)
{
	struct ifreq request = {0};
	int s;

	if (if_index == 0 || if_indextoname(if_index, request.ifr_name) == NULL)
		return most;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0 || ioctl(s, SIOCGIFMTU, &request) != 0)
		request.ifr_mtu = most;
	if (s >= 0)
		close(s);
	return request.ifr_mtu < most ? (uint16_t)request.ifr_mtu : most;
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
