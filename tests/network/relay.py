"""A network in user space: two tunnel devices, and a process between them that delays, reorders, doubles and loses packets.

Unlike the kernel's netem it is there on every machine, and counts what it does.
"""

import fcntl
import heapq
import json
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
# Packets that may wait; more are lost, as in any router.
QUEUE = 20_000


def open_tunnel(name):
    """A new tunnel device of this network namespace: what is sent to it is read from the descriptor, and the other way round."""
    tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return tunnel


class Relay:
    """Carries packets between two tunnels until it is told to stop."""

    def __init__(self, ends, delay, jitter, lost, doubled, outage):
        self.other = {ends[0]: ends[1], ends[1]: ends[0]}
        self.delay, self.jitter, self.lost, self.doubled = delay, jitter, lost, doubled
        # When nothing gets through, in seconds from the first packet.
        self.outage = outage
        self.random = random.Random(1)
        self.begun = None
        self.waiting = []
        self.newest = dict.fromkeys(ends, 0)
        self.counts = dict.fromkeys(("packets", "lost", "doubled", "overtaken"), 0)

    def run(self):
        """Carries packets."""
        while True:
            now = time.monotonic()
            while self.waiting and self.waiting[0][0] <= now:
                _, number, end, packet = heapq.heappop(self.waiting)
                self.counts["overtaken"] += number < self.newest[end]
                self.newest[end] = max(number, self.newest[end])
                try:
                    os.write(end, packet)
                except OSError:
                    # The device is being taken away.
                    self.counts["lost"] += 1
            left = max(0.0, self.waiting[0][0] - now) if self.waiting else 1.0
            for end in select.select(list(self.other), [], [], left)[0]:
                self.take(end)

    def take(self, end):
        """Takes what has been sent into one end."""
        for _ in range(64):
            try:
                packet = os.read(end, 65536)
            except OSError:
                return
            now = time.monotonic()
            self.begun = self.begun or now
            self.counts["packets"] += 1
            away = self.outage[0] <= now - self.begun < self.outage[1]
            if away or self.random.random() < self.lost or len(self.waiting) >= QUEUE:
                self.counts["lost"] += 1
                continue
            twice = self.random.random() < self.doubled
            self.counts["doubled"] += twice
            for _ in range(1 + twice):
                due = now + self.delay + self.jitter * self.random.random()
                heapq.heappush(self.waiting, (due, self.counts["packets"], self.other[end], packet))


def main():
    """Relays between the descriptors that it was given, and prints its counts at the end."""
    ends, settings = [int(word) for word in sys.argv[1:3]], json.loads(sys.argv[3])
    relay = Relay(ends, **settings)

    def stop(*_):
        print(json.dumps(relay.counts), flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    relay.run()


if __name__ == "__main__":
    main()
