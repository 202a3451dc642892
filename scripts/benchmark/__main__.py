# SPDX-License-Identifier: BSD-3-Clause
"""Measures riposte's packet path against dpdk-testpmd's, and prints what came of it."""
import argparse
import contextlib
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from load.machine import choose_cpus, give_away, huge_pages, LoadError, scratch
from load.options import ending, number, Parser, seconds

from . import compare, flood, growth, idle, latency, report, rounds, workers
from .engine import MIB, Setting
from .work import WORKS

PARTS = {"rows": 2 * MIB, "memory": MIB, "workers": 3 * MIB, "compare": compare.MIB,
         "idle": 0, "latency": 0, "flood": 0}  # MiB of huge pages that each needs
QUICK = {"rounds": 2, "seconds": 0.5, "share": 0.5}

HELP = f"""\
usage: sudo scripts/bench [PART...] [options]

    rows                riposte and dpdk-testpmd on the same device with the same frames, in turns:
                        net_pcap, which repeats a file of 32,768 frames from memory and throws away what
                        is sent. Frames per second of the worker's own CPU time, and riposte's as a ratio
                        to 5tswap's, which swaps addresses and ports and does nothing else
    memory              from ten thousand to a hundred million connections: what each takes, what a
                        segment costs, and whether each is closed by its own FIN
    workers             two workers against one
    compare             riposte's table against rte_hash, its wheel against rte_timer
    idle                what a worker without frames uses, and how late it answers then
    latency             riposte and the Linux kernel at the same end of a veth pair, in turns: how long a
                        SYN waits for its SYN-ACK or RST, and how many of either a second each gives
    flood               clients of the kernel's, a thousand a second, while SYNs of random clients pour in:
                        each has to be served

Without a PART, all of them.

    --rows NAME,...     of {', '.join(WORKS)} (all)
    --ip 4|6            IPv4 alone, or IPv6 (both)
    --most N            connections in memory, and flows and timers in compare, at most (100000000)
    --rounds N          medians of so many (5)
    --for TIME          each measurement, from 500ms to 60m (2s)
    --quick             the rows over IPv4 alone, {QUICK['rounds']} rounds of {QUICK['seconds']:g} s,
                        and it holds if half of what is asked is reached
    --csv FILE          every measurement
    --plot FILE         the ratios and the growth as PNG
    --logs DIR          what the programs said is kept there
    --cpus A,B          the worker's processor, and that of everything else and of a second worker
    --no-huge           no huge pages: slower. Without it as many as are needed are reserved, and given
                        back

Exit status: 0 all is reached that is asked; 1 something is not, or could not be done; 2 wrong command
line.
"""


@dataclass
class Done:
    """What was measured."""
    failed: list = field(default_factory=list)  # what could not be done of the rows, a line each
    rows: list = field(default_factory=list)
    sizes: list = field(default_factory=list)
    pairs: list = field(default_factory=list)
    operations: list = field(default_factory=list)
    idles: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    floods: list = field(default_factory=list)

    def wrong(self, share):
        """What does not hold, a line each."""
        return [*self.failed, *report.under(self.rows, share),
                *(line for part in (self.sizes, self.pairs, self.operations, self.idles, self.answers,
                                    self.floods)
                  for each in part for line in each.wrong())]


def named_rows(text):
    names = text.split(",")
    for name in names:
        if name not in WORKS:
            raise argparse.ArgumentTypeError(f"there is no row {name}: {', '.join(WORKS)}")
    return [WORKS[name] for name in names]


def two_cpus(text):
    found = text.split(",")
    if len(found) != 2 or not all(each.isdecimal() and len(each) < 5 for each in found):
        raise argparse.ArgumentTypeError(f"{text!r} is not two processors, as 0,1")
    return [int(each) for each in found]


def arguments():
    parser = Parser("bench")
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--most", type=number, default=growth.SIZES[-1])
    parser.add_argument("--rows", type=named_rows, default=list(WORKS.values()), metavar="NAME,...")
    parser.add_argument("--ip", choices=("4", "6"))
    parser.add_argument("--rounds", type=number)
    parser.add_argument("--for", type=seconds, dest="seconds")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--cpus", type=two_cpus)
    parser.add_argument("--no-huge", action="store_true")
    # scripts/bench's: look at the arguments and do nothing.
    parser.add_argument("--check", action="store_true")
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(HELP, end="")
        sys.exit(0)
    given = parser.parse_args()
    for name in given.parts:
        if name not in PARTS:
            parser.error(f"there is no part {name}: {', '.join(PARTS)}")
    given.parts = given.parts or (["rows"] if given.quick else list(PARTS))
    if given.rounds == 0:
        parser.error("--rounds 0: one at least")
    for option in "csv", "plot":
        path = getattr(given, option)
        if path and not path.parent.is_dir():
            parser.error(f"--{option} {path}: there is no directory {path.parent}")
    given.rounds = given.rounds or (QUICK["rounds"] if given.quick else 5)
    given.seconds = given.seconds or (QUICK["seconds"] if given.quick else 2)
    given.families = [int(given.ip)] if given.ip else [4] if given.quick else [4, 6]
    given.share = QUICK["share"] if given.quick else 1
    chosen = choose_cpus(given.cpus)
    given.cpus = (chosen.responder, chosen.sender)
    return given


def tell(text):
    print(f"bench: {text}", file=sys.stderr)


def play_rows(given, setting, done):
    for work in given.rows:
        for family in given.families:
            tell(f"{work.name} over IPv{family}")
            try:
                done.rows.append(rounds.play(setting, work, family, given.rounds, given.seconds))
            except LoadError as error:  # the others are worth their time
                done.failed.append(f"{work.title}: {error}")
    print("\n".join([*report.table(done.rows), report.how_rows(given)]), flush=True)


def play_memory(given, setting, done):
    for family in given.families:
        for live in growth.SIZES:
            if live <= min(given.most, growth.MOST[family]):
                tell(f"{live} connections over IPv{family}")
                done.sizes.append(growth.play(setting, live, family, given.rounds, given.seconds))
    print("\n".join([*growth.table(done.sizes), report.how_sizes(given)]), flush=True)


def play_workers(given, setting, done):
    tell("two workers")
    done.pairs = workers.all_of(setting, given.families, given.rounds, given.seconds)
    print("\n".join([*workers.table(done.pairs), report.how_pairs(given)]), flush=True)


def play_compare(given, setting, done):
    for kind, (*_, rival, counts) in compare.KINDS.items():
        for count in counts:
            if count <= given.most:
                tell(f"{rival}, {count} of them")
                done.operations += compare.play(setting, kind, count, given.rounds)
    print("\n".join([*compare.table(done.operations), report.how_operations(given)]), flush=True)


def play_idle(given, setting, done):
    for poll in False, True:
        tell("idle, with --poll" if poll else "idle")
        done.idles.append(idle.play(setting, poll, given.rounds, given.seconds))
    print("\n".join([*idle.table(done.idles), report.how_idles(given)]), flush=True)


def play_latency(given, setting, done):
    tell("riposte and Linux, in turns")
    done.answers = latency.play(setting, given.rounds, given.seconds)
    print("\n".join([*latency.table(done.answers), report.how_answers(given)]), flush=True)


def play_flood(given, setting, done):
    for way in flood.VETH, flood.MEMIF:
        tell(f"lawful clients over {way.device}, without a flood and under it")
        done.floods.append(flood.play(setting, way, given.rounds, given.seconds))
    print("\n".join([*flood.table(done.floods), report.how_floods(given, done.floods)]), flush=True)


def bench(given):
    """Everything; returns the exit status."""
    done = Done()
    play = {"rows": play_rows, "memory": play_memory, "workers": play_workers,
            "compare": play_compare, "idle": play_idle, "latency": play_latency, "flood": play_flood}
    with scratch(given.logs, "bench") as directory, contextlib.ExitStack() as stack:
        setting = Setting(directory, given.cpus, f"bench{os.getpid()}", not given.no_huge)
        if setting.huge:
            stack.enter_context(huge_pages(max(PARTS[part] for part in given.parts)))
        for part in PARTS:
            if part in given.parts:
                play[part](given, setting, done)
    if given.csv:
        report.write_csv(given.csv, done)
        give_away(given.csv)
    if given.plot:
        report.plot(given.plot, done)
        give_away(*filter(Path.exists, [given.plot]))
    wrong = done.wrong(given.share)
    for line in wrong:
        tell(line)
    return 1 if wrong else 0


def main():
    given = arguments()
    return 0 if given.check else bench(given)


if __name__ == "__main__":
    sys.exit(ending("bench", main, LoadError))
