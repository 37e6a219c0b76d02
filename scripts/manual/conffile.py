"""The configuration files of the Debian packages: `config sample`, with what a package must say."""

# Left as comments is all that has a default.
GIVEN = {"assent-coordinator": ("ledger",), "assent-participant": ()}


def conffile(name, sample):
    lines = sample.split("\n")
    for key in GIVEN[name]:
        lines = [line[1:] if line.startswith(f"#{key} = ") else line for line in lines]
    return "\n".join(lines)
