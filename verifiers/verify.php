<?php
// SPDX-License-Identifier: Apache-2.0
// Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
//
// Copy this file into your project; PHP 8.0 or later, nothing else is needed. With any server:
//
//     $body = file_get_contents('php://input');
//     $failure = DroneWebhook\verify(getallheaders(), $body, [getenv('DRONE_WEBHOOK_SECRET')]);
//     http_response_code($failure === null ? 204 : 401);
//
// The same steps in the same order, and the same words, in every language; vectors.json holds them to it.

declare(strict_types=1);

namespace DroneWebhook;

const FIELD = '/\G(\w+)="([^"]*)"([ \t]*,[ \t]*|\z)/';
const BASE64 = '~\A[A-Za-z0-9+/]+={0,2}\z~';
const REQUIRED = ['keyId', 'algorithm', 'signature'];
const KNOWN = [...REQUIRED, 'headers'];

/**
 * Null where all is right, else the word of the first step that failed.
 *
 * @param iterable<string, string> $headers of the request; names in any case
 * @param string $body as received, before anything reads or decodes it
 * @param list<string|false> $secrets any of them may have signed: two while a secret is being changed; an empty one
 *     never matches
 * @param int|null $now seconds since the epoch; the clock's where it is left out
 * @param int $toleranceSeconds that Date may be away from now, to either side
 */
function verify(iterable $headers, string $body, array $secrets, ?int $now = null, int $toleranceSeconds = 300): ?string
{
    $sent = [];
    foreach ($headers as $name => $value) {
        $sent[strtolower((string) $name)][] = $value;
    }
    return check_signature($sent, $secrets)
        ?? check_digest($sent, $body)
        ?? check_date($sent, $now ?? time(), $toleranceSeconds);
}

function check_signature(array $sent, array $secrets): ?string
{
    $text = signature_text($sent);
    if ($text === null) {
        return 'missing-signature';
    }
    $signature = parse($text);
    if ($signature === null) {
        return 'malformed-signature';
    }
    [$algorithm, $value, $names] = $signature;
    if ($algorithm !== 'hmac-sha256') {
        return 'unknown-algorithm';
    }
    if (!in_array('digest', $names, true)) {
        return 'digest-not-signed';
    }
    $counts = array_map(fn (string $name): int => count($sent[$name] ?? []), $names);
    if (min($counts) < 1) {
        return 'missing-header';
    }
    if (max($counts) > 1) {
        return 'duplicate-header';
    }
    $signed = implode("\n", array_map(fn (string $name): string => "$name: {$sent[$name][0]}", $names));
    $usable = array_filter($secrets, fn (string|false $secret): bool => $secret !== false && $secret !== '');
    $matches = array_filter($usable, fn (string $secret): bool => hash_equals(mac($secret, $signed), $value));
    return $matches === [] ? 'wrong-signature' : null;
}

function check_digest(array $sent, string $body): ?string
{
    $right = 'SHA-256=' . base64_encode(hash('sha256', $body, true));
    return hash_equals($right, $sent['digest'][0]) ? null : 'wrong-digest';
}

function check_date(array $sent, int $now, int $toleranceSeconds): ?string
{
    $date = seconds($sent['date'][0]);
    if ($date === null) {
        return 'malformed-date';
    }
    return abs($now - $date) <= $toleranceSeconds ? null : 'stale-date';
}

/** The value of Signature, else of Authorization where its scheme is Signature; null for neither. */
function signature_text(array $sent): ?string
{
    if (isset($sent['signature'])) {
        return implode(',', $sent['signature']);
    }
    $authorization = implode(',', $sent['authorization'] ?? []);
    $isOurs = preg_match('/\Asignature( |\z)/i', $authorization) === 1;
    return $isOurs ? substr($authorization, strlen('signature ')) : null;
}

/** Null where it is not well-formed, else its algorithm, its value and the names of the headers it covers. */
function parse(string $text): ?array
{
    $fields = [];
    $at = 0;
    do {
        $matches = preg_match(FIELD, $text, $field, 0, $at) === 1;
        if (!$matches || !in_array($field[1], KNOWN, true) || isset($fields[$field[1]])) {
            return null;
        }
        $fields[$field[1]] = $field[2];
        $at += strlen($field[0]);
    } while ($field[3] !== '');
    $value = $fields['signature'] ?? '';
    $names = explode(' ', strtolower($fields['headers'] ?? 'date'));
    $complete = array_filter(REQUIRED, fn (string $name): bool => ($fields[$name] ?? '') === '') === [];
    $good = $complete && is_base64($value) && in_array('date', $names, true) && array_unique($names) === $names;
    return $good ? [$fields['algorithm'], $value, $names] : null;
}

function is_base64(string $text): bool
{
    return strlen($text) % 4 === 0 && preg_match(BASE64, $text) === 1;
}

function mac(string $secret, string $text): string
{
    return base64_encode(hash_hmac('sha256', $text, $secret, true));
}

/** Of an IMF-fixdate (RFC 9110, 5.6.7), since the epoch; null for any other form, and for a day that never was. */
function seconds(string $date): ?int
{
    $at = strtotime($date);
    return $at !== false && gmdate('D, d M Y H:i:s \G\M\T', $at) === $date ? $at : null;
}

// The rest checks this file against the vectors: php verify.php vectors.json. Leave it out of your project.

/** Headers as pairs, of which two may have one name. */
function pairs(array $headers): iterable
{
    foreach ($headers as [$name, $value]) {
        yield $name => $value;
    }
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    foreach (json_decode(file_get_contents($argv[1]), true) as $case) {
        $body = base64_decode($case['body_base64']);
        $failure = verify(pairs($case['headers']), $body, $case['secrets'], $case['now'], $case['tolerance']);
        echo $case['name'], ': ', $failure ?? 'ok', "\n";
    }
}
