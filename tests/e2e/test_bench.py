# SPDX-License-Identifier: BSD-3-Clause
"""scripts/bench: what it makes of its measurements, what it prints and writes, what it refuses and
leaves. How fast riposte is, is scripts/test bench's to say."""
import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netns import die_with_parent
from responder import BUILD, ROOT, RUNTIME

sys.path.insert(0, str(ROOT / "scripts"))
from benchmark import compare, flood, growth, idle, latency, report, rounds, work, workers  # noqa: E402

BENCH = ROOT / "scripts" / "bench"
SHORT = ("--rounds", "1", "--for", "500ms", "--no-huge")
SYN_CLOSED = work.WORKS["syn-closed"]


def left():
    """What a run could leave."""
    return [*Path("/run").glob("riposte-bench-*"), *RUNTIME.glob("bench[0-9]*-*")]


def start(*arguments):
    environment = {**os.environ, "RIPOSTE_BUILD": str(BUILD.relative_to(ROOT))}
    return subprocess.Popen([BENCH, *map(str, arguments)], text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                            preexec_fn=die_with_parent)


def bench(*arguments):
    """(exit status, stdout, stderr)."""
    before = left()
    process = start(*arguments)
    out, err = process.communicate(timeout=300)
    assert left() == before
    return process.returncode, out, err


def a_row(mine, theirs, family=4):
    return rounds.Row(SYN_CLOSED, family, {"riposte": mine, "5tswap": theirs, "io": theirs})


def test_ratio_is_that_of_the_medians():
    row = a_row([5e6, 8e6, 1e6], [10e6, 40e6, 20e6])
    assert row.ratio == 0.25
    assert row.ratios == [0.5, 0.2, 0.05]
    assert report.line(row) == [SYN_CLOSED.title, "4", "5.00", "200", "20.00", "20.00", "0.25",
                                "0.05 to 0.50", "0.70", "0.90"]


@pytest.mark.parametrize("rate, family, share, found", [
    (7e6, 4, 1, []),
    (6.9e6, 4, 1, [f"{SYN_CLOSED.title}: 0.69 of 5tswap, and it should be 0.70 at least"]),
    (3.5e6, 4, 0.5, []),
    (3.4e6, 4, 0.5, [f"{SYN_CLOSED.title}: 0.34 of 5tswap, and it should be 0.35 at least"]),
    (1e6, 6, 1, []),  # nothing is asked of IPv6
])
def test_what_is_under_is_told(rate, family, share, found):
    assert report.under([a_row([rate], [10e6], family)], share) == found


@pytest.mark.parametrize("name, counted, says", [
    ("syn-closed", {"rx": 1000, "rst.no_listener": 995}, None),
    ("syn-closed", {"rx": 1000, "rst.no_listener": 980}, "rst.no_listener is 980 of 1000 frames"),
    ("syn-closed", {"rx": 0}, "riposte received nothing"),
    ("syn-closed", {"rx": 1000, "rst.no_listener": 1000, "dropped.tcp_table_full": 11},
     "11 of 1000 frames were dropped"),
    ("live", {"rx": 1000, "answered": 1000}, "answered is 1000 of 1000 frames, and it should be 50%"),
    ("whole", {"rx": 1000, "opened": 200, "established": 200, "answered": 600, "consumed": 400},
     "closed is 0 of 1000 frames"),
])
def test_frames_have_to_end_as_the_row_says(name, counted, says):
    found = work.wrong(work.WORKS[name], counted)
    assert (not found) if says is None else found[0].startswith(says), found


@pytest.mark.parametrize("live, size, right, says", [
    (10 ** 7, 80.0, 10 ** 7, None),
    (10 ** 7, 80.1, 10 ** 7, "80.1 bytes for an IPv4 connection"),
    (10 ** 4, 300.0, 10 ** 4, None),  # a worker's other memory is most of it
    (10 ** 4, 300.0, 9999, "9999 of 10000 connections over IPv4 were closed as they should"),
    (10 ** 8, None, None, "100000000 connections over IPv4: there is no memory for them"),
])
def test_what_does_not_hold_of_memory_is_told(live, size, right, says):
    found = growth.Size(live, 4, size, [100.0], right).wrong()
    assert (not found) if says is None else found[0].startswith(says), found


def test_two_workers_are_asked_for_nearly_twice_one():
    assert not workers.Pair(SYN_CLOSED, 4, [10e6], [19e6]).wrong()
    slow = workers.Pair(SYN_CLOSED, 4, [10e6, 10e6, 10e6], [30e6, 18.9e6, 10e6])
    assert slow.ratio == 1.89 and "1.89 of one" in slow.wrong()[0]


def test_compares_but_for_the_first_round():
    said = "".join(f"ours bytes: 79.2\nours find: {mine}\nrte_hash bytes: 118.0\nrte_hash find: {other}\n"
                   for mine, other in ((900, 10), (100, 200), (120, 90), (110, 150)))
    size, find = compare.read(said, "tables", 10 ** 6)
    assert (size.ours, size.theirs) == ([79.2] * 3, [118.0] * 3)
    assert find.medians == (110, 150) and not find.wrong()
    slow = compare.Operation("find", 10 ** 6, "rte_hash", [150.0], [110.0])
    assert slow.wrong() == ["find a flow and its connection, 1,000,000 of them: ours takes 150.0, "
                            "rte_hash 110.0"]


def test_an_idle_worker_is_asked_to_sleep_unless_it_polls():
    assert not idle.Idle(False, [2.9, 9.0, 1.0]).wrong()
    assert "uses 3.0 % of its processor" in idle.Idle(False, [3.0]).wrong()[0]
    assert not idle.Idle(True, [100.0]).wrong()


def test_sees_who_idles(tmp_path):
    """A veth pair, riposte asleep and awake, and a client that is refused."""
    table = tmp_path / "idle.csv"
    _, out, err = bench("idle", *SHORT, "--csv", table)
    lines = [re.split(r"\s{2,}", each.strip()) for each in out.splitlines()]
    assert [each[0] for each in lines[1:3]] == ["without --poll", "--poll"], (out, err)
    # However busy the machine, who polls uses more.
    assert 0 < float(lines[1][1]) < float(lines[2][1]), out
    assert all(float(mine) <= float(all_of_it) and 0 < float(fast) <= float(slow)
               for _, mine, all_of_it, fast, _, slow in lines[1:3]), out
    with open(table, encoding="ascii") as file:
        answers = [each for each in csv.DictReader(file) if each["unit"] == "us until an answer"]
    assert len(answers) == 2 * idle.PROBES


def an_answer(**rates):
    """Of riposte, polling and not, and Linux, with RPS and without: millions a second, rounds alike."""
    return latency.Answer("rst", {who: latency.Figures(
        waits=[[1.0, 2.0, 3.0], [1.5, 9.0, 90.0], [1.6, 3.0, 4.0]], lost=[0] * 3, cpu=[[100, 50]] * 3,
        answered=[1e6 * rate] * 3, offered=[2e6] * 3)
        for who, rate in zip((*latency.OURS, *latency.THEIRS), rates.values())})


@pytest.mark.parametrize("rates, found", [
    ({"sleeping": 1.5, "polling": 1.5, "linux": 0.2, "steered": 1.0}, []),
    ({"sleeping": 1.4, "polling": 1.6, "linux": 1.0, "steered": 0.1}, [
        "rst: riposte answers 1.40 times as many SYNs a second as Linux, and it should be 1.5"]),
])
def test_riposte_is_asked_for_more_than_the_better_of_linux(rates, found):
    answer = an_answer(**rates)
    assert answer.wrong() == found
    assert latency.line(answer, latency.RIPOSTE)[:8] == [
        "RST", "riposte", "1.5", "3.0", "4.0", f"{rates['sleeping']:.2f}",
        f"{rates['sleeping']:.2f} to {rates['sleeping']:.2f}", "2.00"]
    assert latency.line(answer, latency.LINUX)[-2:] == ["", ""]


def test_tells_of_syns_without_an_answer():
    answer = an_answer(sleeping=2, polling=2, linux=1, steered=1)
    answer.by[latency.LINUX].lost = [0, 2, 1]
    assert answer.wrong() == [
        "rst: 3 SYNs that Linux was asked one at a time had no answer, and are in no figure"]


def a_flood(said="100 200\n300 400\nfailed: 0\n", half_open=flood.HALF_OPEN, accepted=2):
    done = flood.Flood(flood.VETH, half_open=half_open, counted=flood.Counter(cookies_accepted=accepted))
    done.quiet.add("100 200\nfailed: 0\n")
    done.flooded.add(said)
    return done


@pytest.mark.parametrize("given, says", [
    ({}, None),
    ({"said": "lawful: client 1, sent: read: Connection reset by peer\n100 200\nfailed: 1\n"},
     "veth: 1 of 2 lawful clients were not served, flood: SYNs: client 1, sent: read: Connection reset"),
    ({"half_open": flood.HALF_OPEN + 2}, "veth: 4098 of 16384 connections were half open"),
    ({"accepted": 0}, "veth: no lawful client came by a cookie"),
])
def test_lawful_clients_are_served_under_a_flood_or_it_is_told(given, says):
    found = a_flood(**given).wrong()
    assert (not found) if says is None else (len(found) == 1 and found[0].startswith(says)), found


def test_asks_riposte_and_linux_in_turns(tmp_path):
    """Both give either answer; how fast is the machine's."""
    table = tmp_path / "latency.csv"
    status, out, err = bench("latency", *SHORT, "--csv", table)
    lines = [re.split(r"\s{2,}", each.strip()) for each in out.splitlines()]
    assert [each[:2] for each in lines[1:9]] == [
        [kind, who] for kind in ("SYN-ACK", "RST") for who in (*latency.OURS, *latency.THEIRS)], (out, err)
    for kind, who, *waits, rate, _, offered, _ in (each[:9] for each in lines[1:9]):
        assert 0 < float(waits[0]) <= float(waits[1]) <= float(waits[2]), (kind, who, out)
        assert 0 < float(rate) <= 1.01 * float(offered), (kind, who, out)
    short = re.findall(r"^bench: (\S+): (.*) (?:answers \S+ times|had no answer)", err, re.MULTILINE)
    assert status == (1 if short else 0), (out, err)
    with open(table, encoding="ascii") as file:
        written = {(each["row"], each["who"], each["unit"]) for each in csv.DictReader(file)}
    assert len(written) == 2 * 4 * (len(latency.SHARES) + 3), written


def test_serves_lawful_clients_under_a_flood(tmp_path):
    table = tmp_path / "flood.csv"
    status, out, err = bench("flood", *SHORT, "--csv", table)
    lines = [re.split(r"\s{2,}", each.strip()) for each in out.splitlines()]
    floods = [(device, pours) for device in ("veth", "memif") for pours in ("none", "SYNs")]
    assert [each[:4] for each in lines[1:5]] == [[*each, "500", "500"] for each in floods], (out, err)
    for connect, slow, whole, slowest in (map(int, each[4:8]) for each in lines[1:5]):
        assert 0 < connect <= slow and connect <= whole <= slowest, out
    assert status == 0, (out, err)
    with open(table, encoding="ascii") as file:
        written = [(each["row"], each["who"], float(each["value"])) for each in csv.DictReader(file)
                   if each["unit"] == "clients served"]
    assert written == [(f"flood {device}", pours, 500) for device, pours in floods]


def test_a_ratio_that_was_missed_by_a_hair_does_not_look_met():
    shown = [report.reached(ratio) for ratio in (0.6999, 0.70001, 1.899, 0.295)]
    assert shown == ["0.69", "0.70", "1.89", "0.29"]


def test_measures_and_writes(tmp_path):
    """Two rows, and ten thousand connections that close; both families. Not "whole": a slow machine
    does not repeat its frames often enough for its shares to be right."""
    table, picture = tmp_path / "bench.csv", tmp_path / "bench.png"
    status, out, err = bench("rows", "memory", "--rows", "syn-closed,syn-cookie", "--most", "10000", *SHORT,
                             "--csv", table, "--plot", picture)
    lines = [re.split(r"\s{2,}", each.strip()) for each in out.splitlines()]
    assert lines[0] == list(report.COLUMNS), (out, err)
    ratios = {}
    for title, family, mine, _, theirs, floor, ratio, *_ in ([SYN_CLOSED.title, *lines[2]],
                                                             [*lines[1]]):
        assert float(floor) > 0, out
        ratios[family] = float(ratio)
        assert abs(float(mine) / float(theirs) - ratios[family]) < 0.02, out
        assert title == SYN_CLOSED.title
    # How fast it is is the machine's; what is made of it is not.
    short = re.findall(r"^bench: (.*): \S+ of 5tswap", err, re.MULTILINE)
    assert status == (1 if short else 0), (out, err)
    assert (SYN_CLOSED.title in short) == (ratios["4"] < 0.7), err
    assert ["10,000", "10,000"] == [each[-1] for each in lines if each[0] == "10,000"], out
    with open(table, encoding="ascii") as file:
        written = list(csv.DictReader(file))
    assert [(each["row"], each["ip"], each["who"]) for each in written if each["row"] == "syn-cookie"] == [
        ("syn-cookie", ip, who) for ip in "46" for who in ("riposte", "5tswap", "io")]
    assert all(float(each["value"]) > 0 for each in written), written
    assert picture.read_bytes().startswith(b"\x89PNG\r\n"), err


@pytest.mark.parametrize("arguments, says", [
    (["everything"], "there is no part everything: rows, memory, workers, compare, idle, latency, flood"),
    (["--rows", "syn"], "there is no row syn: "),
    (["--rounds", "0"], "--rounds 0: one at least"),
    (["--for", "5"], "'5' is not a time"),
    (["--cpus", "0"], "'0' is not two processors, as 0,1"),
    (["--ip", "5"], "invalid choice: '5'"),
    (["--csv", "/nowhere/bench.csv"], "there is no directory /nowhere"),
])
def test_refuses(arguments, says):
    status, out, err = bench(*arguments)
    assert (status, out) == (2, ""), (out, err)
    assert says in err and err.count("\n") == 1, err


def test_leaves_nothing_when_it_is_stopped():
    before = left()
    process = start("rows", "--rows", "syn-closed", "--for", "60s", "--no-huge")
    deadline = time.monotonic() + 120
    while len(left()) < len(before) + 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143, (out, err)
    assert left() == before
