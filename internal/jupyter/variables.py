# Runs before ipython.py, in the same module: short texts of the user's variables.
import sys, time
from itertools import islice
from types import BuiltinFunctionType, FunctionType, ModuleType

COUNT, TEXT, ITEMS, DEPTH, SECONDS = 100, 120, 6, 2, 0.05
FRAMES = {"numpy", "pandas", "polars", "torch", "tensorflow", "jax", "jaxlib", "cupy", "scipy", "xarray", "pyarrow"}
BRACKETS = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}"}


# Only what Python itself defines is ever called: a class may bring a slow or
# surprising __class__, __name__, __repr__, __len__ or iterator of its own.
title = type.__dict__["__name__"].__get__


def cut(text):
    return text if len(text) <= TEXT else text[: TEXT - 1] + "\u2026"


def name(value):
    return "<%s>" % title(type(value))


def number(value):
    # repr of a long integer takes quadratic time, or is refused.
    if type(value) is int and value.bit_length() > 4 * TEXT:
        return "<int of %d bits>" % value.bit_length()
    return repr(value)


def container(value, depth):
    kind = type(value)
    opening, closing = BRACKETS[kind]
    if depth == 0 and value:
        return opening + "\u2026" + closing
    if kind is dict:
        parts = [text(k, depth - 1) + ": " + text(v, depth - 1) for k, v in islice(value.items(), ITEMS)]
    else:
        parts = [text(v, depth - 1) for v in islice(value, ITEMS)]
    if len(value) > ITEMS:
        parts.append("\u2026")
    inner = ", ".join(parts)
    if kind is tuple and len(value) == 1:
        inner += ","
    if kind is frozenset or (kind is set and not value):
        return "%s(%s)" % (kind.__name__, opening + inner + closing if value else "")
    return opening + inner + closing


secrets = set()  # what was typed at getpass, which must never be shown


def is_secret(value):
    for secret in secrets:
        part = value[: TEXT + len(secret)]
        if (secret if type(part) is str else secret.encode()) in part:
            return True
    return False


def keep_secrets(kernel):
    ask = kernel.getpass

    def ask_secret(*args, **kwargs):
        answer = ask(*args, **kwargs)
        if answer:
            secrets.add(answer)
        return answer

    kernel.getpass = ask_secret


# Classes of the standard library whose repr is quick and calls nothing of the user's.
PLAIN = {
    "decimal": ("Decimal",),
    "datetime": ("date", "timedelta"),
    "pathlib": ("PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath"),
    "uuid": ("UUID",),
}


def is_of(kind, module, *names):
    # Not by what the class says of itself: what is not loaded has no values either.
    found = vars(sys.modules[module]) if module in sys.modules else {}
    return any(found.get(n) is kind for n in names)


def of_library(value):
    # None: this is no value of such a class.
    kind = type(value)
    if is_of(kind, "fractions", "Fraction"):
        return "Fraction(%s, %s)" % (text(value._numerator), text(value._denominator))
    if is_of(kind, "datetime", "datetime", "time"):
        zone = value.tzinfo  # which may be of a class of the user's
        plain = zone is None or is_of(type(zone), "datetime", "timezone")
    else:
        plain = any(is_of(kind, module, *names) for module, names in PLAIN.items())
    if plain:
        return "<hidden>" if is_secret(str(value)) else cut(repr(value))
    return None


def text(value, depth=DEPTH):
    kind = type(value)
    if kind in (int, float, complex, bool, type(None), range, slice):
        return number(value)
    if kind in (str, bytes, bytearray):
        if is_secret(value):
            return "<hidden>"
        return cut(repr(value[:TEXT]))
    if kind in BRACKETS:
        return cut(container(value, depth))
    if issubclass(kind, type):
        return "<class %s>" % title(value)
    if kind in (FunctionType, BuiltinFunctionType):
        return "<function %s>" % value.__name__
    known = of_library(value)
    if known is not None:
        return known
    package = str(kind.__module__).partition(".")[0]
    if package in FRAMES:
        shape = getattr(value, "shape", None)
        if shape == () and package == "numpy" and title(kind) not in ("ndarray", "void", "object_"):
            return cut(repr(value))
        if shape is not None:
            return "%s %s" % (name(value), cut(str(tuple(shape))))
    return name(value)


def described(value):
    try:
        return {"type": title(type(value)), "value": cut(text(value))}
    except Exception:
        return {"type": title(type(value)), "value": name(value)}


def wanted(shell):
    hidden, nothing = shell.user_ns_hidden, object()
    for key in reversed(list(shell.user_ns)):
        if type(key) is not str or key.startswith("_"):
            continue
        value = shell.user_ns.get(key, nothing)
        if value is nothing or issubclass(type(value), ModuleType) or hidden.get(key, nothing) is value:
            continue
        yield key, value


def variables(shell):
    end = time.perf_counter() + SECONDS
    found, complete = [], True
    for key, value in wanted(shell):
        if len(found) == COUNT or time.perf_counter() > end:
            complete = False
            break
        found.append((key[:TEXT], described(value)))
    return {"application/json": dict(reversed(found))}, {"application/json": {"complete": complete}}


def tell_variables(shell):
    # Asked for with each run, as an expression that the shell answers itself: to evaluate one and to format what it gives takes longer.
    evaluate = shell.user_expressions

    def user_expressions(expressions):
        others = {key: text for key, text in expressions.items() if text != "runnel.variables"}
        answers = evaluate(others) if others else {}
        for key in expressions:
            if key not in others:
                data, metadata = variables(shell)
                answers[key] = {"status": "ok", "data": data, "metadata": metadata}
        return answers

    shell.user_expressions = user_expressions
