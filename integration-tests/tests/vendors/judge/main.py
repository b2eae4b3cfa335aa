"""Judges recorded requests, and the answers to them, by the vendors' own packages.

Standard input: a JSON list of objects, each with `judge` (a name in JUDGES), `request` (`method`, `url`, `headers`,
`body` in base64) and what that judge needs beside it. Standard output: a JSON list with one list of complaints for each,
empty where nothing is wrong. Nothing is sent anywhere.
"""

import base64
import importlib
import json
import sys
import traceback

# The module of each judge; loaded when asked for, since some take a second.
JUDGES = {
    "signature": "aws",
    "operation": "aws",
    "vertex": "vertex",
    "gemini": "gemini",
    "openai": "sdk",
    "anthropic": "sdk",
}


def judge(item):
    request = item.get("request")
    if request is not None:
        request["body"] = base64.b64decode(request["body"])
    try:
        function = getattr(importlib.import_module(JUDGES[item["judge"]]), item["judge"])
        return [str(complaint) for complaint in function(item)]
    # Whatever a vendor's package throws at a request or an answer is its verdict.
    except Exception:
        return [traceback.format_exc()]


if __name__ == "__main__":
    json.dump([judge(item) for item in json.load(sys.stdin)], sys.stdout)
