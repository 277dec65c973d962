// SPDX-License-Identifier: Apache-2.0
//! Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
//!
//! Copy this file into your project; Rust 1.70 or later, nothing else is needed: SHA-256, HMAC
//! and base64 are below. With axum:
//!
//! ```ignore
//! async fn hook(headers: HeaderMap, body: Bytes) -> Result<(), (StatusCode, String)> {
//!     let secret = std::env::var("DRONE_WEBHOOK_SECRET").unwrap_or_default();
//!     verify(&headers, &body, &[secret], &Options::default())
//!         .map_err(|failure| (StatusCode::UNAUTHORIZED, failure.to_string()))
//! }
//! ```
//!
//! The same steps in the same order, and the same words, in every language; vectors.json holds
//! them to it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The step that failed; its word is what it prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    MissingSignature,
    MalformedSignature,
    UnknownAlgorithm,
    DigestNotSigned,
    MissingHeader,
    DuplicateHeader,
    WrongSignature,
    WrongDigest,
    MalformedDate,
    StaleDate,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingSignature => "missing-signature",
            Self::MalformedSignature => "malformed-signature",
            Self::UnknownAlgorithm => "unknown-algorithm",
            Self::DigestNotSigned => "digest-not-signed",
            Self::MissingHeader => "missing-header",
            Self::DuplicateHeader => "duplicate-header",
            Self::WrongSignature => "wrong-signature",
            Self::WrongDigest => "wrong-digest",
            Self::MalformedDate => "malformed-date",
            Self::StaleDate => "stale-date",
        })
    }
}

impl std::error::Error for Failure {}

/// What time it is, and how far from it `Date` may be, to either side: the clock's, and 5 minutes.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub now: SystemTime,
    pub tolerance: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            now: SystemTime::now(),
            tolerance: Duration::from_secs(300),
        }
    }
}

type Sent = HashMap<String, Vec<Vec<u8>>>;

struct Signature {
    algorithm: String,
    value: String,
    names: Vec<String>,
}

const REQUIRED: [&str; 3] = ["keyId", "algorithm", "signature"];
const BLANK: [char; 2] = [' ', '\t'];

/// `Ok` where all is right, else the first step that failed.
///
/// The headers are pairs, as `http::HeaderMap` has them; the body is as received, before anything
/// reads or decodes it. Any of the secrets may have signed: two while a secret is being changed;
/// an empty one never matches.
pub fn verify<N: AsRef<str>, V: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
    secrets: &[impl AsRef<[u8]>],
    options: &Options,
) -> Result<(), Failure> {
    let mut sent = Sent::new();
    for (name, value) in headers {
        sent.entry(name.as_ref().to_ascii_lowercase())
            .or_default()
            .push(value.as_ref().to_vec());
    }
    check_signature(&sent, secrets)?;
    check_digest(&sent, body)?;
    check_date(&sent, options)
}

fn check_signature(sent: &Sent, secrets: &[impl AsRef<[u8]>]) -> Result<(), Failure> {
    let text = signature_text(sent).ok_or(Failure::MissingSignature)?;
    let signature = parse(&text).ok_or(Failure::MalformedSignature)?;
    let names = signature.names;
    if signature.algorithm != "hmac-sha256" {
        return Err(Failure::UnknownAlgorithm);
    }
    if !names.iter().any(|name| name == "digest") {
        return Err(Failure::DigestNotSigned);
    }
    let count = |name: &String| sent.get(name).map_or(0, Vec::len);
    if names.iter().any(|name| count(name) < 1) {
        return Err(Failure::MissingHeader);
    }
    if names.iter().any(|name| count(name) > 1) {
        return Err(Failure::DuplicateHeader);
    }
    let line = |name: &String| [name.as_bytes(), b": ", &sent[name][0]].concat();
    let signed = names.iter().map(line).collect::<Vec<_>>().join(&b'\n');
    let given = signature.value.as_bytes();
    let matches = |secret: &[u8]| !secret.is_empty() && same(given, &mac(secret, &signed));
    if !secrets.iter().any(|secret| matches(secret.as_ref())) {
        return Err(Failure::WrongSignature);
    }
    Ok(())
}

fn check_digest(sent: &Sent, body: &[u8]) -> Result<(), Failure> {
    let right = format!("SHA-256={}", base64(&sha256(body)));
    let is_whole = same(&sent["digest"][0], &right);
    is_whole.then_some(()).ok_or(Failure::WrongDigest)
}

fn check_date(sent: &Sent, options: &Options) -> Result<(), Failure> {
    let date = seconds(&String::from_utf8_lossy(&sent["date"][0])).ok_or(Failure::MalformedDate)?;
    let now = options.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let distance = date.abs_diff(now.as_secs() as i64);
    let is_fresh = distance <= options.tolerance.as_secs();
    is_fresh.then_some(()).ok_or(Failure::StaleDate)
}

/// The value of Signature, else of Authorization where its scheme is Signature.
fn signature_text(sent: &Sent) -> Option<String> {
    let joined = |name| Some(String::from_utf8_lossy(&sent.get(name)?.join(&b',')).into_owned());
    joined("signature").or_else(|| {
        let authorization = joined("authorization")?;
        let (scheme, text) = authorization
            .split_once(' ')
            .unwrap_or((&authorization, ""));
        let is_ours = scheme.eq_ignore_ascii_case("signature");
        is_ours.then(|| text.to_owned())
    })
}

/// `None` where it is not well-formed.
fn parse(text: &str) -> Option<Signature> {
    let mut fields = HashMap::new();
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        let known = name == "headers" || REQUIRED.contains(&name);
        if !known || fields.insert(name, value).is_some() {
            return None;
        }
        if after.is_empty() {
            break;
        }
        let after = after.trim_start_matches(BLANK).strip_prefix(',')?;
        rest = after.trim_start_matches(BLANK);
    }
    let field = |name| fields.get(name).map_or("", |value| value);
    let names = fields.get("headers").unwrap_or(&"date").to_lowercase();
    let signature = Signature {
        algorithm: field("algorithm").to_owned(),
        value: field("signature").to_owned(),
        names: names.split(' ').map(str::to_owned).collect(),
    };
    let is_complete = REQUIRED.iter().all(|name| !field(name).is_empty());
    let covers_date = signature.names.iter().any(|name| name == "date");
    let different = signature.names.iter().collect::<HashSet<_>>().len();
    let is_good = is_complete && covers_date && different == signature.names.len();
    (is_good && is_base64(&signature.value)).then_some(signature)
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/');
    text.len() & 3 == 0 && plain && !digits.is_empty() && text.len() - digits.len() <= 2
}

/// Compared in constant time: how long it takes tells the length alone.
fn same(given: &[u8], right: &str) -> bool {
    let pairs = given.iter().zip(right.bytes());
    let difference = pairs.fold(0, |all, (one, other)| black_box(all | (one ^ other)));
    given.len() == right.len() && difference == 0
}

/// Of an IMF-fixdate (RFC 9110, 5.6.7), since the epoch; `None` for any other form, and for a day
/// that never was.
fn seconds(date: &str) -> Option<i64> {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // from the epoch's
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let number = |from, to| date.get(from..to)?.parse::<u32>().ok().map(i64::from);
    let (day, year) = (number(5, 7)?, number(12, 16)?);
    let (hour, minute, second) = (number(17, 19)?, number(20, 22)?, number(23, 25)?);
    let (name, february) = (date.get(8..11)?, if is_leap(year) { 29 } else { 28 });
    let month = MONTHS.iter().position(|month| *month == name)?;
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

    let past = year - 1; // whole years, of which some had a day more
    let new_year = past * 365 + past / 4 - past / 100 + past / 400 - 719_162;
    let days = new_year + lengths[..month].iter().sum::<i64>() + day - 1;

    let weekday = DAYS[days.rem_euclid(7) as usize];
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let written = format!("{weekday}, {day:02} {name} {year:04} {time} GMT");
    let is_real = (1..=lengths[month]).contains(&day) && hour < 24 && minute < 60 && second < 60;
    (is_real && written == date).then_some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// RFC 4648, 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at| usize::from(*chunk.get(at).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[bits >> (18 - 6 * at) & 63].into();
            text.push(if at <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

fn mac(secret: &[u8], text: &[u8]) -> String {
    base64(&hmac_sha256(secret, text))
}

/// RFC 2104.
fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = key.to_vec();
    if key.len() > 64 {
        block = sha256(key).to_vec();
    }
    block.resize(64, 0);
    let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    sha256(&[&padded(0x5c)[..], &sha256(&[&padded(0x36), text].concat())].concat())
}

/// FIPS 180-4, 6.2.
fn sha256(message: &[u8]) -> [u8; 32] {
    let mut state = START;
    let mut padded = [message, &[0x80]].concat();
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        compress(&mut state, block);
    }
    let mut hash = [0; 32];
    for (bytes, word) in hash.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

fn compress(state: &mut [u32; 8], block: &[u8]) {
    let mut words = [0; 64];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes
            .iter()
            .fold(0, |word, &byte| word << 8 | u32::from(byte));
    }
    for at in 16..64 {
        let (near, far) = (words[at - 2], words[at - 15]);
        let near = near.rotate_right(17) ^ near.rotate_right(19) ^ near >> 10;
        let far = far.rotate_right(7) ^ far.rotate_right(18) ^ far >> 3;
        words[at] = sum([near, words[at - 7], far, words[at - 16]]);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (word, constant) in words.into_iter().zip(ROUNDS) {
        let of_a = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let of_e = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let next = sum([h, of_e, choice, constant, word]);
        (h, g, f, e) = (g, f, e, sum([d, next]));
        (d, c, b, a) = (c, b, a, sum([next, of_a, majority]));
    }
    for (total, value) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *total = total.wrapping_add(value);
    }
}

fn sum<const N: usize>(words: [u32; N]) -> u32 {
    words.into_iter().fold(0, u32::wrapping_add)
}

#[rustfmt::skip]
const START: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

#[rustfmt::skip]
const ROUNDS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

// The rest checks this file against the vectors: python3 run.py rust, which hands the cases over
// as lines, since the standard library reads no JSON. Leave it out of your project.

#[allow(dead_code)]
#[derive(Default)]
struct Case {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    secrets: Vec<String>,
    options: Options,
}

#[allow(dead_code)]
fn main() {
    let path = std::env::args().nth(1).expect("the file of cases");
    let text = std::fs::read_to_string(path).expect("a file to read");
    let mut case = Case::default();
    for line in text.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let (name, text) = value.split_once(": ").unwrap_or((value, ""));
        let duration = || Duration::from_secs(value.parse().expect("seconds"));
        match key {
            "header" => case.headers.push((name.to_owned(), text.to_owned())),
            "body" => case.body = from_hex(value),
            "secret" => case.secrets.push(value.to_owned()),
            "now" => case.options.now = UNIX_EPOCH + duration(),
            "tolerance" => case.options.tolerance = duration(),
            _ => {
                let case = std::mem::take(&mut case);
                let verdict = verify(case.headers, &case.body, &case.secrets, &case.options);
                let word = verdict.map_or_else(|failure| failure.to_string(), |()| "ok".into());
                println!("{value}: {word}");
            }
        }
    }
}

#[allow(dead_code)]
fn from_hex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
    (0..text.len()).step_by(2).map(byte).collect()
}
