#!/usr/bin/env python3
"""Makes the description of the API part of the program: openapi.py docs/openapi.yaml openapi.cpp"""
import json
import sys

import yaml

PIECE = 4096  # characters of one literal


def main(source, target):
    with open(source, encoding="utf-8") as file:
        document = json.dumps(yaml.safe_load(file), ensure_ascii=False, separators=(",", ":"))
    pieces = [document[at : at + PIECE] for at in range(0, len(document), PIECE)]
    literals = "\n".join(f'    R"openapi({piece})openapi"' for piece in pieces)
    with open(target, "w", encoding="utf-8") as file:
        file.write(
            "// Made by coordinator/api/openapi.py.\n"
            '#include "coordinator/api/openapi.hpp"\n\n'
            "namespace assent {\n\n"
            "std::string_view openapi_document() {\n"
            f"  return\n{literals};\n"
            "}\n\n"
            "}  // namespace assent\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
