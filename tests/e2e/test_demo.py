# SPDX-License-Identifier: BSD-3-Clause
"""scripts/run demo: it plays every row on both families, keeps captures, ends as it should however
it ends; and what it takes for a difference."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from responder import ROOT
from runlab import Run, host, lab_name, left  # noqa: F401, the fixture "name"

sys.path.insert(0, str(ROOT / "scripts"))
# pylint: disable=wrong-import-position
from demo import __main__ as program, wire  # noqa: E402
from demo.expect import compare  # noqa: E402
from demo.place import listeners  # noqa: E402
from demo.play import FAMILIES, Outcome  # noqa: E402
from demo.rows import NOBODY, ROWS  # noqa: E402
from demo.table import markdown, plain  # noqa: E402

HEAD = re.compile(r"^(\d\w?(?: [a-z ]+)?): .*?((?:  ?IPv\d \w+)+)$", re.MULTILINE)


def test_every_row_once_per_family_and_a_capture_of_each(name, tmp_path):
    before = host()
    captures = tmp_path / "new" / "captures"
    lab = Run(tmp_path, name, "demo", "--pcap", str(captures))
    assert lab.process.wait(180) == 0, lab.said()
    seen = [(row, verdict) for row, verdicts in HEAD.findall(lab.said())
            for verdict in re.findall(r"IPv\d \w+", verdicts)]
    assert sorted(seen) == sorted((row.name, f"IPv{family} ok")
                                  for row in ROWS for family in FAMILIES), lab.said()
    assert max(map(len, lab.said().splitlines())) <= 100
    took = re.search(rf"^{len(seen)} of {len(seen)} as expected, in (\d+) s$", lab.said(),
                     re.MULTILINE)
    assert took and int(took[1]) < 55, lab.said()
    assert sorted(path.name for path in captures.iterdir()) == sorted(
        f"row-{row.slug}-ipv{family}.pcap" for row in ROWS for family in FAMILIES)
    for row in ROWS:
        port = listeners()[row.listener].port if row.listener else NOBODY
        for family in FAMILIES:
            frames = wire.frames(captures / f"row-{row.slug}-ipv{family}.pcap", port)
            assert compare(row.wire, [frame.text for frame in frames],
                           [frame.time for frame in frames]) is None
    assert left(name) == []
    assert host() == before


def test_some_rows_as_markdown(name, tmp_path):
    lab = Run(tmp_path, name, "demo", "--markdown", "3", "2b")
    assert lab.process.wait(120) == 0, lab.said()
    rows = re.findall(r"^\| (\w+) \| .*IPv\d ok.* \|$", lab.said(), re.MULTILINE)
    assert list(dict.fromkeys(rows)) == ["2b", "3"], lab.said()
    assert "4 of 4 as expected" in lab.said()
    assert left(name) == []


def test_captures_are_the_users_and_what_was_there_is_not(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "12346")
    there = tmp_path / "there"
    there.mkdir()
    for directory in (there, there / "new" / "captures"):
        lab = Run(tmp_path, name, "demo", "--pcap", str(directory), "1")
        assert lab.process.wait(120) == 0, lab.said()
    owners = {str(path.relative_to(tmp_path)): (path.stat().st_uid, path.stat().st_gid)
              for path in (there, *there.rglob("*"))}
    assert owners.pop("there") == (os.getuid(), os.getgid())
    assert len(owners) == 6 and set(owners.values()) == {(12345, 12346)}, owners


@pytest.mark.parametrize("arguments, status, says", [
    (["--help"], 0, "--pcap DIR"), (["--no-such"], 2, "--no-such"), (["10"], 2, "no row 10"),
    (["--pcap"], 2, "--pcap"), (["--pcap", "/proc/no", "1"], 1, "/proc/no")])
def test_arguments(name, tmp_path, arguments, status, says):
    lab = Run(tmp_path, name, "demo", *arguments)
    assert lab.process.wait(120) == status, lab.said()
    assert says in lab.said()
    assert "Traceback" not in lab.said()
    assert left(name) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("times", [1, 20])
def test_interrupted_it_cleans_up(name, tmp_path, how, times):
    """An impatient user presses Ctrl-C again while it does."""
    lab = Run(tmp_path, name, "demo", "1c")
    deadline = time.monotonic() + 120
    while "tcpdump" not in commands_in(name):
        assert lab.process.poll() is None and time.monotonic() < deadline, lab.said()
        time.sleep(0.05)
    for _ in range(times - 1):
        lab.process.send_signal(how)
        time.sleep(0.03)
    assert lab.end(how) == 130
    assert "Traceback" not in lab.said(), lab.said()
    assert left(name) == []


def commands_in(name):
    """What runs in the client's namespace."""
    pids = subprocess.run(["ip", "netns", "pids", name], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False).stdout.split()
    commands = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            commands.append(pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip())
    return commands


RIGHT = [
    (["a", "b"], ["a", "b"]),
    ([r"a {\d+}"], ["a 17"]),
    ([r"a {\d{3,}}."], ["a 170."]),
    (["a | b", "c"], ["b", "c"]),
    (["* a | b", "c"], ["a", "b", "a", "c"]),
    (["* a", "c"], ["c"]),
    (["+ a", "a"], ["a", "a"]),
    (["? a", "b"], ["b"]),
]
WRONG = [
    (["a", "b"], ["a"], 'line 2 is missing; expected: b'),
    (["a"], ["a", "b"], 'line 2 is "b"; expected: nothing more'),
    (["a.c"], ["abc"], 'line 1 is "abc"; expected: a.c'),
    (["a"], ["ab"], 'line 1 is "ab"; expected: a'),
    ([r"a {\d+}"], ["a x"], r'line 1 is "a x"; expected: a {\d+}'),
    (["+ a", "b"], ["b"], 'line 1 is "b"; expected: + a'),
    (["a | b"], ["c"], 'line 1 is "c"; expected: a | b'),
    (["a", "* b", "c"], ["a", "b", "b", "d"], 'line 4 is "d"; expected: c'),
    (["a"], [], 'line 1 is missing; expected: a'),
]


@pytest.mark.parametrize("expected, seen", RIGHT)
def test_alike(expected, seen):
    assert compare(expected, seen) is None


@pytest.mark.parametrize("expected, seen, why", WRONG)
def test_different(expected, seen, why):
    assert compare(expected, seen) == why


def test_what_comes_too_soon_differs():
    """The time is that since the client's line before."""
    expected = ["C > S a", "S > C b", "100ms + S > C c", "C > S d"]
    seen = ["C > S a", "S > C b", "S > C c", "S > C c", "C > S d"]
    assert compare(expected, seen, [5, 5.04, 5.1, 5.1, 5.1]) is None
    assert compare(expected, seen, [5, 5, 5.02, 5.2, 5.4]) == (
        '"S > C c" came after 20 ms, not after 100 ms')


# Row 3's conversation, as (from the client, flags, seq, ack, bytes), the numbers absolute.
CONVERSATION = [
    (True, "S", 4294967290, 0, 0),
    (False, "SA", 900, 4294967291, 0),
    (True, "A", 4294967291, 901, 0),
    (True, "PA", 4294967291, 901, 5000),
    (False, "A", 901, 4995, 0),
    (False, "RA", 901, 4995, 0),
]
ROW_3, = (row for row in ROWS if row.number == "3")


def outcome_of(conversation, path):
    """Row 3's outcome on IPv4, had this been on the wire."""
    def frame(from_client, flags, seq, ack, count):
        ends = ("10.9.0.2", "10.9.0.1"), (40000, 9004)
        (source, target), (sport, dport) = ends if from_client else (e[::-1] for e in ends)
        return (Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") /
                IP(src=source, dst=target) /
                TCP(sport=sport, dport=dport, flags=flags, seq=seq, ack=ack) / bytes(count))

    wrpcap(str(path), [frame(*segment) for segment in conversation])
    calls = ["connect: 0", "write 5000: 5000", "read: ECONNRESET"]
    return Outcome(ROW_3, 4, calls, wire.frames(path, 9004))


def test_a_capture_is_told_in_relative_numbers(tmp_path):
    outcome = outcome_of(CONVERSATION, tmp_path / "right.pcap")
    assert outcome.lines == [
        "C > S [S], seq 0", "S > C [S.], seq 0, ack 1", "C > S [.], ack 1",
        "C > S [P.], seq 1:5001, ack 1", "S > C [.], ack 5001", "S > C [R.], seq 1, ack 5001"]
    assert outcome.differences() == []


@pytest.mark.parametrize("wrong, says", [
    (CONVERSATION[:-1], "line 6 is missing"),
    (CONVERSATION[:-1] + [(False, "FA", 901, 4995, 0)], "[F.], seq 1, ack 5001"),
    (CONVERSATION[:-1] + [(False, "R", 901, 0, 0)], "[R], seq 1"),
    (CONVERSATION[:-1] + [(False, "RA", 902, 4995, 0)], "[R.], seq 2, ack 5001"),
    (CONVERSATION[:-2] + [(False, "RA", 901, 4995, 0)], "[R.], seq 1, ack 5001"),
    (CONVERSATION[:-1] + [(True, "RA", 901, 4995, 0)], "C > S [R.]"),
    (CONVERSATION + CONVERSATION[-1:], "line 7 is"),
    ([], "line 1 is missing"),
], ids=["no_rst", "fin", "no_ack_flag", "seq", "no_ack_first", "direction", "twice", "nothing"])
def test_a_wrong_capture_differs_and_is_told(tmp_path, wrong, says):
    outcome = outcome_of(wrong, tmp_path / "wrong.pcap")
    why, = outcome.differences()
    assert why.startswith("on the wire: ") and says in why
    lines = plain([outcome])
    assert any(line.endswith("IPv4 DIFFERS") for line in lines)
    assert max(map(len, lines)) <= 100
    assert "IPv4 DIFFERS" in markdown([outcome])[-1]


def test_wrong_calls_differ(tmp_path):
    outcome = outcome_of(CONVERSATION, tmp_path / "right.pcap")
    outcome.calls[-1] = "read: 0"
    assert outcome.differences() == [
        'calls: line 3 is "read: 0"; expected: read: ECONNRESET']


def test_a_program_that_failed_differs():
    assert Outcome(ROW_3, 6, [], [], "no socket was made").differences() == ["no socket was made"]


@pytest.mark.parametrize("last, status", [("read: ECONNRESET", 0), ("read: 0", 1)])
def test_exit_status(tmp_path, monkeypatch, capsys, last, status):
    outcome = outcome_of(CONVERSATION, tmp_path / "right.pcap")
    outcome.calls[-1] = last
    monkeypatch.setattr(program, "play", lambda *_: [outcome])
    monkeypatch.setattr(program.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["demo"])
    assert program.main() == status
    assert f"\n{1 - status} of 1 as expected" in capsys.readouterr().out
