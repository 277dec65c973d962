"""One repository has many URLs: by https, by ssh, as scp writes it, with and without `.git`.

Law: pure. Two URLs are the same repository if `normal` says the same of both; nothing is looked up.
"""

import re

SCP = re.compile(r"(?:[^@/\s]+@)?(\[[^\]/]+\]|[^:/@\s\[\]]+):(.*)", re.DOTALL)
HOST = re.compile(r"(\[[^\]]*\]|[^:]*)")
ALIASES = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
}
"""Where the big forges serve ssh on port 443."""


def normal(url: str) -> str:
    """`host/path` of a repository's URL, the same for all its forms; "" for what is none.

    Scheme, user, password, port, query and fragment are left out, as are slashes that say nothing and one `.git`. The
    host is in lower case; the path is as it is, because on some forges its case counts.
    """
    text = url.strip()
    _, found, rest = text.partition("://")
    if not found and (scp := SCP.fullmatch(text)):
        host, path = scp.groups()
    else:
        authority, _, path = (rest if found else text).partition("/")
        host = HOST.match(authority.rpartition("@")[2])[0]  # type: ignore[index] # it matches anything
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    path = "/".join([part for part in path.split("/") if part]).removesuffix(".git").rstrip("/")
    host = host.lower().rstrip(".")
    host = ALIASES.get(host, host)
    return f"{host}/{path}" if host and path else ""


def public(url: str) -> str:
    """The URL without what is only ours in it: the password, over http the user too, query and fragment."""
    text = re.split(r"[?#]", url.strip(), maxsplit=1)[0]
    scheme, found, rest = text.partition("://")
    if not found:
        return text
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    kept = f"{user.partition(':')[0]}@" if at and scheme.lower().endswith("ssh") else ""
    return f"{scheme}://{kept}{host}{slash}{path}"
