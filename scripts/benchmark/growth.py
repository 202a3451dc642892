# SPDX-License-Identifier: BSD-3-Clause
"""growth - what a connection takes of memory and what a segment costs, the more of them there are; and
that each of them is then closed by its own FIN."""
import contextlib
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from load.report import lay_out

from .engine import Engine
from .rounds import measure
from .work import WORKS

SIZES = [10 ** n for n in range(4, 9)]
MOST = {4: 10 ** 8, 6: 10 ** 7}  # IPv6's are twice as large
BYTES = {4: 80, 6: 144}  # for a connection, at most ...
FROM = 10 ** 7  # ... where what every worker has besides does not count any more
BESIDES = 1 << 30  # bytes for all that is not the table
COLUMNS = ("LIVE", "IP", "BYTES EACH", "NS A SEGMENT", "ROUNDS", "CLOSED AS THEY SHOULD")


@dataclass
class Size:
    """bytes: of a worker's memory, for each connection that it has room for. costs: nanoseconds of a
    segment to any of the live connections, a figure a round. right: connections that were closed by
    their clients' FINs, with the right answers. None: there was no memory."""
    live: int
    family: int
    bytes: float = None
    costs: list = field(default_factory=list)
    right: int = None

    def wrong(self):
        if self.right is None:
            return [f"{self.live} connections over IPv{self.family}: there is no memory for them"]
        found = []
        if self.live >= FROM and self.bytes > BYTES[self.family]:
            found.append(f"{self.bytes:.1f} bytes for an IPv{self.family} connection, and it should be "
                         f"{BYTES[self.family]} at most")
        if self.right != self.live:
            found.append(f"{self.right} of {self.live} connections over IPv{self.family} were closed as "
                         "they should")
        return found


def available():
    for line in Path("/proc/meminfo").read_text("ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def play(setting, live, family, count, seconds):
    size = Size(live, family)
    if live * BYTES[family] + BESIDES > available():
        return size
    with contextlib.ExitStack() as stack:
        engine = Engine(setting, WORKS["live"], family, live)
        stack.callback(engine.close)
        engine.ready()
        size.bytes = engine.bytes / live
        size.costs = [1e9 / measure(engine, WORKS["live"], seconds)[0].rate for _ in range(count)]
        size.right = engine.hang_up()
    return size


def line(size):
    if size.right is None:
        return [f"{size.live:,}", str(size.family), "-", "-", "", "no memory"]
    return [f"{size.live:,}", str(size.family), f"{size.bytes:.1f}",
            f"{statistics.median(size.costs):.0f}", f"{min(size.costs):.0f} to {max(size.costs):.0f}",
            f"{size.right:,}"]


def table(sizes):
    return lay_out([list(COLUMNS), *map(line, sizes)], ())
