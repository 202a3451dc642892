# SPDX-License-Identifier: BSD-3-Clause
"""latency - riposte and the kernel's own TCP at the same end of a veth pair, in turns: how long a SYN
waits for its SYN-ACK or RST, and how many of either a second each gives."""
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from load.link import MAC, Veth
from load.machine import LoadError
from load.report import lay_out, million, reached

from . import cable

LEAST = 1.5  # times the kernel's rate
ADDRESS, PORTS = "198.18.0.1", {"syn-ack": 80, "rst": 9}
TABLE = 4 * (cable.BACKLOG + 1)  # a quarter may be half open: as many as the kernel's backlog holds
CONFIGURATION = f"""\
host {{
    owns        = {{ "{ADDRESS}" }}
    connections = {TABLE}
    senders     = 1
    echo_memory = 0
}}
listener "web" {{
    ports   = {PORTS["syn-ack"]}
    cookies = auto
    backlog = {cable.BACKLOG}
    script  = {{ "accept", "read all", "close" }}
}}
"""
RIPOSTE, POLLING, LINUX, STEERED = "riposte", "riposte --poll", "Linux", "Linux, RPS"
OURS, THEIRS = (RIPOSTE, POLLING), (LINUX, STEERED)
SHARES = (50, 99, 99.9)  # percent
COLUMNS = ("ANSWER", "BY", "50 %", "99 %", "99.9 %", "ANSWERED", "ROUNDS", "OFFERED", "CPU %", "RATIO",
           "AT LEAST")


@dataclass
class Figures:
    """Of one of them, an entry a round. waits: microseconds, for each of SHARES; lost: SYNs without an
    answer, one at a time. answered, offered: a second; cpu: percent of its processor and of the
    sender's."""
    waits: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    answered: list = field(default_factory=list)
    offered: list = field(default_factory=list)
    cpu: list = field(default_factory=list)

    @property
    def rate(self):
        return statistics.median(self.answered)


@dataclass
class Answer:
    """kind: syn-ack or rst. by: Figures of each of the four."""
    kind: str
    by: dict = field(default_factory=lambda: {who: Figures() for who in (*OURS, *THEIRS)})

    def ratio(self, who):
        """To the better of the kernel's two."""
        return self.by[who].rate / max(self.by[each].rate for each in THEIRS)

    def wrong(self):
        return [*(f"{self.kind}: {who} answers {reached(self.ratio(who))} times as many SYNs a second as Linux, "
                  f"and it should be {LEAST:g}" for who in OURS if self.ratio(who) < LEAST),
                *(f"{self.kind}: {sum(each.lost)} SYNs that {who} was asked one at a time had no answer, and "
                  "are in no figure" for who, each in self.by.items() if any(each.lost))]


def _ask(setting, link, kind, figures, seconds):
    """One SYN at a time."""
    said = cable.inside(link.name, *cable.client(
        setting, "asker", "client0", MAC, ADDRESS, PORTS[kind], kind, round(1000 * seconds)))
    waits = sorted(int(line) / 1000 for line in said.splitlines() if line.isdecimal())
    if not waits:
        raise LoadError(f"{kind}: no SYN had an answer")
    figures.waits.append([cable.share(waits, percent) for percent in SHARES])
    figures.lost.append(cable.numbers(said)["lost"])


def _busy(cpu):
    """Seconds that a processor was used, by whoever it was."""
    for line in Path("/proc/stat").read_text("ascii").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{cpu}":
            user, nice, system, _, _, irq, softirq = map(int, ticks[:7])
            return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    raise LoadError(f"/proc/stat has no cpu{cpu}")


def _pour(setting, link, kind, figures, seconds):
    """As many SYNs as the cable carries."""
    used, began = [*map(_busy, setting.cpus)], time.monotonic()
    said = cable.numbers(cable.inside(link.name, *cable.client(
        setting, "pour", "client0", MAC, ADDRESS, PORTS[kind], round(1000 * seconds))))
    elapsed = time.monotonic() - began
    figures.offered.append(1e9 * said["sent"] / said["ns"])
    figures.answered.append(1e9 * said[kind.replace("-", "_")] / said["ns"])
    figures.cpu.append([100 * (after - before) / elapsed
                        for after, before in zip(map(_busy, setting.cpus), used)])


def _turn(setting, link, who, answers, seconds):
    if who in OURS:
        server = cable.riposte(setting, link, CONFIGURATION, *(["--poll"] if who == POLLING else []),
                               device=cable.RING)
    else:
        server = cable.kernel(setting, link, ADDRESS, PORTS["syn-ack"],
                              setting.cpus[0] if who == STEERED else None)
    syn_ack, rst = answers
    with server:
        # RSTs first: every page of the rings has been touched then, and nothing is left of them.
        _pour(setting, link, rst.kind, rst.by[who], seconds)
        for answer in answers:
            _ask(setting, link, answer.kind, answer.by[who], seconds)
        _pour(setting, link, syn_ack.kind, syn_ack.by[who], seconds)


def play(setting, rounds, seconds):
    """Both kinds of answer."""
    answers = [Answer("syn-ack"), Answer("rst")]
    with Veth().made() as link:
        cable.no_early_demux(link)
        for _ in range(rounds):
            for who in (*OURS, *THEIRS):
                _turn(setting, link, who, answers, seconds)
    return answers


def line(answer, who):
    each = answer.by[who]
    rates = [million(which(each.answered)) for which in (min, max)]
    return [answer.kind.upper(), who, *(f"{statistics.median(waits):.1f}" for waits in zip(*each.waits)),
            million(each.rate), " to ".join(rates), million(statistics.median(each.offered)),
            "+".join(f"{statistics.median(cpu):.0f}" for cpu in zip(*each.cpu)),
            *([reached(answer.ratio(who)), f"{LEAST:.2f}"] if who in OURS else ["", ""])]


def table(answers):
    return lay_out([list(COLUMNS), *(line(answer, who) for answer in answers for who in answer.by)], (0, 1))
