"""The configuration files of the Debian packages: every key, explained and commented out."""

import textwrap

from words import sentence, span, toml_value

# What a package must say itself; all else is left at the defaults.
GIVEN = {
    "assent-coordinator": {"ledger": "/var/lib/assent/coordinator/ledger"},
    "assent-participant": {},
}
# What to write for keys that have no default.
EXAMPLES = {
    "name": "orders",
    "database": "host=/var/run/postgresql dbname=shop user=assent_participant",
}


def conffile(spec):
    name = spec["name"]
    page = (f"# {name}: see {name}.toml(5). A key that is commented out has the value shown.\n"
            f"# Afterwards: {name} --config THIS --print-config, and restart the service.\n")
    table = ""
    # Keys of no table come first, as TOML wants them.
    for key in sorted(spec["keys"], key=lambda key: key["name"].rpartition(".")[0]):
        prefix, _, short = key["name"].rpartition(".")
        if prefix != table:
            page += f"\n[{prefix}]\n"
            table = prefix
        text = sentence(key["help"]) + " " + sentence(span(key))
        text += " Required." if key["required"] else ""
        page += "\n" + textwrap.fill(text, 98, initial_indent="# ", subsequent_indent="# ") + "\n"
        given = GIVEN[name].get(key["name"])
        value = given or key["default"] or EXAMPLES.get(key["name"], "")
        page += f"{'' if given else '#'}{short} = {toml_value(key, value)}\n"
    return page
