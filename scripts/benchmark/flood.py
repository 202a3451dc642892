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

from load.link import MAC, Memif, Veth
from load.machine import DpdkProgram, LoadError, Program
from load.report import lay_out, million

from . import cable

RATE = 1000  # lawful clients a second
PORT = 80
TABLE = 16384
HALF_OPEN = TABLE // 4  # at most, with cookies = auto
WINDOW = 256  # SYNs under way on a veth pair, of net_af_packet's ring of 512 frames
POUR_MS = 3_600_000  # it is ended before
WARM_UP = 0.5  # seconds of flood, in which the table gets as full as it does
SAMPLE = 0.05  # seconds between two looks at it
SHARES = (50, 99)  # percent
COLUMNS = ("DEVICE", "FLOOD", "CLIENTS", "SERVED", "CONNECT 50 %", "99 %", "WHOLE 50 %", "99 %", "ANSWERED",
           "LOST %")


class Bridged(Veth):
    """A cable to which the flood's program joins riposte's memif pair."""

    def __init__(self, directory):
        super().__init__()
        # The answers of a millisecond, in which the flood's processor belongs to a lawful client.
        self.memif = Memif(directory, 12)

    @contextlib.contextmanager
    def made(self):
        with self.memif.made(), super().made():
            yield self

    def responder(self):
        before, _ = super().responder()
        return before, self.memif.responder()[1]


@dataclass(frozen=True)
class Way:
    """A device. owned: riposte's addresses; first: the first of SPREAD ones that lawful clients ask;
    client: their own. ready: what riposte says once it can be asked."""
    device: str
    owned: str
    first: str
    client: str
    ready: str

    @property
    def configuration(self):
        return f"""\
host {{
    owns        = {{ {self.owned} }}
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


SPREAD = 8
VETH = Way("veth", '"198.18.0.16/28"', "198.18.0.16", "198.18.0.2/24", "link up")
MEMIF = Way("memif", '"10.9.0.0/28", "fd09::1"', "10.9.0.1", "10.9.0.200/24", "MTU")  # flood.c's


@dataclass
class Crowd:
    """The lawful clients of all rounds. connects, wholes: microseconds of those that were served, for
    each of SHARES, a figure a round. told: what became of the first that failed."""
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
    """answered: SYNs of the flood a second, a figure a round; lost: those that did not reach riposte,
    percent. half_open, connections: at most, at any time. counted: riposte's counters of all floods
    together."""
    way: Way
    quiet: Crowd = field(default_factory=lambda: Crowd("none"))
    flooded: Crowd = field(default_factory=lambda: Crowd("SYNs"))
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
        return [f"{self.way.device}: {each}" for each in found]

    def look(self, program):
        now = program.ask("/riposte/counters")
        self.half_open = max(self.half_open, now["half_open"])
        self.connections = max(self.connections, now["connections"])


def _lawful(setting, link, way, seconds, look):
    """What the lawful clients said. They are first on their processor, which the flood's sender has too:
    theirs would be another machine."""
    program = Program("lawful", [
        "ip", "netns", "exec", link.name, "chrt", "--fifo", 1,
        *cable.client(setting, "lawful", way.first, SPREAD, PORT, round(RATE * seconds), RATE)],
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


def _sender(setting, link, way, pours):
    """Who pours; and who joins the cable to the memif pair. None: nobody has to."""
    if way is MEMIF:
        prefix = f"{setting.prefix}-flood"
        return DpdkProgram("flood", [
            "ip", "netns", "exec", link.nic, *cable.FIRST, cable.PROGRAMS / "flood",
            f"--lcores=0@{setting.cpus[1]}", "--no-pci", "--no-huge", "-m", cable.MIB, "--file-prefix",
            prefix, *link.memif.sender()[1], "--vdev=net_af_packet0,iface=nic0", "--",
            "S" if pours else "-", PORT, MAC],
            setting.directory, prefix)
    if pours:
        return Program("pour", ["ip", "netns", "exec", link.name, *cable.client(
            setting, "pour", "client0", MAC, way.first, PORT, POUR_MS, WINDOW)], setting.directory)
    return None


def _syns(counted, lawful):
    """Of the flood, that were answered. A lawful client is answered three times: its SYN, text and FIN."""
    return counted["answered"] - 3 * lawful


def _pour(setting, link, flood, seconds, program, sender):
    """Lawful clients under the flood."""
    program.wait_until(lambda: program.ask("/riposte/counters")["rx"] > 0, "the flood comes")
    time.sleep(WARM_UP)
    before, began = program.ask("/riposte/counters"), time.monotonic()
    flood.flooded.add(_lawful(setting, link, flood.way, seconds, lambda: flood.look(program)))
    span, after = time.monotonic() - began, program.ask("/riposte/counters")
    lawful = round(RATE * seconds)
    flood.answered.append((_syns(after, lawful) - _syns(before, 0)) / span)
    sender.check()
    sender.process.send_signal(signal.SIGTERM)
    sender.wait(30)
    last = program.ask("/riposte/counters")
    flood.counted.update(last)
    offered = cable.numbers(sender.said())["offered"]
    flood.lost.append(100 * max(0, offered - _syns(last, lawful)) / offered)


def _phase(setting, flood, pours, seconds):
    way = flood.way
    with contextlib.ExitStack() as stack:
        link = stack.enter_context((Bridged(setting.directory) if way is MEMIF else Veth()).made())
        program = stack.enter_context(cable.riposte(setting, link, way.configuration, ready=way.ready))
        cable.address(link, way.client)
        sender = _sender(setting, link, way, pours)
        if sender:
            stack.callback(sender.close)
            # Before the other side: net_memif takes the rings from under a worker when its peer goes.
            stack.callback(program.close)
        program.wait_until(lambda: program.ask("/ethdev/link_status", 0)["status"] == "UP",
                           "the link is up")
        if pours:
            _pour(setting, link, flood, seconds, program, sender)
        else:
            flood.quiet.add(_lawful(setting, link, way, seconds, program.check))


def play(setting, way, rounds, seconds):
    flood = Flood(way)
    for _ in range(rounds):
        for pours in False, True:
            _phase(setting, flood, pours, seconds)
    return flood


def line(flood, crowd):
    rates = [million(statistics.median(flood.answered)), f"{statistics.median(flood.lost):.1f}"]
    return [flood.way.device, crowd.flood, f"{crowd.clients:,}", f"{crowd.clients - crowd.failed:,}",
            *(f"{statistics.median(waits):.0f}" for figures in (crowd.connects, crowd.wholes)
              for waits in zip(*figures)), *(rates if crowd is flood.flooded else ["-"] * len(rates))]


def table(floods):
    return lay_out([list(COLUMNS), *(line(flood, crowd) for flood in floods
                                     for crowd in (flood.quiet, flood.flooded))], (0, 1))


def counters(flood):
    """A sentence about riposte's counters under the flood."""
    counted = flood.counted
    dropped = [f"{name.partition('/')[2]} {value:,}" for name, value in sorted(counted.items())
               if name.startswith("dropped/") and value]
    return (f"Under the flood over {flood.way.device}: cookies sent {counted['cookies_sent']:,}, accepted "
            f"{counted['cookies_accepted']:,}; half open {flood.half_open:,} at most, of {TABLE:,} "
            f"connections, and {flood.connections:,} in all; SYN-ACKs sent again "
            f"{counted['syn_ack_retransmitted']:,}; answers that the device did not take "
            f"{counted['tx_dropped']:,}; dropped: {', '.join(dropped) or 'none'}.")
