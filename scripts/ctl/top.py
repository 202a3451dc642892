# SPDX-License-Identifier: BSD-3-Clause
"""top - a live screen of rates: per worker, per listener, per reason of a RST and of a drop."""
import itertools
import json
import os
import sys
import time

from ctl.table import table

RATES = ("rx", "answered", "consumed", "dropped", "tx", "tx_dropped")  # a worker's counters
# The first ones are those that fit a terminal of 80 columns.
WORKERS = {"WORKER": "worker", "LCORE": "lcore", "DEVICE": "device", "QUEUE": "queue",
           "RX/S": "rx", "TX/S": "tx", "DROPPED/S": "dropped", "CONNECTIONS": "connections",
           "HALF_OPEN": "half_open", "ANSWERED/S": "answered", "CONSUMED/S": "consumed",
           "TX_DROPPED/S": "tx_dropped"}
LISTENERS = {"LISTENER": "name", "PORTS": "ports", "TAKEN/S": "rate", "TAKEN": "taken",
             "WAITING": "waiting", "ALIVE": "alive", "SCRIPT": "script"}


class Snapshot:
    """What riposte had counted at one time."""

    def __init__(self, riposte):
        self.counters = riposte.counters()
        self.time = time.monotonic()
        self.workers = {w.get("worker"): w for w in riposte.workers()}
        # A reload may number them anew: a name, and which one of that name.
        of_name = {}
        self.listeners = {}
        for listener in riposte.listeners():
            name = listener.get("name")
            of_name[name] = of_name.get(name, 0) + 1
            self.listeners[name, of_name[name]] = listener


def rate(before, after, seconds):
    """Per second. What is less than before has begun again at 0."""
    return (after - before if after >= before else after) / seconds


class Rates:
    """What happened between two snapshots, the busiest first."""

    def __init__(self, before, after):
        self.seconds = seconds = after.time - before.time
        self.now = after.counters
        self.counters = {name: rate(before.counters.get(name, 0), value, seconds)
                         for name, value in after.counters.items()
                         if name not in ("connections", "half_open")}
        self.workers = busiest((
            {**worker, **{name: rate(before.workers.get(number, {}).get(name, 0),
                                     worker.get(name, 0), seconds) for name in RATES}}
            for number, worker in after.workers.items()), "rx")
        self.listeners = busiest((
            {**listener, "rate": rate(before.listeners.get(key, {}).get("taken", 0),
                                      listener.get("taken", 0), seconds)}
            for key, listener in after.listeners.items()), "rate", "taken")
        self.rst = self._group("rst.")
        self.dropped = self._group("dropped.")

    def _group(self, prefix):
        """The counters below prefix that ever counted."""
        return busiest(({"reason": name[len(prefix):], "rate": per_second, "total": self.now[name]}
                        for name, per_second in self.counters.items()
                        if name.startswith(prefix) and self.now[name]), "rate", "total")

    def json(self):
        """For programs: everything by its name."""
        return json.dumps({
            "seconds": self.seconds,
            "connections": self.now.get("connections"), "half_open": self.now.get("half_open"),
            "rates": self.counters, "workers": self.workers, "listeners": self.listeners,
            "rst": self.rst, "dropped": self.dropped})

    def sections(self):
        """The screen below its first line: tables."""
        tables = [table(WORKERS, self.workers), table(LISTENERS, self.listeners)]
        for title, reasons in (("RST", self.rst), ("DROPPED", self.dropped)):
            if reasons:
                tables.append(table({title: "reason", "PER_SECOND": "rate", "TOTAL": "total"},
                                    reasons))
        return tables


def busiest(rows, *keys):
    return sorted(rows, key=lambda row: [-row.get(key, 0) for key in keys])


def fit(sections, height):
    """The sections' lines, an empty one before each, in height lines. A section that needs more than
    its share says how many rows it does not show."""
    share = {}
    # The shortest first: what it leaves is for the others.
    for index in sorted(range(len(sections)), key=lambda i: len(sections[i])):
        room = (height - sum(share.values())) // (len(sections) - len(share))
        share[index] = min(len(sections[index]) + 1, room)
    lines = []
    for index, section in enumerate(sections):
        room = share[index] - 1
        if room < len(section):
            hidden = len(section) - max(0, room - 1)
            section = [*section[:max(0, room - 1)], f"... and {hidden} more"]
        lines += ["", *section][:share[index]]
    return lines


def screen(riposte, rates, size):
    """The lines of a screen. size: (columns, lines) of the terminal, None if it is not one."""
    now = rates.now
    head = (f"{riposte}  pid {riposte.pid}  {time.strftime('%H:%M:%S')}  "
            f"over {rates.seconds:.1f} s  connections {now.get('connections', '-')}  "
            f"half open {now.get('half_open', '-')}")
    sections = rates.sections()
    if size is None:
        return [head, *fit(sections, sum(len(s) + 1 for s in sections)), ""]
    return [line[:size[0]] for line in [head, *fit(sections, size[1] - 2)]]


def terminal_size():
    """(columns, lines) of the terminal that stdout is, or None."""
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return None
    return (size.columns or 80, size.lines or 24)


def draw(lines, clear):
    if clear:
        # From the top left corner, over what was there: it does not flicker.
        sys.stdout.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def top(riposte, interval, count, as_json):
    """Screens, one an interval, until there were count of them or Ctrl-C."""
    try:
        before = Snapshot(riposte)
        for _ in range(count) if count else itertools.count():
            time.sleep(max(0, before.time + interval - time.monotonic()))
            after = Snapshot(riposte)
            rates = Rates(before, after)
            before = after
            if as_json:
                draw([rates.json()], clear=False)
            else:
                size = terminal_size()
                draw(screen(riposte, rates, size), clear=size is not None)
    except KeyboardInterrupt:
        pass
