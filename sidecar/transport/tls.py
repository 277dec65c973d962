"""How an endpoint is trusted, how we show ourselves to it, and what it means when that fails.

Law: a context is made once, before anything is sent; a certificate file that will not do is told then, not at the first
delivery.
"""

import ssl
from collections.abc import Mapping, Sequence

from sidecar.errors import Misconfigured
from sidecar.model import Endpoint

Trust = tuple[bool, str, str] | None
"""Skip the check, CA file, client certificate file; None where there is no TLS."""

Context = ssl.SSLContext | bool
"""True where there is no TLS."""


def trust(endpoint: Endpoint) -> Trust:
    """What the endpoint's context is made of. Endpoints that agree in it share one, for each costs the system's
    certificates read, and kept, once more."""
    if not endpoint.url.lower().startswith("https:"):
        return None
    return endpoint.skip_verify, endpoint.ca_file, endpoint.client_cert_file


def contexts(endpoints: Sequence[Endpoint]) -> Mapping[Trust, Context]:
    """What these endpoints need. Raises `Misconfigured` with a line for every file that will not do."""
    made: dict[Trust, Context] = {None: True}
    faults: list[str] = []
    for endpoint in endpoints:
        kind = trust(endpoint)
        if kind not in made:
            try:
                made[kind] = _context(endpoint)
            except Misconfigured as error:
                faults += error.faults
    if faults:
        raise Misconfigured(faults)
    return made


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    context = _unverified() if endpoint.skip_verify else _verified(endpoint)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if path := endpoint.client_cert_file:
        try:
            context.load_cert_chain(path, password="")  # with none given, OpenSSL would ask the terminal for one
        except OSError as error:
            cure = "it must hold a certificate and its key in PEM, the key without a passphrase"
            raise Misconfigured([_fault(endpoint, "CLIENT_CERT_FILE", path, error, cure)]) from error
    return context


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _verified(endpoint: Endpoint) -> ssl.SSLContext:
    path = endpoint.ca_file
    try:
        return ssl.create_default_context(cafile=path or None)
    except OSError as error:
        cure = "it must hold one or more certificates in PEM"
        raise Misconfigured([_fault(endpoint, "CA_FILE", path, error, cure)]) from error


def _fault(endpoint: Endpoint, suffix: str, path: str, error: OSError, cure: str) -> str:
    name = endpoint.name.upper().replace("-", "_")
    why = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return f"SIDECAR_ENDPOINT_{name}_{suffix}: {path} cannot be used ({why}); {cure}"


_TRUST = (
    "name who signed it in SIDECAR_ENDPOINT_<NAME>_CA_FILE, "
    "or set SIDECAR_ENDPOINT_<NAME>_SKIP_VERIFY or DRONE_WEBHOOK_SKIP_VERIFY"
)
_PLAIN = "it does not speak TLS on this port; should its URL begin with http://?"
_OLD = "it speaks no version of TLS from 1.2 on"
_CLIENT = "it wants another client certificate; see SIDECAR_ENDPOINT_<NAME>_CLIENT_CERT_FILE"

_CERTIFICATE = {
    9: "its certificate is not valid yet; is the clock of this machine right?",
    10: "its certificate has expired",
    18: f"its certificate is self-signed; {_TRUST}",
    19: f"its certificate is signed by an authority unknown here; {_TRUST}",
    20: f"its certificate is signed by an authority unknown here; {_TRUST}",
    21: f"its certificate is signed by an authority unknown here; {_TRUST}",
    62: "its certificate is for another host than {host}",
    64: "its certificate is for another address than {host}",
}
"""By X509_V_ERR_… of OpenSSL's x509_vfy.h."""

_HANDSHAKE = {
    "WRONG_VERSION_NUMBER": _PLAIN,
    "RECORD_LAYER_FAILURE": _PLAIN,
    "PACKET_LENGTH_TOO_LONG": _PLAIN,
    "HTTP_REQUEST": _PLAIN,
    "UNSUPPORTED_PROTOCOL": _OLD,
    "VERSION_TOO_LOW": _OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _CLIENT,
    "SSLV3_ALERT_BAD_CERTIFICATE": _CLIENT,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _CLIENT,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _CLIENT,
    "TLSV1_ALERT_UNKNOWN_CA": _CLIENT,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": f"it broke off the handshake: no cipher in common, or {_CLIENT}",
}
"""By the reason that OpenSSL gives."""


def complaint(error: ssl.SSLError, host: str) -> str:
    """What is wrong, for a person, and the way out where there is one."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = _CERTIFICATE.get(error.verify_code, f"its certificate does not do (X.509 error {error.verify_code})")
        return words.format(host=host)
    reason = error.reason or "no reason given"
    return _HANDSHAKE.get(reason, f"TLS failed: {reason.lower().replace('_', ' ')}")
