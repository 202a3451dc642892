# SPDX-License-Identifier: BSD-3-Clause
"""report - what is printed of the rows: a table, CSV, a plot."""
import csv
import statistics
import textwrap

from load.report import draw, lay_out, million, quoted, reached

from . import flood, latency
from .cable import BACKLOG
from .compare import BYTES
from .rounds import IO, RIPOSTE, SWAP
from .work import WORKS

WIDTH = 105
COLUMNS = ("WORK", "IP", "RIPOSTE", "NS", "5TSWAP", "IO", "RATIO", "ROUNDS", "AT LEAST", "AIM")


def line(row):
    asked = [f"{row.work.least:.2f}", f"{row.work.aim:.2f}"] if row.family == 4 else ["", ""]
    return [row.work.title if row.family == 4 else "", str(row.family), million(row.median(RIPOSTE)),
            f"{1e9 / row.median(RIPOSTE):.0f}", million(row.median(SWAP)), million(row.median(IO)),
            reached(row.ratio), f"{reached(min(row.ratios))} to {reached(max(row.ratios))}", *asked]


def table(rows):
    return lay_out([list(COLUMNS), *map(line, rows)], (0,))


def under(rows, share=1):
    """The rows that do not reach what is asked of them, or that share of it; a line each."""
    return [f"{row.work.title}: {reached(row.ratio)} of 5tswap, and it should be "
            f"{share * row.work.least:.2f} at least"
            for row in rows if row.family == 4 and row.ratio < share * row.work.least]


def measurements(done):
    """(row, IP, live, who, figures, what they are) of everything."""
    for row in done.rows:
        for who, rates in row.rates.items():
            yield row.work.name, row.family, row.work.live, who, rates, "frames per CPU second"
    for size in done.sizes:
        yield WORKS["live"].name, size.family, size.live, RIPOSTE, size.costs, "ns a frame"
        if size.right is not None:
            yield "memory", size.family, size.live, RIPOSTE, [size.bytes], "bytes a connection"
    for pair in done.pairs:
        for who, rates in (("one worker", pair.one), ("two workers", pair.two)):
            yield pair.work.name, pair.family, pair.work.live, who, rates, "frames per CPU second"
    for each in done.operations:
        for who, figures in ((RIPOSTE, each.ours), (each.rival, each.theirs)):
            yield each.name, "", each.count, who, figures, "bytes" if each.name == BYTES else "ns"
    for idle in done.idles:
        yield "idle", 4, 0, idle.name, idle.cpu, "% of a processor"
        yield "idle", 4, 0, idle.name, idle.all, "% with all threads"
        yield "idle", 4, 0, idle.name, idle.answers, "us until an answer"
    for answer in done.answers:
        for who, each in answer.by.items():
            for percent, waits in zip(latency.SHARES, zip(*each.waits)):
                yield answer.kind, 4, 0, who, waits, f"us, {percent} %"
            yield answer.kind, 4, 0, who, each.lost, "SYNs without an answer, one at a time"
            yield answer.kind, 4, 0, who, each.answered, "answers a second"
            yield answer.kind, 4, 0, who, each.offered, "SYNs a second"
    for each in done.floods:
        yield from _flood_measurements(each)


def _flood_measurements(each):
    row = f"flood {each.way.device}"
    for crowd in each.quiet, each.flooded:
        for what, figures in (("connect", crowd.connects), ("whole", crowd.wholes)):
            for percent, waits in zip(flood.SHARES, zip(*figures)):
                yield row, 4, 0, crowd.flood, waits, f"us to {what}, {percent} %"
        yield row, 4, 0, crowd.flood, [crowd.clients - crowd.failed], "clients served"
    yield row, 4, 0, each.flooded.flood, each.answered, "answers a second"
    yield row, 4, 0, each.flooded.flood, each.lost, "% lost"


def write_csv(path, done):
    """A line for each measurement."""
    with open(path, "w", encoding="ascii", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "ip", "live", "who", "round", "value", "unit"])
        for *what, figures, unit in measurements(done):
            for n, value in enumerate(figures, 1):
                writer.writerow([*what, n, f"{value:.1f}", unit])


def _bars(rows):
    """The ratios, and what is asked of them."""
    works = list(dict.fromkeys(row.work for row in rows))
    ratios = {(row.work, row.family): row.ratio for row in rows}
    script = ["set title 'frames per second of CPU time, as a ratio to 5tswap'", "set grid ytics",
              "set yrange [0:*]", "set boxwidth 0.35", f"set xrange [-0.6:{len(works) - 0.4}]",
              "set xtics (" + ", ".join(f"{quoted(work.name)} {n}" for n, work in enumerate(works)) + ")",
              "$ratios << END"]
    for n, work in enumerate(works):
        values = [ratios.get((work, family), "NaN") for family in (4, 6)]
        script.append(" ".join(map(str, (n, *values, work.least, work.aim))))
    return [*script, "END",
            "plot $ratios using ($1-0.18):2 with boxes title 'IPv4', "
            "$ratios using ($1+0.18):3 with boxes title 'IPv6', "
            "$ratios using 1:4 with points pt 9 ps 1.5 lc 'black' title 'at least', "
            "$ratios using 1:5 with points pt 3 ps 1.5 lc 'black' title 'aim'"]


def _curve(sizes):
    """What a segment costs, the more connections there are."""
    script = ["set title 'a segment to any of the live connections'", "set grid", "set yrange [0:*]",
              "set logscale x", "set xrange [5e3:2e8]", "set format x '10^{%L}'", "set xtics auto",
              "set xlabel 'live connections'", "set ylabel 'ns of CPU time'"]
    plots = []
    for family in 4, 6:
        points = [(size.live, statistics.median(size.costs)) for size in sizes
                  if size.family == family and size.costs]
        if points:
            script += [f"$ip{family} << END", *(f"{live} {cost:.1f}" for live, cost in points), "END"]
            plots.append(f"$ip{family} with linespoints lw 2 pt 7 title 'IPv{family}'")
    return [*script, "plot " + ", ".join(plots)] if plots else []


def plot(path, done):
    """A picture of the rows, and one of the memory's part: those that were measured."""
    pictures = [each for each in (_bars(done.rows) if done.rows else [], _curve(done.sizes)) if each]
    if not pictures:
        return
    script = [f"set terminal png size 900,{360 * len(pictures)} font ',10'", f"set output {quoted(path)}",
              f"set multiplot layout {len(pictures)},1", "set key top right",
              "set style fill solid 0.7", "set offsets graph 0,0,0.2,0"]
    draw([*script, *(line for each in pictures for line in each), "unset multiplot"])


def _paragraph(text):
    return textwrap.fill(" ".join(text.split()), WIDTH)


def how_rows(given):
    """How the figures were got."""
    pages = "in pages of 4 KiB" if given.no_huge else "in huge pages"
    return _paragraph(f"""
        RIPOSTE, 5TSWAP, IO: millions of frames per second of the worker's own CPU time, medians of
        {given.rounds} rounds of {given.seconds:g} s, in each of which they ran one after the other on
        processor {given.cpus[0]}, with the packet buffers {pages}.
        NS: nanoseconds of a frame to riposte. RATIO: of riposte to 5tswap; ROUNDS: the least and the
        greatest of one round. The device is net_pcap with infinite_rx=1 over 32,768 frames; what is sent is
        dropped. riposte is its own port.c and worker.c (tests/bench/engine.c), polling. In syn-entry and
        live a receive callback puts other headers into the frames, so that there are more clients than the
        file has; that is counted as riposte's. syn-entry goes from an empty table to a full one, in slices
        of 0.4 s, between which the handshakes are completed, so that no SYN-ACK is sent twice.""")


def how_sizes(given):
    return _paragraph(f"""
        BYTES EACH: all of a worker's memory by the connections that it has room for, with which the table
        is full; where there are few, most of it is what a worker has besides. NS A SEGMENT: CPU time of a
        segment to one of all of them at random, text again or an ACK, median of {given.rounds} rounds of
        {given.seconds:g} s. Then every client closes: its FIN is answered with ACK and FIN of the right
        numbers, and nothing is left once the client has acknowledged that.""")


def how_pairs(given):
    return _paragraph(f"""
        ONE, TWO: millions of frames per second of a worker's own CPU time, and the sum of two workers, on
        processors {given.cpus[0]} and {given.cpus[1]} at the same time, each with a net_pcap device and a
        file of its own; medians of {given.rounds} rounds of {given.seconds:g} s, in turns.""")


def how_operations(given):
    return _paragraph(f"""
        OURS, DPDK: nanoseconds of CPU time of an operation, medians of {given.rounds} rounds; DPDK's are
        rte_hash (with an extendable table, so that all fit) and rte_timer. Flows are hashed alike, and
        looked for in bursts of 64; the bytes of a flow are those of its connection too. RATIO: DPDK's
        by ours.""")


def how_idles(given):
    return _paragraph(f"""
        riposte on a veth pair (net_af_packet), before whatever else the machine runs. CPU %, ALL %: of a processor, the worker's thread and all of
        riposte's, medians of {given.rounds} spans of {given.seconds:g} s without a frame. ANSWER:
        microseconds from a Linux client's connect() to a closed port until it is refused, 5 ms after the
        last time: median, and what 90 and 99 of 100 stay under.""")


def how_answers(given):
    server, client = given.cpus
    return "\n".join(map(_paragraph, (f"""
        Over IPv4, on one veth pair between two network namespaces, medians of {given.rounds} rounds, in
        each of which the four took the server's end one after the other, {given.seconds:g} s for each
        measurement. 50 %, 99 %, 99.9 %: microseconds that so many SYNs wait for their answer at most, one
        SYN at a time, each of another client, 50 to 150 microseconds after the last answer; the client
        sends and then looks into its receive ring without a pause (tests/bench/asker.c). ANSWERED,
        OFFERED: millions of answers and SYNs a second while one sender sends as fast as it can
        (tests/bench/pour.c: sendmmsg, PACKET_QDISC_BYPASS), each SYN of another client of 10.0.0.0/8;
        answers are counted by a filter on the client's interface, which has no address. By then the
        backlog of {BACKLOG:,} is full, the kernel's as riposte's (cookies = auto), and SYN-ACKs are
        cookies; those of the backlog, sent again, are not counted. RATIO: of riposte's ANSWERED to the
        better of Linux's two.""", f"""
        CPU %: of processors {server} and {client}, whatever ran there; riposte and the clients come
        before whatever else does, but not what the kernel leaves to ksoftirqd, as it may with RPS. riposte
        (net_af_packet) has processor {server}, and so has what becomes
        of its answers in the client's namespace; the client has processor {client}. The kernel's TCP
        works where the frame was sent, in a softirq of the client's processor: nobody has to be woken up
        for it, but it takes the sender's time. With RPS (receive packet steering) it works on processor
        {server} instead, as riposte does. It has its default syncookies, a permanent neighbour, checksums
        left to the device (a veth pair computes none), no firewall and no connection tracking, and it
        does not look for a connection before it looks for a route (ip_early_demux=0). riposte's frames go
        to the kernel, too, which has no address meanwhile and throws them away; that is the sender's
        time. Where ANSWERED is OFFERED, the sender is all that limits it.""")))


def how_floods(given, floods):
    server, client = given.cpus
    return "\n".join(map(_paragraph, (*map(flood.counters, floods), f"""
        CLIENTS, SERVED: clients of the Linux kernel, {flood.RATE:,} a second, that connect, send 100
        bytes, shut down, read to the end of file and close (tests/bench/lawful.c), in all of
        {given.rounds} rounds of {given.seconds:g} s without a flood and under it. CONNECT, WHOLE:
        microseconds until connect() is done and until all is read, medians of the rounds. ANSWERED:
        millions a second of the flood's SYNs, which go to the same listener, on processor {server}; the
        flood's sender and the clients share processor {client}, where the clients come first
        (SCHED_FIFO).""", f"""
        LOST: percent of the flood that riposte did not receive. Over veth each SYN is of another client
        of 10.0.0.0/8 (tests/bench/pour.c), and {flood.WINDOW} are under way at most: a veth pair does not
        push back, and what net_af_packet's ring has no room for is lost, whoever's it is. Over memif
        there are 8,192 clients, half of them over IPv6 (tests/e2e/flood.c), and what the ring to riposte
        has no room for waits; the same program carries the lawful clients' frames between the rings and a
        veth pair. Answers that the ring back has no room for are lost.""")))
