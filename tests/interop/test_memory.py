"""maxmemory under load: every policy keeps used_memory within 1 %, noeviction refuses, and the end of the hugepages is an error reply.

Four connections write in pipelines while a fifth looks at INFO. The expiring keys fill the node once; each policy then has to make room for
SHARE bytes more. The figures printed are the lowest and highest used_memory seen under each policy, in percent of maxmemory.
"""
import threading
import time

import redis

from lab import SHAPES, SHAPE, Lab, check

LIMIT = 64 << 20
SHARE = 6 << 20
VALUE = b"v" * 1000
LOOK_S = 0.02
PIECE = 100  # commands in a pipeline
WRITERS = 4
PERSISTENT = 1500
HOT = 100  # replies in flight are used memory, too: few, so that they do not hide the keys
MARGIN = 0.01
VOLATILE = ("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl")
ALLKEYS = ("allkeys-lru", "allkeys-lfu", "allkeys-random")


def used(r):
    return r.info("memory")["used_memory"]


def evicted(r):
    return r.info("stats")["evicted_keys"]


def write(r, prefix, size, expire):
    """size bytes of new keys; a reply that is an error raises."""
    for piece in range(size // (len(VALUE) * PIECE)):
        pipe = r.pipeline(transaction=False)
        for i in range(PIECE):
            pipe.set(f"{prefix}:{piece}:{i}", VALUE, ex=expire)
        pipe.execute()


def load(lab, name, size, expire, watch):
    """Writes from WRITERS connections; answers what watch() saw meanwhile. A writer's failure is the test's."""
    failures, seen = [], []

    def writer(number):
        try:
            write(lab.redis(), f"{name}:{number}", size // WRITERS, expire)
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=writer, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append(watch())
        time.sleep(LOOK_S)  # INFO holds all data lcores: looks must not be the load
    for thread in threads:
        thread.join()
    check(not failures, f"{name}: {failures[:1]}")
    return seen + [watch()]


def policy_keeps_the_limit(lab, r, policy, expire, watch=None):
    r.config_set("maxmemory-policy", policy)
    check(r.info("memory")["maxmemory_policy"] == policy, f"INFO tells {policy}")
    before = evicted(r)
    seen = load(lab, policy, SHARE, expire, watch or (lambda: used(r)))
    low, high = min(seen) / LIMIT, max(seen) / LIMIT
    check(high <= 1 + MARGIN, f"{policy}: used_memory rose to {high:.2%} of maxmemory")
    check(low >= 1 - MARGIN, f"{policy}: used_memory fell to {low:.2%} of maxmemory")
    check(evicted(r) - before > SHARE // len(VALUE) // 2, f"{policy}: evicted_keys rose by {evicted(r) - before}")
    print(f"{policy}: {low:.2%} to {high:.2%} of maxmemory in {len(seen)} looks")


def volatile_policies(lab, r):
    names = [f"stays:{i}" for i in range(PERSISTENT)]
    pipe = r.pipeline(transaction=False)
    for name in names:
        pipe.set(name, VALUE)
    pipe.execute()
    load(lab, "fill", LIMIT * 11 // 10, 100000, lambda: used(r))
    for policy in VOLATILE:
        policy_keeps_the_limit(lab, r, policy, 100000)
        check(r.exists(*names) == PERSISTENT, f"{policy}: a key that does not expire was evicted")


def allkeys_policies(lab, r):
    for policy in ALLKEYS:
        names = [f"hot:{policy}:{i}" for i in range(HOT)]
        r.config_set("maxmemory-policy", policy)
        pipe = r.pipeline(transaction=False)
        for name in names:
            pipe.set(name, VALUE)
        pipe.execute()
        for _ in range(20):
            r.mget(*names)

        def watch(names=names):
            r.mget(*names)
            return used(r)

        policy_keeps_the_limit(lab, r, policy, None, watch)
        kept = r.exists(*names)
        check(policy == "allkeys-random" or kept >= HOT * 0.95, f"{policy}: only {kept} of {HOT} hot keys were kept")


def object_tells_what_the_policy_keeps(r):
    r.config_set("maxmemory-policy", "allkeys-lfu")
    r.set("o", "v")
    for _ in range(50):
        r.get("o")
    check(5 < r.object("freq", "o") < 60, "OBJECT FREQ rises with use")
    try:
        r.object("idletime", "o")
        check(False, "OBJECT IDLETIME under an LFU policy")
    except redis.ResponseError as error:
        check("LFU maxmemory policy is selected" in str(error), str(error))
    r.config_set("maxmemory-policy", "allkeys-lru")
    r.set("o", "v")
    time.sleep(1.2)
    check(r.object("idletime", "o") == 1, "OBJECT IDLETIME counts seconds, and looking is no access")
    r.get("o")
    check(r.object("idletime", "o") == 0, "an access ends it")


def shrinking_is_done_in_steps(r):
    """The node keeps answering while it evicts half of what it holds, and is done without a command that asks for room."""
    started, longest = time.monotonic(), 0
    r.config_set("maxmemory", LIMIT // 2)
    while used(r) > LIMIT // 2 * (1 + MARGIN):
        time.sleep(LOOK_S / 4)
        check(time.monotonic() - started < 10, "shrinking to half takes more than 10 s")
        asked = time.monotonic()
        r.ping()
        longest = max(longest, time.monotonic() - asked)
    took = time.monotonic() - started
    check(longest < 0.1, f"PING took {longest * 1000:.1f} ms while shrinking")
    print(f"shrinking by half took {took * 1000:.0f} ms, the longest PING {longest * 1000:.1f} ms")


def noeviction_refuses(r):
    r.config_set("maxmemory-policy", "noeviction")
    before, refused = evicted(r), 0
    for i in range(3 * LIMIT // len(VALUE)):
        try:
            r.set(f"n:{i}", VALUE)
        except redis.ResponseError as error:
            refused += 1
            check(str(error).endswith("command not allowed when used memory > 'maxmemory'."), str(error))
        if refused == 10:
            break
    check(refused == 10, "nothing was refused")
    check(evicted(r) == before, "noeviction evicted")
    for name in ("getset", "append", "setnx"):
        try:
            getattr(r, name)("other", VALUE)
            check(False, f"{name} was not refused")
        except redis.ResponseError:
            pass
    check(r.get("n:0") == VALUE and r.delete("n:0") == 1, "reads and deletes go on")


def memory_subcommands(r):
    r.config_set("maxmemory", 0)
    r.set("m", b"x" * 64)
    size = r.memory_usage("m", samples=0)
    check(64 < size <= 128, f"MEMORY USAGE says {size}")
    check(r.memory_usage("none") is None, "MEMORY USAGE of no key")
    stats = r.memory_stats()
    check(stats["keys.count"] == r.dbsize() and stats["total.allocated"] > 0, f"MEMORY STATS says {stats}")
    check(stats["peak.allocated"] >= stats["total.allocated"], "the peak is below")
    check(r.execute_command("MEMORY", "DOCTOR") and r.execute_command("MEMORY", "MALLOC-STATS"), "texts")
    check(r.memory_purge(), "MEMORY PURGE")
    check(b"usage" in b" ".join(r.execute_command("MEMORY", "HELP")), "MEMORY HELP")
    info = r.info("memory")
    check(info["used_memory_peak"] >= info["used_memory"] > 0 and info["mem_fragmentation_ratio"] >= 1, f"INFO says {info}")


def hugepages_are_the_limit():
    """maxmemory 0: the node takes values until EAL has no more, refuses, and goes on."""
    lcores = SHAPES[SHAPE][0]
    with Lab("--maxclients", "100", memory=170 + 40 * lcores, name="pollis-m") as lab:
        r = lab.redis()
        stored, refused = 0, 0
        value = b"h" * 20000
        for _ in range(400):
            pipe = r.pipeline(transaction=False)
            for i in range(50):
                pipe.set(f"h:{stored}:{i}", value)
            replies = pipe.execute(raise_on_error=False)
            good = sum(reply is True for reply in replies)
            refused += sum(isinstance(reply, redis.ResponseError) for reply in replies)
            stored += good
            if refused > 500:
                break
        check(refused > 500, f"{stored} values were stored and none refused")
        check(lab.alive(), f"the node ended: {lab.log()[-500:]}")
        memory = r.info("memory")
        check(r.dbsize() == stored, f"{stored} were acknowledged, {r.dbsize()} are there")
        check(r.get("h:0:0") == value, "what was stored is served")
        try:
            check(r.getset("h:0:1", b"g" * 200000) != value, "GETSET found room")
        except redis.ResponseError as error:
            check("used memory" in str(error), str(error))
        check(lab.redis().ping(), "new connections are served")
        r.flushall()
        for i in range(50):
            r.set(f"again:{i}", value)
        check(r.get("again:49") == value, "room that was freed is used again")
        print(f"hugepages: {stored} values, {memory['used_memory'] >> 20} MB of {memory['used_memory_rss'] >> 20} MB got, "
              f"then refused {refused} times")


with Lab() as node:
    control = node.redis()
    control.config_set("maxmemory", LIMIT)
    control.config_set("maxmemory-policy", "volatile-lru")
    volatile_policies(node, control)
    allkeys_policies(node, control)
    object_tells_what_the_policy_keeps(control)
    shrinking_is_done_in_steps(control)
    noeviction_refuses(control)
    memory_subcommands(control)
    check(node.alive(), "the node lives")
hugepages_are_the_limit()
print("memory: eight policies, maxmemory lowered, hugepages used up")
