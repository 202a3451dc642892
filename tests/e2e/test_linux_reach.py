# SPDX-License-Identifier: BSD-3-Clause
"""Every owned address is a host: it answers ARP or neighbour solicitation, ping and TCP, one
address or 65,536 of them; and what is not owned is silent."""
import errno
import select
import socket

import pytest

import sweep
from lab import CLIENT4, CLIENT6, SERVER4

CONF = """
host {
	owns = { "10.9.0.1", "198.51.100.64/26", "10.77.0.0/16",
		 "fd09::1", "2001:db8:1::/64", "2001:db8:77::/112" }
	connections = 300000
}
listener "hang" { ports = { "80" } script = { "accept", "hang" } backlog = 100000 }
"""
PREFIX4, PREFIX6 = "10.77.0.0", "2001:db8:77::"
SYN_ACK, RST_ACK = 0x12, 0x14
CABLES = {"cable": (), "vlan": (5,)}


@pytest.fixture(scope="module", params=CABLES)
def lab(request, make_lab):
    return make_lab(CONF, tags=CABLES[request.param], device=",framecnt=2048")


OWNED = ["10.9.0.1", "198.51.100.64", "198.51.100.100", "198.51.100.127", "10.77.0.0",
         "10.77.255.255", "fd09::1", "2001:db8:1::", "2001:db8:1::abcd",
         "2001:db8:1:0:ffff:ffff:ffff:ffff", "2001:db8:77::", "2001:db8:77::ffff"]
STRANGE = ["198.51.100.63", "198.51.100.128", "10.78.0.0", "fd09::3", "2001:db8:1:1::",
           "2001:db8:77::1:0"]


def resolves(lab, address):
    return "lladdr" in lab.run("ip", "neighbour", "show", "to", address, "dev", "c0")


@pytest.mark.parametrize("address", OWNED)
def test_owned_address_answers_linux(lab, address):
    family = 6 if ":" in address else 4
    assert " 0% packet loss" in lab.run("ping", f"-{family}", "-c", "2", "-i", "0.2", address)
    assert resolves(lab, address)
    with lab.connect(80, family, address) as client:
        client.sendall(b"x")
    with lab.socket(family) as client, pytest.raises(ConnectionRefusedError):
        lab.connect_to(client, 81, address)


def test_address_that_is_not_owned_is_silent(lab):
    """The client's kernel gets no answer to ARP or neighbour solicitation, three times each."""
    clients = {address: lab.socket(6 if ":" in address else 4) for address in STRANGE}
    for address, client in clients.items():
        client.setblocking(False)
        client.connect_ex((address, 80))
    for address, client in clients.items():
        poll = select.poll()
        poll.register(client, select.POLLOUT)
        assert poll.poll(20000), address
        error = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        assert errno.errorcode[error] == "EHOSTUNREACH", address
        assert not resolves(lab, address)
        client.close()


@pytest.fixture(scope="module")
def raw(lab):
    with lab.raw() as port:
        port.server = port.resolve(CLIENT4, SERVER4)
        assert port.server
        yield port


# A client that the kernel does not know, so that it says nothing to the answers.
ASKER4, ASKER6 = "10.9.44.44", "fd09::4444"


QUESTIONS = {
    "arp": lambda p: sweep.arp(p, ASKER4, PREFIX4),
    "ping4": lambda p: sweep.ping(p, p.server, ASKER4, PREFIX4),
    "refused4": lambda p: sweep.syn(p, p.server, ASKER4, PREFIX4, 81, RST_ACK),
    "nd": lambda p: sweep.solicit(p, ASKER6, PREFIX6),
    "ping6": lambda p: sweep.ping(p, p.server, ASKER6, PREFIX6),
    "refused6": lambda p: sweep.syn(p, p.server, ASKER6, PREFIX6, 81, RST_ACK),
    "accepted4": lambda p: sweep.syn(p, p.server, ASKER4, PREFIX4, 80, SYN_ACK),
    "accepted6": lambda p: sweep.syn(p, p.server, ASKER6, PREFIX6, 80, SYN_ACK),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_all_65536_addresses_of_a_prefix_answer(raw, name):
    silent = sweep.ask(raw, QUESTIONS[name](raw))
    assert silent == [], f"{name}: {len(silent)} addresses are silent: {silent[:10]}"


def test_the_client_is_not_disturbed(lab):
    """After all that a connection is as good as ever."""
    assert CLIENT6 in lab.run("ip", "address", "show", "dev", "c0")
    with lab.connect(80, 6) as client:
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
