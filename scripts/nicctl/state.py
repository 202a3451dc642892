# SPDX-License-Identifier: BSD-3-Clause
"""state - what nic remembers of the devices that it has bound, for as long as they are: a file each
below /run, which a reboot empties as it undoes every binding."""
import contextlib
import fcntl
import json
import os

from nicctl.device import address
from nicctl.system import Refused

DIRECTORY = "/run/riposte-nic"


def file_of(pci):
    return f"{DIRECTORY}/{pci}"


def record(system, pci):
    """What was remembered of the device; {} if nothing."""
    try:
        said = json.loads(system.text(file_of(pci)) or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def records(system):
    return {pci: record(system, pci) for pci in system.names(DIRECTORY) if address(pci) == pci}


@contextlib.contextmanager
def alone(system):
    """No other nic changes anything meanwhile."""
    try:
        os.makedirs(system.path(DIRECTORY), mode=0o755, exist_ok=True)
        lock = open(system.path(f"{DIRECTORY}/lock"), "w", encoding="ascii")
    except OSError as error:
        raise Refused(f"{DIRECTORY}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused("another nic is at work: wait for it") from None
        yield
