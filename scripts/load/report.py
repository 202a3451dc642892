# SPDX-License-Identifier: BSD-3-Clause
"""report - what is printed of the runs: a table, CSV, a plot."""
import csv
import math
import statistics
import subprocess

from .machine import LoadError

COLUMNS = {
    "CASE": "the case, config/pktgen/CASE.pkt",
    "OFFERED": "frames a second that were sent, in millions",
    "ANSWERED": "frames a second that drew an answer, by riposte's counters, in millions",
    "BACK": "frames a second that came back to the sender, in millions",
    "LOST": "frames sent that riposte did not receive",
    "LOST BACK": "its answers that did not come back",
    "CPU": "of one processor: riposte's side, and the sender's",
    "WHAT BECAME OF THEM": "riposte's counters at its end, shares of rx",
}
# Counters that are no kind of answer, or are a sum of others.
NOT_A_KIND = ("rx", "answered", "consumed", "tx", "established", "rx_missed")
SHOWN = 0.0005  # smaller shares are told as counts


def million(rate):
    return "-" if rate is None else f"{rate / 1e6:.2f}"


def reached(ratio):
    """To two decimals, never more than it is: what was missed by a hair does not look as if it were met."""
    return f"{math.floor(ratio * 100) / 100:.2f}"


def percent(share):
    return "-" if share is None else f"{share * 100:.0f}"


def kinds(run):
    rx = run.counts.get("rx", 0)
    told = []
    for name, value in sorted(run.counts.items(), key=lambda each: -each[1]):
        if name not in NOT_A_KIND and value:
            share = value / rx if rx else 0
            told.append(f"{name} {share * 100:.1f} %" if share >= SHOWN else f"{name} {value}")
    return ", ".join(told) or "-"


def row(run):
    return [run.case, million(run.offered), million(run.rate("answered")), million(run.back),
            *("-" if n is None else str(n) for n in run.lost),
            "+".join(map(percent, run.cpu)), kinds(run)]


def table(runs):
    return lay_out([list(COLUMNS), *map(row, runs)], (0, len(COLUMNS) - 1))


def lay_out(rows, left):
    """Lines of columns side by side; left: those whose text begins where the column does."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(text.ljust(width) if n in left else text.rjust(width)
                      for n, (text, width) in enumerate(zip(line, widths))).rstrip()
            for line in rows]


def yardstick(ours, theirs):
    """(a line, the ratio): medians of what came back of the same load."""
    mine, other = (statistics.median(run.back for run in runs) for runs in (ours, theirs))
    ratio = mine / other if other else 0
    spread = [" to ".join(million(which(run.back for run in runs)) for which in (min, max))
              for runs in (ours, theirs)]
    return (f"RST handling: {million(mine)} million answers a second ({spread[0]}), testpmd's 5tswap "
            f"in riposte's place {million(other)} ({spread[1]}), medians of {len(ours)}: "
            f"ratio {ratio:.2f}", ratio)


def series(run):
    """(seconds, sent, received, answered) a second, between one sample and the next."""
    for last, now in zip(run.samples, run.samples[1:]):
        span = now.time - last.time
        answered = now.counts.get("answered", 0) - last.counts.get("answered", 0)
        yield (now.time, (now.sent - last.sent) / span, (now.received - last.received) / span,
               answered / (now.counts_time - last.counts_time))


def write_csv(path, runs):
    with open(path, "w", encoding="ascii", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "seconds", "offered", "back", "answered"])
        for run in runs:
            for seconds, *rates in series(run):
                writer.writerow([run.case, f"{seconds:.3f}", *(f"{rate:.0f}" for rate in rates)])


def plot(path, runs, title):
    """One small picture a case."""
    columns = min(3, len(runs))
    lines = -(-len(runs) // columns)
    script = [f"set terminal png size {300 * columns},{40 + 190 * lines} font ',10'",
              f"set output {quoted(path)}", f"set multiplot layout {lines},{columns} title "
              f"{quoted(title)}", "set yrange [0:*]", "set xrange [0:*]", "set grid",
              "set key top right", "set offsets graph 0,0,0.3,0", "set xtics font ',8'", "set xlabel 's' offset 0,0.8",
              "set ylabel 'million/s' offset 1.5"]
    for run in runs:
        script.append("$data << END")
        script += [" ".join(f"{value:.6g}" for value in each) for each in series(run)]
        script += ["END", f"set title {quoted(run.case)} offset 0,-0.8",
                   "plot $data using 1:($2/1e6) with lines lw 2 title 'offered', "
                   "$data using 1:($4/1e6) with lines lw 2 title 'answered'"]
    draw([*script, "unset multiplot"])


def draw(script):
    """Lines for gnuplot."""
    done = subprocess.run(["gnuplot"], input="\n".join([*script, ""]), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise LoadError(f"gnuplot: {done.stdout.strip()}")


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"
