"""Snapshots in both directions: rdb_copy reads what redis-server wrote and writes it again, and redis-server finds the same in it.

Stock and copy are compared by DEBUG DIGEST, which depends on values alone, not on how they are encoded.
"""
import os
import shutil
import subprocess
import tempfile
import time

from lab import BUILD, ROOT, RedisServer, check

COPY = f"{BUILD}/tests/unit/proto/rdb/rdb_copy"
GOLDEN = f"{ROOT}/tests/golden/rdb/redis-7.0.15"
LARGE = 64 << 20


def stock(folder, file):
    return RedisServer(folder, "--dbfilename", file, "--hash-max-listpack-entries", "8")


def copy(folder, source, target, *options):
    done = subprocess.run([COPY, *options, f"{folder}/{source}", f"{folder}/{target}"], capture_output=True, text=True, timeout=120,
                          check=False)
    check(done.returncode == 0, done.stderr)
    return int(done.stdout)


def digest(client):
    return client.execute_command("DEBUG", "DIGEST")


def golden(folder):
    """The keys of every type: as they are, and with all packed collections unpacked by us."""
    shutil.copy(f"{GOLDEN}.rdb", f"{folder}/golden.rdb")
    with open(f"{GOLDEN}.txt", encoding="ascii") as text:
        expected = text.read().split()[-1].encode()
    for target, options in (("same.rdb", []), ("plain.rdb", ["--plain"]), ("bytes.rdb", ["--plain", "--segment", "1"])):
        check(copy(folder, "golden.rdb", target, *options) == 26, target)
        with stock(folder, target) as client:
            check(client.dbsize() == 26, target)
            check(digest(client) == expected, f"{target}: {digest(client)}, stock {expected}")
            check(b"mylib" in str(client.execute_command("FUNCTION", "LIST")).encode(), "function")
            check(client.get("str:lzf") == b"abc" * 400, "str:lzf")
            check(client.pttl("ttl:far") > 0, "ttl:far")


def saved(folder):
    """Strings of all lengths and forms, expiries, several databases and one value of 64 MB, there and back."""
    with stock(folder, "saved.rdb") as client:
        pipe = client.pipeline(transaction=False)
        for i in range(3000):
            pipe.set(f"key:{i}", [str(i * 7919 - 9000000), "x" * i, os.urandom(i % 300), f"{i:040x}"][i % 4], px=10**12 if i % 5 == 0 else None)
        pipe.set("large", bytes(range(256)) * (LARGE >> 8))
        pipe.execute_command("SELECT", 9)
        pipe.set("elsewhere", "1")
        pipe.execute()
        client.save()
        expected = digest(client)
    started = time.monotonic()
    check(copy(folder, "saved.rdb", "again.rdb") == 3002, "keys")
    took = time.monotonic() - started
    with stock(folder, "again.rdb") as client:
        check(digest(client) == expected, "digest")
        check(client.strlen("large") == LARGE, "large")
    return took


def same_bytes(folder):
    """Every form that Redis 7.0 chose for a length, an integer and a compressed string we choose too."""
    with open(f"{folder}/golden.rdb", "rb") as one, open(f"{folder}/same.rdb", "rb") as two:
        check(one.read() == two.read(), "the copy differs from the file of redis-server")


with tempfile.TemporaryDirectory() as where:
    golden(where)
    seconds = saved(where)
    same_bytes(where)
print(f"rdb: 3 copies of the golden file and one of 3002 keys have the stock digest; {LARGE >> 20} MB copied twice in {seconds:.1f} s")
