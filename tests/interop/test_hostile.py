"""Hostile frames on the live tap: each is dropped under its own name and nothing else is, and service goes on.

    this test --AF_PACKET--> tap --> node          a client of the kernel's, connected all the time, asks after every case

What INFO's Dpdk section counts must rise by exactly the frames sent, and no other drop may. Frames into the live connection carry its true
sequence numbers, overheard on the tap: worse than any blind attacker can do.
"""
import random
import socket
import struct
import time

from frames import ACK, FIN, ICMP, PSH, RST, SYN, TCP, UDP, URG, arp, ether, icmp, ipv4, mac, tcp
from lab import KERNEL_IP, NODE_IP, PORT, Lab, check, run

EVIL = mac("02:66:66:66:66:66")
EVERYBODY = b"\xff" * 6
NOBODY = b"\0" * 6
IPV4, ARP = 0x800, 0x806
REPEAT = 3
SETTLE_SECONDS = 3
NOISE_FRAMES = 3000
ECHO_FRAMES = 3000
TX_LEFT_MAX = 8  # frames that the driver has sent and not given back yet


def quiet_namespace():
    """No IPv6 chatter between the counters."""
    for device in ("all", "default", "dtap0"):
        try:
            with open(f"/proc/sys/net/ipv6/conf/{device}/disable_ipv6", "w", encoding="utf-8") as f:
                f.write("1")
        except FileNotFoundError:
            pass


class Attack:
    def __init__(self, lab):
        self.lab = lab
        self.timestamps(False)  # forged segments then need only the right numbers; what timestamps add: tests/pkt/timestamps.pkt
        self.client = socket.create_connection((NODE_IP, PORT), timeout=5)
        self.timestamps(True)
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(IPV4))
        self.raw.bind(("dtap0", IPV4))
        self.raw.settimeout(2)
        neighbours = run("ip", "neigh", "show", NODE_IP).stdout.split()
        self.node = mac(neighbours[neighbours.index("lladdr") + 1])
        self.cases = 0

    @staticmethod
    def timestamps(wanted):
        """Does the kernel, in this namespace, offer them?"""
        with open("/proc/sys/net/ipv4/tcp_timestamps", "w", encoding="utf-8") as f:
            f.write(str(int(wanted)))

    def ask(self, timeout=5):
        """The old connection and a new one are served."""
        self.client.settimeout(timeout)
        self.client.sendall(b"PING\r\n")
        check(self.client.recv(100) == b"+PONG\r\n", "the connection that lives through all this")
        with socket.create_connection((NODE_IP, PORT), timeout=timeout) as other:
            other.sendall(b"PING\r\n")
            check(other.recv(100) == b"+PONG\r\n", "a new connection")

    def counters(self):
        """What should not rise by itself: drops, ICMP, conflicts, resets sent."""
        return {k: v for k, v in self.lab.dpdk().items()
                if k.startswith(("drop_", "icmp_", "arp_conflicts", "no_listener")) or k == "resets_sent"}

    def expect(self, name, *frames, also=()):
        """Each frame, REPEAT times, raises this counter and no other (but those of also)."""
        before = self.counters()
        check(name in before, f"INFO dpdk has no {name}")
        for frame in frames * REPEAT:
            self.raw.send(frame)
        wanted = before[name] + REPEAT * len(frames)
        deadline = time.monotonic() + SETTLE_SECONDS
        while (after := self.counters())[name] < wanted and time.monotonic() < deadline:
            time.sleep(0.02)
        rose = {k: after[k] - before[k] for k in after if after[k] != before[k] and k not in also}
        check(rose == {name: REPEAT * len(frames)}, f"{REPEAT * len(frames)} frames for {name}, but {rose}")
        self.ask()
        self.cases += len(frames)

    def ip(self, payload, protocol=TCP, source=KERNEL_IP, destination=NODE_IP, to=None, **wrong):
        return ether(to or self.node, EVIL, IPV4, ipv4(source, destination, protocol, payload, **wrong))

    def segment(self, flags=SYN, source=KERNEL_IP, destination=NODE_IP, ports=(4444, PORT), ip=(), to=None, **fields):
        return self.ip(tcp(source, destination, ports, flags, **fields), TCP, source, destination, to, **dict(ip))

    def arp(self, *fields, to=None, **wrong):
        return ether(to or self.node, EVIL, ARP, arp(*fields, **wrong))

    def overhear(self):
        """(what the client sends next, what it has acknowledged) of the live connection."""
        port = self.client.getsockname()[1]
        while True:  # what earlier cases left
            try:
                self.raw.settimeout(0.05)
                self.raw.recv(2000)
            except socket.timeout:
                break
        self.raw.settimeout(2)
        self.client.sendall(b"PING\r\n")
        check(self.client.recv(100) == b"+PONG\r\n", "PING")
        while True: # node -> client, after which both are quiet
            frame = self.raw.recv(2000)
            ports = struct.unpack("!HH", frame[34:38])
            seq, ack = struct.unpack("!II", frame[38:46])
            size = struct.unpack("!H", frame[16:18])[0] - 20 - (frame[46] >> 4) * 4
            if ports == (PORT, port) and size > 0:
                return ack, seq + size


def ethernet(a):
    good = tcp(KERNEL_IP, NODE_IP, (4444, PORT), SYN)
    a.expect("drop_short", ether(a.node, EVIL, IPV4, b""), ether(a.node, EVIL, IPV4, b"\x45" * 19), ether(a.node, EVIL, ARP, b"\0" * 20))
    a.expect("drop_llc", ether(a.node, EVIL, 0x100, b"x" * 60))
    a.expect("drop_ethertype", ether(a.node, EVIL, 0x86dd, b"x" * 60), ether(EVERYBODY, EVIL, 0x88cc, b"x" * 60), ether(a.node, EVIL, 0x8100, b"x" * 60))
    a.expect("drop_ether_dest", a.ip(good, to=mac("02:11:22:33:44:55")))
    a.expect("drop_bad_arp", a.arp(1, EVIL, KERNEL_IP, NOBODY, NODE_IP, hardware=2), a.arp(9, EVIL, KERNEL_IP, NOBODY, NODE_IP),
             a.arp(2, mac("03:00:00:00:00:01"), KERNEL_IP, a.node, NODE_IP))


def ip_headers(a):
    good = tcp(KERNEL_IP, NODE_IP, (4444, PORT), SYN)
    a.expect("drop_ip_version", a.ip(good, version=5), a.ip(good, version=0))
    a.expect("drop_ip_header", a.ip(good, ihl=4), a.ip(good, ihl=0), a.ip(good, length=19), a.ip(good, length=0), a.ip(good, length=1000),
             a.ip(good, length=65535), a.ip(good, ihl=15, length=59))
    a.expect("drop_ip_checksum", a.ip(good, wrong_sum=True), a.ip(b"x" * 1000, protocol=UDP, wrong_sum=True))
    a.expect("drop_short", a.ip(b"", length=20), a.ip(good[:19]), a.ip(b"x"))
    a.expect("drop_ip_dest", a.segment(destination="10.77.0.99"), a.segment(destination="8.8.8.8"))
    a.expect("drop_ip_source", *(a.segment(source=s) for s in ("127.0.0.1", "0.0.0.0", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255", "10.77.0.255")))
    a.expect("drop_ip_land", a.segment(source=NODE_IP, ports=(PORT, PORT)), a.segment(source=NODE_IP), a.ip(icmp(8, 0), ICMP, NODE_IP))
    # Loose and strict source route; an option of length 0, 1, and one that runs past the header.
    a.expect("drop_ip_options", *(a.ip(good, options=o) for o in (b"\x83\x07\x04\x01\x02\x03\x04\x00", b"\x89\x03\x04\x00", b"\x07\x00\x00\x00", b"\x07\x01\x00\x00", b"\x07\x28\x00\x00", b"\x01\x01\x01\x07")))
    a.expect("drop_ip_fragment", a.ip(good, fragment=0x2000), a.ip(good, fragment=1), a.ip(icmp(8, 0, data=b"x" * 100), ICMP, fragment=0x2005))
    a.expect("drop_ip_protocol", a.ip(b"x" * 20, UDP), a.ip(b"x" * 20, 255), a.ip(b"x" * 20, 0), a.ip(b"x" * 20, 41))
    a.expect("drop_broadcast", a.segment(destination="10.77.0.255"), a.segment(destination="224.0.0.1"), a.segment(destination="255.255.255.255"),
             a.segment(to=EVERYBODY), a.segment(to=mac("01:00:5e:00:00:01")))


def tcp_headers(a):
    a.expect("drop_tcp_header", *(a.segment(offset=o) for o in (0, 4, 6, 15)))
    a.expect("drop_tcp_checksum", a.segment(wrong_sum=True), a.segment(ACK, data=b"FLUSHALL\r\n", wrong_sum=True), a.segment(RST, wrong_sum=True))
    a.expect("drop_tcp_options", *(a.segment(options=o) for o in (b"\x02\x00\x05\xb4", b"\x02\x01\x05\xb4", b"\x02\x28\x05\xb4", b"\x01\x01\x01\x02", b"\xfd\x00\x00\x00")))
    a.expect("drop_tcp_port", a.segment(ports=(0, PORT)), a.segment(ports=(4444, 0)))
    # To the listener: no flags, all but ACK, FIN alone, SYN with RST, data alone.
    a.expect("drop_tcp_closed", a.segment(0), a.segment(FIN | URG | PSH), a.segment(FIN), a.segment(SYN | RST), a.segment(PSH, data=b"PING\r\n"))
    a.expect("no_listener", a.segment(ports=(4444, 9)), also=["resets_sent"])  # closed port: RST
    a.expect("resets_sent", a.segment(ACK, ack=12345))  # no such connection: RST
    a.expect("resets_sent", a.segment(SYN | ACK, ack=12345), a.segment(FIN | ACK, ack=1))


def connection(a):
    """Into the live connection, with its own numbers."""
    ports = (a.client.getsockname()[1], PORT)

    def into(name, make, **options):
        seq, ack = a.overhear()
        a.expect(name, make(seq, ack), **options)

    into("drop_tcp_seq", lambda s, k: a.segment(RST, ports=ports, seq=s - 1000))
    into("drop_tcp_seq", lambda s, k: a.segment(RST, ports=ports, seq=s + (1 << 30)))
    into("drop_tcp_seq", lambda s, k: a.segment(ACK | PSH, ports=ports, seq=s + (1 << 30), ack=k, data=b"FLUSHALL\r\n"))
    into("drop_tcp_rst_seq", lambda s, k: a.segment(RST, ports=ports, seq=s + 1))
    into("drop_tcp_rst_seq", lambda s, k: a.segment(RST | ACK, ports=ports, seq=s + 100, ack=k))
    into("drop_tcp_syn_in_sync", lambda s, k: a.segment(SYN, ports=ports, seq=s))
    into("drop_tcp_syn_in_sync", lambda s, k: a.segment(SYN | FIN, ports=ports, seq=s + 7))
    into("drop_tcp_ack_future", lambda s, k: a.segment(ACK | PSH, ports=ports, seq=s, ack=k + 100000, data=b"FLUSHALL\r\n"))
    into("drop_tcp_ack_old", lambda s, k: a.segment(ACK | PSH, ports=ports, seq=s, ack=k - (1 << 30), data=b"FLUSHALL\r\n"))
    into("drop_tcp_no_ack", lambda s, k: a.segment(0, ports=ports, seq=s))
    into("drop_tcp_no_ack", lambda s, k: a.segment(FIN | URG | PSH, ports=ports, seq=s))
    into("drop_tcp_no_ack", lambda s, k: a.segment(PSH, ports=ports, seq=s, data=b"FLUSHALL\r\n"))


def icmp_messages(a):
    ours = ipv4(NODE_IP, KERNEL_IP, TCP, struct.pack("!HHI", PORT, a.client.getsockname()[1], 0))
    foreign = ipv4("10.77.0.9", KERNEL_IP, TCP, struct.pack("!HHI", PORT, 1, 0))
    too_big = struct.pack("!HH", 0, 68)
    a.expect("drop_icmp_short", a.ip(b"\x08\x00", ICMP), a.ip(b"", ICMP))
    a.expect("drop_icmp_checksum", a.ip(icmp(8, 0, wrong_sum=True), ICMP), a.ip(icmp(3, 3, data=ours, wrong_sum=True), ICMP))
    a.expect("icmp_type", a.ip(icmp(4, 0, data=ours), ICMP), a.ip(icmp(5, 1, data=ours), ICMP), a.ip(icmp(13, 0, data=b"\0" * 12), ICMP), a.ip(icmp(255, 255), ICMP))
    a.expect("icmp_short", a.ip(icmp(3, 3), ICMP), a.ip(icmp(3, 3, data=ours[:27]), ICMP), a.ip(icmp(11, 0, data=b"\x45"), ICMP), a.ip(icmp(3, 3, data=b"\x4f" + ours[1:]), ICMP))
    a.expect("icmp_embedded", a.ip(icmp(3, 3, data=b"x" * 28), ICMP), a.ip(icmp(3, 3, data=foreign), ICMP), a.ip(icmp(3, 4, data=b"\x40" + ours[1:]), ICMP), a.ip(icmp(3, 3, data=ipv4(NODE_IP, KERNEL_IP, UDP, b"x" * 8)), ICMP))
    # About the live connection: hard and soft errors, and a path that takes 68 bytes. It lives.
    a.expect("icmp_tcp_unreachable", a.ip(icmp(3, 3, data=ours), ICMP), a.ip(icmp(3, 2, data=ours), ICMP))
    a.expect("icmp_tcp_soft", a.ip(icmp(3, 1, data=ours), ICMP), a.ip(icmp(11, 0, data=ours), ICMP), a.ip(icmp(12, 0, data=ours), ICMP))
    a.expect("icmp_tcp_too_big", a.ip(icmp(3, 4, data=ours), ICMP), a.ip(icmp(3, 4, too_big, data=ours), ICMP))
    before = a.counters()
    for i in range(ECHO_FRAMES):
        a.raw.send(a.ip(icmp(8, 0, struct.pack("!I", i), b"x" * 1000), ICMP))
    a.ask()
    after = a.counters()
    check(after["icmp_rate"] > before["icmp_rate"], "a flood of echo requests is answered without limit")


def arp_lies(a):
    a.expect("arp_conflicts", a.arp(2, EVIL, NODE_IP, a.node, NODE_IP), a.arp(1, EVIL, NODE_IP, NOBODY, NODE_IP, to=EVERYBODY))
    before = a.counters()
    for frame in (a.arp(2, EVIL, KERNEL_IP, EVIL, KERNEL_IP, to=EVERYBODY),  # gratuitous, about our client
                  a.arp(2, EVIL, "10.77.0.77", a.node, NODE_IP),            # about a stranger we did not ask for
                  a.arp(1, EVIL, "224.0.0.1", NOBODY, NODE_IP), a.arp(2, EVIL, "127.0.0.1", a.node, NODE_IP)):
        a.raw.send(frame)
        a.ask()
    check(a.counters() == before, "a lie that changes nothing was counted as something")
    # Told to us in person it is believed (arp.h, A1), until the owner speaks to us: here at once, because its kernel has to ask.
    a.raw.send(a.arp(2, EVIL, KERNEL_IP, a.node, NODE_IP))
    run("ip", "neigh", "flush", "dev", "dtap0")
    a.ask()


def noise(a, seed):
    """A valid request with random bits flipped, and random bytes: whatever they are, service goes on."""
    r = random.Random(seed)
    sample = bytearray(a.segment(SYN, ports=(4445, PORT), options=b"\x02\x04\x05\xb4\x03\x03\x07\x00"))
    for i in range(NOISE_FRAMES):
        frame = bytearray(r.randbytes(r.randrange(14, 200))) if i % 4 == 0 else bytearray(sample)
        if i % 4 == 0:
            frame[:6], frame[12:14] = a.node, b"\x08\x00"
        for _ in range(r.randint(1, 4)):
            at = r.randrange(12, len(frame))
            frame[at] ^= 1 << r.randrange(8)
        a.raw.send(frame)
    a.ask()


with Lab() as lab:
    quiet_namespace()
    time.sleep(0.3)
    attack = Attack(lab)
    attack.ask()
    lab.cli("SET", "untouched", "yes")
    calm = lab.dpdk()
    for part in (ethernet, ip_headers, tcp_headers, connection, icmp_messages, arp_lies):
        part(attack)
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"noise: seed {seed}", flush=True)
    noise(attack, seed)
    check(lab.cli("GET", "untouched") == b"yes\n", "a hostile FLUSHALL was executed")
    attack.client.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        left = lab.dpdk()
        if left["connections"] <= calm["connections"] and left["data_mbufs_in_use"] <= calm["data_mbufs_in_use"] + TX_LEFT_MAX:
            break
        time.sleep(0.5)
    else:
        check(False, f"not back at the baseline after 30 s: {left} instead of {calm}")
    check(lab.alive(), f"the node ended: {lab.log()}")
    print(f"hostile: {attack.cases} kinds of frames each dropped under its name, {NOISE_FRAMES} of noise; "
          f"{left['connections']:.0f} connections, {left['data_mbufs_in_use']:.0f} data mbufs in use at the end")
