/* SPDX-License-Identifier: Apache-2.0 */
/* What registries are asked with: references, challenges, credentials, tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/media_types.h"
#include "net/http/challenge.h"
#include "net/http/http.h"
#include "net/registry/credentials.h"
#include "net/registry/image.h"
#include "net/registry/mirrors.h"
#include "net/registry/pull.h"
#include "net/registry/push.h"
#include "net/registry/reference.h"
#include "net/registry/referrers.h"
#include "net/registry/token.h"

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
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
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
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_INIT;
        struct reference r;
        if (reference_parse(bad[i], NULL, &r, &e) != -ERR_INPUT)
            fail_msg("'%s' was taken", bad[i]);
    }
    char text[REFERENCE_MAX + 2];
    struct err e = ERR_INIT;
    struct reference r;
    memset(text, 'a', sizeof(text));
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
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (challenge_parse(bad[i], &c, &e) != -ERR_INPUT)
            fail_msg("'%s' was taken", bad[i]);
    char text[CHALLENGE_TEXT_MAX + 64];
    (void)snprintf(text, sizeof(text), "Bearer realm=\"%0*d\"", CHALLENGE_TEXT_MAX, 1);
    assert_int_equal(challenge_parse(text, &c, &e), -ERR_INPUT);
    (void)snprintf(text, sizeof(text), "Bearer realm=\"%0*d\"", CHALLENGE_TEXT_MAX - 1, 1);
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
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
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
        "[]",
        "{",
        "nul",
        "{\"auths\":[]}",
        "{\"auths\":{\"a.b\":{\"auth\":\"!\"}}}",
        "{\"auths\":{\"a.b\":{\"auth\":\"YWI=\"}}}",
        "{\"auths\":{\"a.b\":{\"auth\":1}}}",
        "{\"auths\":{\"a.b\":{\"identitytoken\":1}}}",
        "{\"credsStore\":\"../x\"}",
        "{\"credHelpers\":{\"a.b\":\"x y\"}}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_CREDENTIALS none = {0};
        AUTO_FREE char *nobody = NULL;
        if (config(bad[i], "a.b", &none, &nobody) >= 0)
            fail_msg("'%s' was taken", bad[i]);
        assert_null(none.user);
        assert_null(nobody);
    }
}

/* What docker writes where there is nothing to say, and what it reads all the same. */
static void test_empty_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *user; /* NULL: none */
        const char *secret;
        bool identity;
    } cases[] = {
        {"", NULL, NULL, false},
        {" \r\n", NULL, NULL, false},
        {"null", NULL, NULL, false},
        {"{}\n", NULL, NULL, false},
        {"{\"auths\":null,\"credHelpers\":null,\"credsStore\":null}", NULL, NULL, false},
        {"{\"auths\":{\"a.b\":null}}", NULL, NULL, false},
        {"{\"auths\":{\"a.b\":{\"auth\":\"\"}}}", NULL, NULL, false},
        {"{\"auths\":{\"a.b\":{\"auth\":null,\"identitytoken\":null}}}", NULL, NULL, false},
        {"{\"auths\":{\"a.b\":{\"auth\":\"Og==\"}}}", NULL, NULL, false},
        {"{\"auths\":{\"a.b\":{\"auth\":\"eDp5\",\"identitytoken\":\"\"}}}", "x", "y", false},
        {"{\"auths\":{\"a.b\":{\"auth\":\"eDp5\",\"identitytoken\":\"t\"}}}", NULL, "t", true},
        {"{\"auths\":{\"a.b\":{\"auth\":\"eDp5AA==\"}}}", "x", "y", false},
        {"{\"auths\":{\"a.b\":{\"auth\":\"eDp5\\n\"}}}", "x", "y", false},
        {"{\"auths\":{\"a.b\":{\"auth\":\"\",\"username\":\"x\",\"password\":\"y\"}}}", "x", "y",
         false},
        {"{\"credsStore\":\"s\",\"credHelpers\":{\"a.b\":null},\"auths\":{\"a.b\":{\"auth\":"
         "\"eDp5\"}}}",
         "x", "y", false},
        {"{\"credsStore\":\"\",\"auths\":{\"a.b\":{\"auth\":\"eDp5\"}}}", "x", "y", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_CREDENTIALS c = {0};
        AUTO_FREE char *helper = NULL;
        if (config(cases[i].text, "a.b", &c, &helper) < 0)
            fail_msg("'%s' was refused", cases[i].text);
        assert_null(helper);
        assert_int_equal(c.identity, cases[i].identity);
        assert_int_equal(c.user != NULL, cases[i].user != NULL);
        assert_int_equal(c.secret != NULL, cases[i].secret != NULL);
        if (c.user != NULL)
            assert_string_equal(c.user, cases[i].user);
        if (c.secret != NULL)
            assert_string_equal(c.secret, cases[i].secret);
    }
    struct err e = ERR_INIT;
    AUTO_CREDENTIALS c = {0};
    AUTO_FREE char *helper = NULL;
    assert_int_equal(credentials_parse("{}\n\0\0", 5, "a.b", &c, &helper, &e), 0);
}

/* Wherever it is malformed, nothing of it is quoted. */
static void test_secrets_unquoted(void **state)
{
    (void)state;
    static const char good[] = "{\"auths\":{\"a.b\":{\"auth\":\"czNjcjN0\",\"x\":[1]}}}";
    static const char *const bad[] = {
        "{\"auths\":{\"a.b\":{\"auth\":\"s3cr3t\"}}",
        "{\"auths\":{\"a.b\":{\"auth\" \"s3cr3t\"}}}",
        "{\"auths\":{\"a.b\":{\"s3cr3t\":1,\"s3cr3t\":2}}}",
        "{\"auths\":{\"a.b\":{\"auth\":s3cr3t}}}",
        "{\"auths\":{\"a.b\":{\"auth\":\"s3cr3t\\x\"}}}",
        "{\"auths\":{\"a.b\":{\"auth\":\"s3cr3t\"}}}",
        "{\"auths\":{\"a.b\":\"s3cr3t\"}}",
        "{\"auths\":\"s3cr3t\"}",
        "{\"auths\":{\"a.b\":{\"auth\":\"s3cr3t:s3cr3t\"}}}",
        "{\"auths\":{\"a.b\":{\"identitytoken\":[\"s3cr3t\"]}}}",
        "{\"credsStore\":\"/s3cr3t\"}",
        "s3cr3t",
    };
    char line[2048];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_CREDENTIALS c = {0};
        AUTO_FREE char *helper = NULL;
        assert_true(credentials_parse(bad[i], strlen(bad[i]), "a.b", &c, &helper, &e) < 0);
        if (strstr(err_line(&e, line, sizeof(line)), "s3cr3t") != NULL)
            fail_msg("'%s' gives '%s'", bad[i], line);
    }
    for (size_t at = 0; at < sizeof(good) - 1; at++) { /* and wherever one byte is another */
        char text[sizeof(good)];
        memcpy(text, good, sizeof(good));
        text[at] = text[at] == '7' ? '8' : '7';
        struct err e = ERR_INIT;
        AUTO_CREDENTIALS c = {0};
        AUTO_FREE char *helper = NULL;
        if (credentials_parse(text, strlen(text), "a.b", &c, &helper, &e) < 0)
            assert_null(strstr(err_line(&e, line, sizeof(line)), "czNjc"));
    }
    struct err e = ERR_INIT;
    char *token = NULL;
    static const char answer[] = "{\"token\":\"s3cr3t\"";
    assert_true(token_parse(answer, sizeof(answer) - 1, &token, &e) < 0);
    assert_null(strstr(err_line(&e, line, sizeof(line)), "s3cr3t"));
}

static void test_basic(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char user[] = "tester";
    char secret[] = "secret";
    const struct credentials c = {.user = user, .secret = secret};
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
    assert_int_equal(token_parse(good, sizeof(good) - 1, &token, &e), 0);
    assert_string_equal(token, "Bearer abc.def");
    static const char *const bad[] = {"{}", "{\"token\":\"\"}", "{\"token\":\"a\\r\\nX: y\"}",
                                      "{\"token\":1}", "x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_FREE char *none = NULL;
        assert_int_equal(token_parse(bad[i], strlen(bad[i]), &none, &e), -ERR_INPUT);
    }
}

static void test_identity(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct reference r;
    struct challenge c;
    AUTO_CREDENTIALS credentials = {0};
    AUTO_FREE char *helper = NULL;
    AUTO_SECRET char *form = NULL;
    static const char config[] = "{\"auths\":{\"a.b\":{\"auth\":\"\",\"identitytoken\":\"x&y\"}}}";
    assert_int_equal(
        credentials_parse(config, sizeof(config) - 1, "a.b", &credentials, &helper, &e), 0);
    assert_true(credentials.identity);
    assert_null(credentials.user);
    assert_int_equal(reference_parse("a.b/c", NULL, &r, &e), 0);
    assert_int_equal(challenge_parse("Bearer realm=\"https://t.test/x\",service=\"s t\"", &c, &e),
                     0);
    assert_int_equal(token_form(&c, &r, true, credentials.secret, &form, &e), 0);
    assert_string_equal(form, "grant_type=refresh_token&client_id=assay&scope="
                              "repository%3Ac%3Apull%2Cpush&service=s%20t&refresh_token=x%26y");
}

static void test_places(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct reference r;
    assert_int_equal(reference_place("mirror:5000/hub", "a/b", &r, &e), 0);
    assert_string_equal(r.host, "mirror:5000");
    assert_string_equal(r.path, "hub/a/b");
    assert_int_equal(reference_place("m", "a", &r, &e), 0);
    assert_string_equal(r.path, "a");
    assert_int_equal(reference_place("m/x.y/z", "", &r, &e), 0);
    assert_string_equal(r.path, "x.y/z");
    static const char *const bad[] = {"",      "/a",       "m/",    "m//a", "m/A",   "m/a/",
                                      "m:0/a", "http://m", "u@m/a", "m/..", "m/a:t", "m/a@b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (reference_place(bad[i], "", &r, &e) != -ERR_INPUT)
            fail_msg("'%s' was taken", bad[i]);
    assert_int_equal(reference_place("m", "../a", &r, &e), -ERR_INPUT);
}

static void test_mirrors(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_MIRRORS m = {0};
    static const char good[] =
        "{\"type\":\"" MIRRORS_TYPE "\",\"mirrors\":[{\"registry\":\"index.docker.io\","
        "\"mirror\":\"m:1/hub\",\"tags\":true}],\"plainHttp\":[\"m:1\"]}";
    assert_int_equal(mirrors_add(&m, "ghcr.io=m/ghcr", false, &e), 0);
    assert_int_equal(mirrors_parse(good, sizeof(good) - 1, "f", &m, &e), 0);
    assert_int_equal(m.count, 2);
    assert_string_equal(m.items[0].registry, "ghcr.io");
    assert_false(m.items[0].tags);
    assert_string_equal(m.items[1].registry, "docker.io");
    assert_string_equal(m.items[1].place, "m:1/hub");
    assert_true(m.items[1].tags);
    assert_string_equal(m.plain[0], "m:1");
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"type\":\"x\"}",
        "{\"type\":\"" MIRRORS_TYPE "\",\"more\":1}",
        "{\"type\":\"" MIRRORS_TYPE "\",\"mirrors\":[{\"registry\":\"a\",\"mirror\":\"b\"}]}",
        "{\"type\":\"" MIRRORS_TYPE
        "\",\"mirrors\":[{\"registry\":\"a/b\",\"mirror\":\"b\",\"tags\":true}]}",
        "{\"type\":\"" MIRRORS_TYPE
        "\",\"mirrors\":[{\"registry\":\"a\",\"mirror\":\"b c\",\"tags\":true}]}",
        "{\"type\":\"" MIRRORS_TYPE "\",\"plainHttp\":[\"http://a\"]}",
        "{\"type\":\"" MIRRORS_TYPE "\",\"type\":\"" MIRRORS_TYPE "\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_MIRRORS none = {0};
        if (mirrors_parse(bad[i], strlen(bad[i]), "f", &none, &e) != -ERR_USAGE)
            fail_msg("'%s' was taken", bad[i]);
    }
}

#define D "\"digest\":\"sha256:" HEX "\",\"size\":2"
#define CONFIG "\"config\":{\"mediaType\":\"application/vnd.oci.empty.v1+json\"," D "}"

static void test_types(void **state)
{
    (void)state;
    static const char *const good[] = {"a/b", "application/vnd.x+json", "0/9", "a/b!#$&-^_.+"};
    static const char *const bad[] = {"",      "a",       "/",    "a/",   "/b",         "a/b/c",
                                      "a b/c", "a/b;c=d", "a/.b", "+a/b", "a/\xc3\xbc", "a/b\n"};
    char longest[300];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(push_type_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(push_type_valid(bad[i]));
    (void)snprintf(longest, sizeof(longest), "a/%0127d", 0);
    assert_true(push_type_valid(longest));
    (void)snprintf(longest, sizeof(longest), "a/%0128d", 0);
    assert_false(push_type_valid(longest));
}

static void test_schema1(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"schemaVersion\":1,\"name\":\"a\",\"fsLayers\":[]}",
        "{\"schemaVersion\":1,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"layers\":[]}",
    };
    for (size_t i = 0; i < 2; i++) {
        struct err e = ERR_INIT;
        AUTO_IMAGE image = {0};
        char line[1024];
        assert_int_equal(image_parse(texts[i], strlen(texts[i]), "m", &image, &e), -ERR_INPUT);
        assert_non_null(strstr(err_line(&e, line, sizeof(line)), "of Docker's schema 1"));
    }
}

static void test_images(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_IMAGE artifact = {0};
    AUTO_IMAGE index = {0};
    const struct image_descriptor *chosen = NULL;
    static const char good[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG
        ",\"layers\":[{\"mediaType\":\"x/y\"," D ",\"annotations\":{\"" OCI_TITLE
        "\":\"f\"}}],\"subject\":{\"mediaType\":\"" MEDIA_OCI_INDEX "\"," D "}}";
    assert_int_equal(image_parse(good, sizeof(good) - 1, "m", &artifact, &e), 0);
    assert_false(artifact.is_index);
    assert_false(image_is_container(&artifact));
    assert_string_equal(artifact.artifact_type, MEDIA_OCI_EMPTY);
    assert_string_equal(artifact.items[0].title, "f");
    assert_true(artifact.has_subject);
    static const char list[] = "{\"manifests\":[{\"mediaType\":\"a\"," D
                               ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\","
                               "\"variant\":\"v8\"}},{\"mediaType\":\"b\"," D "}]}";
    assert_int_equal(image_parse(list, sizeof(list) - 1, "i", &index, &e), 0);
    assert_true(index.is_index);
    assert_int_equal(image_choose(&index, "linux/arm64", &chosen, &e), 0);
    assert_int_equal(image_choose(&index, "linux/arm64/v8", &chosen, &e), 0);
    assert_string_equal(chosen->media_type, "a");
    assert_int_equal(image_choose(&index, "linux/arm64/v7", &chosen, &e), 0);
    assert_string_equal(chosen->media_type, "b");
    static const char *const bad[] = {
        "{}",
        "{\"layers\":[]}",
        "{\"manifests\":[],\"layers\":[]," CONFIG "}",
        "{\"mediaType\":\"" MEDIA_OCI_INDEX "\",\"layers\":[]," CONFIG "}",
        "{\"mediaType\":\"text/plain\",\"layers\":[]," CONFIG "}",
        "{\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX "\"}]}",
        "{\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha512:" HEX HEX "\",\"size\":1}]}",
        "{\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX "\",\"size\":-1}]}",
        "{\"manifests\":[{\"mediaType\":\"a\"," D ",\"annotations\":{\"" OCI_TITLE "\":1}}]}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_IMAGE none = {0};
        if (image_parse(bad[i], strlen(bad[i]), "m", &none, &e) != -ERR_INPUT)
            fail_msg("'%s' was taken", bad[i]);
    }
}

static void test_file_names(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct image_descriptor d = {.title = "a b.json"};
    AUTO_FREE char *name = NULL;
    assert_int_equal(pull_file_name(&d, &name, &e), 0);
    assert_string_equal(name, "a b.json");
    static const char *const bad[] = {"",     ".",   "..",    "/a",     "a/b",
                                      "../a", "a\n", "a\x7f", "\x1b[2J"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_FREE char *none = NULL;
        d.title = bad[i];
        assert_int_equal(pull_file_name(&d, &none, &e), -ERR_INPUT);
    }
}

static void test_referrers(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *list = json_array();
    static const char two[] = "{\"manifests\":[{\"mediaType\":\"a\"," D
                              ",\"artifactType\":\"x/y\"},{\"mediaType\":\"a\"," D "}]}";
    assert_int_equal(referrers_parse(two, sizeof(two) - 1, "x/y", list, &e), 0);
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(referrers_parse(two, sizeof(two) - 1, NULL, list, &e), 0);
    assert_int_equal(json_array_size(list), 3);
    static const char manifest[] = "{\"layers\":[]," CONFIG "}";
    assert_int_equal(referrers_parse(manifest, sizeof(manifest) - 1, NULL, list, &e), -ERR_INPUT);
}

static void test_urls(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const struct {
        const char *place;
        const char *url; /* NULL: refused */
    } cases[] = {
        {"/v2/x?y=z", "https://h.io/v2/x?y=z"},
        {"u?a", "https://h.io/v2/a/u?a"},
        {"https://other.io:5/x", "https://other.io:5/x"},
        {"//other.io/x", "https://other.io/x"},
        {"http://h.io/x", NULL},
        {"ftp://h.io/x", NULL},
        {"https://u:p@h.io/x", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_FREE char *url = NULL;
        int rc = http_resolve("https://h.io/v2/a/b", cases[i].place, &url, &e);
        assert_int_equal(rc, cases[i].url != NULL ? 0 : -ERR_INPUT);
        if (cases[i].url != NULL)
            assert_string_equal(url, cases[i].url);
    }
    assert_true(http_same_host("https://h.io/a", "https://h.io/b?c"));
    assert_false(http_same_host("https://h.io/a", "https://h.io:444/a"));
    assert_false(http_same_host("https://h.io/a", "http://h.io/a"));
    assert_false(http_same_host("https://h.io/a", "https://h.io.evil.io/a"));
}

static void test_complaints(void **state)
{
    (void)state;
    char code[16];
    static const char good[] = "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"x\"}]}";
    http_error_code(good, sizeof(good) - 1, code, sizeof(code));
    assert_string_equal(code, "NAME_UNKNOWN");
    static const char *const bad[] = {"",
                                      "{}",
                                      "[]",
                                      "{\"errors\":[]}",
                                      "{\"errors\":[1]}",
                                      "{\"errors\":[{\"code\":1}]}",
                                      "{\"errors\":[{\"code\":\"a b\"}]}",
                                      "{\"errors\":[{\"code\":\"ABCDEFGHIJKLMNOP\"}]}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        http_error_code(bad[i], strlen(bad[i]), code, sizeof(code));
        assert_string_equal(code, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_references_refused),
        cmocka_unit_test(test_challenges),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_empty_credentials),
        cmocka_unit_test(test_secrets_unquoted),
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_mirrors),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_schema1),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_referrers),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_complaints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
