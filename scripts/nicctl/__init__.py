# SPDX-License-Identifier: BSD-3-Clause
"""nicctl - the parts of nic: system reads what the kernel shows, netlink asks it for routes, device
knows the network devices, verdict what each of them needs, hugepages and change alter something."""
