"""What operators do to clients and to the configuration, over all data lcores: CLIENT PAUSE, KILL, LIST, UNBLOCK, LATENCY, ACL.

Connections land on whichever lcore the flow belongs to, so each check uses enough of them to meet every one.
"""
import os
import tempfile
import threading
import time

import redis

from lab import Lab, check

CLIENTS = 12
PAUSE_MS = 400


def every(clients, *command):
    return [c.execute_command(*command) for c in clients]


def timed(client, out, *command):
    start = time.monotonic()
    out.append((client.execute_command(*command), time.monotonic() - start))


def all_at_once(clients, *command):
    out, threads = [], []
    for client in clients:
        threads.append(threading.Thread(target=timed, args=(client, out, *command)))
        threads[-1].start()
    for t in threads:
        t.join(20)
    check(len(out) == len(clients), f"{command}: only {len(out)} of {len(clients)} were answered")
    return out


def check_pause(lab, clients):
    every(clients, "SET", "k", "old")
    clients[0].execute_command("CLIENT", "PAUSE", PAUSE_MS, "WRITE")
    check(all(took < PAUSE_MS / 2000 for _, took in all_at_once(clients, "GET", "k")), "reads wait though only writes are paused")
    writes = all_at_once(clients, "SET", "k", "new")
    check(all(took > PAUSE_MS / 4000 for _, took in writes), f"a write was let through: {writes}")
    # Of more than one slot, and of all lcores: neither slips through at the barrier.
    clients[0].execute_command("CLIENT", "PAUSE", PAUSE_MS, "WRITE")
    check(all(took > PAUSE_MS / 4000 for _, took in all_at_once(clients[:4], "MSET", *(f"m{i}" for i in range(20)))), "MSET slipped through")
    clients[0].execute_command("CLIENT", "PAUSE", PAUSE_MS)
    check(all(took > PAUSE_MS / 4000 for _, took in all_at_once(clients, "PING")), "PING was answered though all is paused")
    # UNPAUSE ends it at once, for everybody.
    clients[0].execute_command("CLIENT", "PAUSE", 20000, "WRITE")
    out = []
    waiting = threading.Thread(target=lambda: out.extend(all_at_once(clients[1:], "SET", "k", "last")))
    waiting.start()
    time.sleep(0.3)
    check(not out, "a write was not paused")
    clients[0].execute_command("CLIENT", "UNPAUSE")
    waiting.join(5)
    check(len(out) == len(clients) - 1 and clients[0].get("k") == b"last", "UNPAUSE did not wake everybody")
    # Pipelined behind what waits: in order.
    pipe = clients[1].pipeline(transaction=False)
    clients[0].execute_command("CLIENT", "PAUSE", 200, "WRITE")
    check(pipe.set("p", "1").get("p").incr("p").get("p").execute() == [True, b"1", 2, b"2"], "a paused pipeline lost its order")
    check(lab.alive(), "the node is gone")


def check_kill(lab, clients):
    rows = clients[0].client_list()
    check(len(rows) == CLIENTS, f"CLIENT LIST shows {len(rows)} of {CLIENTS}")
    ids = [c.client_id() for c in clients]
    check(len(set(ids)) == CLIENTS and {int(r["id"]) for r in rows} == set(ids), "ids are not unique, or not those listed")
    text = clients[0].execute_command("CLIENT", "LIST", "ID", *ids[:3])
    shown = text if isinstance(text, list) else text.decode().splitlines()
    check(len(shown) == 3, f"LIST ID: {shown}")
    check(not clients[0].execute_command("CLIENT", "LIST", "TYPE", "replica"), "LIST TYPE replica shows normal clients")
    check(clients[0].execute_command("CLIENT", "KILL", "TYPE", "replica") == 0, "KILL TYPE replica killed somebody")
    check(clients[0].execute_command("CLIENT", "KILL", "ID", ids[-1]) == 1, "KILL ID")
    address = next(r["addr"] for r in rows if int(r["id"]) == ids[-2])
    check(clients[0].execute_command("CLIENT", "KILL", "ADDR", address, "ID", ids[-2]) == 1, "KILL ADDR and ID")
    check(clients[0].execute_command("CLIENT", "KILL", "ADDR", address) == 0, "KILL ADDR of one that is gone")
    check(clients[0].execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") == CLIENTS - 3, "KILL TYPE normal")
    deadline = time.monotonic() + 3
    while len(clients[0].client_list()) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    check(len(clients[0].client_list()) == 1, "who was killed is still there")


def check_wait(lab, client):
    """WAIT with no replica waits for its timeout: UNBLOCK ends it, as a timeout or as an error."""
    for word, expected in (("TIMEOUT", 0), ("ERROR", "UNBLOCKED client unblocked via CLIENT UNBLOCK")):
        other, out = lab.redis(), []

        def wait(other=other, out=out):
            try:
                out.append(other.execute_command("WAIT", 1, 30000))
            except redis.ResponseError as e:
                out.append(str(e))
        who = other.client_id()
        thread = threading.Thread(target=wait)
        thread.start()
        deadline = time.monotonic() + 5
        while client.info("clients")["blocked_clients"] == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        check(client.execute_command("CLIENT", "UNBLOCK", who, word) == 1, "UNBLOCK found nobody")
        thread.join(5)
        check(out == [expected], f"WAIT after UNBLOCK {word}: {out}")
        check(client.execute_command("CLIENT", "UNBLOCK", who) == 0, "UNBLOCK twice")
        check(client.info("clients")["blocked_clients"] == 0, "blocked_clients stays")
        other.close()


def check_latency(client):
    check(client.execute_command("LATENCY", "LATEST") == [], "something was sampled though nothing is monitored")
    client.config_set("latency-monitor-threshold", 30)
    client.execute_command("DEBUG", "SLEEP", "0.05")
    latest = client.execute_command("LATENCY", "LATEST")
    check(len(latest) == 1 and latest[0][0] == b"command" and 50 <= latest[0][2] <= latest[0][3], f"LATENCY LATEST: {latest}")
    check(client.execute_command("LATENCY", "HISTORY", "command")[-1][1] >= 50, "LATENCY HISTORY")
    stats = client.execute_command("INFO", "latencystats")
    debug = stats.get("latency_percentiles_usec_debug") if isinstance(stats, dict) else None
    check(debug and float(debug["p50"]) >= 50000, f"latencystats: {stats}")
    check(client.execute_command("LATENCY", "RESET") == 1 and client.execute_command("LATENCY", "LATEST") == [], "LATENCY RESET")


def check_rewrite():
    """The file keeps comments and order; what was set is written, behind CONFIG SET on another connection, too."""
    with tempfile.TemporaryDirectory(prefix="pollis-admin") as folder:
        path = f"{folder}/node.conf"
        with open(path, "w", encoding="ascii") as f:
            f.write("# ours, to stay\nmaxclients 500\n\nhz 10 \n# end\n")
        with Lab("--config", path) as lab:
            clients = [lab.redis() for _ in range(6)]
            clients[0].config_set("hz", 50)
            clients[1].config_set("slowlog-max-len", 7)
            check(all(c.execute_command("CONFIG", "REWRITE") for c in clients), "CONFIG REWRITE")
            # In one pipeline: what was set just before is in the file when the reply is here.
            for i in range(5):
                pipe = clients[i].pipeline(transaction=False)
                pipe.execute_command("CONFIG", "SET", "timeout", 1000 + i)
                pipe.execute_command("CONFIG", "REWRITE")
                pipe.execute_command("PING")
                check(pipe.execute()[2], "the pipeline behind CONFIG REWRITE")
                with open(path, encoding="ascii") as f:
                    text = f.read()
                check(f'timeout "{1000 + i}"' in text, f"the last CONFIG SET is not in the file: {text}")
            check(text.startswith('# ours, to stay\nmaxclients "500"\n\nhz "50"\n# end\n'), f"comments or order are lost: {text}")
            check(text.count("# Generated by CONFIG REWRITE") == 1 and 'slowlog-max-len "7"' in text, text)
            check(os.listdir(folder) == ["node.conf"], f"temporary files are left: {os.listdir(folder)}")
            check(clients[0].info("server")["config_file"] == path, "INFO config_file")
            os.rename(folder, folder + "-gone")
            try:
                clients[0].execute_command("CONFIG", "REWRITE")
                check(False, "CONFIG REWRITE into a folder that is gone is OK")
            except redis.ResponseError as e:
                check(str(e).startswith("Rewriting config file: No such file"), str(e))
            finally:
                os.rename(folder + "-gone", folder)
        with Lab("--config", path) as lab:
            check(lab.redis().config_get("hz") == {"hz": "50"}, "the node does not read what it wrote")


def main():
    with Lab("--enable-debug-command", "yes") as lab:
        clients = [lab.redis() for _ in range(CLIENTS)]
        every(clients, "PING")
        check_pause(lab, clients)
        check_latency(clients[0])
        check_kill(lab, clients)
    nodes = f"nodes-admin{os.getpid()}.conf"
    with Lab("--cluster-enabled", "yes", "--dir", "/tmp", "--cluster-config-file", nodes) as lab:
        check_wait(lab, lab.redis())
    os.unlink(f"/tmp/{nodes}")
    check_rewrite()
    print("pause, kill, unblock, latency and rewriting hold over all lcores")


main()
