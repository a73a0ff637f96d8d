#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ci.py KIND FILE [STEP]: a file of contrib/ against what its engine takes: no key but those that it
documents, and those that it needs. With STEP (a name, or a number from 0) prints what that runs."""
import sys

import yaml

TEXT, LIST = (str,), (list,)
# Of each object: key: (needed, kind); a kind is types, a table, or [what each element is]
LAVA = {
    "metadata": (True, {"format": (True, TEXT), "name": (True, TEXT), "description": (True, TEXT),
                        "os": (False, [TEXT]), "scope": (False, [TEXT]), "devices": (False, [TEXT])}),
    "params": (False, (dict,)),
    "run": (True, {"steps": (True, [TEXT])}),
}
KERNELCI_JOB = {
    "template": (True, TEXT), "kind": (True, TEXT), "kcidb_test_suite": (True, TEXT),
    "params": (False, {"test_method": (True, TEXT), "nfsroot": (False, TEXT),
                       "job_timeout": (False, (int,)), "collections": (False, TEXT)}),
    "rules": (False, (dict,)),
}
KERNELCI = {
    "jobs": (True, {"vhostcheck": (True, KERNELCI_JOB)}),
    "scheduler": (True, [{
        "job": (True, TEXT), "runtime": (True, {"type": (True, TEXT), "name": (False, TEXT)}),
        "event": (True, {"channel": (True, TEXT), "kind": (False, TEXT), "name": (True, TEXT),
                         "result": (False, TEXT), "state": (False, TEXT)}),
        "platforms": (False, [TEXT])}]),
}
GITHUB_STEP = {"name": (False, TEXT), "run": (False, TEXT), "uses": (False, TEXT), "if": (False, TEXT),
               "with": (False, (dict,)), "env": (False, (dict,))}
GITHUB = {
    "name": (False, TEXT), True: (True, (dict,)),  # YAML 1.1 reads `on` as true
    "jobs": (True, {"vhost": (True, {"runs-on": (True, (str, list)), "env": (False, (dict,)),
                                     "defaults": (False, (dict,)), "steps": (True, [GITHUB_STEP])})}),
}
GITLAB = {
    "vhost": (True, {"image": (False, TEXT), "script": (True, [TEXT]), "artifacts": (False, {
        "when": (False, TEXT), "paths": (False, [TEXT]), "reports": (False, {"junit": (False, TEXT)})})}),
}
STEPS = {
    "github": lambda d: d["jobs"]["vhost"]["steps"],
    "gitlab": lambda d: d["vhost"]["script"],
    "lava": lambda d: d["run"]["steps"],
}


def check(value, kind, at):
    if isinstance(kind, dict):
        assert isinstance(value, dict), f"{at}: no object"
        for key in value:
            assert key in kind, f"{at}/{key}: not known"
        for key, (needed, of) in kind.items():
            assert key in value or not needed, f"{at}/{key}: missing"
            if key in value:
                check(value[key], of, f"{at}/{key}")
    elif isinstance(kind, list):
        assert isinstance(value, list) and value, f"{at}: no list"
        for n, one in enumerate(value):
            check(one, kind[0], f"{at}/{n}")
    else:
        assert isinstance(value, kind) and value != "", f"{at}: {value!r}"


def rules(name, doc):
    if name == "lava":
        assert doc["metadata"]["format"] == "Lava-Test Test Definition 1.0", "/metadata/format"
        assert " " not in doc["metadata"]["name"], "/metadata/name has a blank"
    elif name == "kernelci":
        assert doc["jobs"]["vhostcheck"]["kind"] == "job", "/jobs/vhostcheck/kind"
        for entry in doc["scheduler"]:
            assert entry["job"] in doc["jobs"], f"/scheduler: there is no job {entry['job']}"
    elif name == "github":
        for step in doc["jobs"]["vhost"]["steps"]:
            assert ("run" in step) != ("uses" in step), f"{step}: run or uses"


def main():
    name, path = sys.argv[1:3]
    with open(path, encoding="utf-8") as file:
        doc = yaml.safe_load(file)
    check(doc, {"lava": LAVA, "kernelci": KERNELCI, "github": GITHUB, "gitlab": GITLAB}[name], "")
    rules(name, doc)
    for wanted in sys.argv[3:]:
        steps = STEPS[name](doc)
        if wanted.isdigit():
            print(steps[int(wanted)])
        else:
            print(next(s["run"] for s in steps if s.get("name") == wanted))


try:
    main()
except (AssertionError, yaml.YAMLError) as why:
    sys.exit(f"ci.py: {why}")
