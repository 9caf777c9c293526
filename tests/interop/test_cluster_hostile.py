"""Bytes on the bus port that no peer would send: each ends its link or is dropped under its own name, and the node goes on."""
import ctypes
import os
import socket
import struct

from cluster_lab import NET, ClusterLab
from lab import CLONE_NEWNET, check

HEAD = 2256
PING, UPDATE = 0, 7
FRAME_MAX = HEAD + 104 * 65535 + (1 << 20)


def head(kind=PING, length=HEAD, version=1, count=0, message_flags=0, extensions=0, sender=b"a" * 40):
    """A header as spec B1 lays it out, of a node that nobody knows."""
    frame = bytearray(HEAD)
    struct.pack_into(">4sIHHHH", frame, 0, b"RCmb", length, version, 6379, kind, count)
    frame[40:80] = sender
    struct.pack_into(">H", frame, 2214, extensions)
    struct.pack_into(">HHBB", frame, 2248, 16379, 1, 0, message_flags)
    return bytes(frame)


def dial():
    return socket.create_connection((f"{NET}.11", 16379), timeout=5)


def closes(data):
    """The node ends the connection."""
    with dial() as s:
        s.sendall(data)
        try:
            return s.recv(100) == b""
        except ConnectionResetError:
            return True


def read_frame(s):
    data = b""
    while len(data) < 8 or len(data) < struct.unpack_from(">I", data, 4)[0]:
        more = s.recv(65536)
        check(more != b"", "the link closed before the answer")
        data += more
    return data


def answers(data, pieces=1):
    """The node answers with a PONG: it took the frame. pieces: sent in so many."""
    with dial() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        step = -(-len(data) // pieces)
        for at in range(0, len(data), step):
            s.sendall(data[at:at + step])
        return struct.unpack_from(">H", read_frame(s), 12)[0] == 1


def dropped(data):
    """The frame is passed over: a whole PING behind it is answered."""
    return answers(data + head())


with ClusterLab(1) as lab:
    fd = os.open(f"/var/run/netns/{lab.name}", os.O_RDONLY)
    check(ctypes.CDLL(None).setns(fd, CLONE_NEWNET) == 0, "setns failed: root is needed")
    os.close(fd)
    CASES = [
        ("bus_frames_bad_signature", closes, b"GET / HTTP/1.1\r\n\r\n"),
        ("bus_frames_bad_length", closes, head(length=HEAD - 1)),
        ("bus_frames_bad_length", closes, head(length=0)),
        ("bus_frames_too_long", closes, head(length=FRAME_MAX + 1)),
        ("bus_frames_too_long", closes, head(length=0xffffffff)),
        ("bus_frames_drop_version", dropped, head(version=2)),
        ("bus_frames_drop_length", dropped, head(count=3)),
        ("bus_frames_drop_length", dropped, head(kind=UPDATE)),
        ("bus_frames_drop_count", dropped, head(count=5000, length=HEAD + 5000 * 104) + bytes(5000 * 104)),
        ("bus_frames_drop_extension", dropped, head(message_flags=4, extensions=1, length=HEAD + 16) + struct.pack(">IHH", 0, 0, 0) + bytes(8)),
    ]
    for name, happens, data in CASES:
        before = lab.counters(1)[name]
        check(happens(data), f"{name}: {happens.__name__} did not happen")
        check(lab.counters(1)[name] == before + 1, f"{name} counts {lab.counters(1)[name] - before}")
    # One frame in any number of pieces, several frames in one piece, a part of one and then silence.
    for pieces in (2, 3, 16, 200):
        check(answers(head(), pieces), f"a frame in {pieces} pieces")
    with dial() as s:
        s.sendall(head() * 5)
        got = b""
        while len(got) < 5 * HEAD:
            got += s.recv(65536)
    for size in (1, 7, 8, 15, 16, 17, HEAD - 1):
        with dial() as s:
            s.sendall(head()[:size])
    big = head(count=0, length=FRAME_MAX)
    stuck = [dial() for _ in range(20)]
    for s in stuck:
        s.sendall(big)  # promises 8 MB: not more than so many are believed at once
    lab.wait(lambda: lab.counters(1)["bus_end_collect"] >= 10, "unfinished frames are bounded", 10)
    for s in stuck:
        s.close()
    lab.wait(lambda: lab.counters(1)["bus_links"] == 0, "every link is gone", 10)
    check(len(lab.nodes(1)) == 1, "nobody became known")
    check(answers(head()), "the node goes on")
    check(lab.cli(1, "PING") == "PONG", "and serves")
    print(f"hostile bus: {len(CASES)} kinds of frames, each under its own name; unfinished ones bounded")
