# SPDX-License-Identifier: BSD-3-Clause
"""listing - the network devices, what riposte needs of each, and the hugepages."""
import os

from nicctl import hugepages, state
from nicctl.change import VFIO
from nicctl.device import NET, USERSPACE, Names, devices
from nicctl.verdict import Verdicts


class Listing:
    def __init__(self, system, program):
        self.system = system
        self.program = program  # how we were called
        self.names = Names(system)
        self.verdicts = Verdicts(system)

    def json(self):
        pools = [{"node": pool.node, "page_kib": pool.kib, "total": pool.total, "free": pool.free,
                  "mounted": hugepages.mounted(self.system, pool.kib)}
                 for pool in hugepages.pools(self.system)]
        return {"devices": [self.device(device) for device in devices(self.system)],
                "hugepages": pools}

    def device(self, device):
        record = state.record(self.system, device.pci) if device.driver in USERSPACE else {}
        needs, ready = self.needs(device)
        return {
            "pci": device.pci, "vendor": f"{device.vendor:04x}", "device": f"{device.device:04x}",
            "model": self.names.of(device), "driver": device.driver,
            "was": record.get("driver"), "was_interfaces": record.get("interfaces", []),
            "interfaces": [self.interface(name) for name in device.interfaces()],
            "macs": record.get("macs", []), "node": device.node, "iommu_group": device.group,
            "group_mates": device.group_mates(), "used_by": device.users(),
            "ready": ready, "needs": needs}

    def interface(self, name):
        where = f"{NET}/{name}"
        speed = self.system.number(f"{where}/speed", -1)
        up = self.system.text(f"{where}/carrier") == "1"
        return {"name": name, "mac": self.system.text(f"{where}/address"),
                "link": "up" if up else "down", "mbit_s": speed if up and speed > 0 else None}

    def needs(self, device):
        """What is still to be done, and whether riposte could start on it."""
        if device.driver == VFIO:
            return self.needs_bound(device)
        if why := self.verdicts.against_binding(device):
            return why, False
        return f"bind it: sudo {self.program} bind {device.pci}", False

    def needs_bound(self, device):
        if device.no_iommu():
            return f"bound without an IOMMU, which is not safe; {self.verdicts.no_iommu()}", False
        if users := device.users():
            return f"in use by {', '.join(users)}", True
        if why := self.verdicts.in_the_way(device):
            return why, False
        pool = hugepages.pool_for(self.system, device.node)
        if pool is None:
            return f"bound, but {hugepages.NONE}", False
        if pool.free < pool.pages(hugepages.DEVICE_MIB):
            return (f"bound, but {pool.free} free hugepages on {pool.place} are too few: "
                    f"sudo {self.program} bind --hugepages {hugepages.DEVICE_MIB} {device.pci}",
                    False)
        if not hugepages.mounted(self.system, pool.kib):
            return "bound, but there is no hugetlbfs: mount -t hugetlbfs none /dev/hugepages", False
        return f"ready: riposte -a {device.pci} ...", True

    def text(self):
        said = self.json()
        lines = []
        for device in said["devices"]:
            lines += [f"{device['pci']}  {device['model']}", f"    {self.facts(device)}",
                      f"    {device['needs']}"]
        if not lines:
            lines = ["no network device on the PCI bus"]
        lines += ["", *self.hugepages()]
        if os.geteuid() != 0:
            lines.append("(who uses a device, only root is told)")
        return lines

    def facts(self, device):
        facts = [f"driver {device['driver']}" if device["driver"] else "no driver"]
        if device["was"]:
            facts[0] += f" (was {', '.join([device['was'], *device['was_interfaces']])})"
        for each in device["interfaces"]:
            speed = f" {each['mbit_s']} Mb/s" if each["mbit_s"] else ""
            facts.append(f"{each['name']} {each['mac']} link {each['link']}{speed}")
        facts += device["macs"]
        facts.append("no NUMA node" if device["node"] is None else f"node {device['node']}")
        if device["iommu_group"] is None:
            facts.append("no IOMMU group")
        elif mates := device["group_mates"]:
            facts.append(f"IOMMU group {device['iommu_group']} with {', '.join(mates)}")
        else:
            facts.append(f"IOMMU group {device['iommu_group']}, alone in it")
        return ", ".join(facts)

    def hugepages(self):
        return [f"hugepages: {pool.place}, {pool.size}: {pool.free} free of {pool.total}"
                f"{'' if hugepages.mounted(self.system, pool.kib) else ', not mounted'}"
                for pool in hugepages.pools(self.system)] or [hugepages.NONE]
