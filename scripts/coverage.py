#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the tests reach of lib/: coverage.py GCOVR.JSON prints it, file by file.

Exit status 1 if a line is not reached and tests/coverage.reasons does not say why, if a reason there
is of a line that is reached or gone, if a line of the TCP rules is not reached that could be, or if
less than 95 % of all lines are. The branches of an assertion are not counted: it is there to go one
way."""
import collections
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
REASONS = ROOT / "tests" / "coverage.reasons"
LINES_MIN = 95

# rules.md sections 5 to 9. tcp_*.c, tcp.h and tcp_send.h: 5, 6, 8, 9; isn.c and stack_hash.c: 7.2 and
# 7.3; stack_parse.c and stack_internal.h: 6.1; stack_listen.c: 6.2, 6.5 and 7.3; stack_conn.c: the
# look-up, D-13, D-14; stack_app.c and stack_call.c: the calls of 9; stack_send.c and stack_text.c: what
# is written; wire_parse_tcp.h and wire_emit.h: the options of 7.1.
RULES = re.compile(r"lib/(tcp(_\w+)?\.[ch]|seq\.h|isn\.[ch]|wire_(parse_tcp|emit)\.[ch]|"
                   r"stack_((listen|parse|hash|conn|app|call|send|text)\.c|internal\.h))$")
# Where all lines have to be reached but those that cannot be.
CANNOT = "cannot be: "


def assertions(lines):
    """The numbers of the lines that an assert() stands on."""
    found = set()
    depth = 0
    for number, line in enumerate(lines, 1):
        start = re.search(r"\bassert\(", line)
        if depth == 0 and not start:
            continue
        found.add(number)
        for c in line[start.end() - 1:] if depth == 0 else line:
            depth += (c == "(") - (c == ")")
            if c == ")" and depth == 0:
                break
    return found


class File:
    """One file of lib/: how many lines and branches there are, and which lines are not reached."""

    def __init__(self, entry, lines):
        asserted = assertions(lines)
        starts = sorted((f["lineno"], f["name"]) for f in entry["functions"])
        self.path = entry["file"]
        self.lines = self.reached = self.branches = self.taken = 0
        self.missed = []  # (number, function, text)
        for line in entry["lines"]:
            number = line["line_number"]
            if line.get("gcovr/noncode") or line.get("gcovr/excluded"):
                continue
            self.lines += 1
            if line["count"] > 0:
                self.reached += 1
            else:
                function = [name for start, name in starts if start <= number]
                self.missed.append((number, function[-1] if function else "-",
                                    lines[number - 1].strip()))
            if number not in asserted:
                self.branches += len(line["branches"])
                self.taken += sum(b["count"] > 0 for b in line["branches"])

    def __str__(self):
        return (f"{self.path:24} lines {percent(self.reached, self.lines)}"
                f"  branches {percent(self.taken, self.branches)}")


def percent(part, whole):
    share = f"{100 * part / whole:.1f}" if whole else "-"
    return f"{part:5} of {whole:5} {share:>6} %"


def read_files(path):
    with open(path, encoding="utf-8") as report:
        entries = json.load(report)["files"]
    return [File(e, (ROOT / e["file"]).read_text(encoding="utf-8").splitlines())
            for e in sorted(entries, key=lambda e: e["file"])]


def read_reasons(path):
    """{(file, function, text): [reason of each such line]}"""
    reasons = collections.defaultdict(list)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w/.]+):(\w+):(.+?) -> (\S.*)", line)
        if not match:
            sys.exit(f"{path}:{number}: FILE:FUNCTION:TEXT OF THE LINE -> REASON would be right")
        file, function, text, reason = match.groups()
        reasons[file, function, text.strip()].append(reason)
    return reasons


def judge(files, reasons):
    """Prints the lines that are not reached, and returns the complaints."""
    wrong = []
    for file in files:
        for number, function, text in file.missed:
            known = reasons.get((file.path, function, text))
            if not known:
                wrong.append(f"{file.path}:{number}: not reached: {function}: {text}")
                continue
            reason = known.pop(0)
            print(f"{file.path}:{number}: {text}\n    {reason}")
            if RULES.match(file.path) and not reason.startswith(CANNOT):
                wrong.append(f"{file.path}:{number}: of the TCP rules, and so it has to be reached"
                             f" unless it \"{CANNOT.strip(': ')}\": {text}")
    for (path, function, text), left in reasons.items():
        wrong += [f"tests/coverage.reasons: reached or gone: {path}:{function}:{text}"] * len(left)
    return wrong


def total(name, files):
    lines, reached = sum(f.lines for f in files), sum(f.reached for f in files)
    branches, taken = sum(f.branches for f in files), sum(f.taken for f in files)
    print(f"{name:24} lines {percent(reached, lines)}  branches {percent(taken, branches)}")
    return 100 * reached / lines if lines else 0


def main(path):
    files = read_files(path)
    rules = [f for f in files if RULES.match(f.path)]
    if not rules:
        sys.exit(f"{path}: nothing of lib in it")
    for file in files:
        print(f"{file}{'  rules' if file in rules else ''}")
    wrong = judge(files, read_reasons(REASONS))
    total("TCP rules", rules)
    share = total("lib", files)
    if share < LINES_MIN:
        wrong.append(f"{share:.1f} % of the lines of lib are reached, {LINES_MIN} % would be right")
    print("TCP rules: every line that can be reached is" if not wrong else
          f"{len(wrong)} complaints:", flush=True)
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: coverage.py GCOVR.JSON")
    sys.exit(main(sys.argv[1]))
