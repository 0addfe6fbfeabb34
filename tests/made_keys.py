"""Keys and certificates for tests, made once for each process."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@functools.cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem_of(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate(folder: Path, *, name: str = "localhost", address: str | None = "127.0.0.1") -> Path:
    """A file with a certificate for `name` and `address`, that vouches for itself, and its key."""
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    addresses = [x509.IPAddress(ipaddress.ip_address(address))] if address else []
    names = x509.SubjectAlternativeName([x509.DNSName(name), *addresses])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(rsa_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(rsa_key(), SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM) + pem_of(rsa_key()).encode())
    return file


class Authority:
    """A CA of a test's own, and what it signs."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        made = _builder(self._name, self._name, self._key, days=1)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # signs certificates
        made = made.add_extension(usage, critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(made.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def sign(self, file: Path, *names: str, days: int = 1) -> Path:
        """A file with a certificate for these hosts and addresses, and its key. Negative days: it has expired."""
        made = _builder(x509.Name([]), self._name, rsa_key(), days=days).add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=True
        )
        file.write_bytes(made.sign(self._key, SHA256()).public_bytes(Encoding.PEM) + pem_of(rsa_key()).encode())
        return file


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, *, days: int) -> x509.CertificateBuilder:
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - dt.timedelta(days=2))
        .not_valid_after(end)
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
