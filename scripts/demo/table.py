# SPDX-License-Identifier: BSD-3-Clause
"""table - prints outcomes, for a terminal or as Markdown."""
import html
import textwrap
from itertools import groupby, zip_longest

from .place import listeners

WIDTH = 100
WIRE = 54  # columns
PAUSE = 0.05  # seconds that are worth telling


def server(row):
    """The server's side, in words of the configuration and of ripostectl."""
    if row.listener:
        text = listeners()[row.listener].text
    else:
        text = "no listener" if row.host == "good" else "no listener, closed = drop"
    return f"{text}; ripostectl {' '.join(row.event)}" if row.event else text


def times(text, count):
    return f"{text} ({count} times)" if count > 1 else text


def call_lines(calls):
    """Equal ones in a row are told once."""
    return [times(call, len(list(same))) for call, same in groupby(calls)]


def wire_lines(frames):
    """A pause before a frame is said in milliseconds. Equal ones in a row are told once, those
    after a pause apart from those without."""
    told = []
    pauses = [now.time - last.time for last, now in zip(frames[:1] + frames, frames)]
    for (text, paused), same in groupby(zip(frames, pauses),
                                        key=lambda each: (each[0].text, each[1] >= PAUSE)):
        same = list(same)
        wait = f"{same[0][1] * 1000:.0f} ms" if paused else ""
        told.append(f"{wait:>7} {times(text, len(same))}")
    return told


def blocks(outcomes):
    """The outcomes of one row that look alike, but for the times, are one block."""
    for _, of_row in groupby(outcomes, key=lambda outcome: outcome.row.name):
        block = list(of_row)
        if all((other.lines, other.calls) == (block[0].lines, block[0].calls) for other in block):
            yield block
        else:
            yield from ([outcome] for outcome in block)


def verdict(outcome):
    return f"IPv{outcome.family} {'DIFFERS' if outcome.differences() else 'ok'}"


def plain(outcomes):
    """The table as lines of WIDTH columns. Where families share a block the times are IPv4's."""
    lines = [f"{'row':<5}{'on the wire, C the client, S the server':<{WIRE}} its calls return",
             "=" * WIDTH]
    for block in blocks(outcomes):
        first = block[0]
        head, said = f"{first.row.name}: {server(first.row)}", "  ".join(map(verdict, block))
        lines.append(f"{head:<{WIDTH - 1 - len(said)}} {said}")
        lines += [f"     {wire:<{WIRE}} {call}".rstrip() for wire, call in zip_longest(
            wire_lines(first.frames), call_lines(first.calls), fillvalue="")]
        for why in differences(block):
            lines += textwrap.wrap(why, WIDTH, initial_indent=" " * 5, subsequent_indent=" " * 7)
        lines.append("-" * WIDTH)
    return lines


def differences(block):
    return [f"IPv{outcome.family} differs {why}"
            for outcome in block for why in outcome.differences()]


def markdown(outcomes):
    """The same as a table of Markdown."""
    def cell(lines):
        return "<br>".join(f"`{line.strip()}`" for line in lines) or " "

    lines = ["| row | the server | on the wire, C the client, S the server | its calls return | |",
             "|---|---|---|---|---|"]
    for block in blocks(outcomes):
        first = block[0]
        verdicts = "<br>".join([*map(verdict, block), *map(html.escape, differences(block))])
        cells = (first.row.name, f"`{server(first.row)}`", cell(wire_lines(first.frames)),
                 cell(call_lines(first.calls)), verdicts)
        lines.append(f"| {' | '.join(cells)} |")
    return lines
