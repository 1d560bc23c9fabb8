/* What registries are asked with: references, challenges, credentials, tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "builder/registry/challenge.h"
#include "builder/registry/credentials.h"
#include "builder/registry/reference.h"
#include "builder/registry/token.h"

#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_references(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host;
        const char *path;
        const char *tag;
        bool digest;
    } good[] = {
        {"alpine", "docker.io", "library/alpine", "latest", false},
        {"alpine:3.20", "docker.io", "library/alpine", "3.20", false},
        {"linuxkit/init:v1.0_x-y", "docker.io", "linuxkit/init", "v1.0_x-y", false},
        {"index.docker.io/alpine", "docker.io", "library/alpine", "latest", false},
        {"docker.io/library/alpine", "docker.io", "library/alpine", "latest", false},
        {"ghcr.io/a/b/c", "ghcr.io", "a/b/c", "latest", false},
        {"localhost/a", "localhost", "a", "latest", false},
        {"localhost:5000/a@sha256:" HEX, "localhost:5000", "a", "", true},
        {"127.0.0.1:1/a:t@sha256:" HEX, "127.0.0.1:1", "a", "t", true},
        {"[::1]:5000/a__b/c-d.e--f", "[::1]:5000", "a__b/c-d.e--f", "latest", false},
        {"Host/a", "Host", "a", "latest", false},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct err e = ERR_INIT;
        struct reference r;
        assert_int_equal(reference_parse(good[i].text, NULL, &r, &e), 0);
        assert_string_equal(r.host, good[i].host);
        assert_string_equal(r.path, good[i].path);
        assert_string_equal(r.tag, good[i].tag);
        assert_int_equal(r.digest.alg != 0, good[i].digest);
    }
    struct err e = ERR_INIT;
    struct reference r;
    assert_int_equal(reference_parse("alpine:1", "mirror.test:80", &r, &e), 0);
    assert_string_equal(r.host, "mirror.test:80");
    assert_string_equal(r.path, "alpine");
}

static void test_references_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ":t",
        "/a",
        "a/",
        "a//b",
        "a:",
        "a:.t",
        "a:t:u",
        "a@",
        "a@sha256:12",
        "a@sha512:" HEX HEX,
        "a@sha256:" HEX "@sha256:" HEX,
        "A",
        "a_-b",
        "a___b",
        "a..b",
        "-a",
        "a-",
        "a b",
        "a/../b",
        "h.io/",
        "h.io:/a",
        "h.io:0/a",
        "h.io:65536/a",
        "h.io:5x/a",
        ".io/a",
        "-h.io/a",
        "h-.io/a",
        "h..io/a",
        "u:p@h.io/a",
        "http://h.io/a",
        "[::1/a",
        "[g::]/a.b/c",
        "h.io/a?x",
        "h.io/a#x",
        "h.io/a%2e",
        "h.io/\xc3\xa4",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_INIT;
        struct reference r;
        if (reference_parse(bad[i], NULL, &r, &e) != -ERR_INPUT)
            fail_msg("'%s' was taken", bad[i]);
    }
    char text[REFERENCE_MAX + 2];
    struct err e = ERR_INIT;
    struct reference r;
    memset(text, 'a', sizeof text);
    text[256] = '\0';
    assert_int_equal(reference_parse(text, "h.io", &r, &e), -ERR_INPUT); /* one too long */
    text[255] = '\0';
    assert_int_equal(reference_parse(text, "h.io", &r, &e), 0);
    assert_int_equal(reference_parse(text, NULL, &r, &e), -ERR_INPUT); /* with library/ */
}

static void test_challenges(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct challenge c;
    assert_int_equal(
        challenge_parse("Bearer realm=\"https://a.b/t\",service=\"s\",scope=\"x:y:pull,"
                        "push\",error=\"no\"",
                        &c, &e),
        0);
    assert_int_equal(c.scheme, CHALLENGE_BEARER);
    assert_string_equal(c.realm, "https://a.b/t");
    assert_string_equal(c.service, "s");
    assert_string_equal(c.scope, "x:y:pull,push");
    assert_int_equal(challenge_parse("basic Realm = \"a \\\"q\\\"\" , charset=UTF-8", &c, &e), 0);
    assert_int_equal(c.scheme, CHALLENGE_BASIC);
    assert_string_equal(c.realm, "a \"q\"");
    assert_int_equal(challenge_parse("Basic realm=x, Bearer realm=y, Digest realm=z", &c, &e), 0);
    assert_int_equal(c.scheme, CHALLENGE_BEARER);
    assert_string_equal(c.realm, "y");
    assert_int_equal(challenge_parse("Negotiate", &c, &e), 0);
    assert_int_equal(c.scheme, CHALLENGE_NONE);
    assert_int_equal(challenge_parse("", &c, &e), 0);
    assert_int_equal(c.scheme, CHALLENGE_NONE);
    static const char *const bad[] = {
        "Bearer",
        "Bearer realm=",
        "Bearer realm=\"",
        "Bearer realm=\"a",
        "Bearer realm=\"a\\",
        "Bearer realm=\"a\" service=\"b\"",
        "Bearer realm=\"a\",realm=\"b\"",
        "Bearer realm=\"a\nb\"",
        "Bearer service=\"a\"",
        "=a",
        "\"a\"",
        "Bearer realm=a;b",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (challenge_parse(bad[i], &c, &e) != -ERR_INPUT)
            fail_msg("'%s' was taken", bad[i]);
    char text[CHALLENGE_TEXT_MAX + 64];
    (void)snprintf(text, sizeof text, "Bearer realm=\"%0*d\"", CHALLENGE_TEXT_MAX, 1);
    assert_int_equal(challenge_parse(text, &c, &e), -ERR_INPUT);
    (void)snprintf(text, sizeof text, "Bearer realm=\"%0*d\"", CHALLENGE_TEXT_MAX - 1, 1);
    assert_int_equal(challenge_parse(text, &c, &e), 0);
}

static int config(const char *text, const char *host, struct credentials *out, char **helper)
{
    struct err e = ERR_INIT;
    return credentials_parse(text, strlen(text), host, out, helper, &e);
}

static void test_credentials(void **state)
{
    (void)state;
    static const char text[] =
        "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YTpiOmM=\"},"
        "\"r.test:5000\":{\"auth\":\"eDp5\",\"email\":\"z\"},\"http://old.test/v1/\":{\"auth\":"
        "\"bzpw\"},\"empty.test\":{}},\"credHelpers\":{\"h.test\":\"pass\"},\"psFormat\":\"x\"}";
    static const struct {
        const char *host;
        const char *user;
        const char *secret;
        const char *helper;
    } cases[] = {
        {"docker.io", "a", "b:c", NULL}, {"r.test:5000", "x", "y", NULL},
        {"old.test", "o", "p", NULL},    {"r.test", NULL, NULL, NULL},
        {"r.test:50", NULL, NULL, NULL}, {"empty.test", NULL, NULL, NULL},
        {"h.test", NULL, NULL, "pass"},  {"index.docker.io.evil", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_CREDENTIALS c = {0};
        AUTO_FREE char *helper = NULL;
        assert_int_equal(config(text, cases[i].host, &c, &helper), 0);
        assert_int_equal(c.user != NULL, cases[i].user != NULL);
        assert_int_equal(helper != NULL, cases[i].helper != NULL);
        if (c.user != NULL) {
            assert_string_equal(c.user, cases[i].user);
            assert_string_equal(c.secret, cases[i].secret);
        }
        if (helper != NULL)
            assert_string_equal(helper, cases[i].helper);
    }
    AUTO_CREDENTIALS c = {0};
    AUTO_FREE char *helper = NULL;
    assert_int_equal(config("{\"credsStore\":\"desktop\"}", "a.b", &c, &helper), 0);
    assert_string_equal(helper, "desktop");
    static const char *const bad[] = {
        "",
        "[]",
        "{\"auths\":[]}",
        "{\"auths\":{\"a.b\":{\"auth\":\"!\"}}}",
        "{\"auths\":{\"a.b\":{\"auth\":\"YWI=\"}}}",
        "{\"auths\":{\"a.b\":{\"auth\":1}}}",
        "{\"auths\":{\"a.b\":{\"identitytoken\":\"x\"}}}",
        "{\"credsStore\":\"../x\"}",
        "{\"credHelpers\":{\"a.b\":\"x y\"}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO_CREDENTIALS none = {0};
        AUTO_FREE char *nobody = NULL;
        if (config(bad[i], "a.b", &none, &nobody) >= 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_null(none.user);
        assert_null(nobody);
    }
}

static void test_basic(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char user[] = "tester";
    char secret[] = "secret";
    const struct credentials c = {user, secret};
    AUTO_SECRET char *text = NULL;
    assert_int_equal(credentials_basic(&c, &text, &e), 0);
    assert_string_equal(text, "Basic dGVzdGVyOnNlY3JldA==");
}

static void test_tokens(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct reference r;
    struct challenge c;
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *other = NULL;
    AUTO_FREE char *token = NULL;
    assert_int_equal(reference_parse("a/b", NULL, &r, &e), 0);
    assert_int_equal(challenge_parse("Bearer realm=\"https://t.test/x\",service=\"a b&c\"", &c, &e),
                     0);
    assert_int_equal(token_url(&c, &r, false, &url, &e), 0);
    assert_string_equal(url, "https://t.test/x?scope=repository%3Aa%2Fb%3Apull&service=a%20b%26c");
    assert_int_equal(challenge_parse("Bearer realm=\"https://t.test/x?y=z\",scope=\"s\"", &c, &e),
                     0);
    assert_int_equal(token_url(&c, &r, false, &other, &e), 0);
    assert_string_equal(other, "https://t.test/x?y=z&scope=s");
    static const char good[] = "{\"access_token\":\"abc.def\",\"expires_in\":60}";
    assert_int_equal(token_parse(good, sizeof good - 1, &token, &e), 0);
    assert_string_equal(token, "Bearer abc.def");
    static const char *const bad[] = {"{}", "{\"token\":\"\"}", "{\"token\":\"a\\r\\nX: y\"}",
                                      "{\"token\":1}", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO_FREE char *none = NULL;
        assert_int_equal(token_parse(bad[i], strlen(bad[i]), &none, &e), -ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references), cmocka_unit_test(test_references_refused),
        cmocka_unit_test(test_challenges), cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_basic),      cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
