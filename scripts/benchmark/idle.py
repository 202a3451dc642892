# SPDX-License-Identifier: BSD-3-Clause
"""idle - what a worker without frames uses of its processor, and what its sleeping costs who asks it
then: riposte on a veth pair, with --poll and without."""
import statistics
import sys
import time
from dataclasses import dataclass, field

from load.link import Veth
from load.report import lay_out

from .cable import address, inside, riposte, share
from .work import configuration, WORKS

MOST = 3.0  # percent of a processor, without --poll
ADDRESS, CLIENT = "198.18.0.1", "198.18.0.2/24"
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
    return sorted(map(float, inside(link.name, sys.executable, "-m", "benchmark.probe", ADDRESS,
                                    PROBES).split()))


def play(setting, poll, rounds, seconds):
    idle = Idle(poll)
    with Veth().made() as link:
        address(link, CLIENT)
        with riposte(setting, link, configuration(WORKS["syn-closed"], 4, 0),
                     *(["--poll"] if poll else [])) as program:
            time.sleep(1)
            for _ in range(rounds):
                began, used = time.monotonic(), _used(program)
                time.sleep(seconds)
                for figures, after, before_it in zip((idle.cpu, idle.all), _used(program), used):
                    figures.append(100 * (after - before_it) / (time.monotonic() - began))
            idle.answers = _probe(link)
    return idle


def table(idles):
    lines = [[each.name, *(f"{statistics.median(figures):.1f}" for figures in (each.cpu, each.all)),
              *(f"{share(each.answers, percent):.0f}" for percent in (50, 90, 99))] for each in idles]
    return lay_out([list(COLUMNS), *lines], (0,))
