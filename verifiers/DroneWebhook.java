// SPDX-License-Identifier: Apache-2.0

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.ResolverStyle;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Verify a webhook as Drone signs it: it is from a holder of the secret, whole and fresh.
 *
 * <p>Copy this file into your project; Java 17 or later, nothing else is needed. With com.sun.net.httpserver:
 *
 * <pre>{@code
 * server.createContext("/hook", exchange -> {
 *     byte[] body = exchange.getRequestBody().readAllBytes();
 *     List<String> secrets = List.of(System.getenv("DRONE_WEBHOOK_SECRET"));
 *     var failure = DroneWebhook.verify(exchange.getRequestHeaders(), body, secrets);
 *     exchange.sendResponseHeaders(failure.isPresent() ? 401 : 204, -1);
 * });
 * }</pre>
 *
 * <p>The same steps in the same order, and the same words, in every language; vectors.json holds them to it.
 */
public final class DroneWebhook {

    /** The step that failed; its word is what it prints. */
    public enum Failure {
        MISSING_SIGNATURE,
        MALFORMED_SIGNATURE,
        UNKNOWN_ALGORITHM,
        DIGEST_NOT_SIGNED,
        MISSING_HEADER,
        DUPLICATE_HEADER,
        WRONG_SIGNATURE,
        WRONG_DIGEST,
        MALFORMED_DATE,
        STALE_DATE;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    private record Signature(String algorithm, String value, List<String> names) {}

    private static final Pattern FIELD = Pattern.compile("(\\w+)=\"([^\"]*)\"([ \t]*,[ \t]*|\\z)");
    private static final Pattern BASE64 = Pattern.compile("[A-Za-z0-9+/]+={0,2}");
    private static final List<String> REQUIRED = List.of("keyId", "algorithm", "signature");
    private static final List<String> KNOWN = List.of("keyId", "algorithm", "signature", "headers");
    private static final DateTimeFormatter IMF_FIXDATE =
            DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.US)
                    .withResolverStyle(ResolverStyle.STRICT)
                    .withZone(ZoneOffset.UTC);

    private final Map<String, List<String>> sent = new HashMap<>();

    private DroneWebhook(Map<String, List<String>> headers) {
        headers.forEach((name, values) ->
                sent.computeIfAbsent(name.toLowerCase(Locale.ROOT), key -> new ArrayList<>()).addAll(values));
    }

    /** As below, by the clock, where Date may be 5 minutes away from now. */
    public static Optional<Failure> verify(Map<String, List<String>> headers, byte[] body, List<String> secrets) {
        return verify(headers, body, secrets, Instant.now(), Duration.ofMinutes(5));
    }

    /**
     * Nothing where all is right, else the first step that failed.
     *
     * @param headers of the request; names in any case
     * @param body as received, before anything reads or decodes it
     * @param secrets any of them may have signed: two while a secret is being changed; an empty one never matches
     * @param tolerance how far from now Date may be, to either side
     */
    public static Optional<Failure> verify(
            Map<String, List<String>> headers, byte[] body, List<String> secrets, Instant now, Duration tolerance) {
        var request = new DroneWebhook(headers);
        return request.checkSignature(secrets)
                .or(() -> request.checkDigest(body))
                .or(() -> request.checkDate(now, tolerance));
    }

    private Optional<Failure> checkSignature(List<String> secrets) {
        var text = signatureText();
        if (text.isEmpty()) return Optional.of(Failure.MISSING_SIGNATURE);
        var parsed = parse(text.get());
        if (parsed.isEmpty()) return Optional.of(Failure.MALFORMED_SIGNATURE);
        var names = parsed.get().names();
        if (!parsed.get().algorithm().equals("hmac-sha256")) return Optional.of(Failure.UNKNOWN_ALGORITHM);
        if (!names.contains("digest")) return Optional.of(Failure.DIGEST_NOT_SIGNED);
        if (names.stream().anyMatch(name -> values(name).size() < 1)) return Optional.of(Failure.MISSING_HEADER);
        if (names.stream().anyMatch(name -> values(name).size() > 1)) return Optional.of(Failure.DUPLICATE_HEADER);
        var signed = names.stream().map(name -> name + ": " + first(name)).collect(Collectors.joining("\n"));
        var matches = secrets.stream()
                .filter(secret -> !secret.isEmpty())
                .anyMatch(secret -> same(parsed.get().value(), mac(secret, signed)));
        return matches ? Optional.empty() : Optional.of(Failure.WRONG_SIGNATURE);
    }

    private Optional<Failure> checkDigest(byte[] body) {
        var right = "SHA-256=" + base64(sha256(body));
        return same(first("digest"), right) ? Optional.empty() : Optional.of(Failure.WRONG_DIGEST);
    }

    /** Date is an IMF-fixdate (RFC 9110, 5.6.7), no other form, and no day that never was. */
    private Optional<Failure> checkDate(Instant now, Duration tolerance) {
        try {
            var date = IMF_FIXDATE.parse(first("date"), Instant::from);
            var distance = Duration.between(date, now).abs();
            return distance.compareTo(tolerance) <= 0 ? Optional.empty() : Optional.of(Failure.STALE_DATE);
        } catch (DateTimeException malformed) {
            return Optional.of(Failure.MALFORMED_DATE);
        }
    }

    private List<String> values(String name) {
        return sent.getOrDefault(name, List.of());
    }

    private String first(String name) {
        return values(name).get(0);
    }

    /** The value of Signature, else of Authorization where its scheme is Signature. */
    private Optional<String> signatureText() {
        if (sent.containsKey("signature")) return Optional.of(String.join(",", values("signature")));
        var authorization = String.join(",", values("authorization")).split(" ", 2);
        if (!authorization[0].equalsIgnoreCase("signature")) return Optional.empty();
        return Optional.of(authorization.length > 1 ? authorization[1] : "");
    }

    /** Nothing where it is not well-formed. */
    private static Optional<Signature> parse(String text) {
        var fields = new HashMap<String, String>();
        var field = FIELD.matcher(text);
        String comma;
        do {
            var known = field.lookingAt() && KNOWN.contains(field.group(1));
            if (!known || fields.putIfAbsent(field.group(1), field.group(2)) != null) return Optional.empty();
            comma = field.group(3);
            field.region(field.end(), text.length());
        } while (!comma.isEmpty());
        var value = fields.getOrDefault("signature", "");
        var names = List.of(fields.getOrDefault("headers", "date").toLowerCase(Locale.ROOT).split(" ", -1));
        var complete = REQUIRED.stream().noneMatch(name -> fields.getOrDefault(name, "").isEmpty());
        var different = new HashSet<>(names).size() == names.size();
        var good = complete && isBase64(value) && names.contains("date") && different;
        return good ? Optional.of(new Signature(fields.get("algorithm"), value, names)) : Optional.empty();
    }

    private static boolean isBase64(String text) {
        return text.length() % 4 == 0 && BASE64.matcher(text).matches();
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static String mac(String secret, String text) {
        try {
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(bytes(secret), "HmacSHA256"));
            return base64(mac.doFinal(bytes(text)));
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every Java has HmacSHA256", impossible);
        }
    }

    private static byte[] sha256(byte[] bytes) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(bytes);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }

    /** Compared in constant time. */
    private static boolean same(String given, String right) {
        return MessageDigest.isEqual(bytes(given), bytes(right));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    // The rest checks this file against the vectors: python3 run.py java, which hands the cases over as lines, since
    // the standard library reads no JSON. Leave it out of your project.

    public static void main(String[] arguments) throws Exception {
        var headers = new HashMap<String, List<String>>();
        var secrets = new ArrayList<String>();
        var body = new byte[0];
        var now = Instant.EPOCH;
        var tolerance = Duration.ZERO;
        for (var line : Files.readAllLines(Path.of(arguments[0]))) {
            var parts = line.split(" ", 2);
            var value = parts[1];
            switch (parts[0]) {
                case "header" -> {
                    var header = value.split(": ", 2);
                    headers.computeIfAbsent(header[0], key -> new ArrayList<>()).add(header[1]);
                }
                case "body" -> body = HexFormat.of().parseHex(value);
                case "secret" -> secrets.add(value);
                case "now" -> now = Instant.ofEpochSecond(Long.parseLong(value));
                case "tolerance" -> tolerance = Duration.ofSeconds(Long.parseLong(value));
                default -> {
                    var failure = verify(headers, body, secrets, now, tolerance);
                    System.out.println(value + ": " + failure.map(Failure::toString).orElse("ok"));
                    headers.clear();
                    secrets.clear();
                }
            }
        }
    }
}
