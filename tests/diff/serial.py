"""Is there a serial order that explains what many connections were told? A linearizability checker, key by key.

    history of a key:  Op(call, reply, begin, end) ...      call and reply as lists and values, times from one clock
    check_key(ops)     None, or the Op whose reply no order explains

Operations on different keys need not be looked at together: a set of histories is linearizable if each key's is (Herlihy and Wing 1990,
locality). Within a key the events are walked in time; kept are all pairs (value, operations that have taken effect but not returned).
When one returns, it must have taken effect: what is pending is tried in every order until it has (Lowe 2017, just-in-time).
"""
import dataclasses
import random

CONFIGURATIONS_MAX = 200000  # of a key at one moment: beyond it the test is too concurrent to be decided, and says so


@dataclasses.dataclass(frozen=True)
class Op:
    call: tuple   # (b"append", b"x"): without the key
    reply: object  # int, bytes, None, or an Exception's text
    begin: float
    end: float


def apply(value, call):
    """The value afterwards, and the reply. A value is bytes, or None: no such key."""
    name, *args = call
    if name == b"get":
        return value, value
    if name == b"set":
        return args[0], b"OK"
    if name == b"getset":
        return args[0], value
    if name == b"setnx":
        return (args[0], 1) if value is None else (value, 0)
    if name == b"del":
        return None, 0 if value is None else 1
    if name == b"append":
        value = (value or b"") + args[0]
        return value, len(value)
    if name == b"incr":
        try:
            number = int(value or b"0") + 1
        except ValueError:
            return value, "ERR value is not an integer or out of range"
        return b"%d" % number, number
    if name == b"strlen":
        return value, len(value or b"")
    raise ValueError(name)


def settle(configurations, op_id, pending, ops):
    """Configurations in which op_id has taken effect, whatever else had to before it."""
    out, todo, seen = set(), list(configurations), set(configurations)
    while todo:
        value, done = todo.pop()
        if op_id in done:
            out.add((value, done - {op_id}))
            continue
        for other in pending:
            if other in done:
                continue
            after, reply = apply(value, ops[other].call)
            if reply != ops[other].reply:
                continue
            new = (after, done | {other})
            if new not in seen:
                seen.add(new)
                todo.append(new)
        if len(seen) > CONFIGURATIONS_MAX:
            raise OverflowError("too many operations at once on one key")
    return out


def check_key(ops):
    """None: some order explains every reply. Else the operation at which none is left."""
    events = sorted([(op.begin, 0, i) for i, op in enumerate(ops)] + [(op.end, 1, i) for i, op in enumerate(ops)])
    configurations, pending = {(None, frozenset())}, set()
    for _, returns, i in events:
        if not returns:
            pending.add(i)
            continue
        configurations = settle(configurations, i, pending, ops)
        pending.discard(i)
        if not configurations:
            return ops[i]
    return None


def check(histories):
    """(key, op) of the first violation, or None."""
    for key, ops in histories.items():
        found = check_key(ops)
        if found is not None:
            return key, found
    return None


# ---- the checker checked ----

def serial_history(rng, count, clients):
    """What a right server could have told: operations take effect at a moment within their time."""
    value, now, ops = None, 0.0, []
    for i in range(count):
        call = rng.choice([(b"get",), (b"set", b"%d" % i), (b"incr",), (b"append", b"1"), (b"del",), (b"setnx", b"7"), (b"getset", b"%d" % i)])
        value, reply = apply(value, call)
        now += 1
        ops.append(Op(call, reply, now - rng.random() * clients, now + rng.random() * clients))
    return ops


def self_test(seed):
    """Right histories pass, planted violations are found; each kind that a broken hand-over between lcores would make."""
    rng = random.Random(seed)
    for _ in range(30):
        found = check_key(serial_history(rng, 120, 3))
        assert found is None, f"a right history was refused at {found} (seed {seed})"
    stale = [Op((b"set", b"a"), b"OK", 0, 1), Op((b"set", b"b"), b"OK", 2, 3), Op((b"get",), b"a", 4, 5)]
    lost = [Op((b"incr",), 1, 0, 2), Op((b"incr",), 1, 1, 3)]
    backwards = [Op((b"set", b"a"), b"OK", 0, 9), Op((b"get",), b"a", 1, 2), Op((b"get",), None, 3, 4)]
    early = [Op((b"get",), b"a", 0, 1), Op((b"set", b"a"), b"OK", 2, 3)]
    twice = [Op((b"append", b"x"), 1, 0, 1), Op((b"get",), b"xx", 2, 3)]
    for name, ops in (("stale", stale), ("lost", lost), ("backwards", backwards), ("early", early), ("twice", twice)):
        assert check_key(ops) is not None, f"a planted violation was not found: {name}"
    concurrent = [Op((b"set", b"a"), b"OK", 0, 9), Op((b"get",), None, 1, 2), Op((b"get",), b"a", 3, 4)]
    assert check_key(concurrent) is None, "a write may take effect late"
    for _ in range(30):  # any one reply of a long history, spoilt
        ops = serial_history(rng, 120, 3)
        at = rng.randrange(len(ops))
        ops[at] = dataclasses.replace(ops[at], reply=b"never written")
        assert check_key(ops) is not None, "a spoilt reply was not found"
