# SPDX-License-Identifier: BSD-3-Clause
"""bind - devices go to vfio-pci, with hugepages on their nodes: all of a command's, or none."""
import contextlib
import json
import sys

from nicctl import hugepages, state
from nicctl.change import VFIO, Change
from nicctl.device import NET, Device
from nicctl.system import Refused
from nicctl.verdict import Verdicts


class Bind(Change):
    """mib: hugepages for each device; None: DEVICE_MIB for each that is bound now."""

    def __init__(self, system, hands, mib):
        super().__init__(system, hands)
        self.mib = mib
        self.undo = contextlib.ExitStack()

    def __call__(self, devices):
        new, wanting = self.check(devices)
        self.need_programs()
        with self.undo:
            if new:
                self.load(VFIO, VFIO)
            records = {device.pci: self.remembered(device) for device in wanting}
            self.reserve(wanting, records)
            if wanting:
                self.hands.make_directory(state.DIRECTORY)
            for device in wanting:
                self.step()
                self.remember(device, records[device.pci])
            for device in new:
                self.step()
                self.bind(device, records[device.pci])
            self.step()
            self.undo.pop_all()
        for device in new:
            record = records[device.pci]
            was = ", ".join([record["driver"] or "without a driver", *record["interfaces"]])
            self.hands.say(f"{device.pci}: bound to {VFIO} (was {was})")

    def step(self):
        self.hands.between_steps()

    def on_failure(self, undo, *args):
        """One undoing that fails does not keep the others from being done."""
        def attempt():
            try:
                undo(*args)
            except Refused as why:
                print(f"nic: not undone: {why}", file=sys.stderr)

        self.undo.callback(attempt)

    def check(self, devices):
        """Those to be bound, and those to be given hugepages."""
        verdicts = Verdicts(self.system)
        new, wanting = [], []
        for device in devices:
            if device.driver == VFIO and device.no_iommu():
                raise Refused(f"{device.pci}: bound to {VFIO} without an IOMMU, which is not safe: "
                              f"unbind it; {verdicts.no_iommu()}")
            if device.driver == VFIO:
                self.hands.say(f"{device.pci}: bound to {VFIO} already")
                if self.mib is not None and not device.users():
                    wanting.append(device)
            elif why := verdicts.against_binding(device, {other.pci for other in devices}):
                raise Refused(f"{device.pci}: {why}")
            else:
                new.append(device)
                wanting.append(device)
        return new, wanting

    def remembered(self, device):
        """What is to be remembered of a device; what an earlier bind reserved is not forgotten."""
        old = state.record(self.system, device.pci)
        record = {"mib": hugepages.DEVICE_MIB if self.mib is None else self.mib,
                  "hugepages": dict(old.get("hugepages", {}))}
        if device.driver == VFIO:
            return {**old, **record}
        interfaces = device.interfaces()
        return {**record, "driver": device.driver, "module": device.module,
                "interfaces": interfaces,
                "macs": [self.system.text(f"{NET}/{name}/address") for name in interfaces]}

    def reserve(self, wanting, records):
        """On each node: what these devices are to have, and what others have not taken yet."""
        nodes = {}
        for device in wanting:
            pool = hugepages.pool_for(self.system, device.node)
            if pool is None:
                raise Refused(hugepages.NONE)
            records[device.pci]["near"] = pool.where
            nodes.setdefault(pool.where, (pool, device.pci, []))[2].append(
                records[device.pci]["mib"])
        others = [record for pci, record in state.records(self.system).items()
                  if pci not in records and self.waits(Device(self.system, pci))]
        for pool, first, mibs in nodes.values():
            mibs += [other.get("mib", 0) for other in others if other.get("near") == pool.where]
            missing = sum(map(pool.pages, mibs)) - pool.free
            if missing > 0:
                self.step()
                self.add_pages(pool, missing)
                mine = records[first]["hugepages"]
                mine[pool.where] = mine.get(pool.where, 0) + missing

    @staticmethod
    def waits(device):
        """Bound, and nobody has taken its hugepages yet."""
        return device.driver == VFIO and not device.users()

    def add_pages(self, pool, missing):
        want = pool.total + missing
        self.on_failure(self.hands.write, pool.file, str(pool.total))
        self.hands.write(pool.file, str(want))
        if self.hands.dry_run:
            return
        got = self.system.number(pool.file)
        if got < want:
            raise Refused(f"{pool.place} gave {max(0, got - pool.total)} of {missing} hugepages of "
                          f"{pool.size}: free memory there, lower --hugepages, or reserve them at "
                          "boot with hugepages= on the kernel's command line")
        self.hands.say(f"{pool.place}: {missing} hugepages of {pool.size} reserved")

    def remember(self, device, record):
        file = state.file_of(device.pci)
        if old := self.system.text(file):
            self.on_failure(self.hands.write, file, old)
        else:
            self.on_failure(self.hands.remove, file)
        self.hands.write(file, json.dumps(record))

    def bind(self, device, record):
        self.on_failure(self.give_back, device, record["driver"], record["module"])
        self.devbind(device, VFIO)
