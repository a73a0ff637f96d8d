# SPDX-License-Identifier: MIT
"""Strict reader of KCIDB 5.3 on standard input: what its schema (kernelci/kcidb-io) holds objects
to, and that they are linked. Prints how many tests there are of each status."""
import collections
import datetime
import json
import re
import sys

ID = re.compile(r"[a-z0-9_]+:.*")
PATH = re.compile(r"([a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*)?")
STATUS = {"FAIL", "ERROR", "MISS", "PASS", "DONE", "SKIP"}
KEYS = {
    "checkouts": ({"id", "origin"}, {"misc"}),
    "builds": ({"id", "origin", "checkout_id"}, {"misc"}),
    "tests": ({"id", "origin", "build_id"},
              {"path", "status", "comment", "start_time", "duration", "misc"}),
}


def no_null(value):
    if value is None:
        raise ValueError("null")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        no_null(part)


def once(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key twice")
    return dict(pairs)


def look(kind, one):
    required, optional = KEYS[kind]
    if required - one.keys() or one.keys() - required - optional:
        raise ValueError(f"{kind}: keys {sorted(one)}")
    for key in one.keys() & {"id", "checkout_id", "build_id"}:
        if not ID.fullmatch(one[key]):
            raise ValueError(f"{kind}: {key} {one[key]!r}")
    if not one["id"].startswith(one["origin"] + ":"):
        raise ValueError(f"{kind}: {one['id']!r} is not of {one['origin']!r}")
    if kind == "tests":
        if not PATH.fullmatch(one["path"]) or one["status"] not in STATUS:
            raise ValueError(f"{one['path']!r} {one['status']!r}")
        if "\0" in one.get("comment", "") or not isinstance(one.get("duration", 0), (int, float)):
            raise ValueError(f"{one['id']}: comment or duration")
        if "start_time" in one:
            datetime.datetime.strptime(one["start_time"], "%Y-%m-%dT%H:%M:%SZ")


def read(document):
    no_null(document)
    if document.keys() != {"version", *KEYS} or document["version"] != {"major": 5, "minor": 3}:
        raise ValueError(f"keys {sorted(document)}, version {document.get('version')}")
    for kind in KEYS:
        for one in document[kind]:
            look(kind, one)
        if len({one["id"] for one in document[kind]}) != len(document[kind]):
            raise ValueError(f"{kind}: an id twice")
    builds = {one["id"] for one in document["builds"]}
    checkouts = {one["id"] for one in document["checkouts"]}
    if any(one["checkout_id"] not in checkouts for one in document["builds"]) or \
            any(one["build_id"] not in builds for one in document["tests"]):
        raise ValueError("a link to what is not there")
    return collections.Counter(one["status"] for one in document["tests"])


try:
    counts = read(json.load(sys.stdin, object_pairs_hook=once))
except (ValueError, KeyError, TypeError, AttributeError) as why:
    sys.exit(f"kcidb.py: {why!r}")
print(" ".join(f"{k}={n}" for k, n in sorted(counts.items())))
