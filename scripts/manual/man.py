"""Manual pages, in roff."""

from words import (PRECEDENCE, SWITCHES, command_help, command_words, option_words, placeholder,
                   sentence, span, toml_value, usage, walk)

SEE = {
    "assent": "assent-coordinator(8), assent-participant(8)",
    "assent-coordinator": "assent(1), assent-participant(8), assent-coordinator.toml(5)",
    "assent-participant": "assent(1), assent-coordinator(8), assent-participant.toml(5)",
}


def roff(text):
    """Text of one line."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def as_it_is(text):
    lines = [roff(line) for line in text.strip("\n").split("\n")]
    return ".nf\n" + "\n".join(lines) + "\n.fi\n"


def item(term, text):
    return f".TP\n\\fB{roff(term)}\\fR\n{roff(text)}\n"


def head(name, section, version, what):
    return (f'.\\" Made by scripts/reference from what the program says of itself.\n'
            f'.TH {name.upper()} {section} "" "Assent {version}" "Assent"\n'
            f".SH NAME\n{roff(name)} \\- {roff(what.rstrip('.'))}\n")


def key_details(key):
    text = sentence(key["help"]) + " " + sentence(span(key))
    if key["required"]:
        return text + " Required."
    return text + (f" Default: {key['default']}." if key["default"] else "")


def daemon(spec):
    name = spec["name"]
    page = head(name, 8, spec["version"], spec["help"])
    page += f".SH SYNOPSIS\n\\fB{roff(name)}\\fR [COMMAND] [OPTION]...\n"
    page += f".SH DESCRIPTION\n{roff(spec['help'])}\n.PP\n{roff(PRECEDENCE)}\n"
    page += ".SH COMMANDS\n"
    page += "".join(item(command_words(each), command_help(each)) for each in spec["commands"])
    page += ".SH OPTIONS\n" + "".join(item(*switch) for switch in SWITCHES)
    for key in spec["keys"]:
        if key["option"]:
            page += item(f"{key['option']} {placeholder(key)}".rstrip(), key_details(key))
    page += ".SH ENVIRONMENT\n" + roff(
        "Each key may also be given in the environment; secrets only there or in the file.") + "\n"
    page += "".join(item(key["environment"], f"{key['name']}") for key in spec["keys"])
    page += ".SH EXIT STATUS\n"
    page += "".join(item(str(code["code"]), sentence(code["meaning"]))
                    for code in spec["exit_codes"])
    page += ".SH SIGNALS\n" + item("SIGTERM, SIGINT", "Ends in order; a second one ends at once.")
    page += ".SH EXAMPLE\n" + as_it_is(spec["example"])
    return page + f".SH SEE ALSO\n{roff(SEE[name])}\n"


def configuration(spec):
    name = spec["name"] + ".toml"
    page = head(name, 5, spec["version"], f"configuration of {spec['name']}")
    page += (".SH DESCRIPTION\n" + roff(
        f"A TOML file, read by {spec['name']}(8) with --config or from ASSENT_CONFIG; the Debian "
        f"package reads /etc/assent/{spec['name'][7:]}.toml.") + "\n.PP\n" + roff(PRECEDENCE)
        + "\n.SH KEYS\n")
    for key in spec["keys"]:
        table, _, short = key["name"].rpartition(".")
        shown = f"[{table}] {short}" if table else short
        standard = toml_value(key, key["default"]) if key["default"] else "…"
        page += item(f"{shown} = {standard}", key_details(key))
    return page + f".SH SEE ALSO\n{roff(spec['name'])}(8)\n"


def command_line(spec):
    page = head("assent", 1, spec["version"], spec["help"])
    page += f".SH SYNOPSIS\n{roff(usage(spec, ('assent',)))}\n"
    page += f".SH DESCRIPTION\n{roff(spec['help'])}\n"
    page += ".SH OPTIONS\n" + options(spec)
    page += ".SH COMMANDS\n"
    for command, path in list(walk(spec))[1:]:
        page += f".SS {roff(usage(command, path[1:]))}\n{roff(sentence(command['help']))}\n"
        page += options(command)
        if command["more"].strip():
            page += ".PP\n" + as_it_is(command["more"])
    page += ".SH EXIT STATUS AND EXAMPLES\n" + as_it_is(spec["more"])
    return page + f".SH SEE ALSO\n{roff(SEE['assent'])}\n"


def options(command):
    page = ""
    for option in command["options"]:
        text = sentence(option["help"])
        if option["default"]:
            text += f" Default: {option['default']}."
        if option["environment"]:
            text += f" Also from {option['environment']}."
        page += item(option_words(option), text)
    return page
