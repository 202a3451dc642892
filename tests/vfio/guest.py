#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""guest.py GUEST: what is done in the guest of that name (see run.py). Verdicts go to stdout."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from crowd import COUNT
from program import CONF, DEBUG, RIPOSTE, ROOT, Riposte, run
from verdict import check, part, verdict

DEVICE = "0000:00:03.0"  # where run.py puts the device under test
PCI = Path("/sys/bus/pci/devices") / DEVICE
GROUPS = Path("/sys/kernel/iommu_groups")
DEVICE_MAC = "52:54:00:00:00:01"
CLIENT_MAC = "52:54:00:00:00:02"
NAMESPACE = "client"
# With two lcores. Both have two queues; QEMU's e1000e has no RSS, and its vmxnet3 only says so.
WORKERS = {"e1000e": "no RSS on TCP, so it gets one worker", "vmxnet3": "2 workers, MTU 1500",
           "virtio-pci": "2 workers, MTU 1500"}


# --- the machine ---

def driver():
    link = PCI / "driver"
    return os.path.basename(os.readlink(link)) if link.exists() else None


def interface(mac):
    """The name of the kernel's interface with that Ethernet address, or None."""
    for path in Path("/sys/class/net").iterdir():
        if (path / "address").read_text(encoding="ascii").strip() == mac:
            return path.name
    return None


def check_iommu():
    groups = sorted(os.listdir(GROUPS))
    verdict(len(groups) > 0, "IOMMU groups exist", "some", groups)
    check("the NIC is alone in its group", [DEVICE],
          sorted(os.listdir(PCI / "iommu_group" / "devices")))


def check_not_unsafe():
    """Called once the device is bound."""
    switch = Path("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode")
    mode = switch.read_text(encoding="ascii").strip() if switch.exists() else "N"
    group = os.path.basename(os.readlink(PCI / "iommu_group"))
    check("no no-IOMMU mode", ("N", sorted([group, "vfio"])),
          (mode, sorted(os.listdir("/dev/vfio"))))


class Devbind:
    """The device changes its driver by DPDK's program alone; the kernel was started with
    hugepages."""
    missing = ("with no device bound", "no device", "bind the NIC to vfio-pci")

    def __init__(self, kernel_driver):
        self.kernel_driver = kernel_driver

    def _to(self, name):
        came = run("dpdk-devbind.py", f"--bind={name}", DEVICE)
        good = came[0] == 0 and driver() == name
        verdict(good, f"dpdk-devbind.py --bind={name}", f"exit 0 and the driver {name}",
                (*came, driver()))

    def bind(self):
        subprocess.run(["modprobe", "vfio-pci"], check=True)
        self._to("vfio-pci")

    def in_use(self):
        """dpdk-devbind.py would wait for its end, but another riposte says so."""
        check_refusal("while another has the device", DEVICE, "another program has it",
                      options=("--file-prefix", "other", "-a", DEVICE))

    def unbind(self):
        self._to(self.kernel_driver)


class Nic:
    """Or by scripts/nic, which reserves hugepages too."""
    missing = ("without hugepages", "no free hugepages", "vm.nr_hugepages")

    def __init__(self, kernel_driver):
        self.kernel_driver = kernel_driver
        self.interface = None

    @staticmethod
    def call(*words):
        return run(sys.executable, str(ROOT / "scripts" / "nic"), *words)

    def _listed(self):
        status, out, err = self.call("list", "--json")
        if status != 0:
            raise RuntimeError(f"nic list: exit {status}: {err}")
        device, = (each for each in json.loads(out)["devices"] if each["pci"] == DEVICE)
        return {name: device[name] for name in ("driver", "was", "group_mates", "ready")}

    def bind(self):
        self.interface = interface(DEVICE_MAC)
        check("nic list before", {"driver": self.kernel_driver, "was": None, "group_mates": [],
                                  "ready": False}, self._listed())
        status, out, err = self.call("bind", DEVICE)
        said = f"{DEVICE}: bound to vfio-pci (was {self.kernel_driver}, {self.interface})\n"
        verdict(status == 0 and said in out and driver() == "vfio-pci", "nic bind",
                f"exit 0, the driver vfio-pci and {said!r}", (status, out, err, driver()))
        check("nic list after", {"driver": "vfio-pci", "was": self.kernel_driver,
                                 "group_mates": [], "ready": True}, self._listed())

    def in_use(self):
        status, out, err = self.call("unbind", DEVICE)
        verdict(status == 1 and "in use by riposte" in err and driver() == "vfio-pci",
                "nic unbind while riposte runs", "exit 1, and that it is in use by riposte",
                (status, out, err, driver()))

    def unbind(self):
        status, out, err = self.call("unbind", DEVICE)
        said = f"{DEVICE}: back with {self.kernel_driver}, {interface(DEVICE_MAC)}\n"
        verdict(status == 0 and said in out and driver() == self.kernel_driver, "nic unbind",
                f"exit 0, the driver {self.kernel_driver} and {said!r}",
                (status, out, err, driver()))
        # What DPDK has left in /dev/hugepages nobody can take back.
        left = re.search(r"(\d+) of the \d+ hugepages", out)
        check("hugepages after nic unbind, but for those that it says are in use",
              left[1] if left else "0",
              Path("/proc/sys/vm/nr_hugepages").read_text(encoding="ascii").strip())


def start_client():
    """The second NIC, in a namespace of its own."""
    name = interface(CLIENT_MAC)
    for command in (f"ip netns add {NAMESPACE}",
                    f"ip link set {name} netns {NAMESPACE}",
                    f"ip -n {NAMESPACE} link set lo up",
                    f"ip -n {NAMESPACE} link set {name} up",
                    f"ip -n {NAMESPACE} address add 10.9.0.2/16 dev {name}",
                    f"ip -n {NAMESPACE} address add fd09::2/48 dev {name} nodad"):
        subprocess.run(command.split(), check=True)


def client():
    """Its verdicts are among ours."""
    status = subprocess.run(["ip", "netns", "exec", NAMESPACE, sys.executable,
                             f"{os.path.dirname(__file__)}/client.py", DEVICE_MAC],
                            check=False).returncode
    check("the client came to its end", 0, status)


# --- riposte ---

def check_refusal(why, *words, options=()):
    """Started without a device it can use: exit 3 and one line, with these words."""
    status, out, err = run(RIPOSTE, "-l", "0", *options, "--", "-c", CONF)
    good = (status == 3 and out == "" and err.startswith("riposte: ") and err.count("\n") == 1 and
            all(word in err for word in words))
    verdict(good, f"riposte {why}: exit 3 and one line", f"3 and one line with {words}",
            (status, out, err))


def check_dma():
    """The IOMMU has seen no access to memory that is not the device's. QEMU's vmxnet3 looks at
    address 0 while a driver tells it where its memory is."""
    faults = re.findall(r"DMAR: \[DMA .*", run("dmesg")[1])
    check("DMA that the IOMMU had to forbid", [],
          [fault for fault in faults if driver() != "vmxnet3" or " fault addr 0x0 " not in fault])


def start(name, lcores="0", workers="1 worker", device=DEVICE, program=RIPOSTE):
    riposte = Riposte(name, device, lcores, program)
    begin = f"riposte: device {DEVICE}: "
    ready = riposte.wait_until_said(rf"^{begin}\d workers?, .*$")
    verdict(f"{begin}{workers}" in riposte.said(), f"{name} start: its workers",
            f"{begin}{workers}", ready)
    check(f"{name} start: IOVA mode", "riposte: IOVA mode VA",
          riposte.wait_until_said("^riposte: IOVA mode .*$", seconds=1))
    return riposte


def check_end(riposte, expected):
    check("SIGTERM: exit status", 0, riposte.end())
    counters = riposte.counters()
    if "rx" not in counters:
        raise RuntimeError("riposte printed no counters")
    dropped = sum(value for name, value in counters.items() if name.startswith("dropped."))
    check("counters balance: rx, and answered + consumed + dropped", counters["rx"],
          counters.get("answered", 0) + counters.get("consumed", 0) + dropped)
    for name, count in expected.items():
        check(f"counter {name}", count, counters.get(name, 0))
    check("packet buffers lost", 0, counters.get("mbufs_in_use", 0))


def serve(hands):
    """A first run that is killed; a second one on the same device that serves and ends in order."""
    with part("first start"):
        first = start("first")
        hands.in_use()
        check("SIGKILL: how the first one ended", -9, first.end(9))
    second = start("second", "0,1", WORKERS[hands.kernel_driver],
                   device=DEVICE.removeprefix("0000:"))
    try:
        client()
        # In each family: two connects refused, one server that closed with unread data.
        check_end(second, {"rst.no_listener": 4, "rst.unread_data": 2, "established": 8})
    finally:
        second.end()
        second.show()


def guest_with_iommu(hands):
    """A NIC that the kernel has is bound to vfio-pci, served on, and given back."""
    with part("IOMMU"):
        check_iommu()
    with part("not prepared"):
        check_refusal(*hands.missing)
    with part("binding"):
        check("the kernel's driver at first", hands.kernel_driver, driver())
        hands.bind()
        check_not_unsafe()
    with part("serving"):
        start_client()
        serve(hands)
    with part("giving back"):
        hands.unbind()
        verdict(interface(DEVICE_MAC) is not None, "the kernel has its interface again",
                DEVICE_MAC, os.listdir("/sys/class/net"))
        check_dma()


def guest_without_iommu():
    with part("without an IOMMU"):
        check("IOMMU groups", [], os.listdir(GROUPS) if GROUPS.exists() else [])
        status, out, err = Nic.call("bind", DEVICE)
        verdict(status == 1 and err.count("\n") == 1 and "no IOMMU" in err, "nic bind",
                "exit 1 and one line with 'no IOMMU'", (status, out, err))
        run("modprobe", "vfio-pci")
        run("dpdk-devbind.py", "--bind=vfio-pci", DEVICE)
        verdict(driver() != "vfio-pci", "dpdk-devbind.py --bind=vfio-pci",
                "any driver but vfio-pci", driver())
        check_refusal("without an IOMMU", "no IOMMU", "BIOS", "intel_iommu=on")


# --- several workers ---

def ask_host(what):
    """crowd.py does it, on the host; its verdicts are among ours."""
    print(f"host: {what}", flush=True)
    sys.stdin.readline()


def ctl(command):
    status, out, err = run(sys.executable, str(ROOT / "scripts" / "ripostectl"), command, "--json")
    if status != 0:
        raise RuntimeError(f"ripostectl {command}: exit {status}: {err}")
    return json.loads(out)


def check_spread():
    """While crowd.COUNT connections of each family are open."""
    spread = {family: [0, 0] for family in ("IPv4", "IPv6")}
    for connection in ctl("connections"):
        family = "IPv6" if connection["server"].startswith("[") else "IPv4"
        spread[family][connection["worker"]] += 1
    for family, counts in spread.items():
        check(f"{family} connections that are open", COUNT, sum(counts))
        verdict(min(counts) >= COUNT // 5, f"{family} connections are spread over the workers",
                f"{COUNT // 5} on each at least", counts)


def guest_rss():
    """Two workers on a device that spreads flows over its queues."""
    with part("binding"):
        check_iommu()
        Devbind("virtio-pci").bind()
    with part("serving"):
        riposte = start("rss", "0,1", WORKERS["virtio-pci"], program=DEBUG)
        try:
            ask_host("reach")
            ask_host("connect")
            check_spread()
            ask_host("close")
            # A frame that came to the wrong worker would belong to no connection there.
            check("RSTs, by their reasons, before any connection is reset", {},
                  {name: value for name, value in ctl("counters").items()
                   if name.startswith("rst.") and value})
            ask_host("reset")
            check("misdirected frames", 0, ctl("counters").get("misdirected"))
            check_dma()
            check_end(riposte, {"established": 4 * COUNT, "rst.unread_data": 2 * COUNT})
        finally:
            riposte.end()
            riposte.show()


GUESTS = {
    "e1000e": lambda: guest_with_iommu(Devbind("e1000e")),
    "vmxnet3": lambda: guest_with_iommu(Nic("vmxnet3")),
    "no-iommu": guest_without_iommu,
    "rss": guest_rss,
}

if __name__ == "__main__":
    with part(sys.argv[1]):
        GUESTS[sys.argv[1]]()
    print("done", flush=True)
