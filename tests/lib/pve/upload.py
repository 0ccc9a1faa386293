# SPDX-License-Identifier: Apache-2.0
"""A form with a file at its end, read as pveproxy reads it: to a temporary file while it comes in."""
import hashlib
import re

from pve.schema import Refused

PIECE = 1 << 20
FIELDS_MAX = 64 << 10


class Broken(OSError):
    """The peer left before it had sent all."""


class Upload:
    """`fields` of the form; size, sha256 and the first bytes of its file. `on_bytes` is told how much of
    the file has come."""

    def __init__(self, stream, headers, on_bytes):
        found = re.fullmatch(r"multipart/form-data\s*[;,]\s*boundary\s*=\s*(\S+)",
                             headers.get("content-type", ""))
        self._left = int(headers.get("content-length") or 0)
        if not found or not self._left:
            raise Refused(501, f"upload 'Content-Type '{headers.get('content-type')}' not implemented")
        self._stream, self._boundary = stream, b"--" + found[1].encode()
        self.fields, self.size, self.head = {}, 0, b""
        self._sum = hashlib.sha256()
        self._read_fields()
        self._read_file(on_bytes)
        self.sha256 = self._sum.hexdigest()
        del self._stream  # it would keep the connection open

    def _line(self):
        line = self._stream.readline(min(self._left, FIELDS_MAX) + 1)
        self._left -= len(line)
        if not line.endswith(b"\n"):
            raise Broken("in a field" if self._left else "upload failed")
        return line.rstrip(b"\r\n")

    def _headers(self):
        found = {}
        while line := self._line():
            name, _, value = line.decode().partition(":")
            found[name.lower()] = value.strip()
        return found

    def _disposition(self):
        """(name, file name) of a part. Words are cut at any semicolon or comma."""
        kind, *words = re.split(r"\s*[;,]\s*", self._headers().get("content-disposition", ""))
        given = dict(re.fullmatch(r"(\w+)\s*=\s*\"?(.*?)\"?", word).groups() for word in words)
        if kind != "form-data" or not given.get("name"):
            raise Refused(501, "upload failed")
        return given["name"], given.get("filename")

    def _read_fields(self):
        """Up to the file's bytes. What follows the file is not looked at."""
        while self._line() != self._boundary:
            pass
        while True:
            name, file_name = self._disposition()
            if file_name:
                break
            lines = []
            while (line := self._line()) != self._boundary:
                lines.append(line)
            self.fields[name] = b"\r\n".join(lines).decode()
        if name != "filename":
            raise Refused(501, "upload failed")  # wrong field name for file upload
        self.fields["filename"] = file_name

    def _add(self, piece):
        self._sum.update(piece)
        self.head = (self.head + piece)[:4]
        self.size += len(piece)

    def _read_file(self, on_bytes):
        end, kept = b"\r\n" + self._boundary, b""
        while self._left:
            piece = self._stream.read1(min(self._left, PIECE))
            if not piece:
                raise Broken("in the file")
            self._left -= len(piece)
            kept += piece
            at = kept.find(end)
            if at >= 0:
                self._add(kept[:at])
                self._stream.read(self._left)
                return
            self._add(kept[:-len(end)])
            kept = kept[-len(end):]
            on_bytes(self.size)
        raise Refused(501, "upload failed")
