# SPDX-License-Identifier: Apache-2.0
"""Small configurations from cloud-init's own schema: each key right once, and wrong in many ways."""
import json

WRONG = [None, True, 7, "x", [], ["x"], [7], {}, {"x": "y"}]
DEEPEST = 6
# What the schema calls a text, and what is written there.
GOOD = {
    "baseurl": "http://example.org/x", "uri": "http://example.org/x", "url": "http://example.org/x",
    "endpoint": "http://example.org/x", "mirrorlist": "http://example.org/x",
    "metalink": "http://example.org/x", "device": "/dev/vdb1", "filesystem": "ext4",
    "layout": True, "assertions": ["x"], "size": "2G", "maxsize": "2G", "expiredate": "2030-12-31",
    "shell": "/bin/sh", "homedir": "/home/x", "path": "/etc/x", "filename": "/etc/x",
    "confpath": "/etc/x", "config_path": "/etc/x", "yum_repo_dir": "/etc/x",
    "nameservers": ["10.0.0.1"], "trusted": [
        "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"],
    "ssh_authorized_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG0Vy1hsnyXpVdD9OtB0PRdUOJkSdEUXn"
                            "DAXIbEwEtBn a"],
    "mounts": [["/dev/vdb1", "/data"]], "permissions": "0644", "search": ["http://example.org/x"],
    "owner": "root", "list": ["a:b"], "content": "x", "ssh-authorized-keys": [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG0Vy1hsnyXpVdD9OtB0PRdUOJkSdEUXnDAXIbEwEtBn a"],
}
# Keys without which a value makes no sense, though the schema does not say so.
BESIDE = {"swap": ["size"], "fs_setup[]": ["device", "filesystem"], "disk_setup.*": ["layout"],
          "write_files[]": ["content"], "user": ["name"],
          "wireguard.interfaces[]": ["name", "config_path", "content"]}


class Generator:
    def __init__(self, schema):
        self.schema = schema
        self.made = []
        for module in schema["allOf"]:
            for key, part in self.resolve(module).get("properties", {}).items():
                self.walk(part, [key], lambda value, key=key: {key: value})

    def resolve(self, part):
        while isinstance(part, dict) and "$ref" in part:
            part = self.schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
        return part if isinstance(part, dict) else {}

    def choices(self, part):
        return [self.resolve(c) for how in ("oneOf", "anyOf", "allOf") for c in part.get(how, [])]

    def sample(self, part, name, path=""):
        """A value that the schema takes."""
        part = self.resolve(part)
        if name in GOOD:
            return GOOD[name]
        if "type" not in part and self.choices(part):
            current = [c for c in self.choices(part) if "deprecated" not in c]
            return self.sample((current or self.choices(part))[0], name, path)
        if isinstance(part.get("enum"), list):
            return part["enum"][0]
        kinds = part.get("type", "object" if "properties" in part or "patternProperties" in part
                         else "string")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        kind = ([k for k in kinds if k != "null"] or ["null"])[0]
        if kind == "array":
            item = self.sample(part.get("items", {"type": "string"}), "", path + "[]")
            return [item] * part.get("minItems", 1)
        if kind == "object":
            return self.mapping(part, path)
        return {"string": "x", "integer": 7, "number": 7, "boolean": True, "null": None}[kind]

    def mapping(self, part, path):
        fields = dict(part.get("properties", {}))
        needed = list(part.get("required", [])) + BESIDE.get(path, [])
        first = self.choices(part)[:1]
        if first and "required" in first[0]:
            needed += first[0]["required"]
            fields.update(first[0].get("properties", {}))
        if not needed:
            current = [k for k, v in fields.items() if "deprecated" not in self.resolve(v)]
            needed = current[:1]
        made = {name: self.sample(fields[name], name, f"{path}.{name}") for name in needed
                if name in fields}
        for free in part.get("patternProperties", {}).values() if not made else ():
            made["key"] = self.sample(free, "", path + ".*")
        return made

    def note(self, path, tried, value):
        self.made.append((".".join(path).replace(".[]", "[]"), tried, value))

    def walk(self, part, path, put):
        """Notes configurations; put(value) is the whole one with that value at the path."""
        part, where = self.resolve(part), ".".join(path).replace(".[]", "[]")
        if len(path) > DEEPEST:
            return
        good = self.sample(part, path[-1], where)
        values = [good, *WRONG]
        for choice in [part, *self.choices(part)]:
            values += choice["enum"] if isinstance(choice.get("enum"), list) else []
        for value in values:
            self.note(path, value, put(value))
        for choice in [part, *self.choices(part)]:
            beside = good if isinstance(good, dict) else self.mapping(choice, where)
            self.walk_inside(choice, path, put, beside)

    def walk_inside(self, part, path, put, beside):
        if "properties" in part or "patternProperties" in part:
            tried = {**beside, "unknownkey": "x"}
            self.note(path, tried, put(tried))
        for name in part.get("required", []):
            tried = {k: v for k, v in beside.items() if k != name}
            self.note(path, tried, put(tried))
        for name, inner in part.get("properties", {}).items():
            self.walk(inner, [*path, name],
                      lambda value, name=name: put({**beside, name: value}))
        for inner in part.get("patternProperties", {}).values():
            self.walk(inner, [*path, "*"], lambda value: put({"key": value}))
        if isinstance(part.get("items"), dict):
            self.walk(part["items"], [*path, "[]"], lambda value: put([value]))


def configurations(schema):
    """[(path of the key that is tried, its value, configuration)], each once."""
    seen, found = set(), []
    for path, tried, whole in Generator(schema).made:
        text = json.dumps(whole, sort_keys=True)
        if text not in seen:
            seen.add(text)
            found.append((path, tried, whole))
    return found
