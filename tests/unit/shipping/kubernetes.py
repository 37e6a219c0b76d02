#!/usr/bin/env python3
"""The manifests: known kinds and fields, references that lead somewhere, probes, no privileges."""

import glob
import os
import re

from shipped import Check, path, read, yaml

API = {"ConfigMap": "v1", "Secret": "v1", "Service": "v1", "PersistentVolumeClaim": "v1",
       "StatefulSet": "apps/v1", "Job": "batch/v1", "PodDisruptionBudget": "policy/v1",
       "NetworkPolicy": "networking.k8s.io/v1"}
# What may stand where, as Kubernetes' own schemas have it, as far as these files go: a field that
# is not here is misspelt, or new, and then to be looked up.
TEXTS = {"*": str}
META = {"name": str, "labels": TEXTS, "annotations": TEXTS}
SELECTOR = {"matchLabels": TEXTS,
            "matchExpressions": [{"key": str, "operator": str, "values": [str]}]}
CLAIM = {"accessModes": [str], "resources": {"requests": {"storage": str}}}
PROBE = {"httpGet": {"path": str, "port": str}, "exec": {"command": [str]}, "periodSeconds": int,
         "failureThreshold": int}
CONTAINER = {
    "name": str, "image": str, "args": [str], "restartPolicy": str,
    "env": [{"name": str, "value": str, "valueFrom": {"secretKeyRef": {"name": str, "key": str}}}],
    "ports": [{"name": str, "containerPort": int}],
    "startupProbe": PROBE, "livenessProbe": PROBE, "readinessProbe": PROBE,
    "resources": {"requests": TEXTS, "limits": TEXTS},
    "securityContext": {"readOnlyRootFilesystem": bool, "allowPrivilegeEscalation": bool,
                        "capabilities": {"drop": [str]}},
    "volumeMounts": [{"name": str, "mountPath": str, "readOnly": bool}]}
POD = {
    "containers": [CONTAINER], "initContainers": [CONTAINER], "restartPolicy": str,
    "terminationGracePeriodSeconds": int, "automountServiceAccountToken": bool,
    "securityContext": {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "fsGroup": int,
                        "fsGroupChangePolicy": str, "seccompProfile": {"type": str}},
    "volumes": [{"name": str, "emptyDir": {}, "configMap": {"name": str},
                 "secret": {"secretName": str}, "hostPath": {"path": str, "type": str},
                 "persistentVolumeClaim": {"claimName": str}}]}
TEMPLATE = {"metadata": META, "spec": POD}
SPECS = {
    "Service": {"selector": TEXTS, "clusterIP": str,
                "ports": [{"name": str, "port": int, "targetPort": str}]},
    "PersistentVolumeClaim": CLAIM,
    "StatefulSet": {"serviceName": str, "replicas": int, "selector": SELECTOR, "template": TEMPLATE,
                    "updateStrategy": {"type": str},
                    "volumeClaimTemplates": [{"metadata": META, "spec": CLAIM}]},
    "Job": {"backoffLimit": int, "template": TEMPLATE},
    "PodDisruptionBudget": {"maxUnavailable": int, "selector": SELECTOR},
    "NetworkPolicy": {
        "podSelector": SELECTOR, "policyTypes": [str],
        "ingress": [{"from": [{"podSelector": SELECTOR, "namespaceSelector": SELECTOR}],
                     "ports": [{"protocol": str, "port": int}]}]}}
KEYS = re.compile(r"^\| `([a-z_.]+)` \|", re.M)


def shape_of(kind):
    top = {"apiVersion": str, "kind": str, "metadata": META}
    if kind in SPECS:
        return dict(top, spec=SPECS[kind])
    if kind == "Secret":
        return dict(top, type=str, stringData=TEXTS)
    return dict(top, data=TEXTS)


def fits(check, where, thing, shape):
    if isinstance(shape, list):
        if check.that(isinstance(thing, list), f"{where}: is no list"):
            for i, each in enumerate(thing):
                fits(check, f"{where}[{i}]", each, shape[0])
    elif isinstance(shape, dict):
        if check.that(isinstance(thing, dict), f"{where}: is no map"):
            for field, value in thing.items():
                if check.that(field in shape or "*" in shape, f"{where}: unknown field {field}"):
                    fits(check, f"{where}.{field}", value, shape.get(field) or shape.get("*", {}))
    else:
        check.that(type(thing) is shape, f"{where}: {thing!r} is no {shape.__name__}")


def check_self(check):
    """A misspelt field and a value of another type are seen, however deep."""
    for wrong in ({"spec": {"template": {"spec": {"containers": [{"imagePullPolice": "Always"}]}}}},
                  {"spec": {"replicas": "1"}}, {"spec": {"volumeClaimTemplates": {}}}):
        blind = Check()
        fits(blind, "", wrong, shape_of("StatefulSet"))
        check.that(blind.wrong, f"this test does not see through {wrong}")


def check_container(check, where, container, pod, objects):
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
    security = pod.get("securityContext", {})
    check.that(security.get("runAsNonRoot") is True, f"{where}: may run as root")
    check.that(security.get("seccompProfile") == {"type": "RuntimeDefault"}, f"{where}: no seccomp")
    for volume in pod.get("volumes", []):
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
    check_self(check)
    objects = {}
    for file in sorted(glob.glob(path("docs", "kubernetes", "*.yaml"))):
        for each in yaml().safe_load_all(read(file)):
            where = f"{os.path.basename(file)} {each.get('kind')} {each['metadata']['name']}"
            fits(check, where, each, shape_of(each["kind"]))
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
