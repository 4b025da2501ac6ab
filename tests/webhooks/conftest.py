"""A receiver with a certificate of its own making, on this machine; and a door that leads to it."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from avatar.webhooks.address import Policy
from avatar.webhooks.send import Door
from tests.ledger import conftest as ledger
from tests.webhooks.receiver import Receiver

NAME = "hook.example"
Doors = Callable[..., Door]
engine, client = ledger.engine, ledger.client  # on both databases


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Somebody who signs certificates, thrown away after the tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _signed("tests", key, None, key), key


@pytest.fixture(scope="session")
def papers(
    authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The receiver's certificate and key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _signed(NAME, key, *authority)
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(pem))
    return path


@pytest.fixture
def trust(authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]) -> ssl.SSLContext:
    """What the service trusts in these tests: the throw-away authority alone."""
    return ssl.create_default_context(cadata=authority[0].public_bytes(serialization.Encoding.PEM).decode())


@pytest.fixture
def receiver(papers: Path) -> Iterator[Receiver]:
    """A receiver behind TLS; by itself it answers 200."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(papers)
    with Receiver(context) as made:
        yield made


@pytest.fixture
def doors(receiver: Receiver, trust: ssl.SSLContext) -> Doors:
    """Makes a door that opens this machine, on the receiver's port, to whatever name `resolve` knows."""

    def make(resolve: object = None, *, local: bool = True) -> Door:
        asked = resolve or (lambda host, port: ["127.0.0.1"])
        return Door(Policy(ports=(443, receiver.port), local=local), asked, trust)  # type: ignore[arg-type]

    return make


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    by: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    at = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - datetime.timedelta(minutes=5))
        .not_valid_after(at + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if issuer:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    else:
        usage = x509.KeyUsage(*(number in (5, 6) for number in range(9)))  # signs certificates and lists of dead ones
        made = made.add_extension(usage, critical=True)
    return made.sign(by, hashes.SHA256())
