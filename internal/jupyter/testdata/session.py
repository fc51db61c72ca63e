"""jupyter_client's Session as a second opinion on the bytes of messages.

Reads one JSON object a line, frames as base64, and answers each with one:
  {"do": "make", "scheme", "key", "type", "content", "metadata", "buffers"} -> {"frames"}
  {"do": "read", "scheme", "key", "frames"} -> {"header", "parent_header", "metadata", "content", "buffers"}
"""
import base64
import json
import sys

from jupyter_client.session import Session


def decode(frames):
    return [base64.b64decode(f) for f in frames]


def encode(frames):
    return [base64.b64encode(bytes(f)).decode() for f in frames]


for line in sys.stdin:
    ask = json.loads(line)
    try:
        session = Session(key=ask["key"].encode(), signature_scheme=ask["scheme"])
        if ask["do"] == "make":
            parent = session.msg("execute_request", content={"code": "π"})
            msg = session.msg(ask["type"], content=ask["content"], parent=parent, metadata=ask["metadata"])
            frames = session.serialize(msg, ident=[b"topic"]) + decode(ask["buffers"])
            answer = {"frames": encode(frames), "msg_id": msg["header"]["msg_id"], "parent_id": parent["header"]["msg_id"]}
        else:
            _, frames = session.feed_identities(decode(ask["frames"]))
            msg = session.deserialize(frames)
            answer = {k: msg[k] for k in ("parent_header", "metadata", "content", "msg_id", "msg_type")}
            answer["session"] = msg["header"]["session"]
            answer["year"] = msg["header"]["date"].year
            answer["buffers"] = encode(msg["buffers"])
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer, default=str), flush=True)
