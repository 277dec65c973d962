#!/bin/sh
# Prints a golden request: sign.sh TYPE ID [SECRET] [TRACEPARENT] < body. Law: openssl signs, nothing of ours.
set -eu
type=$1 id=$2 secret=${3-sekrit} traceparent=${4:-}
body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat > "$body"
cat <<END
User-Agent: launchpad.example-Webhooks/1
Content-Type: application/json
X-Launchpad-Event-Type: $type
X-Launchpad-Delivery: 17
END
[ -z "$secret" ] ||
    echo "X-Hub-Signature: sha1=$(openssl dgst -sha1 -mac HMAC -macopt "key:$secret" -r "$body" | cut -d' ' -f1)"
echo "webhook-id: $id"
[ -z "$traceparent" ] || echo "traceparent: $traceparent"
echo
cat "$body"
echo
