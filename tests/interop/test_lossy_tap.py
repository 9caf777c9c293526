"""The wrapped live tap at 5 % loss with reordering, duplication and corruption: 5 MB each way, identical."""
import hashlib
import os

from lab import Lab, check

SIZE = 5 << 20

with Lab("--net-impair", "loss=5,reorder=5,duplicate=2,corrupt=0.5,seed=1") as lab:
    value = os.urandom(SIZE)
    r = lab.redis()
    check(r.set("v", value) is True, "SET")
    back = r.get("v")
    check(hashlib.sha256(back).digest() == hashlib.sha256(value).digest(), "5 MB came back different")
    d = lab.dpdk()
    lost = d["impair_rx_lost"] + d["impair_tx_lost"]
    check(lost > 50 and d["impair_rx_corrupted"] + d["impair_tx_corrupted"] > 5, f"too few faults: {d}")
    check(d["retransmits"] > 20 and d["drop_tcp_checksum"] > 0, f"faults left no trace: {d}")
    print(f"lossy tap: 5 MB each way identical, {int(lost)} frames lost, {int(d['retransmits'])} retransmits")
