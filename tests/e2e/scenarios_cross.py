# SPDX-License-Identifier: BSD-3-Clause
"""scenarios_cross - what is sent by one side while the other's is still on its way: 300 ms each way.
The server acts 200 ms after the client's ACK is here, that is 500 ms after the client's connect has
returned, and the client hears of it after 800 ms."""
from scenarios import scenario


@scenario("accept", "sleep 200ms", "close", far=True)
def both_close_at_once(c):
    c.connect()
    c.pause(0.5)
    c.shutdown()
    c.poll("POLLHUP")
    c.recv()
    c.error()


@scenario("accept", "sleep 200ms", "shutdown", "read all", "close", far=True)
def text_crosses_a_half_close(c):
    c.connect()
    c.pause(0.5)
    c.send(b"hello")
    c.recv()
    c.settled()
    c.shutdown()
    c.poll("POLLHUP")


@scenario("accept", "sleep 200ms", "close", far=True)
def text_crosses_the_fin(c):
    """The first RST is of before the FIN and counts for nothing."""
    c.connect()
    c.pause(0.5)
    c.send(b"hello")
    c.poll("POLLHUP")
    c.recv()
    c.send(b"x")


@scenario("accept", "sleep 200ms", "linger 0", "close", far=True)
def text_crosses_the_abort(c):
    c.connect()
    c.pause(0.5)
    c.send(b"hello")
    c.poll("POLLHUP")
    c.recv()


@scenario("accept", "sleep 200ms", 'write "hello"', "read", "close", far=True)
def texts_cross(c):
    c.connect()
    c.pause(0.5)
    c.send(b"bye")
    c.recv()
    c.recv()


@scenario("accept", "sleep 200ms", 'write "hello"', "read all", "close", far=True)
def text_crosses_the_clients_fin(c):
    c.connect()
    c.pause(0.5)
    c.shutdown()
    c.recv()
    c.recv()


@scenario("accept", "sleep 200ms", 'write "hello"', "hang", far=True)
def text_crosses_the_clients_reset(c):
    """It draws RST, which nobody answers."""
    c.connect()
    c.pause(0.5)
    c.abort()
    c.until(lambda wire: any(one.text_from_server for one in wire), "the text is here")
