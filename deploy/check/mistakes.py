"""Mistakes that the schemas and rules have to find, each planted alone into an overlay that is right."""


def the(documents, kind, name=None):
    return next(d for d in documents if d["kind"] == kind and name in (None, d["metadata"]["name"]))


def pod(documents):
    return the(documents, "Deployment")["spec"]["template"]["spec"]


def ours(documents):
    return next(c for c in pod(documents)["containers"] if c["name"] == "watchkeeper")


def _path(documents, path):
    return next(p for p in the(documents, "Ingress")["spec"]["rules"][0]["http"]["paths"] if p["path"] == path)


PROBE = {"httpGet": {"path": "/health/readiness", "port": 4100}}
SERVICE = {"service": {"name": "litellm-health", "port": {"name": "http"}}}

ALL = [
    ("redis", "a key that does not exist", lambda d: pod(d).update(containerz=[])),
    ("redis", "a number that is none", lambda d: the(d, "Deployment")["spec"].update(replicas="many")),
    ("litellm-redis", "a readiness probe on the sidecar", lambda d: ours(d).update(readinessProbe=PROBE)),
    ("helm", "a startup probe on the sidecar", lambda d: ours(d).update(startupProbe=PROBE)),
    ("redis", "no readiness probe where it stands alone", lambda d: ours(d).pop("readinessProbe")),
    ("redis", "an image without a tag", lambda d: ours(d).update(image="watchkeeper")),
    ("helm", "the latest image", lambda d: ours(d).update(image="host:5000/watchkeeper:latest")),
    ("redis", "root", lambda d: pod(d)["securityContext"].update(runAsUser=0)),
    ("etcd", "no seccomp profile", lambda d: pod(d)["securityContext"].pop("seccompProfile")),
    ("helm", "capabilities", lambda d: ours(d)["securityContext"].pop("capabilities")),
    ("litellm-etcd", "a root that can be written to", lambda d: ours(d)["securityContext"].update(readOnlyRootFilesystem=False)),
    ("redis", "a token for Kubernetes", lambda d: pod(d).pop("automountServiceAccountToken")),
    ("litellm-redis", "service links", lambda d: pod(d).pop("enableServiceLinks")),
    ("redis", "large requests", lambda d: ours(d)["resources"]["requests"].update(cpu="1")),
    ("redis", "a limit on CPU", lambda d: ours(d)["resources"]["limits"].update(cpu="1")),
    ("etcd", "a short grace", lambda d: pod(d).update(terminationGracePeriodSeconds=10)),
    ("redis", "a preStop hook", lambda d: ours(d).update(lifecycle={"preStop": {"sleep": {"seconds": 5}}})),
    ("litellm-redis", "a file by subPath", lambda d: ours(d)["volumeMounts"][0].update(subPath="config.yaml")),
    ("litellm-redis", "another file than is mounted", lambda d: ours(d).update(args=["run", "--litellm-config", "/other/config.yaml"])),
    ("redis", "no name", lambda d: ours(d).pop("env")),
    ("litellm-etcd", "other secrets than LiteLLM's", lambda d: ours(d).update(envFrom=[{"secretRef": {"name": "other"}}])),
    ("helm", "no variables of LiteLLM's", lambda d: ours(d).pop("envFrom")),
    ("redis", "rights in Kubernetes", lambda d: d.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})),
    ("redis", "no budget for disruptions", lambda d: d.remove(the(d, "PodDisruptionBudget"))),
    ("redis", "a budget for nobody", lambda d: the(d, "PodDisruptionBudget")["spec"].update(selector={})),
    ("redis", "one pod less during updates", lambda d: the(d, "Deployment")["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable=1)),
    ("redis", "a service for nobody", lambda d: the(d, "Service")["spec"].update(selector={"app": "other"})),
    ("litellm-redis", "a port that nobody has", lambda d: the(d, "Service", "litellm-health")["spec"]["ports"][0].update(targetPort="metrics")),
    ("etcd", "a ConfigMap that is not there", lambda d: d.remove(the(d, "ConfigMap"))),
    ("redis", "no way to the store", lambda d: d.remove(the(d, "NetworkPolicy", "watchkeeper-store"))),
    ("etcd", "a way to everything", lambda d: the(d, "NetworkPolicy", "watchkeeper")["spec"]["egress"].append({"ports": [{"port": 80}]})),
    ("etcd", "no way to the name servers", lambda d: the(d, "NetworkPolicy", "watchkeeper")["spec"]["egress"][0]["to"][0]["podSelector"]["matchLabels"].update(app="x")),
    ("litellm-redis", "the proxy's readiness told by the sidecar", lambda d: _path(d, "/health/readiness").update(backend=SERVICE)),
    ("helm", "/health told by the proxy", lambda d: _path(d, "/health").update(backend=_path(d, "/")["backend"])),
    ("helm", "a path that leads nowhere", lambda d: _path(d, "/").update(backend={"service": {"name": "x", "port": {"name": "http"}}})),
]
