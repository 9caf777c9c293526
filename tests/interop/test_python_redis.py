"""python3-redis over RESP2, and RESP3 by hand where the packaged client has none."""
import os
import socket
import sys

from lab import NODE_IP, PORT, ROOT, Lab, check

sys.path.append(os.path.join(ROOT, "tests", "diff"))
from wire import Wire  # pylint: disable=wrong-import-position


def resp3(*commands):
    with socket.create_connection((NODE_IP, PORT), timeout=5) as s:
        out = []
        f = s.makefile("rb")
        for command in commands:
            s.sendall(command)
            out.append(f.readline())
        return out


with Lab() as lab:
    r = lab.redis(decode_responses=True)
    check(r.ping() is True, "ping")
    check(r.set("a", 1, ex=100) is True and 0 < r.ttl("a") <= 100, "set ex, ttl")
    check(r.incrby("a", 41) == 42, "incrby")
    check(r.mset({f"m{i}": i for i in range(100)}) is True, "mset")
    check(r.mget([f"m{i}" for i in range(100)]) == [str(i) for i in range(100)], "mget")
    check(r.get("none") is None, "nil")
    check(r.type("a") == "string" and r.exists("a", "none") == 1, "type, exists")
    check(sorted(r.scan_iter("m*", count=7)) == sorted(f"m{i}" for i in range(100)), "scan_iter")
    check(r.config_get("maxclients") == {"maxclients": "10000"}, "config get")
    check(r.config_set("timeout", 0) is True, "config set")
    check(r.client_setname("tester") and r.client_getname() == "tester", "client setname")
    check(any(c["name"] == "tester" for c in r.client_list()), "client list")
    check(r.info("server")["redis_version"] == "7.0.15", "info")
    check("get" in r.command(), "command")
    p = r.pipeline(transaction=False)
    for i in range(20000):
        p.set(f"p{i}", "x" * 100)
    check(all(p.execute()), "a pipeline of 20000 that is written before it is read")
    for again in range(20):  # what comes while a command is on another lcore must not be left lying
        p = r.pipeline(transaction=False)
        for n in range(1000):
            p.get(f"k{n}")
            p.pttl(f"k{n}")
        check(len(p.execute()) == 2000, f"a pipeline over all lcores, round {again}")
    big = "y" * 300000
    check(r.set("big", big) and r.get("big") == big, "300 KB value")
    p = r.pipeline(transaction=False)
    for i in range(200):
        p.get("big")
    check(all(v == big for v in p.execute()), "60 MB of replies to one client")
    check(r.flushall() and r.dbsize() == 0, "flushall")

    lines = resp3(b"HELLO 3\r\n")
    check(lines[0] == b"%7\r\n", f"HELLO 3 answers a map: {lines}")
    lines = resp3(b"HELLO 9\r\n", b"GET none\r\n")
    check(lines[0].startswith(b"-NOPROTO") and lines[1] == b"$-1\r\n", f"{lines}")
    with socket.create_connection((NODE_IP, PORT), timeout=5) as s:
        s.sendall(b"HELLO 3\r\nGET none\r\n")
        text = b""
        while not text.endswith(b"_\r\n"):
            more = s.recv(4096)
            check(more, f"closed after {text}")
            text += more
    kinds = [(b"CONFIG GET maxclients\r\n", b"%1\r\n"), (b"COMMAND INFO get\r\n", b"*1\r\n"), (b"INFO server\r\n", b"="),
             (b"CLIENT LIST\r\n", b"="), (b"GET none\r\n", b"_\r\n"), (b"MGET none\r\n", b"*1\r\n"), (b"DBSIZE\r\n", b":0\r\n")]
    for command, first in kinds:
        hello_and_reply = Wire((NODE_IP, PORT))
        hello_and_reply.call(b"HELLO", b"3")
        hello_and_reply.send(command)
        reply = hello_and_reply.reply()
        check(reply.startswith(first), f"{command} in RESP3: {reply[:100]}")
        hello_and_reply.close()
    lines = resp3(b"*1\r\n+PING\r\n")
    check(lines == [b"-ERR Protocol error: expected '$', got '+'\r\n"], f"{lines}")
    print("python3-redis: RESP2 and RESP3 ok")
