"""Hold the API against its description, and fail unless every answer is as described and none is a 5xx.

First the description is checked against OpenAPI 3.1. Then schemathesis asks every operation, with what it makes
up from the description, some of it wrong on purpose. What it should find is created before, so that
not every answer is a 404.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = os.environ["SCIM_URL"].removesuffix("/scim/v2")
TOKENS = {"scim": os.environ["SCIM_TOKEN"], "operator": os.environ["OPS_TOKEN"], "content": os.environ["CONTENT_TOKEN"]}
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "3"))
THOROUGH = EXAMPLES > 10
# Seconds after which a run that is not over has failed.
LONGEST = 3600 if THOROUGH else 240
SEED = "20261127"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
# What is not asked, and why.
EXCLUDED = {
    "/ops/v1/runs/{id}/events": "the answer is a stream, which ends with the run",
    "/scim/v2/Me": "every answer is a 501, as described, which is a 5xx",
}


def call(method, path, body=None, scope="operator"):
    request = urllib.request.Request(ROOT + path, method=method, data=json.dumps(body).encode() if body else None)
    request.add_header("Authorization", f"Bearer {TOKENS[scope]}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
        return answer.headers, json.loads(text) if text else None


def described():
    """The description, which is one."""
    with urllib.request.urlopen(ROOT + "/openapi.json", timeout=60) as answer:
        document = json.load(answer)
    faults = [fault.message for fault in OpenAPIV31SpecValidator(document).iter_errors()]
    if faults:
        sys.exit("FAIL  /openapi.json is not OpenAPI 3.1:\n      " + "\n      ".join(faults))
    operations = sum(len(item) for item in document["paths"].values())
    print(f"ok    /openapi.json is OpenAPI 3.1: {len(document['paths'])} paths, {operations} operations")
    return document


def created():
    """Something of everything; answers the values of path parameters by path."""
    people, receipts = [], []
    for number in range(3):
        user = {"userName": f"person{number}@example.com", "displayName": f"Person {number}"}
        headers, body = call("POST", "/scim/v2/Users", user, "scim")
        people.append(body["id"])
        receipts.append(headers["Set-Txn"])
    headers, group = call("POST", "/scim/v2/Groups", {"displayName": "Everybody", "members": [{"value": people[0]}]}, "scim")
    receipts.append(headers["Set-Txn"])
    until = time.monotonic() + 30
    while call("GET", f"/ops/v1/receipts/{receipts[-1]}")[1]["operations"][0]["state"] == "accepted":
        assert time.monotonic() < until, "the worker did not apply what was written"
        time.sleep(0.1)
    token = call("POST", "/ops/v1/tokens", {"name": "spare", "scope": "scim"})[1]["id"]
    run = call("POST", "/ops/v1/runs", {"scope": "full", "dryRun": True})[1]["id"]
    schedule = call("POST", "/ops/v1/schedules", {"name": "nightly", "cron": "0 2 * * *"})[1]["id"]
    mapping = call("GET", "/ops/v1/mapping")[1]["mapping"]
    preview = call("POST", "/ops/v1/mapping/preview", {"mapping": mapping})[1]["id"]
    urn = "urn:example:params:scim:schemas:extension:badges:2.0:User"
    attribute = {"name": "number", "type": "string", "multiValued": False, "description": "Number of the badge"}
    call("PUT", f"/ops/v1/schemas/{urn}", {"attributes": [attribute]})
    teams = [team["id"] for team in call("GET", "/ops/v1/teams")[1]["teams"]]
    return {
        "/scim/v2/Users/": people,
        "/scim/v2/Groups/": [group["id"]],
        "/scim/v2/Schemas/": ["urn:ietf:params:scim:schemas:core:2.0:User", urn],
        "/scim/v2/ResourceTypes/": ["User", "Group"],
        "/scim/v2/AsyncResults/": receipts,
        "/ops/v1/receipts/": receipts,
        "/ops/v1/people/": people,
        "/ops/v1/teams/": teams,
        "/ops/v1/tokens/": [token],
        "/ops/v1/runs/": [run],
        "/ops/v1/schedules/": [schedule],
        "/ops/v1/schemas/": [urn],
        "/ops/v1/mapping/versions/": ["1"],
        "/ops/v1/mapping/previews/": [preview],
        "/content/v1/people/": people,
        "/content/v1/teams/": teams,
    }


def configuration(document, values):
    """Tokens by what an operation needs, and what path parameters may be."""
    lines = [f"[auth.openapi.{scope}Token]\nbearer = {json.dumps(token)}" for scope, token in TOKENS.items()]
    bindings = []
    for root, known in values.items():
        name = "of" + "".join(letter if letter.isalnum() else "_" for letter in root)
        lines.append(f"[dictionaries.{name}]\nvalues = {json.dumps(known)}")
        for path in document["paths"]:
            if path.startswith(root + "{"):
                parameter = path.removeprefix(root).split("}")[0].removeprefix("{")
                binding = f'{{ "path.{parameter}" = {{ dictionary = "{name}", probability = 0.7 }} }}'
                bindings.append(f"[[operations]]\ninclude-path = {json.dumps(path)}\nparameters = {binding}")
    return "\n\n".join(lines + bindings) + "\n"


def arguments(program):
    phases = ["examples", "coverage", "fuzzing"] + (["stateful"] if THOROUGH else [])
    found = [program, "--config-file", "schemathesis.toml", "run", ROOT + "/openapi.json"]
    found += ["--checks", ",".join(CHECKS), "--phases", ",".join(phases)]
    found += ["--max-examples", str(EXAMPLES), "--seed", SEED, "--generation-deterministic", "--no-shrink"]
    found += ["--continue-on-failure", "--request-timeout", "30", "--suppress-health-check", "all", "--warnings", "off"]
    for path in EXCLUDED:
        found += ["--exclude-path", path]
    return found


document = described()
pathlib.Path("schemathesis.toml").write_text(configuration(document, created()))
for path, reason in EXCLUDED.items():
    print(f"left  {path}: {reason}")
started = time.monotonic()
try:
    ended = subprocess.run(arguments(sys.argv[1]), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LONGEST)
except subprocess.TimeoutExpired:
    sys.exit(f"FAIL  schemathesis was not done within {LONGEST} seconds")
pathlib.Path("output.txt").write_text(ended.stdout)
seconds = time.monotonic() - started
if ended.returncode:
    print(ended.stdout)
    sys.exit(f"FAIL  schemathesis, after {seconds:.0f} seconds; what it found is above")
summary = ended.stdout[ended.stdout.rfind(" SUMMARY "):]
print(f"ok    schemathesis, {seconds:.0f} seconds")
for line in summary.splitlines()[1:]:
    if line.strip() and not line.startswith("="):
        print("      " + line.strip())
