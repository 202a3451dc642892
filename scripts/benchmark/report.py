# SPDX-License-Identifier: BSD-3-Clause
"""report - what is printed of the rows: a table, CSV, a plot."""
import csv

from load.report import draw, lay_out, million, quoted

from .rounds import IO, RIPOSTE, SWAP

COLUMNS = ("WORK", "IP", "RIPOSTE", "NS", "5TSWAP", "IO", "RATIO", "ROUNDS", "AT LEAST", "AIM")


def line(row):
    asked = [f"{row.work.least:.2f}", f"{row.work.aim:.2f}"] if row.family == 4 else ["", ""]
    return [row.work.title if row.family == 4 else "", str(row.family), million(row.median(RIPOSTE)),
            f"{1e9 / row.median(RIPOSTE):.0f}", million(row.median(SWAP)), million(row.median(IO)),
            f"{row.ratio:.2f}", f"{min(row.ratios):.2f} to {max(row.ratios):.2f}", *asked]


def table(rows):
    return lay_out([list(COLUMNS), *map(line, rows)], (0,))


def under(rows, share=1):
    """The rows that do not reach what is asked of them, or that share of it; a line each."""
    return [f"{row.work.title}: {row.ratio:.2f} of 5tswap, and it should be "
            f"{share * row.work.least:.2f} at least"
            for row in rows if row.family == 4 and row.ratio < share * row.work.least]


def write_csv(path, rows):
    """A line for each measurement."""
    with open(path, "w", encoding="ascii", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "ip", "live", "round", "who", "frames_per_cpu_second"])
        for row in rows:
            for who, rates in row.rates.items():
                for n, rate in enumerate(rates, 1):
                    writer.writerow([row.work.name, row.family, row.work.live, n, who, f"{rate:.0f}"])


def plot(path, rows):
    """Bars of the ratios, and what is asked of them."""
    names = list(dict.fromkeys(row.work.name for row in rows))
    ratios = {(row.work.name, row.family): row for row in rows}
    script = [f"set terminal png size {160 + 140 * len(names)},420 font ',10'", f"set output {quoted(path)}",
              "set title 'packets per second of CPU time, as a ratio to 5tswap'", "set yrange [0:*]",
              "set grid ytics", "set key top right", "set style fill solid 0.7", "set boxwidth 0.35",
              f"set xrange [-0.6:{len(names) - 0.4}]",
              "set xtics (" + ", ".join(f"{quoted(name)} {n}" for n, name in enumerate(names)) + ")",
              "$data << END"]
    for n, name in enumerate(names):
        values = [ratios[name, family].ratio if (name, family) in ratios else "NaN" for family in (4, 6)]
        work = next(row.work for row in rows if row.work.name == name)
        script.append(" ".join(map(str, (n, *values, work.least, work.aim))))
    script += ["END",
               "plot $data using ($1-0.18):2 with boxes title 'IPv4', "
               "$data using ($1+0.18):3 with boxes title 'IPv6', "
               "$data using 1:4 with points pt 9 ps 1.5 lc 'black' title 'at least', "
               "$data using 1:5 with points pt 3 ps 1.5 lc 'black' title 'aim'"]
    draw(script)


def how(given):
    """How the figures were got."""
    return f"""\
Millions of frames per second of the worker's own CPU time, medians of {given.rounds} rounds of {given.seconds:g} s, in each of
which riposte, 5tswap and io ran one after the other, on processor {given.cpus[0]}, {'without' if given.no_huge else 'with'} huge pages for the
packet buffers. NS: what a frame costs riposte, in nanoseconds. ROUNDS: the least and the greatest ratio of
one round. The device is net_pcap with infinite_rx=1 over 32,768 frames; what is sent is dropped; bursts are
of 64 frames on both sides. riposte is its own port.c and worker.c (tests/bench/engine.c), with --poll. In
syn-entry and live a receive callback puts other headers into the frames, so that there are more clients
than the file holds; what that costs is counted as riposte's. syn-entry is from an empty table to a full
one, in slices of 0.4 s, between which the handshakes are completed, so that no SYN-ACK is sent twice."""
