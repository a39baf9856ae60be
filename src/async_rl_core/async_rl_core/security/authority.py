"""The certificate authority: it signs the identities of the nodes and their rights."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

VALIDITY = timedelta(days=3650)
"""The validity of every certificate, as in SROS2."""

_EARLIER = timedelta(days=1)  # begins then, for clocks that are behind
_NAME = "async_rl"


@dataclass(frozen=True)
class Identity:
    """An enclave's certificate and private key, as PEM, and the times (UTC) from which and to which they count."""

    certificate: bytes
    key: bytes
    not_before: datetime
    not_after: datetime


class Authority:
    """A certificate that vouches for itself, and its key: ECDSA on P-256, which DDS Security prescribes."""

    def __init__(self, certificate: bytes, key: bytes) -> None:
        """Takes certificate and key as PEM. Raises `ValueError` if one is invalid, or they do not belong together."""
        private = serialization.load_pem_private_key(key, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise ValueError("not a key on an elliptic curve")
        self._key = private
        self._certificate = x509.load_pem_x509_certificate(certificate)
        if self._certificate.public_key() != private.public_key():
            raise ValueError("the key is not the certificate's")
        self.certificate, self.key = certificate, key

    @classmethod
    def create(cls, now: datetime) -> "Authority":
        """Returns a new authority; `now` is in UTC."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(_pem(_certificate(_name(_NAME), _name(_NAME), key, key, now, ca=True)), _pem_key(key))

    def issue(self, enclave: str, now: datetime) -> Identity:
        """Returns a new identity for an enclave."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(_name(enclave), self._certificate.subject, key, self._key, now, ca=False)
        return Identity(_pem(certificate), _pem_key(key), *_validity(certificate))

    def recognise(self, certificate: bytes, key: bytes, now: datetime) -> Identity | None:
        """Returns an identity from its PEM; None if it is damaged, of another authority, or not valid now."""
        try:
            known = x509.load_pem_x509_certificate(certificate)
            private = serialization.load_pem_private_key(key, password=None)
            known.verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            return None
        not_before, not_after = _validity(known)
        if known.public_key() != private.public_key() or not not_before <= now < not_after:
            return None
        return Identity(certificate, key, not_before, not_after)

    def sign(self, document: bytes) -> bytes:
        """Returns a document as S/MIME, in clear and signed, as DDS Security reads it."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(document)
        signed = builder.add_signer(self._certificate, self._key, hashes.SHA256())
        options = [pkcs7.PKCS7Options.Text, pkcs7.PKCS7Options.DetachedSignature]
        return signed.sign(serialization.Encoding.SMIME, options)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuers_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    ca: bool,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=1 if ca else None), critical=ca)
    )
    return builder.sign(issuers_key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def _validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
