"""Make vectors.json, the cases on which every verifier here must agree: python3 make_vectors.py > vectors.json.

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

NOW = 1_767_323_045
DATE = "Fri, 02 Jan 2026 03:04:05 GMT"
SECRET = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
BODY = b'{"event":"build","action":"updated","repo":{"slug":"octocat/hello-world"},"build":{"number":1}}'
CHANGED = BODY.replace(b'"number":1', b'"number":2')

Case = dict[str, object]
Headers = list[tuple[str, str]]


def b64(value: bytes) -> str:
    """Base64, of the standard alphabet, with padding."""
    return base64.b64encode(value).decode()


def digest(body: bytes) -> str:
    """The value of Digest (RFC 3230)."""
    return "SHA-256=" + b64(hashlib.sha256(body).digest())


def mac(text: str, secret: str = SECRET, algorithm: str = "sha256") -> bytes:
    """The signature, as bytes."""
    return hmac.digest(secret.encode(), text.encode(), algorithm)


def fields(signature: str, names: str = "date digest") -> dict[str, str]:
    """The fields of Signature, in Drone's order."""
    return {"keyId": "hmac-key", "algorithm": "hmac-sha256", "signature": signature, "headers": names}


def joined(values: dict[str, str], comma: str = ",") -> str:
    """The fields as the value of a header."""
    return comma.join(f'{name}="{value}"' for name, value in values.items())


def plain(body: bytes = BODY, *, date: str = DATE) -> Headers:
    """What Drone sends, but for Signature."""
    return [("X-Drone-Event", "build"), ("Content-Type", "application/json"), ("Digest", digest(body)), ("Date", date)]


def text(headers: Headers, names: str = "date digest") -> str:
    """What is signed: the headers of these names, in this order; of two the first, of none nothing."""
    values = {name.lower(): value for name, value in reversed(headers)}
    return "\n".join(f"{name}: {values.get(name, '')}" for name in names.lower().split(" "))


def signed(headers: Headers, names: str = "date digest", secret: str = SECRET) -> Headers:
    """The headers and their Signature."""
    return [*headers, ("Signature", joined(fields(b64(mac(text(headers, names), secret)), names)))]


RAW = mac(text(plain()))
RIGHT = b64(RAW)
SIGNATURE = joined(fields(RIGHT))


def with_signature(value: str, name: str = "Signature") -> Headers:
    """A good request, with this for its Signature."""
    return [*plain(), (name, value)]


def with_fields(**changes: str | None) -> Headers:
    """A good request, with a field of its Signature set, added or (None) left out."""
    values = {**fields(RIGHT), **changes}
    return with_signature(joined({name: value for name, value in values.items() if value is not None}))


def replaced(headers: Headers, name: str, *values: str) -> Headers:
    """The headers, with these values for the name, at its place; none takes it away."""
    at = [one for one, _ in headers].index(name)
    return [*headers[:at], *[(name, value) for value in values], *headers[at + 1 :]]


def case(
    name: str,
    expect: str,
    headers: Headers | None = None,
    body: bytes = BODY,
    *,
    secrets: Sequence[str] = (SECRET,),
    now: int = NOW,
    tolerance: int = 300,
) -> Case:
    """One line of the file."""
    return {
        "name": name,
        "headers": with_signature(SIGNATURE) if headers is None else headers,
        "body_base64": b64(body),
        "secrets": secrets,
        "now": now,
        "tolerance": tolerance,
        "expect": expect,
    }


def good_requests() -> Iterator[Case]:
    """Bodies and secrets of all sizes: round 64 bytes, SHA-256 and HMAC go another way."""
    yield case("good", "ok")
    bodies = {"empty": b"", "binary": bytes(range(256)), "of-64-kib": b"x" * 65536}
    for size in (1, 55, 56, 63, 64, 65, 119, 120):
        bodies[f"of-{size}-bytes"] = BODY[:size].ljust(size)
    for name, body in bodies.items():
        yield case(f"body-{name}", "ok", signed(plain(body)), body)
    yield case("second-secret", "ok", secrets=[OTHER, SECRET])
    yield case("empty-secret-beside-the-right-one", "ok", secrets=["", SECRET])
    for secret in ("k", "0123456789abcdef" * 4, "0123456789abcdef" * 4 + "0", "0123456789" * 20):
        yield case(f"secret-of-{len(secret)}-bytes", "ok", signed(plain(), secret=secret), secrets=[secret])
    for name, secret in {"in-utf-8": "schlüssel-✓", "with-odd-characters": "%s \\n $HOME 'x' \"y\" `z` *"}.items():
        yield case(f"secret-{name}", "ok", signed(plain(), secret=secret), secrets=[secret])


def good_headers() -> Iterator[Case]:
    """The same request, written in other ways."""
    yield case("authorization", "ok", with_signature(f"Signature {SIGNATURE}", "Authorization"))
    yield case("authorization-in-lower-case", "ok", with_signature(f"signature {SIGNATURE}", "authorization"))
    yield case("signature-beside-authorization", "ok", [("Authorization", "Bearer x"), *with_signature(SIGNATURE)])
    yield case("names-in-odd-case", "ok", [(name.swapcase(), value) for name, value in with_signature(SIGNATURE)])
    extra = [("X-Extra", "1"), ("x-extra", "2"), ("X-Text", "café, \"quoted\" & 'so'"), ("X-Empty", "")]
    yield case("headers-of-no-concern", "ok", [*extra, *with_signature(SIGNATURE)])
    yield case("fields-in-another-order", "ok", with_signature(joined(dict(reversed(fields(RIGHT).items())))))
    yield case("space-after-comma", "ok", with_signature(joined(fields(RIGHT), ", ")))
    yield case("blanks-around-comma", "ok", with_signature(joined(fields(RIGHT), " \t, \t")))
    yield case("key-id-of-any-text", "ok", with_fields(keyId="schlüssel, 'a'=b; \\ $HOME"))
    yield case("headers-in-another-order", "ok", signed(plain(), "digest date"))
    names = "host date x-drone-event digest content-type"
    yield case("more-headers-signed", "ok", signed([("Host", "hooks.example"), *plain()], names))
    yield case("headers-listed-in-capitals", "ok", signed(plain(), "Date Digest"))


def no_signature() -> Iterator[Case]:
    """Nothing that says it is a signature of this kind."""
    yield case("no-signature", "missing-signature", plain())
    yield case("signature-of-another-name", "missing-signature", with_signature(SIGNATURE, "X-Signature"))
    schemes = {"bearer": "Bearer", "basic": "Basic", "signatures": "Signatures", "two": f"x, Signature {SIGNATURE},"}
    for name, scheme in schemes.items():
        value = f"{scheme} {SIGNATURE}"
        yield case(f"authorization-{name}", "missing-signature", with_signature(value, "Authorization"))


def malformed_signatures() -> Iterator[Case]:
    """What is not fields of word="value", separated by commas."""
    texts = {
        "nothing": "",
        "a-word": "signature",
        "trailing-comma": SIGNATURE + ",",
        "leading-comma": "," + SIGNATURE,
        "two-commas": SIGNATURE.replace(",", ",,"),
        "no-commas": SIGNATURE.replace(",", " "),
        "semicolons": SIGNATURE.replace(",", ";"),
        "no-quotes": SIGNATURE.replace('"', ""),
        "single-quotes": SIGNATURE.replace('"', "'"),
        "open-quote": SIGNATURE[:-1],
        "spaces-around-equals": SIGNATURE.replace('="', ' = "'),
        "more-text": SIGNATURE + " x",
        "hyphen-in-a-field": SIGNATURE + ',key-id="x"',
        "rfc-9421": f"sig1=:{RIGHT}:",
    }
    for name, value in texts.items():
        yield case(f"signature-with-{name}", "malformed-signature", with_signature(value))
    yield case("two-signatures", "malformed-signature", [*with_signature(SIGNATURE), ("Signature", SIGNATURE)])
    spaces = with_signature(f"Signature  {SIGNATURE}", "Authorization")
    yield case("authorization-with-two-spaces", "malformed-signature", spaces)
    yield case("authorization-of-scheme-alone", "malformed-signature", with_signature("Signature", "Authorization"))


def malformed_fields() -> Iterator[Case]:
    """Fields too many, too few, or not what they must be."""
    for field in ("keyId", "algorithm", "signature"):
        yield case(f"field-{field}-left-out", "malformed-signature", with_fields(**{field: None}))
        yield case(f"field-{field}-empty", "malformed-signature", with_fields(**{field: ""}))
    for field, value in fields(RIGHT).items():
        yield case(f"field-{field}-twice", "malformed-signature", with_signature(f'{SIGNATURE},{field}="{value}"'))
    for field in ("created", "expires", "nonce", "keyid", "__proto__"):
        yield case(f"field-{field}-unknown", "malformed-signature", with_fields(**{field: str(NOW)}))
    yield case("headers-empty", "malformed-signature", with_fields(headers=""))
    yield case("headers-without-date", "malformed-signature", signed(plain(), "digest"))
    yield case("headers-name-one-twice", "malformed-signature", signed(plain(), "date digest date"))
    yield case("malformed-comes-before-algorithm", "malformed-signature", with_fields(algorithm="x", headers="digest"))


def malformed_base64() -> Iterator[Case]:
    """The right signature, not in standard base64; first a request whose signature has both + and /."""
    dates = [formatdate(NOW + second, usegmt=True) for second in range(300)]
    macs = {date: b64(mac(text(plain(date=date)))) for date in dates}
    date, both = next((date, value) for date, value in macs.items() if "+" in value and "/" in value)
    yield case("base64-with-plus-and-slash", "ok", signed(plain(date=date)))
    url_safe = joined(fields(both.replace("+", "-").replace("/", "_")))
    yield case("base64-url-safe", "malformed-signature", [*plain(date=date), ("Signature", url_safe)])
    values = {
        "without-padding": RIGHT.rstrip("="),
        "with-a-space": RIGHT[:20] + " " + RIGHT[20:],
        "with-more-padding": RIGHT + "====",
        "of-padding-alone": "====",
        "with-another-character": RIGHT[:20] + "!" + RIGHT[21:],
    }
    for name, value in values.items():
        yield case(f"base64-{name}", "malformed-signature", with_fields(signature=value))


def algorithms() -> Iterator[Case]:
    """Anything but hmac-sha256."""
    for algorithm in ("hmac-sha512", "hmac-sha1", "rsa-sha256", "hs2019", "none", "HMAC-SHA256"):
        yield case(f"algorithm-{algorithm}", "unknown-algorithm", with_fields(algorithm=algorithm))
    yield case("algorithm-comes-before-digest", "unknown-algorithm", with_fields(algorithm="none", headers="date"))


def headers_not_as_listed() -> Iterator[Case]:
    """Headers that are signed and not there, there and not signed, or there twice."""
    yield case("digest-not-listed", "digest-not-signed", signed(plain(), "date"))
    alone = f'keyId="hmac-key",algorithm="hmac-sha256",signature="{b64(mac(text(plain(), "date")))}"'
    yield case("field-headers-left-out", "digest-not-signed", with_signature(alone))
    for name in ("Date", "Digest"):
        yield case(f"{name}-gone".lower(), "missing-header", replaced(with_signature(SIGNATURE), name))
    for name in ("x-not-there", "(request-target)", "constructor", "__proto__"):
        yield case(f"listed-and-not-there-{name}", "missing-header", signed(plain(), f"date digest {name}"))
    yield case("headers-with-two-spaces", "missing-header", signed(plain(), "date  digest"))
    yield case("headers-with-a-space-at-the-end", "missing-header", signed(plain(), "date digest "))
    for name, value in plain():
        twice = signed(replaced(plain(), name, value, value), "date digest x-drone-event content-type")
        yield case(f"{name}-twice".lower(), "duplicate-header", twice)
    yield case("date-twice-in-other-case", "duplicate-header", [("dATE", DATE), *with_signature(SIGNATURE)])
    dates = replaced(plain(), "Date", DATE, formatdate(NOW + 1, usegmt=True))
    yield case("two-dates", "duplicate-header", signed(dates))
    yield case("missing-comes-before-duplicate", "missing-header", signed(dates, "date digest x-not-there"))


def wrong_signatures() -> Iterator[Case]:
    """By no secret of ours, or over something else."""
    good = with_signature(SIGNATURE)
    event = signed(plain(), "date digest x-drone-event")
    yield case("another-secret", "wrong-signature", secrets=[OTHER])
    yield case("no-secrets", "wrong-signature", secrets=[])
    yield case("empty-secret", "wrong-signature", signed(plain(), secret=""), secrets=[""])
    yield case("secret-in-capitals", "wrong-signature", secrets=[SECRET.upper()])
    yield case("date-changed", "wrong-signature", replaced(good, "Date", formatdate(NOW + 1, usegmt=True)))
    yield case("digest-and-body-changed", "wrong-signature", replaced(good, "Digest", digest(CHANGED)), CHANGED)
    yield case("signed-header-changed", "wrong-signature", replaced(event, "X-Drone-Event", "repo"))
    yield case("headers-listed-in-another-order", "wrong-signature", with_fields(headers="digest date"))
    yield case("headers-listed-and-not-signed", "wrong-signature", with_fields(headers="date digest x-drone-event"))
    yield case("signature-comes-before-digest", "wrong-signature", body=CHANGED, secrets=[OTHER])
    yield case("signature-comes-before-date", "wrong-signature", secrets=[OTHER], now=NOW + 86_400)
    values = {
        "too-short": b64(RAW[:31]),
        "too-long": b64(RAW + b"\0"),
        "in-hex": RAW.hex(),
        "in-base64-twice": b64(RIGHT.encode()),
        "of-a-newline-more": b64(mac(text(plain()) + "\n")),
        "of-sha-1": b64(mac(text(plain()), algorithm="sha1")),
        "of-zeros": b64(bytes(32)),
        "with-a-bit-too-many": RIGHT[:-2] + chr(ord(RIGHT[-2]) + 1) + "=",
    }
    for name, value in values.items():
        yield case(f"signature-{name}", "wrong-signature", with_fields(signature=value))


def wrong_digests() -> Iterator[Case]:
    """Rightly signed, and not the body's."""
    yield case("body-changed", "wrong-digest", body=CHANGED)
    yield case("body-with-a-newline-more", "wrong-digest", body=BODY + b"\n")
    yield case("body-gone", "wrong-digest", body=b"")
    right, sha512 = digest(BODY), b64(hashlib.sha512(BODY).digest())
    values = {
        "changed": digest(CHANGED),
        "of-sha-512": f"SHA-512={sha512}",
        "of-sha-512-called-sha-256": f"SHA-256={sha512}",
        "of-two-algorithms": f"{right},SHA-512={sha512}",
        "in-hex": "SHA-256=" + hashlib.sha256(BODY).hexdigest(),
        "without-padding": right.rstrip("="),
        "without-algorithm": right.removeprefix("SHA-256="),
        "in-lower-case": right.replace("SHA", "sha"),
        "with-more-text": right + "é",
    }
    for name, value in values.items():
        yield case(f"digest-{name}", "wrong-digest", signed(replaced(plain(), "Digest", value)))
    yield case("digest-comes-before-stale-date", "wrong-digest", body=CHANGED, now=NOW + 86_400)
    yield case("digest-comes-before-malformed-date", "wrong-digest", signed(plain(date="yesterday")), CHANGED)


def malformed_dates() -> Iterator[Case]:
    """Rightly signed, and no IMF-fixdate (RFC 9110, 5.6.7), though some are dates."""
    dates = {
        "of-rfc-850": "Friday, 02-Jan-26 03:04:05 GMT",
        "of-asctime": "Fri Jan  2 03:04:05 2026",
        "of-rfc-3339": "2026-01-02T03:04:05Z",
        "in-unix-seconds": str(NOW),
        "with-an-offset": "Fri, 02 Jan 2026 03:04:05 +0000",
        "in-utc": "Fri, 02 Jan 2026 03:04:05 UTC",
        "with-a-day-of-one-digit": "Fri, 2 Jan 2026 03:04:05 GMT",
        "without-weekday": "02 Jan 2026 03:04:05 GMT",
        "of-another-weekday": "Thu, 02 Jan 2026 03:04:05 GMT",
        "in-lower-case": "fri, 02 jan 2026 03:04:05 gmt",
        "of-hour-24": "Thu, 01 Jan 2026 24:04:05 GMT",
        "of-second-60": "Fri, 02 Jan 2026 03:03:60 GMT",
        "of-30-february": "Mon, 30 Feb 2026 03:04:05 GMT",
        "of-29-february-2100": "Mon, 29 Feb 2100 03:04:05 GMT",
        "of-no-month": "Fri, 02 Xyz 2026 03:04:05 GMT",
        "without-seconds": "Fri, 02 Jan 2026 03:04 GMT",
        "with-more-text": DATE + " (é)",
        "of-a-negative-hour": "Fri, 02 Jan 2026 -3:04:05 GMT",
        "of-no-date": "Invalid Date",
    }
    for name, date in dates.items():
        yield case(f"date-{name}", "malformed-date", signed(plain(date=date)))


def stale_dates() -> Iterator[Case]:
    """Near and far, to both sides; and days on which calendars go wrong."""
    for seconds, expect in {299: "ok", 300: "ok", 301: "stale-date", 86_400: "stale-date"}.items():
        yield case(f"date-{seconds}-s-old", expect, now=NOW + seconds)
        yield case(f"date-{seconds}-s-ahead", expect, now=NOW - seconds)
    yield case("date-60-s-old-where-60-are-allowed", "ok", now=NOW + 60, tolerance=60)
    yield case("date-61-s-old-where-60-are-allowed", "stale-date", now=NOW + 61, tolerance=60)
    days = {"29-february-2028": 1_835_438_400, "31-december-2027": 1_830_297_599, "1-march-2100": 4_107_542_400}
    for name, now in days.items():
        date = formatdate(now, usegmt=True)
        yield case(f"date-of-{name}", "ok", signed(plain(date=date)), now=now)
        yield case(f"date-of-{name}-and-too-old", "stale-date", signed(plain(date=date)), now=now + 301)


GROUPS = (
    good_requests,
    good_headers,
    no_signature,
    malformed_signatures,
    malformed_fields,
    malformed_base64,
    algorithms,
    headers_not_as_listed,
    wrong_signatures,
    wrong_digests,
    malformed_dates,
    stale_dates,
)


def vectors() -> str:
    """All cases as JSON, a case a line."""
    lines = [json.dumps(one, ensure_ascii=False) for group in GROUPS for one in group()]
    return "[\n" + ",\n".join(lines) + "\n]\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(vectors().encode())
