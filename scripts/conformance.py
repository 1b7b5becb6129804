"""Run scim2-tester and scim-sanity against SCIM_URL, and fail unless both find nothing.

Both are asked for their results as data. A suite that ran fewer checks than it should fails too:
one that finds no schema to test is content with a handful.
"""

import collections
import os
import sys

import httpx2
import scim2_tester
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import ScimPolicy, ScimProvider
from scim_sanity.probe.runner import run_probe_api

URL = os.environ["SCIM_URL"]
TOKENS = {"default": os.environ["SCIM_TOKEN"], "strict": os.environ["SCIM_STRICT_TOKEN"]}
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# How many checks must at least have passed.
TESTER_MINIMUM = {"User": 100, "Group": 18}
TESTER_ENTERPRISE_MINIMUM = 15
SANITY_MINIMUM = 28
# What scim-sanity may skip: resource types of a draft, which Rollcall does not have.
SANITY_SKIPS = {"Agent CRUD Lifecycle", "AgenticApplication CRUD Lifecycle", "Agent Rapid Lifecycle"}

# scim2-tester adds a whole extension, then each of its attributes, and expects of a multi-valued one
# to hold the second value alone. RFC 7644 §3.5.2.1: "If the target location specifies a multi-valued
# attribute, a new value is added to the attribute." Only an attribute of an extension meets this, and
# only this one is multi-valued.
ADDED_TWICE = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User:additionalManagers"


def expects_too_little(result):
    """Whether this is the one error that is the suite's: the added value came after the former."""
    return (
        result.status is scim2_tester.Status.ERROR
        and result.title == "check_add_attribute"
        and (result.data or {}).get("urn") == ADDED_TWICE
        and [manager.value for manager in result.data["modify_actual"]][1:]
        == [manager.value for manager in result.data["expected"]]
    )


def tester(dialect):
    """The problems scim2-tester finds with a token of this dialect."""
    headers = {"Authorization": f"Bearer {TOKENS[dialect]}"}
    # Strict tokens are shown securityEvents (RFC 9967 §4), which the suite's models do not know yet.
    unknown = ScimPolicy.Unknown.ignore if dialect == "strict" else ScimPolicy.Unknown.forbid
    described = ScimProvider(policy=ScimPolicy(unknown=unknown))
    with httpx2.Client(base_url=URL, headers=headers, timeout=30) as http:
        results = scim2_tester.check_server(SyncSCIMClient(http, provider=described))
    problems = [
        f"{result.status.name} {result.resource_type or 'discovery'}: {result.title}: {result.reason}"
        for result in results
        if result.status is not scim2_tester.Status.SUCCESS and not expects_too_little(result)
    ]
    if sum(map(expects_too_little, results)) != 1:
        problems.append("what scim2-tester got wrong is gone: remove expects_too_little")
    passed = collections.Counter(
        result.resource_type for result in results if result.status is scim2_tester.Status.SUCCESS
    )
    enterprise = sum(ENTERPRISE in (result.reason or "") for result in results)
    for kind, minimum in TESTER_MINIMUM.items():
        if passed[kind] < minimum:
            problems.append(f"only {passed[kind]} checks of {kind} passed, at least {minimum} should")
    if enterprise < TESTER_ENTERPRISE_MINIMUM:
        problems.append(f"only {enterprise} checks of the enterprise extension ran")
    counts = f"{len(results)} checks ({passed['User']} User, {enterprise} of them enterprise, {passed['Group']} Group)"
    return report(f"scim2-tester, {dialect} token", counts, problems)


def sanity():
    """The problems scim-sanity finds in its strict mode with a strict token."""
    found = run_probe_api(URL, token=TOKENS["strict"], strict=True)
    problems = [
        f"{result['status']} {result['name']}: {result.get('message', '')}"
        for result in found["results"]
        if result["status"] != "pass" and not (result["status"] == "skip" and result["name"] in SANITY_SKIPS)
    ]
    passed = found["summary"]["passed"]
    if passed < SANITY_MINIMUM:
        problems.append(f"only {passed} checks passed, at least {SANITY_MINIMUM} should")
    skipped = found["summary"]["skipped"]
    return report("scim-sanity, strict mode, strict token", f"{passed} checks passed, {skipped} skipped", problems)


def report(suite, counts, problems):
    print(f"{'ok  ' if not problems else 'FAIL'}  {suite}: {counts}, {len(problems)} problems")
    for problem in problems:
        print("      " + problem.replace("\n", "\n      "))
    return problems


found = [problem for problems in (tester("default"), tester("strict"), sanity()) for problem in problems]
sys.exit(1 if found else 0)
