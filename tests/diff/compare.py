"""When two replies count as equal. Byte for byte, except where EXCEPTIONS says otherwise and why. An error is always compared byte for
byte, against anything.

Each exception is a function of one reply's (kind, value) to what is compared in its place; NEAR lists integers that may differ by the
time between the two calls.
"""
from wire import parse


def sorted_items(reply):
    """The order in which a table is walked is nobody's promise."""
    kind, items = reply
    return kind, sorted(items)


def kind_only(reply):
    """The text is the server's own: what it is, its counters, its clients, its clock."""
    return reply[0]


def is_null(reply):
    """Any key will do, but there must be one."""
    return reply[1] is None


def hello(reply):
    """All but the id of the connection."""
    kind, items = reply
    return kind, [item for item, before in zip(items, [None, *items]) if before != ("$", b"id")]


def command_info(reply):
    """All but subcommands, which are not there yet. Flags, categories and tips are sets; of key specifications the notes are Redis's own
    words."""
    kind, rows = reply
    return kind, [row if not isinstance(row[1], list) else
                  [(field[0], sorted(field[1])) if isinstance(field[1], list) else field for field in row[1][:8]]
                  + [without_notes(row[1][8])] for row in rows]


def without_notes(specs):
    """Maps as RESP2 gives them: names and values in turn."""
    out = []
    for _, fields in specs[1]:
        pairs = zip(fields[::2], fields[1::2])
        out.append(sorted((repr(name), repr(sorted(value[1])) if name[1] == b"flags" else repr(value)) for name, value in pairs
                          if name[1] != b"notes"))
    return out


EXCEPTIONS = {
    b"acl cat": kind_only,  # as many as there are commands; without subcommands
    b"acl help": kind_only,
    b"keys": sorted_items,
    b"randomkey": is_null,
    b"scan": kind_only,  # walked whole by another check
    b"time": kind_only,
    b"info": kind_only,
    b"hello": hello,
    b"client id": kind_only,
    b"client list": kind_only,
    b"client info": kind_only,
    b"command": kind_only,  # as many rows as there are commands
    b"command count": kind_only,
    b"command docs": kind_only,
    b"client help": kind_only,
    b"command help": kind_only,
    b"function help": kind_only,
    b"latency help": kind_only,
    b"lolwut": kind_only,
    b"memory help": kind_only,
    b"memory usage": kind_only,  # it is another memory
    b"object encoding": kind_only,  # Redis tells how the value came to be, we only what it is
    b"object help": kind_only,
    b"slowlog get": kind_only,  # what is slow here is not what is slow there
    b"slowlog help": kind_only,
    b"slowlog len": kind_only,
    b"object refcount": kind_only,  # Redis shares small integers, unless they came by COPY or INCRBYFLOAT
    b"config help": kind_only,
    b"command list": kind_only,
    b"command info": command_info,
    b"config get": None,  # see config_get
}
# Redis counts a key that is past its time until it looks at it; we may have looked earlier.
NEAR = {b"dbsize": 10, b"ttl": 2, b"expiretime": 2, b"pttl": 2000, b"pexpiretime": 2000}


def config_get(reply):
    """Directives by name, in any order. What a pattern finds may include our own directives."""
    kind, items = reply
    return kind, sorted(zip(items[::2], items[1::2]))


def exception_of(args):
    name = args[0].lower()
    if name == b"config" and len(args) > 2 and args[1].lower() == b"get":
        has_pattern = any(set(a) & set(b"*?[") for a in args[2:])
        return kind_only if has_pattern else config_get
    if name == b"command" and len(args) == 2 and args[1].lower() == b"info":
        return kind_only  # all rows
    if name in (b"acl", b"client", b"command", b"config", b"function", b"latency", b"memory", b"object", b"slowlog") and len(args) > 1:
        return EXCEPTIONS.get(name + b" " + args[1].lower())
    return EXCEPTIONS.get(name)


def same(args, a, b):
    """Whether these raw replies to this command are equal enough."""
    if a == b:
        return True
    if a[:1] == b"-" or b[:1] == b"-":
        return False
    near = NEAR.get(args[0].lower())
    if near is not None and a[:1] == b[:1] == b":":
        x, y = int(a[1:]), int(b[1:])
        return x >= 0 and y >= 0 and abs(x - y) <= near
    exception = exception_of(args)
    return exception is not None and exception(parse(a)) == exception(parse(b))
