# SPDX-License-Identifier: Apache-2.0
# twisted-random.py [INTEGERS]: random integers by a push producer at $LISTEN: a line with a count is answered by that many integers
# of 0 to 10000, INTEGERS (1) of them a write. The texts are made once and the cheapest random number is used, so that it is the
# producer and its transport that is measured, not Python's randrange().
import os
import random
import sys

from zope.interface import implementer

from twisted.internet import interfaces, protocol, reactor
from twisted.protocols.basic import LineReceiver

EACH = int(sys.argv[1]) if len(sys.argv) > 1 else 1
TEXTS = [b"%d\r\n" % number for number in range(10001)]


@implementer(interfaces.IPushProducer)
class Integers:
    def __init__(self, transport, count):
        self.transport = transport
        self.left = count
        self.paused = False

    def pauseProducing(self):
        self.paused = True

    def stopProducing(self):
        self.left = 0

    def resumeProducing(self):
        self.paused = False
        write, pick, texts = self.transport.write, random.random, TEXTS
        while not self.paused and self.left > 0:
            if EACH == 1:
                write(texts[int(pick() * 10001)])
                self.left -= 1
            else:
                part = min(EACH, self.left)
                write(b"".join(random.choices(texts, k=part)))
                self.left -= part
        if self.left == 0:
            self.transport.unregisterProducer()


class Server(LineReceiver):
    def lineReceived(self, line):
        producer = Integers(self.transport, int(line))
        self.transport.registerProducer(producer, True)
        producer.resumeProducing()


factory = protocol.ServerFactory()
factory.protocol = Server
reactor.listenTCP(int(os.environ["LISTEN"]), factory, backlog=4096, interface="127.0.0.1")
reactor.run()
