# SPDX-License-Identifier: BSD-3-Clause
"""expect - compares what was seen with what should have been.

An expectation is a list of lines, each as it should be seen, but for:
    {REGEX}        in a line: whatever the regular expression matches
    A | B          one of these
    * LINE         any number of such lines, none too
    + LINE         one or more
    ? LINE         one or none
    100ms LINE     no sooner than 100 ms after the client's line (C > S) before it: that one started
                   the server's clock, however late the server's own lines were seen"""
import re

REGEX = re.compile(r"(\{(?:[^{}]|\{[^{}]*\})*\})")
EARLY = 0.005  # seconds: two clocks, and riposte's counts milliseconds


def line_pattern(line):
    """The regular expression of one expected line, and its time in seconds, or None."""
    wait = re.match(r"(\d+)ms ", line)
    if wait:
        line = line[wait.end():]
    count = line[0] if line[:2] in ("* ", "+ ", "? ") else ""
    if count:
        line = line[2:]
    choices = ["".join(part[1:-1] if part.startswith("{") else re.escape(part)
                       for part in REGEX.split(choice))
               for choice in line.split(" | ")]
    return f"(?:(?:{'|'.join(choices)})\n){count}", int(wait[1]) / 1000 if wait else None


def compare(expected, seen, times=None):
    """None if what was seen is as expected, and else why not, in one line. times: when each line
    was seen, in seconds."""
    pattern = ""
    waits = {}
    for number, line in enumerate(expected):
        regex, wait = line_pattern(line)
        if wait is not None:
            waits[f"w{number}"] = wait
            regex = f"(?P<w{number}>{regex})"
        pattern += regex
    text = "".join(f"{line}\n" for line in seen)
    found = re.fullmatch(pattern, text)
    if not found:
        return first_difference(expected, seen)
    for name, wait in waits.items():
        at = text.count("\n", 0, found.start(name))
        start = max((i for i in range(at) if seen[i].startswith("C")), default=0)
        took = times[at] - times[start]
        if took < wait - EARLY:
            return (f"\"{seen[at]}\" came after {took * 1000:.0f} ms, not after "
                    f"{wait * 1000:.0f} ms")
    return None


def first_difference(expected, seen):
    """Where the longest beginning of what was seen that is still right ends."""
    right = matched = 0
    for end in range(len(expected) + 1):
        pattern = re.compile("".join(line_pattern(line)[0] for line in expected[:end]))
        for count in range(right, len(seen) + 1):
            if pattern.fullmatch("".join(f"{line}\n" for line in seen[:count])):
                right, matched = count, end
    there = f"\"{seen[right]}\"" if right < len(seen) else "missing"
    wanted = expected[matched] if matched < len(expected) else "nothing more"
    return f"line {right + 1} is {there}; expected: {wanted}"
