# SPDX-License-Identifier: BSD-3-Clause
"""faketelemetry - the telemetry socket of a DPDK program that is not there, for tests of ripostectl."""
import json
import os
import socket
import threading
from pathlib import Path

MAX_OUTPUT = 16384


class FakeTelemetry:
    """Answers at directory/dpdk/prefix as DPDK 22.11 does. answers: command to what it says: a value,
    bytes to be sent as they are, None to hang up, or a function of the parameters that returns one.
    asked is every request that came."""

    def __init__(self, directory, prefix="rte", answers=(), riposte=True, pid=None, suffix=""):
        self.answers = dict(answers)
        self.riposte = riposte
        self.pid = pid or os.getpid()
        self.asked = []
        self.greeting = json.dumps({"version": "DPDK 22.11.0", "pid": self.pid,
                                    "max_output_len": MAX_OUTPUT}).encode()
        self.path = Path(directory) / "dpdk" / prefix / f"dpdk_telemetry.v2{suffix}"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.clients = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(self.path))
        self.socket.listen(1)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            if self.greeting is None:
                return
            if self.greeting:
                client.send(self.greeting)
            while request := self._receive(client):
                self.asked.append(request)
                answer = self._answer(request)
                if answer is None:
                    return
                try:
                    client.send(answer)
                except OSError:
                    return

    @staticmethod
    def _receive(client):
        try:
            return client.recv(1023).decode(errors="surrogateescape")
        except OSError:
            return ""

    def _answer(self, request):
        command, _, parameters = request.partition(",")
        if command == "/":
            said = ["/", "/eal/params", "/help", "/info",
                    *(["/riposte/counters", "/riposte/up"] if self.riposte else [])]
        elif command in self.answers:
            said = self.answers[command]
            said = said(parameters) if callable(said) else said
            if said is None or isinstance(said, bytes):
                return said
        else:
            said = None
        return json.dumps({command: said}).encode()

    def close(self):
        """As a program that ends in good order: its socket's file goes too."""
        self.die()
        self.path.unlink(missing_ok=True)

    def die(self):
        """As a program that is killed: the file stays behind."""
        for each in (self.socket, *self.clients):
            try:
                each.shutdown(socket.SHUT_RDWR)  # close() alone leaves accept() waiting
            except OSError:
                pass
        self.socket.close()
