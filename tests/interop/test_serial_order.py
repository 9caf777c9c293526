"""50 connections, three data lcores: every reply and the final digest must be explainable by some serial order (tests/diff/serial.py).

Single-key commands are checked key by key. MSET, MGET and DEL of keys that live on several lcores meet at a barrier: two keys that are only
ever written together must never be read apart. In the end a redis-server that is given the values we read has the same DEBUG DIGEST.
"""
import os
import random
import selectors
import socket
import sys
import tempfile
import time

os.environ.setdefault("POLLIS_SHAPE", "three")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/tests/diff")

import serial  # noqa: E402
from lab import NODE_IP, PORT, Lab, RedisServer, check  # noqa: E402

CONNECTIONS, KEYS, SECONDS, DEPTH_MAX = 50, 150, 4, 3
PAIR = (b"pair:1", b"pair:2", b"pair:3", b"pair:4")


class Reader:
    """Replies out of a stream: bytes, int, None, list; an error is its text."""

    def __init__(self):
        self.data = b""

    def feed(self, data):
        self.data += data

    def take(self):
        """The next reply as (True, value), or (False, None): not all here."""
        done, value, at = self.parse(0)
        if done:
            self.data = self.data[at:]
        return done, value

    def parse(self, at):
        end = self.data.find(b"\r\n", at)
        if end < 0:
            return False, None, at
        kind, line, at = self.data[at:at + 1], self.data[at + 1:end], end + 2
        if kind == b"+":
            return True, line, at
        if kind == b"-":
            return True, line.decode(), at
        if kind == b":":
            return True, int(line), at
        size = int(line)
        if size < 0:
            return True, None, at
        if kind == b"$":
            end = at + size
            return (True, self.data[at:end], end + 2) if len(self.data) >= end + 2 else (False, None, at)
        out = []
        for _ in range(size):
            done, value, at = self.parse(at)
            if not done:
                return False, None, at
            out.append(value)
        return True, out, at


class Client:
    def __init__(self, rng, number):
        self.rng, self.number, self.count = rng, number, 0
        self.sock = socket.create_connection((NODE_IP, PORT), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader, self.waiting = Reader(), []

    def call(self):
        r, key = self.rng, b"key:%d" % self.rng.randrange(KEYS)
        self.count += 1
        unique = b"%d.%d" % (self.number, self.count)
        shape = r.random()
        if shape < 0.04:
            return (b"mset", *(word for k in PAIR for word in (k, unique)))
        if shape < 0.10:
            return (b"mget", *PAIR)
        if shape < 0.11:
            return (b"del", *PAIR)
        return r.choice([(b"get", key), (b"get", key), (b"set", key, unique), (b"set", key, b"%d" % self.count), (b"incr", key),
                         (b"append", key, unique[:3]), (b"getset", key, unique), (b"setnx", key, unique), (b"del", key), (b"strlen", key)])

    def send(self):
        calls = [self.call() for _ in range(self.rng.randint(1, DEPTH_MAX))]
        begin = time.monotonic()
        self.waiting += [(call, begin) for call in calls]
        self.sock.sendall(b"".join(b"*%d\r\n" % len(c) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in c) for c in calls))

    def receive(self, record):
        data = self.sock.recv(65536)
        end = time.monotonic()
        check(data, "the node closed a connection")
        self.reader.feed(data)
        while self.waiting:
            done, reply = self.reader.take()
            if not done:
                return
            call, begin = self.waiting.pop(0)
            record(call, reply, begin, end)


def run(clients, record):
    poll = selectors.DefaultSelector()
    for c in clients:
        poll.register(c.sock, selectors.EVENT_READ, c)
        c.send()
    stop = time.monotonic() + SECONDS
    busy = len(clients)
    while busy:
        ready = poll.select(10)
        check(ready, "no reply for ten seconds")
        for entry, _ in ready:
            c = entry.data
            c.receive(record)
            if c.waiting:
                continue
            if time.monotonic() < stop:
                c.send()
            else:
                busy -= 1
                poll.unregister(c.sock)


def final_digest(lab, histories):
    """What a stock server with the same keys says, and what ours says."""
    client = lab.redis()
    with tempfile.TemporaryDirectory(prefix="pollis-serial") as folder, RedisServer(folder) as other:
        for key in [*histories, *PAIR]:
            begin = time.monotonic()
            value = client.get(key)
            if key in histories:
                histories[key].append(serial.Op((b"get",), value, begin, time.monotonic()))
            if value is not None:
                other.set(key, value)
        return client.execute_command("DEBUG", "DIGEST"), other.execute_command("DEBUG", "DIGEST")


def main():
    seed = int.from_bytes(os.urandom(3), "big") if len(sys.argv) < 2 else int(sys.argv[1])
    serial.self_test(seed)
    histories, apart, count = {}, [], 0

    def record(call, reply, begin, end):
        nonlocal count
        count += 1
        if call[0] == b"mget" and len(set(reply)) != 1:
            apart.append(reply)
        if call[1] in PAIR:
            return
        histories.setdefault(call[1], []).append(serial.Op((call[0], *call[2:]), reply, begin, end))

    with Lab("--enable-debug-command", "yes") as lab:
        clients = [Client(random.Random(seed * 100 + i), i) for i in range(CONNECTIONS)]
        run(clients, record)
        check(not apart, f"keys that are written together were read apart: {apart[:3]} (seed {seed})")
        ours, stock = final_digest(lab, histories)
        check(ours == stock, f"DEBUG DIGEST {ours}, a redis-server with the same values {stock} (seed {seed})")
    started = time.monotonic()
    violation = serial.check(histories)
    check(violation is None, f"no serial order explains {violation} (seed {seed})")
    print(f"{count} calls of {CONNECTIONS} connections on {len(histories)} keys are explained by a serial order "
          f"({time.monotonic() - started:.1f} s to find it)")


main()
