# SPDX-License-Identifier: BSD-3-Clause
"""Devices: several at once, workers and queues, links, MTU, and whose frames they receive."""
import re
import socket
import subprocess

import pytest

from control import Control
from lab import CLIENT, FAMILY, SERVER, greeting
from netns import Netns, quiet, unique, veth
from rawport import RawPort
from responder import Riposte

LISTENER = """listener "web" { ports = 80 script = { "accept", "write \\"hello\\"", "close" } }
listener "sink" { ports = 81 script = { "accept", "read all", "close" } }
"""


def host(*more, owns=(SERVER[4], SERVER[6])):
    owned = ", ".join(f'"{address}"' for address in owns)
    return f"host {{ owns = {{ {owned} }} connections = 1000 {' '.join(more)} }}\n{LISTENER}"


class Cables:
    """riposte's namespace, and a client's for each of its interfaces n0, n1 ..."""

    def __init__(self, count):
        self.nic = Netns("n")
        self.clients = [Netns("c") for _ in range(count)]
        for i, client in enumerate(self.clients):
            veth(client, "c0", self.nic, f"n{i}")
            quiet(self.nic, f"n{i}")
            self.nic.run("ip", "link", "set", f"n{i}", "up")
            client.run("ethtool", "-K", "c0", "tx", "off")
            client.run("ip", "link", "set", "c0", "up")
            client.run("ip", "address", "add", f"{CLIENT[4]}/16", "dev", "c0")
            client.run("ip", "address", "add", f"{CLIENT[6]}/48", "dev", "c0", "nodad")
        self.prefix = unique("p")
        self.riposte = None

    def make(self, conf, directory, devices=("net_af_packet0,iface=n0",), lcores=1, options=()):
        self.riposte = Riposte(conf, directory, self.prefix, devices, options, self.nic, lcores)
        return self.riposte

    def start(self, conf, directory, **how):
        self.make(conf, directory, **how).start()
        for client in self.clients:
            with RawPort(client, "c0") as port:
                self.riposte.wait_until(lambda: port.resolve(CLIENT[4], SERVER[4], 0.05),
                                        "it answers")
        return self.riposte

    def refuses(self, conf, directory, status, **how):
        """It ends with status after one line, which is returned."""
        riposte = self.make(conf, directory, **how)
        ended = subprocess.run(riposte.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        assert ended.returncode == status, f"exit {ended.returncode}, not {status}: {ended.stderr}"
        lines = ended.stderr.splitlines()
        assert len(lines) == 1 and not ended.stdout, (ended.stdout, ended.stderr)
        return lines[0]

    def close(self):
        if self.riposte:
            self.riposte.kill()
        for client in self.clients:
            client.run("ip", "link", "delete", "c0")
            client.close()
        self.nic.close()


@pytest.fixture(name="cables")
def fixture_cables():
    made = []

    def make(count=1):
        made.append(Cables(count))
        return made[-1]

    yield make
    for cables in made:
        cables.close()


def test_two_devices_serve_each_its_own_clients(cables, tmp_path):
    """The clients have the same addresses: a worker knows those of its device alone."""
    lab = cables(2)
    riposte = lab.start(host(), tmp_path, lcores=2, devices=[
        "net_af_packet0,iface=n0", "net_af_packet1,iface=n1"])
    for client in lab.clients:
        for family in (4, 6):
            assert greeting(client, family) == b"hello"
    workers = Control(lab.prefix).json("workers")
    assert [w["device"] for w in workers] == ["net_af_packet0", "net_af_packet1"], workers
    assert len({w["lcore"] for w in workers}) == 2, workers
    assert all(w["answered"] > 0 for w in workers), workers
    counters = riposte.stop()
    assert counters["established"] == 4, counters


def test_more_devices_than_lcores_are_refused(cables, tmp_path):
    said = cables(2).refuses(host(), tmp_path, 2, devices=[
        "net_af_packet0,iface=n0", "net_af_packet1,iface=n1"])
    assert "2 devices" in said and "-l" in said, said


def test_a_device_without_rss_gets_one_worker_and_says_so(cables, tmp_path):
    lab = cables()
    riposte = lab.start(host(), tmp_path, lcores=2)
    assert "device net_af_packet0: no RSS on TCP, so it gets one worker" in riposte.output("stderr")
    assert len(Control(lab.prefix).json("workers")) == 1
    assert greeting(lab.clients[0], 4) == b"hello"
    riposte.stop()


def test_a_device_with_rss_gets_a_worker_for_each_lcore(cables, tmp_path):
    """net_null takes a key and a table, and its queues are never empty."""
    lab = cables(0)
    riposte = lab.make(host(), tmp_path, lcores=3, devices=["net_null0"], options=["--for", "1s"])
    riposte.start()
    riposte.finish()
    assert "device net_null0: 3 workers" in riposte.output("stderr"), riposte.output("stderr")


def test_link_changes_are_logged_and_a_device_is_started_without_link(cables, tmp_path):
    lab = cables(0)
    riposte = lab.make(host(), tmp_path, devices=["net_tap0,iface=tap0"])
    riposte.start()

    def said(line, times=1):
        return riposte.output("stderr").splitlines().count(line) == times

    riposte.wait_until(lambda: "link up" in riposte.output("stderr"), "it has started")
    for times in (1, 2):
        lab.nic.run("ip", "link", "set", "tap0", "down")
        riposte.wait_until(lambda: said("riposte: device net_tap0: link down", times), "link down")
        lab.nic.run("ip", "link", "set", "tap0", "up")
        riposte.wait_until(lambda: said("riposte: device net_tap0: link up, 10 Gbit/s", times), "link up")
    riposte.stop()


def test_a_start_without_link_says_so_and_serves_once_it_comes(cables, tmp_path):
    lab = cables()
    lab.nic.run("ip", "link", "set", "n0", "down")
    riposte = lab.make(host(), tmp_path, devices=["net_af_packet0,iface=n0"])
    riposte.start()
    riposte.wait_until(lambda: "MTU 1500, link down" in riposte.output("stderr"), "it has started")
    lab.nic.run("ip", "link", "set", "n0", "up")
    riposte.wait_until(lambda: "net_af_packet0: link up" in riposte.output("stderr"), "link up")
    for family in (4, 6):
        assert greeting(lab.clients[0], family) == b"hello"
    riposte.stop()


# --- MTU ---

@pytest.mark.parametrize("family,headers", [(4, 40), (6, 60)])
def test_mtu_is_what_the_mss_comes_from(cables, tmp_path, family, headers):
    lab = cables()
    riposte = lab.start(host("mtu = 1400"), tmp_path)
    assert "MTU 1400" in riposte.output("stderr"), riposte.output("stderr")
    with lab.clients[0].inside():
        sock = socket.socket(FAMILY[family], socket.SOCK_STREAM)
    with sock:
        sock.settimeout(20)
        sock.connect((SERVER[family], 80))
        # What fits into a segment, beside the timestamps.
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) == 1400 - headers - 12
    riposte.stop()


def mtu_of(lab):
    return int(re.search(" mtu ([0-9]+) ", lab.nic.run("ip", "link", "show", "dev", "n0"))[1])


def test_an_mtu_that_a_device_does_not_take_is_refused(cables, tmp_path):
    said = cables(0).refuses(host("mtu = 9000"), tmp_path, 3, devices=["net_tap0,iface=tap0"])
    assert re.search("device net_tap0: mtu = 9000, and it takes from [0-9]+ to 15[0-9]{2}$",
                     said), said


@pytest.mark.parametrize("before", [1450, 1500, 9000])
def test_the_interface_has_its_mtu_back_at_the_end(cables, tmp_path, before):
    """9000 is more than the device would take."""
    lab = cables()
    lab.nic.run("ip", "link", "set", "n0", "mtu", str(before))
    riposte = lab.start(host("mtu = 1400"), tmp_path)
    during = mtu_of(lab)
    riposte.stop()
    assert (during, mtu_of(lab)) == (1400, before)


def test_a_jumbo_segment_is_received_in_one_piece(cables, tmp_path):
    lab = cables()
    for netns, name in ((lab.nic, "n0"), (lab.clients[0], "c0")):
        netns.run("ip", "link", "set", name, "mtu", "9000")
    riposte = lab.start(host("mtu = 9000"), tmp_path,
                        devices=["net_pcap0,iface=n0"])
    for family in (4, 6):
        with lab.clients[0].inside():
            sock = socket.socket(FAMILY[family], socket.SOCK_STREAM)
        with sock:
            sock.settimeout(20)
            sock.connect((SERVER[family], 81))
            sock.sendall(bytes(100000))
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(1) == b""
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) > 8900
    assert not riposte.stop()["dropped.segmented"]


def test_an_mtu_too_small_for_what_is_owned_is_refused(cables, tmp_path):
    said = cables().refuses(host("mtu = 1000"), tmp_path, 3)
    assert "MTU is 1000" in said and "1280" in said, said


# --- whose frames ---

def flags(lab):
    """(promiscuous, all groups) of riposte's interface, as the kernel has them."""
    shown = lab.nic.run("ip", "-d", "link", "show", "dev", "n0")
    promiscuity = int(re.search("promiscuity ([0-9]+)", shown)[1])
    groups = re.search("allmulti ([0-9]+)", shown)
    return promiscuity > 0 or "PROMISC" in shown, groups is not None and int(groups[1]) > 0


@pytest.mark.parametrize("owns,more,expected", [
    ((SERVER[4],), (), (False, False)),
    ((SERVER[4], SERVER[6]), (), (False, True)),
    ((SERVER[4], SERVER[6]), ("promiscuous = yes",), (True, False)),
], ids=["ipv4", "ipv6", "asked"])
def test_promiscuous_only_if_asked_and_groups_for_ipv6(cables, tmp_path, owns, more, expected):
    lab = cables()
    before = flags(lab)
    riposte = lab.start(host(*more, owns=owns), tmp_path)
    during = flags(lab)
    riposte.stop()
    assert (before, during, flags(lab)) == ((False, False), expected, (False, False))


def test_a_frame_for_another_ethernet_address_is_counted_where_it_is_received(cables, tmp_path):
    lab = cables()
    riposte = lab.start(host("promiscuous = yes"), tmp_path)
    with RawPort(lab.clients[0], "c0") as port:
        port.send(bytes.fromhex("020000000001" "020000000002" "0800") + bytes(46))
    riposte.wait_until(
        lambda: Control(lab.prefix).counters()["dropped.l2_not_ours"] > 0, "it is counted")
    riposte.stop()
