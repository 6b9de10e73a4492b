#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""server.py MODE SEED [COUNT]: a Twisted peer that a client of ours connects to; tests/plugins/twisted.sh runs it.

    numbers SEED COUNT   sends COUNT random integers to who connects, a line each, by a push producer that its transport pauses
    sink SEED            reads until the peer's end, and pauses and resumes at random: SEED decides how

Says "port N" first. When its one connection is over, it says how many bytes have gone or come, their SHA-256, and how often it
was paused, or has paused: "BYTES SHA256 PAUSES". A fault is told on standard error, with exit status 1.
"""
import hashlib
import random
import sys

from twisted.internet import error, interfaces, protocol, reactor
from zope.interface import implementer

LIMIT = 120  # seconds; a machine may be slow
status = None


def end(fault=None):
    """The first call decides."""
    global status
    if status is None:
        status = 0 if fault is None else 1
        if fault is not None:
            print("server.py:", fault, file=sys.stderr)
        reactor.callWhenRunning(reactor.stop)


class Report(protocol.Protocol):
    def __init__(self):
        self.bytes = 0
        self.pauses = 0
        self.digest = hashlib.sha256()

    def count(self, data):
        self.bytes += len(data)
        self.digest.update(data)

    def connectionLost(self, reason):
        if not reason.check(error.ConnectionDone):
            end("the connection was lost: %s" % reason.getErrorMessage())
        else:
            print(self.bytes, self.digest.hexdigest(), self.pauses)
            end()


@implementer(interfaces.IPushProducer)
class Numbers(Report):
    def __init__(self, seed, count):
        super().__init__()
        self.random = random.Random(seed)
        self.left = count
        self.paused = False

    def connectionMade(self):
        self.transport.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self):
        self.paused = False
        while not self.paused and self.left > 0:
            self.left -= 1
            line = b"%d\r\n" % self.random.randint(0, 10000)
            self.count(line)
            self.transport.write(line)
        if self.left == 0:
            self.left = -1
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def pauseProducing(self):
        self.paused = True
        self.pauses += 1

    def stopProducing(self):
        self.paused = True


class Sink(Report):
    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)
        self.over = False

    def dataReceived(self, data):
        self.count(data)
        if self.random.random() < 0.3:
            self.pauses += 1
            self.transport.pauseProducing()
            reactor.callLater(self.random.choice([0, 0.001, 0.005, 0.02]), self.go_on)

    def go_on(self):
        if not self.over:
            self.transport.resumeProducing()

    def connectionLost(self, reason):
        self.over = True
        super().connectionLost(reason)


class Once(protocol.Factory):
    def __init__(self, make):
        self.make = make

    def buildProtocol(self, address):
        listening.stopListening()
        return self.make()


mode, seed = sys.argv[1], int(sys.argv[2])
makers = {"numbers": lambda: Numbers(seed, int(sys.argv[3])), "sink": lambda: Sink(seed)}
listening = reactor.listenTCP(0, Once(makers[mode]), interface="127.0.0.1")
print("port", listening.getHost().port, flush=True)
reactor.callLater(LIMIT, end, "still not over after %d seconds" % LIMIT)
reactor.run()
sys.exit(status)
