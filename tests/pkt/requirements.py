"""Every row of REQUIREMENTS.md has a decision, and every proof that it names exists.

    requirements.py      exit status 1 and the rows that are wrong
"""
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
DECISIONS = ("yes", "part", "later", "no")
ROWS_MIN = 150


def exists(proof):
    where, colon, case = proof.partition(": ")
    if where.startswith("pkt/"):
        script = TESTS / (where + ".pkt")
        return bool(colon) and script.is_file() and any(line.rstrip("\n") == "case " + case for line in script.open(encoding="utf-8"))
    if where.startswith("unit/"):
        source = TESTS / where
        return bool(colon) and source.is_file() and f"START_TEST({case})" in source.read_text(encoding="utf-8")
    return (TESTS / where).is_file() or (TESTS / (where + ".c")).is_file()


def wrong(row):
    """Why this row will not do; None: it will."""
    _, decision, proof = row
    word = re.match(r"\w+", decision)
    if not word or word.group() not in DECISIONS:
        return "no decision"
    if decision == "part":
        return "does not say what is missing"
    proofs = re.findall(r"`([^`]+)`", proof)
    if word.group() in ("yes", "part") and not proofs:
        return "no proof"
    missing = [p for p in proofs if not exists(p)]
    return f"there is no {missing[0]}" if missing else None


def main():
    rows = []
    for line in (TESTS / "pkt" / "REQUIREMENTS.md").open(encoding="utf-8"):
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        cells[-1] = cells[-1].removesuffix("|").strip()
        if line.startswith("| ") and len(cells) in (2, 3) and cells[0] not in ("row", "attack"):
            rows.append((cells + [""])[:3])
    bad = [(row[0], why) for row in rows if (why := wrong(row))]
    for name, why in bad:
        print(f"{name}: {why}")
    print(f"{len(rows)} rows, {len(bad)} wrong")
    return 1 if bad or len(rows) < ROWS_MIN else 0


if __name__ == "__main__":
    sys.exit(main())
