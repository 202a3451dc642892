# SPDX-License-Identifier: BSD-3-Clause
"""change - what bind and unbind share: a device changes its driver, a node its hugepages."""
from nicctl import hugepages
from nicctl.system import Refused

VFIO = "vfio-pci"
DRIVERS = "/sys/bus/pci/drivers"
DEVBIND = "dpdk-devbind.py"


class Change:
    def __init__(self, system, hands):
        self.system = system
        self.hands = hands

    def need_programs(self):
        self.hands.need(DEVBIND, "lspci", "ip")  # the latter two are for it

    def load(self, driver, module):
        """The driver is there, and if not, its module is loaded."""
        if self.system.exists(f"{DRIVERS}/{driver}"):
            return
        said = self.hands.run("modprobe", module)
        if not self.hands.dry_run and not self.system.exists(f"{DRIVERS}/{driver}"):
            raise Refused(f"the driver {driver} cannot be loaded: {said}")

    def devbind(self, device, driver):
        """Gives the device to the driver; None: to none. It exits with 0 when it fails, too."""
        said = self.hands.run(DEVBIND, *(("-b", driver) if driver else ("-u",)), device.pci)
        if not self.hands.dry_run and device.driver != driver:
            raise Refused(f"{device.pci}: {DEVBIND} has not bound it to {driver or 'no driver'}: "
                          f"{said}")

    def give_back(self, device, driver, module):
        """To the driver of the kernel's that it had; None: it had none."""
        override = f"{device.where}/driver_override"
        # dpdk-devbind.py leaves this behind where it fails midway, and then nothing else fits.
        if driver != VFIO and self.system.text(override) == VFIO and device.driver != VFIO:
            self.hands.write(override, "")
        if driver:
            self.load(driver, module or driver)
        if device.driver != driver:
            self.devbind(device, driver)

    def release(self, pci, record):
        """Takes back the hugepages that bind had reserved, but for those in use."""
        for where, pages in record.get("hugepages", {}).items():
            pool = hugepages.pool(self.system, where, None)
            back = min(pages, pool.free, pool.total)
            if back:
                self.hands.write(pool.file, str(pool.total - back))
            if back < pages:
                self.hands.say(f"{pci}: {pages - back} of the {pages} hugepages reserved for it "
                               "are in use or gone already: left as they are")
