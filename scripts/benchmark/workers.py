# SPDX-License-Identifier: BSD-3-Clause
"""workers - two workers, each with a device and a processor of its own, against one."""
import contextlib
import statistics
from dataclasses import dataclass, field

from load.report import lay_out, million, reached

from .engine import Engine
from .rounds import measure
from .work import Work, WORKS

LEAST = 1.9
NAMES = ("syn-closed", "whole")
COLUMNS = ("WORK", "IP", "ONE", "TWO", "RATIO", "ROUNDS", "AT LEAST")


@dataclass
class Pair:
    """rates: frames a second of one worker's own CPU time; of two, the sum of both. A figure a round."""
    work: Work
    family: int
    one: list = field(default_factory=list)
    two: list = field(default_factory=list)

    @property
    def ratio(self):
        return statistics.median(self.two) / statistics.median(self.one)

    @property
    def ratios(self):
        return [two / one for one, two in zip(self.one, self.two)]

    def wrong(self):
        if self.ratio >= LEAST:
            return []
        return [f"{self.work.title}: two workers do {reached(self.ratio)} of one, and it should be {LEAST}"]


def play(setting, work, family, count, seconds):
    pair = Pair(work, family)
    with contextlib.ExitStack() as stack:
        engines = [Engine(setting, work, family, workers=n) for n in (1, 2)]
        for engine in engines:
            stack.callback(engine.close)
        for engine in engines:
            engine.ready()
        for _ in range(count):
            for engine, rates in zip(engines, (pair.one, pair.two)):
                rates.append(sum(sample.rate for sample in measure(engine, work, seconds)))
    return pair


def all_of(setting, families, count, seconds):
    return [play(setting, WORKS[name], family, count, seconds) for name in NAMES for family in families]


def table(pairs):
    lines = [[pair.work.title, str(pair.family), million(statistics.median(pair.one)),
              million(statistics.median(pair.two)), reached(pair.ratio),
              f"{reached(min(pair.ratios))} to {reached(max(pair.ratios))}", f"{LEAST:.2f}"]
             for pair in pairs]
    return lay_out([list(COLUMNS), *lines], (0,))
