"""Shards of a primary and a replica each, ours or stock, and what a failover must not lose.

    shards = Shards(lab, [("r1", 1), ("r2", 2), ("r3", 3)])     # primary, replica
    shards.form()                                               # slots, MEET, REPLICATE; every link up
    shards.fill(3000)                                           # acknowledged by WAIT 1
    shards.fail_over(0); shards.hand_back(0)                    # kill -9; the old one returns; CLUSTER FAILOVER while clients write
    shards.restart_all()

Each step prints its name and seconds. A step that does not hold raises AssertionError.
"""
import threading
import time

import redis
from redis.exceptions import ResponseError
from redis.crc import key_slot

from lab import check

LONG_MS = 3600000  # an expiry that nobody lives to see
SLOTS = 16384
WAIT_MS = 5000


class Steps:
    def __init__(self):
        self.begun = self.last = time.monotonic()

    def __call__(self, what):
        now = time.monotonic()
        print(f"{now - self.last:6.1f} s  {what}", flush=True)
        self.last = now

    def total(self):
        return time.monotonic() - self.begun


class Client:
    """A plain cluster client: goes where it is redirected to, counts that, and passes every other error on."""

    def __init__(self, addresses):
        self.first = addresses[0]
        self.at = {}
        self.slots = {}
        self.moved = self.asked = 0

    def node(self, address):
        if address not in self.at:
            self.at[address] = redis.Redis(host=address[0], port=address[1], socket_timeout=20, socket_connect_timeout=5,
                                           single_connection_client=True)
        return self.at[address]

    def call(self, key, *words):
        slot = key_slot(key.encode())
        address, asking = self.slots.get(slot, self.first), False
        for _ in range(16):
            try:
                node = self.node(address)
                if asking:
                    node.execute_command("ASKING")
                return node.execute_command(*words)
            except ResponseError as e:
                kind, _, where = str(e).partition(f" {slot} ")
                if kind not in ("MOVED", "ASK"):
                    raise
                host, _, port = where.rpartition(":")
                address, asking = (host, int(port)), kind == "ASK"
                if asking:
                    self.asked += 1
                else:
                    self.moved += 1
                    self.slots[slot] = address
        raise AssertionError(f"{words[:2]}: redirected without end, last to {address}")

    def close(self):
        for node in self.at.values():
            node.close()


class Writer(threading.Thread):
    """SETs keys of one slot until it is stopped. Any error but a redirection is its result."""

    def __init__(self, address, prefix):
        super().__init__(daemon=True)
        self.client = Client([address])
        self.prefix = prefix
        self.acknowledged = {}
        self.error = None
        self.stopping = False
        self.longest = 0.0

    def run(self):
        n = 0
        try:
            while not self.stopping:
                key, value, begun = f"{self.prefix}:{n % 997}", f"{self.prefix}={n}", time.monotonic()
                check(self.client.call(key, "SET", key, value), "SET")
                self.acknowledged[key] = value
                self.longest = max(self.longest, time.monotonic() - begun)
                n += 1
        except Exception as e:  # whatever it is, the test has to know of it
            self.error = e

    def stop(self):
        self.stopping = True
        self.join(timeout=30)
        self.client.close()
        check(self.error is None, f"a writer met {type(self.error).__name__}: {self.error}")
        return self.acknowledged


class Shards:
    def __init__(self, lab, pairs):
        self.lab = lab
        lab.join()
        self.pairs = [list(pair) for pair in pairs]
        self.everybody = [who for pair in pairs for who in pair]
        self.ranges = [(i * SLOTS // len(pairs), (i + 1) * SLOTS // len(pairs) - 1) for i in range(len(pairs))]
        self.written = [{} for _ in pairs]  # by shard: key -> (value, has an expiry)
        self.step = Steps()

    # ---- questions ----

    def ask(self, who, *words):
        ip, port = self.lab.address(who)
        with redis.Redis(host=ip, port=port, socket_timeout=20, socket_connect_timeout=5) as node:
            return node.execute_command(*words)

    def info(self, who):
        """INFO replication and stats as a dict."""
        out = {}
        for section in ("replication", "stats"):
            out.update(line.split(":", 1) for line in self.lab.cli(who, "INFO", section).splitlines() if ":" in line)
        return out

    def shard_of(self, key):
        slot = key_slot(key.encode())
        return next(i for i, (first, last) in enumerate(self.ranges) if first <= slot <= last)

    def is_primary(self, who):
        return self.info(who).get("role") == "master"

    def follows(self, who, primary):
        ip, port = self.lab.address(primary)
        info = self.info(who)
        return (info.get("role"), info.get("master_link_status"), info.get("master_host"), info.get("master_port")) == \
            ("slave", "up", ip, str(port))

    def line_of(self, seen_by, who):
        return self.lab.nodes(seen_by).get("{}:{}".format(*self.lab.address(who)), ("", frozenset(), "", ()))

    def all_ok(self):
        return all(self.lab.info(who).get("cluster_state") == "ok" for who in self.everybody)

    def agree(self):
        views = [self.lab.nodes(who) for who in self.everybody]
        return all(view == views[0] for view in views) and not any(
            flags & {"fail", "fail?", "handshake", "noaddr"} for _, flags, _, _ in views[0].values())

    # ---- steps ----

    def form(self):
        lab, first = self.lab, self.pairs[0][0]
        for i, (primary, _) in enumerate(self.pairs):
            low, high = self.ranges[i]
            check(lab.cli(primary, "CLUSTER", "ADDSLOTSRANGE", str(low), str(high)) == "OK", f"slots of {primary}")
            check(lab.cli(primary, "CLUSTER", "SET-CONFIG-EPOCH", str(i + 1)) == "OK", f"epoch of {primary}")
        ip, port = lab.address(first)
        for who in self.everybody:
            if who != first:
                check(lab.cli(who, "CLUSTER", "MEET", ip, str(port)) == "OK", f"{who} meets {first}")
        lab.wait(lambda: all(len(lab.nodes(who)) == len(self.everybody) for who in self.everybody) and self.all_ok() and self.agree(),
                 "everybody knows everybody", 40)
        self.step("met")
        for primary, replica in self.pairs:
            answer = lab.cli(replica, "CLUSTER", "REPLICATE", lab.cli(primary, "CLUSTER", "MYID"))
            check(answer == "OK", f"REPLICATE at {replica}: {answer}")
        for primary, replica in self.pairs:
            lab.wait(lambda: self.follows(replica, primary), f"{replica} follows {primary}", 30)
        lab.wait(self.agree, "all views agree", 30)
        self.step("every replica's link is up")

    def fill(self, count, tag="key"):
        """A third of the keys expires, in an hour. Every shard's writes are confirmed by WAIT 1."""
        client = Client([self.lab.address(self.pairs[0][0])])
        for n in range(count):
            key, value, expires = f"{tag}:{n}", f"{tag}={n}" + "x" * (n % 50), n % 3 == 0
            words = ("SET", key, value, "PX", LONG_MS) if expires else ("SET", key, value)
            check(client.call(key, *words), f"SET {key}")
            self.written[self.shard_of(key)][key] = (value, expires)
        for primary, replica in self.pairs:
            acknowledged = client.node(self.lab.address(primary)).execute_command("WAIT", 1, WAIT_MS)
            check(acknowledged == 1, f"WAIT 1 at {primary}, whose replica is {replica}: {acknowledged}")
        client.close()
        self.step(f"{count} keys written, WAIT 1 at each primary")

    def add(self, i, primary, count, tag):
        """More keys for one shard, which nobody but its primary has yet."""
        client = Client([self.lab.address(primary)])
        for n in range(count):
            key = f"{tag}:{n}"
            if self.shard_of(key) == i:
                check(client.call(key, "SET", key, tag), f"SET {key}")
                self.written[i][key] = (tag, False)
        client.close()

    def writer(self, i, first, name):
        """One that writes keys of shard i, and asks first."""
        prefix = next(p for p in (f"{name}.{k}{{{k}}}" for k in range(10000)) if self.shard_of(p) == i)
        return Writer(self.lab.address(first), prefix)

    def settle(self, i, primary):
        """What primary has written by now, its replica has."""
        ip, port = self.lab.address(primary)
        key, (value, _) = next(iter(self.written[i].items()))
        with redis.Redis(host=ip, port=port, socket_timeout=20, single_connection_client=True) as node:
            check(node.set(key, value, keepttl=True), f"SET {key}")
            check(node.execute_command("WAIT", 1, WAIT_MS) == 1, f"WAIT 1 at {primary}")

    def holds_all(self, i, who):
        """Every acknowledged key of shard i is at who, with its value and expiry, and nothing else is."""
        ip, port = self.lab.address(who)
        keys = list(self.written[i])
        with redis.Redis(host=ip, port=port, socket_timeout=30, single_connection_client=True) as node:
            node.execute_command("READONLY")
            link = node.connection  # a pipeline of redis-py's takes another one, without READONLY
            link.send_packed_command(link.pack_commands([(word, key) for key in keys for word in ("GET", "PTTL")]))
            answers = [link.read_response() for _ in range(2 * len(keys))]
            size = node.dbsize()
        for n, key in enumerate(keys):
            value, expires = self.written[i][key]
            got, ttl = answers[2 * n:2 * n + 2]
            check(got == value.encode(), f"{who}: {key} is {got!r} instead of {value!r}")
            check(0 < ttl <= LONG_MS if expires else ttl == -1, f"{who}: {key} expires in {ttl} ms")
        check(size == len(keys), f"{who} holds {size} keys instead of {len(keys)}")

    def fail_over(self, i):
        """kill -9 the primary: the replica is elected and has everything; the old one returns as its replica."""
        lab, (old, new) = self.lab, self.pairs[i]
        begun, others = time.monotonic(), [who for who in self.everybody if who != old]
        lab.kill(old)
        lab.wait(lambda: any("fail" in self.line_of(who, old)[1] for who in others), f"somebody calls {old} failed", 20)
        failed = time.monotonic() - begun
        lab.wait(lambda: self.is_primary(new), f"{new} is elected", 20)
        elected = time.monotonic() - begun
        lab.wait(lambda: all(self.line_of(who, new)[3] == ("{}-{}".format(*self.ranges[i]),) and
                             lab.info(who).get("cluster_state") == "ok" for who in others), "everybody knows the winner", 20)
        self.holds_all(i, new)
        self.step(f"{old} killed: FAIL after {failed:.1f} s, {new} elected after {elected:.1f} s; {len(self.written[i])} keys there")
        self.add(i, new, 200, f"while{old}")
        before = self.info(new)
        writer = self.writer(i, new, f"r{i}")  # a snapshot is sent while keys change
        writer.start()
        lab.start(old)
        lab.wait(lambda: self.follows(old, new), f"{old} returns and follows {new}", 40)
        lab.wait(self.agree, f"all views agree after {old} returned", 30)
        self.written[i].update((key, (value, False)) for key, value in writer.stop().items())
        self.settle(i, new)
        self.holds_all(i, old)
        after = self.info(new)
        partial = int(after["sync_partial_ok"]) - int(before["sync_partial_ok"])
        self.pairs[i] = [new, old]
        self.step(f"{old} is back, demoted, in sync ({'partial' if partial else 'full'})")

    def hand_back(self, i):
        """CLUSTER FAILOVER at the replica while clients write: nothing acknowledged is lost, nothing refused, and no full sync."""
        lab, (primary, replica) = self.lab, self.pairs[i]
        writers = []
        for n in range(2):
            writers.append(self.writer(i, primary, f"w{n}"))
        before = self.info(replica)
        for writer in writers:
            writer.start()
        time.sleep(0.3)
        begun = time.monotonic()
        answer = lab.cli(replica, "CLUSTER", "FAILOVER")
        check(answer == "OK", f"CLUSTER FAILOVER at {replica}: {answer}")
        lab.wait(lambda: self.is_primary(replica), f"{replica} takes over", 20)
        took = time.monotonic() - begun
        lab.wait(lambda: self.follows(primary, replica), f"{primary} follows {replica}", 30)
        time.sleep(0.3)
        count = 0
        for writer in writers:
            acknowledged = writer.stop()
            count += len(acknowledged)
            check(writer.client.moved >= 1, "the writer was redirected")
            self.written[i].update((key, (value, False)) for key, value in acknowledged.items())
        self.settle(i, replica)
        self.holds_all(i, replica)
        self.holds_all(i, primary)
        lab.wait(lambda: self.agree() and self.all_ok(), "all views agree", 30)
        after = self.info(replica)
        partial, full = (int(after[f]) - int(before[f]) for f in ("sync_partial_ok", "sync_full"))
        check((partial, full) == (1, 0), f"{primary} went on with {partial} partial, {full} full syncs")
        self.pairs[i] = [replica, primary]
        self.step(f"handed back to {replica} in {took:.1f} s under {count} keys of writes (longest {max(w.longest for w in writers):.2f} s)")

    def restart_all(self):
        """Everybody ends and starts again: ids, epochs, slots and roles are those of nodes.conf."""
        lab = self.lab
        before = lab.nodes(self.everybody[0])
        epochs = {who: lab.info(who)["cluster_current_epoch"] for who in self.everybody}
        for who in self.everybody:
            lab.kill(who)
        for who in [pair[0] for pair in self.pairs] + [pair[1] for pair in self.pairs]:  # no elections before everybody is there
            lab.start(who)
        lab.wait(lambda: self.all_ok() and self.agree(), "the cluster is ok again", 40)
        check(lab.nodes(self.everybody[0]) == before, f"was {before}, is {lab.nodes(self.everybody[0])}")
        for who in self.everybody:
            check(lab.info(who)["cluster_current_epoch"] == epochs[who], f"current epoch of {who}")
        for primary, replica in self.pairs:
            lab.wait(lambda: self.follows(replica, primary), f"{replica} follows {primary} again", 30)
        self.step("all restarted: same ids, epochs, slots and roles")

    def story(self, keys=3000):
        self.form()
        self.fill(keys)
        for i in range(len(self.pairs)):
            self.fail_over(i)
            self.hand_back(i)
        self.restart_all()
        return self.step.total()
