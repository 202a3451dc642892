# SPDX-License-Identifier: BSD-3-Clause
"""Segments at random to riposte and to a Linux kernel whose application makes the same calls: no
difference but those that have a mask, and no mask that nothing needs. ORACLE_SEED and ORACLE_COUNT
choose the sequences, as a failure says."""
import dataclasses
import os

import pytest

import sequences
from bench import Bench, conf
from known import MASKS
from verdict import FIELDS, compare, told

DEFAULT = (1, 2000)
SEED, COUNT = (int(os.environ.get(name, default))
               for name, default in zip(("ORACLE_SEED", "ORACLE_COUNT"), DEFAULT))
FAMILIES = (4, 6)
BATCH = 50  # so few that a sequence is over before a timer is due
TOLD = 3  # differences


@pytest.fixture(scope="module")
def bench(make_lab):
    made = Bench(make_lab(conf()))
    yield made
    made.close()


@dataclasses.dataclass
class Tally:
    """Of one family's sequences. differing: those that no mask explains."""
    used: set = dataclasses.field(default_factory=set)
    played: int = 0
    compared: int = 0
    timers: int = 0
    differing: list = dataclasses.field(default_factory=list)

    def add(self, sequence, moments):
        verdict = compare(sequence, moments)
        self.used |= verdict.used
        self.played += len(moments)
        self.compared += verdict.steps
        self.timers += verdict.timers
        if verdict.unexplained is not None:
            self.differing.append(sequence)


tallies = {}


@pytest.mark.parametrize("family", FAMILIES, ids=("ip4", "ip6"))
def test_no_unexplained_difference(bench, family):
    tally = tallies[family] = Tally()
    made = [sequences.make(SEED + number, family) for number in range(COUNT)]
    for pauses in (False, True):
        some = [one for one in made if one.pauses == pauses]
        for start in range(0, len(some), BATCH):
            batch = some[start:start + BATCH]
            for sequence, moments in zip(batch, bench.play(batch, family)):
                tally.add(sequence, moments)
    real = [one for one in tally.differing if differs(bench, one, family)]
    if real:
        told_of = [report(bench, one, family) for one in real[:TOLD]]
        pytest.fail("\n".join([f"{len(real)} sequences differ without a mask that says why",
                               *told_of]), pytrace=False)
    # What came of a race once does not come again; but they have to be few.
    assert len(tally.differing) + tally.timers <= 2 + COUNT // 100, tally


@pytest.mark.skipif((SEED, COUNT) != DEFAULT, reason="not all of the sequences are played")
def test_every_mask_is_needed():
    assert set(tallies) == set(FAMILIES), "this needs the whole file to be run"
    used = set().union(*(one.used for one in tallies.values()))
    assert sorted(({one.name for one in MASKS} | set(FIELDS)) - used) == []


@pytest.mark.skipif((SEED, COUNT) != DEFAULT, reason="not all of the sequences are played")
def test_most_steps_are_compared():
    """A mask may end a comparison; were that the rule, nothing would be compared."""
    for tally in tallies.values():
        assert tally.compared >= 0.75 * tally.played, tally


def differs(bench, sequence, family):
    """Does it again, in two plays more?"""
    return all(compare(sequence, bench.play([sequence], family)[0]).unexplained is not None
               for _ in range(2))


def report(bench, sequence, family):
    """A difference, as short as it can be made, and how to see it again."""
    short = shorten(bench, sequence, family)
    out = [f"\nORACLE_SEED={sequence.seed} ORACLE_COUNT=1 pytest tests/e2e/oracle -k ip{family}: "
           f"{len(short.steps)} of its {len(sequence.steps)} steps still differ, in the last"]
    for one in (short, sequence):
        moments = bench.play([one], family)[0]
        number = compare(one, moments).unexplained
        out.append(told(one, moments[:None if number is None else number + 1]))
    return "\n".join(out)


def shorten(bench, sequence, family):
    """Leaves out steps as long as there is still a difference; all with one step less at once."""
    while len(sequence.steps) > 1:
        fewer = [dataclasses.replace(sequence, steps=sequence.steps[:at] + sequence.steps[at + 1:])
                 for at in range(len(sequence.steps))]
        played = bench.play(fewer, family)
        left = [one for one, moments in zip(fewer, played)
                if compare(one, moments).unexplained is not None]
        if not left:
            break
        sequence = left[0]
    return sequence
