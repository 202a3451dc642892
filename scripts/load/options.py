# SPDX-License-Identifier: BSD-3-Clause
"""options - what is on command lines, and one line about what is wrong there."""
import argparse
import re
import signal
import sys


class Parser(argparse.ArgumentParser):
    """One line about what is wrong, instead of argparse's usage. name: the script's."""

    def __init__(self, name):
        super().__init__(prog=name, add_help=False, allow_abbrev=False)

    def error(self, message):
        print(f"{self.prog}: {message} (see scripts/{self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def seconds(text):
    match = re.fullmatch(r"([0-9]+)(ms|s|m)", text)
    value = int(match[1]) * {"ms": 0.001, "s": 1, "m": 60}[match[2]] if match else 0
    if not 0.5 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time from 500ms to 60m, as 10s")
    return value


def number(text):
    if not re.fullmatch("[0-9]{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return int(text)


def cpus(text):
    if not re.fullmatch("[0-9]{1,4}(,[0-9]{1,4}){1,2}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not two or three processors, as 0,1")
    return [int(each) for each in text.split(",")]


def ending(name, work, *refusals):
    """work's exit status; 1 after what it could not do, which is told in one line."""
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return work()
    except refusals as error:
        print(f"{name}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{name}: {error.filename or 'error'}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1
