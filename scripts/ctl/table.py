# SPDX-License-Identifier: BSD-3-Clause
"""table - rows under a header, in columns: numbers to the right, text to the left."""
from ctl.instance import one_line


def cell(value):
    if value is None:
        return "-"
    if isinstance(value, float):  # a rate
        return f"{value:.1f}" if 0 < value < 9.95 else f"{value:.0f}"
    return one_line(value)


def table(columns, rows):
    """The lines. columns: {header: key}, rows: dicts. What a row does not have is a dash."""
    cells = [[cell(row.get(key)) for key in columns.values()] for row in rows]
    right = [any(isinstance(row.get(key), (int, float)) for row in rows)
             for key in columns.values()]
    widths = [max(map(len, column)) for column in zip(columns, *cells)]
    return [
        "  ".join(text.rjust(width) if number else text.ljust(width)
                  for text, width, number in zip(line, widths, right)).rstrip()
        for line in (list(columns), *cells)]
