"""A Redis connection that keeps every reply as the bytes it came in."""
import socket


class Closed(Exception):
    """The server closed the connection."""


def request(args):
    """One command as an array of bulk strings."""
    return b"*%d\r\n" % len(args) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a) for a in args)


class Wire:
    def __init__(self, address, timeout=20):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.at = 0

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def reply(self):
        """The next whole reply, raw."""
        del self.buffer[:self.at]
        self.at = 0
        self.skip_value()
        return bytes(self.buffer[:self.at])

    def call(self, *args):
        self.send(request(args))
        return self.reply()

    def until_silence(self, seconds):
        """(all bytes until nothing comes for so long, whether the server closed)"""
        self.socket.settimeout(seconds)
        out = bytearray()
        while True:
            try:
                more = self.socket.recv(1 << 16)
            except socket.timeout:
                return bytes(out), False
            except ConnectionResetError:
                return bytes(out), True
            if not more:
                return bytes(out), True
            out += more

    def need(self, end):
        while len(self.buffer) < end:
            more = self.socket.recv(1 << 18)
            if not more:
                raise Closed(bytes(self.buffer[:200]))
            self.buffer += more

    def line(self):
        while (end := self.buffer.find(b"\r\n", self.at)) < 0:
            self.need(len(self.buffer) + 1)
        line = bytes(self.buffer[self.at:end])
        self.at = end + 2
        return line

    def skip_value(self):
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind in b"$=!" and int(rest) >= 0:
            self.need(self.at + int(rest) + 2)
            self.at += int(rest) + 2
        elif kind in b"*~>%|":
            for _ in range(max(int(rest), 0) * (2 if kind in b"%|" else 1)):
                self.skip_value()
            if kind == b"|":  # attributes come before the value they belong to
                self.skip_value()
        elif kind not in b"+-:_,#($=!":
            raise ValueError(f"no reply begins so: {line[:80]!r}")


def parse(raw):
    """(kind, value) of a raw reply: bytes, an int, None, or a list of these."""
    value, at = parse_at(raw, 0)
    if at != len(raw):
        raise ValueError("more than one reply")
    return value


def parse_at(raw, at):
    end = raw.index(b"\r\n", at)
    kind, rest = chr(raw[at]), raw[at + 1:end]
    at = end + 2
    if kind in "$=!" and int(rest) >= 0:
        return (kind, raw[at:at + int(rest)]), at + int(rest) + 2
    if kind in "*~>%" and int(rest) >= 0:
        items = []
        for _ in range(int(rest) * (2 if kind == "%" else 1)):
            item, at = parse_at(raw, at)
            items.append(item)
        return (kind, items), at
    if kind == "_" or (kind in "$*" and rest == b"-1"):
        return ("_", None), at
    return (kind, int(rest) if kind == ":" else rest), at
