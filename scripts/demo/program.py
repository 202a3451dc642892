# SPDX-License-Identifier: BSD-3-Clause
"""program - a client's program on kernel sockets, which notes what each of its calls returned."""
import errno
import fcntl
import select
import signal
import socket
import struct
import subprocess
import termios
import time

FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
ANY = {4: "0.0.0.0", 6: "::"}
SECONDS = 20  # that anything may take
TCP_USER_TIMEOUT = 18
# linux/tcp.h: a socket restored as it was, which is how containers are moved between hosts
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
TCP_RECV_QUEUE, TCP_SEND_QUEUE = 1, 2
STATES = ("", "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT",
          "CLOSED", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING")
ABORT = struct.pack("ii", 1, 0)  # struct linger


class Overslept(Exception):
    """The client itself, or its machine, was too late for what it wanted to show."""


class Program:
    """place: where it runs (place.py). event() makes happen what happens to the host, once every
    program of the round is ready for it."""

    def __init__(self, place, family, port, event):
        self.place = place
        self.family = family
        self.port = port
        self.event = event
        self.calls = []
        self.sockets = []
        # A pending signal can be asked for, and does not end the process.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})

    def note(self, call, result):
        self.calls.append(f"{call}: {result}")

    def socket(self, **options):
        made = Connection(self, **options)
        self.sockets.append(made)
        return made

    def local_ports(self):
        return sorted({made.local_port for made in self.sockets})

    def forget_neighbour(self):
        """So that the client has to ask for the server's Ethernet address."""
        subprocess.run(["ip", f"-{self.family}", "neighbour", "flush", "dev", self.place.interface],
                       check=True)

    def ping(self):
        done = subprocess.run(["ping", f"-{self.family}", "-c", "1", "-W", "1",
                               self.place.server[self.family]], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.note("ping", "answered" if done.returncode == 0 else "no answer")

    def end(self):
        """Resets what is still open, unnoticed by the row: its capture is over."""
        for made in self.sockets:
            made.abort()


class Connection:
    """One socket. Calls block for SECONDS at most, as SO_RCVTIMEO and SO_SNDTIMEO have it."""

    def __init__(self, program, local_port=0, blocking=True, mss=None):
        self.program = program
        self.socket = socket.socket(FAMILY[program.family], socket.SOCK_STREAM)
        limit = struct.pack("ll", SECONDS, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What a blocked writer fills is small.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        self.socket.setblocking(blocking)
        if mss:
            # The kernel takes off the 12 bytes of timestamps.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss + 12)
        self.socket.bind((ANY[program.family], local_port))
        self.local_port = self.socket.getsockname()[1]

    def _call(self, name, call, *arguments):
        """Makes the call and notes what it returned: 0, a count, or errno's name."""
        try:
            result = call(*arguments)
        except OSError as error:
            result = errno.errorcode.get(error.errno, error.errno)
        else:
            result = len(result) if isinstance(result, bytes) else result or 0
        if result == "EPIPE" and signal.sigtimedwait({signal.SIGPIPE}, 0):
            result = "EPIPE, SIGPIPE"
        self.program.note(name, result)
        return result

    def connect(self):
        program = self.program
        self._call("connect", self.socket.connect, (program.place.server[program.family],
                                                    program.port))

    def read(self):
        return self._call("read", self.socket.recv, 65536)

    def write(self, count):
        return self._call(f"write {count}", self.socket.send, bytes(count))

    def fill(self):
        """Writes until nothing more is taken for half a second, and does not block from now on."""
        taken = 0
        self.socket.setblocking(False)
        while select.select([], [self.socket], [], 0.5)[1]:
            taken += self._write_what_fits()
        # It counts as writable only while a third of its buffer is free: fill that too.
        taken += self._write_what_fits()
        self.program.note("write until it blocks", taken)

    def _write_what_fits(self):
        taken = 0
        try:
            while True:
                taken += self.socket.send(bytes(1000))
        except BlockingIOError:
            return taken

    def close(self):
        self._call("close", self.socket.close)

    def shutdown(self):
        self._call("shutdown", self.socket.shutdown, socket.SHUT_WR)

    def linger_0(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        self.program.note("linger 0", 0)

    def hold(self, slow_class):
        """From now on what it sends waits at its own interface, as the class has it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, slow_class)

    def user_timeout(self, ms):
        """So long may segments stay unacknowledged, a SYN too."""
        self.socket.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, ms)

    def keepalive(self):
        """A probe after two seconds of silence."""
        for option, value in ((socket.TCP_KEEPIDLE, 2), (socket.TCP_KEEPINTVL, 1)):
            self.socket.setsockopt(socket.IPPROTO_TCP, option, value)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def poll(self, seconds=SECONDS):
        """What poll() says of reading."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        ready = poll.poll(seconds * 1000)
        readable = ready and ready[0][1] & select.POLLIN
        self.program.note("poll", "readable" if readable else "nothing")

    def restore(self):
        """Makes it the socket of a connection without a handshake, in the state ESTABLISHED. Its
        kernel sends an ACK to learn the peer's window."""
        made = self.socket
        made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        for queue, seq in ((TCP_SEND_QUEUE, 1000001), (TCP_RECV_QUEUE, 2000001)):
            made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
            made.setsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, seq)
        program = self.program
        made.connect((program.place.server[program.family], program.port))
        made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)
        program.note("restored", "ESTABLISHED")

    def state(self):
        """The state that the kernel has it in, as ss shows it: by port, for it may be closed."""
        return state_of(self.program.family, self.local_port)

    def note_state(self):
        self.program.note("state", self.state())

    def wait_until_dead(self):
        """Waits for a reset to come. poll() with no events: none but the socket's death."""
        poll = select.poll()
        poll.register(self.socket, 0)
        poll.poll(SECONDS * 1000)

    def wait_until_acked(self):
        """Waits until nothing in the socket is unacknowledged."""
        self._wait_for(lambda: self.unacked() == 0)

    def unacked(self):
        return struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)))[0]

    def wait_until_state(self, *wanted):
        self._wait_for(lambda: self.state() in wanted)

    @staticmethod
    def _wait_for(condition):
        deadline = time.monotonic() + SECONDS
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)

    def abort(self):
        """Closes it with a reset, if it is open."""
        if self.socket.fileno() >= 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            self.socket.close()


def state_of(family, local_port):
    """The TCP state of the connection of that port in the thread's namespace."""
    table = "/proc/thread-self/net/tcp" + ("6" if family == 6 else "")
    with open(table, encoding="ascii") as file:
        for line in list(file)[1:]:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == local_port:
                return STATES[int(fields[3], 16)]
    return "none"
