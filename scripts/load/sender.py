# SPDX-License-Identifier: BSD-3-Clause
"""sender - the side that loads: Pktgen; or testpmd and trafgen, which send a file of frames over and
over."""
import contextlib
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

from .case import DIRECTORY
from .frames import write_pcap, write_trafgen
from .link import Memif
from .machine import DpdkProgram, LoadError, Program

HOW_TO_GET_PKTGEN = (
    "no Pktgen: build upstream's tag pktgen-23.06.1 of github.com/pktgen/Pktgen-DPDK with Debian's "
    "libdpdk-dev and liblua5.3-dev (CFLAGS=\"$(pkg-config --cflags libdpdk)\" meson setup build "
    "-Denable_lua=true && ninja -C build) and name its build/app/pktgen with --pktgen; or do with "
    "Debian's own: --with testpmd")
QUIET = 0.5  # seconds without a frame after which none is under way
LCORES = 128  # RTE_MAX_LCORE of Debian's DPDK
SCREEN = 50, 200  # Pktgen draws on it


def find_pktgen(given):
    """Its path, or the one line that says how to get it."""
    found = shutil.which(given or "pktgen")
    if not found:
        raise LoadError(f"--pktgen {given}: no such program" if given else HOW_TO_GET_PKTGEN)
    return found


class _Sender(DpdkProgram):
    """port: the device that sends."""

    port = 0

    def counts(self):
        """(sent, received)."""
        stats = self.ethernet(self.port)
        return stats["opackets"], stats["ipackets"]

    def settle(self, seconds=20):
        """Waits until nothing moves."""
        deadline = time.monotonic() + seconds
        last, since = self.counts(), time.monotonic()
        while time.monotonic() - since < QUIET:
            time.sleep(0.05)
            if (now := self.counts()) != last:
                last, since = now, time.monotonic()
            if time.monotonic() > deadline:
                raise LoadError(f"{self.name} still sends {seconds} s after its end")


class Pktgen(_Sender):
    """It draws its screen on a terminal, which nobody has to look at."""

    MIB = 1536

    def __init__(self, setting, link, case, seconds):
        before, device = link.sender()
        self.csv = setting.directory / "pktgen.csv"
        self.master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SCREEN, 0, 0))
        cpus = setting.cpus
        # Pktgen puts the thread that draws on the processor that has the main lcore's number.
        worker = (cpus.display + 1) % LCORES
        lcores = f"{cpus.display}@{cpus.display},{worker}@{cpus.sender}"
        options = []
        if case.pcap:
            write_pcap(setting.directory / "frames.pcap", setting.frames(case))
            options = ["-s", f"0:{setting.directory / 'frames.pcap'}"]
        environment = {**os.environ, "PKTGEN_SECONDS": str(seconds), "PKTGEN_CSV": str(self.csv),
                       "PKTGEN_STAY": "60", "TERM": "xterm"}
        if isinstance(link, Memif):
            environment["LD_PRELOAD"] = str(self._shim(setting.directory))
        if setting.mac:
            environment["PKTGEN_MAC"] = setting.mac
        prefix = f"{setting.prefix}-pktgen"
        super().__init__("pktgen", [
            *before, setting.pktgen, "--lcores", lcores, "--main-lcore", cpus.display,
            *setting.memory(self.MIB), "--file-prefix", prefix, *device, "--",
            "-m", f"{worker}.0", *options,
            "-f", case.path, "-f", DIRECTORY / "run.lua"],
            setting.directory, prefix, stdin=terminal, stdout=terminal, stderr=terminal,
            env=environment)
        os.close(terminal)
        self.reader = threading.Thread(target=self._read_screen, daemon=True)
        self.reader.start()

    @staticmethod
    def _shim(directory):
        """mtu.c says what for."""
        made = directory / "mtu.so"
        done = subprocess.run(["cc", "-shared", "-fPIC", "-o", made, Path(__file__).with_name("mtu.c")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise LoadError(f"cc mtu.c: {done.stdout.strip()}")
        return made

    def _read_screen(self):
        with open(self.log, "wb") as log, contextlib.suppress(OSError):  # EIO: the last one has gone
            while data := os.read(self.master, 65536):
                log.write(data)
                log.flush()
        os.close(self.master)

    def said(self):
        if self.process.poll() is not None:
            self.reader.join(1)
        return super().said()

    def begin(self):
        """Returns when it sends."""
        self.wait_until(lambda: self.counts()[0] > 0, "it sends")
        self._be_quiet()

    def _be_quiet(self):
        """The thread that draws polls without a pause: it gets what nobody else wants."""
        threads = dict(self.threads())
        for number, name in threads.items():
            if number != self.process.pid and name == threads[self.process.pid]:
                os.setpriority(os.PRIO_PROCESS, number, 19)

    def end(self):
        """Its script ends it, and goes on writing. It stays: see measure.run."""
        self.settle()
        sent = self.counts()[0]
        self.wait_until(lambda: f",{sent}," in self.csv.read_text("ascii").splitlines()[-1],
                        "it has written how much it sent")

    def close(self):
        super().close()
        self.reader.join(1)


class Testpmd(_Sender):
    """Frames of a file that net_pcap holds in memory, forwarded into the link; what comes back is
    received and thrown away."""

    MIB = 256
    port = 1

    def __init__(self, setting, link, case, _):
        before, device = link.sender()
        frames = setting.directory / "frames.pcap"
        write_pcap(frames, setting.frames(case))
        prefix = f"{setting.prefix}-load"
        cpu = setting.cpus.sender
        super().__init__("dpdk-testpmd", [
            *before, "dpdk-testpmd", f"--lcores=0@{cpu},1@{cpu}", *setting.memory(self.MIB),
            "--file-prefix", prefix, f"--vdev=net_pcap0,rx_pcap={frames},infinite_rx=1", *device,
            "--", "--interactive", "--nb-cores=1", "--total-num-mbufs=32768",
            "--no-flush-rx"],
            setting.directory, prefix, stdin=subprocess.PIPE)

    def ready(self):
        super().ready()
        self.wait_until(lambda: "testpmd>" in self.said(), "it takes commands")

    def _tell(self, *commands):
        self.process.stdin.write("".join(f"{each}\n" for each in commands).encode())
        self.process.stdin.flush()

    def begin(self):
        self.wait_until(lambda: self.ask("/ethdev/link_status", self.port)["status"] == "UP",
                        "the link is up")
        # What does not fit into the ring waits, as with Pktgen; it would be thrown away.
        self._tell("set fwd io retry", "set burst tx delay 1 retry 1000000", "start")
        self.wait_until(lambda: self.counts()[0] > 0, "it sends")

    def end(self):
        # What is still under way is received.
        self._tell("stop", "set portlist 1", "set fwd rxonly", "start")
        self.settle()
        self._tell("stop")

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(OSError, LoadError):
                self._tell("stop", "quit")
                self.wait(15)
        super().close()


class Trafgen(Program):
    """netsniff-ng's, through the kernel."""

    MIB = 0
    cpu_seconds = None  # its children's

    def __init__(self, setting, link, case, _):
        self.link = link
        self.setting = setting
        frames = setting.directory / "frames.trafgen"
        write_trafgen(frames, setting.frames(case, count=1024))
        self.command = ["ip", "netns", "exec", link.name, "trafgen", "--in", frames, "--out", "client0",
                        "--cpus", "1", "--no-cpu-stats"]
        self.process = None
        self.name = "trafgen"

    def ready(self):
        pass

    def begin(self):
        super().__init__("trafgen", self.command, self.setting.directory)
        self.wait_until(lambda: self.counts()[0] > 0, "it sends")

    def counts(self):
        done = subprocess.run(["ip", "netns", "exec", self.link.name, "cat", *(
            f"/sys/class/net/client0/statistics/{name}" for name in ("tx_packets", "rx_packets"))],
            stdout=subprocess.PIPE, text=True, check=True)
        return tuple(map(int, done.stdout.split()))

    def end(self):
        os.killpg(self.process.pid, signal.SIGINT)  # it has children, which send
        self.wait(15)
        time.sleep(QUIET)

    def close(self):
        if self.process:
            super().close()


def remember_csv(sender, target):
    """Pktgen's own rates."""
    if target and isinstance(sender, Pktgen):
        shutil.copy(sender.csv, Path(target))


SENDERS = {"pktgen": Pktgen, "testpmd": Testpmd, "trafgen": Trafgen}
