"""Completion for bash, zsh and fish, of `assent` and of the daemons."""

from words import walk

NOTE = "# Made by scripts/reference from what the program says of itself.\n"


def daemon_tree(spec):
    """A daemon's description as that of a command line."""
    options = [{"names": [key["option"]], "argument": "", "help": key["help"],
                "value": "" if key["type"] == "boolean" else " ".join(key["choices"]) or "VALUE"}
               for key in spec["keys"] if key["option"]]
    options.append({"names": ["--config"], "argument": "", "help": "read a TOML file",
                    "value": "FILE"})
    for name, text in (("--list-crash-points", "print the crash points"),
                       ("--version", "print the version")):
        options.append({"names": [name], "argument": "", "help": text, "value": ""})
    return {"name": spec["name"], "options": options, "commands": command_tree(spec["commands"])}


def command_tree(commands):
    """"log verify" is the command verify below the command log."""
    tree = []
    for each in commands:
        above, _, name = each["name"].rpartition(" ")
        siblings = tree
        if above:
            if not any(node["name"] == above for node in tree):
                tree.append({"name": above, "options": [], "commands": [],
                             "help": f"{above} verbs"})
            siblings = next(node for node in tree if node["name"] == above)["commands"]
        options = [{"names": [option["name"]], "argument": "", "help": option["help"],
                    "value": option["value"]} for option in each["options"]]
        siblings.append({"name": name, "help": each["help"], "options": options, "commands": []})
    for node in tree:
        if node["commands"]:
            node["help"] = node["name"] + ": " + ", ".join(each["name"]
                                                         for each in node["commands"])
    return tree


def names(command):
    found = [name for option in command["options"] for name in option["names"]]
    return found + ["--help"] + [each["name"] for each in command["commands"]]


def values(option):
    """The words a value is one of, as far as they are known."""
    return option["value"].split() if " " in option["value"] else []


def all_options(tree):
    for command, path in walk(tree):
        for option in command["options"]:
            if option["names"]:
                yield option, path


def bash(tree):
    function = "_" + tree["name"].replace("-", "_")
    cases = "".join(f'    "{" ".join(path[1:])}") words="{" ".join(names(command))}" ;;\n'
                    for command, path in walk(tree))
    known = " ".join(sorted(' '.join(path[1:]).replace(" ", "/") for _, path in walk(tree)
                            if len(path) > 1))
    takes = "|".join(sorted({name for option, _ in all_options(tree) if option["value"]
                             for name in option["names"]}))
    chosen = "".join(f'    {"|".join(option["names"])}) choices="{" ".join(values(option))}" ;;\n'
                     for option, _ in all_options(tree) if values(option))
    everywhere = " ".join(name for option in tree["options"] for name in option["names"])
    return f"""{NOTE}{function}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local at="" words="" choices="" i
  COMPREPLY=()
  case "$before" in
{chosen}    {takes or "--"}) compopt -o default 2>/dev/null; return ;;
  esac
  if [ -n "$choices" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
    return
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case " {known} " in
      *" ${{at:+${{at// //}}/}}${{COMP_WORDS[i]}} "*) at="${{at:+$at }}${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$at" in
{cases}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words {everywhere}" -- "$word")
  [ ${{#COMPREPLY[@]}} -gt 0 ] || compopt -o default 2>/dev/null
}}
complete -F {function} {tree["name"]}
"""


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


def zsh_option(option):
    text = option["help"].replace("[", "(").replace("]", ")").replace(":", ";")
    value = ""
    if option["value"]:
        what = f"({' '.join(values(option))})" if values(option) else "_files"
        value = f":{option['value'].split()[0].lower()}:{what}"
    return " ".join(quoted(f"{name}[{text}]{value}") for name in option["names"])


def zsh(tree):
    function = "_" + tree["name"]
    page = f"#compdef {tree['name']}\n{NOTE}"
    for command, path in reversed(list(walk(tree))):
        page += f"\n{function}{''.join('__' + word for word in path[1:])}() {{\n"
        given = [zsh_option(option) for option in command["options"] if option["names"]]
        if len(path) > 1:
            given += [zsh_option(option) for option in tree["options"] if option["names"]]
        given.append(quoted("--help[teach all of this]"))
        lines = " \\\n    ".join(each for each in given if each)
        if not command["commands"]:
            page += f"  _arguments \\\n    {lines} \\\n    '*:argument:_files'\n}}\n"
            continue
        listed = " ".join(quoted(each["name"] + ":" + each["help"].replace(":", ";"))
                          for each in command["commands"])
        cases = "".join(f"        {each['name']}) {function}"
                        f"{''.join('__' + word for word in path[1:])}__{each['name']} ;;\n"
                        for each in command["commands"])
        page += (f"  local context state line\n  local -a commands=({listed})\n"
                 f"  _arguments -C \\\n    {lines} \\\n"
                 f"    '1: :->command' '*:: :->rest'\n  case $state in\n"
                 f"    command) _describe command commands ;;\n    rest)\n      case $line[1] in\n"
                 f"{cases}      esac ;;\n  esac\n}}\n")
    return page + f'\n{function} "$@"\n'


def fish(tree):
    page = NOTE
    for command, path in walk(tree):
        seen = " ".join(each["name"] for each in command["commands"])
        here = "".join(f"__fish_seen_subcommand_from {word}; and " for word in path[1:])
        if command["commands"]:
            when = quoted(here + f"not __fish_seen_subcommand_from {seen}")
            for each in command["commands"]:
                page += (f"complete -c {tree['name']} -n {when} -a {each['name']} "
                         f"-d {quoted(each['help'])}\n")
        where = f" -n {quoted(here[:-6])}" if here else ""
        for option in command["options"]:
            if not option["names"]:
                continue
            flags = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                             for name in option["names"])
            value = ""
            if option["value"]:
                value = f" -x -a {quoted(' '.join(values(option)))}" if values(option) else " -r"
            what = quoted(option["help"])
            page += f"complete -c {tree['name']}{where} {flags}{value} -d {what}\n"
    return page
