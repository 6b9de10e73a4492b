# SPDX-License-Identifier: Apache-2.0
# twisted-proxy.py: Twisted's own port forwarder, from $LISTEN to $UPSTREAM; each side is registered as the other's producer.
import os

from twisted.internet import reactor
from twisted.protocols.portforward import ProxyFactory

reactor.listenTCP(int(os.environ["LISTEN"]), ProxyFactory("127.0.0.1", int(os.environ["UPSTREAM"])), backlog=4096,
                  interface="127.0.0.1")
reactor.run()
