"""OpenAI and Anthropic, by the request and answer types of their own packages."""

import io
import json
import wave
from email.parser import BytesParser
from importlib import import_module
from urllib.parse import urlsplit

from shapes import misfits

# Operation: the path's end, the request's type, the answer's. Types are named as `module:class`.
OPENAI = {
    "chat": ("/chat/completions", "openai.types.chat.completion_create_params:CompletionCreateParamsNonStreaming", "openai.types.chat:ChatCompletion"),
    "completion": ("/completions", "openai.types.completion_create_params:CompletionCreateParamsNonStreaming", "openai.types:Completion"),
    "responses": ("/responses", "openai.types.responses.response_create_params:ResponseCreateParamsNonStreaming", "openai.types.responses:Response"),
    "embedding": ("/embeddings", "openai.types.embedding_create_params:EmbeddingCreateParams", "openai.types:CreateEmbeddingResponse"),
    "moderation": ("/moderations", "openai.types.moderation_create_params:ModerationCreateParams", "openai.types:ModerationCreateResponse"),
    "image": ("/images/generations", "openai.types.image_generate_params:ImageGenerateParamsNonStreaming", "openai.types:ImagesResponse"),
    "speech": ("/audio/speech", "openai.types.audio.speech_create_params:SpeechCreateParams", None),
    "transcription": ("/audio/transcriptions", "openai.types.audio.transcription_create_params:TranscriptionCreateParamsNonStreaming", "openai.types.audio:Transcription"),
    "model": ("/models/", None, "openai.types:Model"),
}
ANTHROPIC = {
    "messages": ("/v1/messages", "anthropic.types.message_create_params:MessageCreateParamsNonStreaming", "anthropic.types:Message"),
    "count_tokens": ("/v1/messages/count_tokens", "anthropic.types.message_count_tokens_params:MessageCountTokensParams", "anthropic.types:MessageTokensCount"),
    "model": ("/v1/models/", None, "anthropic.types:ModelInfo"),
}


def _load(name):
    module, _, kind = name.partition(":")
    return getattr(import_module(module), kind)


def _body(request):
    """The fields sent, as the SDK takes them; of a form's file the bytes, which have to be a sound."""
    headers = {name.lower(): value for name, value in request["headers"]}
    kind = headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return json.loads(request["body"])
    form = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request["body"])
    body = {}
    for part in form.get_payload():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        body[name] = value if part.get_filename() else value.decode()
    with wave.open(io.BytesIO(body["file"])) as sound:
        if not sound.readframes(sound.getnframes()):
            raise ValueError("the sound is empty")
    return body


def _judge(item, operations):
    request = item["request"]
    path, asked, answered = operations[item["operation"]]
    sent = urlsplit(request["url"]).path
    fits = path in sent if path.endswith("/") else sent.endswith(path)
    if not fits or request["method"] != ("POST" if asked else "GET"):
        yield f"{request['method']} {sent} is not {path}"
    if asked:
        body = _body(request)
        # What the SDK puts in by itself: the place of a model in the path of a cloud's own API.
        body.update(item.get("beside", {}))
        for name in item.get("without", []):
            body.pop(name)
        yield from misfits(_load(asked), body)
    elif request["body"]:
        yield "it has a body"
    if "answer" in item and answered:
        _load(answered).model_validate_json(item["answer"], strict=True)


def openai(item):
    """Whether the request is the SDK's `operation`, every field known, and the SDK's type of answer holds `answer`."""
    yield from _judge(item, OPENAI)


def anthropic(item):
    """The same for Anthropic."""
    headers = {name.lower(): value for name, value in item["request"]["headers"]}
    if not item.get("cloud") and "anthropic-version" not in headers:
        yield "no `anthropic-version`"
    yield from _judge(item, ANTHROPIC)
