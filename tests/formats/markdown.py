# SPDX-License-Identifier: MIT
"""Strict reader of what `convert --to markdown` may print, on standard input: outside fences and
code spans no HTML but its own folds, no link, no mention, and fewer than 100 lines unfolded."""
import re
import sys

FOLD = re.compile(r"<details>|<summary>[A-Za-z0-9 ]+</summary>|</details>")


def plain(line):
    """What is left for Markdown after code spans and escapes."""
    line = re.sub(r"`[^`]*`", "", line)
    return re.sub(r"\\[!-/:-@\[-`{-~]|&(amp|lt|#8203);", "", line)


def read(lines):
    open_folds = unfolded = 0
    fence = False
    for line in lines:
        if fence:
            fence = line != "~~~~~"
            continue
        if line.startswith("~~~~~"):
            if line != "~~~~~text" or not open_folds:
                raise ValueError(f"a fence outside a fold: {line!r}")
            fence = True
            continue
        unfolded += not open_folds
        if FOLD.fullmatch(line):
            open_folds += (line == "<details>") - (line == "</details>")
            if not 0 <= open_folds <= 1:
                raise ValueError("folds are not in pairs")
            continue
        rest = plain(line)
        line = line.replace("&#8203;", " ")
        if re.search(r"[<*`\[\]~|&]", rest) or re.search(r"[@#][A-Za-z0-9]", line):
            raise ValueError(f"not plain text: {line!r}")
        if line and not re.match(r"#{2,3} |- |Exit status |[A-Z]", line):
            raise ValueError(f"no line of ours: {line!r}")
    if open_folds or fence:
        raise ValueError("a fold or a fence is open at the end")
    if unfolded >= 100:
        raise ValueError(f"{unfolded} lines before the folds")
    return unfolded


text = sys.stdin.buffer.read().decode()
if re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text) or not text.endswith("\n"):
    sys.exit("markdown.py: a control character, or no newline at the end")
try:
    print(read(text.split("\n")[:-1]))
except ValueError as why:
    sys.exit(f"markdown.py: {why}")
