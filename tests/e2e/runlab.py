# SPDX-License-Identifier: BSD-3-Clause
"""runlab - scripts/run, started in a laboratory of a name of its own."""
import contextlib
import os
import re
import subprocess
import time

import pytest

from netns import die_with_parent, run, unique
from responder import BUILD, ROOT, RUNTIME

RUN = ROOT / "scripts" / "run"
ANSWERS = "riposte answers."


class Run:
    """One start of scripts/run."""

    def __init__(self, directory, name, *arguments):
        self.name = name
        self.output = directory / f"output{time.monotonic_ns()}"
        environment = {**os.environ, "RIPOSTE_LAB": name, "RIPOSTE_BUILD": BUILD.name}
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                [str(RUN), *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

    def said(self):
        return self.output.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, text, seconds=120):
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(60)

    def riposte(self):
        """The process numbers in riposte's namespace."""
        return run("ip", "netns", "pids", f"{self.name}-nic").split()


def left(name):
    """What there is of the laboratory."""
    namespaces = re.findall(rf"^{name}\S*", run("ip", "netns", "list"), re.MULTILINE)
    return namespaces + [path.name for path in RUNTIME.glob(f"{name}*")]


@pytest.fixture(name="name")
def lab_name():
    """A name for a laboratory, of which nothing is left afterwards."""
    made = unique("run")
    yield made
    for namespace in (made, f"{made}-nic"):
        subprocess.run(["ip", "netns", "delete", namespace], check=False,
                       stderr=subprocess.DEVNULL)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"/run/{made}.lock")


def host():
    """The host's own network, and its hugepages."""
    with open("/proc/meminfo", encoding="ascii") as file:
        pages = [line for line in file if line.startswith("HugePages")]
    routes = run("ip", "route") + run("ip", "-6", "route")
    return run("ip", "-br", "address"), re.sub(r"expires \d+sec", "", routes), pages
