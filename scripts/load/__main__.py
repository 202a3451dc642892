# SPDX-License-Identifier: BSD-3-Clause
"""Loads riposte, with Pktgen or others, and prints what it did."""
import argparse
import contextlib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from . import report
from .case import CaseError, cases
from .frames import frames, write_pcap
from .link import Memif, Ports, Veth
from .machine import Cpus, LoadError, choose_cpus, give_away, huge_pages, scratch
from .measure import run
from .options import cpus, ending, number, Parser, seconds
from .responder import Elsewhere, MIB, Riposte, Swap
from .sender import SENDERS, find_pktgen

YARDSTICK = "syn-closed"
LEAST_RATIO = 0.7


@dataclass
class Setting:
    """What all runs have in common."""
    directory: Path
    cpus: Cpus
    prefix: str
    huge: bool
    seed: int
    mac: str = None
    pci: bool = False
    pktgen: str = None

    def memory(self, mib):
        if self.pci:
            return []
        return ["--no-pci", "-m", mib, *(["--in-memory"] if self.huge else ["--no-huge"])]

    def frames(self, case, **options):
        return frames(case, self.seed, self.mac, **options)


HELP = f"""\
usage: sudo scripts/pktgen all|CASE... [options]

Loads riposte with each case in turn, and prints a table of what it did. A case is a file of
config/pktgen for Pktgen-DPDK 23.06; riposte runs with config/pktgen/riposte.conf and --poll. Both
sides are started here, at the ends of a memif pair, and ended again.

    --for TIME          how long each case is sent: 500ms, 10s, 2m (10s)
    --with SENDER       pktgen, unless told; testpmd, Debian's dpdk-testpmd, which sends the same
                        frames from memory; or trafgen, Debian's netsniff-ng, which sends a
                        thousand of them through the kernel, over a veth pair
    --pktgen PATH       the program (pktgen in $PATH)
    --rounds N          with {YARDSTICK}: medians of N runs (3) are compared with dpdk-testpmd's
                        5tswap in riposte's place; 0: no comparison
    --csv FILE          rates over time; those that Pktgen itself wrote go beside it
    --plot FILE         the same as PNG
    --frames FILE       nothing is sent: the frames of one case are written as pcap
    --logs DIR          what the programs said is kept there
    --seed N            of what is random in the mixed frames (1)
    --cpus A,B[,C]      riposte's processor, the sender's, and that on which Pktgen draws
    --no-huge           no huge pages: slower. Without it as many as are needed are reserved, and
                        given back

On real ports, bound to vfio-pci and with huge pages reserved (see README, Deploy):

    --pci ADDRESS       Pktgen sends on this port. riposte is on another machine, and nothing is
                        known of it but what comes back
    --mac ADDRESS       its Ethernet address
    --riposte-pci ADDRESS
                        riposte is started here, on this port, which is connected to the other

Exit status: 0 done, and all held; 1 something did not hold (rx = answered + consumed + dropped, no
packet buffer lost, memory flat, frames end in the counters that the case names, at least {LEAST_RATIO}
of 5tswap) or could not be done; 2 wrong command line.
"""


def mac(text):
    if not re.fullmatch("[0-9a-f]{2}(:[0-9a-f]{2}){5}", text.lower()):
        raise argparse.ArgumentTypeError(f"{text!r} is not an Ethernet address, as 02:18:00:00:00:01")
    return text.lower()


def pci(text):
    if not re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", text.lower()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a PCI address, as 0000:03:00.0")
    return text.lower()


def arguments():
    parser = Parser("pktgen")
    parser.add_argument("cases", nargs="+", metavar="CASE")
    parser.add_argument("--for", type=seconds, default=10, dest="seconds")
    parser.add_argument("--with", choices=list(SENDERS), default="pktgen", dest="sender")
    parser.add_argument("--pktgen")
    parser.add_argument("--rounds", type=number, default=3)
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--frames", type=Path)
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--seed", type=number, default=1)
    parser.add_argument("--cpus", type=cpus)
    parser.add_argument("--no-huge", action="store_true")
    parser.add_argument("--pci", type=pci)
    parser.add_argument("--riposte-pci", type=pci)
    parser.add_argument("--mac", type=mac)
    # scripts/pktgen's: look at the arguments and do nothing.
    parser.add_argument("--check", action="store_true")
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(HELP, end="")
        sys.exit(0)
    given = parser.parse_args()
    there = cases()
    for name in given.cases:
        if name != "all" and name not in there:
            parser.error(f"there is no case {name}: all, {', '.join(there)}")
    given.cases = list(there.values()) if "all" in given.cases else [there[n] for n in given.cases]
    for wrong, why in (
            (given.pci and given.sender != "pktgen", "--pci is for Pktgen alone"),
            (given.pci and not given.riposte_pci and not given.mac,
             "--pci needs --mac, riposte's Ethernet address, or --riposte-pci"),
            (given.riposte_pci and not given.pci, "--riposte-pci needs --pci, Pktgen's port"),
            (given.mac and not given.pci, "--mac is for --pci alone"),
            (given.frames and len(given.cases) != 1, "--frames writes those of one case")):
        if wrong:
            parser.error(why)
    for option in "csv", "plot", "frames":
        path = getattr(given, option)
        if path and not path.parent.is_dir():
            parser.error(f"--{option} {path}: there is no directory {path.parent}")
    given.csv_of = lambda case: given.csv and given.csv.with_name(
        f"{given.csv.stem}-{case.name}-pktgen.csv")
    if not given.frames:
        given.cpus = choose_cpus(given.cpus)
        given.pktgen = find_pktgen(given.pktgen) if given.sender == "pktgen" else None
    return given


def link_of(given, setting):
    """What makes the link for each run."""
    if given.pci:
        return lambda: contextlib.nullcontext(Ports(given.pci, given.riposte_pci))
    if given.sender == "trafgen":
        return lambda: Veth().made()
    return lambda: Memif(setting.directory).made()


def play(given, setting):
    """(runs, the runs of the yardstick's case, those of 5tswap)."""
    make_sender = SENDERS[given.sender]
    make_link = link_of(given, setting)
    elsewhere = given.pci and not given.riposte_pci
    ours, theirs = [], []

    def one(case, responder, what, keep=None):
        print(f"pktgen: {case.name}{what}", file=sys.stderr)
        return run(setting, case, make_link, responder, make_sender, given.seconds, keep)

    runs = []
    for case in given.cases:
        runs.append(one(case, (lambda *_: Elsewhere()) if elsewhere else Riposte, "",
                        given.csv_of(case)))
        if case.name != YARDSTICK or elsewhere:
            continue
        for n in range(given.rounds):
            theirs.append(one(case, Swap, f", 5tswap in riposte's place, {n + 1} of {given.rounds}"))
            ours.append(runs[-1] if n == 0 else
                        one(case, Riposte, f", riposte again, {n + 1} of {given.rounds}"))
    return runs, ours, theirs


def load(given):
    """Everything; returns the exit status."""
    wrong = []
    huge = not given.no_huge and not given.pci and given.sender != "trafgen"
    with scratch(given.logs) as directory, contextlib.ExitStack() as stack:
        setting = Setting(directory, given.cpus, f"load{os.getpid()}", huge, given.seed, given.mac,
                          bool(given.pci), given.pktgen)
        if huge:
            stack.enter_context(huge_pages(MIB + SENDERS[given.sender].MIB))
        runs, ours, theirs = play(given, setting)
    print(f"riposte on processor {given.cpus.responder}, {given.sender} on {given.cpus.sender}; "
          f"{given.seconds:g} s a case, {'with' if huge or given.pci else 'without'} huge pages")
    print("\n".join(report.table(runs)))
    if theirs:
        line, ratio = report.yardstick(ours, theirs)
        print(line)
        if ratio < LEAST_RATIO:
            wrong.append(f"RST handling is {ratio:.2f} of 5tswap's, under {LEAST_RATIO}")
    for each in [*runs, *ours[1:], *theirs]:
        wrong += [f"{each.case}: {line}" for line in each.wrong]
    if given.csv:
        report.write_csv(given.csv, runs)
        give_away(given.csv, *filter(Path.exists, map(given.csv_of, given.cases)))
    if given.plot:
        report.plot(given.plot, runs, f"riposte under the load of {given.sender}")
        give_away(given.plot)
    for line in wrong:
        print(f"pktgen: {line}", file=sys.stderr)
    return 1 if wrong else 0


def main():
    given = arguments()
    if given.check:
        return 0
    if given.frames:
        case = given.cases[0]
        write_pcap(given.frames, frames(case, given.seed))
        return 0
    return load(given)


if __name__ == "__main__":
    sys.exit(ending("pktgen", main, LoadError, CaseError))
