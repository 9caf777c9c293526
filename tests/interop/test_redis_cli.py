"""The stock redis-cli: plain commands, RESP3, --scan, --bigkeys, --latency, and a 64 MB value in and out."""
import hashlib
import os

from lab import Lab, check

SIZE = 64 << 20

with Lab(memory=2048) as lab:
    check(lab.cli("PING") == b"PONG\n", "PING")
    check(lab.cli("SET", "k", "v") == b"OK\n", "SET")
    check(lab.cli("GET", "k") == b"v\n", "GET")
    check(lab.cli("nosuch", "a").startswith(b"ERR unknown command 'nosuch'"), "unknown command")
    lab.cli("--pipe", input=b"".join(b"SET key:%d %d\r\n" % (i, i) for i in range(3000)))
    names = lab.cli("--scan", "--pattern", "key:*").split()
    check(sorted(names) == sorted(b"key:%d" % i for i in range(3000)), f"--scan found {len(names)} of 3000")
    lab.cli("SET", "key:longest", "x" * 1000)
    biggest = lab.cli("--bigkeys").decode()
    check("'\"key:longest\"' has 1000 bytes" in biggest or "\"key:longest\" has 1000 bytes" in biggest, f"--bigkeys: {biggest}")
    check("3002 strings with" in biggest, f"--bigkeys: {biggest}")
    check(lab.cli("-3", "CONFIG", "GET", "maxclients").split() == [b"maxclients", b"10000"], "a map of RESP3")
    check(lab.cli("-3", "GET", "none") == b"\n", "null of RESP3")
    check(lab.cli("--latency", "-i", "1", "--raw", timeout=10).split()[0].isdigit(), "--latency")
    value = os.urandom(SIZE)
    check(lab.cli("-x", "SET", "big", input=value, timeout=60) == b"OK\n", "SET of 64 MB")
    back = lab.cli("--raw", "GET", "big", timeout=60)
    check(len(back) == SIZE + 1 and hashlib.sha256(back[:-1]).digest() == hashlib.sha256(value).digest(),
          f"64 MB came back different ({len(back)} bytes)")
    check(lab.cli("DEL", "big") == b"1\n", "DEL")
    print("redis-cli: ok, 64 MB identical")
