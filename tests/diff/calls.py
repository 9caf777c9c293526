"""Random commands from a seed, by a grammar of one line per form.

Lower case is a word of the command (sent in any case), UPPER CASE a kind of argument (KINDS). [a|b] is one or none, [a|b]* none to four,
(A B)+ one to five. Some calls are spoilt on purpose: an argument too few, too many, or of the wrong kind.
Commands that the node has not yet are left out, so a row may be here before its command is.
"""
import dataclasses
import re

GRAMMAR = """
acl cat [keyspace|WORD]
acl deluser WORD
acl deluser default
acl getuser [default|WORD]
acl list
acl load
acl save
acl users
acl whoami
acl WORD
append KEY VALUE
auth WORD
auth default WORD
auth WORD WORD
bitcount KEY INDEX INDEX [byte|bit|WORD]
bitcount KEY
bitfield KEY get TYPE BIT
bitfield KEY set TYPE BIT NUMBER get TYPE BIT
bitfield KEY overflow sat incrby TYPE BIT NUMBER set TYPE BIT NUMBER
bitfield KEY overflow fail incrby TYPE BIT NUMBER incrby TYPE BIT NUMBER
bitfield KEY overflow wrap incrby TYPE BIT NUMBER overflow WORD get TYPE BIT
bitfield_ro KEY get TYPE BIT
bitfield_ro KEY get TYPE BIT set TYPE BIT NUMBER
bitop and KEY (KEY)+
bitop or KEY (KEY)+
bitop xor KEY (KEY)+
bitop not KEY KEY
bitop WORD KEY (KEY)+
bitop not KEY (KEY)+
bitpos KEY NUMBER
bitpos KEY 0
bitpos KEY 1
bitpos KEY 0 INDEX
bitpos KEY 1 INDEX INDEX [byte|bit|WORD]
bitpos KEY 0 INDEX INDEX [byte|bit]
client caching [yes|no|WORD]
client getname
client list id NUMBER
client list type [normal|replica|WORD]
client getredir
client trackinginfo
client unblock NUMBER [timeout|error|WORD]
client unpause
client id
client info
client kill WORD
client kill id NUMBER
client list
client no-evict [on|off|WORD]
client setname WORD
client WORD
command
command count
command docs COMMAND
command getkeys KEYED (WORD)+
command getkeysandflags KEYED (WORD)+
command info (COMMAND)+
command list filterby [pattern PATTERN|aclcat bitmap|aclcat WORD|module WORD|WORD]
command list
command WORD
config get (DIRECTIVE)+
config get PATTERN
config resetstat
config set DIRECTIVE NUMBER
config set DIRECTIVE WORD
config set (WORD WORD)+
config WORD
copy KEY KEY [replace|db 0|db WORD|WORD]*
copy KEY KEY
dbsize
debug digest
debug digest-value (KEY)+
debug WORD
decr KEY
decrby KEY NUMBER
del (KEY)+
dump KEY
echo VALUE
exists (KEY)+
expire KEY SECONDS [nx|xx|gt|lt|WORD]*
expire KEY SECONDS
expireat KEY TIME [nx|xx|gt|lt]*
expireat KEY TIME
expiretime KEY
flushall [sync|async|WORD]
flushdb [sync|async]
function delete WORD
function dump
function flush [async|sync|WORD]
function list [withcode|libraryname WORD|WORD]*
function restore PAYLOAD [append|replace|flush|WORD]
get KEY
get KEY
getbit KEY BIT
getdel KEY
getex KEY [ex SECONDS|px MS|exat TIME|pxat TIME_MS|persist]*
getex KEY
getrange KEY INDEX INDEX
getset KEY VALUE
hello
hello [2|3|NUMBER] [setname WORD|auth default WORD|auth WORD WORD|WORD]*
incr KEY
incrby KEY NUMBER
incrbyfloat KEY FLOAT
info
info (WORD)+
keys PATTERN
keys *
lcs KEY KEY [len|idx|withmatchlen|minmatchlen NUMBER|WORD]*
latency graph WORD
latency history WORD
latency latest
latency reset [WORD|command]
lolwut
lcs KEY KEY
memory usage KEY [samples 0|samples NUMBER|WORD]
memory WORD
move KEY 0
mget (KEY)+
mset (KEY VALUE)+
msetnx (KEY VALUE)+
object encoding KEY
object freq KEY
object refcount KEY
object WORD
persist KEY
pexpire KEY MS [nx|xx|gt|lt]*
pexpireat KEY TIME_MS [nx|xx|gt|lt]*
pexpiretime KEY
ping [VALUE]
psetex KEY MS VALUE
pttl KEY
randomkey
rename KEY KEY
renamenx KEY KEY
reset
restore KEY 0 PAYLOAD [replace|absttl|idletime NUMBER|freq NUMBER|WORD]*
restore KEY 0 PAYLOAD replace
restore KEY MS PAYLOAD replace
restore KEY TIME_MS PAYLOAD absttl replace
restore-asking KEY 0 PAYLOAD
scan NUMBER [match PATTERN|count NUMBER|type string|type WORD]*
select NUMBER
select 0
set KEY VALUE
set KEY NUMBER
set KEY FLOAT
set KEY VALUE [nx|xx|get|keepttl|ex SECONDS|px MS|exat TIME|pxat TIME_MS|WORD]*
setbit KEY BIT 0
setbit KEY BIT 1
setbit KEY BIT NUMBER
setex KEY SECONDS VALUE
setnx KEY VALUE
setrange KEY OFFSET VALUE
shutdown WORD
shutdown abort
slowlog get [NUMBER|0]
slowlog len
slowlog reset
swapdb 0 0
strlen KEY
substr KEY INDEX INDEX
time
touch (KEY)+
ttl KEY
type KEY
unlink (KEY)+
"""

NAMES = [b"a", b"b", b"counter", b"float", b"list:1", b"", b"bin\x00\r\n\xff", b"{tag}1", b"{tag}2", b"k" * 600,
         *(b"key:%d" % i for i in range(20))]
# As redis-server 7.0.15 gives them: empty, plain, integers, compressed; one whose checksum is wrong, and none at all.
PAYLOADS = [b'\x00\x00\n\x00]\x9b\\@\x0f\x7f\xa2\xda', b'\x00\x01v\n\x00\x91\x08\xce\xb2\x198\x8a\xce',
            b'\x00\xc0\x0c\n\x00<*\xf8Q\\\x04\xbc\xd5', b'\x00\xc1\xd2\x04\n\x00\x00\x87\x08\xa1D\x82\\\xed',
            b'\x00\xc2\xc0\x1d\xfe\xff\n\x00\xe1\xb6b\x9e\xab\xbdT\xf2', b'\x00\x0b99999999999\n\x00#\xb0H\xfb\x0e\xdb\xef\x7f',
            b'\x00\xc3\t@d\x01xx\xe0W\x00\x01xx\n\x00]\xb7\xf6c\xbb\x08b_',
            b'\x00\xc3\x15\x1f\rhello world, h\xe0\x06\x0c\x01lo\n\x00\xdc~\x8b\x96\x1f\x1e\xfd\xaa',
            b'\x00\x01w\n\x00\x91\x08\xce\xb2\x198\x8a\xce', b'', b'\x00\x01v']
TYPES = [b"u1", b"i1", b"u8", b"i8", b"u3", b"i5", b"u63", b"i64", b"i63", b"u32", b"u64", b"i65", b"i0", b"x8", b"u", b"8", b"u08", b""]
# Nothing between a megabyte and the limit of 512 MB: it would be allocated.
NUMBERS = [b"0", b"1", b"-1", b"2", b"3", b"10", b"100", b"255", b"-0", b"+1", b"01", b" 1", b"1 ", b"", b"1.5", b"1e3", b"0x10", b"abc",
           b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"-9223372036854775809", b"9223372036854775806",
           b"18446744073709551615", b"18446744073709551616", b"99999999999999999999999", b"4294967296", b"2147483648", b"-2147483648"]
BITS = [b"-1", b"", b"abc", b"01", b"+1", b"4294967296", b"9223372036854775807", b"99999999999999999999", b"1.5"]
FLOATS = [b"0", b"1", b"-1", b"1.5", b"-1.5", b".5", b"5.", b"1e3", b"3.0e-3", b"1e17", b"1e18", b"1e-17", b"1e-20", b"0.1", b"0.2",
          b"12345678901234567890", b"3.14159265358979323846", b"inf", b"-inf", b"+inf", b"infinity", b"nan", b"0x1p3", b" 1", b"1 ", b"",
          b"1e400", b"1e5000", b"-1e5000", b"1e-5000", b"abc", b"1.2.3", b"--1", b"1\x002", b"+5", b"-0", b"-0.0", b"0.30000000000000004"]
WORDS = [b"", b"x", b"help", b"HELP", b"nx", b"default", b"string", b"hash", b"list", b"all", b"everything", b"server", b"dpdk", b"on",
         b"no", b"yes", b"0", b"-1", b"ex", b"count", b"match", b"two words", b"\r\n", b"bin\x00\xff", b"w" * 200, b"123", b"127.0.0.1:1"]
PATTERNS = [b"*", b"", b"key:*", b"k?y:1*", b"[ab]", b"[^a]*", b"[a-c]*", b"\\*", b"[", b"a[", b"*[0-9]", b"{tag}*", b"*\xff", b"k*k",
            b"[z-a]", b"**", b"[\\]]", b"key:[1-3]", b"maxmem*", b"hz"]
DIRECTIVES = [b"hz", b"slowlog-max-len", b"slowlog-log-slower-than", b"tcp-keepalive", b"lazyfree-lazy-user-flush", b"maxmemory", b"nosuch",
              b"timeout", b"HZ", b"proto-max-bulk-len", b"loglevel", b"cluster-enabled", b"client-query-buffer-limit"]
SETTABLE = [b"hz", b"slowlog-max-len", b"slowlog-log-slower-than", b"tcp-keepalive", b"lazyfree-lazy-user-flush", b"nosuch", b"HZ",
            b"databases", b"loglevel", b"cluster-enabled", b"enable-debug-command", b"port"]
SECONDS = [b"0", b"-1", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775", b"9223372036854776", b"-9223372036854775",
           b"-9223372036854776", b"abc", b"1.5", b""]
PAST_AND_FUTURE = [b"1", b"1000", b"4000000000", b"4000000001", b"5000000000000", b"5000000000001"]
WALKS = [[], [b"match", b"key:*"], [b"count", b"3"], [b"type", b"string"], [b"type", b"list"], [b"match", b"*[0-5]", b"count", b"1"]]
UNKNOWN = [[b"nosuch"], [b"nosuch", b"a", b"b"], [b"nosuch"] + [b"argument"] * 40, [b"n" * 300, b"x" * 300], [b""], [b"get "],
           [b"no\r\nsuch", b"a\r\nb"], [b"bin\x00\xff", b"\x00"], [b"get\x00", b"a"]]
CONTAINERS = ("acl", "client", "cluster", "command", "config", "function", "latency", "object", "slowlog", "memory", "bitfield", "bitfield_ro")
SOON = 100000  # what duration() makes is at least this, in seconds and in ms
# Where a relative time may stand: behind the key, or behind these words.
EXPIRING = {b"set": (b"ex", b"px"), b"getex": (b"ex", b"px"), b"setex": (), b"psetex": (), b"expire": (), b"pexpire": (), b"restore": ()}
SENSITIVE = (b"shutdown", b"debug", b"flushall", b"flushdb")  # seldom, and shutdown never without a bad word


@dataclasses.dataclass
class Call:
    args: list
    replies: int = 1
    sleep_ms: int = 0  # after it


def is_soon(number):
    """A time, in any unit, that could pass during a run."""
    return number.isdigit() and 0 < int(number) < SOON


def parse_form(text):
    """A form as a list of words, kinds, and ('one' | 'some' | 'many', choices)."""
    out = []
    for option, star, group, single in re.findall(r"\[([^]]*)\](\*?)|\(([^)]*)\)\+|(\S+)", text):
        if single:
            out.append(single)
        elif group:
            out.append(("many", [group.split()]))
        else:
            out.append(("some" if star else "one", [choice.split() for choice in option.split("|")]))
    return out


class Generator:
    """Calls without end; all chance comes from random (a random.Random)."""

    def __init__(self, random, known):
        self.random = random
        forms = [line for line in GRAMMAR.splitlines() if line]
        self.known = sorted(known)
        self.forms = [parse_form(line) for line in forms if line.split()[0] in known]
        self.missing = sorted(known - {"quit"} - {line.split()[0] for line in forms})  # broken_requests() has QUIT

    def key(self):
        return self.random.choice(NAMES)

    def number(self):
        return self.random.choice(NUMBERS) if self.random.random() < 0.5 else b"%d" % self.random.randrange(-1000, 1000)

    def value(self):
        r = self.random
        shape = r.random()
        if shape < 0.35:
            return self.number()
        if shape < 0.5:
            return r.choice(FLOATS)
        if shape < 0.97:
            return r.randbytes(r.randrange(0, 60))
        return r.randbytes(r.randrange(60, 70000))

    def duration(self, unit):
        if self.random.random() < 0.6:
            return b"%d" % (self.random.randrange(100000, 200000) * unit)
        return self.random.choice(SECONDS)

    def moment(self, unit):
        if self.random.random() < 0.7:
            return b"%d" % (int(self.random.choice(PAST_AND_FUTURE)) * unit)
        return self.random.choice(SECONDS)

    def argument(self, kind):
        r = self.random
        makers = {
            "KEY": self.key, "NUMBER": self.number, "VALUE": self.value, "FLOAT": lambda: r.choice(FLOATS),
            "WORD": lambda: r.choice(WORDS), "PATTERN": lambda: r.choice(PATTERNS), "DIRECTIVE": lambda: r.choice(DIRECTIVES),
            "SECONDS": lambda: self.duration(1), "MS": lambda: self.duration(1000), "TIME": lambda: self.moment(1),
            "TIME_MS": lambda: self.moment(1000), "COMMAND": lambda: r.choice(self.known).encode(),
            # What GETKEYS says of a container depends on its subcommands, which COMMAND does not show yet.
            "KEYED": lambda: r.choice([n for n in self.known if n not in CONTAINERS]).encode(),
            "OFFSET": lambda: b"%d" % r.randrange(0, 5000) if r.random() < 0.8 else r.choice(NUMBERS),
            "BIT": lambda: (b"#" if r.random() < 0.2 else b"") + (b"%d" % r.randrange(0, 3000) if r.random() < 0.9 else r.choice(BITS)),
            "TYPE": lambda: r.choice(TYPES), "PAYLOAD": lambda: r.choice(PAYLOADS),
            "INDEX": lambda: b"%d" % r.randrange(-30, 30) if r.random() < 0.8 else r.choice(NUMBERS),
        }
        if kind in makers:
            return makers[kind]()
        shape = r.random()
        return (kind if shape < 0.6 else kind.upper() if shape < 0.9 else kind.title()).encode()

    def fill(self, form):
        out = []
        for part in form:
            if isinstance(part, str):
                out.append(self.argument(part))
                continue
            how, choices = part
            most = {"one": 1, "some": 4, "many": 5}[how]
            for _ in range(self.random.randint(how == "many", most)):
                out += [self.argument(word) for word in self.random.choice(choices)]
        return out

    def spoil(self, args):
        r = self.random
        how = r.randrange(5)
        at = r.randrange(1, len(args)) if len(args) > 1 else 0
        if how == 0 and at:
            del args[at]
        elif how == 1 and at:
            args[at] = r.choice(WORDS + NUMBERS)
        elif how == 2 and at:
            args.insert(at, args[at])
        elif how == 3:
            args.append(r.choice(WORDS))
        else:
            args[:] = args[:1]
        return args

    def plain(self):
        while True:
            args = self.fill(self.random.choice(self.forms))
            if self.random.random() < 0.1 and args[0].lower() != b"shutdown":
                self.spoil(args)
            if args[0].lower() in SENSITIVE and self.random.random() < 0.9:
                continue
            if self.is_safe(args):
                return Call(args)

    @staticmethod
    def is_safe(args):
        """Not what would end a server, close its connections or change how it answers everybody; nor a key that dies at a moment which the
        two servers do not share (expiring() does that with care)."""
        words = [a.lower() for a in args[:3]]
        if words[0] in EXPIRING and any(is_soon(b) for a, b in zip(args, args[1:]) if a.lower() in EXPIRING[words[0]] or a is args[1]):
            return False
        if words[0] == b"shutdown":
            return len(args) > 1 and words[1] not in (b"now", b"force", b"nosave", b"save")
        if words[:1] == [b"client"] and len(args) > 1 and words[1] in (b"reply", b"kill", b"pause", b"tracking", b"setinfo", b"no-touch"):
            return words[1] == b"kill" and args[2:3] not in ([b"id"], [b"ID"], [b"Id"]) or len(args) == 2
        if words[:2] == [b"config", b"set"]:
            return all(name in SETTABLE + WORDS for name in args[2::2])
        return True

    def silence(self):
        """CLIENT REPLY: what is not answered, and what is again."""
        inside = [self.plain().args for _ in range(self.random.randrange(0, 3))]
        inside = [a for a in inside if a[0].lower() not in (b"client", b"reset", b"hello", b"auth", b"shutdown")]
        if self.random.random() < 0.5:
            return [Call([b"client", b"reply", b"skip"], 0), Call([b"ping"], 0), Call([b"ping"])]
        return [Call([b"client", b"reply", b"off"], 0), *(Call(a, 0) for a in inside), Call([b"client", b"reply", b"on"])]

    def expiring(self):
        """A key that dies while we look away."""
        key = self.key()
        form = self.random.choice([[b"set", key, b"v", b"px", b"1"], [b"psetex", key, b"1", b"v"], [b"pexpire", key, b"1"]])
        after = [[b"get", key], [b"exists", key], [b"set", key, b"w", b"nx"], [b"ttl", key], [b"incr", key], [b"append", key, b"x"]]
        return [Call(form, sleep_ms=5), Call(self.random.choice(after)), Call([b"exists", key])]

    def calls(self):
        """One call, or some that belong together."""
        shape = self.random.random()
        if shape < 0.01:
            return self.silence()
        if shape < 0.02:
            return self.expiring()
        if shape < 0.03:
            return [Call(list(self.random.choice(UNKNOWN)))]
        return [self.plain()]


def broken_requests(random, count):
    """Byte strings that are no clean request: for connections of their own. Not a browser's GET: we answer it before we close. No zero bytes: Redis does not see an inline line's end behind
    one, and waits."""
    clean = [b"*1\r\n$4\r\nPING\r\n", b"*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\n", b"PING\r\n", b"ECHO 'a b'\r\n", b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"]
    known = [b"*-1\r\n", b"*0\r\n", b"*abc\r\n", b"*1048577\r\n", b"*2147483648\r\n", b"*1\r\n:1\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$abc\r\n",
             b"*1\r\n$536870913\r\n", b"*1\r\n$99999999999\r\n", b"*1\r\n$4\r\nPINGxxPING\r\n", b"ECHO \"a\r\n", b"ECHO 'a\r\n", b"ECHO \"a\"b\r\n",
             b"\r\n\r\nPING\r\n", b"   \r\nPING\r\n", b"PING\n", b"ECHO \"\\x41\\n\\\"\"\r\n", b"ECHO '\\''\r\n", b"x" * 70000, b"*1\r\n" + b"$" * 70000,
             b"*" + b"1" * 70000, b"QUIT\r\nPING\r\n", b"*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n", b"GET\r\n", b"QUIT now\r\n",
             b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"host: x\r\n", b"*1\r\n$4\r\nping", b"*+1\r\n$4\r\nPING\r\n",
             b"*1\r\n$+4\r\nPING\r\n", b"*01\r\n$4\r\nPING\r\n", b"*1\r\n$04\r\nPING\r\n", b"* 1\r\n", b"*\r\n$4\r\nPING\r\n", b"*1\r\n$\r\n\r\n", b"$4\r\nPING\r\n"]
    out = []
    for _ in range(count):
        if random.random() < 0.4:
            out.append(random.choice(known))
            continue
        bytes_ = bytearray(random.choice(clean) + random.choice(clean))
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(bytes_))
            how = random.randrange(3)
            if how == 0:
                bytes_[at] = random.choice(b"\r\n$*:0123456789abc\"' \xff")
            elif how == 1:
                del bytes_[at]
            else:
                bytes_.insert(at, random.choice(b"\r\n$*0129\"'"))
        out.append(bytes(bytes_))
    return out
