# SPDX-License-Identifier: BSD-3-Clause
"""unbind - devices go back to the drivers that they had, and hugepages to their nodes."""
import time

from nicctl import state
from nicctl.change import Change
from nicctl.device import USERSPACE
from nicctl.system import Refused

INTERFACE_SECONDS = 3
PROBE = "/sys/bus/pci/drivers_probe"


class Unbind(Change):
    def __call__(self, devices):
        for device in devices:
            if users := device.users():
                raise Refused(f"{device.pci}: in use by {users[0]}: stop that first")
        self.need_programs()
        for device in devices:
            self.hands.between_steps()
            record = state.record(self.system, device.pci)
            if device.driver is None or device.driver in USERSPACE:
                if "driver" in record:
                    self.give_back(device, record["driver"], record.get("module"))
                else:
                    self.ask_kernel(device)
                self.tell(device, record.get("interfaces", []))
            else:
                self.hands.say(f"{device.pci}: {device.driver} has it already")
            if record:
                self.release(device.pci, record)
                self.hands.remove(state.file_of(device.pci))

    def ask_kernel(self, device):
        """Which driver it has for the device, for we do not know."""
        self.hands.say(f"{device.pci}: nothing is remembered of it: the kernel is asked for a "
                       "driver")
        if device.driver:
            self.devbind(device, None)
        if alias := self.system.text(f"{device.where}/modalias"):
            self.hands.run("modprobe", alias)
        self.hands.write(PROBE, device.pci)
        if device.driver in USERSPACE and not self.hands.dry_run:
            raise Refused(f"{device.pci}: the kernel gives it to {device.driver} again: look at "
                          f"{device.where}/driver_override and {device.driver}.ids= on the "
                          "kernel's command line")

    def tell(self, device, interfaces):
        """Where it is. Its interfaces may take their time, and udev to give them their names."""
        if self.hands.dry_run:
            return
        deadline = time.monotonic() + INTERFACE_SECONDS
        while not set(interfaces) <= set(device.interfaces()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if device.driver is None:
            self.hands.say(f"{device.pci}: unbound, without a driver")
            return
        now = device.interfaces() or ["without an interface"]
        self.hands.say(f"{device.pci}: back with {', '.join([device.driver, *now])}")
