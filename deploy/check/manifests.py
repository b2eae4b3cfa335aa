"""Judges the rendered overlays and the Helm values: Kubernetes' schemas, strictly, then the rules in rules.py, then the
configuration files inside by `watchkeeper config validate`. At the end the rules are judged themselves: each mistake in
mistakes.py has to be found.

    manifests.py --binary WATCHKEEPER --rendered FOLDER
"""

import argparse
import copy
import os
import pathlib
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

import mistakes
import rules

# The oldest and the newest release that the manifests are for.
RELEASES = ["1.29", "1.37"]

HELM_VALUES = "deploy/helm/litellm-sidecar.values.yaml"


def against_schemas(documents, releases):
    for document in documents:
        for release in releases:
            try:
                kubernetes_validate.validate(document, release, strict=True)
            except kubernetes_validate.ValidationError as error:
                where = ".".join(str(part) for part in error.path)
                yield f"{rules.name(document)}: {where}: {error.message} (Kubernetes {release})"


def findings(documents):
    return [*against_schemas(documents, RELEASES), *rules.broken(documents)]


def overlooked(documents):
    # The schemas take a while, and most mistakes are the rules' to find.
    return not any(rules.broken(documents)) and not any(against_schemas(documents, RELEASES[-1:]))


def of_helm():
    """What LiteLLM's chart makes of the values, as far as they matter: the lists stand in its Deployment as they are."""
    values = yaml.safe_load(pathlib.Path(HELM_VALUES).read_text())
    labels = {"app.kubernetes.io/name": "litellm", "app.kubernetes.io/instance": "litellm"}
    proxy = {
        "name": "litellm",
        "image": "litellm:1",
        "envFrom": [{"secretRef": {"name": "litellm-env-secret"}}],
        "ports": [{"name": "http", "containerPort": 4000}],
        "readinessProbe": {"httpGet": {"path": "/health/readiness", "port": "http"}},
        "volumeMounts": [{"name": "litellm-config", "mountPath": "/etc/litellm/config.yaml", "subPath": "config.yaml"}],
    }
    volume = {
        "name": "litellm-config",
        "configMap": {"name": "litellm-config", "items": [{"key": "config.yaml", "path": "config.yaml"}]},
    }
    pod = {
        "containers": [proxy, *values.pop("extraContainers")],
        "volumes": [volume],
        "terminationGracePeriodSeconds": 90,
        # The first by the chart's `serviceAccount`; for the second it has no value.
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "litellm"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "litellm"},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 4000, "targetPort": "http"}]},
    }
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "litellm-config"},
        "data": {"config.yaml": pathlib.Path("deploy/kubernetes/litellm/config.yaml").read_text()},
    }
    extra = values.pop("extraResources")
    assert not values, f"{HELM_VALUES} has values that nobody looked at: {', '.join(values)}"
    return [deployment, service, config, *extra]


def configuration(documents, binary):
    """The files as the daemon finds them, with the variables that it is given; secrets are made up."""
    maps = {d["metadata"]["name"]: d["data"] for d in documents if d["kind"] == "ConfigMap"}
    for pod, container in rules.ours(documents):
        with tempfile.TemporaryDirectory() as folder:
            arguments = []
            for mount, volume in rules.mounts(pod, container):
                for file, text in maps.get(volume.get("configMap", {}).get("name"), {}).items():
                    path = pathlib.Path(folder) / mount["mountPath"].lstrip("/") / file
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
            for argument in container["args"][1:3]:
                arguments.append(folder + argument if argument.startswith("/") else argument)
            environment = {"PATH": os.environ["PATH"], "WATCHKEEPER__HTTP__LISTEN": "0.0.0.0:4100"}
            for variable in ["WATCHKEEPER_API_KEY", "LITELLM_MASTER_KEY", "OPENAI_API_KEY", "REDIS_HOST", "REDIS_PASSWORD"]:
                environment[variable] = "made-up"
            environment["REDIS_URL"] = "redis://redis:6379/0"
            environment |= {e["name"]: e["value"] for e in container.get("env", []) if "value" in e}
            done = subprocess.run(
                [binary, "config", "validate", *arguments], env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode != 0 or not arguments:
                yield f"`watchkeeper config validate {' '.join(arguments)}` says: {done.stdout}{done.stderr}".strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rendered", required=True, type=pathlib.Path)
    arguments = parser.parse_args()

    sets = {file.stem: list(yaml.safe_load_all(file.read_text())) for file in sorted(arguments.rendered.glob("*.yaml"))}
    sets["helm"] = of_helm()
    failed = 0
    for where, documents in sets.items():
        found = [*findings(documents), *configuration(documents, arguments.binary)]
        for finding in found:
            print(f"{where}: {finding}")
        failed += len(found)
        print(f"{where}: {len(documents)} resources, {len(found)} findings")

    for where, what, mistake in mistakes.ALL:
        broken = copy.deepcopy(sets[where])
        mistake(broken)
        if overlooked(broken):
            print(f"the rules overlook a mistake in {where}: {what}")
            failed += 1
    print(f"{len(mistakes.ALL)} planted mistakes")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
