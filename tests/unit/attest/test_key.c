/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/key.h"
#include "base/encoding.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PASSPHRASE "correct horse"

enum { LINE_MAX_BYTES = 16384 };

struct tally {
    size_t accepted;
    size_t rejected;
};

static void unhex(const char *text, struct buf *out)
{
    struct err e = ERR_INIT;
    out->len = 0;
    if (strcmp(text, "-") == 0)
        return;
    size_t len = strlen(text) / 2;
    assert_int_equal(buf_reserve(out, len + 1, &e), 0);
    assert_true(hex_decode(text, 2 * len, out->data, len));
    out->len = len;
}

static void take_key(const char *hex, struct public_key **key)
{
    struct err e = ERR_INIT;
    AUTO_BUF bytes = BUF_INIT(256);
    unhex(hex, &bytes);
    public_key_free(*key);
    *key = NULL;
    int rc = bytes.len == 32 ? public_key_from_ed25519(bytes.data, key, &e)
                             : public_key_from_spki(bytes.data, bytes.len, key, &e);
    assert_int_equal(rc, 0);
}

/* Whether Assay accepts the case whose line is "<number> <word> <message> <signature>". */
static bool accepts(const struct public_key *key, const char *message, const char *signature)
{
    struct err e = ERR_INIT;
    AUTO_BUF m = BUF_INIT(LINE_MAX_BYTES);
    AUTO_BUF s = BUF_INIT(LINE_MAX_BYTES);
    unhex(message, &m);
    unhex(signature, &s);
    int rc = public_key_verify(key, m.data, m.len, s.data, s.len, &e);
    assert_true(rc == 0 || rc == -ERR_REJECTED);
    return rc == 0;
}

static struct tally run_vectors(const char *path, bool (*expected)(const char *word))
{
    struct tally tally = {0, 0};
    AUTO_PUBLIC_KEY struct public_key *key = NULL;
    AUTO_FCLOSE FILE *f = fopen(path, "re");
    char line[LINE_MAX_BYTES];
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        char *rest = line;
        char *number = strsep(&rest, " \n");
        char *word = strsep(&rest, " \n");
        assert_non_null(word);
        if (strcmp(number, "key") == 0) {
            take_key(word, &key);
            continue;
        }
        char *message = strsep(&rest, " \n");
        char *signature = strsep(&rest, " \n");
        assert_non_null(signature);
        bool accepted = accepts(key, message, signature);
        if (accepted != expected(word))
            fail_msg("%s: case %s (%s) is %s", path, number, word,
                     accepted ? "accepted" : "rejected");
        *(accepted ? &tally.accepted : &tally.rejected) += 1;
    }
    return tally;
}

/* None of the three files has an "acceptable" case: each verdict is given. */
static bool wycheproof_expected(const char *word)
{
    assert_true(strcmp(word, "valid") == 0 || strcmp(word, "invalid") == 0);
    return strcmp(word, "valid") == 0;
}

static void check_wycheproof(const char *path, size_t valid, size_t invalid)
{
    struct tally tally = run_vectors(path, wycheproof_expected);
    assert_int_equal(tally.accepted, valid);
    assert_int_equal(tally.rejected, invalid);
}

static void test_wycheproof(void **state)
{
    (void)state;
    check_wycheproof("tests/data/signatures/wycheproof-ed25519.txt", 88, 63);
    check_wycheproof("tests/data/signatures/wycheproof-ecdsa_secp256r1_sha256.txt", 174, 310);
    check_wycheproof("tests/data/signatures/wycheproof-ecdsa_secp256r1_sha256_p1363.txt", 173, 89);
}

/*
 * The rule, in the words of the vectors' flags: canonical points of large order, and the equation
 * without cofactor over the bytes as sent. Components of small order that cancel out are taken.
 */
static bool cctv_expected(const char *flags)
{
    static const char *const refused[] = {"low_order_A",     "low_order_R",       "non_canonical_A",
                                          "non_canonical_R", "low_order_residue", "reencoded_k"};
    char copy[LINE_MAX_BYTES];
    char *rest = copy;
    (void)snprintf(copy, sizeof(copy), "%s", flags);
    for (char *flag = strsep(&rest, ","); flag != NULL; flag = strsep(&rest, ","))
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
            if (strcmp(flag, refused[i]) == 0)
                return false;
    return true;
}

static void test_cctv(void **state)
{
    (void)state;
    struct tally tally = run_vectors("tests/data/signatures/cctv-ed25519.txt", cctv_expected);
    assert_int_equal(tally.accepted, 43);
    assert_int_equal(tally.rejected, 914 - 43);
}

static void test_disagreement_is_named(void **state)
{
    (void)state;
    /* CCTV case 1: OpenSSL takes it, libsodium refuses points of small order. */
    static const uint8_t zero[64];
    struct err e = ERR_INIT;
    char line[ERR_FRAME_MAX];
    AUTO_PUBLIC_KEY struct public_key *key = NULL;
    assert_int_equal(public_key_from_ed25519(zero, &key, &e), 0);
    assert_int_equal(public_key_verify(key, "ed25519vectors 11", 17, zero, 64, &e), -ERR_REJECTED);
    (void)err_line(&e, line, sizeof(line));
    assert_non_null(strstr(line, "OpenSSL accepts it, libsodium does not"));
}

static void generate(enum key_type type, struct signing_key **key)
{
    struct err e = ERR_INIT;
    assert_int_equal(signing_key_generate(type, key, &e), 0);
    assert_int_equal(public_key_type(signing_key_public(*key)), type);
}

static void check_round_trip(enum key_type type)
{
    struct err e = ERR_INIT;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO_SIGNING_KEY struct signing_key *again = NULL;
    AUTO_PUBLIC_KEY struct public_key *public_key = NULL;
    AUTO_BUF pem = BUF_INIT(KEY_FILE_MAX);
    AUTO_BUF public_pem = BUF_INIT(KEY_FILE_MAX);
    AUTO_BUF sig = BUF_INIT(KEY_SIGNATURE_MAX);
    generate(type, &key);
    assert_int_equal(signing_key_format(key, PASSPHRASE, &pem, &e), 0);
    assert_true(str_starts(buf_str(&pem), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert_int_equal(signing_key_parse(pem.data, pem.len, PASSPHRASE, &again, &e), 0);
    assert_true(public_key_equal(signing_key_public(key), signing_key_public(again)));
    assert_int_equal(public_key_format(signing_key_public(key), &public_pem, &e), 0);
    assert_int_equal(public_key_parse(public_pem.data, public_pem.len, &public_key, &e), 0);
    assert_string_equal(public_key_id(public_key), public_key_id(signing_key_public(again)));

    assert_int_equal(signing_key_sign(again, "message", 7, &sig, &e), 0);
    assert_int_equal(public_key_verify(public_key, "message", 7, sig.data, sig.len, &e), 0);
    assert_int_equal(public_key_verify(public_key, "messagf", 7, sig.data, sig.len, &e),
                     -ERR_REJECTED);
    assert_int_equal(public_key_verify(public_key, "message", 6, sig.data, sig.len, &e),
                     -ERR_REJECTED);
    /* Every bit of the signature counts, and no byte may be added or lacking. */
    for (size_t bit = 0; bit < 8 * sig.len; bit++) {
        sig.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_int_equal(public_key_verify(public_key, "message", 7, sig.data, sig.len, &e),
                         -ERR_REJECTED);
        sig.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (size_t len = 0; len < sig.len; len++)
        assert_int_equal(public_key_verify(public_key, "message", 7, sig.data, len, &e),
                         -ERR_REJECTED);
    /* An empty message is a message. */
    sig.len = 0;
    assert_int_equal(signing_key_sign(again, NULL, 0, &sig, &e), 0);
    assert_int_equal(public_key_verify(public_key, NULL, 0, sig.data, sig.len, &e), 0);
}

static void test_round_trip(void **state)
{
    (void)state;
    check_round_trip(KEY_P256);
    check_round_trip(KEY_ED25519);
}

static void test_wrong_key(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_SIGNING_KEY struct signing_key *one = NULL;
    AUTO_SIGNING_KEY struct signing_key *two = NULL;
    AUTO_SIGNING_KEY struct signing_key *other_type = NULL;
    AUTO_BUF sig = BUF_INIT(KEY_SIGNATURE_MAX);
    generate(KEY_P256, &one);
    generate(KEY_P256, &two);
    generate(KEY_ED25519, &other_type);
    assert_false(public_key_equal(signing_key_public(one), signing_key_public(two)));
    assert_false(public_key_equal(signing_key_public(one), signing_key_public(other_type)));
    assert_int_equal(signing_key_sign(one, "m", 1, &sig, &e), 0);
    assert_int_equal(public_key_verify(signing_key_public(two), "m", 1, sig.data, sig.len, &e),
                     -ERR_REJECTED);
    assert_int_equal(
        public_key_verify(signing_key_public(other_type), "m", 1, sig.data, sig.len, &e),
        -ERR_REJECTED);
    assert_null(public_key_ed25519(signing_key_public(one)));
    assert_non_null(public_key_ed25519(signing_key_public(other_type)));
}

static void test_passphrase(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO_BUF out = BUF_INIT(KEY_FILE_MAX);
    static char too_long[KEY_PASSPHRASE_MAX + 2];
    memset(too_long, 'x', sizeof(too_long) - 1);
    const char *path = "tests/data/keys/p256-pbkdf2.key";
    assert_int_equal(signing_key_read(path, "wrong horse", &key, &e), -ERR_USAGE);
    assert_int_equal(signing_key_read(path, "", &key, &e), -ERR_USAGE);
    assert_int_equal(signing_key_read(path, too_long, &key, &e), -ERR_USAGE);
    assert_null(key);
    assert_int_equal(signing_key_read(path, PASSPHRASE, &key, &e), 0);
    assert_int_equal(signing_key_format(key, "", &out, &e), -ERR_USAGE);
    assert_int_equal(signing_key_format(key, too_long, &out, &e), -ERR_USAGE);
    assert_int_equal(out.len, 0);
    assert_int_equal(signing_key_read("tests/data/keys/none.key", PASSPHRASE, &key, &e),
                     -ERR_INPUT);
}

/* Written by OpenSSL's own program; the ids are what ssh-keygen -lf prints. */
static void test_keys_of_openssl(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *id;
    } keys[] = {
        {"p256", "SHA256:ns7pd/ZKfsX9yQJ23k62AxkAmzhoRzxEzxGWQdcVJOE"},
        {"ed25519", "SHA256:FcJn0uYTUktgQGbFYw67KrwmXEpgkfZ8+OgXlJ3+94c"},
    };
    static const char *const forms[] = {"pbkdf2", "scrypt"};
    struct err e = ERR_INIT;
    char path[128];
    for (size_t i = 0; i < 4; i++) {
        AUTO_SIGNING_KEY struct signing_key *key = NULL;
        AUTO_PUBLIC_KEY struct public_key *public_key = NULL;
        AUTO_BUF pem = BUF_INIT(KEY_FILE_MAX);
        AUTO_BUF file = BUF_INIT(KEY_FILE_MAX);
        (void)snprintf(path, sizeof(path), "tests/data/keys/%s-%s.key", keys[i / 2].name,
                       forms[i % 2]);
        assert_int_equal(signing_key_read(path, PASSPHRASE, &key, &e), 0);
        (void)snprintf(path, sizeof(path), "tests/data/keys/%s.pub", keys[i / 2].name);
        assert_int_equal(public_key_read(path, &public_key, &e), 0);
        assert_true(public_key_equal(public_key, signing_key_public(key)));
        assert_string_equal(public_key_id(public_key), keys[i / 2].id);
        assert_string_equal(key_type_name(public_key_type(public_key)), keys[i / 2].name);
        assert_int_equal(public_key_format(public_key, &pem, &e), 0);
        assert_int_equal(file_read(path, &file, &e), 0);
        assert_string_equal(buf_str(&pem), buf_str(&file));
    }
}

static void test_private_should_fail(void **state)
{
    (void)state;
    static const char *const names[] = {
        "plain", "sec1",      "des3",        "pbe-sha1-3des", "prf-sha1", "p384",
        "rsa",   "secp256k1", "pbkdf2-2e31", "scrypt-2e30",   "x25519",   "explicit-parameters",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_SIGNING_KEY struct signing_key *key = NULL;
        char path[128];
        (void)snprintf(path, sizeof(path), "tests/data/keys/should-fail/%s.key", names[i]);
        if (signing_key_read(path, PASSPHRASE, &key, &e) != -ERR_INPUT)
            fail_msg("%s is not refused as malformed", path);
        assert_null(key);
    }
    struct err e = ERR_INIT;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    assert_int_equal(signing_key_read("tests/data/keys/p256.pub", PASSPHRASE, &key, &e),
                     -ERR_INPUT);
}

static void test_public_should_fail(void **state)
{
    (void)state;
    static const char *const names[] = {"compressed", "explicit",     "off-curve", "p384", "rsa",
                                        "text-after", "trailing-der", "truncated", "two"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_PUBLIC_KEY struct public_key *key = NULL;
        char path[128];
        (void)snprintf(path, sizeof(path), "tests/data/keys/should-fail/%s.pub", names[i]);
        if (public_key_read(path, &key, &e) != -ERR_INPUT)
            fail_msg("%s is not refused as malformed", path);
        assert_null(key);
    }
    struct err e = ERR_INIT;
    AUTO_PUBLIC_KEY struct public_key *key = NULL;
    assert_int_equal(public_key_read("tests/data/keys/p256-scrypt.key", &key, &e), -ERR_INPUT);
}

static void test_empty(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO_PUBLIC_KEY struct public_key *public_key = NULL;
    assert_int_equal(signing_key_parse(NULL, 0, PASSPHRASE, &key, &e), -ERR_INPUT);
    assert_int_equal(public_key_parse(NULL, 0, &public_key, &e), -ERR_INPUT);
    generate(KEY_P256, &key);
    assert_int_equal(public_key_verify(signing_key_public(key), NULL, 0, NULL, 0, &e),
                     -ERR_REJECTED);
}

/* A private key file that is cut or flipped is refused, or still the same key. */
static void test_damaged_private(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF pem = BUF_INIT(KEY_FILE_MAX);
    AUTO_PUBLIC_KEY struct public_key *whole = NULL;
    assert_int_equal(file_read("tests/data/keys/p256-pbkdf2.key", &pem, &e), 0);
    assert_int_equal(public_key_read("tests/data/keys/p256.pub", &whole, &e), 0);
    for (size_t i = 0; i + 1 < pem.len; i++) {
        AUTO_SIGNING_KEY struct signing_key *key = NULL;
        if (signing_key_parse(pem.data, i, PASSPHRASE, &key, &e) == 0)
            fail_msg("cut to %zu bytes it is still a key", i);
    }
    for (size_t i = 0; i < pem.len; i += 7) {
        AUTO_SIGNING_KEY struct signing_key *key = NULL;
        pem.data[i] ^= 1;
        int rc = signing_key_parse(pem.data, pem.len, PASSPHRASE, &key, &e);
        pem.data[i] ^= 1;
        /* What still opens (attributes, white space) is the same key. */
        if (rc == 0)
            assert_true(public_key_equal(whole, signing_key_public(key)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wycheproof),
        cmocka_unit_test(test_cctv),
        cmocka_unit_test(test_disagreement_is_named),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_wrong_key),
        cmocka_unit_test(test_passphrase),
        cmocka_unit_test(test_keys_of_openssl),
        cmocka_unit_test(test_private_should_fail),
        cmocka_unit_test(test_public_should_fail),
        cmocka_unit_test(test_damaged_private),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
