# SPDX-License-Identifier: BSD-3-Clause
"""scenarios_cross - what is sent by one side while the other's is still on its way: the cable is
held from before the server acts until both have."""
from scenarios import scenario
from segments import FIN, PSH, RST


@scenario("accept", "sleep 1500ms", "close", held=True)
def both_close_at_once(c):
    c.connect()
    c.hold()
    c.shutdown()
    c.release(FIN)
    c.poll("POLLHUP")
    c.recv()
    c.error()


@scenario("accept", "sleep 1500ms", "shutdown", "read all", "close", held=True)
def text_crosses_a_half_close(c):
    c.connect()
    c.hold()
    c.send(b"hello")
    c.release(FIN)
    c.recv()
    c.settled()
    c.shutdown()
    c.poll("POLLHUP")


@scenario("accept", "sleep 1500ms", "linger 0", "close", held=True)
def text_crosses_the_abort(c):
    c.connect()
    c.hold()
    c.send(b"hello")
    c.release(RST)
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "sleep 1500ms", 'write "hello"', "read", "close", held=True)
def texts_cross(c):
    c.connect()
    c.hold()
    c.send(b"bye")
    c.release(PSH)
    c.recv()
    c.recv()


@scenario("accept", "sleep 1500ms", 'write "hello"', "read all", "close", held=True)
def text_crosses_the_clients_fin(c):
    c.connect()
    c.hold()
    c.shutdown()
    c.release(PSH)
    c.recv()
    c.recv()


@scenario("accept", "sleep 1500ms", 'write "hello"', "hang", held=True)
def text_crosses_the_clients_reset(c):
    """It draws RST, which nobody answers."""
    c.connect()
    c.hold()
    c.abort()
    c.release(PSH)
    c.until(lambda wire: any(one.text_from_server for one in wire), "the text is here")
