#!/usr/bin/env python3
"""docker/: targets and services fit together; only the base image is pulled; nobody is root."""

import re

from shipped import Check, path, read, yaml


def stages(text):
    """{name: (what it is FROM, its lines)}"""
    found = {}
    for part in re.split(r"^FROM ", text, flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        base, _, name = head.partition(" AS ")
        found[name] = (base, body)
    return found


def check_dockerfile(check, targets):
    version = re.search(r"project\(assent VERSION (\S+)", read("CMakeLists.txt")).group(1)
    for name, (base, body) in targets.items():
        check.that(base == "${BASE}" or base in targets, f"{name}: pulls {base}")
        for stage in re.findall(r"--from=(\S+)", body):
            check.that(stage in targets, f"{name}: copies from {stage}")
        for given in re.findall(r"^ARG VERSION=(\S+)", body, re.M):
            check.that(given == version, f"{name}: version {given}, not {version}")
        for file in re.findall(r"^COPY (?!\.|--from)(.*) \S+$", body, re.M):
            for each in file.split():
                check.that(read(each), f"{name}: copies {each}")
    for name in ("coordinator", "participant", "tools"):
        body = targets[name][1]
        check.that(re.search(r"^USER \d+:\d+$", body, re.M), f"{name}: runs as root")
        check.that("org.opencontainers.image.version" in body, f"{name}: says no version")
    for name in ("coordinator", "participant"):
        check.that("HEALTHCHECK" in targets[name][1], f"{name}: has no health check")


def check_compose(check, targets):
    compose = yaml().safe_load(read("docker", "compose.yaml"))
    local = yaml().safe_load(read("docker", "compose.local.yaml"))
    services = compose["services"]
    check.that(set(local["services"]) <= set(services), "compose.local.yaml: unknown services")
    keys = re.findall(r"^\| `([a-z_.]+)` \|", read("docs", "reference", "configuration.md"), re.M)
    variables = {"ASSENT_" + key.upper().replace(".", "_") for key in keys} | {"ASSENT_URL"}
    for name, service in services.items():
        check.that(service["build"]["target"] in targets, f"{name}: no such target")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            check.that(source.startswith("/") or source in compose["volumes"], f"{name}: {source}")
        for port in service.get("ports", []):
            check.that(port.startswith("127.0.0.1:"), f"{name}: {port} is open to the network")
        for variable in service.get("environment", {}):
            check.that(variable in variables, f"{name}: no daemon knows {variable}")
        if service["build"]["target"] in ("coordinator", "participant"):
            check.that(service["read_only"] and service["cap_drop"] == ["ALL"], f"{name}: open")
    check.that(sum(each["build"]["target"] == "postgres" for each in services.values()) == 3,
               "there are not three servers")
    scraped = yaml().safe_load(read("docker", "prometheus.yaml"))["scrape_configs"]
    for target in (target for job in scraped for each in job["static_configs"]
                   for target in each["targets"]):
        check.that(target.split(":")[0] in services, f"prometheus.yaml: no service {target}")


def main():
    check = Check()
    targets = stages(read(path("docker", "Dockerfile")))
    check_dockerfile(check, targets)
    check_compose(check, targets)
    check.done()


main()
