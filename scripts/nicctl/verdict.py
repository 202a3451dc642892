# SPDX-License-Identifier: BSD-3-Clause
"""verdict - what stands between a network device and riposte: what `list` says of each, and what
`bind` refuses."""
import ipaddress

from nicctl import netlink
from nicctl.device import BIFURCATED, FREE, HARMLESS, NET, Device, Drivers, numbers


class Uses:
    """What the kernel's interfaces are good for at this moment."""

    def __init__(self, system):
        self.system = system
        self.default, self.routes, self.addresses = set(), {}, {}
        for route in netlink.routes():
            if route.to is None:
                self.default.add(route.interface)
            elif not (route.to.is_link_local or route.to.is_multicast):
                self.routes.setdefault(route.interface, set()).add(str(route.to))
        for interface, address in netlink.addresses():
            self.addresses.setdefault(interface, set()).add(str(address))
        self.login = system.login_addresses()

    def above(self, interface):
        """The interfaces that stand on this one: bonds, bridges, teams, VLANs, and theirs."""
        found, left = [], [interface]
        while left:
            name = left.pop(0)
            up = {entry.removeprefix("upper_") for entry in self.system.names(f"{NET}/{name}")
                  if entry.startswith("upper_")}
            new = sorted(up - {interface, *found})
            found += new
            left += new
        return found

    def login_on(self, interface):
        return sorted(self.login & self.addresses.get(interface, set()))

    def of(self, interface):
        """Why the kernel cannot spare the interface, in a few words, and what to do; None if it
        can."""
        above = self.above(interface)
        for name in (interface, *above):
            through = f" through {name}" if name != interface else ""
            if own := self.login_on(name):
                return f"{interface} carries your login session{through} ({own[0]}): leave it"
            if name in self.default:
                return f"{interface} carries the default route{through}: leave it"
        if above:
            return f"{interface} is part of {above[0]}, which would lose it: undo that first"
        own = sorted(address for address in self.addresses.get(interface, ())
                     if not ipaddress.ip_address(address).is_link_local)
        if own:
            return (f"{interface} has the address {own[0]}, which would be lost: ip address flush "
                    f"dev {interface} first, and see to it that it does not come back")
        if routes := sorted(self.routes.get(interface, ())):
            return (f"{interface} has the route to {routes[0]}, which would be lost: ip route "
                    f"flush dev {interface} first")
        return None


class Verdicts:
    """What is to be said of each device."""

    def __init__(self, system):
        self.system = system
        self.uses = Uses(system)
        self.drivers = Drivers(system)

    def in_the_way(self, device, together=()):
        """Which others of its IOMMU group the kernel uses; None if none, but for those that are to
        be bound together with it."""
        mates = [Device(self.system, pci) for pci in device.group_mates() if pci not in together]
        if not (used := [mate for mate in mates if mate.driver and mate.driver not in HARMLESS]):
            return None
        all_of_it = all(mate.is_network() for mate in used)
        return (f"it shares its IOMMU group {device.group} with "
                f"{', '.join(f'{mate.pci} ({mate.driver})' for mate in used)}, which the kernel "
                f"uses: {'bind all of them in one command, or ' if all_of_it else ''}put the card "
                "into another slot")

    def no_iommu(self):
        """What to do for an IOMMU."""
        line = self.system.text("/proc/cmdline").split()
        cpu = self.system.text("/proc/cpuinfo")
        if "hypervisor" in cpu.split():
            return "no IOMMU: give this virtual machine one (vIOMMU), then intel_iommu=on or " \
                   "iommu=pt on its kernel's command line"
        if "AuthenticAMD" in cpu:
            return "no IOMMU: AMD-Vi (IOMMU) on in the BIOS, iommu=pt on the kernel's " \
                   "command line"
        if "intel_iommu=on" in line:
            return "no IOMMU, though intel_iommu=on is on the kernel's command line: VT-d on in " \
                   "the BIOS"
        return "no IOMMU: intel_iommu=on iommu=pt on the kernel's command line, VT-d on in the BIOS"

    def of_kernel(self, device):
        """Why the kernel cannot spare the device; None if it can."""
        interfaces = device.interfaces()
        for interface in interfaces:
            if why := self.uses.of(interface):
                return why
        if device.functions:
            return (f"its {device.functions} virtual functions would be lost: echo 0 "
                    f">{device.where}/sriov_numvfs first")
        if device.driver and device.driver not in FREE and not interfaces \
                and not device.has_unclaimed_part():
            return (f"{device.driver} has it and there is no interface of it here: another network "
                    "namespace may use it; bring that back first")
        return None

    def against_binding(self, device, together=()):
        """Why it must not be bound to vfio-pci; None if it may be."""
        if why := self.of_kernel(device):
            return why
        if device.driver in BIFURCATED:
            return (f"it stays with {device.driver}, DPDK's driver works beside it: riposte "
                    f"-a {device.pci}, with nothing bound")
        if any(self.system.exists(f"{NET}/{name}/phy80211") for name in device.interfaces()):
            return "it is a wireless device, which DPDK does not drive"
        if not self.drivers.know(device):
            return f"no DPDK driver that is installed knows {numbers(device)}"
        if device.group is None or device.no_iommu():
            return self.no_iommu()
        return self.in_the_way(device, together)

