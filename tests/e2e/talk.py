# SPDX-License-Identifier: BSD-3-Clause
"""talk - a hand-made client on a lab's wire: its segments are written down, and nobody answers unasked."""
import dataclasses
import time

from scapy.all import Ether, TCP

from lab import CLIENT4, SERVER, SERVER4
from notation import Path, Peer
from replay import check_envelope

ASKER = {4: "10.9.44.44", 6: "fd09::4444"}


@dataclasses.dataclass
class Talk:
    """A hand-made client on the wire."""
    wire: object
    peer: Peer

    @classmethod
    def begin(cls, lab, family, port, service):
        """A client with its own wire; close() it."""
        wire = lab.raw()
        server = wire.resolve(CLIENT4, SERVER4)
        path = Path(family, (), ASKER[family], SERVER[family], wire.mac.hex(":"), server.hex(":"))
        return cls(wire, Peer(path, port, service))

    @property
    def name(self):
        """Its end, as riposte writes it."""
        source = self.peer.path.source
        return f"[{source}]:{self.peer.port}" if ":" in source else f"{source}:{self.peer.port}"

    def connect(self):
        """The handshake."""
        self.send("S seq 0")
        came, _ = self.next()
        assert came and came.startswith("SA seq 0 ack 1 "), came
        self.send("A seq 1 ack 1")

    def send(self, spec):
        self.wire.send(self.peer.frame(spec))
        return time.monotonic()

    def next(self, seconds=20):
        """The next segment as text and when it came; (None, time) if none comes."""
        frame = self.wire.wait(self._is_mine, seconds)
        if frame is None:
            return None, time.monotonic()
        packet = Ether(frame)
        length = check_envelope(packet, self.peer.path)
        if packet[TCP].flags == "SA":
            self.peer.iss = packet[TCP].seq
        return self.peer.text(packet[TCP], length), time.monotonic()

    def _is_mine(self, frame):
        packet = Ether(frame)
        return TCP in packet and packet[TCP].dport == self.peer.port

    def expect(self, text, seconds=20):
        came, when = self.next(seconds)
        assert came == text
        return when

    def close(self):
        self.wire.close()
