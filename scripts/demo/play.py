# SPDX-License-Identifier: BSD-3-Clause
"""play - plays rows on both families, those that do not disturb each other all at once."""
import contextlib
import tempfile
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path

from . import expect, wire
from .place import PlaceError, listeners
from .program import Overslept, Program
from .rows import NOBODY

FAMILIES = (4, 6)
ATTEMPTS = 30  # for a client that overslept: that of row 2 has 5 ms to spare
ROUNDS = ((), ("crash",), ("down",), ("down", "--arp"))  # one event to the host in each


@dataclass
class Outcome:
    """What was seen of a row on one family."""
    row: object
    family: int
    calls: list
    frames: list
    failure: str = None  # why there is nothing to compare

    @property
    def lines(self):
        return [frame.text for frame in self.frames]

    @property
    def wire_differs(self):
        return expect.compare(self.row.wire, self.lines, [frame.time for frame in self.frames])

    @property
    def calls_differ(self):
        return expect.compare(self.row.calls, self.calls)

    def differences(self):
        """Empty if all is as expected."""
        if self.failure:
            return [self.failure]
        differences = (("on the wire", self.wire_differs), ("calls", self.calls_differ))
        return [f"{what}: {why}" for what, why in differences if why]


class Player(threading.Thread):
    """One row on one family, in a thread of its own."""

    def __init__(self, row, family, place, together):
        super().__init__(name=f"row {row.name} IPv{family}", daemon=True)
        self.row = row
        self.family = family
        self.place = place
        self.together = together
        self.port = listeners()[row.listener].port if row.listener else NOBODY
        self.programs = []
        self.failure = None

    def _event(self):
        """The host's event, which is for all rows of the round."""
        self.programs[-1].calls.append(f"(ripostectl {' '.join(self.row.event)})")
        self.together.wait(30)

    def run(self):
        try:
            with self.place.inside():
                self._play()
        except threading.BrokenBarrierError:
            self.failure = f"ripostectl {' '.join(self.row.event)} failed"
        except Exception as error:  # whatever it is belongs to this row
            self.failure = str(error) or traceback.format_exc()
            self.together.abort()

    def _play(self):
        for _ in range(ATTEMPTS):
            self.programs.append(Program(self.place, self.family, self.port, self._event))
            with contextlib.suppress(Overslept):
                self.row.client(self.programs[-1])
                return
        raise PlaceError(f"too late {ATTEMPTS} times for what it wants to show: a busy machine?")

    def outcome(self, capture, path):
        """What the last of its programs did, and the frames of that, which go to path."""
        program = self.programs[-1] if self.programs else None
        if self.failure or not program.sockets:
            return Outcome(self.row, self.family, program.calls if program else [], [],
                           self.failure or "no socket was made")
        wire.cut(capture, path, wire.capture_filter(
            self.family, self.port, program.local_ports(), self.row.neighbours))
        return Outcome(self.row, self.family, program.calls, wire.frames(path, self.port))

    def end(self):
        for program in self.programs:
            program.end()


def play(rows, places, keep=None):
    """Plays rows at places (by host); keep: the directory for a capture of each row. Returns an
    Outcome for each row and family, in the rows' order."""
    outcomes = {}
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        for place in places.values():
            stack.enter_context(place.prepared())
        for event in ROUNDS:
            chosen = [row for row in rows if row.event == event]
            outcomes.update(play_round(chosen, places, event, Path(scratch), keep))
    return [outcomes[row.name, family] for row in rows for family in FAMILIES]


def play_round(rows, places, event, scratch, keep):
    """Plays at once all rows in which the same happens to the host."""
    def happen():
        if event:
            places["good"].control(*event)

    together = threading.Barrier(max(1, len(rows) * len(FAMILIES)), happen)
    players = [Player(row, family, places[row.host], together)
               for row in rows for family in FAMILIES]
    with contextlib.ExitStack() as stack:
        captures = {host: stack.enter_context(wire.Capture(
                        places[host], scratch / f"{'-'.join((host, *event))}.pcap"))
                    for host in {row.host for row in rows}}
        for player in players:
            stack.callback(player.end)
            player.start()
        for player in players:
            player.join()
        if rows and event[:1] == ("down",):
            places["good"].control("up")
        for capture in captures.values():
            capture.stop()
    return {(player.row.name, player.family): player.outcome(
                captures[player.row.host].path,
                (keep or scratch) / f"row-{player.row.slug}-ipv{player.family}.pcap")
            for player in players}
