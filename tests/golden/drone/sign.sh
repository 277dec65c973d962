#!/bin/sh
# Prints a golden request: sign.sh EVENT ID [ATTEMPT] [SECONDS] [TRACEPARENT] < body. Law: openssl signs, nothing of ours.
set -eu
event=$1 id=$2 attempt=${3:-1} seconds=${4:-1767323045} traceparent=${5:-}
key=0123456789abcdef0123456789abcdef
body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat > "$body"
date=$(LC_ALL=C date -u -d "@$seconds" '+%a, %d %b %Y %H:%M:%S GMT')
digest="SHA-256=$(openssl dgst -sha256 -binary "$body" | openssl base64 -A)"
mac() { openssl dgst -sha256 -mac HMAC -macopt "key:$key" "$@"; }
cavage=$(printf 'date: %s\ndigest: %s' "$date" "$digest" | mac -binary | openssl base64 -A)
standard=$({ printf '%s.%s.' "$id" "$seconds"; cat "$body"; } | mac -binary | openssl base64 -A)
hub=$(mac -r "$body" | cut -d' ' -f1)
cat <<END
X-Drone-Event: $event
Content-Type: application/json
Digest: $digest
Date: $date
Signature: keyId="hmac-key",algorithm="hmac-sha256",signature="$cavage",headers="date digest"
webhook-timestamp: $seconds
webhook-signature: v1,$standard
X-Hub-Signature-256: sha256=$hub
User-Agent: drone-webhook-sidecar/1
webhook-id: $id
X-Drone-Delivery: 17
X-Drone-Attempt: $attempt
END
[ -z "$traceparent" ] || echo "traceparent: $traceparent"
echo
cat "$body"
echo
