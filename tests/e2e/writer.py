#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""writer - a client program of the literature: connects and writes 5,000 bytes at a time until that
fails; prints what each call returned, one a line.

    writer.py ADDRESS PORT [closed] [read] [wait] [sigpipe]

closed: begins when the server has closed. read: reads after each write. wait: waits after each
write until the server's reset is here. sigpipe: dies of it, as a program does that does not
ignore it."""
import errno
import select
import signal
import socket
import sys


def call(name, function, *arguments):
    """Prints what a call returned; whether it did not fail."""
    try:
        result = function(*arguments)
    except OSError as error:
        print(name, errno.errorcode[error.errno], flush=True)
        return False
    print(name, len(result) if isinstance(result, bytes) else result, flush=True)
    return True


def wait(sock, event):
    poll = select.poll()
    poll.register(sock, event)
    while not any(got & event for _, got in poll.poll()):
        pass


def main():
    address, port, *options = sys.argv[1:]
    if "sigpipe" in options:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sock = socket.create_connection((address, int(port)))
    if "closed" in options:
        wait(sock, select.POLLRDHUP)
    while call("write", sock.send, bytes(5000)):
        if "wait" in options:
            wait(sock, select.POLLHUP)
        if "read" in options and not call("read", sock.recv, 5000):
            break


if __name__ == "__main__":
    main()
