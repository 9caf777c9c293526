#!/usr/bin/python3
"""tidy - the house rules that no compiler knows.

usage: scripts/tidy.py [--list] [--only CHECK] [--self-test]

Prints one line per finding, "file:line: what, remedy", and exits 1 if there is any. --self-test plants at least one violation of every
check in a temporary tree and fails unless each is found: a checker counts once it has found what was put there on purpose.

scripts/tidy-exceptions holds what is let pass, one "CHECK FILE[:NAME] reason" a line. It may only shrink: an entry that excuses nothing,
or that an earlier version of the list did not have, is itself a finding.
"""
import argparse
import ast
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_LINES_MAX = 1000
HEADER_LINES_MAX = 200
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 6
LEVELS_MAX = 4
SUBJECT_MAX = 60
COMMITS_LOOKED_AT = 20

# Who may include whom, longest prefix first. A folder may always include itself.
BASE = ("proto/base/",)
PROTO = ("proto/",)
INCLUDES = {
    "proto/base/": (),
    "proto/inet/": BASE,
    "proto/resp/": BASE,
    "proto/bus/": BASE,
    "proto/rdb/": BASE,
    "cluster/": PROTO,
    "app/store/": PROTO + ("cluster/",),
    "app/cmd/": PROTO + ("cluster/", "app/store/"),
    "app/env/": PROTO + ("app/store/", "app/cmd/config.h"),
    "app/net/": PROTO + ("app/store/",),
    "app/control/": PROTO + ("cluster/", "app/store/", "app/cmd/", "app/net/", "app/env/"),
    "app/lcore/": PROTO + ("cluster/", "app/store/", "app/cmd/", "app/net/", "app/env/", "app/control/"),
    "app/bench/": PROTO + ("app/env/", "app/net/", "app/store/"),
    "app/main.c": PROTO + ("cluster/", "app/"),
    "tests/": PROTO + ("cluster/", "app/", "tests/"),
}
WITHOUT_DPDK = ("proto/", "cluster/", "app/store/", "app/cmd/")

CLOCK = "the clock is an argument: take now_us or now_ms"
CHANCE = "chance is an argument: take struct prng *"
HEAP = "memory is an argument: a fixed pool or the allocator table"
OUTPUT = "no I/O here: return a value, the caller acts"
FORMAT = "write digits with proto/base/number.h; nothing of the printf family here"
UNSAFE = "bounds are not checked or errors not seen: use memcpy with a length, number_parse"
# (folders, words called as functions, remedy)
BANNED_CALLS = [
    (("proto/", "cluster/", "app/store/", "app/cmd/"), "clock_gettime gettimeofday time localtime gmtime", CLOCK),
    (("proto/", "cluster/", "app/store/", "app/cmd/"), "rand random srand drand48 getrandom", CHANCE),
    (("proto/", "cluster/", "app/store/", "app/cmd/"), "malloc calloc realloc free strdup asprintf alloca", HEAP),
    (("app/net/", "app/lcore/"), "malloc calloc realloc free strdup asprintf alloca",
     "the packet path does not touch the libc heap: rte_malloc at start, pools later"),
    (("proto/", "cluster/", "app/store/", "app/cmd/"),
     "printf fprintf puts fputs putchar perror fopen fread fwrite open read write close socket send recv", OUTPUT),
    (("proto/", "cluster/"), "snprintf sprintf vsnprintf vsprintf sscanf", FORMAT),
    (("app/net/", "app/lcore/data.c", "app/lcore/serve.c", "app/lcore/client.c"),
     "printf fprintf puts perror pthread_mutex_lock pthread_mutex_unlock usleep nanosleep rte_panic rte_exit",
     "the packet path neither logs, locks, sleeps nor exits: count it"),
    (("",), "strcpy strcat sprintf vsprintf gets atoi atol atof strtok alloca", UNSAFE),
]
BANNED_PATTERNS = [
    (("proto/", "cluster/"), r"\(\s*(?:const\s+)?struct\s+\w+\s*\*\s*\)",
     "bytes cast to a struct: read them through proto/base/cursor.h or bytes.h"),
    (("proto/", "cluster/"), r"\bmemcpy\s*\(.*\bsizeof\s*\(?\s*struct\b",
     "memcpy of a whole struct to or from the wire: encode field by field"),
    (("proto/", "cluster/", "app/", "tests/"), r"\btypedef\s+(?:struct|enum|union)\b", "typedef of a struct or enum: write its name out"),
    (("proto/", "cluster/", "app/", "tests/"), r"\b(?:volatile)\b(?!\s*\()", "volatile orders nothing: use <stdatomic.h>"),
]
# Calls that are what the file is for.
HOMES = {
    "proto/base/assert.c": {"write"},
    "app/store/allocator.c": {"malloc", "realloc", "free"},
}
NAMED_IN_TESTS = {  # enum: (header, words that tests may write instead, with {} for the lowercase rest)
    "packet_kind": ("proto/inet/packet.h", "PACKET_DROP_", "drop_{}"),
    "tcp_drop": ("proto/inet/tcp.h", "TCP_DROP_", "drop_tcp_{}"),
    "icmp_kind": ("proto/inet/icmp.h", "ICMP_", "icmp_{}"),
    "resp_status": ("proto/resp/parser.h", "RESP_", None),
    "reply_status": ("proto/resp/reply.h", "REPLY_", None),
    "bus_status": ("proto/bus/codec.h", "BUS_", None),
    "ballot": ("cluster/ballot.h", "BALLOT_", None),
    "election_refusal": ("cluster/election.h", "ELECTION_", None),
    "vote_ignored": ("cluster/election.h", "VOTE_", None),
    "manual_refusal": ("cluster/manual.h", "MANUAL_", None),
    "mfstart_refusal": ("cluster/manual.h", "MFSTART_", None),
    "health_reason": ("cluster/health.h", "HEALTH_", None),
    "meet_result": ("cluster/handshake.h", "MEET_", None),
    "fail_refusal": ("cluster/failure.h", "FAIL_", None),
    "update_refusal": ("cluster/slots.h", "UPDATE_", None),
    "replicate_refusal": ("cluster/role.h", "REPLICATE_", None),
    "migrate_refusal": ("cluster/migrate.h", "MIGRATE_", None),
    "forget_refusal": ("cluster/forget.h", "FORGET_", None),
    "reset_refusal": ("cluster/forget.h", "RESET_", None),
    "set_epoch_refusal": ("cluster/epoch.h", "SET_EPOCH_", None),
    "message_refusal": ("cluster/step.h", "MESSAGE_", None),
    "rdb_event": ("proto/rdb/reader.h", "RDB_", None),
    "packed_status": ("proto/rdb/packed.h", "PACKED_", None),
    "rdb_dump_status": ("proto/rdb/dump.h", "DUMP_", None),
    "port_refusal": ("app/env/port_plan.h", "PORT_", None),
    "config_result": ("app/cmd/config.h", "CONFIG_", None),
    "nodes_file_status": ("cluster/nodes_file.h", "NODES_FILE_", None),
    "profile_result": ("app/env/profile.h", "PROFILE_", None),
}
WITHOUT_README = re.compile(r"^(\.ci|\.github|\.|tests/fuzz/corpus.*|tests/unit/.+|tests/golden/.+|scripts/.+)$")


class Finding:
    def __init__(self, check, path, line, what, name=""):
        self.check, self.path, self.line, self.what, self.name = check, str(path), line, what, name

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"

    def keys(self):
        return {(self.check, self.path), (self.check, f"{self.path}:{self.name}")}


class Source:
    """One C file: its text, the same without comments and literals (line for line), and its functions."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.split("\n")
        self.bare = blank(text)
        self._functions = None

    @property
    def functions(self):
        if self._functions is None:
            self._functions = list(functions(self.bare))
        return self._functions


def blank(text):
    """Comments and the insides of literals become spaces; line breaks stay."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def spaces(match):
        word = match.group()
        kept = word[0] if word[0] in "\"'" else " "
        inner = "".join(c if c == "\n" else " " for c in word[1:-1])
        return kept + inner + (word[-1] if kept != " " else " ")
    return re.sub(pattern, spaces, text, flags=re.S)


def functions(bare):
    """(name, first line, last line, parameters, deepest level) of every function in text without comments."""
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), bare, flags=re.M)
    depth, start, opened = 0, 0, None
    for at, c in enumerate(text):
        if c == "{":
            if depth == 0:
                opened = signature(text[start:at]), at
            depth += 1
        elif c == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                if opened is not None and opened[0] is not None:
                    name, parameters = opened[0]
                    begin = opened[1]
                    yield (name, text.count("\n", 0, begin) + 1, text.count("\n", 0, at) + 1, parameters,
                           levels(text[begin + 1:at]))
                opened = None
                start = at + 1
        elif c == ";" and depth == 0:
            start = at + 1


def signature(head):
    """(name, number of parameters) if these words before a brace are a function's head, else None."""
    head = head.rstrip()
    if not head.endswith(")") or re.search(r"=\s*$|\b(?:enum|union)\s+\w+\s*$", head):
        return None
    depth, at = 0, len(head)
    while at > 0:
        at -= 1
        depth += {")": 1, "(": -1}.get(head[at], 0)
        if depth == 0:
            break
    name = re.search(r"(\w+)\s*$", head[:at])
    if name is None:
        return None
    inside, depth, parameters = head[at + 1:-1], 0, 1
    if name.group(1) == "START_TEST":
        return inside.strip(), 0
    if inside.strip() in ("", "void"):
        return name.group(1), 0
    for c in inside:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(c, 0)
        parameters += c == "," and depth == 0
    return name.group(1), parameters


def levels(body):
    """How deep blocks nest in a function's body; braces of initializers do not count."""
    deepest, stack = 0, []
    for at, c in enumerate(body):
        if c == "{":
            before = body[:at].rstrip()
            block = before[-1:] in (")", ";", "}", "{", ":", "") or re.search(r"\b(?:else|do)$", before) is not None
            if before.endswith(")") and re.search(r"\((?:const )?(?:struct|union) \w+(?: *\[\w*\])?\)$|\(\w+\[\w*\]\)$", before):
                block = False  # a compound literal
            if before.endswith(("{", ",")) and stack and not stack[-1]:
                block = False
            stack.append(block)
            deepest = max(deepest, sum(stack))
        elif c == "}" and stack:
            stack.pop()
    return deepest


class Tree:
    def __init__(self, root, is_git=True):
        self.root, self.is_git = root, is_git
        if is_git:
            listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, check=True,
                                    capture_output=True, text=True, timeout=60).stdout.split("\0")
        else:
            listed = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
        self.paths = sorted(p for p in listed if p and (root / p).is_file())
        self.sources = [Source(p, self.read(p)) for p in self.paths if p.endswith((".c", ".h"))]

    def read(self, path):
        return (self.root / path).read_text(errors="replace")


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check_sizes(tree):
    for s in tree.sources:
        count = len(s.lines) - (s.lines[-1] == "")
        limit = HEADER_LINES_MAX if s.path.endswith(".h") else FILE_LINES_MAX
        if count > limit:
            yield Finding("sizes", s.path, count, f"{count} lines, at most {limit}: split the file by concern")
        for name, first, last, parameters, deepest in s.functions:
            what = []
            if last - first - 1 > FUNCTION_LINES_MAX:
                what.append(f"{last - first - 1} lines, at most {FUNCTION_LINES_MAX}")
            if parameters > PARAMETERS_MAX:
                what.append(f"{parameters} parameters, at most {PARAMETERS_MAX}")
            if deepest > LEVELS_MAX:
                what.append(f"{deepest} levels, at most {LEVELS_MAX}")
            excused = any("NOLINT" in line and "readability-function-size" in line for line in s.lines[max(0, first - 6):first])
            for w in () if excused else what:
                yield Finding("sizes", s.path, first, f"{name}: {w}: take a part out under a name of its own", name)


def check_heads(tree):
    for s in tree.sources:
        if not s.lines[0].startswith(f"/* {s.path} - "):
            yield Finding("heads", s.path, 1, f"the first line does not say what this is: begin with \"/* {s.path} - ...\"")
        if s.path.endswith(".h") and not re.search(r"^#pragma once$", s.text, re.M):
            yield Finding("heads", s.path, 1, "a header without #pragma once: add it below the opening comment")


def check_includes(tree):
    known = set(tree.paths)
    for s in tree.sources:
        owner = max((p for p in INCLUDES if s.path.startswith(p)), key=len, default=None)
        for number, line in enumerate(s.lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
            if match is None:
                continue
            quoted, name = match.group(1) == '"', match.group(2)
            if name.startswith("netinet/"):
                yield Finding("includes", s.path, number, f"<{name}>: its names clash with ours: use proto/inet", name)
            elif name.startswith("rte_") and s.path.startswith(WITHOUT_DPDK):
                yield Finding("includes", s.path, number, f"<{name}>: this folder knows no DPDK: pass a value in", name)
            elif quoted and name not in known:
                yield Finding("includes", s.path, number, f'"{name}" is not a path from the root: write the whole path', name)
            elif quoted and owner is not None and not name.startswith(INCLUDES[owner]) and not (
                    owner.endswith("/") and name.startswith(owner)):
                yield Finding("includes", s.path, number,
                              f'"{name}": {owner} must not know that: move what is shared down, or pass a value', name)


def check_calls(tree):
    for s in tree.sources:
        for folders, words, remedy in BANNED_CALLS:
            if not s.path.startswith(folders) or s.path.startswith("tests/"):
                continue
            homely = HOMES.get(s.path, set())
            for match in re.finditer(rf"(?<![\w.>])({'|'.join(words.split())})\s*\(", s.bare):
                word = match.group(1)
                if word not in homely:
                    yield Finding("calls", s.path, line_of(s.bare, match.start()), f"{word}(): {remedy}", word)
        for folders, pattern, remedy in BANNED_PATTERNS:
            if s.path.startswith(folders):
                for match in re.finditer(pattern, s.bare):
                    yield Finding("calls", s.path, line_of(s.bare, match.start()), remedy)


def check_globals(tree):
    """Data at file scope that can change. clang-tidy says so too, of what it sees compiled."""
    for s in tree.sources:
        if s.path.startswith("tests/"):
            continue
        text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), s.bare, flags=re.M)
        depth, start = 0, 0
        for at, c in enumerate(text):
            if c == "{" and depth == 0 or c == ";" and depth == 0:
                head = text[start:at]
                if c == ";" or head.rstrip().endswith("="):
                    match = re.match(r"\s*static\s+(?!inline)([^()]*)$", head.split("=")[0])
                    if match is not None and "const" not in match.group(1).split() and "_Thread_local" not in head:
                        yield Finding("globals", s.path, line_of(text, start + len(head) - len(head.lstrip())),
                                      "data at file scope that can change: put it into the struct of its owner")
            depth += {"{": 1, "}": -1}.get(c, 0)
            if c in ";}" and depth == 0:
                start = at + 1


def check_readmes(tree):
    folders = {str(pathlib.PurePosixPath(p).parent) for p in tree.paths}
    folders |= {str(parent) for f in list(folders) for parent in pathlib.PurePosixPath(f).parents}
    for folder in sorted(folders):
        if WITHOUT_README.match(folder):
            continue
        if f"{folder}/README.md" not in tree.paths:
            yield Finding("readmes", f"{folder}/README.md", 1,
                          "is missing: one screen: what it is, what it must never know, reading order, how it is tested")


def check_reasons(tree):
    tests = "\n".join(tree.read(p) for p in tree.paths if p.startswith("tests/") and p.endswith((".c", ".h", ".py", ".pkt", ".inc")))
    words = set(re.findall(r"\w+", tests))
    sources = {s.path: s for s in tree.sources}
    for enum, (path, prefix, counter) in NAMED_IN_TESTS.items():
        if path not in sources:
            continue
        match = re.search(rf"enum\s+{enum}\s*\{{(.*?)\}}", sources[path].bare, re.S)
        if match is None:
            yield Finding("reasons", path, 1, f"enum {enum} is not here: correct NAMED_IN_TESTS in scripts/tidy.py")
            continue
        for name in re.finditer(r"\b([A-Z][A-Z0-9_]+)\b(?=\s*(?:=[^,}]*)?(?:,|$|\s*\Z))", match.group(1)):
            value = name.group(1)
            spoken = {value}
            if counter is not None and value.startswith(prefix):
                spoken.add(counter.format(value[len(prefix):].lower()))
            if not value.endswith("_COUNT") and not spoken & words:
                yield Finding("reasons", path, line_of(sources[path].bare, match.start(1) + name.start()),
                              f"{value} is named by no test: write the case that provokes it", value)


def check_words(tree):
    for p in tree.paths:
        if not p.endswith((".c", ".h", ".py", ".md", ".build", ".sh", ".pkt")) and not p.startswith(("scripts/", ".ci/")):
            continue
        if p in ("scripts/tidy.py", "scripts/tidy_selftest.py"):
            continue
        for number, line in enumerate(tree.read(p).split("\n"), 1):
            if re.search(r"\b(?:TODO|FIXME|XXX)\b(?!\s*\(?#\d+)", line):
                yield Finding("words", p, number, "TODO without an issue's number: do it, or write TODO #N")
            if re.search(r"(?<![\w.])/work/", line):
                yield Finding("words", p, number, "a path of one machine: write it relative to the root")


def check_python(tree):
    for p in tree.paths:
        text = tree.read(p) if p.endswith(".py") or p.startswith("scripts/") else ""
        if p.endswith(".py") or re.match(r"#!\S*python", text):
            try:
                ast.parse(text)
            except SyntaxError as error:
                yield Finding("python", p, error.lineno or 1, f"does not parse: {error.msg}")


def subject_fault(subject):
    if re.match(r"(?:Merge|Revert) ", subject):
        return None
    if len(subject) > SUBJECT_MAX:
        return f"{len(subject)} characters, at most {SUBJECT_MAX}"
    if not re.match(r"[a-z0-9_./-]+(?:, [a-z0-9_./-]+)*: (?:[^\sA-Z.]|[A-Z][A-Z0-9_])", subject):
        return 'not "area: lowercase imperative"'
    if subject.endswith("."):
        return "ends with a full stop"
    return None


def check_commits(tree):
    if not tree.is_git:
        return
    log = subprocess.run(["git", "log", f"-{COMMITS_LOOKED_AT}", "--format=%h %s"], cwd=tree.root, check=True,
                         capture_output=True, text=True, timeout=60).stdout
    for line in log.splitlines():
        commit, subject = line.split(" ", 1)
        fault = subject_fault(subject)
        if fault is not None:
            yield Finding("commits", commit, 1, f'"{subject}": {fault}: git commit --amend before it is pushed')


CHECKS = {name[6:]: function for name, function in sorted(globals().items()) if name.startswith("check_")}


def read_exceptions(text):
    """{(check, place): line number}; the rest of a line is the reason and must be there."""
    entries = {}
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split("#", 1)[0].split()
        if words:
            if len(words) < 3 or words[0] not in CHECKS:
                raise SystemExit(f"scripts/tidy-exceptions:{number}: not \"CHECK FILE[:NAME] reason\"")
            entries[words[0], words[1]] = number
    return entries


def earlier_exceptions(root):
    """The list as it was COMMITS_LOOKED_AT commits ago, or when it began; None: it is new."""
    path = "scripts/tidy-exceptions"
    log = subprocess.run(["git", "log", f"-{COMMITS_LOOKED_AT}", "--format=%H", "--", path], cwd=root, check=True,
                         capture_output=True, text=True, timeout=60).stdout.split()
    if not log:
        return None
    shown = subprocess.run(["git", "show", f"{log[-1]}:{path}"], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    return read_exceptions(shown.stdout) if shown.returncode == 0 else None


def excuse(findings, excused, earlier):
    """The findings that no exception covers, and those about the list of exceptions itself."""
    used, left = set(), []
    for finding in findings:
        keys = finding.keys() & excused.keys()
        used |= keys
        if not keys:
            left.append(finding)
    place = "scripts/tidy-exceptions"
    for key, number in excused.items():
        if key not in used and key[0] != "commits":  # a commit leaves the window of its own accord
            left.append(Finding("exceptions", place, number, f"{' '.join(key)} excuses nothing any more: take the line out"))
        elif earlier is not None and key not in earlier:
            left.append(Finding("exceptions", place, number, f"{' '.join(key)} is new, and the list may only shrink: mend the code"))
    return left


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--list", action="store_true", help="name the checks")
    parser.add_argument("--only", choices=CHECKS, help="run one check")
    parser.add_argument("--self-test", action="store_true", help="plant violations and see them found")
    arguments = parser.parse_args()
    if arguments.list:
        print(" ".join(CHECKS))
        return 0
    if arguments.self_test:
        sys.path.insert(0, str(ROOT / "scripts"))
        import tidy_selftest
        return tidy_selftest.run(sys.modules[__name__])
    tree = Tree(ROOT, is_git=(ROOT / ".git").exists())
    findings = [f for name, check in CHECKS.items() if arguments.only in (None, name) for f in check(tree)]
    listed = ROOT / "scripts/tidy-exceptions"
    excused = read_exceptions(listed.read_text()) if listed.exists() else {}
    excused = {key: number for key, number in excused.items() if arguments.only in (None, key[0])}
    left = excuse(findings, excused, earlier_exceptions(ROOT) if tree.is_git else None)
    for finding in sorted(left, key=lambda f: (f.path, f.line)):
        print(finding)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
