/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dsse.h"

#include "base/media_types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SIG "{\"sig\":\"AAEC\"}"
#define ENVELOPE "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":[" SIG "]}"
#define MATERIAL "\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"}}"
#define TYPE "\"mediaType\":\"" MEDIA_SIGSTORE_BUNDLE "\""
#define OLD_TYPE "\"mediaType\":\"application/vnd.dev.sigstore.bundle+json;version=0."

static int parse(const char *text, struct dsse_envelope **out)
{
    struct err e = ERR_INIT;
    return dsse_parse(text, strlen(text), "test", out, &e);
}

static void test_accepted(void **state)
{
    (void)state;
    static const char *const good[] = {
        ENVELOPE,
        " " ENVELOPE "\n",
        /* An empty payload, an empty signature and no signature are well-formed. */
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}",
        /* Both alphabets of base64. */
        "{\"payload\":\"-_-_\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"+/+/\"}]}",
        /* Unknown members are ignored at every level. */
        "{\"x\":1,\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"\",\"y\":{}}]}",
        "{" TYPE "," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE "," MATERIAL ",\"dsseEnvelope\":" ENVELOPE ",\"new\":[]}",
        "{" TYPE ",\"verificationMaterial\":{\"publicKey\":{}},\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":{\"certificate\":{\"rawBytes\":\"AA==\"}},"
        "\"dsseEnvelope\":" ENVELOPE "}",
        /* Proto3 JSON: null is absent, base64 in any spelling. */
        "{\"payload\":\"aGk\",\"payloadType\":\"t\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGl=\",\"payloadType\":\"t\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGk=\\n\",\"payloadType\":\"t\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"a.k=\",\"payloadType\":\"t\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AAEC\",\"keyid\":"
        "null}],\"mediaType\":null}",
        "{" TYPE ",\"verificationMaterial\":{\"publicKey\":{\"hint\":null},\"certificate\":null,"
        "\"x509CertificateChain\":null,\"tlogEntries\":null,\"timestampVerificationData\":null},"
        "\"messageSignature\":null,\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":{\"publicKey\":{},\"timestampVerificationData\":{"
        "\"rfc3161Timestamps\":null}},\"dsseEnvelope\":" ENVELOPE "}",
        "{" OLD_TYPE "2\",\"verificationMaterial\":{\"x509CertificateChain\":{\"certificates\":[{"
        "\"rawBytes\":\"AA\"}]}},\"dsseEnvelope\":" ENVELOPE "}",
        "{" OLD_TYPE "1\"," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}",
        "{" OLD_TYPE "2\"," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}",
        "{" OLD_TYPE "3\"," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        AUTO_DSSE struct dsse_envelope *envelope = NULL;
        if (parse(good[i], &envelope) != 0)
            fail_msg("refused: %s", good[i]);
        assert_non_null(envelope);
        assert_string_equal(envelope->payload_type, "t");
    }
}

static void test_values(void **state)
{
    (void)state;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    assert_int_equal(parse("{" TYPE "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"-_-_\","
                           "\"payloadType\":\"t\",\"signatures\":[{\"keyid\":\"k\",\"sig\":"
                           "\"AAEC\"}]}}",
                           &envelope),
                     0);
    assert_string_equal(envelope->bundle_type, MEDIA_SIGSTORE_BUNDLE);
    assert_string_equal(envelope->hint, "h");
    assert_int_equal(envelope->payload_len, 3);
    assert_memory_equal(envelope->payload, "\xfb\xff\xbf", 3);
    assert_int_equal(envelope->signature_count, 1);
    assert_string_equal(envelope->signatures[0].keyid, "k");
    assert_int_equal(envelope->signatures[0].sig_len, 3);
    assert_memory_equal(envelope->signatures[0].sig, "\0\1\2", 3);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "null",
        "{}",
        ENVELOPE "x",
        ENVELOPE ENVELOPE,
        "{\"payloadType\":\"t\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGk=\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"t\"}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGk=\",\"payloadType\":1,\"signatures\":[" SIG "]}",
        "{\"payload\":{},\"payloadType\":\"t\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":{}}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":[{}]}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":[\"AAEC\"]}",
        "{\"payload\":null,\"payloadType\":\"t\",\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGk=\",\"payloadType\":null,\"signatures\":[" SIG "]}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":null}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":[null]}",
        "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":null}]}",
        /* Duplicates: which payload would be the signed one? */
        "{\"payload\":\"aGk=\",\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":[" SIG
        "]}",
        "{" TYPE "," MATERIAL "," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}",
        /* Bundles. */
        "{\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE "," MATERIAL "}",
        "{\"mediaType\":\"application/json\"," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}",
        "{" OLD_TYPE "4\"," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE "," MATERIAL ",\"messageSignature\":{}}",
        "{" TYPE "," MATERIAL ",\"messageSignature\":{},\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"},\"certificate\":{}},"
        "\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":[],\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":{},\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":null,\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":{\"certificate\":{}},\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":{\"x509CertificateChain\":{\"certificates\":[{"
        "\"rawBytes\":\"AA==\"}]}},\"dsseEnvelope\":" ENVELOPE "}",
        "{" OLD_TYPE
        "1\",\"verificationMaterial\":{\"x509CertificateChain\":{\"certificates\":[]}},"
        "\"dsseEnvelope\":" ENVELOPE "}",
        "{\"mediaType\":null," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE "," MATERIAL ",\"dsseEnvelope\":null}",
        "{" TYPE "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"\",\"payloadType\":\"t\","
        "\"signatures\":[" SIG "]}}",
        "{" TYPE "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"aGk=\",\"payloadType\":\"t\","
        "\"signatures\":[{\"sig\":\"\"}]}}",
        "{" TYPE ",\"verificationMaterial\":{\"publicKey\":{},\"tlogEntries\":[null]},"
        "\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE ",\"verificationMaterial\":{\"publicKey\":{},\"tlogEntries\":[{\"logId\":{},"
        "\"kindVersion\":{}}]},\"dsseEnvelope\":" ENVELOPE "}",
        "{" TYPE "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"\",\"payloadType\":\"t\","
        "\"signatures\":[]}}",
        "{" TYPE "," MATERIAL ",\"dsseEnvelope\":{\"payload\":\"\",\"payloadType\":\"t\","
        "\"signatures\":[" SIG "," SIG "]}}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_DSSE struct dsse_envelope *envelope = NULL;
        if (parse(bad[i], &envelope) != -ERR_INPUT)
            fail_msg("not refused as malformed: %s", bad[i]);
        assert_null(envelope);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT(64 * 1024);
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    assert_int_equal(
        buf_add_str(&text, "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[", &e), 0);
    for (size_t i = 0; i <= DSSE_SIGNATURES_MAX; i++)
        assert_int_equal(buf_addf(&text, &e, "%s" SIG, i > 0 ? "," : ""), 0);
    assert_int_equal(buf_add_str(&text, "]}", &e), 0);
    assert_int_equal(parse(buf_str(&text), &envelope), -ERR_INPUT);

    text.len = 0;
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(buf_add_str(&text, "[", &e), 0);
    assert_int_equal(parse(buf_str(&text), &envelope), -ERR_INPUT);
    assert_null(envelope);
}

/* What is there and not checked is counted. */
static void test_log_evidence(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t entries, timestamps;
        bool certificate;
    } rows[] = {
        {ENVELOPE, 0, 0, false},
        {"{" TYPE "," MATERIAL ",\"dsseEnvelope\":" ENVELOPE "}", 0, 0, false},
        {"{" TYPE ",\"verificationMaterial\":{\"publicKey\":{},\"tlogEntries\":[{\"logId\":{},"
         "\"kindVersion\":{},\"inclusionProof\":{\"checkpoint\":{}}}]},\"dsseEnvelope\":" ENVELOPE
         "}",
         1, 0, false},
        {"{" OLD_TYPE "1\",\"verificationMaterial\":{\"certificate\":{\"rawBytes\":\"AAAA\"},"
         "\"tlogEntries\":[{\"logId\":{},\"kindVersion\":{},\"inclusionPromise\":{}}],"
         "\"timestampVerificationData\":{\"rfc3161Timestamps\":[{},{}]}},\"dsseEnvelope\":" ENVELOPE
         "}",
         1, 2, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_DSSE struct dsse_envelope *envelope = NULL;
        assert_int_equal(parse(rows[i].text, &envelope), 0);
        assert_int_equal(envelope->log_entries, rows[i].entries);
        assert_int_equal(envelope->timestamps, rows[i].timestamps);
        assert_int_equal(envelope->certificate, rows[i].certificate);
    }
}

/* Canonical: members sorted, no white space, standard base64. */
static void test_format(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_BUF text = BUF_INIT(4096);
    assert_int_equal(parse("{\"signatures\":[{\"sig\":\"-_-_\",\"keyid\":\"k\"}], "
                           "\"payloadType\":\"t\", \"payload\":\"aGk=\"}",
                           &envelope),
                     0);
    assert_int_equal(dsse_format(envelope, &text, &e), 0);
    assert_string_equal(buf_str(&text),
                        "{\"payload\":\"aGk=\",\"payloadType\":\"t\",\"signatures\":"
                        "[{\"keyid\":\"k\",\"sig\":\"+/+/\"}]}");
    text.len = 0;
    assert_int_equal(bundle_format(envelope, &text, &e), 0);
    assert_string_equal(buf_str(&text),
                        "{\"dsseEnvelope\":{\"payload\":\"aGk=\",\"payloadType\":\"t\","
                        "\"signatures\":[{\"keyid\":\"k\",\"sig\":\"+/+/\"}]}," TYPE
                        ",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"k\"}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_values),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_format),   cmocka_unit_test(test_log_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
