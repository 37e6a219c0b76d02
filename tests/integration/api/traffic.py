#!/usr/bin/env python3
"""Holds what the integration tests asked and were answered against docs/openapi.yaml.

    traffic.py docs/openapi.yaml FOLDER
    traffic.py --self-test docs/openapi.yaml

FOLDER is what RECORD_TRAFFIC named while they ran (tests/integration/system/recorded.hpp). Every
answer must be one that the description has for that path, method and status, with the described
content; so must every request that was answered with success. Ends with 1 where something is not,
and names it.
"""
import argparse
import collections
import json
import pathlib
import re
import sys
import urllib.parse

import yaml

try:
    from jsonschema import Draft202012Validator
except ImportError:
    sys.exit("traffic: python3-jsonschema is missing; scripts/install-deps installs it")

SHOWN = 20  # findings of each kind of thing that is wrong


class Description:
    def __init__(self, file):
        self.document = yaml.safe_load(file.read_text(encoding="utf-8"))
        self.paths = [(self.pattern(path), path) for path in self.document["paths"]]
        self.validators = {}

    @staticmethod
    def pattern(path):
        literal = re.split(r"\{[^}]*\}", path)
        return re.compile("[^/]+".join(re.escape(part) for part in literal))

    def resolve(self, node):
        while "$ref" in node:
            at = self.document
            for name in node["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            node = at
        return node

    def operation(self, method, path):
        """The path as described and its operation; None where there is none."""
        for pattern, described in sorted(self.paths, key=lambda each: "{" in each[1]):
            if pattern.fullmatch(path):
                return described, self.document["paths"][described].get(method.lower())
        return None, None

    def response(self, operation, status):
        responses = operation["responses"]
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in responses:
                return self.resolve(responses[key])
        return None

    def complaints(self, schema, value):
        """What is wrong with a value, in a line each."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = {"allOf": [schema], "components": self.document["components"]}
            self.validators[key] = Draft202012Validator(whole)
        for error in self.validators[key].iter_errors(value):
            where = "/".join(str(step) for step in error.absolute_path)
            yield f"{where or 'the document'}: {error.message[:300]}"


def text(digits):
    return bytes.fromhex(digits).decode("utf-8", errors="replace")


def content_complaints(description, content, kind, body):
    """Of a body of that type, by the `content` of a request or a response."""
    if kind not in content:
        yield f"it is {kind or 'of no type'}, which is not described"
        return
    if not kind.endswith("json") or body is None:
        return
    try:
        value = json.loads(bytes.fromhex(body))
    except ValueError as error:
        yield f"it is no JSON: {error}"
        return
    yield from description.complaints(content[kind].get("schema", {}), value)


def response_complaints(description, operation, exchange):
    response = description.response(operation, exchange["status"])
    if response is None:
        yield f"status {exchange['status']} is not described"
        return
    kind = text(exchange["content_type"]).split(";")[0].strip()
    if "content" in response:
        yield from content_complaints(description, response["content"], kind,
                                      exchange["response"])
    elif exchange["response"]:
        yield "it has a body, and none is described"


def request_complaints(description, operation, exchange):
    """Of one that was answered with success."""
    body = operation.get("requestBody")
    if body is None:
        if exchange["request"]:
            yield "it has a body, and none is described"
    elif exchange["request"] == "":
        if body.get("required"):
            yield "it has no body, and was answered with success"
    else:
        yield from content_complaints(description, body["content"], "application/json",
                                      exchange["request"])


def check(description, exchange):
    """The described operation, and what is wrong."""
    method = text(exchange["method"])
    path = urllib.parse.unquote(urllib.parse.urlsplit(text(exchange["target"])).path)
    if not path.startswith("/v1/"):
        return None, []  # the console
    described, operation = description.operation(method, path)
    if operation is None:
        if exchange["status"] in (400, 401, 404, 405, 503):
            problem = {"$ref": "#/components/responses/Problem"}
            operation = {"responses": {"4XX": problem, "5XX": problem}}
            described = "elsewhere"
        else:
            return method + " " + path, [f"answered {exchange['status']}, and not described"]
    found = ["answer: " + each
             for each in response_complaints(description, operation, exchange)]
    if 200 <= exchange["status"] < 300:
        found += ["request: " + each
                  for each in request_complaints(description, operation, exchange)]
    return f"{method} {described} {exchange['status']}", found


def exchanges_in(folder):
    for file in sorted(folder.glob("*.jsonl")):
        with file.open(encoding="ascii") as lines:
            for line in lines:
                if line.endswith("\n"):  # else its process was killed meanwhile
                    yield json.loads(line)


def judge(description, exchanges):
    seen = collections.Counter()
    wrong = collections.defaultdict(list)
    for exchange in exchanges:
        what, found = check(description, exchange)
        if what is not None:
            seen[what] += 1
        for complaint in found:
            wrong[f"{what}: {complaint}"].append(exchange)
    return seen, wrong


def self_test(description):
    def exchange(method, target, status, response, request="",
                 kind="application/json"):
        return {"method": method.encode().hex(), "target": target.encode().hex(),
                "request": request.encode().hex(), "status": status,
                "content_type": kind.encode().hex(), "response": response.encode().hex()}

    tx = "0199aaaa-0000-7000-8000-000000000000"
    shown = f'{{"id":"{tx}","state":"open","outcome":"none","branches":[]}}'
    good = [
        exchange("GET", f"/v1/transactions/{tx}", 200, shown),
        exchange("POST", "/v1/transactions", 201, shown, '{"mode":"interactive"}'),
        exchange("GET", "/v1/transactions?limit=1", 200, '{"transactions":[]}'),
        exchange("GET", "/index.html", 200, "", kind="text/html"),
    ]
    bad = [
        exchange("GET", f"/v1/transactions/{tx}", 200, shown.replace("open", "ajar")),
        exchange("GET", f"/v1/transactions/{tx}", 200, "{}"),
        exchange("GET", f"/v1/transactions/{tx}", 200, "{"),
        exchange("GET", f"/v1/transactions/{tx}", 299, shown),
        exchange("GET", f"/v1/transactions/{tx}", 404, shown, kind="application/problem+json"),
        exchange("GET", f"/v1/transactions/{tx}", 200, shown, kind="text/plain"),
        exchange("GET", f"/v1/transactions/{tx}", 304, shown),
        exchange("POST", "/v1/transactions", 201, shown, '{"mode":"interactive","timeout":5}'),
        exchange("POST", "/v1/transactions", 201, shown),
        exchange("GET", "/v1/nowhere", 200, "{}"),
    ]
    for each in good:
        assert not check(description, each)[1], check(description, each)
    for each in bad:
        assert check(description, each)[1], each
    print(f"traffic: {len(good)} right and {len(bad)} wrong exchanges were told apart")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("description", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    arguments = parser.parse_args()
    description = Description(arguments.description)
    if arguments.self_test:
        self_test(description)
        return 0
    if arguments.folder is None:
        parser.error("a folder is needed")
    seen, wrong = judge(description, exchanges_in(arguments.folder))
    for what, exchanges in sorted(wrong.items())[:SHOWN]:
        first = exchanges[0]
        print(f"traffic: {what}\n  {len(exchanges)} times; the first: "
              f"{text(first['method'])} {text(first['target'])[:200]}\n"
              f"  sent:     {text(first['request'] or '')[:500]}\n"
              f"  answered: {text(first['response'] or '')[:500]}")
    operations = {what.rsplit(" ", 1)[0] for what in seen}
    print(f"traffic: {sum(seen.values())} exchanges, {len(operations)} operations, "
          f"{len(seen)} with their statuses; {len(wrong)} kinds of things wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
