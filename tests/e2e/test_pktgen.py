# SPDX-License-Identifier: BSD-3-Clause
"""scripts/pktgen, with Debian's dpdk-testpmd as the sender: what it prints of a load, what it finds
wrong, what it refuses and what it leaves; and that the cases are what they say."""
import csv
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from netns import die_with_parent
from responder import BINARY, BUILD, ROOT, RUNTIME

sys.path.insert(0, str(ROOT / "scripts"))
from load import machine, measure, report  # noqa: E402
from load.case import DIRECTORY, CaseError, cases, read  # noqa: E402
from load.frames import frames  # noqa: E402

SHORT = ("--with", "testpmd", "--for", "1s", "--no-huge")
CASES = cases()


def left():
    """What a run could leave."""
    return [*Path("/run").glob("riposte-load-*"), *RUNTIME.glob("load[0-9]*-*")]


def start(*arguments, **options):
    environment = {**os.environ, "RIPOSTE_BUILD": str(BUILD.relative_to(ROOT)), **options}
    return subprocess.Popen([ROOT / "scripts" / "pktgen", *map(str, arguments)], text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment, preexec_fn=die_with_parent)


def load(*arguments, **options):
    """(exit status, stdout, stderr)."""
    before = left()
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=120)
    assert left() == before
    return process.returncode, out, err


def rows(out):
    """The table, by case: its numbers and what became of the frames."""
    lines = [re.split(r"\s{2,}", line) for line in out.splitlines()]
    assert lines[1] == list(report.COLUMNS), out
    return {line[0]: line[1:] for line in lines[2:] if line[0] in CASES}


def test_loads_and_counts(tmp_path):
    """A case that is never answered, and one of SYN and RST mixed."""
    table, picture = tmp_path / "rates.csv", tmp_path / "rates.png"
    status, out, err = load("rst", "syn-rst", *SHORT, "--csv", table, "--plot", picture)
    assert status == 0, (out, err)
    found = rows(out)
    assert list(found) == ["rst", "syn-rst"], out
    offered, answered, back, *_, kinds = found["rst"]
    assert float(offered) > 0 and float(answered) == 0 and float(back) == 0, out
    assert kinds == "dropped.tcp_stray_rst 100.0 %", out
    # Half of them RSTs, which draw nothing; but for those at either end each ends its connection.
    assert re.search(r"opened (49\.\d|50\.0) %, closed (49\.\d|50\.0) %", found["syn-rst"][-1]), out
    with open(table, encoding="ascii") as file:
        written = list(csv.DictReader(file))
    assert {each["case"] for each in written} == set(found)
    assert all(float(each["answered"]) == 0 for each in written if each["case"] == "rst"), written
    assert sum(float(each["offered"]) > 0 for each in written) > 6
    assert picture.read_bytes().startswith(b"\x89PNG\r\n"), err


def test_compares_with_5tswap():
    status, out, err = load("syn-closed", *SHORT, "--rounds", "1")
    ratio = re.search(r"^RST handling: (\S+) million .* 5tswap in riposte's place (\S+) .* ratio (\S+)$",
                      out, re.MULTILINE)
    assert ratio, (out, err)
    ours, theirs, quotient = map(float, ratio.groups())
    assert theirs > 0 and abs(quotient - ours / theirs) < 0.1 * quotient, out
    offered, answered, back, *_, kinds = rows(out)["syn-closed"]
    assert float(offered) > 0 and float(answered) > 0 and float(back) > 0, out
    assert kinds.startswith("rst.no_listener 100.0 %"), out
    # How fast they are is the machine's; what is made of it is not.
    assert status == (0 if quotient >= 0.7 else 1), (out, err)
    assert ("under 0.7" in err) == (status == 1), err


def a_run(**changes):
    """A run in which all holds."""
    samples = [measure.Sample(n, 1000 * n, 1000 * n, n, {"answered": 1000 * n}) for n in (0, 1)]
    counts = {"rx": 1000, "answered": 990, "dropped.ip_checksum": 8, "consumed": 2, "tx": 990,
              "rst.no_listener": 990, **changes.pop("counts", {})}
    return measure.Run("syn-closed", samples, 1000, (0, 0), counts, **{"growth": 0, **changes})


@pytest.mark.parametrize("changes, status, says", [
    ({}, 0, None),
    ({}, 4, "riposte ended with 4"),
    ({"counts": {"answered": 991}}, 0, "rx is 1000, and answered, consumed and dropped together 1001"),
    ({"counts": {"mbufs_in_use": 3}}, 0, "3 packet buffers were lost"),
    ({"counts": {"rst.no_listener": 989}}, 0, "989 of 1000 frames ended in rst.no_listener"),
    ({"growth": 4097}, 0, "memory grew by 4097 KiB"),
])
def test_what_does_not_hold_is_told(changes, status, says):
    # pylint: disable=protected-access
    wrong = list(measure._wrong(a_run(**changes), CASES["syn-closed"], status))
    assert len(wrong) == (says is not None), wrong
    assert says is None or says in wrong[0], wrong


def child_of(process, program):
    """The pid of program among the descendants, once it runs."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "exe").readlink() == program and int(
                        re.search(r"^PPid:\s+(\d+)", (entry / "status").read_text("ascii"),
                                  re.MULTILINE)[1]) == process.pid:
                    return int(entry.name)
            except OSError:
                pass
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError(f"{program} does not start")


TESTPMD = Path(shutil.which("dpdk-testpmd") or "/").resolve()


@pytest.mark.parametrize("number, whose, after, status, says", [
    (signal.SIGKILL, "riposte", TESTPMD, 1, "pktgen: riposte ended with -9: "),
    (signal.SIGKILL, "riposte", 2, 1, "pktgen: riposte ended with -9: "),
    (signal.SIGTERM, "script", 1, 143, None), (signal.SIGINT, "script", 1, 130, None)])
def test_nothing_is_left_however_it_ends(number, whose, after, status, says):
    """after: seconds, or the other side's start."""
    before = left()
    process = start("syn-closed", "--with", "testpmd", "--for", "60s", "--no-huge", "--rounds", "0")
    riposte = child_of(process, BINARY)
    if isinstance(after, Path):
        child_of(process, after)
    else:
        time.sleep(after)
    os.kill(riposte if whose == "riposte" else process.pid, number)
    _, err = process.communicate(timeout=40)
    assert process.returncode == status, err
    lines = [line for line in err.splitlines()
             if line != "pktgen: syn-closed" and not line.startswith("ninja: ")]
    assert len(lines) == (says is not None) and (says is None or lines[0].startswith(says)), err
    assert left() == before and not os.path.exists(f"/proc/{riposte}")


@pytest.mark.parametrize("given, done", [(10**9, True), (300, False)])
def test_huge_pages_are_given_back(monkeypatch, given, done):
    """given: how many pages the machine has."""

    class Pages:
        there = 7

        def read_text(self, _):
            return f"{self.there}\n"

        def write_text(self, text, _):
            self.there = min(int(text), given)

    pages = Pages()
    monkeypatch.setattr(machine, "HUGE_PAGES", pages)
    try:
        with machine.huge_pages(1024):
            assert pages.there == 7 + 512
            pages.there += 5  # somebody else's
        assert done and pages.there == 7 + 5
    except machine.LoadError as refused:
        assert not done and pages.there == 7
        assert str(refused).startswith("1024 MiB of huge pages could not be had"), refused


@pytest.mark.parametrize("arguments, status, says", [
    (["syn-closed"], 1, "no Pktgen: build upstream's tag pktgen-23.06.1"),
    (["syn-closed", "--pktgen", "/nowhere/pktgen"], 1, "--pktgen /nowhere/pktgen: no such program"),
    (["syn"], 2, "there is no case syn: all, ack, "),
    ([], 2, "CASE"),
    (["rst", "--for", "10"], 2, "'10' is not a time"),
    (["rst", "--with", "iperf"], 2, "iperf"),
    (["rst", "--cpus", "0"], 2, "'0' is not two or three processors"),
    (["rst", "--with", "testpmd", "--cpus", "0,4095"], 1, "processor 4095 cannot be used"),
    (["rst", "--pci", "0000:03:00.0"], 2, "--pci needs --mac"),
    (["rst", "--pci", "eth0", "--mac", "02:18:00:00:00:01"], 2, "'eth0' is not a PCI address"),
    (["rst", "--pci", "0000:03:00.0", "--with", "testpmd"], 2, "--pci is for Pktgen alone"),
    (["all", "--frames", "x.pcap"], 2, "--frames writes those of one case"),
])
def test_refusals_are_one_line(arguments, status, says):
    got, out, err = load(*arguments, PATH="/usr/sbin:/usr/bin:/sbin:/bin")
    assert (got, out) == (status, ""), (out, err)
    assert len(err.splitlines()) == 1 and says in err, err


@pytest.mark.parametrize("arguments, told, device", [
    (["--pci", "0000:03:00.0", "--mac", "3C:FD:FE:00:00:01"], "3c:fd:fe:00:00:01",
     "-a 0000:03:00.0 -- -m "),
    ([], "", "-m 1536 --no-huge --file-prefix load"),
])
def test_pktgen_is_told_its_port_and_the_case(tmp_path, arguments, told, device):
    """A program in Pktgen's place writes down how it is started, says why it cannot go on, and ends."""
    pktgen = tmp_path / "pktgen"
    pktgen.write_text(f"""#!/bin/sh
echo "$@" >{tmp_path}/command
echo "$PKTGEN_SECONDS $PKTGEN_MAC" >{tmp_path}/environment
test -t 0 && test -t 1 && printf '!PANIC!: \033[1mnot today\r\nbye\r\n'
exit 3
""", "ascii")
    pktgen.chmod(0o755)
    status, out, err = load("rst", "--for", "2s", "--pktgen", pktgen, "--no-huge", *arguments)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == "pktgen: pktgen ended with 3: !PANIC!: not today", err
    command = (tmp_path / "command").read_text("ascii")
    assert device in command and "-a " not in command.partition(device)[0], command
    assert ("--no-pci" in command) == (not arguments), command
    assert command.endswith(f" -f {DIRECTORY}/rst.pkt -f {DIRECTORY}/run.lua\n"), command
    assert (tmp_path / "environment").read_text("ascii") == f"2 {told}\n"


def test_who_is_not_root_is_told():
    refused = subprocess.run([ROOT / "scripts" / "pktgen", "rst", "--with", "testpmd"],
                             check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             user=65534)
    assert refused.returncode == 1 and "sudo " in refused.stdout, refused.stdout
    assert len(refused.stdout.splitlines()) == 1, refused.stdout


@pytest.mark.parametrize("name, flags, port", [
    ("syn-closed", "S", 9), ("syn-closed-6", "S", 9), ("syn-listener", "S", 80), ("ack", "A", 80),
    ("rst", "R", 9), ("fin", "F", 9), ("xmas", "FPU", 9), ("null", "", 9), ("sources", "S", 9)])
def test_frames_are_what_the_case_says(name, flags, port):
    made = frames(CASES[name], seed=1)
    kind, target, length, source, port_of = (
        (IPv6, "2001:2::1", 74, slice(22, 38), slice(54, 56)) if name.endswith("-6") else
        (IP, "198.18.0.1", 60, slice(26, 30), slice(34, 36)))
    assert len({frame[source] + frame[port_of] for frame in made}) == len(made) == 16384
    assert len({frame[source] for frame in made}) == (16384 if name == "sources" else 1)
    for frame in made[0], made[-1]:
        packet = Ether(frame)
        assert len(frame) == length and packet[TCP].flags == flags, packet
        assert (packet.dst, packet[kind].dst, packet[TCP].dport) == (
            "02:18:00:00:00:01", target, port)
        again = Ether(frame)
        del again[TCP].chksum
        if kind is IP:
            # As Pktgen's: 64 bytes with their checksum have room for six of text.
            assert bytes(packet[TCP].payload) == b"abcdef"
            del again[IP].chksum
        assert bytes(again) == frame


def test_the_mixed_frames_are_connections_that_end():
    case = CASES["syn-rst"]
    made = frames(case, seed=1)
    assert frames(case, seed=1) == made != frames(case, seed=2)
    assert len(made) == 2 * case.mix[0]
    open_since = {}
    for n, frame in enumerate(made):
        (seq,), flags, ends = struct.unpack("!I", frame[38:42]), frame[47], frame[26:38]
        if flags == 2:
            assert ends not in open_since
            open_since[ends] = n, seq
        else:
            at, its = open_since.pop(ends)
            assert flags == 4 and seq == (its + 1) % 2**32
            assert 0 < n - at <= case.mix[1]
    assert not open_since


def test_cases_count_in_counters_that_there_are():
    names = subprocess.run([BINARY, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    known = set(re.findall(r"^  (dropped\.\w+) ", names, re.MULTILINE)) | {
        "rst.no_listener", "rst.no_connection", "cookies_sent", "opened", "consumed"}
    for case in CASES.values():
        assert set(case.counts) <= known, case
    subprocess.run([BINARY, "--check", "-c", DIRECTORY / "riposte.conf"], check=True,
                   stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("old, new, says", [
    ("# counts: rst.no_listener\n", "", "without # counts:"),
    ("enable 0 range\n", "", "without enable 0 range"),
    ("enable 0 range\n", "enable 0 pcap\n", "without # mix: "),
    ("range 0 size", "# range 0 size", "without range 0 size"),
    ("flag set syn", "flag set sin", ":14: not a command that is known here"),
])
def test_an_incomplete_case_is_refused(tmp_path, old, new, says):
    text = CASES["syn-closed"].path.read_text("utf-8")
    assert old in text
    path = tmp_path / "case.pkt"
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(CaseError) as refused:
        read(path)
    assert str(path) in str(refused.value) and says in str(refused.value)
