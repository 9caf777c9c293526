"""Debian's prometheus-redis-exporter scrapes a node and a stock redis-server: the same metrics, but for those named here with a reason."""
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from lab import NODE_IP, PORT, Lab, RedisServer, check, die_with_parent

EXPORTER = "prometheus-redis-exporter"
# What a stock server has and we have not: pattern of names -> why.
MISSING = {
    r"redis_(allocator|defrag|mem_|memory_|rss_|used_memory|maxmemory).*": "its memory is libc's, ours hugepages: other figures",
    r"redis_(aof|rdb|current_|last_|module_fork|latest_fork|loading_dump|total_fork|forks).*": "no fork, no append-only file",
    r"redis_(active_defrag|lazyfree).*": "nothing is defragmented or freed in the background",
    r"redis_(io_threaded|total_reads|total_writes|reply_buffer).*": "the kernel's sockets and I/O threads: there are none",
    r"redis_(pubsub|pubsubshard|number_of_|functions?|libraries|scripts?|vm_).*": "no publishing and no scripts yet",
    r"redis_(tracking|migrate_cached|slave_expires|expire|expired|unexpected|dump_payload|eviction|evicted|total_evict|total_system).*":
        "no such mechanism here, or another",
    r"redis_(replica|repl_|replication|second_repl|master|slave|sync|connected_slave).*": "without cluster-enabled there is no replication",
    r"redis_(cpu|process|instance_info|client_recent|clients_in|blocked|net_repl|total_net_repl).*": "named in # Dpdk by lcore, or not told",
}


class Exporter:
    def __init__(self, target, port):
        self.url = f"http://127.0.0.1:{port}/metrics"
        self.process = subprocess.Popen([EXPORTER, "-redis.addr", f"redis://{target}", "-web.listen-address", f"127.0.0.1:{port}"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def scrape(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                text = urllib.request.urlopen(self.url, timeout=10).read().decode()
                if "redis_up 1" in text:
                    return {m.group(1): m.group(2) for m in re.finditer(r"^(redis_\w+)(?:\{[^}]*\})? (\S+)$", text, re.M)}
            except OSError:
                pass
            check(time.monotonic() < deadline, f"{self.url} does not say redis_up 1")
            time.sleep(0.1)

    def close(self):
        self.process.terminate()
        self.process.wait(10)


def scrape(target, port):
    exporter = Exporter(target, port)
    try:
        return exporter.scrape()
    finally:
        exporter.close()


def main():
    if shutil.which(EXPORTER) is None:
        print(f"skipped: {EXPORTER} is missing: scripts/install-deps")
        sys.exit(77)
    with Lab() as lab, tempfile.TemporaryDirectory(prefix="pollis-exporter") as folder:
        stock = RedisServer(folder)
        with stock:
            for port, host in ((PORT, NODE_IP), (stock.port, "127.0.0.1")):
                for args in (["SET", "k", "v"], ["GET", "k"], ["NOSUCH"]):
                    subprocess.run(["redis-cli", "-h", host, "-p", str(port), *args], capture_output=True, check=False, timeout=10)
            ours, theirs = scrape(f"{NODE_IP}:{PORT}", 9121), scrape(f"127.0.0.1:{stock.port}", 9122)
    missing = [name for name in sorted(set(theirs) - set(ours)) if not any(re.fullmatch(p, name) for p in MISSING)]
    check(not missing, f"metrics that a stock node has and we have not, without a reason: {missing}")
    for name in ("redis_commands_processed_total", "redis_connected_clients", "redis_keyspace_hits_total", "redis_commands_total",
                 "redis_db_keys", "redis_uptime_in_seconds", "redis_net_input_bytes_total", "redis_errors_total"):
        check(name in ours, f"{name} is missing")
    check(float(ours["redis_db_keys"]) >= 0 and float(ours["redis_commands_processed_total"]) > 0, "figures are missing")
    print(f"{len(set(ours) & set(theirs))} metrics as from redis-server, {len(set(theirs) - set(ours))} missing with a reason, "
          f"{len(set(ours) - set(theirs))} more")


main()
