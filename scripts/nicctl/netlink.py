# SPDX-License-Identifier: BSD-3-Clause
"""netlink - the kernel's routes and addresses. /proc/net/route knows the main table alone and the
first of several next hops, and `ip` need not be there."""
import ipaddress
import socket
import struct
from dataclasses import dataclass

from nicctl.system import Refused

NETLINK_ROUTE = 0
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
RTM_GETADDR, RTM_GETROUTE = 22, 26
RTN_UNICAST = 1
RTA_DST, RTA_OIF, RTA_MULTIPATH = 1, 4, 9
IFA_ADDRESS, IFA_LOCAL = 1, 2

MESSAGE = struct.Struct("=IHHII")
ROUTE = struct.Struct("=BBBBBBBBI")
ADDRESS = struct.Struct("=BBBBI")
ATTRIBUTE = struct.Struct("=HH")
NEXT_HOP = struct.Struct("=HBBi")


@dataclass(frozen=True)
class Route:
    """A unicast route through one interface. to is None if it is a default route."""
    interface: str
    to: object


def pieces(data, header, length_at=0):
    """The (header, payload) of messages or attributes that follow each other, aligned to 4."""
    while len(data) >= header.size:
        fields = header.unpack_from(data)
        length = fields[length_at]
        if not header.size <= length <= len(data):
            return
        yield fields, data[header.size:length]
        data = data[(length + 3) & ~3:]


def attributes(data):
    return {fields[1] & 0x3fff: payload for fields, payload in pieces(data, ATTRIBUTE)}


def dump(request, answer):
    """The payloads of all the kernel has of a kind, IPv4 and IPv6."""
    body = answer.pack(*[0] * len(answer.unpack(bytes(answer.size))))
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as kernel:
            kernel.settimeout(10)
            kernel.sendto(MESSAGE.pack(MESSAGE.size + len(body), request,
                                       NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body, (0, 0))
            while True:
                for fields, payload in pieces(kernel.recv(1 << 17), MESSAGE):
                    if fields[1] == NLMSG_DONE:
                        return
                    if fields[1] == NLMSG_ERROR:
                        raise OSError(-struct.unpack_from("=i", payload)[0], "it refuses")
                    yield payload
    except OSError as error:
        raise Refused(f"the kernel does not tell its routes: {error.strerror or error}") from None


def name(index):
    try:
        return socket.if_indextoname(index)
    except OSError:
        return None  # it has just gone


def routes():
    """All unicast routes of all tables, each next hop a route of its own."""
    found = set()
    for payload in dump(RTM_GETROUTE, ROUTE):
        family, bits, *_, kind, _ = ROUTE.unpack_from(payload)
        has = attributes(payload[ROUTE.size:])
        if kind != RTN_UNICAST or family not in (socket.AF_INET, socket.AF_INET6):
            continue
        hops = [index for (_, _, _, index), _ in pieces(has.get(RTA_MULTIPATH, b""), NEXT_HOP)]
        if RTA_OIF in has:
            hops.append(struct.unpack("=I", has[RTA_OIF])[0])
        to = None
        if bits > 0:
            to = ipaddress.ip_network((has[RTA_DST], bits))
        found |= {Route(name(index), to) for index in hops}
    return {route for route in found if route.interface}


def addresses():
    """(interface, address) of every address there is."""
    found = set()
    for payload in dump(RTM_GETADDR, ADDRESS):
        *_, index = ADDRESS.unpack_from(payload)
        has = attributes(payload[ADDRESS.size:])
        address = has.get(IFA_LOCAL, has.get(IFA_ADDRESS))
        if address and name(index):
            found.add((name(index), ipaddress.ip_address(address)))
    return found
