"""Make vectors.json, the cases that every verifier in this folder must agree on: python3 make_vectors.py > vectors.json.

Law: deterministic; the standard library alone; made by the letter of the specifications, with nothing of the verifiers.
A case is a good request with one thing changed, unless its name tells which of two failures comes first.
"""

import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Iterator, Sequence
from email.utils import formatdate

NOW = 1_767_323_045  # Fri, 02 Jan 2026 03:04:05 GMT
TOLERANCE = 300
SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
BODY = b'{"event":"build","action":"updated","repo":{"slug":"octocat/hello-world"},"build":{"number":1}}'
CHANGED = BODY.replace(b'"number":1', b'"number":2')

Case = dict[str, object]
Headers = list[tuple[str, str]]


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def digest(body: bytes) -> str:
    return "SHA-256=" + b64(hashlib.sha256(body).digest())


def mac(secret: str, text: str) -> str:
    return b64(hmac.digest(secret.encode(), text.encode(), "sha256"))


def signed_text(headers: Headers, names: str) -> str:
    """What is signed: the headers of these names, in this order, with their first values."""
    values = {name.lower(): value for name, value in reversed(headers)}
    return "\n".join(f"{name.lower()}: {values.get(name.lower(), '')}" for name in names.split(" "))


def fields(signature: str, names: str = "date digest") -> dict[str, str]:
    """The fields of Signature, in Drone's order."""
    return {"keyId": "hmac-key", "algorithm": "hmac-sha256", "signature": signature, "headers": names}


def joined(values: dict[str, str], comma: str = ",") -> str:
    return comma.join(f'{name}="{value}"' for name, value in values.items())


def plain(body: bytes = BODY, date: str | None = None) -> Headers:
    """What Drone sends, but for Signature."""
    return [
        ("X-Drone-Event", "build"),
        ("Content-Type", "application/json"),
        ("Digest", digest(body)),
        ("Date", formatdate(NOW, usegmt=True) if date is None else date),
    ]


def signed(headers: Headers, names: str = "date digest", secret: str = SECRET) -> Headers:
    return [*headers, ("Signature", joined(fields(mac(secret, signed_text(headers, names)), names)))]


GOOD = signed(plain())
RIGHT = mac(SECRET, signed_text(plain(), "date digest"))


def with_fields(**changes: str | None) -> Headers:
    """The good request, a field of its Signature set, added or (None) left out."""
    values = {**fields(RIGHT), **changes}
    return with_signature(joined({name: value for name, value in values.items() if value is not None}))


def with_signature(value: str) -> Headers:
    return [*plain(), ("Signature", value)]


def replaced(headers: Headers, name: str, *values: str) -> Headers:
    """The headers, with these values for the name, at its place; none takes it away."""
    at = [one for one, _ in headers].index(name)
    return [*headers[:at], *[(name, value) for value in values], *headers[at + 1 :]]


def case(
    name: str,
    expect: str,
    headers: Headers = GOOD,
    body: bytes = BODY,
    secrets: Sequence[str] = (SECRET,),
    now: int = NOW,
    tolerance: int = TOLERANCE,
) -> Case:
    return {
        "name": name,
        "headers": headers,
        "body_base64": b64(body),
        "secrets": secrets,
        "now": now,
        "tolerance": tolerance,
        "expect": expect,
    }


def good_requests() -> Iterator[Case]:
    yield case("good", "ok")
    bodies = {"empty": b"", "binary": bytes(range(256)), "of-64-kib": b"x" * 65536}
    for size in (1, 55, 56, 63, 64, 65, 119, 120):
        bodies[f"of-{size}-bytes"] = BODY[:size].ljust(size, b" ")
    for name, body in bodies.items():
        yield case(f"body-{name}", "ok", signed(plain(body)), body)
    yield case("second-secret", "ok", secrets=[OTHER, SECRET])
    long, umlaut = "0123456789" * 10, "schlüssel-✓"
    for name, secret in {"100-bytes": long, "64-bytes": long[:64], "1-byte": "k", "utf-8": umlaut}.items():
        yield case(f"secret-of-{name}", "ok", signed(plain(), secret=secret), secrets=[secret])
    yield case("key-id-of-any-text", "ok", with_fields(keyId='a, b=c "'[:-1]))


def good_headers() -> Iterator[Case]:
    signature = joined(fields(RIGHT))
    yield case("authorization", "ok", [*plain(), ("Authorization", f"Signature {signature}")])
    yield case("authorization-scheme-in-lower-case", "ok", [*plain(), ("Authorization", f"signature {signature}")])
    yield case("signature-beside-authorization", "ok", [("Authorization", "Bearer token"), *GOOD])
    yield case("names-in-odd-case", "ok", [(name.swapcase(), value) for name, value in GOOD])
    extra = [("X-Extra", "1"), ("x-extra", "2"), ("X-Text", "café, \"quoted\" & 'so'"), ("X-Empty", "")]
    yield case("headers-of-no-concern", "ok", [*extra, *GOOD])
    yield case("fields-in-another-order", "ok", with_signature(joined(dict(reversed(fields(RIGHT).items())))))
    yield case("space-after-comma", "ok", with_signature(joined(fields(RIGHT), ", ")))
    yield case("tabs-and-spaces-around-comma", "ok", with_signature(joined(fields(RIGHT), " \t, \t")))
    yield case("headers-in-another-order", "ok", signed(plain(), "digest date"))
    host = [("Host", "hooks.example"), *plain()]
    yield case("more-headers-signed", "ok", signed(host, "host date x-drone-event digest content-type"))
    yield case("headers-listed-in-capitals", "ok", signed(plain(), "Date Digest"))


def no_signature() -> Iterator[Case]:
    yield case("no-signature", "missing-signature", plain())
    yield case("authorization-of-another-scheme", "missing-signature", [*plain(), ("Authorization", "Bearer token")])
    basic = ("Authorization", f"Basic {joined(fields(RIGHT))}")
    yield case("authorization-basic-with-fields", "missing-signature", [*plain(), basic])
    yield case("signature-under-another-name", "missing-signature", replaced_name(GOOD, "X-Signature"))


def replaced_name(headers: Headers, name: str) -> Headers:
    return [*headers[:-1], (name, headers[-1][1])]


def malformed() -> Iterator[Case]:
    good = joined(fields(RIGHT))
    texts = {
        "signature-empty": "",
        "signature-of-a-word": "signature",
        "trailing-comma": good + ",",
        "leading-comma": "," + good,
        "two-commas": good.replace(",", ",,"),
        "no-commas": good.replace(",", " "),
        "semicolons": good.replace(",", ";"),
        "no-quotes": good.replace('"', ""),
        "single-quotes": good.replace('"', "'"),
        "quote-not-closed": good[:-1],
        "space-around-equals": good.replace('="', ' = "'),
        "text-after-the-last-field": good + " x",
        "hyphen-in-a-field": good + ',key-id="x"',
        "rfc-9421": f"sig1=:{RIGHT}:",
    }
    for name, text in texts.items():
        yield case(name, "malformed-signature", with_signature(text))
    yield case("two-signatures", "malformed-signature", [*GOOD, ("Signature", good)])
    yield case("authorization-empty", "malformed-signature", [*plain(), ("Authorization", "Signature ")])
    for field in ("keyId", "algorithm", "signature"):
        yield case(f"no-{field}".lower(), "malformed-signature", with_fields(**{field: None}))
        yield case(f"empty-{field}".lower(), "malformed-signature", with_fields(**{field: ""}))
        yield case(f"two-{field}".lower(), "malformed-signature", with_signature(f'{good},{field}="x"'))
    for field in ("created", "expires", "nonce", "keyid"):
        yield case(f"unknown-field-{field}", "malformed-signature", with_fields(**{field: str(NOW)}))
    yield case("headers-empty", "malformed-signature", with_fields(headers=""))
    yield case("headers-without-date", "malformed-signature", signed(plain(), "digest"))
    yield case("headers-name-one-twice", "malformed-signature", signed(plain(), "date digest date"))


def not_base64() -> Iterator[Case]:
    """The key's last characters make signatures that only standard base64 with padding gets right."""
    values = {
        "url-safe": b64(b"\xfb\xff\xbf" * 10 + b"\xfb\xff").replace("+", "-").replace("/", "_"),
        "without-padding": RIGHT.rstrip("="),
        "with-a-space": RIGHT[:20] + " " + RIGHT[20:],
        "with-much-padding": RIGHT + "====",
        "of-padding": "====",
        "of-other-text": "not base64!!",
        "in-hex": base64.b64decode(RIGHT).hex() + "!",
    }
    for name, value in values.items():
        yield case(f"base64-{name}", "malformed-signature", with_fields(signature=value))


def unusual_algorithms() -> Iterator[Case]:
    for algorithm in ("hmac-sha512", "hmac-sha1", "rsa-sha256", "hs2019", "none", "HMAC-SHA256"):
        yield case(
            f"algorithm-{algorithm}".replace("C-S", "c-s"), "unknown-algorithm", with_fields(algorithm=algorithm)
        )
    both = with_fields(algorithm="none", headers="digest")
    yield case("malformed-comes-before-algorithm", "malformed-signature", both)
    yield case("algorithm-comes-before-digest", "unknown-algorithm", with_fields(algorithm="none", headers="date"))


def headers_not_as_listed() -> Iterator[Case]:
    yield case("digest-not-listed", "digest-not-signed", signed(plain(), "date"))
    alone = joined(
        {name: value for name, value in fields(mac(SECRET, signed_text(plain(), "date"))).items() if name != "headers"}
    )
    yield case("headers-left-out", "digest-not-signed", with_signature(alone))
    yield case("no-date", "missing-header", replaced(GOOD, "Date"))
    yield case("no-digest", "missing-header", replaced(GOOD, "Digest"))
    yield case("listed-and-not-there", "missing-header", signed(plain(), "date digest x-not-there"))
    for name in ("(request-target)", "(created)", "constructor", "__proto__"):
        yield case(f"listed-{name.strip('()_')}", "missing-header", signed(plain(), f"{name} date digest"))
    yield case("headers-with-two-spaces", "missing-header", signed(plain(), "date  digest"))
    yield case("headers-with-a-space-at-the-end", "missing-header", signed(plain(), "date digest "))
    for name in ("Date", "Digest", "X-Drone-Event"):
        value = dict(plain())[name]
        twice = replaced(plain(), name, value, value)
        yield case(f"two-{name.lower()}", "duplicate-header", signed(twice, "date digest x-drone-event"))
    twice = replaced(plain(), "Date", dict(plain())["Date"], formatdate(0, usegmt=True))
    yield case("two-dates-that-differ", "duplicate-header", signed(twice))
    yield case("two-dates-in-other-cases", "duplicate-header", [("dATE", dict(plain())["Date"]), *GOOD])
    yield case("missing-comes-before-duplicate", "missing-header", signed(twice, "date digest x-not-there"))


def wrong_signatures() -> Iterator[Case]:
    yield case("another-secret", "wrong-signature", secrets=[OTHER])
    yield case("no-secrets", "wrong-signature", secrets=[])
    yield case("secret-in-another-case", "wrong-signature", secrets=[SECRET.upper()])
    yield case("secret-read-as-hex", "wrong-signature", signed(plain(), secret=bytes.fromhex(SECRET).decode("latin-1")))
    yield case("empty-secret", "wrong-signature", signed(plain(), secret=""), secrets=[""])
    yield case("date-changed", "wrong-signature", replaced(GOOD, "Date", formatdate(NOW + 1, usegmt=True)))
    yield case("digest-and-body-changed", "wrong-signature", replaced(GOOD, "Digest", digest(CHANGED)), CHANGED)
    event = signed(plain(), "date digest x-drone-event")
    yield case("signed-header-changed", "wrong-signature", replaced(event, "X-Drone-Event", "repo"))
    yield case("headers-listed-in-another-order", "wrong-signature", with_fields(headers="digest date"))
    yield case(
        "headers-signed-and-not-listed",
        "wrong-signature",
        with_fields(signature=mac(SECRET, signed_text(plain(), "date digest x-drone-event"))),
    )
    newline = mac(SECRET, signed_text(plain(), "date digest") + "\n")
    yield case("newline-at-the-end-signed", "wrong-signature", with_fields(signature=newline))
    raw = base64.b64decode(RIGHT)
    values = {
        "too-short": b64(raw[:31]),
        "too-long": b64(raw + b"\0"),
        "in-hex": raw.hex(),
        "in-base64-twice": b64(RIGHT.encode()),
        "of-sha-1": b64(hmac.digest(SECRET.encode(), signed_text(plain(), "date digest").encode(), "sha1")),
        "of-zeros": b64(bytes(32)),
        "not-canonical": RIGHT[:-2] + chr(ord(RIGHT[-2]) + 1) + "=",
    }
    for name, value in values.items():
        yield case(f"signature-{name}", "wrong-signature", with_fields(signature=value))


def wrong_digests() -> Iterator[Case]:
    yield case("body-changed", "wrong-digest", body=CHANGED)
    yield case("body-with-a-newline", "wrong-digest", body=BODY + b"\n")
    yield case("body-gone", "wrong-digest", body=b"")
    right = digest(BODY)
    values = {
        "changed": digest(CHANGED),
        "of-sha-512": "SHA-512=" + b64(hashlib.sha512(BODY).digest()),
        "of-sha-512-called-sha-256": "SHA-256=" + b64(hashlib.sha512(BODY).digest()),
        "of-two-algorithms": right + ",SHA-512=" + b64(hashlib.sha512(BODY).digest()),
        "in-hex": "SHA-256=" + hashlib.sha256(BODY).hexdigest(),
        "without-padding": right.rstrip("="),
        "without-algorithm": right.removeprefix("SHA-256="),
        "in-lower-case": "sha-256=" + right.removeprefix("SHA-256="),
        "not-ascii": right + "é",
    }
    for name, value in values.items():
        if name != "not-ascii":
            yield case(f"digest-{name}", "wrong-digest", signed(replaced(plain(), "Digest", value)))


def dates() -> Iterator[Case]:
    texts = {
        "rfc-850": "Friday, 02-Jan-26 03:04:05 GMT",
        "asctime": "Fri Jan  2 03:04:05 2026",
        "rfc-3339": "2026-01-02T03:04:05Z",
        "unix": str(NOW),
        "offset": "Fri, 02 Jan 2026 03:04:05 +0000",
        "utc": "Fri, 02 Jan 2026 03:04:05 UTC",
        "one-digit": "Fri, 2 Jan 2026 03:04:05 GMT",
        "no-weekday": "02 Jan 2026 03:04:05 GMT",
        "wrong-weekday": "Thu, 02 Jan 2026 03:04:05 GMT",
        "lower-case": "fri, 02 jan 2026 03:04:05 gmt",
        "hour-24": "Fri, 02 Jan 2026 24:04:05 GMT",
        "second-60": "Fri, 02 Jan 2026 03:04:60 GMT",
        "30-february": "Mon, 30 Feb 2026 03:04:05 GMT",
        "29-february-2100": "Mon, 29 Feb 2100 03:04:05 GMT",
        "no-seconds": "Fri, 02 Jan 2026 03:04 GMT",
        "other-text": "yesterday",
    }
    for name, text in texts.items():
        yield case(f"date-{name}", "malformed-date", signed(plain(date=text)))
    for seconds, expect in {299: "ok", 300: "ok", 301: "stale-date", 86_400: "stale-date"}.items():
        yield case(f"date-{seconds}-s-old", expect, now=NOW + seconds)
        yield case(f"date-{seconds}-s-ahead", expect, now=NOW - seconds)
    yield case("date-60-s-old-of-60", "ok", now=NOW + 60, tolerance=60)
    yield case("date-61-s-old-of-60", "stale-date", now=NOW + 61, tolerance=60)
    days = {
        "leap-day": 1_709_208_000,
        "last-second": 1_798_761_599,
        "first-second": 1_767_225_600,
        "epoch": 0,
        "2100": 4_107_542_400,
    }
    for name, at in days.items():
        yield case(f"date-of-{name}", "ok", signed(plain(date=formatdate(at, usegmt=True))), now=at)


def order() -> Iterator[Case]:
    yield case("signature-comes-before-digest", "wrong-signature", body=CHANGED, secrets=[OTHER])
    yield case("signature-comes-before-date", "wrong-signature", secrets=[OTHER], now=NOW + 86_400)
    yield case("digest-comes-before-date", "wrong-digest", body=CHANGED, now=NOW + 86_400)
    odd = signed(plain(date="yesterday"))
    yield case("digest-comes-before-malformed-date", "wrong-digest", odd, CHANGED)


GROUPS = (
    good_requests,
    good_headers,
    no_signature,
    malformed,
    not_base64,
    unusual_algorithms,
    headers_not_as_listed,
    wrong_signatures,
    wrong_digests,
    dates,
    order,
)


def vectors() -> str:
    """All cases as JSON, a case a line."""
    lines = [json.dumps(one, ensure_ascii=False) for group in GROUPS for one in group()]
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(vectors().encode())
