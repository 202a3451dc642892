# SPDX-License-Identifier: BSD-3-Clause
"""masks - what may excuse a difference: a mask looks at the first step in which the two replied
differently, and says whether it is why. The comparison GOES_ON where both stand where they stood,
and ENDS where they no longer do. They are in known.py."""
import dataclasses
from typing import Callable

import tracker
from segments import FIN, RST, SYN, signed
from tracker import CLOSED

GOES_ON, ENDS = "goes on", "ends"


@dataclasses.dataclass(frozen=True)
class Mask:
    """lasting: it may be a step before that made the difference."""
    name: str
    why: str
    explains: Callable
    lasting: bool


MASKS = []


def mask(name, why, lasting=False):
    def add(explains):
        MASKS.append(Mask(name, why, explains, lasting))
        return explains
    return add


@dataclasses.dataclass
class At:
    """One step of a sequence: riposte's side is ours, Linux's theirs. state: riposte's, before it.
    old_by: how much older its TSval is than TS.Recent. before: the steps before it."""
    sequence: object
    step: object
    ours: object
    theirs: object
    state: str
    old_by: int
    timestamps: bool
    recent: int
    before: list

    @property
    def flags(self):
        return self.step.flags if self.step else 0

    @property
    def length(self):
        text = self.step.text if self.step else 0
        return text + bool(self.flags & SYN) + bool(self.flags & FIN)

    @property
    def first(self):
        """Where it begins, from RCV.NXT."""
        return signed(self.ours.seq - self.ours.stand.nxt) if self.step else 0

    @property
    def last(self):
        """Where it ends."""
        return self.first + self.length

    @property
    def acceptable(self):
        return tracker.acceptable(self.step, self.ours)

    @property
    def lacks_timestamp(self):
        """Has it none though one was agreed on?"""
        return (self.step is not None and self.timestamps and self.step.ts is None and
                not self.flags & RST)

    @property
    def orphan(self):
        """Both directions were closed."""
        return self.state in CLOSED and not self.sequence.service.shuts

    def both(self, ours, theirs):
        """Is it this that the two said? Texts of what(), and * for anything."""
        return all(want in ("*", kind(self, side)) for want, side in
                   ((ours, self.ours), (theirs, self.theirs)))


def kind(at, side):
    """What a side's replies amount to."""
    replies = side.replies
    if not replies:
        return "silence"
    if len(replies) > 1:
        return "several"
    one = replies[0]
    if one.flags & RST:
        return "RST" if one.ack is None else "RST,ACK"
    if one.flags & SYN:
        return "SYN-ACK"
    if one.flags & FIN:
        return "FIN"
    if one.text:
        return "text"
    return "ACK" if one.ack == side.stand.nxt else "ACK of more"
