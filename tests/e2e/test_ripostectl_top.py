# SPDX-License-Identifier: BSD-3-Clause
"""ripostectl top alone: rates from what a fake riposte counts, the screen and its limits, and its end."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
from pathlib import Path

import pytest

from faketelemetry import FakeTelemetry
from netns import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
RIPOSTECTL = ROOT / "scripts" / "ripostectl"


class Busy:
    """Counts on from one snapshot to the next; step is how many there were."""

    def __init__(self, listeners=3, reasons=2):
        self.step = 0
        self.listener_count = listeners
        self.reasons = reasons
        self.begin_again_at = None
        self.answers = {"/riposte/counters": self.counters, "/riposte/workers": self.workers,
                        "/riposte/listeners": self.listeners}

    def counters(self, _):
        self.step += 1
        n = self.step
        return {"rx": 1000 * n, "answered": 900 * n, "consumed": 50 * n, "tx": 900 * n,
                "dropped/l2_not_ours": 40, "dropped/tcp_checksum": 10 * n, "dropped/never": 0,
                **{f"rst/reason{i}": 10 * i * n for i in range(self.reasons)},
                "connections": 7, "half_open": 3}

    def workers(self, offset):
        rows = [{"worker": i, "lcore": i, "device": "net_af_packet0", "queue": i,
                 "rx": 100 * (i + 1) * self.step, "answered": self.step, "consumed": 0,
                 "dropped": 5 * self.step, "tx": self.step, "tx_dropped": 0, "connections": 4 - i,
                 "half_open": i} for i in range(2)]
        return rows[int(offset):]

    def listeners(self, offset):
        n = self.step if self.step != self.begin_again_at else 0.5
        rows = [{"number": i, "name": f"l{i}", "ports": str(9000 + i), "on": "everything owned",
                 "script": "accept, hang", "taken": int(10 * i * n), "waiting": i, "alive": 2 * i}
                for i in range(self.listener_count)]
        return rows[int(offset):int(offset) + 50]


@pytest.fixture
def base():
    made = tempfile.mkdtemp(prefix="rpctl")
    yield made
    shutil.rmtree(made)


@pytest.fixture
def busy(base):
    """busy(...) is a fake riposte that is at work."""
    with contextlib.ExitStack() as stack:
        def make(**options):
            made = Busy(**options)
            made.fake = FakeTelemetry(base, "lab", made.answers, pid=4711)
            stack.callback(made.fake.close)
            return made

        yield make


@pytest.fixture
def start(base):
    """start(words...) is a running ripostectl top."""
    running = []

    def begin(*words, **options):
        options.setdefault("stdout", subprocess.PIPE)
        running.append(subprocess.Popen(
            [RIPOSTECTL, "top", *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "RUNTIME_DIRECTORY": base},
            preexec_fn=die_with_parent, **options))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def output(process, status=0):
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (status, ""), err
    return out


def per_second(said, key, steps):
    """Is said[key] what a step more in an interval makes?"""
    return said[key] * said["seconds"] == pytest.approx(steps)


def test_rates_are_differences_per_second(busy, start):
    busy()
    begin = time.monotonic()
    lines = output(start("--json", "--count", "3", "--interval", "0.3")).splitlines()
    assert time.monotonic() - begin >= 0.9
    assert len(lines) == 3
    for line in lines:
        said = json.loads(line)
        seconds = said["seconds"]
        assert seconds >= 0.3
        times = {name: rate * seconds for name, rate in said["rates"].items()}
        assert times == pytest.approx({
            "rx": 1000, "answered": 900, "consumed": 50, "tx": 900, "dropped.l2_not_ours": 0,
            "dropped.tcp_checksum": 10, "dropped.never": 0, "rst.reason0": 0, "rst.reason1": 10})
        assert (said["connections"], said["half_open"]) == (7, 3)
        # Sorted by their rate.
        assert [w["worker"] for w in said["workers"]] == [1, 0]
        assert [w["rx"] * seconds for w in said["workers"]] == pytest.approx([200, 100])
        assert [w["dropped"] * seconds for w in said["workers"]] == pytest.approx([5, 5])
        assert [w["connections"] for w in said["workers"]] == [3, 4]
        assert [row["name"] for row in said["listeners"]] == ["l2", "l1", "l0"]
        assert [row["rate"] * seconds for row in said["listeners"]] == pytest.approx([20, 10, 0])
        assert [row["alive"] for row in said["listeners"]] == [4, 2, 0]
        assert [(r["reason"], r["rate"] * seconds) for r in said["rst"]] == \
            [("reason1", pytest.approx(10))]
        assert [(r["reason"], r["rate"] * seconds, r["total"]) for r in said["dropped"]][1] == \
            ("l2_not_ours", 0, 40)


def test_what_begins_again_counts_from_0(busy, start):
    """A crash sets a listener's connections taken to 0: no negative rate."""
    made = busy()
    made.begin_again_at = 3
    lines = output(start("--json", "--count", "2", "--interval", "0.1")).splitlines()
    said = json.loads(lines[1])
    rates = {row["name"]: row["rate"] * said["seconds"] for row in said["listeners"]}
    assert rates == pytest.approx({"l0": 0, "l1": 5, "l2": 10})


def test_a_listener_that_a_reload_moves_keeps_its_rate(busy, start):
    made = busy()
    listeners = made.listeners
    made.fake.answers["/riposte/listeners"] = lambda offset: (
        [{"number": 0, "name": "new", "ports": "1", "taken": 4}] if made.step > 1 and offset == "0"
        else []) + listeners(offset)
    said = json.loads(output(start("--json", "--count", "1", "--interval", "0.1")))
    rates = {row["name"]: row["rate"] * said["seconds"] for row in said["listeners"]}
    assert rates == pytest.approx({"new": 4, "l0": 0, "l1": 10, "l2": 20})


def test_not_a_terminal_gets_plain_blocks(busy, start):
    busy()
    out = output(start("--count", "2", "--interval", "0.1"))
    assert "\x1b" not in out
    blocks = out.strip().split("riposte (lab)")[1:]
    assert len(blocks) == 2
    for block in blocks:
        lines = block.splitlines()
        assert "pid 4711" in lines[0] and "connections 7" in lines[0] and "half open 3" in lines[0]
        headers = [line.split()[0] for line in lines if line.split()[:1] and line[0].isupper()]
        assert headers == ["WORKER", "LISTENER", "RST", "DROPPED"]
        assert [line.split()[0] for line in lines if re.match(r"l\d+ ", line)] == ["l2", "l1", "l0"]
        assert re.search(r"^tcp_checksum +[0-9.]+ +\d+$", block, re.MULTILINE)
        assert not re.search("never|reason0", block)


class Screen:
    """A terminal of its own for ripostectl."""

    def __init__(self, columns, lines):
        self.ours, self.theirs = pty.openpty()
        self.resize(columns, lines)

    def resize(self, columns, lines):
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def frame(self):
        """The lines of the next screen, which begins in the upper left corner."""
        text = ""
        while not text.endswith("\x1b[J"):
            assert select.select([self.ours], [], [], 30)[0], text
            text += os.read(self.ours, 65536).decode()
        assert text.startswith("\x1b[H") and text.count("\x1b[H") == 1
        lines = text[3:-3].split("\r\n")
        assert all(line.endswith("\x1b[K") for line in lines[:-1]) and lines[-1] == ""
        return [line[:-3] for line in lines[:-1]]

    def close(self):
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def screen():
    made = []

    def make(*size):
        made.append(Screen(*size))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("columns, lines", ((80, 24), (40, 12), (200, 60), (20, 6), (80, 3)))
def test_it_fits_the_terminal(busy, start, screen, columns, lines):
    busy(listeners=70, reasons=30)
    terminal = screen(columns, lines)
    process = start("--count", "1", "--interval", "0.1", stdout=terminal.theirs)
    shown = terminal.frame()
    assert process.wait(30) == 0
    assert len(shown) < lines and max(map(len, shown)) <= columns
    assert shown[0].startswith("riposte (lab)")
    if lines >= 24:
        # The busiest are there; of every section something is.
        assert [line.split()[0] for line in shown if re.match(r"l\d+ ", line)][:2] == ["l69", "l68"]
        assert any(line.startswith("reason29 ") for line in shown)
        more = [int(line.split()[2]) for line in shown if line.startswith("... and ")]
        listed = sum(1 for line in shown if re.match(r"l\d+ ", line))
        assert more[0] == 70 - listed
        assert {"WORKER", "LISTENER", "RST", "DROPPED"} <= {line.split(" ")[0] for line in shown}


def test_it_fills_the_terminal(busy, start, screen):
    """What one section does not need is there for another."""
    busy(listeners=70)
    terminal = screen(80, 30)
    start("--count", "1", "--interval", "0.1", stdout=terminal.theirs)
    assert len(terminal.frame()) == 29


def test_it_follows_the_terminals_size(busy, start, screen):
    busy(listeners=70)
    terminal = screen(80, 30)
    start("--interval", "0.2", stdout=terminal.theirs)
    terminal.frame()
    terminal.resize(60, 10)
    deadline = time.monotonic() + 30
    while len(terminal.frame()) > 9:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("words", ([], ["--json"]))
def test_ctrl_c_ends_it_with_0(busy, start, words):
    made = busy()
    process = start("--interval", "0.1", *words)
    while made.step < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert output(process)


def test_ctrl_c_in_a_long_interval(busy, start):
    made = busy()
    process = start("--interval", "3600")
    while made.step < 1:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert output(process) == ""


def test_riposte_ends_meanwhile(busy, start):
    made = busy()
    process = start("--interval", "0.1")
    while made.step < 3:
        time.sleep(0.01)
    made.fake.close()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and out.startswith("riposte (lab)")
    assert err == "ripostectl: riposte (lab) has ended\n"


def test_who_reads_it_has_seen_enough(busy, base):
    busy()
    run = subprocess.run(["/bin/bash", "-c", f"{RIPOSTECTL} top --interval 0.1 | head -n 1"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                         env={**os.environ, "RUNTIME_DIRECTORY": base}, check=True)
    assert run.stderr == "" and run.stdout.count("\n") == 1


def test_no_listener_and_no_reset(busy, start):
    busy(listeners=0, reasons=0)
    out = output(start("--count", "1", "--interval", "0.1"))
    assert "LISTENER" in out and "RST" not in out
