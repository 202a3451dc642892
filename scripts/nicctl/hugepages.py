# SPDX-License-Identifier: BSD-3-Clause
"""hugepages - what is reserved on each NUMA node, and what riposte needs of it."""
import re
from dataclasses import dataclass

NODES = "/sys/devices/system/node"
SYSTEM = "/sys/kernel/mm/hugepages"

# For one device riposte takes 96 MiB, nearly all of it 40,960 buffers; a NIC's driver takes its
# rings as well, and with more than 16 workers the buffers get more. Tables of connections are in
# ordinary memory (riposte --check says how much).
DEVICE_MIB = 256
NONE = "the kernel has no hugepages: its CONFIG_HUGETLBFS is off"


@dataclass
class Pool:
    """The hugepages of one size on one node; node is None where the kernel knows no nodes."""
    where: str
    node: int
    kib: int
    total: int
    free: int

    @property
    def size(self):
        return f"{self.kib >> 20} GiB" if self.kib >= 1 << 20 else f"{self.kib >> 10} MiB"

    @property
    def file(self):
        return f"{self.where}/nr_hugepages"

    @property
    def place(self):
        return "the machine" if self.node is None else f"node {self.node}"

    def pages(self, mib):
        """How many hold that much."""
        return -(-mib * 1024 // self.kib)


def pool(system, where, node):
    return Pool(where, node, int(re.search(r"hugepages-(\d+)kB", where)[1]),
                system.number(f"{where}/nr_hugepages"), system.number(f"{where}/free_hugepages"))


def pools(system):
    """All of them, by node and size."""
    nodes = sorted(int(name[4:]) for name in system.names(NODES)
                   if re.fullmatch(r"node\d+", name) and system.exists(f"{NODES}/{name}/hugepages"))
    found = [(node, f"{NODES}/node{node}/hugepages") for node in nodes] or [(None, SYSTEM)]
    return sorted((pool(system, f"{where}/{name}", node)
                   for node, where in found for name in system.names(where)
                   if re.fullmatch(r"hugepages-\d+kB", name)),
                  key=lambda each: (each.node or 0, each.kib))


def default_kib(system):
    """The size that hugetlbfs, and so DPDK, uses unless told."""
    match = re.search(r"^Hugepagesize:\s*(\d+) kB", system.text("/proc/meminfo"), re.MULTILINE)
    return int(match[1]) if match else 2048


def pool_for(system, node):
    """The pages near a device; those of the first node if it does not say where it is. None if the
    kernel has no hugepages."""
    kib = default_kib(system)
    fit = [each for each in pools(system) if each.kib == kib]
    near = [each for each in fit if each.node == node]
    return (near or fit or [None])[0]


def mounted(system, kib):
    """Is there a file system from which a program can take them?"""
    for line in system.text("/proc/mounts").splitlines():
        _, _, kind, options, *_ = [*line.split(), "", "", "", ""]
        if kind != "hugetlbfs":
            continue
        size = re.search(r"pagesize=(\d+)([KMG]?)", options)
        if not size and kib == default_kib(system):
            return True
        unit = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
        if size and int(size[1]) * unit[size[2]] == kib << 10:
            return True
    return False
