#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts tests: count_tests.py FILE... prints "PASSED FAILED SKIPPED".

A FILE is JUnit XML, as pytest and meson write it, or meson's testlog.json. The latter counts only
the programs that failed although none of the tests they reported did: a crash between two tests."""
import json
import sys
import xml.etree.ElementTree as ElementTree


def count_junit(path):
    """(passed, failed, skipped), and the names of the suites with a failure."""
    passed = failed = skipped = 0
    bad = set()
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                bad.update({suite.get("name"), f"{suite.get('name')}.{case.get('name')}"})
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    return (passed, failed, skipped), bad


def count_silent_failures(path, bad):
    """How many programs in meson's log failed without a failed test of their own."""
    silent = 0
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            if test["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
                continue
            name = test["name"].split(" / ")[-1]
            if not any(b.endswith("." + name) for b in bad):
                print(f"{test['name']}: {test['result']}, exit status {test['returncode']}",
                      file=sys.stderr)
                silent += 1
    return silent


def main(paths):
    total = [0, 0, 0]
    bad = set()
    for path in sorted(paths, key=lambda p: p.endswith(".json")):
        if path.endswith(".json"):
            total[1] += count_silent_failures(path, bad)
            continue
        counts, names = count_junit(path)
        total = [a + b for a, b in zip(total, counts)]
        bad |= names
    print(*total)


if __name__ == "__main__":
    main(sys.argv[1:])
