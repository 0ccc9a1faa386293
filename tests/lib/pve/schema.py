# SPDX-License-Identifier: Apache-2.0
"""Parameters of the API of Proxmox VE, checked as it checks them.

api.json has types, limits, enumerations and formats of its methods, as the API's own schema of 9.1
has them; EXTRA adds what that list leaves out. A method is named as there: "GET /nodes/{node}/qemu".
"""
import json
import re
from pathlib import Path

_API = json.loads((Path(__file__).parent / "api.json").read_text())
FORMATS = _API["formats"]

_VMID = {"type": "integer", "format": "pve-vmid", "minimum": 100, "maximum": 999999999}
_NODE = {"type": "string", "format": "pve-node"}
_TEXT = {"type": "string", "optional": 1}
_SUM = {
    "checksum": {**_TEXT, "requires": "checksum-algorithm"},
    "checksum-algorithm": {**_TEXT, "requires": "checksum",
                           "enum": ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]}}
EXTRA = {
    "POST /nodes/{node}/storage/{storage}/upload": {
        "parameters": {
            "node": _NODE, "storage": {"type": "string", "format": "pve-storage-id"},
            "content": {"type": "string", "enum": ["iso", "vztmpl", "import"]},
            "filename": {"type": "string", "maxLength": 255}, **_SUM},
        "returns": "string"},
    "POST /nodes/{node}/qemu/{vmid}/template": {
        "parameters": {"node": _NODE, "vmid": _VMID, "disk": _TEXT}, "returns": "string"},
    "POST /nodes/{node}/storage/{storage}/download-url": {
        "parameters": {
            "node": _NODE, "storage": {"type": "string", "format": "pve-storage-id"},
            "content": {"type": "string", "enum": ["iso", "vztmpl", "import"]},
            "filename": {"type": "string", "maxLength": 255},
            "url": {"type": "string", "pattern": "https?://.*"},
            **_SUM,
            "compression": _TEXT,
            "verify-certificates": {"type": "boolean", "optional": 1}},
        "returns": "string"},
    "GET /nodes/{node}/storage/{storage}/content": {
        "parameters": {"node": _NODE, "storage": {"type": "string", "format": "pve-storage-id"},
                       "content": _TEXT, "vmid": {**_VMID, "optional": 1}},
        "returns": "array"},
    "GET /nodes/{node}/certificates/info": {"parameters": {"node": _NODE}, "returns": "array"},
    "GET /nodes/{node}/tasks": {
        "parameters": {"node": _NODE, "vmid": {**_VMID, "optional": 1},
                       "source": {"type": "string", "optional": 1,
                                  "enum": ["archive", "active", "all"]},
                       "limit": {"type": "integer", "optional": 1, "minimum": 0},
                       "since": {"type": "integer", "optional": 1},
                       "typefilter": _TEXT},
        "returns": "array"},
    "GET /cluster/tasks": {"parameters": {}, "returns": "array"},
}


def _method(given):
    parameters = given["parameters"]
    if "group" in given:
        shared = {k: v for k, v in _API["groups"][given["group"]].items()
                  if k not in given.get("without", ())}
        parameters = {**shared, **parameters}
    return {**given, "parameters": parameters}


METHODS = {name: _method(given) for name, given in {**_API["methods"], **EXTRA}.items()}
# The list above was made without texts, and lost the parameter of that name.
for _name in ("POST /nodes/{node}/qemu", "POST /nodes/{node}/qemu/{vmid}/config",
              "PUT /nodes/{node}/qemu/{vmid}/config", "POST /nodes/{node}/qemu/{vmid}/clone"):
    METHODS[_name]["parameters"]["description"] = {"type": "string", "optional": 1,
                                                   "maxLength": 8 << 10}


class Refused(Exception):
    """What the API answers instead: its status, the message, and reasons by parameter."""

    def __init__(self, status, message, **errors):
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


def wrong(**errors):
    """`_` in a name stands for `-`."""
    named = {k.replace("_", "-"): v for k, v in errors.items()}
    return Refused(400, "Parameter verification failed.", **named)


_WORD = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_STORAGE = r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]"
_TAG = r"[a-z0-9_][a-z0-9_\-+.]*"
_PATTERNS = {
    "pve-vmid": r"[1-9][0-9]{2,8}",
    "pve-node": _WORD,
    "pve-storage-id": _STORAGE,
    "pve-poolid": r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,2}",
    "pve-configid": r"[A-Za-z][\w-]+",
    "pve-configid-list": r"[A-Za-z][\w-]*([,; ]+[A-Za-z][\w-]*)*",
    "pve-bridge-id": r"[\w.-]{2,15}",
    "dns-name": rf"({_WORD}\.)*{_WORD}",
    "mac-addr": r"[0-9A-Fa-f][02468ACEace](:[0-9A-Fa-f]{2}){5}",
    "pve-volume-id": rf"{_STORAGE}:.+",
    "pve-volume-id-or-qm-path": rf"none|cdrom|/.+|{_STORAGE}:.+",
    "pve-volume-id-or-absolute-path": rf"/.+|{_STORAGE}:.+",
    "disk-size": r"\d+(\.\d+)?[KMGT]?",
    "pve-qm-boot": r"(order=[\w]+(;[\w]+)*|[acdn]{1,4}|order=)",
    "pve-startup-order": r"(order=)?\d+(,(up|down)=\d+)*|(up|down)=\d+(,(up|down)=\d+)*",
    "pve-tag-list": rf"({_TAG}([,; ]+{_TAG})*)?",
    "urlencoded": r"[-%a-zA-Z0-9_.!~*'()]*",
}
_UUID = r"[a-fA-F0-9]{8}(-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"
_BASE64 = {"type": "string", "pattern": r"[A-Za-z0-9+/]+={0,2}", "optional": 1}
# Formats that the schema names only.
_LISTS = {
    "pve-qm-smbios1": {
        "uuid": {"type": "string", "pattern": _UUID, "optional": 1},
        **{k: _BASE64 for k in ("version", "serial", "manufacturer", "product", "sku", "family")},
        "base64": {"type": "boolean", "optional": 1}},
    "pve-qm-cicustom": {k: {"type": "string", "format": "pve-volume-id", "optional": 1}
                        for k in ("meta", "network", "user", "vendor")},
    "pve-qm-rng": {
        "source": {"type": "string", "default_key": 1,
                   "enum": ["/dev/urandom", "/dev/random", "/dev/hwrng"]},
        "max_bytes": {"type": "integer", "optional": 1},
        "period": {"type": "integer", "optional": 1}},
}


def _format_of(rule):
    name = rule.get("format", "")
    if name.startswith("{"):
        return FORMATS[name[1:-1]]
    return _LISTS.get(name)


def _typed(rule, text):
    """The value, or ValueError with the API's words."""
    kind = rule.get("type", "string")
    if kind == "boolean":
        if str(text).lower() in ("1", "on", "yes", "true"):
            return True
        if str(text).lower() in ("0", "off", "no", "false"):
            return False
        raise ValueError(f"type check ('boolean') failed - got '{text}'")
    if kind in ("integer", "number"):
        if not re.fullmatch(r"-?\d+" if kind == "integer" else r"-?\d+(\.\d*)?", str(text)):
            raise ValueError(f"type check ('{kind}') failed - got '{text}'")
        value = int(text) if kind == "integer" else float(text)
        if value < float(rule.get("minimum", value)):
            raise ValueError(f"value must have a minimum value of {rule['minimum']}")
        if value > float(rule.get("maximum", value)):
            raise ValueError(f"value must have a maximum value of {rule['maximum']}")
        return value
    return text


def value_of(rule, text):
    value = _typed(rule, text)
    if not isinstance(value, str):
        return value
    if len(value) > rule.get("maxLength", len(value)):
        raise ValueError(f"value may only be {rule['maxLength']} characters long")
    if "enum" in rule and value not in rule["enum"]:
        listed = ", ".join(map(str, rule["enum"]))
        raise ValueError(f"value '{value}' does not have a value in the enumeration '{listed}'")
    pattern = rule.get("pattern")
    if pattern and not re.fullmatch(pattern.replace("(?^:", "(?:"), value):
        raise ValueError("value does not match the regex pattern")
    fields = _format_of(rule)
    if fields:
        properties(fields, value)
        return value
    pattern = _PATTERNS.get(rule.get("format"))
    if pattern and not re.fullmatch(pattern, value):
        raise ValueError(f"invalid format - value does not look like a valid {rule['format']}")
    return value


def properties(fields, text):
    """A text of properties, "virtio=BC:24:11:00:00:01,bridge=vmbr0", as a dict. Aliases are
    resolved, so that the MAC is under `macaddr` and the card under `model`."""
    found = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            key, value = next((k for k, r in fields.items() if r.get("default_key")), None), part
            if key is None or key in found:
                raise ValueError("invalid format - value without key, but schema does not define a"
                                 " default key")
        if key not in fields:
            raise ValueError(f"invalid format - format error {key}: property is not defined in"
                             " schema and the schema does not allow additional properties")
        rule = fields[key]
        if "keyAlias" in rule:
            found[rule["keyAlias"]] = key
        if "alias" in rule:
            key = rule["alias"]
        if key in found:
            raise ValueError(f"invalid format - duplicate key in comma-separated list: {key}")
        if value == "":
            raise ValueError(f"invalid format - {key}: value is empty")
        try:
            found[key] = value_of(fields[key], value)
        except ValueError as e:
            raise ValueError(f"invalid format - format error {key}: {e}") from None
    for key, rule in fields.items():
        if not rule.get("optional") and "alias" not in rule and key not in found:
            raise ValueError(f"invalid format - format error {key}: property is missing and it is"
                             " not optional")
    return found


def text_of(found):
    """The other way: a text of properties, sorted, as the API writes smbios1."""
    return ",".join(f"{k}={int(v) if isinstance(v, bool) else v}" for k, v in sorted(found.items()))


def fields_of(option):
    """The format of a configuration's option: "net0" gives that of net[n]."""
    rules = _API["groups"]["config"]
    base = re.sub(r"\d+$", "[n]", option)
    rule = rules.get(option) or rules.get(base)
    return _format_of(rule) if rule else None


def _rule(parameters, name):
    if name in parameters:
        return parameters[name]
    return parameters.get(re.sub(r"\d+$", "[n]", name)) if re.search(r"\d$", name) else None


def check(method, given):
    """The parameters with their types, or Refused as the API words it."""
    parameters, errors, values = METHODS[method]["parameters"], {}, {}
    for name, text in given.items():
        rule = _rule(parameters, name)
        if rule is None:
            errors[name] = ("property is not defined in schema and the schema does not allow"
                            " additional properties")
            continue
        if "requires" in rule and rule["requires"] not in given:
            errors[rule["requires"]] = f"missing property - '{name}' requires this property"
        try:
            values[name] = value_of(rule, text)
        except ValueError as e:
            errors[name] = str(e)
    for name, rule in parameters.items():
        if not rule.get("optional") and name not in given:
            errors[name] = "property is missing and it is not optional"
    if errors:
        raise Refused(400, "Parameter verification failed.", **errors)
    return values
