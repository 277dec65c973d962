// SPDX-License-Identifier: Apache-2.0

// Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
//
// Copy this file into a folder of your project and name the package after it; Go 1.22 or later, nothing else is
// needed. With net/http:
//
//	http.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) {
//		body, _ := io.ReadAll(r.Body)
//		secrets := []string{os.Getenv("DRONE_WEBHOOK_SECRET")}
//		if err := webhook.Verify(r.Header, body, secrets, webhook.Options{}); err != nil {
//			http.Error(w, err.Error(), http.StatusUnauthorized)
//		}
//	})
//
// The same steps in the same order, and the same words, in every language; vectors.json holds them to it.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Failure is the word of the step that failed.
type Failure string

func (f Failure) Error() string { return string(f) }

const (
	MissingSignature   Failure = "missing-signature"
	MalformedSignature Failure = "malformed-signature"
	UnknownAlgorithm   Failure = "unknown-algorithm"
	DigestNotSigned    Failure = "digest-not-signed"
	MissingHeader      Failure = "missing-header"
	DuplicateHeader    Failure = "duplicate-header"
	WrongSignature     Failure = "wrong-signature"
	WrongDigest        Failure = "wrong-digest"
	MalformedDate      Failure = "malformed-date"
	StaleDate          Failure = "stale-date"
)

// Options may be left empty.
type Options struct {
	Now       time.Time     // the clock's where it is zero
	Tolerance time.Duration // how far from Now Date may be, to either side; 5 minutes where it is zero
}

// parsed is what the header says: the signature in base64, and the names of the headers it covers.
type parsed struct {
	algorithm, signature string
	names                []string
}

var (
	field    = regexp.MustCompile(`^(\w+)="([^"]*)"([ \t]*,[ \t]*|$)`)
	b64      = regexp.MustCompile(`^[A-Za-z0-9+/]+={0,2}$`)
	required = []string{"keyId", "algorithm", "signature"}
	known    = append([]string{"headers"}, required...)
)

// Verify returns nil where all is right, else the Failure of the first step that failed.
//
// The body is as received, before anything reads or decodes it. Any of the secrets may have signed: two while a secret
// is being changed; an empty one never matches.
func Verify(headers http.Header, body []byte, secrets []string, options Options) error {
	if options.Now.IsZero() {
		options.Now = time.Now()
	}
	if options.Tolerance == 0 {
		options.Tolerance = 5 * time.Minute
	}
	if err := checkSignature(headers, secrets); err != nil {
		return err
	}
	if err := checkDigest(headers, body); err != nil {
		return err
	}
	return checkDate(headers, options)
}

func checkSignature(headers http.Header, secrets []string) error {
	text, ok := signatureText(headers)
	if !ok {
		return MissingSignature
	}
	given, ok := parse(text)
	if !ok {
		return MalformedSignature
	}
	if given.algorithm != "hmac-sha256" {
		return UnknownAlgorithm
	}
	if !slices.Contains(given.names, "digest") {
		return DigestNotSigned
	}
	if slices.ContainsFunc(given.names, func(name string) bool { return len(headers.Values(name)) < 1 }) {
		return MissingHeader
	}
	if slices.ContainsFunc(given.names, func(name string) bool { return len(headers.Values(name)) > 1 }) {
		return DuplicateHeader
	}
	var lines []string
	for _, name := range given.names {
		lines = append(lines, name+": "+headers.Get(name))
	}
	signed := strings.Join(lines, "\n")
	matches := func(secret string) bool { return secret != "" && same(given.signature, mac(secret, signed)) }
	if !slices.ContainsFunc(secrets, matches) {
		return WrongSignature
	}
	return nil
}

func checkDigest(headers http.Header, body []byte) error {
	sum := sha256.Sum256(body)
	if !same(headers.Get("Digest"), "SHA-256="+base64.StdEncoding.EncodeToString(sum[:])) {
		return WrongDigest
	}
	return nil
}

// checkDate takes an IMF-fixdate (RFC 9110, 5.6.7), no other form, and no day that never was.
func checkDate(headers http.Header, options Options) error {
	date, err := time.Parse(http.TimeFormat, headers.Get("Date"))
	if err != nil || date.Format(http.TimeFormat) != headers.Get("Date") {
		return MalformedDate
	}
	if options.Now.Sub(date).Abs() > options.Tolerance {
		return StaleDate
	}
	return nil
}

// signatureText is the value of Signature, else of Authorization where its scheme is Signature.
func signatureText(headers http.Header) (string, bool) {
	if values := headers.Values("Signature"); len(values) > 0 {
		return strings.Join(values, ","), true
	}
	scheme, text, _ := strings.Cut(strings.Join(headers.Values("Authorization"), ","), " ")
	return text, strings.EqualFold(scheme, "signature")
}

// parse tells what the text says, and whether it is well-formed.
func parse(text string) (parsed, bool) {
	fields := map[string]string{}
	for comma := ","; comma != ""; {
		match := field.FindStringSubmatch(text)
		if match == nil || !slices.Contains(known, match[1]) {
			return parsed{}, false
		}
		if _, again := fields[match[1]]; again {
			return parsed{}, false
		}
		fields[match[1]] = match[2]
		text, comma = text[len(match[0]):], match[3]
	}
	if _, ok := fields["headers"]; !ok {
		fields["headers"] = "date"
	}
	names := strings.Split(strings.ToLower(fields["headers"]), " ")
	complete := !slices.ContainsFunc(required, func(name string) bool { return fields[name] == "" })
	ok := complete && isBase64(fields["signature"]) && slices.Contains(names, "date") && !twice(names)
	return parsed{fields["algorithm"], fields["signature"], names}, ok
}

// twice tells whether one of the names is there more than once.
func twice(names []string) bool {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return len(slices.Compact(sorted)) < len(names)
}

func isBase64(text string) bool {
	return len(text)%4 == 0 && b64.MatchString(text)
}

func mac(secret, text string) string {
	hash := hmac.New(sha256.New, []byte(secret))
	hash.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(hash.Sum(nil))
}

// same compares in constant time.
func same(given, right string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(right)) == 1
}

// The rest checks this file against the vectors: go run verify.go vectors.json. It may be left out of your project.

func main() {
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var cases []struct {
		Name           string
		Headers        [][2]string
		Body           []byte `json:"body_base64"`
		Secrets        []string
		Now, Tolerance int64
	}
	if err := json.Unmarshal(content, &cases); err != nil {
		log.Fatal(err)
	}
	for _, one := range cases {
		headers := http.Header{}
		for _, header := range one.Headers {
			headers.Add(header[0], header[1])
		}
		options := Options{time.Unix(one.Now, 0), time.Duration(one.Tolerance) * time.Second}
		word := "ok"
		if err := Verify(headers, one.Body, one.Secrets, options); err != nil {
			word = err.Error()
		}
		fmt.Printf("%s: %s\n", one.Name, word)
	}
}
