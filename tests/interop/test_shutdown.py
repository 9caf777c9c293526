"""SIGTERM and SHUTDOWN: every connection gets a FIN, nothing is reset, exit status 0."""
import signal
import socket

from lab import NODE_IP, PORT, Lab, check


def connections(count):
    out = []
    for _ in range(count):
        s = socket.create_connection((NODE_IP, PORT), timeout=5)
        s.sendall(b"PING\r\n")
        check(s.recv(100) == b"+PONG\r\n", "PING")
        out.append(s)
    return out


with Lab() as lab:
    clients = connections(100)
    lab.node.send_signal(signal.SIGTERM)
    for s in clients:
        check(s.recv(100) == b"", "FIN, not data")
        s.close()
    check(lab.node.wait(timeout=10) == 0, f"exit status {lab.node.returncode}: {lab.log()}")
    lab.start()
    clients = connections(3)
    clients[0].sendall(b"SHUTDOWN NOSAVE\r\n")
    for s in clients:
        check(s.recv(100) == b"", "FIN, not data")
        s.close()
    check(lab.node.wait(timeout=10) == 0, f"exit status {lab.node.returncode}: {lab.log()}")
    print("shutdown: 103 connections closed in order")
