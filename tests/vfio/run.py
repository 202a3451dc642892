#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""run.py DIRECTORY [GUEST...]: boots the guests, one after another, from what initramfs.py wrote
into DIRECTORY, prints a line for each check, and writes DIRECTORY/counts: "PASSED FAILED SKIPPED".

A verdict is a line on the guest's second serial port. The first one is its console and ends up in
DIRECTORY/GUEST.console; QEMU's exit status says nothing."""
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # this may run as root in somebody's checkout
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SILENCE_SECONDS = 240  # a guest that says nothing for longer has hung
IOMMU = ["-device", "intel-iommu,intremap=on,caching-mode=on"]
VIRTIO = "virtio-net-pci,disable-legacy=on,iommu_platform=on,romfile="


def on_one_cable(device):
    """The device under test, and the client's beside it."""
    return ["-netdev", "hubport,hubid=0,id=dut", "-netdev", "hubport,hubid=0,id=client",
            "-device", f"{device},netdev=dut,addr=3,mac=52:54:00:00:00:01,romfile=",
            "-device", f"{VIRTIO},netdev=client,addr=4,mac=52:54:00:00:00:02"]


def on_a_tap(device):
    """The device under test, with two queues; this machine's kernel is at the cable's other end."""
    return ["-netdev", "tap,id=dut,ifname=tap0,queues=2,vhost=off,script=no,downscript=no",
            "-device", f"{device},netdev=dut,addr=3,mac=52:54:00:00:00:01,mq=on,rss=on,vectors=6"]


WITHOUT_HUGEPAGES = ("vmxnet3",)  # scripts/nic reserves some
GUESTS = {
    "e1000e": IOMMU + on_one_cable("e1000e"),
    "vmxnet3": IOMMU + on_one_cable("vmxnet3"),
    "rss": IOMMU + on_a_tap(VIRTIO),
    "no-iommu": on_one_cable("e1000e"),
}


def run(command):
    subprocess.run(command.split(), check=True)


def leave_the_network():
    """This process and what it starts are in a namespace of their own, which ends with them. In it
    is the cable of the guest on a tap."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"run.py: a network namespace needs root: {os.strerror(ctypes.get_errno())}")
    run("ip tuntap add mode tap name tap0 multi_queue")
    run("ip link set tap0 up")
    run("ip address add 10.9.0.2/16 dev tap0")
    run("ip address add fd09::2/48 dev tap0 nodad")


def die_with_parent():
    """For preexec_fn."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class NoGuest(Exception):
    """QEMU does not start; this is what it said."""


class Guest:
    """A running guest, and the stream of its verdicts."""

    def __init__(self, name, directory, scratch):
        self.console = directory / f"{name}.console"
        hugepages = 0 if name in WITHOUT_HUGEPAGES else 128
        path = Path(scratch) / "verdicts"
        command = [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-machine",
            "q35,kernel-irqchip=split", "-cpu", "max", "-smp", "2", "-m", "1024",
            "-no-user-config", "-nodefaults", "-display", "none", "-no-reboot",
            "-kernel", str(directory / "vmlinuz"), "-initrd", str(directory / "initramfs.cpio"),
            # An emulated timer may be late where the machine is busy, and the kernel would give up.
            "-append", f"console=ttyS0 quiet panic=-1 no_timer_check intel_iommu=on "
                       f"hugepages={hugepages} riposte.guest={name}",
            "-chardev", f"file,id=console,path={self.console}", "-serial", "chardev:console",
            "-chardev", f"socket,id=verdicts,path={path},server=on,wait=on",
            "-serial", "chardev:verdicts", *GUESTS[name]]
        with open(directory / f"{name}.qemu", "wb") as said:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=said, preexec_fn=die_with_parent)
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + SILENCE_SECONDS
        while self.socket.connect_ex(str(path)) != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise NoGuest((directory / f"{name}.qemu").read_text(errors="replace"))
            time.sleep(0.05)

    def lines(self):
        """The verdicts' lines, until the guest has gone or says nothing more."""
        rest = b""
        self.socket.settimeout(SILENCE_SECONDS)
        while True:
            try:
                came = self.socket.recv(4096)
            except TimeoutError:
                return
            *lines, rest = (rest + came).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
            if not came:
                return

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.socket.close()


class Crowd:
    """crowd.py, which does what the guest asks for."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("crowd.py")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)

    def ask(self, what):
        """Its verdicts."""
        print(what, file=self.process.stdin, flush=True)
        for line in self.process.stdout:
            if line == "answered\n":
                return
            yield line.rstrip("\n")
        yield f"not ok crowd.py {what}: expected an answer, came its end"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def verdicts(guest, crowd):
    """What the guest says, and what crowd.py does where it asks for it."""
    for line in guest.lines():
        if line.startswith("host: "):
            yield from crowd.ask(line.removeprefix("host: "))
            guest.socket.sendall(b"answered\n")
        else:
            yield line


def judge(name, guest, crowd):
    """Prints the verdicts; returns how many passed and failed."""
    passed = failed = 0
    for line in verdicts(guest, crowd):
        if line == "done":
            return passed, failed
        passed += line.startswith("ok ")
        failed += line.startswith("not ok ")
        print(f"{name}: {line}", flush=True)
    print(f"{name}: not ok expected the guest to come to its end, and it has gone or said nothing "
          f"for {SILENCE_SECONDS} s", flush=True)
    return passed, failed + 1


def run_guest(name, directory):
    """How many checks passed and failed."""
    begin = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="riposte-vfio-") as scratch, \
             Guest(name, directory, scratch) as guest, Crowd() as crowd:
            passed, failed = judge(name, guest, crowd)
    except NoGuest as why:
        print(f"{name}: not ok expected QEMU to start, and it says: {why}", flush=True)
        return 0, 1
    if failed:
        print(f"{name}: the end of its console, {guest.console}:")
        print(guest.console.read_text(encoding="utf-8", errors="replace")[-6000:])
    print(f"{name}: {passed} passed, {failed} failed in {time.monotonic() - begin:.0f} s",
          flush=True)
    return passed, failed


def main(directory, names):
    directory = Path(directory).resolve()
    # A signal ends what is running as an exception does.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    leave_the_network()
    total = [0, 0]
    for name in names or GUESTS:
        total = [a + b for a, b in zip(total, run_guest(name, directory))]
        (directory / "counts").write_text(f"{total[0]} {total[1]} 0\n", encoding="ascii")
    return 1 if total[1] else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or set(sys.argv[2:]) - set(GUESTS):
        sys.exit(f"usage: run.py DIRECTORY [{'|'.join(GUESTS)}]...")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
