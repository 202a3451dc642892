# SPDX-License-Identifier: BSD-3-Clause
"""responder - the side that answers: riposte, or in its place testpmd, which does no more than swap
the addresses and send back."""
import os
import re
import signal
import subprocess

from .case import DIRECTORY, ROOT
from .machine import DpdkProgram

BINARY = ROOT / os.environ.get("RIPOSTE_BUILD", "build") / "app" / "riposte"
CONFIGURATION = DIRECTORY / "riposte.conf"
MIB = 256


class Riposte(DpdkProgram):
    """Its counters while it runs, and at its end."""

    def __init__(self, setting, link):
        before, device = link.responder()
        prefix = f"{setting.prefix}-riposte"
        super().__init__("riposte", [
            *before, BINARY, f"--lcores=0@{setting.cpus.responder}", *setting.memory(MIB),
            "--file-prefix", prefix, *device, "--", "-c", CONFIGURATION, "--poll"],
            setting.directory, prefix)

    def ready(self):
        super().ready()
        self.wait_until(lambda: "/riposte/counters" in self.ask("/", kind=list), "it counts")

    def counts(self):
        return {name.replace("/", "."): value
                for name, value in self.ask("/riposte/counters").items()}

    def finish(self):
        """(exit status, the counters that it prints)."""
        self.check()
        self.process.send_signal(signal.SIGTERM)
        status = self.wait(30)
        found = re.findall(r"^([a-z0-9_.]+): ([0-9]+)$", self.said(), re.MULTILINE)
        return status, {name: int(value) for name, value in found}


class Swap(DpdkProgram):
    """dpdk-testpmd --forward-mode=5tswap, on one processor as riposte is."""

    def __init__(self, setting, link):
        before, device = link.responder()
        prefix = f"{setting.prefix}-swap"
        cpu = setting.cpus.responder
        super().__init__("dpdk-testpmd", [
            *before, "dpdk-testpmd", f"--lcores=0@{cpu},1@{cpu}", *setting.memory(MIB),
            "--file-prefix", prefix, *device, "--", "--forward-mode=5tswap",
            "--port-topology=loop", "--nb-cores=1", "--total-num-mbufs=40960", "--no-flush-rx",
            "--disable-link-check"], setting.directory, prefix, stdin=subprocess.PIPE)

    def counts(self):
        stats = self.ethernet(0)
        return {"rx": stats["ipackets"], "answered": stats["opackets"], "tx": stats["opackets"]}

    def finish(self):
        self.check()
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self.wait(30), {}


class Elsewhere:
    """Not on this machine, or not ours: nothing is known of it."""

    name = "elsewhere"

    def ready(self):
        pass

    def check(self):
        pass

    def close(self):
        pass

    def counts(self):
        return {}

    def finish(self):
        return 0, {}

