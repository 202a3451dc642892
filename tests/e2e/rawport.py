# SPDX-License-Identifier: BSD-3-Clause
"""rawport - frames sent and received as they are, from inside a namespace."""
import select
import socket
import struct
import time

ETH_P_ALL = 0x0003
BROADCAST = b"\xff" * 6


class RawPort:
    """A packet socket on one interface. It sees what the interface receives, not what is sent."""

    def __init__(self, netns, interface):
        with netns.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.socket.bind((interface, ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.socket.setblocking(False)
        self.mac = self.socket.getsockname()[4]

    def send(self, frame):
        select.select([], [self.socket], [])
        self.socket.send(frame)

    def receive(self, seconds):
        """The frames that come, as they come, until none has come for so many seconds."""
        while select.select([self.socket], [], [], seconds)[0]:
            frame, address = self.socket.recvfrom(65536)
            if address[2] != socket.PACKET_OUTGOING:
                yield frame

    def wait(self, wanted, seconds=10):
        """The first frame for which wanted(frame) is true; None if none comes in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for frame in self.receive(left):
                if wanted(frame):
                    return frame
                if time.monotonic() > deadline:
                    break
        return None

    def arp_request(self, source, target):
        return (BROADCAST + self.mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) +
                self.mac + socket.inet_aton(source) + bytes(6) + socket.inet_aton(target))

    def resolve(self, source, target, seconds=5):
        """The Ethernet address that answers an ARP request for target, or None."""
        self.send(self.arp_request(source, target))
        reply = self.wait(lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\x00\x02" and
                          f[28:32] == socket.inet_aton(target), seconds)
        return reply[22:28] if reply else None

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
