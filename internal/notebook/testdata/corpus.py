"""Writes notebooks to a folder: in/N.ipynb as a program might have written it, want/N.ipynb as nbformat writes it."""
import json, pathlib, random, sys
import nbformat

out = pathlib.Path(sys.argv[1])
(out / "in").mkdir(parents=True)
(out / "want").mkdir()
rng = random.Random(4)
TEXTS = ["", "print(1)\n", "a\nb", "é😀\u2028x\u2029y\x85z\n", "tab\t\"quote\" \\ back\x08\x0c\x0b\x1c\x1d\x1e\x1f\x00\x7f", "crlf\r\nline\rend", "</script>&<>", "\ufeffbom", "\ufffd"]
NUMBERS = [0, 1, -0.0, 1.0, 1e5, 1e22, 1.5e-7, 10**30, -3, 0.1]


def value(depth=0):
    kind = rng.randrange(7 if depth < 3 else 5)
    if kind == 0: return rng.choice(TEXTS)
    if kind == 1: return rng.choice(NUMBERS)
    if kind == 2: return rng.choice([True, False, None])
    if kind == 3: return []
    if kind == 4: return {}
    if kind == 5: return [value(depth + 1) for _ in range(rng.randrange(3))]
    return {rng.choice(["b", "a", "Z", "é", "_x", "a b", "😀", "\uffee"]) + str(i): value(depth + 1) for i in range(rng.randrange(4))}


def metadata():
    v = {"m%d" % i: value() for i in range(rng.randrange(3))}
    return v


def text():
    s = "".join(rng.choice(TEXTS) for _ in range(rng.randrange(4)))
    return s if rng.random() < 0.5 else s.splitlines(True)


def bundle():
    b = {"text/plain": text()}
    for mime in ["text/html", "image/svg+xml", "application/javascript", "text/latex", "image/png"]:
        if rng.random() < 0.3: b[mime] = text()
    if rng.random() < 0.3: b["application/json"] = value()
    if rng.random() < 0.3: b["application/vnd.x+json"] = {"k": ["a", "b"], "v": value()}
    return b


def output():
    kind = rng.randrange(4)
    if kind == 0: return {"output_type": "stream", "name": rng.choice(["stdout", "stderr"]), "text": text()}
    if kind == 1: return {"output_type": "display_data", "data": bundle(), "metadata": metadata()}
    if kind == 2: return {"output_type": "execute_result", "data": bundle(), "metadata": metadata(), "execution_count": rng.choice([None, 3])}
    return {"output_type": "error", "ename": "E", "evalue": rng.choice(TEXTS), "traceback": [rng.choice(TEXTS) for _ in range(2)]}


def cell(minor, i):
    kind = rng.choice(["code", "markdown", "raw"])
    c = {"cell_type": kind, "metadata": metadata(), "source": text()}
    if minor >= 5: c["id"] = "id-%d" % i
    if kind == "code": c.update(outputs=[output() for _ in range(rng.randrange(4))], execution_count=rng.choice([None, 1, 22]))
    elif minor >= 1 and rng.random() < 0.3: c["attachments"] = {"a.png": {"image/png": "aGk=", "text/plain": text()}}
    return c


for i in range(150):
    minor = i % 6
    nb = {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata(), "cells": [cell(minor, k) for k in range(rng.randrange(6))]}
    # ensure_ascii and another indentation: what other programs write
    given = json.dumps(nb, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 1, 4]))
    (out / "in" / f"{i}.ipynb").write_text(given, encoding="utf-8", newline="")
    wrote = nbformat.v4.writes(nbformat.v4.reads(given))
    (out / "want" / f"{i}.ipynb").write_text(wrote + "\n", encoding="utf-8", newline="")
