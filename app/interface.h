/* SPDX-License-Identifier: BSD-3-Clause */
/* interface.h - the kernel's interface that a software device stands on, as far as the device
 * itself does not know it. */
#ifndef RIPOSTE_INTERFACE_H
#define RIPOSTE_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

/* Its MTU; most where there is no interface (if_index 0), or it has more. */
uint16_t interface_mtu(unsigned int if_index, uint16_t most);

/* Gives it that MTU, if it takes it. */
void interface_set_mtu(unsigned int if_index, uint16_t mtu);

/* Lets it receive what is sent to any group address, until the descriptor that is returned is
 * closed; a negative errno. */
int interface_receive_groups(unsigned int if_index);

/* Is it up, and connected? True if the kernel does not say. */
bool interface_is_running(unsigned int if_index);

#endif
