# SPDX-License-Identifier: BSD-3-Clause
"""Plays the rows in the laboratory of scripts/run, which starts this in the client's namespace."""
import argparse
import os
import signal
import sys
import time
from pathlib import Path

from . import table
from .place import Place, PlaceError
from .play import play
from .rows import ROWS
from .wire import WireError


def arguments():
    parser = argparse.ArgumentParser(prog="sudo scripts/run demo", description=(
        "Plays every way in which a server fails with Linux clients, on IPv4 and IPv6, and prints "
        "what was on the wire, what the clients' calls returned, and whether that is as expected. "
        "Exits with 1 if anything differs."))
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these, as 2b")
    parser.add_argument("--pcap", type=Path, metavar="DIR",
                        help="keep a capture of each row and family, for Wireshark")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    # scripts/run's: look at the arguments and do nothing; riposte's file prefix.
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--file-prefix", help=argparse.SUPPRESS)
    given = parser.parse_args()
    numbers = [row.number for row in ROWS]
    for number in given.rows:
        if number not in numbers:
            parser.error(f"there is no row {number}: {', '.join(dict.fromkeys(numbers))}")
    return given


def make_directory(path):
    """With those above it; returns the directories that were not there."""
    made = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    return made


def give_away(paths):
    """To whoever called sudo."""
    if "SUDO_UID" in os.environ:
        for path in paths:
            os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]),
                     follow_symlinks=False)


def main():
    given = arguments()
    if given.check:
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # tcpdump ends with it
    places = {"good": Place("client0", {4: "10.9.0.1", 6: "fd09::1"}, given.file_prefix),
              "dark": Place("client1", {4: "10.8.0.1", 6: "fd08::1"}, f"{given.file_prefix}-dark")}
    start = time.monotonic()
    try:
        if given.pcap:
            made = make_directory(given.pcap)
        outcomes = play([row for row in ROWS if not given.rows or row.number in given.rows],
                        places, given.pcap)
        if given.pcap:
            give_away([*made, *given.pcap.glob("row-*.pcap")])
    except (PlaceError, WireError, OSError) as error:
        sys.exit(f"demo: {error}")
    print("\n".join(table.markdown(outcomes) if given.markdown else table.plain(outcomes)))
    right = sum(1 for outcome in outcomes if not outcome.differences())
    print(f"{right} of {len(outcomes)} as expected, in {time.monotonic() - start:.0f} s",
          file=sys.stderr if given.markdown else sys.stdout)
    return 0 if right == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
