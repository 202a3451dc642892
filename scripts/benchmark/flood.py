# SPDX-License-Identifier: BSD-3-Clause
"""flood - lawful clients of a listener with cookies = auto, and the same while SYNs of random clients pour
in beside them: is each of them served, and how long does it wait?"""
import contextlib
import re
import signal
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

from load.link import MAC, Veth
from load.machine import LoadError, Program
from load.report import lay_out, million

from . import cable

RATE = 1000  # lawful clients a second
OWNED, ADDRESS, SPREAD, PORT = "198.18.0.16/28", "198.18.0.16", 16, 80
CLIENT = "198.18.0.2/24"
TABLE = 100_000
HALF_OPEN = TABLE // 4  # at most, with cookies = auto
CONFIGURATION = f"""\
host {{
    owns        = {{ "{OWNED}" }}
    connections = {TABLE}
    cookies     = auto
    senders     = 1
    echo_memory = 0
}}
listener "web" {{
    ports   = {PORT}
    backlog = 1024
    script  = {{ "accept", "read all", "close" }}
}}
"""
WINDOW = 256  # SYNs under way, of net_af_packet's ring of 512 frames
POUR_SECONDS = 3600  # it is ended before
POUR_WARM_UP = 0.7  # ... and by then it counts
SAMPLE = 0.05  # seconds between two looks at the table
SHARES = (50, 99)  # percent
COLUMNS = ("FLOOD", "CLIENTS", "SERVED", "CONNECT 50 %", "99 %", "WHOLE 50 %", "99 %", "SYNS", "ANSWERED",
           "LOST")


@dataclass
class Crowd:
    """The lawful clients of all rounds. connects, wholes: microseconds of those that were served, for each of
    SHARES, a figure a round. told: what became of the first that failed."""
    flood: str
    clients: int = 0
    failed: int = 0
    told: str = ""
    connects: list = field(default_factory=list)
    wholes: list = field(default_factory=list)

    def add(self, said):
        waits = [tuple(map(int, each)) for each in re.findall(r"^(\d+) (\d+)$", said, re.MULTILINE)]
        failed = cable.numbers(said)["failed"]
        self.clients += len(waits) + failed
        self.failed += failed
        self.told = self.told or "".join(re.findall(r"^lawful: (.*)$", said, re.MULTILINE)[:1])
        if not waits:
            raise LoadError(f"no lawful client was served: {self.told}")
        for figures, each in zip((self.connects, self.wholes), zip(*waits)):
            figures.append([cable.share(sorted(each), percent) for percent in SHARES])


@dataclass
class Flood:
    """sent, answered: SYNs a second, a figure a round; lost: those that did not reach riposte, percent.
    half_open, connections: at most, at any time. counted: riposte's counters of all floods together."""
    quiet: Crowd = field(default_factory=lambda: Crowd("none"))
    flooded: Crowd = field(default_factory=lambda: Crowd("SYNs"))
    sent: list = field(default_factory=list)
    answered: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    half_open: int = 0
    connections: int = 0
    counted: Counter = field(default_factory=Counter)

    def wrong(self):
        found = [f"{crowd.failed} of {crowd.clients} lawful clients were not served, flood: {crowd.flood}: "
                 f"{crowd.told}" for crowd in (self.quiet, self.flooded) if crowd.failed]
        if self.half_open > HALF_OPEN + 1:  # one that a cookie has just made is not yet established
            found.append(f"{self.half_open} of {TABLE} connections were half open, and it should be "
                         f"{HALF_OPEN} at most")
        if not self.counted["cookies_accepted"]:
            found.append("no lawful client came by a cookie: the flood was too weak")
        return found


def _lawful(setting, link, seconds, look=lambda: None):
    """What the lawful clients said. They are first on their processor, which the flood's sender has too:
    theirs would be another machine."""
    program = Program("lawful", [
        "ip", "netns", "exec", link.name, "chrt", "--fifo", 1,
        *cable.client(setting, "lawful", ADDRESS, SPREAD, PORT, round(RATE * seconds), RATE)],
        setting.directory)
    try:
        while program.process.poll() is None:
            look()
            time.sleep(SAMPLE)
        if program.process.returncode != 0:
            program.check()
        return program.said()
    finally:
        program.close()


@contextlib.contextmanager
def _poured(setting, link, flood):
    """A flood meanwhile, whose rates are the flood's afterwards. Yields the sender."""
    pour = Program("pour", ["ip", "netns", "exec", link.name, *cable.client(
        setting, "pour", "client0", MAC, ADDRESS, PORT, POUR_SECONDS * 1000, WINDOW)], setting.directory)
    try:
        time.sleep(POUR_WARM_UP)
        yield pour
        pour.check()
        pour.process.send_signal(signal.SIGTERM)
        pour.wait(10)
    finally:
        pour.close()
    said = cable.numbers(pour.said())
    flood.sent.append(1e9 * said["sent"] / said["ns"])
    flood.answered.append(1e9 * said["syn_ack"] / said["ns"])


def _round(setting, flood, seconds):
    with Veth().made() as link, cable.riposte(setting, link, CONFIGURATION) as program:
        cable.address(link, CLIENT)
        flood.quiet.add(_lawful(setting, link, seconds))
        before = Counter(program.ask("/riposte/counters"))

        def look():
            now = program.ask("/riposte/counters")
            flood.half_open = max(flood.half_open, now["half_open"])
            flood.connections = max(flood.connections, now["connections"])

        with _poured(setting, link, flood) as pour:
            flood.flooded.add(_lawful(setting, link, seconds, look))
        counted = Counter(program.ask("/riposte/counters"))
        counted.subtract(before)
        flood.counted.update(counted)
        # A SYN of the flood has an entry or a cookie; so has each lawful client.
        taken = (counted["opened"] - counted["cookies_accepted"] + counted["cookies_sent"]
                 - round(RATE * seconds))
        poured = cable.numbers(pour.said())["all"]
        flood.lost.append(100 * max(0, poured - taken) / poured)


def play(setting, rounds, seconds):
    flood = Flood()
    for _ in range(rounds):
        _round(setting, flood, seconds)
    return flood


def line(crowd, rates):
    return [crowd.flood, f"{crowd.clients:,}", f"{crowd.clients - crowd.failed:,}",
            *(f"{statistics.median(waits):.0f}" for figures in (crowd.connects, crowd.wholes)
              for waits in zip(*figures)), *rates]


def table(flood):
    rates = [million(statistics.median(flood.sent)), million(statistics.median(flood.answered)),
             f"{statistics.median(flood.lost):.1f}"]
    return lay_out([list(COLUMNS), line(flood.quiet, ["-"] * len(rates)), line(flood.flooded, rates)], (0,))


def counters(flood):
    """A sentence about riposte's counters under the flood."""
    counted = flood.counted
    dropped = [f"{name.partition('/')[2]} {value:,}" for name, value in sorted(counted.items())
               if name.startswith("dropped/") and value]
    return (f"Under the flood: cookies sent {counted['cookies_sent']:,}, accepted "
            f"{counted['cookies_accepted']:,}; half open {flood.half_open:,} at most, of {TABLE:,} connections, "
            f"and {flood.connections:,} in all; SYN-ACKs sent again {counted['syn_ack_retransmitted']:,}; "
            f"answers that the device did not take {counted['tx_dropped']:,}; dropped: "
            f"{', '.join(dropped) or 'none'}.")
