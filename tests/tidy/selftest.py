"""Faults planted for each rule, which it must find, and near misses, which it must not."""

from source import Source, Tree

HEAD = "// What it is for.\n#pragma once\n\n"
PRESETS = '{"configurePresets": [{"name": "dev"}, {"name": "base", "hidden": true}]}\n'
PROGRAMS = "assent_program(assent-coordinator SOURCES main.cpp)\n"
FILES = {
    "protocol/ids.hpp", "protocol/runtime/http_client.hpp", "protocol/runtime/link.hpp",
    "coordinator/engine.hpp", "participant/agent.hpp", "clients/cpp/client.hpp",
    "tests/support/catch.hpp", "scripts/test", "docs/API.md", "docs"}

WORD = "TO" + "DO"
LONG_BODY = "  f();\n" * 60
SHELL = "```sh\n{}\n```\n"

# (rule, path, text, line of the failure)
FAULTS = (
    ("layers", "protocol/a.cpp", '#include "coordinator/engine.hpp"\n', 1),
    ("layers", "protocol/a.cpp", '#include "protocol/runtime/link.hpp"\n', 1),
    ("layers", "protocol/runtime/a.cpp", '\n#include "participant/agent.hpp"\n', 2),
    ("layers", "coordinator/a.cpp", '#include "participant/agent.hpp"\n', 1),
    ("layers", "participant/a.cpp", '#include "coordinator/engine.hpp"\n', 1),
    ("layers", "participant/a.cpp", '#include "clients/cpp/client.hpp"\n', 1),
    ("layers", "clients/cli/a.cpp", '#include "coordinator/engine.hpp"\n', 1),
    ("layers", "clients/cli/a.cpp", '#include "protocol/runtime/link.hpp"\n', 1),
    ("layers", "coordinator/a.cpp", '#include "tests/support/catch.hpp"\n', 1),
    ("layers", "coordinator/a.cpp", '#include "engine.hpp"\n', 1),
    ("libraries", "participant/a.cpp", "#include <libpq-fe.h>\n", 1),
    ("libraries", "coordinator/a.cpp", "#include <Poco/Logger.h>\n", 1),
    ("libraries", "protocol/runtime/daemon.hpp", HEAD + "#include <Poco/Logger.h>\n", 4),
    ("libraries", "coordinator/a.hpp", HEAD + "#include <google/protobuf/arena.h>\n", 4),
    ("libraries", "protocol/a.hpp", HEAD + '#include "protocol/assent.pb.h"\n', 4),
    ("libraries", "coordinator/a.hpp", HEAD + "#include <boost/asio/post.hpp>\n", 4),
    ("libraries", "coordinator/a.hpp", HEAD + "#include <boost/beast/http.hpp>\n", 4),
    ("libraries", "clients/a.hpp", HEAD + "#include <boost/json/value.hpp>\n", 4),
    ("purity", "protocol/a.cpp", "#include <thread>\n", 1),
    ("purity", "protocol/a.cpp", "#include <iostream>\n", 1),
    ("purity", "protocol/a.cpp", "#include <boost/json.hpp>\n", 1),
    ("purity", "protocol/a.cpp", "auto t = std::chrono::steady_clock::now();\n", 1),
    ("purity", "protocol/a.cpp", "\nvoid f() { throw 1; }\n", 2),
    ("purity", "protocol/a.cpp", "std::mt19937_64 engine;\n", 1),
    ("purity", "protocol/a.cpp", "std::mutex mutex;\n", 1),
    ("purity", "protocol/a.cpp", "int f() { return rand(); }\n", 1),
    ("purity", "protocol/a.cpp", "auto t = time(nullptr);\n", 1),
    ("purity", "protocol/a.cpp", 'void f() { printf("x"); }\n', 1),
    ("purity", "protocol/a.cpp", 'auto e = getenv("HOME");\n', 1),
    ("coroutine_lambda", "coordinator/a.cpp", "co_await run([this] { go(); });\n", 1),
    ("coroutine_lambda", "coordinator/a.cpp", "x = co_await\n  run(1, [&, n = 2](int) {});\n", 2),
    ("coroutine_lambda", "coordinator/a.cpp", "co_await [=]() -> Task { co_return; }();\n", 1),
    ("coroutine_braces", "coordinator/a.cpp", "x = co_await open(\n  a, {name, 5}, b);\n", 2),
    ("coroutine_ternary", "coordinator/a.cpp", "x = ok ? co_await f() : 0;\n", 1),
    ("coroutine_ternary", "coordinator/a.cpp", "x = ok ? 0\n       : co_await f();\n", 1),
    ("file_length", "coordinator/a.cpp", "int a;\n" * 501, 501),
    ("file_length", "clients/console/a.ts", "a\n" * 501, 501),
    ("function_length", "coordinator/a.cpp", "int g;\nvoid f() {\n" + LONG_BODY + "}\n", 2),
    ("function_length", "coordinator/a.cpp", "A::A(int b) : b_(b) {\n" + LONG_BODY + "}\n", 1),
    ("function_length", "coordinator/a.hpp",
     HEAD + "struct A {\n  auto f() const -> int {\n" + LONG_BODY + "  }\n};\n", 5),
    ("columns", "coordinator/a.cpp", "// " + "é" * 98 + "\n", 1),
    ("columns", "tests/tidy/a.py", "#" * 101 + "\n", 1),
    ("header_form", "coordinator/a.hpp", "#pragma once\n", 1),
    ("header_form", "coordinator/a.hpp", "// What.\nint a;\n", 1),
    ("header_form", "coordinator/a.hpp", HEAD + "using namespace std;\n", 4),
    ("blanks", "docs/a.md", "a \n", 1),
    ("blanks", "docs/a.md", "a\n\tb\n", 2),
    ("blanks", "docs/a.md", "a\r\n", 1),
    ("blanks", "docs/a.md", "a", 1),
    ("loose_ends", "docs/a.md", f"{WORD}: later\n", 1),
    ("loose_ends", "scripts/a", "# FIX" + "ME\n", 1),
    ("leaks", "docs/a.md", "see /wor" + "k/main\n", 1),
    ("leaks", "docs/a.md", "see /tmp/ass" + "ent/x\n", 1),
    ("leaks", "docs/a.md", "see ../sha" + "red/x\n", 1),
    ("leaks", "scripts/a", "--index-url https://py" + "pi.internal.example/simple\n", 1),
    ("leaks", "package-lock.json", '"https://reg' + 'istry.npmjs.org/a.tgz"\n', 1),
    ("links", "docs/a.md", "see [b](b.md)\n", 1),
    ("links", "docs/a.md", "see [b](../../b.md)\n", 1),
    ("links", "docs/a.md", "# A\n[b](#c)\n", 2),
    ("links", "docs/a.md", '<img src="no.svg">\n', 1),
    ("readme_commands", "README.md", SHELL.format("scripts/no-such"), 2),
    ("readme_commands", "README.md", SHELL.format("cmake --preset base"), 2),
    ("readme_commands", "README.md", SHELL.format("build/dev/bin/assent-other"), 2),
    ("readme_commands", "README.md", "```console\n$ frobnicate\noutput\n```\n", 2),
)

# (path, text): no rule may object.
CLEAN = (
    ("protocol/a.cpp", '#include <map>\n\n#include "protocol/ids.hpp"\n'),
    ("protocol/codec.cpp", "#include <google/protobuf/arena.h>\n"),
    ("protocol/a.cpp", "// A throw of the dice, at steady_clock's time().\nint throwing = 0;\n"),
    ("protocol/a.cpp", 'auto text = "throw rand() std::mutex // /* x";\nint wait_time(int);\n'),
    ("protocol/runtime/a.cpp", "auto t = std::chrono::steady_clock::now();\n"),
    ("clients/cli/a.cpp", '#include "protocol/runtime/http_client.hpp"\n'),
    ("participant/postgres/a.cpp", "#include <libpq-fe.h>\n"),
    ("protocol/runtime/daemon.cpp", "#include <Poco/Logger.h>\n"),
    ("coordinator/a.hpp", HEAD + "#include <boost/asio/io_context.hpp>\n"),
    ("coordinator/a.cpp", "#include <boost/beast/http.hpp>\n"),
    ("coordinator/a.cpp", "co_await run([] { go(); });\nco_await run(items[i], m[k](1));\n"),
    ("coordinator/a.cpp", "auto f = [this] { go(); };\nco_await run(f);\nauto g = [this] {};\n"),
    ("coordinator/a.cpp", "x = co_await f() ? 1 : 2;\ny = a ? 1 : 2;\nco_await f();\n"),
    ("coordinator/a.cpp", "namespace a {\n" + "int b;\n" * 70 + "}\n"),
    ("coordinator/a.cpp", "struct A {\n" + "int b;\n" * 70 + "};\n"),
    ("coordinator/a.cpp", "void f() {\n  if (x) {\n" + LONG_BODY[:6 * 57] + "  }\n}\n"),
    ("coordinator/a.cpp", "// " + "é" * 97 + "\n"),
    ("docs/a.md", "# A b, c\n[x](#a-b-c) [y](API.md) [z](https://x.org/) [d](../docs)\n"),
    ("docs/a.md", "`[q](no.md)`\n```\n[q](no.md)\n```\n"),
    ("docs/a.md", "It is at work/a, in network/work, and https://github.com/x.\n"),
    ("README.md", SHELL.format("# first\nscripts/test quick\ncmake --preset dev \\\n  -B x\n"
                               "build/dev/bin/assent-coordinator init\nA=1 git status")),
    ("README.md", "```console\n$ git status\nnothing to see\n```\n"),
)


def tree_with(path, text):
    sources = [Source(path, text), Source("CMakePresets.json", PRESETS),
               Source("coordinator/CMakeLists.txt", PROGRAMS)]
    return Tree(sources, lambda name: name in FILES or name == path)


def self_test(check):
    """`check` is tidy's own: (tree, allowed) to (path, line, rule, message)."""
    wrong = []
    for rule, path, text, line in FAULTS:
        found = [(f[2], f[1]) for f in check(tree_with(path, text), {})]
        if (rule, line) not in found:
            wrong.append(f"{rule} does not see line {line} of {path}: {text[:60]!r}; found {found}")
        others = {name for name, _ in found} - {rule}
        if others:
            wrong.append(f"{sorted(others)} object to a fault planted for {rule}: {text[:60]!r}")
    for path, text in CLEAN:
        for failure in check(tree_with(path, text), {}):
            wrong.append(f"{failure[2]} objects to {path}: {text[:60]!r}: {failure[3]}")
    allowed = {("columns", "coordinator/a.cpp"): "a reason"}
    if check(tree_with("coordinator/a.cpp", "x" * 101 + "\n"), allowed):
        wrong.append("an exception is not honoured")
    if not check(tree_with("coordinator/a.cpp", "int a;\n"), allowed):
        wrong.append("an exception that is not needed goes unnoticed")
    for line in wrong:
        print(line)
    print(f"{len(FAULTS)} faults and {len(CLEAN)} near misses, {len(wrong)} wrong")
    return 1 if wrong else 0
