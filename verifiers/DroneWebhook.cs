// SPDX-License-Identifier: Apache-2.0
// Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
//
// Copy this file into your project; .NET 6 or later, nothing else is needed. With ASP.NET Core:
//
//     var secret = Environment.GetEnvironmentVariable("DRONE_WEBHOOK_SECRET") ?? "";
//     app.MapPost("/hook", async (HttpRequest request) =>
//     {
//         var body = new MemoryStream();
//         await request.Body.CopyToAsync(body);
//         var headers = request.Headers.SelectMany(one => one.Value, (one, value) => (one.Key, value ?? ""));
//         var failure = DroneWebhook.Verify(headers, body.ToArray(), new[] { secret });
//         return failure == null ? Results.NoContent() : Results.Unauthorized();
//     });
//
// The same steps in the same order, and the same words, in every language; vectors.json holds them to it.

#nullable enable

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

public static class DroneWebhook
{
    private static readonly Regex Field = new Regex(@"\G(\w+)=""([^""]*)""([ \t]*,[ \t]*|\z)");
    private static readonly Regex Base64 = new Regex(@"\A[A-Za-z0-9+/]+={0,2}\z");
    private static readonly string[] Required = { "keyId", "algorithm", "signature" };
    private static readonly string[] Known = { "keyId", "algorithm", "signature", "headers" };

    /// <summary>Null where all is right, else the word of the first step that failed.</summary>
    /// <param name="headers">Of the request; names in any case.</param>
    /// <param name="body">As received, before anything reads or decodes it.</param>
    /// <param name="secrets">Any of them may have signed: two while a secret is being changed; an empty one never
    /// matches.</param>
    /// <param name="now">The clock's where it is left out.</param>
    /// <param name="tolerance">How far from now Date may be, to either side; 5 minutes where it is left out.</param>
    public static string? Verify(
        IEnumerable<(string Name, string Value)> headers,
        byte[] body,
        IEnumerable<string> secrets,
        DateTimeOffset? now = null,
        TimeSpan? tolerance = null)
    {
        var sent = headers.ToLookup(header => header.Name, header => header.Value, StringComparer.OrdinalIgnoreCase);
        return CheckSignature(sent, secrets)
            ?? CheckDigest(sent, body)
            ?? CheckDate(sent, now ?? DateTimeOffset.UtcNow, tolerance ?? TimeSpan.FromMinutes(5));
    }

    private static string? CheckSignature(ILookup<string, string> sent, IEnumerable<string> secrets)
    {
        var text = SignatureText(sent);
        if (text == null) return "missing-signature";
        var signature = Parse(text);
        if (signature == null) return "malformed-signature";
        var (algorithm, value, names) = signature.Value;
        if (algorithm != "hmac-sha256") return "unknown-algorithm";
        if (!names.Contains("digest")) return "digest-not-signed";
        if (names.Any(name => sent[name].Count() < 1)) return "missing-header";
        if (names.Any(name => sent[name].Count() > 1)) return "duplicate-header";
        var signed = string.Join("\n", names.Select(name => $"{name}: {sent[name].First()}"));
        var usable = secrets.Where(secret => !string.IsNullOrEmpty(secret));
        return usable.Any(secret => Same(value, Mac(secret, signed))) ? null : "wrong-signature";
    }

    private static string? CheckDigest(ILookup<string, string> sent, byte[] body)
    {
        var right = "SHA-256=" + Convert.ToBase64String(SHA256.HashData(body));
        return Same(sent["digest"].First(), right) ? null : "wrong-digest";
    }

    /// <summary>Date is an IMF-fixdate (RFC 9110, 5.6.7), no other form, and no day that never was.</summary>
    private static string? CheckDate(ILookup<string, string> sent, DateTimeOffset now, TimeSpan tolerance)
    {
        var text = sent["date"].First();
        var english = CultureInfo.InvariantCulture;
        var isDate = DateTimeOffset.TryParseExact(text, "r", english, DateTimeStyles.AssumeUniversal, out var date);
        if (!isDate || date.ToString("r", english) != text) return "malformed-date";
        return (now - date).Duration() <= tolerance ? null : "stale-date";
    }

    /// <summary>The value of Signature, else of Authorization where its scheme is that; null for neither.</summary>
    private static string? SignatureText(ILookup<string, string> sent)
    {
        if (sent.Contains("signature")) return string.Join(",", sent["signature"]);
        var authorization = string.Join(",", sent["authorization"]).Split(new[] { ' ' }, 2);
        if (!authorization[0].Equals("signature", StringComparison.OrdinalIgnoreCase)) return null;
        return authorization.Length > 1 ? authorization[1] : "";
    }

    /// <summary>Null where it is not well-formed.</summary>
    private static (string Algorithm, string Value, string[] Names)? Parse(string text)
    {
        var fields = new Dictionary<string, string>();
        Match field;
        var at = 0;
        do
        {
            field = Field.Match(text, at);
            var name = field.Groups[1].Value;
            if (!field.Success || !Known.Contains(name) || !fields.TryAdd(name, field.Groups[2].Value)) return null;
            at += field.Length;
        } while (field.Groups[3].Length > 0);
        var value = fields.GetValueOrDefault("signature", "");
        var names = fields.GetValueOrDefault("headers", "date").ToLowerInvariant().Split(' ');
        var complete = Required.All(name => fields.GetValueOrDefault(name, "") != "");
        var different = names.Distinct().Count() == names.Length;
        if (!complete || !IsBase64(value) || !names.Contains("date") || !different) return null;
        return (fields["algorithm"], value, names);
    }

    private static bool IsBase64(string text) => text.Length % 4 == 0 && Base64.IsMatch(text);

    private static string Mac(string secret, string text) =>
        Convert.ToBase64String(HMACSHA256.HashData(Bytes(secret), Bytes(text)));

    /// <summary>Compared in constant time.</summary>
    private static bool Same(string given, string right) =>
        CryptographicOperations.FixedTimeEquals(Bytes(given), Bytes(right));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

// The rest checks this file against the vectors: python3 run.py csharp. Leave it out of your project.

public static class Vectors
{
    public static void Main(string[] arguments)
    {
        using var cases = JsonDocument.Parse(File.ReadAllBytes(arguments[0]));
        foreach (var one in cases.RootElement.EnumerateArray())
        {
            var headers = one.GetProperty("headers").EnumerateArray().Select(pair => (Text(pair[0]), Text(pair[1])));
            var body = one.GetProperty("body_base64").GetBytesFromBase64();
            var secrets = one.GetProperty("secrets").EnumerateArray().Select(Text);
            var now = DateTimeOffset.FromUnixTimeSeconds(one.GetProperty("now").GetInt64());
            var tolerance = TimeSpan.FromSeconds(one.GetProperty("tolerance").GetInt64());
            var failure = DroneWebhook.Verify(headers, body, secrets, now, tolerance);
            Console.WriteLine(Text(one.GetProperty("name")) + ": " + (failure ?? "ok"));
        }
    }

    private static string Text(JsonElement element) => element.GetString() ?? "";
}
