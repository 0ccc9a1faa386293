# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities and servers' certificates for tests, made by openssl."""
import base64
import hashlib
import subprocess
from pathlib import Path


def openssl(*args, data=None):
    return subprocess.run(["openssl", *map(str, args)], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True, timeout=300).stdout


class Authority:
    """A CA: .pem is its certificate's text, .pin that of its key."""

    def __init__(self, folder, name, key=None):
        self.folder, self.name = Path(folder), name
        self.key = key or self.folder / f"{name}.key"
        if not key:
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        self.file = self.folder / f"{name}.pem"
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", 10,
                "-out", self.file, "-addext", "keyUsage=critical,keyCertSign")
        self.pem = self.file.read_text()
        public = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        self.pin = base64.urlsafe_b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")

    def ended(self):
        """A certificate of the same key that was good until yesterday."""
        return openssl("x509", "-in", self.file, "-signkey", self.key, "-days", -1).decode()

    def client(self, name, organization):
        """A client's certificate, and its key: two files."""
        return self.server(name, f"DNS:{name}", subject=f"/O={organization}/CN={name}")

    def server(self, name, address="IP:127.0.0.1", days=5, subject=None):
        """A certificate for an address, and its key: two files."""
        key, request, out = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", subject or f"/CN={name}", "-out", request)
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={address}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                "-set_serial", 7, "-days", days, "-extfile", extensions, "-out", out)
        return out, key
