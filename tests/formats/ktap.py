# SPDX-License-Identifier: MIT
"""Strict reader of flat KTAP version 1 (Documentation/dev-tools/ktap.rst) on standard input.
Prints how many results there are of each kind; what breaks a rule ends it with 1."""
import collections
import re
import sys

RESULT = re.compile(
    r"(ok|not ok) ([1-9][0-9]*) ([a-zA-Z0-9_.-]+)(?: # (SKIP|XFAIL|TIMEOUT|ERROR)(?: (.+))?)?")
ALLOWED = {"SKIP": "ok", "XFAIL": "ok", "TIMEOUT": "not ok", "ERROR": "not ok", None: None}


def read(lines):
    if next(lines, None) != "KTAP version 1":
        raise ValueError("the first line is not the version")
    plan = re.fullmatch(r"1\.\.([0-9]+)", next(lines, ""))
    if not plan:
        raise ValueError("the second line is not the plan")
    kinds, names = collections.Counter(), set()
    for line in lines:
        if line.startswith("# "):
            continue
        found = RESULT.fullmatch(line)
        if not found:
            raise ValueError(f"neither result nor diagnostic: {line!r}")
        word, number, name, directive, _ = found.groups()
        if int(number) != sum(kinds.values()) + 1:
            raise ValueError(f"number {number} is out of order")
        if name in names:
            raise ValueError(f"{name} stands twice")
        if directive and ALLOWED[directive] != word:
            raise ValueError(f"{directive} with {word!r}")
        names.add(name)
        kinds[directive or word] += 1
    if sum(kinds.values()) != int(plan[1]):
        raise ValueError("the plan does not hold")
    return kinds


text = sys.stdin.buffer.read().decode()
if not text.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text):
    sys.exit("ktap.py: a control character, or no newline at the end")
try:
    print(" ".join(f"{k}={n}" for k, n in sorted(read(iter(text.split("\n")[:-1])).items())))
except ValueError as why:
    sys.exit(f"ktap.py: {why}")
