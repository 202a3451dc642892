# SPDX-License-Identifier: BSD-3-Clause
"""Linux as the second opinion: the same script on riposte and, by scripthost.py, on the sockets of
a Linux kernel, and the same client with both. What the client's calls return has to be the same,
and so have the flags, sequence and acknowledgement numbers and lengths on its cable, each side's in
its order. Where riposte differs by a decision, a mask names it; a mask that nothing needs fails."""
import concurrent.futures
import contextlib
import os

import pytest

import linuxhost
import scenarios_close  # noqa: F401  they fill SCENARIOS
import scenarios_cross  # noqa: F401
import scenarios_text  # noqa: F401
from lab import SERVER
from opinions import Client, Path, agree
from scenarios import SCENARIOS
from scripthost import ScriptHost

CONF = 'host { owns = { "10.9.0.1", "fd09::1" } connections = 1000 }\n'
BLOB = bytes(range(256)) * 400  # 102,400 bytes
FAMILIES = (4, 6)
# All that the client sends, its program and its kernel, is sent by one CPU and received by one: a
# veth does not keep the order of two.
CPU = min(os.sched_getaffinity(0))


@contextlib.contextmanager
def two_servers(make_lab, held):
    """riposte on one cable of a client, and the scripts on a kernel's sockets on the other: the
    ways to them."""
    listening = [(one, family) for one in SCENARIOS for family in FAMILIES
                 if one.script is not None and one.held == held]
    rough = (0, 0, 0, 0, 1) if held else ()
    lab = make_lab(CONF + "".join(one.conf(family) for one, family in listening), rough=rough)
    host = linuxhost.LinuxHost(lab.client, {}, rough)
    for netns in (lab.client, host.netns):
        with netns.inside():
            linuxhost.like_riposte(netns)
    for netns, name in ((lab.client, "c0"), (lab.nic, "n0"), (lab.client, "k0"),
                        (host.netns, "h0")):
        netns.run("sh", "-c", f"echo {1 << CPU:x} >/sys/class/net/{name}/queues/rx-0/rps_cpus")
    scripts = ScriptHost(host.netns, [one.listener(family) for one, family in listening],
                         lab.riposte.directory)
    try:
        yield [Path(lab.client, "c0", SERVER, lab.rough),
               Path(lab.client, "k0", linuxhost.ADDRESS, host.rough)]
    finally:
        scripts.close()
        host.close()


@pytest.fixture(scope="module")
def servers(make_lab, directory):
    """By whether their cables can be held."""
    (directory / "blob").write_bytes(BLOB)
    with two_servers(make_lab, False) as free, two_servers(make_lab, True) as held:
        yield {False: free, True: held}


def play(one, family, path):
    os.sched_setaffinity(0, {CPU})  # of this thread
    client = Client(path, family, one.port + 1000 * family)
    try:
        one.program(client)
    except BaseException:
        client.end()
        raise
    return client


used = set()


@pytest.mark.parametrize("family", FAMILIES, ids=("ip4", "ip6"))
@pytest.mark.parametrize("one", SCENARIOS, ids=lambda one: one.name)
def test_same_as_linux(servers, one, family):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        clients = list(pool.map(lambda path: play(one, family, path), servers[one.held]))
    try:
        assert clients[0].seen == clients[1].seen
        used.update(agree(clients, one.stream, one.masks))
    finally:
        for client in clients:
            client.end()


def test_every_mask_is_needed():
    """A decision that makes no difference is no excuse. Needs the whole file to have run."""
    named = {mask for one in SCENARIOS for mask in one.masks}
    assert {mask.name for mask in named - used} == set()
