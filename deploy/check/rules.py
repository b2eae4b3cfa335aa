"""What a schema cannot say of the manifests. Each rule yields sentences about what is broken."""

SIDECAR_PATHS = {"/health": "Prefix"}
LITELLM_PATHS = {"/health/readiness": "Exact", "/health/liveliness": "Exact", "/": "Prefix"}

# Longest way out of a pod, in seconds: http.drain (10 s) and 9 s.
WAY_OUT = 19

RIGHTS = {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Secret"}


def name(document):
    return f"{document['kind']} {document['metadata']['name']}"


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def pods(documents):
    """The Deployments with their pods' specs."""
    for deployment in of_kind(documents, "Deployment"):
        yield deployment, deployment["spec"]["template"]["spec"]


def ours(documents):
    """Pods' specs with the container that is ours."""
    for _, pod in pods(documents):
        for container in pod["containers"]:
            if container["name"] == "watchkeeper":
                yield pod, container


def mounts(pod, container):
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        yield mount, volumes.get(mount["name"], {})


def broken(documents):
    found = list(ours(documents))
    if len(found) != 1:
        yield f"{len(found)} containers are called `watchkeeper`, one was expected"
    for pod, container in found:
        yield from restricted(pod, container)
        yield from modest(pod, container)
        yield from configured(pod, container)
        if len(pod["containers"]) > 1:
            yield from beside(pod, container)
        else:
            yield from alone(documents, container)
    yield from images(documents)
    yield from connected(documents)
    yield from routed(documents)
    yield from policies(documents)
    for document in documents:
        if document["kind"] in RIGHTS:
            yield f"{name(document)}: nothing of that kind belongs here"


def restricted(pod, container):
    """Pod Security's restricted profile, and a root that nobody writes to."""
    outer, inner = pod.get("securityContext", {}), container.get("securityContext", {})
    context = outer | inner
    if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
        yield "it may run as root"
    if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "no seccomp profile"
    if inner.get("allowPrivilegeEscalation") is not False or inner.get("capabilities") != {"drop": ["ALL"]}:
        yield "it may gain rights"
    if inner.get("readOnlyRootFilesystem") is not True:
        yield "its root can be written to"


def modest(pod, container):
    if pod.get("automountServiceAccountToken") is not False:
        yield "it gets a token for Kubernetes that it has no use for"
    if pod.get("enableServiceLinks") is not False:
        yield "variables such as REDIS_PORT=tcp://… come into its environment"
    resources = container.get("resources", {})
    if resources.get("requests") != {"cpu": "10m", "memory": "32Mi"}:
        yield f"it requests {resources.get('requests')}"
    if "cpu" in resources.get("limits", {}):
        yield "a limit on CPU holds up leases"
    if pod.get("terminationGracePeriodSeconds", 30) <= WAY_OUT:
        yield "it is killed before it has handed over"
    if "lifecycle" in container:
        yield "a hook that nothing needs"


def configured(pod, container):
    files = [container["args"][i + 1] for i, a in enumerate(container["args"]) if a in ("--config", "--litellm-config")]
    found = list(mounts(pod, container))
    for file in files:
        if not any("configMap" in volume and file.startswith(mount["mountPath"] + "/") for mount, volume in found):
            yield f"`{file}` is in no ConfigMap that is mounted as a directory"
    if not files:
        yield "no configuration is named"
    for mount, volume in found:
        if "subPath" in mount:
            yield f"`{mount['mountPath']}` is mounted by subPath: changes never arrive"
        if not volume:
            yield f"no volume is called `{mount['name']}`"
    if not any(e["name"] == "POD_NAME" and "fieldRef" in e.get("valueFrom", {}) for e in container.get("env", [])):
        yield "it does not know its pod's name"


def beside(pod, container):
    """A sidecar leaves its neighbour's readiness alone and sees its neighbour's keys."""
    for probe in ("readinessProbe", "startupProbe"):
        if probe in container:
            yield f"the sidecar's {probe} gates the proxy"
    if "livenessProbe" not in container:
        yield "a sidecar that hangs stays so"
    for neighbour in pod["containers"]:
        if neighbour is container:
            continue
        missing = [source for source in neighbour.get("envFrom", []) if source not in container.get("envFrom", [])]
        if missing:
            yield f"it does not see its neighbour's variables: {missing}"
        if "readinessProbe" not in neighbour:
            yield "the proxy has no readiness of its own"
        theirs = {volume.get("configMap", {}).get("name") for _, volume in mounts(pod, neighbour)}
        mine = {volume.get("configMap", {}).get("name") for _, volume in mounts(pod, container)}
        if not (theirs & mine) - {None}:
            yield "it does not see its neighbour's file"


def alone(documents, container):
    for probe in ("readinessProbe", "startupProbe", "livenessProbe"):
        if probe not in container:
            yield f"no {probe}"
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        if not of_kind(documents, kind):
            yield f"no {kind}"
    for deployment, _ in pods(documents):
        rolling = deployment["spec"].get("strategy", {}).get("rollingUpdate", {})
        if deployment["spec"].get("replicas") != 3 or rolling.get("maxUnavailable") != 0:
            yield "three pods, and three while they are replaced"


def images(documents):
    for _, pod in pods(documents):
        for container in pod["containers"]:
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            if tag in ("", "latest"):
                yield f"image `{container['image']}` is whatever it is that day"


def connected(documents):
    """Selectors meet pods, ports have names, files come from somewhere."""
    templates = [deployment["spec"]["template"] for deployment in of_kind(documents, "Deployment")]

    def meets(labels):
        return [t for t in templates if labels and labels.items() <= t["metadata"].get("labels", {}).items()]

    for service in of_kind(documents, "Service"):
        met = meets(service["spec"].get("selector", {}))
        ports = {p.get("name") for t in met for c in t["spec"]["containers"] for p in c.get("ports", [])}
        for port in service["spec"]["ports"]:
            if port.get("targetPort") not in ports:
                yield f"{name(service)} leads to no port `{port.get('targetPort')}`"
    for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector"), ("Deployment", "selector")):
        for document in of_kind(documents, kind):
            if not meets(document["spec"].get(key, {}).get("matchLabels", {})):
                yield f"{name(document)} selects no pod"
    maps = {document["metadata"]["name"] for document in of_kind(documents, "ConfigMap")}
    for _, pod in pods(documents):
        for volume in pod.get("volumes", []):
            if "configMap" in volume and volume["configMap"]["name"] not in maps:
                yield f"no ConfigMap is called `{volume['configMap']['name']}`"


def routed(documents):
    """/health* to the sidecar, the proxy's own readiness and everything else to the proxy."""
    services = {document["metadata"]["name"]: document for document in of_kind(documents, "Service")}
    for ingress in of_kind(documents, "Ingress"):
        for rule in ingress["spec"]["rules"]:
            led = {}
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                ports = {p["name"]: p["targetPort"] for p in services.get(backend["name"], {"spec": {"ports": []}})["spec"]["ports"]}
                if backend["port"].get("name") not in ports:
                    yield f"{name(ingress)}: `{path['path']}` leads nowhere"
                    continue
                led[path["path"], path["pathType"]] = ports[backend["port"]["name"]]
            for expected, port in ((SIDECAR_PATHS, "watchkeeper"), (LITELLM_PATHS, "http")):
                for path in expected.items():
                    if led.get(path) != port:
                        yield f"{name(ingress)}: `{path[0]}` does not lead to port `{port}`"


def policies(documents):
    """Names, the providers, and the store that the configuration names."""
    found = of_kind(documents, "NetworkPolicy")
    if not found:
        return
    out = [rule for policy in found for rule in policy["spec"].get("egress", [])]
    ports = {port["port"] for rule in out for port in rule.get("ports", [])}
    text = "".join(text for config in of_kind(documents, "ConfigMap") for text in config["data"].values())
    store = 2379 if 'kind = "etcd"' in text else 6379
    if ports != {53, 443, store}:
        yield f"pods may reach the ports {sorted(ports)}, not 53, 443 and {store}"
    for rule in out:
        for port in rule.get("ports", []):
            if port["port"] == 53 and rule["to"][0]["podSelector"]["matchLabels"] != {"k8s-app": "kube-dns"}:
                yield "pods may ask no name server"
            if port["port"] == store and not rule.get("to"):
                yield "pods may reach everybody's stores"
