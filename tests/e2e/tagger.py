# SPDX-License-Identifier: BSD-3-Clause
"""tagger - a VLAN interface in user space, for kernels without 8021q: a tap device whose frames go
out of a cable with VLAN tags, and the other way round."""
import fcntl
import os
import select
import socket
import struct
import threading

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
ETH_P_ALL = 0x0003
PACKET_AUXDATA, SOL_PACKET = 8, 263
TP_STATUS_VLAN_VALID = 0x10
DOT1Q = 0x8100


class Tagger:
    """tags are VLAN ids, the outermost first; all are 802.1Q (0x8100). What comes from the cable
    in another VLAN, or in none, is counted in strangers and dropped."""

    def __init__(self, netns, tap, cable, tags):
        self.tags = b"".join(struct.pack("!HH", DOT1Q, vid) for vid in tags)
        self.strangers = 0
        with netns.inside():
            self.tap = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self.tap, TUNSETIFF,
                        struct.pack("16sH22x", tap.encode(), IFF_TAP | IFF_NO_PI))
            self.cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.cable.bind((cable, ETH_P_ALL))
        self.cable.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.cable.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.stop, self.stopped = os.pipe()
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _loop(self):
        while True:
            ready, _, _ = select.select([self.tap, self.cable, self.stop], [], [])
            if self.stop in ready:
                return
            if self.tap in ready:
                frame = os.read(self.tap, 4096)
                self.cable.send(frame[:12] + self.tags + frame[12:])
            if self.cable in ready:
                self._from_cable()

    def _from_cable(self):
        frame, aux, _, address = self.cable.recvmsg(4096, 64)
        if address[2] == socket.PACKET_OUTGOING:
            return
        # The kernel takes the outermost tag out of the frame and hands it over beside it.
        for level, kind, data in aux:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
                if status & TP_STATUS_VLAN_VALID:
                    frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        if frame[12:12 + len(self.tags)] != self.tags:
            self.strangers += 1
            return
        os.write(self.tap, frame[:12] + frame[12 + len(self.tags):])

    def close(self):
        os.close(self.stopped)
        self.thread.join()
        os.close(self.stop)
        os.close(self.tap)
        self.cable.close()
