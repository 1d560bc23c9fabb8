/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dsse.h"
#include "attest/statement.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/media_types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static json_t *vector;
static struct signing_key *key;

static int setup(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    if (json_read_file("tests/data/attest/dsse-protocol-vector.json", NULL, &vector, &e) != 0)
        return -1;
    return signing_key_generate(KEY_P256, &key, &e);
}

static int teardown(void **state)
{
    (void)state;
    json_decref(vector);
    signing_key_free(key);
    return 0;
}

static const char *text_of(const char *member)
{
    return json_string_value(json_object_get(vector, member));
}

static void test_pae(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF pae = BUF_INIT(1024);
    const char *payload = text_of("payload");
    assert_int_equal(dsse_pae(text_of("payloadType"), payload, strlen(payload), &pae, &e), 0);
    assert_string_equal(buf_str(&pae), text_of("pae"));
    /* Lengths count bytes, an empty body is a body, and the body may hold anything. */
    pae.len = 0;
    assert_int_equal(dsse_pae("\xc3\xa4", "", 0, &pae, &e), 0);
    assert_string_equal(buf_str(&pae), "DSSEv1 2 \xc3\xa4 0 ");
    pae.len = 0;
    assert_int_equal(dsse_pae("t", "a\0b", 3, &pae, &e), 0);
    assert_int_equal(pae.len, 16);
    assert_memory_equal(pae.data, "DSSEv1 1 t 3 a\0b", 16);
}

static void test_protocol_vector(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_PUBLIC_KEY struct public_key *public_key = NULL;
    AUTO_FREE char *text = json_dumps(json_object_get(vector, "envelope"), JSON_COMPACT);
    assert_int_equal(public_key_read("tests/data/attest/dsse-protocol-vector.pub", &public_key, &e),
                     0);
    assert_int_equal(dsse_parse(text, strlen(text), "vector", &envelope, &e), 0);
    assert_string_equal(envelope->payload_type, text_of("payloadType"));
    assert_int_equal(envelope->payload_len, strlen(text_of("payload")));
    assert_memory_equal(envelope->payload, text_of("payload"), envelope->payload_len);
    assert_string_equal(envelope->signatures[0].keyid, "");
    assert_int_equal(dsse_verify(envelope, public_key, &e), 0);
    /* Signed are the payload and its type. */
    envelope->payload[0] ^= 1;
    assert_int_equal(dsse_verify(envelope, public_key, &e), -ERR_REJECTED);
    envelope->payload[0] ^= 1;
    envelope->payload_type[0] ^= 1;
    assert_int_equal(dsse_verify(envelope, public_key, &e), -ERR_REJECTED);
}

/* Issued by Google: raw r||s, a free-form keyid, a subject without SHA-256. */
static void test_real_vsa(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_PUBLIC_KEY struct public_key *public_key = NULL;
    AUTO_STATEMENT struct statement *statement = NULL;
    assert_int_equal(dsse_read("tests/data/attest/gke-gce-pre.bcid-vsa.jsonl", &envelope, &e), 0);
    assert_int_equal(public_key_read("tests/data/attest/gke-gce-pre.bcid-vsa.pub", &public_key, &e),
                     0);
    assert_string_equal(envelope->signatures[0].keyid,
                        "keystore://76574:prod:vsa_signing_public_key");
    assert_int_equal(dsse_verify(envelope, public_key, &e), 0);
    assert_int_equal(dsse_verify(envelope, signing_key_public(key), &e), -ERR_REJECTED);
    assert_int_equal(
        statement_parse(envelope->payload, envelope->payload_len, "VSA", &statement, &e), 0);
    assert_string_equal(statement->predicate_type, VSA_TYPE);
    assert_int_equal(statement->subject_count, 0);
}

static void test_sign_round_trip(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const char body[] = "{\"a\":\n1}\0tail";
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_DSSE struct dsse_envelope *bare = NULL;
    AUTO_DSSE struct dsse_envelope *bundled = NULL;
    AUTO_BUF text = BUF_INIT(4096);
    const char *id = public_key_id(signing_key_public(key));
    assert_int_equal(dsse_sign(key, MEDIA_INTOTO, body, sizeof(body), &envelope, &e), 0);
    assert_string_equal(envelope->signatures[0].keyid, id);
    assert_int_equal(dsse_verify(envelope, signing_key_public(key), &e), 0);

    assert_int_equal(dsse_format(envelope, &text, &e), 0);
    assert_int_equal(dsse_parse(text.data, text.len, "envelope", &bare, &e), 0);
    assert_null(bare->bundle_type);
    assert_int_equal(bare->payload_len, sizeof(body));
    assert_memory_equal(bare->payload, body, sizeof(body));
    assert_int_equal(dsse_verify(bare, signing_key_public(key), &e), 0);

    text.len = 0;
    assert_int_equal(bundle_format(envelope, &text, &e), 0);
    assert_int_equal(dsse_parse(text.data, text.len, "bundle", &bundled, &e), 0);
    assert_string_equal(bundled->bundle_type, MEDIA_SIGSTORE_BUNDLE);
    assert_string_equal(bundled->hint, id);
    assert_string_equal(bundled->signatures[0].keyid, id);
    assert_memory_equal(bundled->payload, body, sizeof(body));
    assert_int_equal(dsse_verify(bundled, signing_key_public(key), &e), 0);
}

static void test_sign_limits(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    static char long_type[DSSE_TYPE_MAX + 2];
    memset(long_type, 'x', sizeof(long_type) - 1);
    assert_int_equal(dsse_sign(key, "", "a", 1, &envelope, &e), -ERR_INPUT);
    assert_int_equal(dsse_sign(key, long_type, "a", 1, &envelope, &e), -ERR_INPUT);
    assert_int_equal(dsse_sign(key, "t", "a", DSSE_PAYLOAD_MAX + 1, &envelope, &e), -ERR_INPUT);
    assert_null(envelope);
    assert_int_equal(dsse_sign(key, "t", "", 0, &envelope, &e), 0);
    assert_int_equal(dsse_verify(envelope, signing_key_public(key), &e), 0);
}

/* t of n is by keys: with several signatures one good one is enough for its key, whatever the ids
 * say. */
static void test_several_signatures(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_SIGNING_KEY struct signing_key *other = NULL;
    AUTO_SIGNING_KEY struct signing_key *stranger = NULL;
    AUTO_DSSE struct dsse_envelope *one = NULL;
    AUTO_DSSE struct dsse_envelope *two = NULL;
    AUTO_BUF text = BUF_INIT(4096);
    assert_int_equal(signing_key_generate(KEY_ED25519, &other, &e), 0);
    assert_int_equal(signing_key_generate(KEY_ED25519, &stranger, &e), 0);
    assert_int_equal(dsse_sign(key, "t", "body", 4, &one, &e), 0);
    assert_int_equal(dsse_sign(other, "t", "body", 4, &two, &e), 0);
    struct dsse_signature both[2] = {one->signatures[0], two->signatures[0]};
    struct dsse_envelope envelope = *one;
    envelope.signatures = both;
    envelope.signature_count = 2;
    assert_int_equal(dsse_verify(&envelope, signing_key_public(key), &e), 0);
    assert_int_equal(dsse_verify(&envelope, signing_key_public(other), &e), 0);
    assert_int_equal(dsse_verify(&envelope, signing_key_public(stranger), &e), -ERR_REJECTED);
    both[0].keyid = both[1].keyid;
    assert_int_equal(dsse_verify(&envelope, signing_key_public(key), &e), 0);
    assert_int_equal(bundle_format(&envelope, &text, &e), -ERR_INPUT);
    envelope.signature_count = 0;
    assert_int_equal(dsse_verify(&envelope, signing_key_public(key), &e), -ERR_REJECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pae),         cmocka_unit_test(test_protocol_vector),
        cmocka_unit_test(test_real_vsa),    cmocka_unit_test(test_sign_round_trip),
        cmocka_unit_test(test_sign_limits), cmocka_unit_test(test_several_signatures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
