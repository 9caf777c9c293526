#!/usr/bin/python3
"""CLUSTER in all its forms against redis-servers in cluster mode: the same state, the same command, the same reply.

usage: tests/diff/cluster_commands.py [--verbose]

Our side is build/release/tests/diff/cluster_repl, which needs no NIC: it reads the nodes.conf that the redis-server wrote. So the two have
the same ids, slots and epochs, and every reply must be equal byte for byte, but for what comparable() masks and the order of nodes excuse. At the
end a redis-server loads a nodes.conf that we wrote.

Environment: POLLIS_BUILD (default build/release). Ports 18311 to 18314 and 28311 to 28314 on 127.0.0.1.
The last line is "N replies equal, N differ".
"""
import os
import re
import shutil
import signal
import ctypes
import subprocess
import sys
import tempfile
import time

from wire import Wire, parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REPL = os.path.join(ROOT, os.environ.get("POLLIS_BUILD", "build/release"), "tests/diff/cluster_repl")
FIRST_PORT = 18311
NOBODY = "f" * 40


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Stock:
    """A redis-server in cluster mode."""

    def __init__(self, folder, number, conf=None):
        self.port = FIRST_PORT + number
        self.folder = os.path.join(folder, str(number))
        os.mkdir(self.folder)
        self.conf = os.path.join(self.folder, "nodes.conf")
        if conf is not None:
            shutil.copy(conf, self.conf)
        self.hostname = f"host{number}.example" if number == 2 else ""
        hostname = ["--cluster-announce-hostname", self.hostname] if self.hostname else []
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--dir", self.folder, "--save", "",
             "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0", "--logfile", "log", *hostname],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.wire = None

    def connect(self):
        end = time.monotonic() + 10
        while True:
            try:
                self.wire = Wire(("127.0.0.1", self.port))
                return self
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
                        sys.exit(f"redis-server does not start:\n{log.read()[-2000:]}")
                time.sleep(0.02)

    def call(self, line):
        return self.wire.call(*line.encode().split())

    def text(self, line):
        return parse(self.call(line))[1].decode()

    def stop(self):
        if self.wire is not None:
            self.wire.close()
        self.process.kill()
        self.process.wait(10)


class Ours:
    """The view and its commands behind a pipe."""

    def __init__(self, stock):
        self.process = subprocess.Popen([REPL, str(stock.port), stock.hostname], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        preexec_fn=die_with_parent)

    def call(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        head = self.process.stdout.readline()
        if not head:
            sys.exit(f"cluster_repl died of: {line}")
        return self.process.stdout.read(int(head))

    def must(self, line):
        reply = self.call(line).decode()
        if reply != "OK":
            sys.exit(f"{line}: {reply}")

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


def nodes_lines(text):
    """Sorted: a hash table's order is nobody's promise. Times are masked, and the link: ours go nowhere."""
    lines = []
    for line in text.decode().splitlines():
        words = line.split(" ")
        words[4:6] = ["PING", "PONG"]
        lines.append(" ".join(words))
    return sorted(lines)


def nodes_of(side):
    return comparable("CLUSTER NODES", side.call("CLUSTER NODES"))[1]


def shard(reply):
    """One shard, its nodes in any order, offsets masked."""
    kind, fields = reply
    slots, nodes = fields[1], fields[3]
    members = []
    for members_kind, member in nodes[1]:
        names = [name for _, name in member[::2]]
        values = ["OFFSET" if name == b"replication-offset" else value for name, (_, value) in zip(names, member[1::2])]
        members.append((members_kind, names, values))
    return kind, [f for f in fields[::2]], slots, sorted(members, key=repr)


def comparable(line, raw):
    """What of a reply must be equal."""
    words = line.upper().split()
    sub = words[1] if len(words) > 1 else ""
    kind, value = parse(raw)
    if kind == "-":
        return raw
    if kind == "=":
        value = value.removeprefix(b"txt:")
    if sub == "NODES":
        return kind, nodes_lines(value)
    if sub in ("REPLICAS", "SLAVES"):
        return kind, nodes_lines(b"\n".join(v for _, v in value))
    if sub == "INFO":  # the state needs elapsed time, the counters links; Redis begins with a size of 1, and counts after 2 s
        masked = (b"cluster_state", b"cluster_stats_messages_") + ((b"cluster_size",) if b"_known_nodes:1\r" in value else ())
        return kind, [l for l in value.splitlines() if not l.startswith(masked)]
    if sub == "SHARDS":
        return kind, sorted((shard(s) for s in value), key=repr)
    if sub == "SLOTS":
        return kind, [(r[0], r[1][:3], sorted(r[1][3:], key=repr)) for r in value]
    if sub == "HELP":
        return kind, [k for k, _ in value][:1]
    if sub == "LINKS":  # as forms: times and buffers are the connection's own
        return kind, sorted([(k, [v for v in fields[::2]], fields[1], fields[3]) for k, fields in value], key=repr)
    return raw


class Comparison:
    def __init__(self, verbose):
        self.equal, self.different, self.verbose = 0, 0, verbose

    def call(self, stock, ours, line):
        theirs, mine = stock.call(line), ours.call(line)
        if comparable(line, theirs) == comparable(line, mine):
            self.equal += 1
            if self.verbose:
                print(f"{line[:100]}\n    {theirs[:150]!r}")
            return
        self.different += 1
        print(f"DIFFERS: {line}\n  redis: {comparable(line, theirs)!r}\n  ours:  {comparable(line, mine)!r}")

    def calls(self, stock, ours, lines):
        for line in lines:
            self.call(stock, ours, line)


READS = ["CLUSTER NODES", "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER INFO", "CLUSTER MYID"]

ARITY = [f"CLUSTER {sub} {' '.join(['x'] * n)}".strip()
         for sub, counts in {
             "ADDSLOTS": [0], "ADDSLOTSRANGE": [0, 1], "BUMPEPOCH": [1], "COUNT-FAILURE-REPORTS": [0, 2], "DELSLOTS": [0],
             "DELSLOTSRANGE": [0, 1], "FAILOVER": [1, 2], "FLUSHSLOTS": [1], "FORGET": [0, 2], "HELP": [1], "INFO": [1], "LINKS": [1],
             "MEET": [0, 1, 4], "MYID": [1], "NODES": [1], "REPLICAS": [0, 2], "REPLICATE": [0, 2], "RESET": [1, 2], "SAVECONFIG": [1],
             "SET-CONFIG-EPOCH": [0, 2], "SETSLOT": [0, 1], "SHARDS": [1], "SLAVES": [0, 2], "SLOTS": [1]}.items() for n in counts]

ALONE = [
    "CLUSTER", "CLUSTER NoSuch", "CLUSTER NoSuch x y", "CLUSTER " + "z" * 200, "CLUSTER HELP", "CLUSTER SAVECONFIG", *READS, "CLUSTER LINKS",
    *ARITY, *[line.lower() for line in ARITY],
    "CLUSTER MEET a b", "CLUSTER MEET a 1", "CLUSTER MEET 127.0.0.1 0", "CLUSTER MEET 127.0.0.1 -1", "CLUSTER MEET 127.0.0.1 60000",
    "CLUSTER MEET 127.0.0.1 65536 1", "CLUSTER MEET 127.0.0.1 1 65536", "CLUSTER MEET 127.0.0.1 1 x", "CLUSTER MEET 127.0.0.1 1 0",
    "CLUSTER MEET localhost 1", "CLUSTER MEET 127.0.0.1 99999999999999999999", "CLUSTER MEET 1.2.3 1", "CLUSTER MEET 1.2.3.4.5 1",
    "CLUSTER ADDSLOTS x", "CLUSTER ADDSLOTS -1", "CLUSTER ADDSLOTS 16384", "CLUSTER ADDSLOTS 01", "CLUSTER ADDSLOTS 1 2 x",
    "CLUSTER ADDSLOTS 1 1", "CLUSTER DELSLOTS 1", "CLUSTER ADDSLOTS 1 2 3 5", *READS, "CLUSTER ADDSLOTS 4 5", "CLUSTER ADDSLOTS 5 x",
    "CLUSTER DELSLOTS 1 1", "CLUSTER DELSLOTS 1 4", "CLUSTER DELSLOTS 1", *READS,
    "CLUSTER ADDSLOTSRANGE 7 8 9", "CLUSTER ADDSLOTSRANGE 8 7", "CLUSTER ADDSLOTSRANGE 7 8 8 9", "CLUSTER ADDSLOTSRANGE 7 8 3 4",
    "CLUSTER ADDSLOTSRANGE x 8", "CLUSTER ADDSLOTSRANGE 7 16384", "CLUSTER ADDSLOTSRANGE 7 8 10 20", *READS,
    "CLUSTER DELSLOTSRANGE 7 8 9", "CLUSTER DELSLOTSRANGE 20 10", "CLUSTER DELSLOTSRANGE 7 9", "CLUSTER DELSLOTSRANGE 7 8 8 8",
    "CLUSTER DELSLOTSRANGE 7 8 11 12", *READS,
    "CLUSTER SET-CONFIG-EPOCH x", "CLUSTER SET-CONFIG-EPOCH -1", "CLUSTER SET-CONFIG-EPOCH 99999999999999999999",
    "CLUSTER SET-CONFIG-EPOCH 7", "CLUSTER SET-CONFIG-EPOCH 8", *READS, "CLUSTER BUMPEPOCH",
    "CLUSTER SETSLOT 1 FOO", "CLUSTER SETSLOT x FOO", "CLUSTER SETSLOT 16384 STABLE", "CLUSTER SETSLOT 1 STABLE", "CLUSTER SETSLOT 1 STABLE x",
    "CLUSTER SETSLOT 1 NODE", "CLUSTER SETSLOT 1 MIGRATING", "CLUSTER SETSLOT 1 IMPORTING", "CLUSTER SETSLOT 1 NODE x y",
    f"CLUSTER SETSLOT 2 MIGRATING {NOBODY}", f"CLUSTER SETSLOT 1 MIGRATING {NOBODY}", f"CLUSTER SETSLOT 2 IMPORTING {NOBODY}",
    f"CLUSTER SETSLOT 1 IMPORTING {NOBODY}", f"CLUSTER SETSLOT 1 NODE {NOBODY}",
    "CLUSTER FORGET x", f"CLUSTER FORGET {NOBODY}", "CLUSTER FORGET $MYID", "CLUSTER REPLICATE x", f"CLUSTER REPLICATE {NOBODY}",
    "CLUSTER REPLICATE $MYID", "CLUSTER REPLICAS x", "CLUSTER REPLICAS $MYID", "CLUSTER SLAVES $MYID", f"CLUSTER SLAVES {NOBODY}",
    "CLUSTER COUNT-FAILURE-REPORTS x", "CLUSTER COUNT-FAILURE-REPORTS $MYID",
    "CLUSTER FAILOVER", "CLUSTER FAILOVER FORCE", "CLUSTER FAILOVER TAKEOVER", "CLUSTER FAILOVER SOON",
    "CLUSTER SETSLOT 1 NODE $MYID", "CLUSTER SETSLOT 1 MIGRATING $MYID", "CLUSTER NODES", "CLUSTER SETSLOT 1 STABLE",
    "CLUSTER RESET WARM", "CLUSTER FLUSHSLOTS", *READS, "CLUSTER ADDSLOTSRANGE 0 16383", *READS]

WITH_KEYS = ["CLUSTER FLUSHSLOTS", "CLUSTER RESET", "CLUSTER RESET SOFT", "CLUSTER RESET HARD", "CLUSTER SETSLOT 15495 NODE $MYID", *READS]

# $A: a primary with slots; $B: an empty primary; $C: a replica of $A.
ON_EACH = [
    *READS, *[f"CLUSTER {sub} ${node}" for sub in ("REPLICAS", "COUNT-FAILURE-REPORTS") for node in "ABC"],
    f"CLUSTER REPLICATE {NOBODY}", f"CLUSTER FORGET {NOBODY}", "CLUSTER SET-CONFIG-EPOCH 9", "CLUSTER FORGET $MYID",
    "CLUSTER REPLICATE $MYID", "CLUSTER REPLICATE $C", "CLUSTER SETSLOT 1 STABLE", "CLUSTER SETSLOT x STABLE", "CLUSTER FAILOVER SOON",
    "CLUSTER ADDSLOTS 1", "CLUSTER ADDSLOTSRANGE 0 5", "CLUSTER ADDSLOTS 16384"]
ON_A = ["CLUSTER FAILOVER", "CLUSTER FAILOVER FORCE", "CLUSTER FAILOVER TAKEOVER", "CLUSTER REPLICATE $B", "CLUSTER SETSLOT 1 MIGRATING $C",
        "CLUSTER SETSLOT 1 MIGRATING x", "CLUSTER SETSLOT 1 IMPORTING $B", "CLUSTER SETSLOT 1 NODE $C", "CLUSTER SETSLOT 1 NODE x",
        "CLUSTER SETSLOT 1 MIGRATING $B", "CLUSTER SETSLOT 2 MIGRATING $B", *READS, "CLUSTER SETSLOT 1 NODE $B", "CLUSTER SETSLOT 1 NODE $A",
        "CLUSTER SETSLOT 1 STABLE", *READS, "CLUSTER SETSLOT 3 NODE $B", "CLUSTER DELSLOTS 4 3", "CLUSTER SETSLOT 2 STABLE",
        "CLUSTER SETSLOT 5 MIGRATING $B"]
ON_B = ["CLUSTER FAILOVER", "CLUSTER SETSLOT 1 IMPORTING $C", "CLUSTER SETSLOT 1 IMPORTING $A", "CLUSTER SETSLOT 6 IMPORTING $A",
        "CLUSTER SETSLOT 1 MIGRATING $A", *READS, "CLUSTER SETSLOT 6 STABLE"]
ON_C = ["CLUSTER FORGET $A", "CLUSTER SETSLOT 1 NODE $A", "CLUSTER SETSLOT 1 MIGRATING $B"]


def fill(lines, ids, myself):
    for line in lines:
        line = line.replace("$MYID", myself)
        yield re.sub(r"\$([ABC])", lambda m: ids[m.group(1)], line)


def pair(stock, stops):
    ours = Ours(stock)
    stops.append(ours)
    stock.call("CLUSTER SAVECONFIG")
    ours.must(f"!load {stock.conf}")
    return ours


def compare_alone(comparison, stock, stops):
    ours = pair(stock, stops)
    myself = stock.text("CLUSTER MYID")
    for protocol in (2, 3):
        stock.call(f"HELLO {protocol}")
        ours.must(f"HELLO {protocol}")
        comparison.calls(stock, ours, fill(ALONE if protocol == 2 else [*READS, "CLUSTER HELP", "CLUSTER LINKS", "CLUSTER NoSuch"], {}, myself))
    wait(lambda: stock.call("SET a b") == b"+OK\r\n", "no write is taken")  # 2 s after its start
    ours.must("!keys 15495 1")
    comparison.calls(stock, ours, fill(WITH_KEYS, {}, myself))
    # A stranger in handshake is a line of NODES, counted, and nobody's shard.
    for line in ("CLUSTER MEET ::1 9 10", "CLUSTER MEET 127.0.0.1 9 10", "CLUSTER MEET 127.0.0.1 9 10"):
        comparison.call(stock, ours, line)
    for line in ("CLUSTER SHARDS", "CLUSTER INFO", "CLUSTER SET-CONFIG-EPOCH 3"):
        comparison.call(stock, ours, line)
    theirs, mine = (sorted(l.split(" ", 1)[1] for l in nodes_of(side)) for side in (stock, ours))
    comparison.equal += theirs == mine
    if theirs != mine:
        comparison.different += 1
        print(f"DIFFERS: CLUSTER NODES in handshake\n  redis: {theirs}\n  ours:  {mine}")


def wait(condition, what):
    end = time.monotonic() + 15
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"redis-server: {what}")
        time.sleep(0.05)


def join(stocks):
    stocks[0].call("CLUSTER ADDSLOTSRANGE 0 16383")
    for other in stocks[1:]:
        stocks[0].call(f"CLUSTER MEET 127.0.0.1 {other.port}")


def wait_until_joined(stocks):
    a, _, c = stocks
    everywhere = lambda condition: lambda: all(condition(s) for s in stocks)
    wait(everywhere(lambda s: s.text("CLUSTER NODES").count(" connected") == 3 and "handshake" not in s.text("CLUSTER NODES")), "not joined")
    wait(everywhere(lambda s: "cluster_state:ok" in s.text("CLUSTER INFO")), "not ok")
    c.call(f"CLUSTER REPLICATE {a.text('CLUSTER MYID')}")
    a.call("SET a b")
    wait(everywhere(lambda s: f"slave {a.text('CLUSTER MYID')}" in s.text("CLUSTER NODES")), "no replica")
    wait(everywhere(lambda s: b"loading" not in s.call("CLUSTER SHARDS")), "the replica is not in sync")
    a.call("DEL a")


def compare_three(comparison, stocks, stops):
    wait_until_joined(stocks)
    ids = {name: stock.text("CLUSTER MYID") for name, stock in zip("ABC", stocks)}
    ours = [pair(stock, stops) for stock in stocks]
    for side in ours:
        side.must("!linked")
        side.must("!synced")
    for protocol in (2, 3):
        for stock, side, name, own in zip(stocks, ours, "ABC", (ON_A, ON_B, ON_C)):
            stock.call(f"HELLO {protocol}")
            side.must(f"HELLO {protocol}")
            comparison.calls(stock, side, fill(ON_EACH if protocol == 2 else READS, ids, ids[name]))
            if protocol == 3:
                comparison.calls(stock, side, fill(own, ids, ids[name]))
    return stocks[0], ours[0]


def compare_files(comparison, folder, stock, ours, stops):
    """A redis-server must read what we write as it reads its own."""
    path = os.path.join(folder, "ours.conf")
    ours.must(f"!save {path}")
    expected = nodes_of(ours)
    stock.stop()
    shutil.rmtree(stock.folder)
    again = Stock(folder, stock.port - FIRST_PORT, path)
    stops.append(again)
    found = nodes_of(again.connect())
    drop = lambda lines: [re.sub(" (dis)?connected", "", line) for line in lines]
    with open(os.path.join(again.folder, "log"), encoding="utf-8", errors="replace") as log:
        skipped = log.read().count("Skipping unknown cluster config variable")
    if drop(found) == drop(expected) and skipped > 0:
        comparison.equal += 1
    else:
        comparison.different += 1
        print(f"DIFFERS: redis-server reads our nodes.conf ({skipped} variables skipped)\n  ours:  {expected}\n  redis: {found}")


def main():
    if shutil.which("redis-server") is None:
        sys.exit("redis-server is missing: scripts/install-deps")
    comparison = Comparison("--verbose" in sys.argv)
    stops = []
    folder = tempfile.mkdtemp(prefix="cluster-commands-")
    try:
        stocks = [Stock(folder, number) for number in range(4)]
        stops += stocks
        for stock in stocks:
            stock.connect()
        join(stocks[1:])  # while the first is asked
        compare_alone(comparison, stocks[0], stops)
        stock, ours = compare_three(comparison, stocks[1:], stops)
        compare_files(comparison, folder, stock, ours, stops)
    finally:
        for one in stops:
            one.stop()
        shutil.rmtree(folder)
    print(f"{comparison.equal} replies equal, {comparison.different} differ")
    sys.exit(comparison.different != 0)


if __name__ == "__main__":
    main()
