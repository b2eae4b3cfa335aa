"""The Gemini API, by Google's generated client: its message types and the paths that it takes them at."""

import functools
import json
import re
from urllib.parse import unquote, urlsplit

from google.ai import generativelanguage_v1beta as api
from google.ai.generativelanguage_v1beta.services.generative_service.transports import rest_base as generative
from google.ai.generativelanguage_v1beta.services.model_service.transports import rest_base as models
from google.protobuf import json_format

# Method of the API: where its paths stand, the request's type, the answer's.
METHODS = {
    "GenerateContent": (generative._BaseGenerativeServiceRestTransport._BaseGenerateContent, api.GenerateContentRequest, api.GenerateContentResponse),
    "CountTokens": (generative._BaseGenerativeServiceRestTransport._BaseCountTokens, api.CountTokensRequest, api.CountTokensResponse),
    "EmbedContent": (generative._BaseGenerativeServiceRestTransport._BaseEmbedContent, api.EmbedContentRequest, api.EmbedContentResponse),
    "BatchEmbedContents": (generative._BaseGenerativeServiceRestTransport._BaseBatchEmbedContents, api.BatchEmbedContentsRequest, api.BatchEmbedContentsResponse),
    "GetModel": (models._BaseModelServiceRestTransport._BaseGetModel, api.GetModelRequest, api.Model),
    "ListModels": (models._BaseModelServiceRestTransport._BaseListModels, api.ListModelsRequest, api.ListModelsResponse),
}


def gemini(item):
    """Whether path and body are a request of `method`, every field known; and whether `answer` is one to it.

    `newer` names a field, as a list of names from the outside in, that the API has and this client not yet.
    """
    request = item["request"]
    transport, asked, answered = METHODS[item["method"]]
    path = urlsplit(request["url"]).path
    for option in transport._get_http_options():
        pattern = re.sub(r"\{\w+=([^}]+)\}", lambda found: "(" + found[1].replace("*", "[^/]+") + ")", option["uri"])
        if request["method"] == option["method"].upper() and re.fullmatch(pattern, unquote(path)):
            break
    else:
        yield f"{request['method']} {path} is no path of {item['method']}"
    # It refuses fields that the message does not have, and values of another type.
    if request["body"]:
        body = json.loads(request["body"])
        if "newer" in item:
            *path, name = item["newer"]
            functools.reduce(lambda at, name: at.get(name, {}), path, body).pop(name, None)
        json_format.ParseDict(body, asked.pb()())
    if "answer" in item:
        json_format.Parse(item["answer"], answered.pb()())
