"""docs/reference: Markdown."""

from words import (PRECEDENCE, SWITCHES, command_help, command_words, option_words, sentence, span,
                   toml_value, usage, walk)

MADE = "<!-- Made by scripts/reference; change the programs, not this. -->\n"


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(each) for each in row) + " |" for row in rows]
    return "\n".join(lines).replace("|  |", "| |") + "\n"


def code(text):
    return f"`{text}`" if text else ""


def cli(spec):
    page = f"# `assent`\n\n{MADE}\n{spec['help']}\nA guide is in [CLI.md](../CLI.md).\n"
    for command, path in walk(spec):
        title = "Options for all commands" if len(path) == 1 else f"`{' '.join(path)}`"
        page += f"\n## {title}\n\n"
        if len(path) > 1:
            page += f"{sentence(command['help'])}\n\n```\n{usage(command, path)}\n```\n"
        rows = []
        for option in command["options"]:
            text = sentence(option["help"])
            if option["default"]:
                text += f" Default: `{option['default']}`."
            if option["environment"]:
                text += f" Also from `{option['environment']}`."
            rows.append((code(option_words(option)), text))
        if rows:
            page += ("\n" if len(path) > 1 else "") + table(("option or argument", ""), rows)
        if command["more"].strip():
            page += "\n```\n" + command["more"].strip("\n") + "\n```\n"
    return page


def configuration(specs):
    page = (f"# Configuration of the daemons\n\n{MADE}\n{PRECEDENCE}\n\n"
            "The key `http.listen` would be the option `--http-listen`, the variable "
            "`ASSENT_HTTP_LISTEN`,\nand in the file `listen` in the table `[http]`.\n")
    for spec in specs:
        page += f"\n## `{spec['name']}`\n\n{spec['help']}\n\n"
        page += table(("command", ""), [(code(command_words(each)), command_help(each))
                                        for each in spec["commands"]]) + "\n"
        rows = []
        for key in spec["keys"]:
            standard = "required" if key["required"] else code(
                toml_value(key, key["default"]) if key["default"] else "")
            secret = " Secret: no option." if key["secret"] else ""
            rows.append((code(key["name"]), span(key), standard, sentence(key["help"]) + secret))
        page += table(("key", "value", "default", ""), rows)
    page += "\n## Switches of both\n\n" + table(
        ("option", ""), [(code(name), text) for name, text in SWITCHES])
    page += "\n## Exit codes of both\n\n" + table(
        ("code", ""), [(str(each["code"]), sentence(each["meaning"]))
                       for each in specs[0]["exit_codes"]])
    return page


def metrics(seen):
    """`seen`: {daemon: {name: {"type", "help", "labels"}}}."""
    page = (f"# Metrics\n\n{MADE}\n`GET /metrics` on each daemon's admin listener, in Prometheus' "
            "text format. What to watch, and what to do then:\n"
            "[OPERATIONS.md](../OPERATIONS.md#alerts); rules and a dashboard: "
            "[docs/monitoring](../monitoring/README.md).\n")
    for daemon, families in seen.items():
        rows = [(code(name), family["type"], ", ".join(code(each) for each in family["labels"]),
                 sentence(family["help"])) for name, family in sorted(families.items())]
        page += f"\n## `{daemon}`\n\n" + table(("metric", "type", "labels", ""), rows)
    return page
