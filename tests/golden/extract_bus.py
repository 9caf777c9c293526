#!/usr/bin/python3
"""extract_bus - cluster bus frames out of a capture of stock nodes.

usage: tests/golden/extract_bus.py [--all] [--ports FIRST-LAST] CAPTURE OUT

CAPTURE is a pcap file (Ethernet, IPv4), plain or .xz. Both directions of every TCP connection with a port of the range (27201-27206) are
put together by sequence number; frames follow one another in them, each with its length in bytes 4 to 7. OUT gets frames one after
another, as a stream would have them: with --all every one, else the first of each kind, where a kind is what makes a reader take another
path: type, flags, state, which texts and epochs are there, which flags the gossip has, which extensions. Prints how many there
were of each type, and how many kinds.

A stream ends where bytes are missing from the capture; how often that happened is printed too. The output depends on the capture alone.
"""
import argparse
import collections
import lzma
import struct
import sys

HEAD, GOSSIP = 2256, 104
TYPES = ["ping", "pong", "meet", "fail", "publish", "auth-req", "auth-ack", "update", "mfstart", "module", "publishshard"]
FIN, SYN = 1, 2


def packets(data):
    """Bytes of every Ethernet frame."""
    magic = struct.unpack_from("<I", data)[0]
    order = "<" if magic in (0xA1B2C3D4, 0xA1B23C4D) else ">"
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def segments(data, first, last):
    """(direction, sequence number, flags, payload) of every TCP segment with a port from first to last."""
    for packet in packets(data):
        if packet[12:14] != b"\x08\x00" or packet[23] != 6:
            continue
        ip = packet[14:14 + struct.unpack_from(">H", packet, 16)[0]]
        tcp = ip[(ip[0] & 15) * 4:]
        source, target, seq = struct.unpack_from(">HHI", tcp)
        if first <= source <= last or first <= target <= last:
            yield (ip[12:20], source, target), seq, tcp[13], tcp[(tcp[12] >> 4) * 4:]


class Stream:
    """One direction of one connection."""

    def __init__(self, seq):
        self.next, self.early, self.bytes = seq, {}, bytearray()

    def add(self, seq, payload):
        self.early[seq] = max(payload, self.early.get(seq, b""), key=len)
        for at in sorted(self.early, key=lambda s: (s - self.next + 2**31) % 2**32):
            skip = (self.next - at) % 2**32
            if skip >= 2**31:
                break
            fresh = self.early.pop(at)[skip:]
            self.bytes += fresh
            self.next = (self.next + len(fresh)) % 2**32

    def frames(self):
        at = 0
        while at + 8 <= len(self.bytes):
            length = struct.unpack_from(">I", self.bytes, at + 4)[0]
            if self.bytes[at:at + 4] != b"RCmb" or length < 16:
                sys.exit(f"extract_bus: not a frame at byte {at} of a stream")
            if at + length > len(self.bytes):
                break
            yield bytes(self.bytes[at:at + length])
            at += length


def streams(data, first, last):
    """Every stream, in the order of their SYN; of those that began before the capture nothing is known."""
    open_, all_ = {}, []
    for key, seq, flags, payload in segments(data, first, last):
        if flags & SYN:
            if key in open_ and open_[key].next == (seq + 1) % 2**32:
                continue
            open_[key] = Stream((seq + 1) % 2**32)
            all_.append(open_[key])
        elif payload and key in open_:
            open_[key].add(seq, payload)
    return all_


def extensions(frame, at):
    while at + 8 <= len(frame):
        length, kind = struct.unpack_from(">IH", frame, at)
        yield kind, length
        at += max(length, 8)


def kind(frame):
    type_, count = struct.unpack_from(">HH", frame, 12)
    if type_ & 0x8000:
        return (type_,)
    flags = struct.unpack_from(">H", frame, 2250)[0]
    key = [type_, flags, frame[2252], frame[2253], frame[2128] != 0, frame[2168] != 0, any(frame[32:40]), any(frame[80:2128]),
           struct.unpack_from(">H", frame, 2214)[0]]
    if type_ <= 2:
        key.append(frozenset(struct.unpack_from(">H", frame, HEAD + GOSSIP * i + 98)[0] for i in range(count)))
        key.append(tuple(extensions(frame, HEAD + GOSSIP * count)))
    return tuple(key)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n")[2].removeprefix("usage: "))
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--ports", default="27201-27206")
    parser.add_argument("capture")
    parser.add_argument("out")
    args = parser.parse_args()
    first, last = (int(port) for port in args.ports.split("-"))
    opener = lzma.open if args.capture.endswith(".xz") else open
    with opener(args.capture, "rb") as file:
        found = streams(file.read(), first, last)
    seen, counts = set(), collections.Counter()
    with open(args.out, "wb") as out:
        for stream in found:
            for frame in stream.frames():
                type_ = struct.unpack_from(">H", frame, 12)[0]
                name = TYPES[type_ & 0x7FFF] if type_ & 0x7FFF < len(TYPES) else str(type_ & 0x7FFF)
                counts[name + (" (light)" if type_ & 0x8000 else "")] += 1
                key = kind(frame)
                if args.all or key not in seen:
                    out.write(frame)
                seen.add(key)
        print(f"{args.capture}: {len(found)} streams, {sum(1 for s in found if s.early)} with bytes missing, "
              f"{sum(counts.values())} frames of {len(seen)} kinds, {out.tell()} bytes written")
    print("  " + ", ".join(f"{name} {n}" for name, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
