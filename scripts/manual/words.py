"""What a program says about itself (--describe), in the words that every page uses."""

UNITS = {
    "duration": (("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1)),
    "size": (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)),
    "integer": (("", 1),),
}
TYPES = {"text": "text", "integer": "number", "duration": "duration", "size": "size",
         "list": "list", "table": "lists by name", "boolean": "true or false"}


def amount(kind, number):
    for unit, factor in UNITS[kind]:
        if number and number % factor == 0:
            return f"{number // factor}{unit}"
    return str(number)


def span(key):
    """The values a key takes: "1ms … 10m", "debug, info, warning or error"."""
    if key["choices"]:
        return ", ".join(key["choices"][:-1]) + " or " + key["choices"][-1]
    if "least" not in key:
        return TYPES[key["type"]]
    least = amount(key["type"], key["least"])
    what = key["unit"] or TYPES[key["type"]]
    if "most" not in key:
        return f"{what}, from {least}"
    return f"{what}, {least} to {amount(key['type'], key['most'])}"


def placeholder(key):
    if key["choices"]:
        return "|".join(key["choices"])
    return {"text": "TEXT", "integer": "NUMBER", "duration": "DURATION", "size": "SIZE",
            "list": "A,B", "table": "NAME=A,B;…"}.get(key["type"], "")


def toml_value(key, text):
    if key["type"] in ("integer", "boolean"):
        return text
    if key["type"] == "list":
        return "[" + ", ".join(f'"{item}"' for item in text.split(",") if item) + "]"
    if key["type"] == "table":
        lists = (each.split("=", 1) for each in text.split(";") if each)
        return "{" + ", ".join(f"{name} = " + toml_value({"type": "list"}, items)
                               for name, items in lists) + "}"
    return f'"{text}"'


def sentence(text):
    if not text.startswith("libpq"):
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", ":")) else text + "."


def option_words(option):
    """"--key TEXT", "-q, --quiet", "FILE", "PARAM…" of an option of the command line."""
    if not option["names"]:
        return option["argument"] + ("…" if option["many"] else "")
    value = " " + option["value"].split(":")[0].split(" ")[0] if option["value"] else ""
    return ", ".join(sorted(option["names"], key=len)) + value


def command_words(command):
    """"log backup --to FOLDER" of a daemon's command."""
    words = command["name"]
    for option in command["options"]:
        text = f"{option['name']} {option['value']}".rstrip()
        words += f" {text}" if option["required"] else f" [{text}]"
    return words


def command_help(command):
    text = sentence(command["help"])
    for option in command["options"]:
        text += f" {option['name']}: {option['help']}."
    return text


def usage(command, path):
    """One line: "assent exec [OPTION…] ID PARTICIPANT SQL [PARAM…]"."""
    words = list(path)
    if any(option["names"] for option in command["options"]):
        words.append("[OPTION…]")
    for option in command["options"]:
        if not option["names"]:
            name = option_words(option)
            words.append(name if option["required"] else f"[{name}]")
    if command["commands"]:
        words.append("COMMAND" if len(path) == 1 else "[COMMAND]")
    return " ".join(words)


def walk(command, path=()):
    """Every command below and including this one, with its words."""
    path = path + (command["name"],)
    yield command, path
    for below in command["commands"]:
        yield from walk(below, path)


# Switches of both daemons that are no keys.
SWITCHES = (
    ("--config FILE", "Read a TOML file; also from ASSENT_CONFIG."),
    ("--list-crash-points", "Print the points ASSENT_CRASH_POINTS may name, and end."),
    ("--version", "Print the version, and end."),
    ("-h, --help", "Teach all of this, and end."),
)
PRECEDENCE = ("An option wins over the environment, that over the file, that over the default. "
              "Durations are written 500ms, 2s, 10m, 1h; sizes 65536, 64KiB, 16MiB. Unknown "
              "options, variables (ASSENT_…) and keys are refused by name.")
