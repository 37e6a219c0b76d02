"""Rules for C++: what may include what, purity of the protocol, coroutine traps, size and form.

A rule takes (source, tree) and yields (line, message); the message ends with the remedy.
"""

import re

# ---- what may include what ----------------------------------------------------------------------

PARTS = ("protocol/runtime", "protocol", "coordinator", "participant", "clients", "tests")
MAY_SEE = {
    "protocol": ("protocol",),
    "protocol/runtime": ("protocol", "protocol/runtime"),
    "coordinator": ("protocol", "protocol/runtime", "coordinator"),
    "participant": ("protocol", "protocol/runtime", "participant"),
    "clients": ("clients",),
    "tests": PARTS,
}
# What the clients may use besides the REST API: helpers that know nothing of the protocol.
CLIENT_HELPERS = re.compile(
    r"protocol/(ids|time|problem"
    r"|runtime/(http_client|callers|random|clock|address|finding|suggestion|blocking_\w+))\.hpp")


def part_of(path):
    return next((part for part in PARTS if path.startswith(part + "/")), None)


def layers(source, tree):
    part = part_of(source.path)
    for line, name in source.includes:
        if not name.startswith('"'):
            continue
        path = name[1:-1]
        if not path.endswith(".pb.h") and not tree.exists(path):
            yield line, f"{path} is no file; write includes relative to the repository's root"
            continue
        target = part_of(path)
        if part is None or target is None or target in MAY_SEE[part]:
            continue
        if part == "clients" and CLIENT_HELPERS.fullmatch(path):
            continue
        yield line, (f"{part} must not see {target}; the order is protocol, protocol/runtime, then "
                     "coordinator or participant, and clients see the REST API only: "
                     "move what is shared down, or ask through an interface")


# (header, where it may be included at all, where a header may include it, remedy)
EVERYWHERE = re.compile("")
NOWHERE = re.compile("(?!)")
LIBRARIES = (
    (re.compile(r"libpq-fe\.h|libpq/|postgres_ext\.h|pg_config"),
     re.compile(r"participant/postgres/|clients/dev/|tests/"),
     re.compile(r"participant/postgres/|tests/"),
     "libpq belongs in participant/postgres; use its interface, participant/postgres/database.hpp"),
    (re.compile(r"Poco/"), re.compile(r"protocol/runtime/(daemon|log)"), NOWHERE,
     "POCO belongs in the daemon frame, protocol/runtime/daemon*.cpp and log*.cpp"),
    (re.compile(r"google/protobuf/|.*\.pb\.h"), EVERYWHERE, NOWHERE,
     "include protobuf in .cpp files only, and hand plain structs around"),
    (re.compile(r"boost/asio/io_context\.hpp|boost/json/fwd\.hpp|boost/asio/.*fwd\.hpp"),
     EVERYWHERE, EVERYWHERE, ""),
    (re.compile(r"boost/asio"), EVERYWHERE,
     re.compile(r"protocol/runtime/|participant/postgres/|tests/"),
     "forward declare io_context and hide the rest behind a pimpl"),
    (re.compile(r"boost/(beast|json|url)"), EVERYWHERE, re.compile(r"protocol/runtime/|tests/"),
     "include it in the .cpp and hide it behind a pimpl or a forward declaration"),
)


def libraries(source, tree):
    for line, name in source.includes:
        for header, anywhere, in_header, remedy in LIBRARIES:
            if not header.match(name[1:-1]):
                continue
            if not anywhere.match(source.path):
                yield line, f"{name[1:-1]} has no business here; {remedy}"
            elif source.is_header and not in_header.match(source.path):
                yield line, f"{name[1:-1]} is too heavy for this header; {remedy}"
            break


# ---- purity -------------------------------------------------------------------------------------

CODECS = re.compile(r"protocol/(record_)?codec\w*\.[hc]pp")
IMPURE_HEADERS = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "semaphore", "atomic",
    "random", "iostream", "fstream", "sstream", "cstdio", "cstdlib", "ctime", "csignal",
    "filesystem", "stdexcept", "exception"}
IMPURE_CODE = (
    (r"\b\w*(system|steady|high_resolution|file|utc)_clock\b", "reads a clock"),
    (r"\b(time|clock_gettime|gettimeofday)\s*\(", "reads a clock"),
    (r"\b(throw|try|catch)\b", "uses exceptions"),
    (r"\bstd::(j?thread|mutex|atomic\w*|async|lock_guard)\b|\bthread_local\b", "uses threads"),
    (r"\bstd::(random_device|mt19937\w*)|\bs?rand\s*\(|\bgetrandom\b", "is random"),
    (r"\bstd::(cout|cerr|clog|cin)\b|\bf?printf\s*\(", "does I/O"),
    (r"\bgetenv\b", "reads the environment"))


def purity(source, tree):
    if part_of(source.path) != "protocol" or CODECS.fullmatch(source.path):
        return
    remedy = "the protocol is a value: let the host do it and hand the result in as an event"
    for line, name in source.includes:
        standard = name[0] == '"' or re.fullmatch(r"<[a-z_0-9]+>", name)
        if not standard or name[1:-1] in IMPURE_HEADERS:
            yield line, f"{name} in the pure part of protocol/; {remedy}"
    for pattern, what in IMPURE_CODE:
        for match in re.finditer(pattern, source.code):
            yield source.line_of(match.start()), f"{match.group().strip()} {what}; {remedy}"


# ---- traps of coroutines in g++ 12 --------------------------------------------------------------

LAMBDA_WITH_CAPTURES = re.compile(
    r"(?<![\w\])\[])\s*\[(?!\[)\s*[^\]\s][^\]]*\]\s*(?:[({<]|mutable\b)")


def awaited(code, start):
    """The expression after the co_await at `start`: up to what ends it."""
    depth = 0
    for at in range(start, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
        if depth < 0 or (depth == 0 and code[at] == ";"):
            return code[start:at]
    return code[start:]


def coroutine_lambda(source, tree):
    for match in re.finditer(r"\bco_await\b", source.code):
        expression = awaited(source.code, match.end())
        found = LAMBDA_WITH_CAPTURES.search(expression)
        if found:
            yield (source.line_of(match.end() + found.start() + len(found.group()) - 1),
                   "a lambda with captures inside a co_await expression: g++ 12 destroys its "
                   "captures twice; name the lambda on a line before")


def coroutine_braces(source, tree):
    for match in re.finditer(r"\bco_await\b", source.code):
        expression = awaited(source.code, match.end())
        found = re.search(r"[(,]\s*\{\s*[^\s}]", expression)
        if found:
            yield (source.line_of(match.end() + found.end() - 1),
                   "a braced argument inside a co_await expression: g++ 12 destroys what it makes "
                   "twice; name it on a line before")


def coroutine_ternary(source, tree):
    for match in re.finditer(r"\?[^;{}]*?\bco_await\b", source.code):
        yield (source.line_of(match.start()),
               "co_await in an arm of ?: is miscompiled by g++ 12; use if and else")


# ---- size and form ------------------------------------------------------------------------------

MOST_FILE_LINES = 500
MOST_FUNCTION_LINES = 60
MOST_COLUMNS = 100
NO_FUNCTION = re.compile(
    r"\b(if|for|while|switch|catch|namespace|struct|class|union|enum|do|else|try)\b")
FUNCTION_HEAD = re.compile(
    r"\)\s*(?:(?:const|noexcept|override|final|mutable|&&?)\s*)*(?:->\s*[\w:<>,\s*&]+)?"
    r"(?:requires\b.*)?(?:\s*:\s[^;]*)?$", re.S)


def file_length(source, tree):
    if len(source.lines) - 1 > MOST_FILE_LINES:
        yield (MOST_FILE_LINES + 1, f"{len(source.lines) - 1} lines in one file, the limit is "
               f"{MOST_FILE_LINES}; split it at the seam between two ideas")


def functions(code):
    """(offset of the opening brace, offset of the closing one, head) of each outermost function."""
    head_start = at = 0
    while at < len(code):
        if code[at] in ";}" or (code[at] == "\n" and is_directive(code, head_start, at)):
            head_start = at + 1
        elif code[at] == "{":
            head = code[head_start:at]
            if FUNCTION_HEAD.search(head.rstrip()) and not NO_FUNCTION.match(head.strip()):
                end = closing(code, at)
                yield at, end, head.strip()
                at = end
            head_start = at + 1
        at += 1


def is_directive(code, start, end):
    return code[start:end].lstrip().startswith("#") and not code[:end].endswith("\\")


def closing(code, start):
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] == "{") - (code[at] == "}")
        if depth == 0:
            return at
    return len(code)


def function_length(source, tree):
    for start, end, head in functions(source.code):
        lines = source.code.count("\n", start, end) + 1
        if lines > MOST_FUNCTION_LINES:
            name = (re.findall(r"[\w:~]+(?=\s*\()", head) or ["a function"])[0]
            yield (source.line_of(start), f"{name} has {lines} lines, the limit is "
                   f"{MOST_FUNCTION_LINES}; give its steps names of their own")


def columns(source, tree):
    for number, line in enumerate(source.lines, 1):
        if len(line) > MOST_COLUMNS:
            yield number, f"{len(line)} columns, the limit is {MOST_COLUMNS}; break the line"


def header_form(source, tree):
    if not source.is_header:
        return
    if not source.text.startswith("//"):
        yield 1, "no comment at the head; say in one to five lines what this header is for"
    if not re.search(r"^#pragma once$", source.text, re.M):
        yield 1, "no #pragma once; write it after the comment at the head"
    for match in re.finditer(r"\busing\s+namespace\b", source.code):
        yield source.line_of(match.start()), "using namespace in a header; write the names in full"


CPP_RULES = (layers, libraries, purity, coroutine_lambda, coroutine_braces, coroutine_ternary,
             file_length, function_length, columns, header_form)
