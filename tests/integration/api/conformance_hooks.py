"""What schemathesis cannot know of Assent: who takes part, and which SQL does something."""
import random

import schemathesis

PARTICIPANTS = ("bank_a", "bank_b")
SQL = (
    "select id, balance from account where id < 5",
    "update account set balance = balance + 0 where id = 7",
    "select null, true, 1::int8, 1.50::numeric, 'x'::text, '{1,2}'::int[], 'NaN'::float8",
    "insert into account values (1, 'taken', 1)",
    "select $1::text",
    "select 1/0",
    "commit",
    "select repeat('x', 100000)",
)
LONGEST_MS = 5000  # what nobody ends, ends by itself


def enliven(work, participants, draw):
    """Names that exist and statements that run, in most of what is generated."""
    if participants and draw.random() < 0.9:
        work["participant"] = participants.pop()
        work.pop("group", None)
    for statement in work.get("statements", ()):  # an external branch has none
        if draw.random() < 0.8:
            statement["sql"] = draw.choice(SQL)


def is_by_the_book(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def map_case(context, case):
    if not is_by_the_book(case) or not isinstance(case.body, dict):
        return case
    body = case.body
    draw = random.Random(repr(body))
    participants = draw.sample(PARTICIPANTS, len(PARTICIPANTS))
    for branch in body.get("branches", ()):
        enliven(branch, participants, draw)
    if "statements" in body:
        enliven(body, participants, draw)
    for limit in ("timeout_ms", "idle_timeout_ms"):
        if limit in body:
            body[limit] = min(body[limit], LONGEST_MS)
    return case


def what_no_schema_says(detail):
    """Rules that JSON Schema cannot state."""
    return ("has a branch already" in detail            # each participant once
            or "bytes each" in detail                   # a label's length in bytes
            or "NUL" in detail                          # PostgreSQL has none
            or "nested" in detail                       # a parameter's depth
            or "Only an interactive" in detail)         # another transaction's mode


@schemathesis.check
def what_is_allowed_is_not_malformed(context, response, case):
    if not is_by_the_book(case) or response.status_code not in (400, 405, 415):
        return
    problem = response.json()
    if problem["code"] == "participant-unknown" or what_no_schema_says(problem["detail"]):
        return
    raise AssertionError(f"as described, and yet refused: {problem['detail']}")


@schemathesis.check
def a_problem_means_what_it_says(context, response, case):
    if response.status_code < 400:
        return
    problem = response.json()
    assert problem["status"] == response.status_code, "the status is not the problem's"
    retry_after = response.headers.get("retry-after")
    assert (retry_after is not None) == (problem["retry"] == "after"), "no Retry-After, or no use"
    assert problem["outcome"] != "committed" or problem["code"] in (
        "already-committed", "heuristic-outcome", "idempotency-key-reused"
    ), "a commit that is answered by a problem"
