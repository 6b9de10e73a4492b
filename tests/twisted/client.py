#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""client.py MODE HOST:PORT SEED [...]: a Twisted peer of a server of ours; tests/plugins/twisted.sh runs it.

    numbers HOST:PORT SEED COUNT...   asks for COUNT random integers, once for each COUNT; each comes on a line of its own that
                                      ends in CR LF, from 0 to 10000, and as many as asked for
    errors HOST:PORT SEED             asks with lines that are no numbers: each gets one line that is none either, and the
                                      connection goes on
    echo HOST:PORT SEED BYTES         sends BYTES bytes and wants them back, each as it was, and then the end
    never HOST:PORT SEED              asks for as many integers as there are, says "asked", and never reads: says "held" once
                                      standard input has ended and it is connected still

It pauses and resumes its transport at random: SEED decides how. A fault is told on standard error, with exit status 1.
"""
import hashlib
import random
import sys

from twisted.internet import endpoints, interfaces, protocol, reactor, stdio
from zope.interface import implementer

LIMIT = 120  # seconds; a machine may be slow
status = None


def end(fault=None):
    """The first call decides."""
    global status
    if status is None:
        status = 0 if fault is None else 1
        if fault is not None:
            print("client.py:", fault, file=sys.stderr)
        reactor.callWhenRunning(reactor.stop)


class Moody(protocol.Protocol):
    """Stops reading now and then, for a while."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.paused = False
        self.pauses = 0
        self.over = False

    def connectionMade(self):
        self.begin()

    def moody(self):
        if not self.paused and not self.over and self.random.random() < 0.3:
            self.paused = True
            self.pauses += 1
            self.transport.pauseProducing()
            reactor.callLater(self.random.choice([0, 0.001, 0.005, 0.02]), self.go_on)

    def go_on(self):
        self.paused = False
        if not self.over:
            self.transport.resumeProducing()

    def dataReceived(self, data):
        self.take(data)
        if not self.over:
            self.moody()

    def done(self, fault=None):
        self.over = True
        self.transport.loseConnection()
        end(fault)

    def connectionLost(self, reason):
        if not self.over:
            self.over = True
            self.lost(reason)

    def lost(self, reason):
        end("the connection was lost before its time: %s" % reason.getErrorMessage())


class Numbers(Moody):
    def __init__(self, seed, counts):
        super().__init__(seed)
        self.counts = counts
        self.expected = sum(counts)
        self.found = 0
        self.rest = b""

    def begin(self):
        for count in self.counts:
            self.transport.write(b"%d\r\n" % count)
        self.transport.loseWriteConnection()

    def take(self, data):
        lines = (self.rest + data).split(b"\r\n")
        self.rest = lines.pop()
        for line in lines:
            if not line.isdigit() or int(line) > 10000 or line != b"%d" % int(line):
                return self.done("found %r, expected a number from 0 to 10000" % line)
        self.found += len(lines)

    def lost(self, reason):
        if self.rest:
            end("the last line has no end: %r" % self.rest)
        elif self.found != self.expected:
            end("got %d numbers, expected %d" % (self.found, self.expected))
        else:
            print("%d numbers, paused %s" % (self.found, "often" if self.pauses > 3 else "%d times" % self.pauses))
            end()


class Errors(Moody):
    wrong = [b"pony", b"", b"-1", b"9223372036854775808", b"1 2", b"\xff\xfe"]

    def begin(self):
        self.asked = -1
        self.rest = b""
        self.ask()

    def ask(self):
        self.asked += 1
        if self.asked < len(self.wrong):
            self.transport.write(self.wrong[self.asked] + b"\r\n")
        else:
            self.transport.write(b"1\r\n")

    def take(self, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        for line in lines:
            number = line.rstrip(b"\r").isdigit()
            if self.asked < len(self.wrong) and not number:
                print(line.rstrip(b"\r").decode("ascii"))
                self.ask()
            elif self.asked == len(self.wrong) and number:
                return self.done()
            else:
                return self.done("found %r behind request %d" % (line, self.asked))


@implementer(interfaces.IPushProducer)
class Sender:
    """Writes bytes for as long as the transport takes them."""

    def __init__(self, transport, seed, size, over):
        self.transport = transport
        self.random = random.Random(seed)
        self.left = size
        self.over = over
        self.paused = False
        self.digest = hashlib.sha256()

    def resumeProducing(self):
        self.paused = False
        while not self.paused and self.left > 0:
            piece = self.random.randbytes(min(self.left, self.random.randint(1, 50000)))
            self.left -= len(piece)
            self.digest.update(piece)
            self.transport.write(piece)
        if self.left == 0:
            self.left = -1
            self.transport.unregisterProducer()
            self.over()

    def pauseProducing(self):
        self.paused = True

    def stopProducing(self):
        self.paused = True


class Echo(Moody):
    def __init__(self, seed, size):
        super().__init__(seed)
        self.seed = seed
        self.size = size
        self.found = 0
        self.digest = hashlib.sha256()

    def begin(self):
        self.sender = Sender(self.transport, self.seed, self.size, self.transport.loseWriteConnection)
        self.transport.registerProducer(self.sender, True)
        self.sender.resumeProducing()

    def take(self, data):
        self.found += len(data)
        self.digest.update(data)

    def lost(self, reason):
        if self.found != self.size or self.digest.digest() != self.sender.digest.digest():
            end("got %d bytes, expected the %d that were sent" % (self.found, self.size))
        else:
            print("%d bytes, paused %s" % (self.found, "often" if self.pauses > 3 else "%d times" % self.pauses))
            end()


class Input(protocol.Protocol):
    def __init__(self, peer):
        self.peer = peer

    def connectionLost(self, reason):
        print("held")
        self.peer.done()


class Never(Moody):
    def begin(self):
        self.transport.pauseProducing()
        self.transport.write(b"9223372036854775807\r\n")
        print("asked", flush=True)
        stdio.StandardIO(Input(self))

    def take(self, data):
        self.done("read %d bytes while paused" % len(data))


def main():
    mode, address, seed = sys.argv[1:4]
    numbers = [int(argument) for argument in sys.argv[4:]]
    peers = {
        "numbers": lambda: Numbers(int(seed), numbers),
        "errors": lambda: Errors(int(seed)),
        "echo": lambda: Echo(int(seed), numbers[0]),
        "never": lambda: Never(int(seed)),
    }
    host, port = address.rsplit(":", 1)
    endpoint = endpoints.TCP4ClientEndpoint(reactor, host, int(port))
    connected = endpoints.connectProtocol(endpoint, peers[mode]())
    connected.addErrback(lambda failure: end("cannot connect: %s" % failure.getErrorMessage()))
    reactor.callLater(LIMIT, end, "still not over after %d seconds" % LIMIT)
    reactor.run()
    sys.exit(status)


main()
