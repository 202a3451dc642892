# SPDX-License-Identifier: BSD-3-Clause
"""verdict - one line for each check, on stdout: "ok NAME", or "not ok NAME: " with what was
expected and what came. run.py counts these lines."""
import contextlib
import traceback


def verdict(good, name, expected, came):
    """True where it is good."""
    line = f"ok {name}" if good else f"not ok {name}: expected {expected}, came {came}"
    print(line.replace("\n", " | "), flush=True)
    return good


def check(name, expected, came):
    return verdict(expected == came, name, repr(expected), repr(came))


@contextlib.contextmanager
def part(name):
    """What goes wrong inside, where no check looks, is a failed check too."""
    try:
        yield
    except Exception as error:  # pylint: disable=broad-except
        where = traceback.extract_tb(error.__traceback__)[-1]
        verdict(False, name, "to get through it",
                f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})")
