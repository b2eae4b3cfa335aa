"""AWS, by botocore: signatures computed again, and requests and answers read and written by its service models."""

import json
import re
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore import parsers, serialize, session, validate
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HeadersDict
from botocore.credentials import Credentials

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)

_SESSION = session.Session()


def signature(item):
    """Whether botocore, given what was sent and the same keys (`id`, `secret`, `token`), comes to the same signature."""
    request = item["request"]
    headers = {name.lower(): value for name, value in request["headers"]}
    found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if not found:
        yield f"no signature: {headers.get('authorization')!r}"
        return
    for field in ("id", "region", "service"):
        if found[field] != item[field]:
            yield f"signed for {field} {found[field]!r}, not {item[field]!r}"
    date = headers.get("x-amz-date", "")
    if not re.fullmatch(r"\d{8}T\d{6}Z", date) or not date.startswith(found["date"]):
        yield f"`x-amz-date` is {date!r}, the scope's date {found['date']!r}"
    if headers.get("x-amz-security-token") != item.get("token"):
        yield "`x-amz-security-token` is not the session's token"
    signed = found["signed"].split(";")
    if signed != sorted(signed):
        yield f"the signed headers are not sorted: {signed}"
    for name in ("host", "x-amz-date", "x-amz-security-token"):
        if name in headers and name not in signed:
            yield f"`{name}` is not signed"

    again = AWSRequest(method=request["method"], url=request["url"], data=request["body"])
    for name in signed:
        again.headers[name] = headers[name]
    again.context["timestamp"] = date
    again.context["payload_signing_enabled"] = True
    keys = Credentials(item["id"], item["secret"], item.get("token"))
    auth = SigV4Auth(keys, found["service"], found["region"])
    canonical = auth.canonical_request(again)
    computed = auth.signature(auth.string_to_sign(again, canonical), again)
    if computed != found["signature"]:
        yield f"signature {found['signature']}, botocore's is {computed}, of this canonical request:\n{canonical}"


def _labels(template, path):
    """The values of a template such as `/model/{modelId}/converse`, or None where the path does not fit it."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
    found = re.fullmatch(pattern, path)
    return found and {name: unquote(value) for name, value in found.groupdict().items()}


def operation(item):
    """Whether the request is what botocore writes for `service` and `operation` with the parameters that it reads from
    it, all of which it has to know; and whether it can read the answer (`answer`, JSON), if there is one.
    """
    request = item["request"]
    service = _SESSION.get_service_model(item["service"])
    model = service.operation_model(item["operation"])
    url = urlsplit(request["url"])
    template = model.http["requestUri"]
    labels = _labels(template.partition("?")[0], url.path)
    if request["method"] != model.http["method"] or labels is None:
        yield f"{request['method']} {url.path} is not {model.http['method']} {template}"
        return

    members = model.input_shape.members
    by_label = {shape.serialization.get("name", name): name for name, shape in members.items()}
    params = {by_label[label]: value for label, value in labels.items()}
    headers = {name.lower(): value for name, value in request["headers"]}
    for name, shape in members.items():
        if shape.serialization.get("location") == "header":
            value = headers.get(shape.serialization["name"].lower())
            if value is not None:
                params[name] = value
    for name, value in parse_qsl(url.query, keep_blank_values=True):
        params[by_label[name]] = value
    payload = model.input_shape.serialization.get("payload")
    if payload:
        params[payload] = request["body"]
    elif request["body"]:
        params.update(json.loads(request["body"]))

    report = validate.ParamValidator().validate(params, model.input_shape)
    if report.has_errors():
        yield report.generate_report()
        return
    again = serialize.create_serializer(service.metadata["protocol"]).serialize_to_request(params, model)
    if again["url_path"].partition("?")[0] != url.path:
        yield f"the path is {url.path}, botocore's is {again['url_path']}"
    if dict(parse_qsl(url.query)) != {key: str(value) for key, value in again["query_string"].items()}:
        yield f"the query is {url.query!r}, botocore's is {again['query_string']}"
    for name, value in again["headers"].items():
        if headers.get(name.lower()) != value:
            yield f"`{name}` is {headers.get(name.lower())!r}, botocore's is {value!r}"
    sent, wanted = request["body"], again["body"]
    if not payload and sent:
        sent, wanted = json.loads(sent), json.loads(wanted)
    if sent != (wanted or b""):
        yield f"the body is {sent!r}, botocore's is {wanted!r}"

    if "answer" in item:
        answer = {"status_code": 200, "headers": HeadersDict({"content-type": "application/json"}), "body": item["answer"].encode()}
        parsed = parsers.create_parser(service.metadata["protocol"]).parse(answer, model.output_shape)
        parsed.pop("ResponseMetadata")
        stream = model.output_shape.serialization.get("payload")
        if not stream:
            known = set(json.loads(item["answer"])) - set(parsed)
            if known:
                yield f"botocore reads nothing of {sorted(known)} in the answer"
        report = validate.ParamValidator().validate(parsed, model.output_shape)
        if report.has_errors():
            yield "the answer: " + report.generate_report()
