# SPDX-License-Identifier: BSD-3-Clause
"""idle - what a worker without frames uses of its processor, and what its sleeping costs who asks it
then: riposte on a veth pair, with --poll and without."""
import contextlib
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

from load.link import ip, Veth
from load.machine import DpdkProgram, LoadError
from load.report import lay_out
from load.responder import BINARY

from .work import configuration, WORKS

MOST = 3.0  # percent of a processor, without --poll
ADDRESS, CLIENT = "198.18.0.1", "198.18.0.2/24"
MIB = 256
PROBES = 400
COLUMNS = ("WORKER", "CPU %", "ALL %", "ANSWER", "90 %", "99 %")


@dataclass
class Idle:
    """cpu: of the worker, percent of a processor, a figure a round; all: of the whole program.
    answers: microseconds until a client is refused, sorted."""
    polls: bool
    cpu: list = field(default_factory=list)
    all: list = field(default_factory=list)
    answers: list = field(default_factory=list)

    @property
    def name(self):
        return "--poll" if self.polls else "without --poll"

    def wrong(self):
        used = statistics.median(self.cpu)
        if self.polls or used < MOST:
            return []
        return [f"an idle worker uses {used:.1f} % of its processor, and it should be under {MOST:g} %"]


def _used(program):
    """Seconds, to the nanosecond: of the worker, which is the main thread's, and of all threads."""
    used = {number: int(program.of_thread(number, "schedstat").split()[0]) / 1e9
            for number, _ in program.threads()}
    return used[program.process.pid], sum(used.values())


def _probe(link):
    done = subprocess.run(["ip", "netns", "exec", link.name, sys.executable, "-m", "benchmark.probe",
                           ADDRESS, str(PROBES)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise LoadError(f"nobody is refused: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return sorted(map(float, done.stdout.split()))


def play(setting, poll, rounds, seconds):
    idle = Idle(poll)
    conf = setting.directory / "idle.conf"
    conf.write_text(configuration(WORKS["syn-closed"], 4, 0), encoding="ascii")
    prefix = f"{setting.prefix}-idle"
    with Veth().made() as link, contextlib.ExitStack() as stack:
        ip("-n", link.name, "address", "add", CLIENT, "dev", "client0")
        ip("netns", "exec", link.name, "ethtool", "-K", "client0", "tx", "off")
        before, device = link.responder()
        program = DpdkProgram("riposte", [
            *before, BINARY, f"--lcores=0@{setting.cpus[0]}", "--no-pci", "--no-huge", "-m", MIB,
            "--file-prefix", prefix, *device, "--", "-c", conf, *(["--poll"] if poll else [])],
            setting.directory, prefix)
        stack.callback(program.close)
        program.ready()
        program.wait_until(lambda: "link up" in program.said(), "it is ready")
        time.sleep(1)
        for _ in range(rounds):
            began, used = time.monotonic(), _used(program)
            time.sleep(seconds)
            for figures, after, before_it in zip((idle.cpu, idle.all), _used(program), used):
                figures.append(100 * (after - before_it) / (time.monotonic() - began))
        idle.answers = _probe(link)
    return idle


def _share(answers, percent):
    return f"{answers[min(len(answers) - 1, len(answers) * percent // 100)]:.0f}"


def table(idles):
    lines = [[each.name, *(f"{statistics.median(figures):.1f}" for figures in (each.cpu, each.all)),
              *(_share(each.answers, percent) for percent in (50, 90, 99))] for each in idles]
    return lay_out([list(COLUMNS), *lines], (0,))
