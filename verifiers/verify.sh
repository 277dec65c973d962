#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
#
#     sh verify.sh HEADERS BODY SECRETS [NOW [TOLERANCE]]
#
# It prints `ok` and exits 0, or the word of the first step that failed and exits 1; any other status is trouble of its
# own. Copy this file into your project; a POSIX shell, awk, od and openssl are all it needs. As a CGI program:
#
#     cd "$(mktemp -d)" && cat > body
#     printf '%s: %s\n' Date "$HTTP_DATE" Digest "$HTTP_DIGEST" Signature "$HTTP_SIGNATURE" > headers
#     if word=$(sh /srv/verify.sh headers body /run/secrets/drone); then status=200; else status=401; fi
#     printf 'Status: %s\n\n%s\n' "$status" "$word"
#
# HEADERS: `Name: value` lines. BODY: as received. SECRETS: one a line, any of them may have signed: two while a secret
# is being changed; an empty one never matches. NOW: seconds since the epoch; the clock's where it is left out.
# TOLERANCE: seconds that Date may be away from NOW, to either side; 300 where it is left out.
#
# No shell compares in constant time. So the two values are not compared, but their HMACs under a key that is drawn for
# this one comparison: how long that takes says nothing of the values. Secrets and keys go through pipes, never as an
# argument of a program, where others could see them (printf is of the shell itself).
#
# The same steps in the same order, and the same words, in every language; vectors.json holds them to it.

set -eu
export LC_ALL=C
headers=$1 body=$2 secrets=$3 now=${4:-$(date +%s)} tolerance=${5:-300}

# What the headers say: a line for the failure, else `ok`, and after `ok` the signature, the seconds of Date (or nothing
# where it is malformed), Digest, and all that is signed.
facts() {
    awk '
    /^[^:]+:/ {
        sub(/\r$/, "")
        name = tolower(substr($0, 1, index($0, ":") - 1))
        value = substr($0, index($0, ":") + 1)
        gsub(/^[ \t]+|[ \t]+$/, "", value)
        sent[name] = count[name]++ ? sent[name] "," value : value
    }
    END {
        failure = check()
        if (failure) { print failure; exit }
        print "ok"; print fields["signature"]; print seconds(sent["date"]); print sent["digest"]; print signed
    }

    function check(    i) {
        if (count["signature"]) text = sent["signature"]
        else if (tolower(sent["authorization"]) ~ /^signature( |$)/) text = substr(sent["authorization"], 11)
        else return "missing-signature"
        if (!parse(text)) return "malformed-signature"
        if (fields["algorithm"] != "hmac-sha256") return "unknown-algorithm"
        if (!("digest" in listed)) return "digest-not-signed"
        for (i = 1; i <= length_of_names; i++) if (count[names[i]] < 1) return "missing-header"
        for (i = 1; i <= length_of_names; i++) if (count[names[i]] > 1) return "duplicate-header"
        for (i = 1; i <= length_of_names; i++) signed = signed (i > 1 ? "\n" : "") names[i] ": " sent[names[i]]
    }

    # Whether it is well-formed.
    function parse(text,    i, name, comma) {
        do {
            if (!match(text, /^[A-Za-z]+="[^"]*"/)) return 0
            name = substr(text, 1, index(text, "=") - 1)
            if (name !~ /^(keyId|algorithm|signature|headers)$/ || name in fields) return 0
            fields[name] = substr(text, length(name) + 3, RLENGTH - length(name) - 3)
            text = substr(text, RLENGTH + 1)
            comma = match(text, /^[ \t]*,[ \t]*/)
            if (comma) text = substr(text, RLENGTH + 1)
        } while (comma)
        if (!("headers" in fields)) fields["headers"] = "date"
        length_of_names = split(tolower(fields["headers"]), names, /[ ]/)
        for (i = 1; i <= length_of_names; i++) if (listed[names[i]]++) return 0
        if (text != "" || fields["keyId"] == "" || fields["algorithm"] == "" || !("date" in listed)) return 0
        return length(fields["signature"]) % 4 == 0 && fields["signature"] ~ /^[A-Za-z0-9+\/]+=?=?$/
    }

    # Of an IMF-fixdate (RFC 9110, 5.6.7), since the epoch; nothing for any other form, and for a day that never was.
    function seconds(date,    i, two, three, day, month, year, hour, past, days) {
        two = "[0-9][0-9]"; three = "[A-Z][a-z][a-z]"
        if (date !~ "^" three ", " two " " three " " two two " " two ":[0-5][0-9]:[0-5][0-9] GMT$") return ""
        day = substr(date, 6, 2) + 0; year = substr(date, 13, 4) + 0; hour = substr(date, 18, 2) + 0
        month = (index("JanFebMarAprMayJunJulAugSepOctNovDec", substr(date, 9, 3)) + 2) / 3
        split("31 28 31 30 31 30 31 31 30 31 30 31", lengths, " ")
        if (year % 4 == 0 && year % 100 != 0 || year % 400 == 0) lengths[2] = 29
        if (!(month in lengths) || day < 1 || day > lengths[month] || hour > 23) return ""
        past = year - 1
        days = past * 365 + int(past / 4) - int(past / 100) + int(past / 400) - 719163 + day
        for (i = 1; i < month; i++) days += lengths[i]
        if (substr("ThuFriSatSunMonTueWed", (days % 7 + 7) % 7 * 3 + 1, 3) != substr(date, 1, 3)) return ""
        return sprintf("%.0f", days * 86400 + hour * 3600 + substr(date, 21, 2) * 60 + substr(date, 24, 2))
    }
    ' "$headers"
}

sha256() { openssl dgst -sha256 -binary; }
base64() { openssl base64 -A; }

# HMAC (RFC 2104) of standard input, in base64: hmac KEY
hmac() {
    if [ ${#1} -gt 64 ]; then
        bytes=$(printf %s "$1" | sha256 | od -An -v -tu1)
    else
        bytes=$(printf %s "$1" | od -An -v -tu1)
    fi
    inner=$(padded 54) outer=$(padded 92)
    [ -n "$bytes" ] && [ ${#inner} -eq 320 ] && [ ${#outer} -eq 320 ] || exit 2
    { printf %b "$outer"; { printf %b "$inner"; cat; } | sha256; } | sha256 | base64
}

# 64 bytes, the key's and zeros, each xor the number, for printf.
padded() {
    printf '%s\n' "$bytes" | pad=$1 awk '
        { for (i = 1; i <= NF; i++) key[n++] = $i }
        END { for (i = 0; i < 64; i++) printf "\\0%03o", either(key[i], ENVIRON["pad"]) }
        function either(one, other,    bit, sum) {
            for (bit = 1; bit < 256; bit *= 2) if (int(one / bit) % 2 != int(other / bit) % 2) sum += bit
            return sum + 0
        }'
}

same() {
    key=$(openssl rand -base64 32)
    one=$(printf %s "$1" | hmac "$key")
    other=$(printf %s "$2" | hmac "$key")
    [ -n "$key" ] && [ -n "$one" ] && [ "$one" = "$other" ]
}

fail() {
    echo "$1"
    exit 1
}

check_signature() {
    [ "$verdict" = ok ] || fail "$verdict"
    while IFS= read -r secret || [ -n "$secret" ]; do
        [ -n "$secret" ] || continue
        right=$(printf %s "$signed" | hmac "$secret")
        if same "$signature" "$right"; then return; fi
    done < "$secrets"
    fail wrong-signature
}

check_digest() {
    same "$digest" "SHA-256=$(sha256 < "$body" | base64)" || fail wrong-digest
}

check_date() {
    [ -n "$seconds" ] || fail malformed-date
    distance=$((now > seconds ? now - seconds : seconds - now))
    [ "$distance" -le "$tolerance" ] || fail stale-date
}

facts=$(facts)
signature='' seconds='' digest=''
{
    IFS= read -r verdict
    IFS= read -r signature || :
    IFS= read -r seconds || :
    IFS= read -r digest || :
    signed=$(cat)
} << END
$facts
END
check_signature
check_digest
check_date
echo ok
