"""BGSAVE while clients write, and the file: redis-server finds the same keys in it, and so do we after a restart, also in redis-server's.

A node that is killed while it saves leaves the file that was there; one that is cut short or damaged stops the start.
"""
import os
import shutil
import tempfile
import time

from lab import Lab, RedisServer, check

KEYS = 100_000


def digest(client):
    return client.execute_command("DEBUG", "DIGEST")


def fill(client, count, first=0):
    for begin in range(first, first + count, 1000):
        pipe = client.pipeline(transaction=False)
        for i in range(begin, begin + 1000):
            pipe.set(f"key:{i}", f"value of {i}", px=3_600_000 + i if i % 2 else None)
        pipe.execute()


def saved(client, before):
    deadline = time.monotonic() + 30
    while client.info("persistence")["rdb_bgsave_in_progress"]:
        check(time.monotonic() < deadline, "BGSAVE does not end")
        time.sleep(0.02)
    info = client.info("persistence")
    check(info["rdb_last_bgsave_status"] == "ok", f"BGSAVE failed: {info}")
    check(int(client.lastsave().timestamp()) >= before, "LASTSAVE is old")


def refused(lab, what):
    try:
        lab.start()
    except AssertionError as error:
        check("dump.rdb is not loaded: " in str(error), f"{what}: {error}")
        return
    check(False, f"a {what} file was loaded")


def save_and_load(lab, folder):
    client = lab.redis()
    fill(client, KEYS)
    client.set("large", "x" * 3_000_000)
    before, expected = int(time.time()), digest(client)
    check(client.bgsave(), "BGSAVE")
    fill(client, 5000, first=KEYS)  # not in the file: they came after the cut
    saved(client, before)
    check(client.info("persistence")["rdb_changes_since_last_save"] == 5000, "changes since the cut")
    with RedisServer(folder) as stock:
        check(digest(stock) == expected, "redis-server finds other keys in our file than there were at the cut")
        stock.delete(*[f"key:{i}" for i in range(1000)])
        expected = digest(stock)
        stock.set("gone", "soon", px=500)
        stock.save()
        time.sleep(0.6)
    lab.kill()
    lab.start()
    client = lab.redis()
    check(digest(client) == expected, "we find other keys in redis-server's file")
    check(client.dbsize() == KEYS + 1 - 1000, "a key whose time was over was loaded")
    return expected


def kill_while_saving(lab, expected):
    client = lab.redis()
    for wait_ms in (0, 5, 20, 60):
        client.set("not saved", "x" * 100)
        client.bgsave()
        time.sleep(wait_ms / 1000)
        lab.kill()
        lab.start()
        client = lab.redis()
        seen = client.exists("not saved")  # the new file, whole, or the old one, whole
        client.delete("not saved")
        check(digest(client) == expected, f"killed {wait_ms} ms into BGSAVE: the file is damaged (new: {seen})")


folder = tempfile.mkdtemp(prefix="pollis-rdb-")
path = os.path.join(folder, "dump.rdb")
try:
    with Lab("--dir", folder, "--enable-debug-command", "yes") as lab:
        kill_while_saving(lab, save_and_load(lab, folder))
        lab.kill()
        size = os.path.getsize(path)
        with open(path, "r+b") as file:
            file.seek(size // 2)
            byte = file.read(1)
            file.seek(size // 2)
            file.write(bytes([byte[0] ^ 1]))
        refused(lab, "damaged")
        os.truncate(path, size // 2)
        refused(lab, "truncated")
finally:
    shutil.rmtree(folder)
print(f"rdb file: {KEYS} keys saved under writes, loaded by redis-server and back; four kills while saving left it whole")
