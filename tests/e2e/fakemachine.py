# SPDX-License-Identifier: BSD-3-Clause
"""fakemachine - a machine that is not there, for scripts/nic: a tree with what its kernel would
show in /sys and /proc, and programs that alter it as the real ones would. Routes and addresses are
real ones, of a network namespace."""
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NIC = ROOT / "scripts" / "nic"
PCI_IDS = """\
# a comment
1af4  Red Hat, Inc.
8086  Intel Corporation
\t10fb  82599ES 10-Gigabit SFI/SFP+ Network Connection
\t\t8086 0003  Ethernet Server Adapter X520-2
C 02  Network controller
\t00  Ethernet controller
"""

# What the real ones do to sysfs, and no more; "mode" says how they fail.
DEVBIND = """\
#!/usr/bin/python3
import os, sys, time
root = os.environ["NIC_SYSROOT"]
words = sys.argv[1:]
with open(f"{root}/log", "a") as log:
    print("dpdk-devbind.py", *words, file=log)
mode = open(f"{root}/mode").read().split()
pci = words[-1]
there = f"{root}/sys/bus/pci/devices/{pci}"
driver = words[1] if words[0] == "-b" else None
if mode[0] == "slow":
    open(f"{root}/slow", "w").close()
    time.sleep(1)
if mode[0] == "traceback":
    sys.exit("Traceback (most recent call last):\\nFileNotFoundError: \\x1b[1m'ip'")
if mode[0] == "refuse" and pci in mode:
    print("Warning: routing table indicates that interface is active. Not modifying")
    sys.exit(0)
if os.path.islink(f"{there}/driver"):
    os.unlink(f"{there}/driver")
if mode[0] == "lose" and pci in mode:
    override = open(f"{there}/driver_override").read().strip()
    if driver == "vfio-pci":
        open(f"{there}/driver_override", "w").write("vfio-pci\\n")
    if driver == "vfio-pci" or override == "vfio-pci":
        print("Error: bind failed for", pci)
        sys.exit(0)
if driver:
    if not os.path.isdir(f"{root}/sys/bus/pci/drivers/{driver}"):
        sys.exit(f"Error: Driver '{driver}' is not loaded.")
    os.symlink(f"../../../../bus/pci/drivers/{driver}", f"{there}/driver")
"""

MODPROBE = """\
#!/usr/bin/python3
import os, sys
root = os.environ["NIC_SYSROOT"]
with open(f"{root}/log", "a") as log:
    print("modprobe", *sys.argv[1:], file=log)
if open(f"{root}/mode").read().split()[0] == "nomodule":
    sys.exit(f"modprobe: FATAL: Module {sys.argv[1]} not found in directory /lib/modules/6.1.0")
os.makedirs(f"{root}/sys/bus/pci/drivers/{sys.argv[1]}", exist_ok=True)
"""


class FakeMachine:
    """directory gets its files, in root, and its programs, in bin."""

    def __init__(self, directory, netns):
        self.netns = netns
        self.root = directory / "root"
        self.bin = directory / "bin"
        self.sys = self.root / "sys"
        self.write("mode", "work\n")
        self.write("log", "")
        for name, text in (("dpdk-devbind.py", DEVBIND), ("modprobe", MODPROBE),
                           ("lspci", "#!/bin/sh\n"), ("ip", "#!/bin/sh\n")):
            self.bin.mkdir(exist_ok=True)
            (self.bin / name).write_text(text, encoding="ascii")
            (self.bin / name).chmod(0o755)
        self.write("proc/cmdline", "quiet intel_iommu=on iommu=pt\n")
        self.write("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\n")
        self.write("proc/meminfo", "MemTotal: 1024 kB\nHugepagesize:       2048 kB\n")
        self.write("proc/mounts", "hugetlbfs /dev/hugepages hugetlbfs rw,pagesize=2M 0 0\n")
        self.write("usr/share/misc/pci.ids", PCI_IDS)
        self.write("sys/bus/pci/drivers_probe", "")
        self.driver("vfio-pci")
        self.node(0)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8").strip()

    def link(self, name, to):
        """A symbolic link within the tree, relative as sysfs has them."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        # From where the link really is: its directory may be reached over another one.
        path.symlink_to(os.path.relpath(self.root / to, path.parent.resolve()))

    def driver(self, name):
        (self.sys / "bus/pci/drivers" / name).mkdir(parents=True, exist_ok=True)

    def node(self, number, total=0, free=None, kib=2048):
        """A NUMA node and its hugepages of one size."""
        where = f"sys/devices/system/node/node{number}/hugepages/hugepages-{kib}kB"
        self.write(f"{where}/nr_hugepages", f"{total}\n")
        self.write(f"{where}/free_hugepages", f"{total if free is None else free}\n")

    def pages(self, number=0, kib=2048):
        return int(self.read(
            f"sys/devices/system/node/node{number}/hugepages/hugepages-{kib}kB/nr_hugepages"))

    def device(self, pci="0000:03:00.0", driver="ixgbe", interface="ens1f0", group="12", node=0,
               ids=("8086", "10fb"), kind="020000", inner=""):
        """A device on a port of its own. inner: a device between it and its interface."""
        where = f"sys/devices/pci0000:00/0000:00:1c.0/{pci}"
        for name, text in (("vendor", f"0x{ids[0]}"), ("device", f"0x{ids[1]}"),
                           ("subsystem_vendor", f"0x{ids[0]}"), ("subsystem_device", "0x0003"),
                           ("class", f"0x{kind}"), ("numa_node", node),
                           ("driver_override", "(null)"),
                           ("modalias", f"pci:v0000{ids[0]}d0000{ids[1]}")):
            self.write(f"{where}/{name}", f"{text}\n")
        self.link(f"sys/bus/pci/devices/{pci}", where)
        if driver:
            self.driver(driver)
            self.link(f"{where}/driver", f"sys/bus/pci/drivers/{driver}")
        if group:
            self.link(f"{where}/iommu_group", f"sys/kernel/iommu_groups/{group}")
            self.link(f"sys/kernel/iommu_groups/{group}/devices/{pci}", where)
        if interface:
            self.interface(interface, f"{where}/{inner}".rstrip("/"))

    def interface(self, name, on=None):
        """The kernel's interface, on a device or of the kernel's own making."""
        where = f"{on or 'sys/devices/virtual'}/net/{name}"
        for file, text in (("address", "90:e2:ba:00:00:01"), ("carrier", 1), ("speed", 10000)):
            self.write(f"{where}/{file}", f"{text}\n")
        self.link(f"sys/class/net/{name}", where)
        if on:
            self.link(f"{where}/device", on)

    def stands_on(self, upper, lower):
        """upper is a bond or a bridge with lower in it, or a VLAN of it."""
        if not (self.sys / "class/net" / upper).exists():
            self.interface(upper)
        self.link(f"sys/class/net/{lower}/upper_{upper}", f"sys/class/net/{upper}")

    def process(self, pid, comm, opens=(), parent=1, environment=b""):
        self.write(f"proc/{pid}/comm", f"{comm}\n")
        self.write(f"proc/{pid}/status", f"Name:\t{comm}\nPPid:\t{parent}\n")
        (self.root / f"proc/{pid}/environ").write_bytes(environment)
        for number, path in enumerate(opens):
            link = self.root / f"proc/{pid}/fd/{number}"
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(path)

    def dpdk_knows(self, *ids):
        """DPDK's drivers are installed, and know these devices alone."""
        known = ", ".join(f"[{int(vendor, 16)}, {int(device, 16)}, 65535, 65535]"
                          for vendor, device in ids)
        path = self.write("usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0/librte_net_fake.so.23.0", "")
        path.write_bytes(b"\x7fELF\0PMD_INFO_STRING= {\"name\" : \"net_fake\", \"pci_ids\" : ["
                         + known.encode() + b"]}\0more\xff")

    def driver_of(self, pci="0000:03:00.0"):
        try:
            return os.path.basename(os.readlink(self.sys / "bus/pci/devices" / pci / "driver"))
        except OSError:
            return None

    def log(self):
        """The programs that ran."""
        return self.read("log").splitlines()

    def everything(self):
        """The whole tree, but for what says nothing of the machine: by it two can be compared."""
        tree = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if path.is_symlink():
                tree[name] = f"-> {os.readlink(path)}"
            elif path.is_file() and name not in ("log", "mode", "slow", "run/riposte-nic/lock"):
                tree[name] = path.read_text(encoding="utf-8", errors="replace").strip()
        return tree

    def environment(self, **more):
        clean = {name: value for name, value in os.environ.items() if name != "SSH_CONNECTION"}
        return {**clean, "PATH": str(self.bin), "NIC_SYSROOT": str(self.root), **more}

    def command(self, *words):
        return ["/usr/bin/nsenter",
                f"--net=/run/netns/{self.netns.name}", str(NIC), *words]

    def nic(self, *words, environment=(), **options):
        """scripts/nic, run to its end."""
        return subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=60, env=self.environment(**dict(environment)), **options)

    def shell(self, script):
        """What a dry run printed, as if somebody pasted it on this machine."""
        here = script.replace(" >/", f" >{self.root}/").replace("rm /", f"rm {self.root}/")
        here = here.replace("mkdir -p /", f"mkdir -p {self.root}/")
        self.bin.joinpath("rm").symlink_to("/bin/rm")
        self.bin.joinpath("mkdir").symlink_to("/bin/mkdir")
        subprocess.run(["/bin/sh", "-e", "-c", here], env=self.environment(), check=True,
                       timeout=60)


def says(run):
    """What it printed; it went well."""
    assert (run.returncode, run.stderr) == (0, ""), f"exit {run.returncode}: {run.stderr}"
    return run.stdout


def refuses(run, *words, status=1):
    """It said one line with all of words, on stderr."""
    assert run.returncode == status, f"exit {run.returncode}, not {status}: {run.stderr}"
    assert run.stderr.startswith("nic: "), run.stderr
    assert run.stderr.count("\n") == 1 and run.stderr.endswith("\n"), run.stderr
    missing = [word for word in words if word not in run.stderr]
    assert not missing, f"{missing} not in: {run.stderr}"
