#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""schema_mutants.py SCHEMA REPORT: a strict schema refuses whatever is not a report.

REPORT must be valid. Then every key at every depth is deleted, renamed and retyped, a key
is added to every object, every word of an enumeration is replaced by garbage, every list
item is retyped, and each mutant must be refused. Objects with free keys are exempt from
deleting, renaming and adding. Exits 1 and names the survivors.

A mutant differs from a valid report in one object. It is judged twice: that object by the
part of the shipped schema that stands for it (all of them), and the whole report around it,
with the other lists emptied (one for each place of the schema and kind of mutation).
"""
import copy
import json
import sys

from jsonschema import Draft202012Validator

GARBAGE = "@garbage@"
# keys whose value is one of a few words, whatever the schema says of them
WORDS = set("""schema where fail_on state kind iotlb_policy status severity risk code guest
verdict way msg perm dir""".split())
RETYPED = [True, 7, 7.5, GARBAGE, [], {}]


def json_type(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "string", list: "array", dict: "object"}[type(value)]


class Mutants:
    def __init__(self, schema, report):
        self.schema = schema
        self.report = report
        self.root = Draft202012Validator(schema)
        self.validators = {}
        self.seen = set()
        self.whole_done = set()
        self.tried = 0
        self.survivors = []

    def judge(self, schema):
        if id(schema) not in self.validators:
            self.validators[id(schema)] = self.root.evolve(schema=schema)
        return self.validators[id(schema)]

    def resolve(self, schema):
        while "$ref" in schema:
            node = self.schema
            for step in schema["$ref"].removeprefix("#/").split("/"):
                node = node[step]
            schema = node
        return schema

    def variant(self, schema, value):
        """The branch of a schema that @value takes, and whether others remain open to it."""
        schema = self.resolve(schema)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                fit = [s for s in schema[word] if self.judge(s).is_valid(value)]
                assert len(fit) == 1, f"{len(fit)} branches of {word} fit {value!r}"
                return self.variant(fit[0], value)
        return schema

    def pruned(self, value):
        """@value with the lists in it emptied: a list may be empty wherever one is."""
        if isinstance(value, dict):
            return {k: self.pruned(v) for k, v in value.items()}
        return [] if isinstance(value, list) else value

    def whole(self, path, replacement):
        """The report with @replacement at @path and no other list items."""
        node, top = self.report, []
        slot = top
        for step in path:
            if isinstance(node, list):
                child = [None]
                index = 0
            else:
                child = self.pruned(node)
                index = step
            slot.append(child) if slot is top else slot.__setitem__(at, child)
            slot, at, node = child, index, node[step]
        if slot is top:
            return replacement
        slot[at] = replacement
        return top[0]

    def refuse(self, path, schema, what, mutant, full_schema):
        self.tried += 1
        if self.judge(schema).is_valid(mutant):
            self.survivors.append((path, what))
            return
        place = (id(full_schema), what)
        if place not in self.whole_done:
            self.whole_done.add(place)
            if self.root.is_valid(self.whole(path, mutant)):
                self.survivors.append((path, what + " (whole report)"))

    def retyped(self, value, schema, name=None):
        """Values that must be refused in place of @value."""
        kind = json_type(value)
        other = [x for x in RETYPED if json_type(x) != kind]
        if kind == "number":
            other += [7.5, 2**53 + 1]
        if kind == "null":  # what a null stands for, the schema alone says: one type at most
            fit = {json_type(x) for x in other if self.judge(schema).is_valid(x)}
            other = [x for x in other if json_type(x) not in fit or len(fit) > 1]
        if kind == "string":
            words = self.resolve(schema)
            words = words.get("anyOf", [words])
            if name in WORDS or any(w.keys() & {"enum", "const", "pattern"} for w in words):
                other += [GARBAGE, value + "_", value.swapcase(), ""]
        return other

    def object(self, path, value, full_schema, schema):
        small = self.pruned(value)
        key = (id(schema), json.dumps(small))
        if key in self.seen:
            return
        self.seen.add(key)
        assert self.judge(schema).is_valid(small), f"emptied lists are refused at {path}"
        free = "properties" not in schema
        if not free:
            self.refuse(path, schema, "add a key", {**small, GARBAGE: None}, full_schema)
        for name in value:
            part = schema["additionalProperties"] if free else schema["properties"][name]
            less = {k: v for k, v in small.items() if k != name}
            if not free:
                self.refuse(path, schema, f"delete {name}", less, full_schema)
                swapped = {**less, name + "_": small[name]}
                self.refuse(path, schema, f"rename {name}", swapped, full_schema)
            # the word that chooses among variants is judged with all of them in view
            judge = full_schema if "const" in part else schema
            for x in self.retyped(value[name], part, name):
                what = f"{'free key' if free else name} = {x!r}"
                self.refuse(path, judge, what, {**small, name: x}, full_schema)

    def array(self, path, value, schema):
        for item in value:
            for x in self.retyped(item, schema["items"]):
                key = (id(schema), json_type(item), json.dumps(x))
                if key not in self.seen:
                    self.seen.add(key)
                    self.refuse(path, schema, f"item = {x!r}", [x], schema)

    def walk(self, path, value, full_schema):
        if isinstance(value, (dict, list)):
            schema = self.variant(full_schema, value)
        if isinstance(value, dict):
            self.object(path, value, full_schema, schema)
            for name, child in value.items():
                free = "properties" not in schema
                part = schema["additionalProperties"] if free else schema["properties"][name]
                self.walk(path + (name,), child, part)
        elif isinstance(value, list):
            self.array(path, value, schema)
            for i, child in enumerate(value):
                self.walk(path + (i,), child, schema["items"])

    def run(self):
        for error in self.root.iter_errors(self.report):
            sys.exit(f"the report is not valid: {error.json_path}: {error.message[:200]}")
        for x in self.retyped(self.report, self.schema):
            self.refuse((), self.schema, f"report = {x!r}", copy.copy(x), self.schema)
        self.walk((), self.report, self.schema)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: schema_mutants.py SCHEMA REPORT")
    with open(sys.argv[1], encoding="utf-8") as f:
        schema = json.load(f)
    with open(sys.argv[2], encoding="utf-8") as f:
        report = json.load(f)
    Draft202012Validator.check_schema(schema)
    m = Mutants(schema, report)
    m.run()
    for path, what in m.survivors:
        print("survives:", "/" + "/".join(map(str, path)), what)
    print(f"{m.tried} mutants, {len(m.survivors)} survivors")
    sys.exit(1 if m.survivors else 0)


main()
