#!/bin/sh
# Checks a Drone request with openssl: verify_cavage.sh KEY HEADERS BODY, the last two being files; exits 0, or 1 and says why.
# Law: knows the wire format alone; nothing of the sidecar is used here.
set -eu
key=$1 headers=$2 body=$3

header() { awk -v want="$1" '{ at = index($0, ":"); if (tolower(substr($0, 1, at - 1)) == want) print substr($0, at + 2) }' "$headers"; }
field() { header signature | grep -o "$1=\"[^\"]*\"" | cut -d'"' -f2; }
refuse() { echo "$1" >&2; exit 1; }

[ "$(field algorithm)" = hmac-sha256 ] || refuse "the algorithm is not hmac-sha256"
case " $(field headers) " in *" date "*) ;; *) refuse "Date is not signed" ;; esac
case " $(field headers) " in *" digest "*) ;; *) refuse "Digest is not signed" ;; esac

[ "$(header digest)" = "SHA-256=$(openssl dgst -sha256 -binary "$body" | openssl base64 -A)" ] || refuse "Digest is not the body's"

text=$(for name in $(field headers); do echo "$name: $(header "$name")"; done)
signature=$(printf %s "$text" | openssl dgst -sha256 -mac HMAC -macopt "key:$key" -binary | openssl base64 -A)
[ "$(field signature)" = "$signature" ] || refuse "Signature is wrong"
