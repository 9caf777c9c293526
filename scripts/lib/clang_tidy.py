#!/usr/bin/python3
"""Run clang-tidy over the C files of a build's compile_commands.json, two at a time, and remember what was clean.

usage: scripts/lib/clang_tidy.py BUILD [FILE...]

A file is looked at again when it, a header of ours that it includes (at any depth), .clang-tidy or clang-tidy itself has changed.
Prints clang-tidy's own lines "file:line:column: error: what"; exits 1 if there are any.
"""
import concurrent.futures
import hashlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FILE_SECONDS_MAX = 300
JOBS = 2


def closure(path, seen):
    """path and all headers of ours below it."""
    if path not in seen and (ROOT / path).is_file():
        seen.add(path)
        text = (ROOT / path).read_text(errors="replace")
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.M):
            closure(name, seen)
    return seen


def key(path, common):
    digest = hashlib.sha256(common)
    for name in sorted(closure(path, set())):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def lint(build, path):
    """What clang-tidy has to say of one file, one finding a line."""
    command = ["clang-tidy", "--quiet", "-p", str(build), "--extra-arg=-Wno-unknown-warning-option",
               "--header-filter=/(app|cluster|proto|tests)/", path]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=FILE_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return f"{path}:1: clang-tidy took longer than {FILE_SECONDS_MAX} s"
    lines = [line for line in done.stdout.splitlines() if re.search(r":\d+:\d+: (?:error|warning): ", line)]
    if done.returncode != 0 and not lines:
        lines = [f"{path}:1: clang-tidy failed: {(done.stdout + done.stderr).strip()[-500:]}"]
    return "\n".join(re.sub(r"^(?:\.\./)+|^" + re.escape(str(ROOT)) + "/", "", line) for line in lines)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    compiled = {str((build / entry["file"]).resolve().relative_to(ROOT)) for entry in
                json.loads((build / "compile_commands.json").read_text()) if entry["file"].endswith(".c")}
    paths = sorted(compiled & set(sys.argv[2:])) if len(sys.argv) > 2 else sorted(compiled)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True, timeout=60).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes() + pathlib.Path(__file__).read_bytes()
    stamps = build / "clang-tidy-clean"
    stamps.mkdir(exist_ok=True)
    keys = {path: key(path, common) for path in paths}
    todo = [path for path in paths if not (stamps / keys[path]).exists()]
    found = False
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, text in zip(todo, pool.map(lambda path: lint(build, path), todo)):
            if text:
                found = True
                print(text, flush=True)
            else:
                (stamps / keys[path]).touch()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
