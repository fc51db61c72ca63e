# Runs before ipython.py, in the same module: short texts of the user's variables.
import dataclasses, enum, sys, time
from collections import Counter, OrderedDict, defaultdict, deque
from itertools import islice
from types import BuiltinFunctionType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType

COUNT, TEXT, ITEMS, DEPTH, SECONDS = 100, 120, 6, 2, 0.05
FEW = 1000  # entries that may be looked at to find the ITEMS that are shown
FRAMES = {"numpy", "pandas", "geopandas", "polars", "torch", "tensorflow", "jax", "jaxlib", "cupy", "scipy", "xarray", "pyarrow"}
BRACKETS = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}", deque: "[]"}
NUMBERS, TEXTS = (int, float, complex), (str, bytes, bytearray)
PYTHONS = {*NUMBERS, *TEXTS, *BRACKETS}


# Only what Python itself defines is ever called, and of a value of a class that extends one of its classes what that one defines: a class may
# bring a slow or surprising __class__, __name__, __repr__, __len__, iterator, property or attribute of its own.
title = type.__dict__["__name__"].__get__
module = type.__dict__["__module__"].__get__
ancestors = type.__dict__["__mro__"].__get__
members = type.__dict__["__dict__"].__get__


def cut(text):
    return text if len(text) <= TEXT else text[: TEXT - 1] + "\u2026"


def name(value):
    return "<%s>" % title(type(value))


def base(kind, classes):
    # Which of these classes it is or extends.
    return next((c for c in classes if issubclass(kind, c)), None)


def named(value, of, text):
    return text if type(value) is of else "%s(%s)" % (title(type(value)), text)


def number(value, of):
    # repr of a long integer takes quadratic time, or is refused.
    if of is int and int.bit_length(value) > 4 * TEXT:
        return "<int of %d bits>" % int.bit_length(value)
    return named(value, of, of.__repr__(value))


def entries(value):
    # Of a dict, as it would show them.
    items, few = dict.items(value), dict.__len__(value) <= FEW
    if few and issubclass(type(value), OrderedDict):
        found = {id(k): (k, v) for k, v in items}  # a look-up would ask the keys
        items = (found[id(k)] for k in OrderedDict.__iter__(value))
    elif few and issubclass(type(value), Counter):
        items = list(items)
        if all(type(v) is int for k, v in items):
            items.sort(key=lambda item: -item[1])
    return islice(items, ITEMS)


def listed(opening, parts, size, closing):
    parts = list(parts)
    if size > ITEMS:
        parts.append("\u2026")
    return opening + ", ".join(parts) + closing


def container(value, of, depth):
    kind, size, (opening, closing) = type(value), of.__len__(value), BRACKETS[of]
    fields = field_names(kind, size) if of is tuple and kind is not tuple else None
    if depth == 0 and fields:
        return title(kind) + "(\u2026)"
    if depth == 0 and size:
        inner = opening + "\u2026" + closing
    elif of is dict:
        inner = listed(opening, (text(k, depth - 1) + ": " + text(v, depth - 1) for k, v in entries(value)), size, closing)
    elif fields:
        inner = listed("", (n + "=" + text(v, depth - 1) for n, v in zip(fields, islice(tuple.__iter__(value), ITEMS))), size, "")
        return named(value, of, inner)
    else:
        inner = listed(opening, (text(v, depth - 1) for v in islice(of.__iter__(value), ITEMS)), size, "," + closing if of is tuple and size == 1 else closing)
    if of is frozenset or (of is set and not size):
        return "%s(%s)" % (title(kind), inner if size else "")
    if issubclass(kind, defaultdict):
        factory = defaultdict.default_factory.__get__(value)
        inner = "%s, %s" % (title(factory) if issubclass(type(factory), type) else text(factory, 0), inner)
    if of is deque:
        most = deque.maxlen.__get__(value)
        return "%s(%s%s)" % (title(kind), inner, "" if most is None else ", maxlen=%d" % most)
    return named(value, of, inner)


def declared(kind, attribute):
    # What the class itself has under this name, as it lies there.
    for c in ancestors(kind):
        found = members(c).get(attribute)
        if found is not None:
            return found
    return None


def field_names(kind, size):
    # Of a named tuple.
    fields = declared(kind, "_fields")
    return fields if type(fields) is tuple and len(fields) == size <= FEW and all(type(f) is str for f in fields) else None


def attributes(value):
    # What lies in the object itself.
    for c in ancestors(type(value)):
        own = members(c).get("__dict__")
        if type(own) is GetSetDescriptorType:
            return {k: v for k, v in islice(dict.items(own.__get__(value)), FEW) if type(k) is str}
    return {}


def member(value):
    # Of an enumeration.
    found = attributes(value)
    label = found.get("_name_")
    return "%s.%s" % (title(type(value)), label) if type(label) is str else "%s(%s)" % (title(type(value)), text(found.get("_value_"), 0))


def record(value, fields, depth):
    # Of a data class: its fields that have a value and may be shown.
    kind, own, found = type(value), attributes(value), []
    for field in islice(dict.values(fields), FEW):
        if len(found) > ITEMS:
            break
        if type(field) is not dataclasses.Field or type(field.name) is not str or field.repr is not True or field._field_type is not dataclasses._FIELD:
            continue
        slot = declared(kind, field.name)
        if field.name in own:
            found.append((field.name, own[field.name]))
        elif type(slot) is MemberDescriptorType:
            try:
                found.append((field.name, slot.__get__(value)))
            except AttributeError:
                pass
    if depth == 0 and found:
        return title(kind) + "(\u2026)"
    return listed(title(kind) + "(", (n + "=" + text(v, depth - 1) for n, v in found[:ITEMS]), len(found), ")")


secrets = set()  # what was typed at getpass, which must never be shown


def is_secret(value, of=str):
    for secret in secrets:
        part = of.__getitem__(value, slice(TEXT + len(secret)))
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


def frame(value, package):
    # Of a library for tables and arrays, which is trusted to tell its shape and what it holds.
    kind = type(value)
    shape = getattr(value, "shape", None)
    if shape == () and package == "numpy" and title(kind) not in ("ndarray", "void", "object_"):
        return cut(repr(value))
    if shape is None:
        return name(value)
    shown = "%s %s" % (name(value), cut(str(tuple(shape))))
    holds = value.dtype if declared(kind, "dtype") is not None else None  # not a column of that name
    if package_of(type(holds)) in FRAMES:
        label = getattr(holds, "name", None)
        shown += " " + (label if type(label) is str else str(holds))
    return shown


def package_of(kind):
    found = module(kind)
    return found.partition(".")[0] if type(found) is str else ""


def pythons(value, of, depth):
    # Of a class of Python's, or one that extends it.
    if of in NUMBERS:
        return number(value, of)
    if of in TEXTS:
        return "<hidden>" if is_secret(value, of) else cut(named(value, of, repr(of.__getitem__(value, slice(TEXT)))))
    return cut(container(value, of, depth))


def text(value, depth=DEPTH):
    kind = type(value)
    if kind in PYTHONS:
        return pythons(value, kind, depth)
    if kind in (bool, type(None)):
        return repr(value)
    if kind in (range, slice):
        parts = value.start, value.stop, value.step
        shown = parts[:2] if kind is range and type(parts[2]) is int and parts[2] == 1 else parts
        return "%s(%s)" % (title(kind), ", ".join(text(p, 0) for p in shown))
    if issubclass(kind, type):
        return "<class %s>" % title(value)
    if kind in (FunctionType, BuiltinFunctionType):
        return "<function %s>" % value.__name__
    if issubclass(type(kind), enum.EnumMeta):
        return cut(member(value))
    fields = declared(kind, "__dataclass_fields__")
    if type(fields) is dict:
        return cut(record(value, fields, depth))
    of, package = base(kind, PYTHONS), package_of(kind)
    if package in FRAMES and of not in TEXTS:
        return frame(value, package)
    if of:
        return pythons(value, of, depth)
    known = of_library(value)
    return name(value) if known is None else known


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
