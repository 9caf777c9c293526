"""What scripts/tidy.py --self-test plants, and where it must be found. CLEAN must give no finding at all."""
import pathlib
import tempfile

LONG_BODY = "".join(f"\tx += {i};\n" for i in range(71))
PARAGRAPH = "/* proto/base/x.c - a file. */\n"

CLEAN = {
    "README.md": "x\n", "proto/README.md": "x\n", "proto/base/README.md": "x\n",
    "proto/base/x.h": "/* proto/base/x.h - a header. */\n#pragma once\n#include <stdint.h>\n",
    "proto/base/x.c": PARAGRAPH + '#include "proto/base/x.h"\n'
                      'static const int table[] = {1, 2};\n'
                      'static int count(int a, int b) {\n'
                      '\tstruct p { int time; } p = {.time = 1}; /* malloc( in a comment is no call */\n'
                      '\tconst char *text = "free(x) volatile";\n'
                      '\tif (a) {\n\t\tfor (;;) {\n\t\t\twhile (b) {\n\t\t\t\tb = f((struct q){1, {2, {3}}});\n\t\t\t}\n\t\t}\n\t}\n'
                      '\treturn next_time(p.time) + table[0];\n}\n',
}

# (check, words of the finding, path:line, {file: text} on top of CLEAN)
PLANTED = [
    ("sizes", "1001 lines", "proto/base/y.c:1001", {"proto/base/y.c": "/* proto/base/y.c - y */\n" + "\n" * 1000}),
    ("sizes", "201 lines", "proto/base/y.h:201", {"proto/base/y.h": "/* proto/base/y.h - y */\n#pragma once\n" + "\n" * 199}),
    ("sizes", "f: 71 lines", "proto/base/x.c:3", {"proto/base/x.c": PARAGRAPH + "void f(int x)\n{\n" + LONG_BODY + "}\n"}),
    ("sizes", "sentence: 71 lines", "proto/base/x.c:2",
     {"proto/base/x.c": PARAGRAPH + "START_TEST(sentence) {\n" + LONG_BODY + "}\nEND_TEST\n"}),
    ("sizes", "f: 7 parameters", "proto/base/x.c:2",
     {"proto/base/x.c": PARAGRAPH + "void f(int a, int b, int (*c)(int, int), int d, int e, int f, int g) {\n}\n"}),
    ("sizes", "f: 5 levels", "proto/base/x.c:2",
     {"proto/base/x.c": PARAGRAPH + "void f(int a) {" + "\n\tif (a) {" * 4 + "\n\telse {" + "}" * 5 + "\n}\n"}),
    ("heads", "does not say", "proto/base/x.c:1", {"proto/base/x.c": "#include <stdint.h>\n"}),
    ("heads", "#pragma once", "proto/base/x.h:1", {"proto/base/x.h": "/* proto/base/x.h - x */\n"}),
    ("includes", "knows no DPDK", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + "#include <rte_mbuf.h>\n"}),
    ("includes", "clash", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + "#include <netinet/tcp.h>\n"}),
    ("includes", "not a path from the root", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + '#include "x.h"\n'}),
    ("includes", "must not know", "proto/base/x.c:2",
     {"proto/base/x.c": PARAGRAPH + '#include "app/store/s.h"\n', "app/store/s.h": "/* app/store/s.h - s */\n#pragma once\n"}),
    ("includes", "must not know", "app/store/s.h:3",
     {"app/store/s.h": '/* app/store/s.h - s */\n#pragma once\n#include "app/cmd/c.h"\n',
      "app/cmd/c.h": "/* app/cmd/c.h - c */\n#pragma once\n"}),
    ("includes", "must not know", "app/net/n.h:3",
     {"app/net/n.h": '/* app/net/n.h - n */\n#pragma once\n#include "app/env/e.h"\n',
      "app/env/e.h": "/* app/env/e.h - e */\n#pragma once\n"}),
    ("calls", "malloc()", "proto/base/x.c:3", {"proto/base/x.c": PARAGRAPH + "void f(void)\n{ g = malloc(3); }\n"}),
    ("calls", "time()", "app/store/s.c:2", {"app/store/s.c": "/* app/store/s.c - s */\nlong f(void) { return time (0); }\n"}),
    ("calls", "rand()", "app/cmd/c.c:2", {"app/cmd/c.c": "/* app/cmd/c.c - c */\nint f(void) { return rand(); }\n"}),
    ("calls", "snprintf()", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + "void f(char *a) { snprintf(a, 1, \"x\"); }\n"}),
    ("calls", "free()", "app/net/n.c:2", {"app/net/n.c": "/* app/net/n.c - n */\nvoid f(void *a) { free(a); }\n"}),
    ("calls", "strcpy()", "app/env/e.c:2", {"app/env/e.c": "/* app/env/e.c - e */\nvoid f(char *a) { strcpy(a, \"x\"); }\n"}),
    ("calls", "cast to a struct", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + "int f(char *a) { return ((struct h *)a)->b; }\n"}),
    ("calls", "memcpy of a whole struct", "proto/base/x.c:2",
     {"proto/base/x.c": PARAGRAPH + "void f(char *a, void *b) { memcpy(a, b, sizeof(struct h)); }\n"}),
    ("calls", "typedef", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + "typedef struct h h;\n"}),
    ("calls", "volatile", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + "extern volatile int stop;\n"}),
    ("globals", "can change", "proto/base/x.c:3", {"proto/base/x.c": PARAGRAPH + "static const int a;\nstatic int b;\n"}),
    ("globals", "can change", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + "static struct s b = {1};\n"}),
    ("readmes", "is missing", "app/net/README.md:1", {"app/net/n.c": "/* app/net/n.c - n */\n"}),
    ("reasons", "TCP_DROP_LATE", "proto/inet/tcp.h:5",
     {"proto/inet/tcp.h": "/* proto/inet/tcp.h - t */\n#pragma once\nenum tcp_drop {\n\tTCP_DROP_SOON,\n\tTCP_DROP_LATE, /* x */\n"
                          "\tTCP_DROP_COUNT,\n};\n",
      "tests/test_x.py": "drop_tcp_soon\n"}),
    ("words", "TODO", "proto/base/x.c:2", {"proto/base/x.c": PARAGRAPH + "/* TODO: more */\n"}),
    ("words", "one machine", "scripts/y:1", {"scripts/y": "cd /work/main\n"}),
    ("python", "does not parse", "tests/t.py:1", {"tests/t.py": "def (:\n"}),
]

SUBJECTS = [  # (subject, is well formed)
    ("tcp: answer a SYN in window with a challenge", True),
    ("tests/pkt: RFC 5961 cases", True),
    ("Add things", False),
    ("tcp: Answer a SYN", False),
    ("tcp: answer.", False),
    ("tcp: " + "x" * 56, False),
]


def findings_in(tidy, files):
    with tempfile.TemporaryDirectory(prefix="tidy-") as directory:
        root = pathlib.Path(directory)
        for path, text in {**CLEAN, **files}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        tree = tidy.Tree(root, is_git=False)
        return [finding for check in tidy.CHECKS.values() for finding in check(tree)]


def exceptions_faults(tidy):
    """The list of exceptions excuses what it names, and reports what it names in vain or names anew."""
    finding = tidy.Finding("sizes", "a.c", 1, "f: long", "f")
    key = ("sizes", "a.c:f")
    cases = [
        ("excuses", [finding], {key: 1}, {key: 1}, 0), ("excuses nothing", [], {key: 1}, {key: 1}, 1),
        ("is new", [finding], {key: 1}, {}, 1), ("another function", [finding], {("sizes", "a.c:g"): 1}, None, 2),
    ]
    return [f"exceptions: {name}" for name, found, listed, earlier, expected in cases
            if len(tidy.excuse(found, listed, earlier)) != expected]


def run(tidy):
    faults = [f"clean tree: {finding}" for finding in findings_in(tidy, {})]
    for check, words, place, files in PLANTED:
        found = findings_in(tidy, files)
        if not any(f.check == check and words in f.what and f"{f.path}:{f.line}" == place for f in found):
            faults.append(f"NOT FOUND: {check} \"{words}\" at {place}; found: {'; '.join(map(str, found)) or 'nothing'}")
    faults += [f"subject: {subject!r}" for subject, good in SUBJECTS if (tidy.subject_fault(subject) is None) != good]
    faults += exceptions_faults(tidy)
    unplanted = set(tidy.CHECKS) - {check for check, *_ in PLANTED} - {"commits"}
    faults += [f"no violation is planted for {check}" for check in sorted(unplanted)]
    for fault in faults:
        print(f"tidy self-test: {fault}")
    if not faults:
        print(f"tidy self-test: {len(PLANTED)} planted violations found")
    return 1 if faults else 0
