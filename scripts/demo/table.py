# SPDX-License-Identifier: BSD-3-Clause
"""table - prints outcomes: for a terminal, or as Markdown."""
import html
from itertools import groupby, zip_longest

from .place import listeners

WIDTH = 100
WIRE = 48  # columns
PAUSE = 0.05  # seconds that are worth telling


def server(row):
    """The server's side, in words of the configuration."""
    if row.listener:
        text = listeners()[row.listener][1]
    else:
        text = "no listener" if row.host == "good" else "no listener; closed drop"
    return f"{text}; ripostectl {' '.join(row.event)}" if row.event else text


def repeated(lines):
    """Equal lines in a row are told once, with how often."""
    told = []
    for line, group in groupby(lines):
        count = len(list(group))
        told.append(f"{line}  ({count} times)" if count > 1 else line)
    return told


def timed(frames):
    """The frames' lines; what came after a pause is said so."""
    told = []
    last = frames[0].time if frames else 0
    for frame in frames:
        pause = frame.time - last
        told.append((f"{pause * 1000:5.0f} ms  " if pause >= PAUSE else " " * 10) + frame.text)
        last = frame.time
    return told


def blocks(outcomes):
    """Outcomes of one row that look alike but for the time are one block."""
    for _, of_row in groupby(outcomes, key=lambda outcome: outcome.row.name):
        found = list(of_row)
        alike = all((outcome.lines, outcome.calls) == (found[0].lines, found[0].calls)
                    for outcome in found)
        yield from [found] if alike else [[outcome] for outcome in found]


def verdicts(block):
    return [f"IPv{outcome.family} {'DIFFERS' if outcome.differences() else 'ok'}"
            for outcome in block]


def as_text(outcomes):
    """The table, as lines of at most WIDTH columns. Where both families look alike they share a
    block; its times are those of IPv4."""
    lines = [f"{'row':<4} {'on the wire: C the client, S the server':<{WIRE}} client's calls"]
    for block in blocks(outcomes):
        head, verdict = f"{block[0].row.name}: {server(block[0].row)}", "  ".join(verdicts(block))
        lines += ["-" * WIDTH, f"{head:<{WIDTH - 1 - len(verdict)}} {verdict}"]
        lines += [f"     {wire:<{WIRE}} {call}".rstrip() for wire, call in zip_longest(
            timed_once(block[0].frames), repeated(block[0].calls), fillvalue="")]
        lines += [f"     IPv{outcome.family} differs, {why}"
                  for outcome in block for why in outcome.differences()]
    return lines


def timed_once(frames):
    """timed(), with equal frames in a row told once."""
    told = []
    for text, group in groupby(frames, key=lambda frame: frame.text):
        same = list(group)
        told.append((same[0], f"{text}  ({len(same)} times)" if len(same) > 1 else text))
    return told
