"""Ethernet, ARP, IPv4, ICMP and TCP frames as bytes, right or wrong as asked. For test_hostile.py; knows no socket."""
import socket
import struct

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ICMP, TCP, UDP = 1, 6, 17


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ether(destination, source, kind, payload):
    return destination + source + struct.pack("!H", kind) + payload


def arp(operation, sender_mac, sender, target_mac, target, hardware=1):
    return struct.pack("!HHBBH6s4s6s4s", hardware, 0x800, 6, 4, operation, sender_mac, socket.inet_aton(sender), target_mac,
                       socket.inet_aton(target))


def ipv4(source, destination, protocol, payload, *, options=b"", version=4, ihl=None, length=None, fragment=0, wrong_sum=False):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | ihl, 0, length, 0, fragment, 64, protocol, 0, socket.inet_aton(source),
                       socket.inet_aton(destination)) + options
    value = checksum(head) ^ (0x5555 if wrong_sum else 0)
    return head[:10] + struct.pack("!H", value) + head[12:] + payload


def tcp(source, destination, ports, flags, *, seq=0, ack=0, window=1000, options=b"", offset=None, data=b"", wrong_sum=False):
    """source, destination: addresses of the pseudo header."""
    offset = 5 + len(options) // 4 if offset is None else offset
    head = struct.pack("!HHIIBBHHH", *ports, seq & 0xffffffff, ack & 0xffffffff, offset << 4, flags, window, 0, 0) + options + data
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, TCP, len(head))
    value = checksum(pseudo + head) ^ (0x5555 if wrong_sum else 0)
    return head[:16] + struct.pack("!H", value) + head[18:]


def icmp(kind, code, rest=b"\0\0\0\0", data=b"", wrong_sum=False):
    message = struct.pack("!BBH", kind, code, 0) + rest + data
    value = checksum(message) ^ (0x5555 if wrong_sum else 0)
    return message[:2] + struct.pack("!H", value) + message[4:]
