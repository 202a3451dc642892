# SPDX-License-Identifier: BSD-3-Clause
"""compare - riposte's table against rte_hash and its wheel against rte_timer, by tests/bench/compare."""
import contextlib
import re
import statistics
from dataclasses import dataclass, field

from load.machine import DpdkProgram, LoadError
from load.report import lay_out

from .engine import ENGINE

PROGRAM = ENGINE.with_name("compare")
MIB = 2048  # ten million flows, with either
SECONDS = 3600
KINDS = {"tables": ("ours", "rte_hash", (10 ** 6, 10 ** 7)),
         "timers": ("wheel", "rte_timer", (10 ** 6,))}
BYTES = "bytes"
WHAT = {"insert": "insert a flow", "find": "find a flow and its connection",
        "remove": "find and remove a flow", "arm": "arm a timer, up to 60 s ahead",
        "again": "arm it anew", "disarm": "disarm it", "expire": "let it expire", BYTES: "bytes each"}
COLUMNS = ("WORK", "COUNT", "OURS", "DPDK", "RATIO")


@dataclass
class Operation:
    """Nanoseconds, a figure a round; or bytes."""
    name: str
    count: int
    rival: str
    ours: list = field(default_factory=list)
    theirs: list = field(default_factory=list)

    @property
    def medians(self):
        return statistics.median(self.ours), statistics.median(self.theirs)

    @property
    def ratio(self):
        """Over 1: ours takes less."""
        mine, other = self.medians
        return other / mine

    def wrong(self):
        if self.ratio >= 1:
            return []
        mine, other = self.medians
        return [f"{WHAT[self.name]}, {self.count:,} of them: ours takes {mine:.1f}, {self.rival} "
                f"{other:.1f}"]


def read(said, kind, count):
    """What the program printed, but for the first round: its memory is touched for the first time."""
    mine, rival, _ = KINDS[kind]
    operations = {}
    for who, name, value in re.findall(r"^(\w+) (\w+): ([0-9.]+)$", said, re.MULTILINE):
        operation = operations.setdefault(name, Operation(name, count, rival))
        (operation.ours if who == mine else operation.theirs).append(float(value))
    for operation in operations.values():
        operation.ours, operation.theirs = operation.ours[1:], operation.theirs[1:]
    return list(operations.values())


def play(setting, kind, count, rounds):
    prefix = f"{setting.prefix}-compare"
    memory = "--in-memory" if setting.huge else "--no-huge"
    program = DpdkProgram("compare", [
        PROGRAM, f"--lcores=0@{setting.cpus[0]}", "--no-pci", "-m", MIB, memory, "--log-level=error",
        "--file-prefix", prefix, "--", kind, count, rounds + 1], setting.directory, prefix)
    with contextlib.closing(program):
        if status := program.wait(SECONDS):
            raise LoadError(f"compare ended with {status}: {program.last_words()}")
        return read(program.said(), kind, count)


def table(operations):
    lines = [[WHAT[each.name], f"{each.count:,}", *(f"{value:.1f}" for value in each.medians),
              f"{each.ratio:.1f}"] for each in operations]
    return lay_out([list(COLUMNS), *lines], (0,))
