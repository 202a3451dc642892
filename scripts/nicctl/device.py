# SPDX-License-Identifier: BSD-3-Clause
"""device - the network devices on the PCI buses, as sysfs shows them."""
import gzip
import json
import os
import re

PCI = "/sys/bus/pci/devices"
NET = "/sys/class/net"
GROUPS = "/sys/kernel/iommu_groups"
ADDRESS = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[01][0-9a-f]\.[0-7])", re.IGNORECASE)
PCI_IDS = ("/usr/share/misc/pci.ids", "/usr/share/misc/pci.ids.gz", "/usr/share/hwdata/pci.ids")
USERSPACE = ("vfio-pci", "uio_pci_generic", "igb_uio")
# A device that the kernel uses hinders the others of its group; these drivers do not use theirs.
HARMLESS = ("vfio-pci", "pci-stub", "pcieport")
FREE = (*USERSPACE, "pci-stub")  # what these have, the kernel makes no interface of
BIFURCATED = ("mlx4_core", "mlx5_core")  # DPDK's drivers work beside these, not instead of them
ANY = 0xffff


def address(text):
    """A PCI address in full, from one with or without its domain; None if it is none."""
    match = ADDRESS.fullmatch(text)
    return f"{match[1] or '0000'}:{match[2]}".lower() if match else None


class Device:
    """One PCI device. What does not change while we look is read once."""

    def __init__(self, system, pci):
        self.system = system
        self.pci = pci
        self.where = f"{PCI}/{pci}"
        self.vendor, self.device, self.subvendor, self.subdevice = (
            int(system.text(f"{self.where}/{name}") or "0", 16)
            for name in ("vendor", "device", "subsystem_vendor", "subsystem_device"))
        self.kind = system.text(f"{self.where}/class").removeprefix("0x")
        node = system.number(f"{self.where}/numa_node", -1)
        self.node = node if node >= 0 else None
        self.group = system.target(f"{self.where}/iommu_group")
        self.functions = system.number(f"{self.where}/sriov_numvfs")

    @property
    def driver(self):
        """Now: it is what we change."""
        return self.system.target(f"{self.where}/driver")

    @property
    def module(self):
        """The driver's, which has to be loaded to give the device back; None if it is built in."""
        return self.system.target(f"{self.where}/driver/module")

    def is_network(self):
        return self.kind.startswith("02")

    def interfaces(self):
        """The kernel's interfaces on it, in our network namespace."""
        return [name for name in self.system.names(NET) if pci_of(self.system, name) == self.pci]

    def has_unclaimed_part(self):
        """A virtio device of which no driver has made anything."""
        return any(name.startswith("virtio")
                   and not self.system.exists(f"{self.where}/{name}/driver")
                   for name in self.system.names(self.where))

    def no_iommu(self):
        """vfio's mode without protection: it makes up a group."""
        return self.system.text(f"{GROUPS}/{self.group}/name") == "vfio-noiommu"

    def group_mates(self):
        return [name for name in self.system.names(f"{GROUPS}/{self.group}/devices")
                if self.group and name != self.pci]

    def users(self):
        """The processes that have it, through vfio."""
        if self.group is None:
            return []
        prefix = "noiommu-" if self.no_iommu() else ""
        return self.system.holders(f"/dev/vfio/{prefix}{self.group}")


def pci_of(system, interface):
    """The PCI address of an interface's device, None if it has none. Between the two there may be
    another, as with virtio."""
    if not system.exists(f"{NET}/{interface}/device"):
        return None
    path = system.real(f"{NET}/{interface}/device")
    while path not in ("/", ""):
        path, last = os.path.split(path)
        if address(last) == last:
            return last
    return None


def devices(system):
    """All network devices, in the order of their addresses."""
    found = (Device(system, pci) for pci in system.names(PCI))
    return [device for device in found if device.is_network()]


class Names:
    """What vendors call their devices, by the file that lspci has it from."""

    def __init__(self, system):
        self.vendors, self.devices = {}, {}
        vendor = None
        for line in self._lines(system):
            if match := re.match(r"([0-9a-f]{4})  (.+)", line):
                vendor = int(match[1], 16)
                self.vendors[vendor] = match[2].strip()
            elif match := re.match(r"\t([0-9a-f]{4})  (.+)", line):
                self.devices[vendor, int(match[1], 16)] = match[2].strip()
            elif line.startswith("C "):  # classes, the file's last part
                break

    @staticmethod
    def _lines(system):
        for name in PCI_IDS:
            opener = gzip.open if name.endswith(".gz") else open
            try:
                with opener(system.path(name), "rt", encoding="utf-8", errors="replace") as file:
                    return file.readlines()
            except OSError:
                continue
        return []

    def of(self, device):
        """As "Intel Corporation 82599ES ... [8086:10fb]", or as much of it as is known."""
        words = [self.vendors.get(device.vendor), self.devices.get((device.vendor, device.device)),
                 numbers(device)]
        return " ".join(word for word in words if word)


def numbers(device):
    return f"[{device.vendor:04x}:{device.device:04x}]"


class Drivers:
    """The devices that DPDK's drivers know: each says so in its file, as dpdk-pmdinfo.py shows."""

    def __init__(self, system):
        self.known = set()
        self.found = False
        files = set()
        for base in ("/usr/lib", "/usr/local/lib"):
            for pattern in ("dpdk/pmds-*", "*/dpdk/pmds-*"):
                for directory in system.path(base).glob(pattern):
                    files |= {os.path.realpath(file) for file in directory.glob("librte_net_*.so*")}
        for file in files:
            try:
                with open(file, "rb") as opened:
                    self._add(opened.read())
            except OSError:
                continue
            self.found = True

    def _add(self, content):
        for match in re.finditer(rb"PMD_INFO_STRING= (\{[^\0]*\})", content):
            try:
                self.known |= set(map(tuple, json.loads(match[1]).get("pci_ids", [])))
            except (ValueError, AttributeError, TypeError):
                continue

    def know(self, device):
        """True as well where there is nothing to know it from."""
        return not self.found or any(
            (device.vendor, device.device, subvendor, subdevice) in self.known
            for subvendor in (ANY, device.subvendor) for subdevice in (ANY, device.subdevice))
