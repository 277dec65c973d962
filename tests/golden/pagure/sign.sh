#!/bin/sh
# Prints a golden request: sign.sh TOPIC PROJECT ID [TRACEPARENT] < body. Law: openssl signs, nothing of ours.
set -eu
topic=$1 project=$2 id=$3 traceparent=${4:-}
key=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123
body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat > "$body"
mac() { openssl dgst "-$1" -mac HMAC -macopt "key:$key" -r "$body" | cut -d' ' -f1; }
cat <<END
X-Pagure: https://pagure.example/
X-Pagure-Project: $project
X-Pagure-Signature: $(mac sha1)
X-Pagure-Signature-256: $(mac sha256)
X-Pagure-Topic: $topic
Content-Type: application/json
User-Agent: drone-webhook-sidecar/1
webhook-id: $id
END
[ -z "$traceparent" ] || echo "traceparent: $traceparent"
echo
cat "$body"
echo
