"""The stock redis-benchmark, from one connection to a thousand and from no pipelining to 100 deep: no error, no stall."""
import subprocess

from lab import NODE_IP, Lab, check

# connections, pipeline, requests
SHAPES = [(1, 1, 500), (1, 16, 8000), (1, 100, 20000), (50, 1, 5000), (50, 16, 20000), (50, 100, 50000), (1000, 1, 5000), (1000, 16, 32000),
          (1000, 100, 100000)]
STALL_MS = 10000  # 100,000 requests in flight take some seconds on a busy machine; a stall ends in a timeout of ours

with Lab() as lab:
    for clients, pipeline, requests in SHAPES:
        out = subprocess.run(
            ["redis-benchmark", "-h", NODE_IP, "-t", "ping,set,get,incr,mset", "-c", str(clients), "-P", str(pipeline),
             "-n", str(requests), "-q", "--csv"], check=True, capture_output=True, text=True, timeout=120)
        text = out.stdout + out.stderr
        check("rror" not in text, text)
        rows = [line for line in out.stdout.splitlines() if line.startswith('"') and "test" not in line.split(",")[0]]
        check(len(rows) == 6, f"{len(rows)} of 6 tests at -c {clients} -P {pipeline}: {text}")
        longest = max(float(line.rsplit(",", 1)[1].strip('"')) for line in rows)
        check(longest < STALL_MS, f"{longest} ms at -c {clients} -P {pipeline}: {text}")
    check(lab.alive(), "the node ended")
    drops = {k: v for k, v in lab.dpdk().items() if v and (k.startswith("drop_ip") or "checksum" in k)}
    check(not drops, f"frames of a well-behaved peer were dropped: {drops}")
    print(f"redis-benchmark: {len(SHAPES)} shapes, no error")
