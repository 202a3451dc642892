# SPDX-License-Identifier: BSD-3-Clause
"""case - what is sent: Pktgen's own files in config/pktgen, of which the comments are for us."""
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "config" / "pktgen"
FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32}


class CaseError(Exception):
    """A file that is not a case: one line."""


@dataclass
class Case:
    """title: the first comment. counts: riposte's counters in which its frames end. mix: None, or the
    numbers that the mixed frames of a pcap are made with. ranges: [start, min, max, increment], by
    what is before them in Pktgen's command."""
    name: str
    path: Path
    title: str = ""
    counts: tuple = ()
    mix: tuple = None
    pcap: bool = False
    flags: int = 0
    ranges: dict = field(default_factory=dict)
    words: dict = field(default_factory=dict)


def read(path):
    case = Case(path.stem, path)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            _comment(case, line[1:].strip())
        elif line.strip() and not _command(case, line.split()):
            raise CaseError(f"{path}:{number}: not a command that is known here: {line}")
    missing = [what for what, there in (
        ("a title", case.title), ("# counts:", case.counts),
        ("enable 0 range, or enable 0 pcap and # mix:", case.words.get("enable")),
        *((f"range 0 {key}", case.ranges.get(key)) for key in (
            "dst mac", "src mac", "dst ip", "src ip", "dst port", "src port", "size"))) if not there]
    if missing or case.pcap != bool(case.mix):
        raise CaseError(f"{path}: without {missing[0] if missing else '# mix: and enable 0 pcap'}")
    return case


def _comment(case, text):
    if text.startswith("SPDX"):
        return
    if match := re.fullmatch(r"counts: ([a-z0-9_. ]+)", text):
        case.counts = tuple(match[1].split())
    elif match := re.fullmatch(r"mix: (\d+) (\d+)", text):
        case.mix = int(match[1]), int(match[2])
    elif not case.title:
        case.title = text.rstrip(".")


def _command(case, words):
    """Takes one command of Pktgen; false if it is none of those that cases are made of."""
    command = " ".join(words)
    if match := re.fullmatch(r"range 0 tcp flag (set|clr) (\w+)", command):
        bits = sum(FLAGS.values()) if match[2] == "all" else FLAGS.get(match[2], 0)
        case.flags = case.flags | bits if match[1] == "set" else case.flags & ~bits
        return bits != 0
    if match := re.fullmatch(r"range 0 ((?:src|dst) mac) start ([0-9a-f:]{17})", command):
        case.ranges[match[1]] = [match[2]]
        return True
    if match := re.fullmatch(r"range 0 ((?:src|dst) (?:ip|port)|size|tcp seq)((?: \S+){4})", command):
        case.ranges[match[1]] = match[2].split()
        return True
    if match := re.fullmatch(r"range 0 (type|proto) (ipv4|ipv6|tcp)", command):
        case.words[match[1]] = match[2]
        return True
    if match := re.fullmatch(r"enable 0 (range|pcap)", command):
        case.words["enable"] = match[1]
        case.pcap = match[1] == "pcap"
        return True
    return False


def cases():
    """All there are, by name."""
    return {path.stem: read(path) for path in sorted(DIRECTORY.glob("*.pkt"))}
