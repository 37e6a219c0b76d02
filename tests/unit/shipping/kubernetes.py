#!/usr/bin/env python3
"""The manifests: known kinds and fields, references that lead somewhere, probes, no privileges."""

import glob
import os
import re

from shipped import Check, path, read, yaml

API = {"ConfigMap": "v1", "Secret": "v1", "Service": "v1", "PersistentVolumeClaim": "v1",
       "StatefulSet": "apps/v1", "Job": "batch/v1", "PodDisruptionBudget": "policy/v1",
       "NetworkPolicy": "networking.k8s.io/v1"}
TOP = {"apiVersion", "kind", "metadata", "spec", "data", "stringData", "type"}
POD = {"containers", "initContainers", "volumes", "securityContext", "restartPolicy",
       "terminationGracePeriodSeconds", "automountServiceAccountToken"}
CONTAINER = {"name", "image", "args", "env", "ports", "startupProbe", "livenessProbe",
             "readinessProbe", "resources", "securityContext", "volumeMounts", "restartPolicy"}
VOLUME = {"name", "emptyDir", "configMap", "secret", "hostPath", "persistentVolumeClaim"}
PROBE = {"httpGet", "exec", "periodSeconds", "failureThreshold"}
KEYS = re.compile(r"^\| `([a-z_.]+)` \|", re.M)


def known(check, where, thing, fields):
    for field in set(thing) - fields:
        check.that(False, f"{where}: unknown field {field}")
    check.that(True, "")


def check_container(check, where, container, pod, objects):
    known(check, where, container, CONTAINER)
    security = container.get("securityContext", {})
    check.that(security.get("allowPrivilegeEscalation") is False, f"{where}: may gain privileges")
    check.that(security.get("capabilities") == {"drop": ["ALL"]}, f"{where}: keeps capabilities")
    if container["image"].startswith("assent-"):
        check.that(security.get("readOnlyRootFilesystem") is True, f"{where}: writable root")
        version = re.search(r"project\(assent VERSION (\S+)", read("CMakeLists.txt")).group(1)
        check.that(container["image"].endswith(":" + version), f"{where}: image of another version")
    ports = {port["name"] for port in container.get("ports", [])}
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = container.get(name)
        if probe:
            known(check, f"{where} {name}", probe, PROBE)
            target = probe.get("httpGet", {}).get("port")
            check.that(target is None or target in ports, f"{where} {name}: no port {target}")
    volumes = {volume["name"] for volume in pod.get("volumes", [])} | pod["claims"]
    for mount in container.get("volumeMounts", []):
        check.that(mount["name"] in volumes, f"{where}: there is no volume {mount['name']}")
    for variable in container.get("env", []):
        source = variable.get("valueFrom", {}).get("secretKeyRef")
        if source:
            secret = objects.get(("Secret", source["name"]), {}).get("stringData", {})
            check.that(source["key"] in secret, f"{where}: no secret {source}")


def check_pod(check, where, pod, objects):
    known(check, where, set(pod) - {"claims"}, POD)
    security = pod.get("securityContext", {})
    check.that(security.get("runAsNonRoot") is True, f"{where}: may run as root")
    check.that(security.get("seccompProfile") == {"type": "RuntimeDefault"}, f"{where}: no seccomp")
    for volume in pod.get("volumes", []):
        known(check, where, volume, VOLUME)
        name = volume.get("configMap", {}).get("name")
        check.that(not name or ("ConfigMap", name) in objects, f"{where}: no ConfigMap {name}")
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        check.that(not claim or ("PersistentVolumeClaim", claim) in objects,
                   f"{where}: no claim {claim}")
    for container in pod["containers"] + pod.get("initContainers", []):
        check_container(check, f"{where} {container['name']}", container, pod, objects)
    for sidecar in pod.get("initContainers", []):
        check.that(sidecar.get("restartPolicy") == "Always", f"{where}: no native sidecar")


def check_stateful_set(check, where, spec, objects):
    labels = spec["template"]["metadata"]["labels"]
    check.that(spec["selector"]["matchLabels"].items() <= labels.items(), f"{where}: selector")
    service = objects.get(("Service", spec["serviceName"]))
    if check.that(service, f"{where}: no service {spec['serviceName']}"):
        check.that(service["spec"]["selector"].items() <= labels.items(), f"{where}: its service")
    check.that(spec["replicas"] == 1, f"{where}: never more than one")
    budgets = [each for (kind, _), each in objects.items() if kind == "PodDisruptionBudget"]
    check.that(any(each["spec"]["selector"]["matchLabels"].items() <= labels.items()
                   for each in budgets), f"{where}: no disruption budget")


def check_configuration(check, where, data):
    """Keys in the daemons' files are keys that the daemons have."""
    for name, text in data.items():
        daemon = "assent-" + name.removesuffix(".toml")
        section = read("docs", "reference", "configuration.md").split(f"## `{daemon}`")[1]
        keys = set(KEYS.findall(section.split("\n## ")[0]))
        table = ""
        for line in text.splitlines():
            if line.startswith("["):
                table = line.strip("[]") + "."
            elif line and not line.startswith("#"):
                key = table + line.split("=")[0].strip()
                check.that(key in keys, f"{where}: {daemon} has no key {key}")


def main():
    check = Check()
    objects = {}
    for file in sorted(glob.glob(path("docs", "kubernetes", "*.yaml"))):
        for each in yaml().safe_load_all(read(file)):
            where = f"{os.path.basename(file)} {each.get('kind')} {each['metadata']['name']}"
            known(check, where, each, TOP)
            check.that(API.get(each["kind"]) == each["apiVersion"], f"{where}: apiVersion")
            check.that((each["kind"], each["metadata"]["name"]) not in objects, f"{where}: twice")
            objects[each["kind"], each["metadata"]["name"]] = each
    for (kind, name), each in objects.items():
        where = f"{kind} {name}"
        if kind == "ConfigMap":
            check_configuration(check, where, each["data"])
        if kind == "StatefulSet":
            check_stateful_set(check, where, each["spec"], objects)
        if kind in ("StatefulSet", "Job"):
            claims = each["spec"].get("volumeClaimTemplates", [])
            pod = dict(each["spec"]["template"]["spec"],
                       claims={claim["metadata"]["name"] for claim in claims})
            check_pod(check, where, pod, objects)
    claim = "ledger-assent-coordinator-0"
    check.that(("PersistentVolumeClaim", claim) in objects, f"init.yaml makes no {claim}")
    check.done()


main()
