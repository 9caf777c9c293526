"""The wrapped live tap at 5 % loss, plain and with reordering, duplication and corruption: 5 MB each way, identical.

    test_lossy_tap.py [MEGABYTES]      by hand with more than 5, for instance 100

A retransmission that is lost again costs the kernel a timeout of at least 200 ms: the way up takes 3 to 6 s, the way down a second or less.
"""
import hashlib
import os
import sys
import time

from lab import Lab, check

MEGABYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SIZE = MEGABYTES << 20
SECONDS_MAX = 120 + 20 * MEGABYTES


def transfer(faults):
    """5 MB up and down under these faults; what INFO counted."""
    with Lab("--net-impair", faults, memory=1024 + 4 * MEGABYTES) as lab:
        value = os.urandom(SIZE)
        client = lab.redis(socket_timeout=SECONDS_MAX)
        started = time.monotonic()
        check(client.set("v", value) is True, "SET")
        up = time.monotonic()
        back = client.get("v")
        down = time.monotonic()
        check(hashlib.sha256(back).digest() == hashlib.sha256(value).digest(), f"{MEGABYTES} MB came back different")
        counted = lab.dpdk()
        lost = counted["impair_rx_lost"] + counted["impair_tx_lost"]
        check(lost > 50 and counted["retransmits"] > 20, f"too few faults: {counted}")
        print(f"{faults}: up {up - started:.1f} s, down {down - up:.1f} s, {lost:.0f} frames lost, "
              f"{counted['retransmits']:.0f} retransmits", flush=True)
        return counted


transfer("loss=5,seed=1")
c = transfer("loss=5,reorder=5,duplicate=2,corrupt=0.5,seed=1")
check(c["impair_rx_corrupted"] + c["impair_tx_corrupted"] > 5 and c["drop_tcp_checksum"] > 0, f"no corruption seen: {c}")
check(c["impair_rx_reordered"] > 50 and c["impair_rx_duplicated"] > 20, f"no reordering or duplication: {c}")
print(f"lossy tap: {MEGABYTES} MB each way identical, twice")
