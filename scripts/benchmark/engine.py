# SPDX-License-Identifier: BSD-3-Clause
"""engine - the two that are measured, each with its device: riposte's packet path in tests/bench/engine,
and dpdk-testpmd, which swaps addresses and ports or nothing at all. Both wait, idle, for their turn."""
import contextlib
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from load.machine import DpdkProgram, LoadError
from load.responder import BINARY

from .work import configuration

ENGINE = BINARY.parents[1] / "tests" / "bench" / "engine"
MIB = 256  # of packet buffers, for each of the two
WARM_UP = 0.2  # of the time, before it begins; the engine's own is the same
START_SECONDS = 1800  # a hundred million connections take their time
PROMPT = "testpmd> "


@dataclass
class Setting:
    """What all measurements have in common. cpus: of the workers; and where the rest of the programs
    runs, which sleeps meanwhile."""
    directory: Path
    cpus: tuple
    prefix: str
    huge: bool

    def eal(self, name, files):
        """EAL's options for a program with a net_pcap device for each of the files."""
        workers = ",".join(f"{n}@{cpu}" for n, (cpu, _) in enumerate(zip(self.cpus, files), 1))
        memory = "--in-memory" if self.huge else "--no-huge"
        return [f"--lcores=0@{self.cpus[-1]},{workers}", "--no-pci", "-m", MIB * len(files), memory,
                "--file-prefix", f"{self.prefix}-{name}",
                *(f"--vdev=net_pcap{n},rx_pcap={file},infinite_rx=1" for n, file in enumerate(files))]


@dataclass
class Sample:
    """Of one worker's thread. counted: riposte's counters."""
    frames: int
    cpu_seconds: float
    counted: dict = None

    @property
    def rate(self):
        """Frames a second of its own time."""
        return self.frames / self.cpu_seconds


class Engine(DpdkProgram):
    """riposte's packet path, with the row's connections in its table. It is not asked by telemetry."""

    def __init__(self, setting, work, family, live=None, workers=1):
        live = work.live if live is None else live
        name = f"engine-{workers}"  # two may be there at a time
        conf = setting.directory / f"{name}.conf"
        conf.write_text(configuration(work, family, live), encoding="ascii")
        self.files = [setting.directory / f"{name}-{n}.pcap" for n in range(workers)]
        self.bytes = None
        self.answers = 0
        super().__init__(name, [
            "unshare", "-n", ENGINE, *setting.eal(name, self.files), "--",
            work.name, family, live, conf, *self.files],
            setting.directory, f"{setting.prefix}-{name}", stdin=subprocess.PIPE)

    def ready(self):
        self.wait_until(lambda: "\nready\n" in self.said(), "it is ready", START_SECONDS)
        self.bytes = int(re.search(r"^bytes: (\d+)$", self.said(), re.MULTILINE)[1])

    def _tell(self, command):
        """What each worker's part of the answer is, by name."""
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        said = self.wait_until(self._answer, f"it has done: {command}", START_SECONDS)
        self.answers += 1
        return [{name: int(value) for name, value in re.findall(r"^([a-z0-9_.]+): (\d+)$", each,
                                                                re.MULTILINE)}
                for each in said.split("worker: ")[1:]]

    def measure(self, seconds):
        """A sample for each worker."""
        return [Sample(found.get("rx", 0), found.pop("cpu_ns") / 1e9, found)
                for found in self._tell(f"run {round(seconds * 1000)}")]

    def hang_up(self):
        """Every client closes its connection: how many were answered as they should be."""
        return sum(found["closed_right"] for found in self._tell("close"))

    def _answer(self):
        """What it said of the last measurement, once that is all."""
        parts = self.said().partition("\nready\n")[2].split("done\n")
        return parts[self.answers] if len(parts) > self.answers + 1 else None

    def close(self):
        with contextlib.suppress(OSError, LoadError):
            self.process.stdin.close()
            self.wait(30)
        super().close()


class Yardstick(DpdkProgram):
    """dpdk-testpmd on the same device, with the same frames."""

    def __init__(self, setting, file):
        prefix = f"{setting.prefix}-testpmd"
        super().__init__("dpdk-testpmd", [
            "unshare", "-n", "dpdk-testpmd", *setting.eal("testpmd", [file]), "--", "--interactive",
            "--port-topology=loop", "--nb-cores=1", "--total-num-mbufs=40960", "--no-flush-rx"],
            setting.directory, prefix, stdin=subprocess.PIPE)
        self.thread = None

    def ready(self):
        super().ready()
        self.wait_until(lambda: PROMPT in self.said(), "it takes commands")
        self.thread = self.wait_until(self._worker, "it has a thread that forwards")

    def _worker(self):
        """DPDK 22.11 calls it rte-worker-1, later ones dpdk-worker1."""
        return next((number for number, name in self.threads() if re.search("worker-?1$", name)), None)

    def _tell(self, command):
        """Returns once it has done it."""
        before = self.said().count(PROMPT)
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        self.wait_until(lambda: self.said().count(PROMPT) > before, f"it has done: {command}")

    def _cpu_seconds(self):
        """The thread's, which sleeps: to the nanosecond."""
        return int(self.of_thread(self.thread, "schedstat").split()[0]) / 1e9

    def _forward(self, seconds):
        self._tell("start")
        time.sleep(seconds)
        self._tell("stop")

    def measure(self, mode, seconds):
        """mode: 5tswap, or io."""
        self._tell(f"set fwd {mode}")
        self._forward(WARM_UP * seconds)
        frames, cpu = self.ethernet(0)["ipackets"], self._cpu_seconds()
        self._forward(seconds)
        sample = Sample(self.ethernet(0)["ipackets"] - frames, self._cpu_seconds() - cpu)
        if sample.frames == 0:
            raise LoadError(f"testpmd forwarded nothing with {mode}: {self.last_words()}")
        return sample

    def close(self):
        with contextlib.suppress(OSError, LoadError):
            self.process.stdin.write(b"quit\n")
            self.process.stdin.flush()
            self.wait(15)
        super().close()
