# frozen_string_literal: true

# SPDX-License-Identifier: Apache-2.0
# Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
#
# Copy this file into your project; Ruby 3.0 or later, nothing else is needed. With Rack:
#
#     run lambda { |env|
#       headers = env.filter_map { |key, value| [key[5..].tr("_", "-"), value] if key.start_with?("HTTP_") }
#       failure = DroneWebhook.verify(headers, env["rack.input"].read, [ENV["DRONE_WEBHOOK_SECRET"]])
#       [failure ? 401 : 204, {}, []]
#     }
#
# The same steps in the same order, and the same words, in every language; vectors.json holds them to it.

require "json"
require "openssl"
require "time"

module DroneWebhook
  FIELD = /\G(\w+)="([^"]*)"([ \t]*,[ \t]*|\z)/n
  BASE64 = %r{\A[A-Za-z0-9+/]+={0,2}\z}
  REQUIRED = %w[keyId algorithm signature].freeze
  KNOWN = [*REQUIRED, "headers"].freeze

  Signature = Struct.new(:algorithm, :value, :names)

  module_function

  # Nil where all is right, else the word of the first step that failed.
  #
  # @param headers [Enumerable<Array(String, String)>] of the request, as pairs; names in any case
  # @param body [String] as received, before anything reads or decodes it
  # @param secrets [Array<String>] any of them may have signed: two while a secret is being changed; an empty one
  #   never matches
  # @param now [Numeric] seconds since the epoch
  # @param tolerance_seconds [Numeric] that Date may be away from now, to either side
  def verify(headers, body, secrets, now: Time.now.to_f, tolerance_seconds: 300)
    sent = Hash.new { [] }
    headers.each { |name, value| sent[name.downcase] += [value.b] }
    check_signature(sent, secrets) || check_digest(sent, body) || check_date(sent, now, tolerance_seconds)
  end

  def check_signature(sent, secrets)
    text = signature_text(sent)
    return "missing-signature" unless text

    signature = parse(text)
    return "malformed-signature" unless signature
    return "unknown-algorithm" unless signature.algorithm == "hmac-sha256"

    names = signature.names
    return "digest-not-signed" unless names.include?("digest")
    return "missing-header" if names.any? { |name| sent[name].size < 1 }
    return "duplicate-header" if names.any? { |name| sent[name].size > 1 }

    signed = names.map { |name| "#{name}: ".b + sent[name].first }.join("\n")
    matches = secrets.any? { |secret| !secret.to_s.empty? && same?(signature.value, mac(secret, signed)) }
    "wrong-signature" unless matches
  end

  def check_digest(sent, body)
    right = "SHA-256=#{base64(OpenSSL::Digest.digest("SHA256", body))}"
    "wrong-digest" unless same?(sent["digest"].first, right)
  end

  def check_date(sent, now, tolerance_seconds)
    date = seconds(sent["date"].first)
    return "malformed-date" unless date

    "stale-date" unless (now - date).abs <= tolerance_seconds
  end

  # The value of Signature, else of Authorization where its scheme is Signature; nil for neither.
  def signature_text(sent)
    return sent["signature"].join(",") if sent.key?("signature")

    scheme, _, text = sent["authorization"].join(",").partition(" ")
    text if scheme.downcase == "signature"
  end

  # Nil where it is not well-formed.
  def parse(text)
    fields = {}
    at = 0
    loop do
      field = FIELD.match(text, at)
      return unless field && KNOWN.include?(field[1]) && !fields.key?(field[1])

      fields[field[1]] = field[2]
      at = field.end(0)
      break if field[3].empty?
    end
    value = fields.fetch("signature", "")
    names = fields.fetch("headers", "date").downcase.split(/ /, -1)
    complete = REQUIRED.none? { |name| fields.fetch(name, "").empty? }
    return unless complete && base64?(value) && names.include?("date") && names.uniq.size == names.size

    Signature.new(fields["algorithm"], value, names)
  end

  def base64?(text)
    (text.size % 4).zero? && text.match?(BASE64)
  end

  def base64(bytes)
    [bytes].pack("m0")
  end

  def mac(secret, text)
    base64(OpenSSL::HMAC.digest("SHA256", secret, text))
  end

  # Compared in constant time.
  def same?(given, right)
    given.bytesize == right.bytesize && OpenSSL.fixed_length_secure_compare(given, right)
  end

  # Of an IMF-fixdate (RFC 9110, 5.6.7), since the epoch; nil for any other form, and for a day that never was.
  def seconds(date)
    at = Time.httpdate(date)
    at.to_i if at.httpdate == date
  rescue ArgumentError
    nil
  end
end

# The rest checks this file against the vectors: ruby verify.rb vectors.json. Leave it out of your project.

if $PROGRAM_NAME == __FILE__
  JSON.parse(File.read(ARGV.first, encoding: "UTF-8")).each do |one|
    body = one["body_base64"].unpack1("m0")
    clock = { now: one["now"], tolerance_seconds: one["tolerance"] }
    failure = DroneWebhook.verify(one["headers"], body, one["secrets"], **clock)
    puts "#{one["name"]}: #{failure || "ok"}"
  end
end
