# SPDX-License-Identifier: BSD-3-Clause
"""curl, nc and nmap see of riposte what they see of a Linux host: both are asked, and what the
programs say has to be the same."""
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import linuxhost
from lab import SERVER

CONF = """
host { owns = { "10.9.0.1", "fd09::1" } connections = 10000 }
listener "close" { ports = { "80" } script = { "accept", "close" } }
listener "abort" { ports = { "81" } script = { "accept", "sleep 100ms", "linger 0", "close" } }
listener "polite" { ports = { "82" } script = { "accept", "read all", "close" } }
listener "hang" { ports = { "83" } script = { "accept", "hang" } }
listener "unread" { ports = { "84" } script = { "accept", "read 1", "close" } }
"""
BEHAVIOURS = {80: linuxhost.close_at_once, 81: linuxhost.abort, 82: linuxhost.read_all,
              83: linuxhost.Hang(), 84: linuxhost.half_read}
CLOSED = 90
CABLES = {"cable": (), "vlan": (5,)}


@pytest.fixture(scope="module", params=CABLES)
def lab(request, make_lab):
    return make_lab(CONF, tags=CABLES[request.param])


@pytest.fixture(scope="module")
def host(lab):
    made = linuxhost.LinuxHost(lab.client, BEHAVIOURS)
    yield made
    made.close()


@pytest.fixture(params=(4, 6), ids=("ip4", "ip6"))
def family(request):
    return request.param


def outcome(lab, *command, **options):
    """Exit status and what is on stdout."""
    done = subprocess.run(lab.client.command(*command), stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.DEVNULL, text=True, timeout=120, **options)
    return done.returncode, done.stdout


def both(lab, family, command, **options):
    """The outcomes with riposte and with Linux; HOST in the command is the address."""
    return [outcome(lab, *(word.replace("HOST", address) for word in command), **options)
            for address in (SERVER[family], linuxhost.ADDRESS[family])]


def url(family, port):
    return f"http://{'HOST' if family == 4 else '[HOST]'}:{port}/"


# curl's own exit codes: 7 refused, 52 empty reply, 56 reset, 28 too slow.
@pytest.mark.parametrize("port, status", [(CLOSED, {7}), (80, {52, 56}), (81, {56}), (84, {56}),
                                          (83, {28})])
def test_curl(lab, host, family, port, status):
    """A server that closes before it has read the request resets: whether curl had sent it by
    then is a race, with Linux too."""
    ours, theirs = both(lab, family, ["curl", "--silent", "--globoff", "--noproxy", "*",
                                      "--max-time", "2", url(family, port)])
    assert ours[0] in status and theirs[0] in status, (ours, theirs)
    assert ours[1] == theirs[1] == ""


@pytest.mark.parametrize("port, status", [(CLOSED, 1), (80, 0), (82, 0), (83, 0)])
def test_nc_connects_or_is_refused(lab, host, family, port, status):
    ours, theirs = both(lab, family, ["nc", "-z", "-n", "-w", "10", "HOST", str(port)])
    assert ours == theirs == (status, "")


def test_nc_sends_and_reads_to_the_end(lab, host, family):
    ours, theirs = both(lab, family, ["nc", "-n", "-N", "-w", "10", "HOST", "82"],
                        input="hello\n" * 1000)
    assert ours == theirs == (0, "")


SCANS = ["-sS", "-sA", "-sF", "-sN", "-sX", "-sT", "-sW", "-sM"]


def scan(lab, family, kind, address):
    """{port: (state, reason, the TTL of the answer)} as nmap sees it."""
    ports = ",".join(str(port) for port in [*BEHAVIOURS, 1, 22, CLOSED, 443, 65535])
    status, said = outcome(
        lab, "nmap", *(["-6"] if family == 6 else []), "-n", "-Pn", kind, "-p", ports,
        "--max-retries", "2", "--initial-rtt-timeout", "300ms", "--reason", "-oX", "-", address)
    assert status == 0
    seen = {}
    for port in ElementTree.fromstring(said).iter("port"):
        state = port.find("state")
        seen[int(port.get("portid"))] = (state.get("state"), state.get("reason"),
                                         state.get("reason_ttl"))
    assert len(seen) == len(BEHAVIOURS) + 5
    return seen


@pytest.mark.parametrize("kind", SCANS)
def test_nmap(lab, host, family, kind):
    ours = scan(lab, family, kind, SERVER[family])
    theirs = scan(lab, family, kind, linuxhost.ADDRESS[family])
    assert ours == theirs
    listening = {"-sS": "open", "-sT": "open", "-sA": "unfiltered", "-sW": "closed",
                 "-sM": "closed"}
    assert ours[82][0] == listening.get(kind, "open|filtered")
    assert ours[CLOSED][0] == ("unfiltered" if kind == "-sA" else "closed")
