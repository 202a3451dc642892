#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Changes the rules in one place at a time, and tells how many of the changes the tests notice.

usage: mutate.py DIRECTORY [FILE...]

DIRECTORY is where all is built; FILE... are those of lib/ to change (lib/tcp_*.[ch] and lib/wire_*.[ch]).
In the environment: MUTATE_COUNT, how many mutants are drawn (200; "all"), MUTATE_SEED, from what
(1), MUTATE_JOBS, how many are judged at the same time (as many as there are processors).

A mutant that does not compile, or to the same code, is none. Those that no test notices are looked up
in survivors.txt, which says why; it may name none that is noticed or gone. Exit status 1 if it does,
or if less than 95 % are noticed of those that it does not explain."""
import collections
import os
import pathlib
import random
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import operators
import workshop

SURVIVORS = pathlib.Path(__file__).resolve().parent / "survivors.txt"
NOTICED_MIN = 95
# What it does not take, the long way does: most of what could be changed there changes nothing but
# speed. tests/unit/test_wire_plain.c compares both.
SHORT_WAY = "wire_parse_plain.h"


def read_survivors():
    """{(file, function, line, after): [reason of each such mutant]}"""
    reasons = collections.defaultdict(list)
    for number, line in enumerate(SURVIVORS.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"([\w/.]+):(\w+): (.+?) => (.+) -> (\S.*)", line)
        if not match:
            sys.exit(f"{SURVIVORS.name}:{number}: FILE:FUNCTION: LINE => LINE CHANGED -> REASON would"
                     f" be right")
        reasons[match.groups()[:4]].append(match.group(5))
    return reasons


def key(mutant):
    return mutant.path, mutant.function, mutant.line, mutant.after


def tell(mutant):
    return f"{mutant.path}:{mutant.function}: {mutant.line} => {mutant.after}"


def draw(mutants):
    count = os.environ.get("MUTATE_COUNT", "200")
    seed = os.environ.get("MUTATE_SEED", "1")
    if count != "all" and not count.isdigit():
        sys.exit(f"MUTATE_COUNT={count}: a number or all would be right")
    if not seed.isdigit():
        sys.exit(f"MUTATE_SEED={seed}: a number would be right")
    drawn = list(mutants)
    random.Random(int(seed)).shuffle(drawn)
    return drawn, len(drawn) if count == "all" else int(count)


def judge_all(shop, drawn, count, jobs, log):
    """{mutant: the test that noticed it, or None}, of count mutants that are some."""
    verdicts = {}
    lock = threading.Lock()
    waiting = iter(drawn)

    def work():
        while True:
            with lock:
                mutant = next(waiting, None) if len(verdicts) < count else None
            if mutant is None:
                return
            noticed = shop.judge(mutant)
            if noticed == "compiler":
                continue
            with lock:
                verdicts[mutant] = noticed
                print(f"{noticed or 'SURVIVES'}: {tell(mutant)}", file=log, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work) for _ in range(jobs)]:
            future.result()
    # Those that came in after the last place was taken are not of the sample.
    order = {id(mutant): i for i, mutant in enumerate(drawn)}
    kept = sorted(verdicts, key=lambda m: order[id(m)])[:count]
    return {mutant: verdicts[mutant] for mutant in kept}


def report(verdicts, mutants, reasons):
    """Prints what survived; returns how many are noticed, explained, and the complaints."""
    wrong = []
    explained = 0
    left = {k: list(v) for k, v in reasons.items()}
    for mutant, noticed in sorted(verdicts.items(), key=lambda v: (v[0].path, v[0].number)):
        known = left.get(key(mutant))
        if noticed is None and known:
            explained += 1
            print(f"survives: {tell(mutant)}\n    {known.pop(0)}")
        elif noticed is None:
            print(f"survives, nobody knows why: {mutant.path}:{mutant.number}\n    {tell(mutant)}")
    there = collections.Counter(map(key, mutants))
    surviving = collections.Counter(key(m) for m, noticed in verdicts.items() if noticed is None)
    judged = collections.Counter(map(key, verdicts))
    for name, known in reasons.items():
        text = f"{name[0]}:{name[1]}: {name[2]} => {name[3]}"
        if len(known) > there[name]:
            wrong.append(f"{SURVIVORS.name}: there is no such mutant: {text}")
        elif judged[name] == there[name] and surviving[name] < len(known):
            wrong.append(f"{SURVIVORS.name}: is noticed: {text}")
    return sum(noticed is not None for noticed in verdicts.values()), explained, wrong


def read_mutants(names):
    paths = names or [str(p.relative_to(workshop.ROOT)) for pattern in ("tcp_*.[ch]", "wire_*.[ch]")
                      for p in sorted((workshop.ROOT / "lib").glob(pattern)) if p.name != SHORT_WAY]
    mutants = []
    for path in paths:
        mutants += operators.mutants(path, (workshop.ROOT / path).read_text(encoding="utf-8"))
    return mutants


def main(directory, names):
    started = time.monotonic()
    jobs = int(os.environ.get("MUTATE_JOBS") or os.cpu_count())
    mutants = read_mutants(names)
    drawn, count = draw(mutants)
    reasons = {k: v for k, v in read_survivors().items() if not names or k[0] in names}
    shop = workshop.Workshop(directory, jobs)
    try:
        shop.build()
        with open(os.path.join(directory, "mutants.log"), "w", encoding="utf-8") as log:
            verdicts = judge_all(shop, drawn, count, jobs, log)
    except workshop.Broken as broken:
        sys.exit(f"mutate.py: {broken}")
    if not verdicts:
        sys.exit("mutate.py: no mutants")
    noticed, explained, wrong = report(verdicts, mutants, reasons)
    share = 100 * noticed / max(1, len(verdicts) - explained)
    if share < NOTICED_MIN:
        wrong.append(f"{NOTICED_MIN} % noticed would be right")
    print(f"{len(verdicts)} mutants: {noticed} noticed ({100 * noticed / len(verdicts):.1f} %), "
          f"{explained} explained, {len(verdicts) - noticed - explained} not: {share:.1f} % of those "
          f"that could be; {time.monotonic() - started:.0f} s", flush=True)
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
