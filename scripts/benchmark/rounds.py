# SPDX-License-Identifier: BSD-3-Clause
"""rounds - one row: riposte, 5tswap and io in turns, on the same frames."""
import contextlib
import statistics
from dataclasses import dataclass, field

from load.machine import LoadError

from .engine import Engine, Yardstick
from .work import wrong, Work

RIPOSTE, SWAP, IO = "riposte", "5tswap", "io"


@dataclass
class Row:
    """rates: frames a second of the worker's own CPU time, a figure a round."""
    work: Work
    family: int
    rates: dict = field(default_factory=lambda: {RIPOSTE: [], SWAP: [], IO: []})

    def median(self, who):
        return statistics.median(self.rates[who])

    @property
    def ratio(self):
        """To 5tswap."""
        return self.median(RIPOSTE) / self.median(SWAP)

    @property
    def ratios(self):
        """Round by round: how far they lie apart."""
        return [mine / theirs for mine, theirs in zip(self.rates[RIPOSTE], self.rates[SWAP])]


def measure(engine, work, seconds):
    """riposte's samples, whose frames have to have ended as the row says."""
    samples = engine.measure(seconds)
    for sample in samples:
        if lines := wrong(work, sample.counted):
            raise LoadError(f"{work.name}: {lines[0]}")
    return samples


def play(setting, work, family, count, seconds):
    """All rounds of a row."""
    row = Row(work, family)
    with contextlib.ExitStack() as stack:
        engine = Engine(setting, work, family)
        stack.callback(engine.close)
        engine.ready()
        yardstick = Yardstick(setting, engine.files[0])
        stack.callback(yardstick.close)
        yardstick.ready()
        for _ in range(count):
            row.rates[RIPOSTE].append(measure(engine, work, seconds)[0].rate)
            for mode in SWAP, IO:
                row.rates[mode].append(yardstick.measure(mode, seconds).rate)
    return row
