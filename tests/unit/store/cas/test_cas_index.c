/* SPDX-License-Identifier: Apache-2.0 */
/* The blob store: references, garbage collection, the action cache, listings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "store/cas/cas.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *dir;
static char *store;
static struct cas *cas;

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    return dir_make_temp("/tmp", "assay-test-cas.", &dir, &e);
}

static int teardown(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = dir_remove(dir, &e);
    free(dir);
    return rc;
}

static int fresh(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    int rc = path_join(&store, dir, "store", &e);
    return rc == 0 ? cas_open(store, CAS_CREATE, &cas, &e) : rc;
}

static int wipe(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    cas_close(cas);
    cas = NULL;
    int rc = dir_remove(store, &e);
    free(store);
    store = NULL;
    return rc;
}

static void fails(int rc, enum err_code code, const struct err *e, const char *says)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    assert_int_equal(rc, -(int)code);
    if (strstr(err_line(e, line, sizeof(line)), says) == NULL)
        fail_msg("'%s' does not say '%s'", line, says);
}

static struct digest put(const char *text)
{
    struct err e = ERR_INIT;
    struct digest digest;
    assert_int_equal(cas_put(cas, text, strlen(text), &digest, &e), 0);
    return digest;
}

/* As printf; `text` receives what was stored. */
static struct digest putf(char *text, size_t size, const char *fmt, const struct digest *d)
{
    char digest[DIGEST_TEXT_MAX];
    const char *at = strchr(fmt, '%');
    (void)snprintf(text, size, "%.*s%s%s", (int)(at - fmt), fmt, digest_format(d, digest), at + 1);
    return put(text);
}

static void ref(const char *name, const char *type, const struct digest *digest)
{
    struct err e = ERR_INIT;
    uint64_t size = 0;
    assert_true(cas_has(cas, digest, &size));
    assert_int_equal(cas_ref_set(cas, name, type, digest, size, &e), 0);
}

static void write_file(const char *name, const char *text, size_t len)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *path = NULL;
    assert_int_equal(path_join(&path, store, name, &e), 0);
    assert_int_equal(file_replace(path, text, len, 0644, &e), 0);
}

static void blob_name(const struct digest *digest, char *name, size_t size)
{
    char hex[DIGEST_TEXT_MAX];
    (void)snprintf(name, size, "blobs/sha256/%s", digest_hex(digest, hex));
}

/* ---- references ---- */

static void test_refs(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest one = put("one");
    struct digest two = put("two!");
    struct digest got;
    bool found = true;
    char *type = NULL;
    assert_int_equal(cas_ref_get(cas, "a", &found, &got, &type, &e), 0);
    assert_false(found);
    ref("a", "text/plain", &one);
    ref("b/c:1.0@x", "application/json", &one);
    ref("a", "text/other", &two);
    assert_int_equal(cas_ref_get(cas, "a", &found, &got, &type, &e), 0);
    assert_true(found);
    assert_true(digest_equal(&got, &two));
    assert_string_equal(type, "text/other");
    free(type);
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    assert_int_equal(cas_ref_list(cas, &refs, &e), 0);
    assert_int_equal(refs.count, 2);
    assert_string_equal(refs.items[0].name, "a"); /* replaced in its place */
    assert_int_equal(refs.items[0].size, 4);
    assert_string_equal(refs.items[1].name, "b/c:1.0@x");
    assert_int_equal(cas_ref_remove(cas, "a", &found, &e), 0);
    assert_true(found);
    assert_int_equal(cas_ref_remove(cas, "a", &found, &e), 0);
    assert_false(found);
    assert_int_equal(cas_ref_get(cas, "a", &found, NULL, NULL, &e), 0);
    assert_false(found);
}

static void test_ref_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest one = put("one");
    struct digest gone;
    static char longest[257];
    memset(longest, 'x', 256);
    static const char *const names[] = {"", "/a", "-a", "a b", "a\n", "ä", "a\"", longest};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        fails(cas_ref_set(cas, names[i], "text/plain", &one, 3, &e), ERR_USAGE, &e,
              "bad reference");
    static const char *const types[] = {"", "text", "text/pl ain", "text/\"", "/x"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        fails(cas_ref_set(cas, "a", types[i], &one, 3, &e), ERR_USAGE, &e, "bad media type");
    fails(cas_ref_set(cas, "a", "text/plain", &one, 4, &e), ERR_INPUT, &e, "size");
    assert_int_equal(digest_bytes(DIGEST_SHA256, "z", 1, &gone, &e), 0);
    fails(cas_ref_set(cas, "a", "text/plain", &gone, 1, &e), ERR_INPUT, &e, "is not in store");
}

/* The index is others' as well: what is not known stays as it was. */
static void test_foreign_index(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const char text[] =
        "{\"schemaVersion\":2,\"later\":{\"x\":[1]},\"manifests\":[{\"mediaType\":\"application/"
        "vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:"
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\",\"size\":7,"
        "\"platform\":{\"os\":\"linux\"}},{\"mediaType\":\"x/y\",\"size\":1,\"digest\":\"sha512:"
        "0000000000000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000000000000000000000000000\","
        "\"annotations\":{\"k\":\"v\"}}]}\n";
    write_file("index.json", text, strlen(text));
    struct digest one = put("one");
    ref("mine", "text/plain", &one);
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    assert_int_equal(cas_ref_list(cas, &refs, &e), 0);
    assert_int_equal(refs.count, 3);
    assert_null(refs.items[0].name);
    AUTO_FREE char *path = NULL;
    assert_int_equal(path_join(&path, store, "index.json", &e), 0);
    AUTO_JSON json_t *doc = NULL;
    assert_int_equal(json_read_file(path, NULL, &doc, &e), 0);
    const json_t *first = json_array_get(json_object_get(doc, "manifests"), 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(first, "platform"), "os")), "linux");
    assert_int_equal(
        json_integer_value(json_array_get(json_object_get(json_object_get(doc, "later"), "x"), 0)),
        1);
}

static void test_index_hostile(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
#define D "\"digest\":\"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\""
#define I(list) "{\"schemaVersion\":2,\"manifests\":[" list "]}"
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"schemaVersion\":2}",
        "{\"schemaVersion\":1,\"manifests\":[]}",
        "{\"schemaVersion\":2,\"manifests\":{}}",
        "{\"schemaVersion\":2,\"manifests\":[],\"manifests\":[]}",
        I("1"),
        I("{}"),
        I("{\"mediaType\":\"x/y\",\"size\":1}"),
        I("{\"mediaType\":\"x/y\",\"digest\":\"sha256:2cf2\",\"size\":1}"),
        I("{\"mediaType\":\"x/y\",\"digest\":\"md5:00\",\"size\":1}"),
        I("{\"mediaType\":\"x/y\",\"digest\":\"sha256:../../../../etc/passwd\",\"size\":1}"),
        I("{\"mediaType\":\"x/y\"," D ",\"size\":-1}"),
        I("{\"mediaType\":\"x/y\"," D ",\"size\":1.5}"),
        I("{\"mediaType\":\"x/y\"," D ",\"size\":9007199254740993}"),
        I("{\"mediaType\":7," D ",\"size\":1}"),
        I("{\"mediaType\":\"x/y\"," D ",\"size\":1,\"annotations\":[]}"),
        I("{\"mediaType\":\"x/y\"," D
          ",\"size\":1,\"annotations\":{\"org.opencontainers.image.ref.name\":1}}"),
        I("") "x",
    };
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_file("index.json", bad[i], strlen(bad[i]));
        if (cas_ref_list(cas, &refs, &e) != -ERR_INPUT)
            fail_msg("taken: %s", bad[i]);
        bool found = false;
        assert_int_equal(cas_ref_get(cas, "x", &found, NULL, NULL, &e), -ERR_INPUT);
        struct cas_gc_options options = {0};
        struct cas_gc_result result = {0};
        assert_int_equal(cas_gc(cas, &options, &result, &e), -ERR_INPUT);
    }
    static const char twins[] = I("{\"mediaType\":\"x/y\"," D ",\"size\":1,\"annotations\":{"
                                  "\"org.opencontainers.image.ref.name\":\"x\"}},{\"mediaType\":"
                                  "\"x/y\"," D ",\"size\":1,\"annotations\":{"
                                  "\"org.opencontainers.image.ref.name\":\"x\"}}");
    bool found = false;
    write_file("index.json", twins, strlen(twins));
    fails(cas_ref_get(cas, "x", &found, NULL, NULL, &e), ERR_INPUT, &e, "is ambiguous");
}

static void test_index_bounds(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    size_t len = 9 * 1024 * 1024;
    AUTO_FREE char *big = malloc(len);
    assert_non_null(big);
    memset(big, ' ', len);
    write_file("index.json", big, len);
    fails(cas_ref_list(cas, &refs, &e), ERR_INPUT, &e, "longer than");
    memset(big, '[', len);
    write_file("index.json", big, 1024 * 1024);
    fails(cas_ref_list(cas, &refs, &e), ERR_INPUT, &e, "");
    AUTO_FREE char *path = NULL;
    assert_int_equal(path_join(&path, store, "index.json", &e), 0);
    assert_int_equal(unlink(path), 0);
    fails(cas_ref_list(cas, &refs, &e), ERR_INPUT, &e, "has no index.json");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    fails(cas_ref_list(cas, &refs, &e), ERR_INPUT, &e, "cannot open 'index.json'");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0644), 0);
    fails(cas_ref_list(cas, &refs, &e), ERR_INPUT, &e, "no regular file");
}

/* ---- garbage ---- */

static void gc(bool dry_run, struct cas_gc_result *result)
{
    struct err e = ERR_INIT;
    struct cas_gc_options options = {.dry_run = dry_run};
    int rc = cas_gc(cas, &options, result, &e);
    if (rc != 0)
        fail_msg("cas_gc: %s", e.frame[0]);
}

static void test_gc(void **state)
{
    (void)state;
    char text[600];
    char text2[600];
    struct digest layer = put("layer");
    struct digest config = putf(text, sizeof(text), "{\"diff_ids\":[{\"digest\":\"%\"}]}", &layer);
    struct digest manifest =
        putf(text2, sizeof(text2),
             "{\"config\":{\"mediaType\":\"a/config+json\",\"digest\":\"%\"}}", &config);
    struct digest subject = put("subject");
    char hex[DIGEST_TEXT_MAX];
    (void)snprintf(text, sizeof(text), "{\"x\":[{\"digest\":{\"sha256\":\"%s\"}}]}",
                   digest_hex(&subject, hex));
    struct digest statement = put(text);
    struct digest opaque_child = put("only named by a document that is not said to be JSON");
    struct digest opaque = putf(text, sizeof(text), "{\"digest\":\"%\"}", &opaque_child);
    struct digest garbage = put("garbage");
    ref("image", "application/vnd.oci.image.manifest.v1+json", &manifest);
    ref("statement", "application/vnd.in-toto+json", &statement);
    ref("opaque", "application/octet-stream", &opaque);

    AUTO(cas_gc_result_dispose) struct cas_gc_result dry = {0};
    gc(true, &dry);
    assert_int_equal(dry.removed_count, 2);
    assert_int_equal(dry.kept_blobs, 6);
    assert_true(cas_has(cas, &garbage, NULL));
    AUTO(cas_gc_result_dispose) struct cas_gc_result result = {0};
    gc(false, &result);
    assert_int_equal(result.removed_count, 2);
    assert_int_equal(result.removed_bytes, 7 + 52);
    assert_int_equal(result.missing_blobs, 0);
    assert_false(cas_has(cas, &garbage, NULL));
    assert_false(cas_has(cas, &opaque_child, NULL));
    const struct digest *const kept[] = {&layer, &config, &manifest, &subject, &statement, &opaque};
    for (size_t i = 0; i < 6; i++)
        assert_true(cas_has(cas, kept[i], NULL));
    AUTO(cas_gc_result_dispose) struct cas_gc_result again = {0};
    gc(false, &again);
    assert_int_equal(again.removed_count, 0);
}

/* A blob first met as opaque and later as JSON is followed all the same; a cycle cannot be made, a
 * diamond can. */
static void test_gc_upgrade(void **state)
{
    (void)state;
    char text[600];
    struct digest leaf = put("leaf");
    struct digest document = putf(text, sizeof(text), "{\"digest\":\"%\"}", &leaf);
    ref("as-bytes", "application/octet-stream", &document);
    ref("as-json", "application/json", &document);
    ref("as-json-too", "application/json", &document);
    AUTO(cas_gc_result_dispose) struct cas_gc_result result = {0};
    gc(false, &result);
    assert_int_equal(result.removed_count, 0);
    assert_true(cas_has(cas, &leaf, NULL));
}

/* Nothing is removed unless everything that must be followed could be read. */
static void test_gc_fails_closed(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest garbage = put("garbage");
    struct digest broken = put("no JSON at all");
    ref("broken", "application/json", &broken);
    struct cas_gc_options options = {0};
    struct cas_gc_result result = {0};
    fails(cas_gc(cas, &options, &result, &e), ERR_INPUT, &e, "cannot tell what the references");
    assert_true(cas_has(cas, &garbage, NULL));
    struct digest good = put("{}");
    ref("broken", "application/json", &good);
    char name[DIGEST_TEXT_MAX + 16];
    blob_name(&good, name, sizeof(name));
    write_file(name, "[]", 2);
    fails(cas_gc(cas, &options, &result, &e), ERR_INPUT, &e, "is damaged");
    assert_true(cas_has(cas, &garbage, NULL));
}

static void test_gc_busy(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest garbage = put("garbage");
    struct cas *other = NULL;
    struct cas_gc_options options = {0};
    struct cas_gc_result result = {0};
    assert_int_equal(cas_open(store, 0, &other, &e), 0);
    fails(cas_gc(cas, &options, &result, &e), ERR_HOST, &e, "another program uses it");
    assert_true(cas_has(cas, &garbage, NULL));
    fails(cas_gc(other, &options, &result, &e), ERR_HOST, &e, "another program uses it");
    cas_close(other);
    gc(false, &result);
    assert_int_equal(result.removed_count, 1);
    cas_gc_result_dispose(&result);
    (void)put("writing goes on after a collection");
}

static void test_gc_missing(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char text[600];
    struct digest gone;
    assert_int_equal(digest_bytes(DIGEST_SHA256, "gone", 4, &gone, &e), 0);
    struct digest document = putf(text, sizeof(text), "{\"digest\":\"%\"}", &gone);
    ref("document", "application/json", &document);
    AUTO(cas_gc_result_dispose) struct cas_gc_result result = {0};
    gc(false, &result);
    assert_int_equal(result.missing_blobs, 1);
    assert_int_equal(result.removed_count, 0);
}

/* ---- actions ---- */

static struct digest key_of(const char *text)
{
    struct err e = ERR_INIT;
    struct digest key;
    assert_int_equal(digest_bytes(DIGEST_SHA256, text, strlen(text), &key, &e), 0);
    return key;
}

static void action(const struct digest *key, const struct digest *output)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *value = json_object();
    assert_int_equal(json_put_digest(value, "output", output, &e), 0);
    assert_int_equal(cas_action_put(cas, key, value, &e), 0);
}

static bool has_action(const struct digest *key)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *value = NULL;
    bool found = false;
    assert_int_equal(cas_action_get(cas, key, &value, &found, &e), 0);
    assert_true(found == (value != NULL));
    return found;
}

/* As of a tree of many layers: each is a pack. */
static void test_long_action(void **state)
{
    (void)state;
    enum { MANY = 50000 };
    struct err e = ERR_INIT;
    struct digest key = key_of("long");
    AUTO_JSON json_t *value = json_object();
    AUTO_JSON json_t *found_value = NULL;
    json_t *packs = json_array();
    bool found = false;
    assert_int_equal(json_put(value, "packs", packs, &e), 0);
    for (size_t i = 0; i < MANY; i++) {
        char text[DIGEST_TEXT_MAX];
        assert_int_equal(json_push(packs, json_string(digest_format(&key, text)), &e), 0);
    }
    assert_int_equal(cas_action_put(cas, &key, value, &e), 0);
    assert_int_equal(cas_action_get(cas, &key, &found_value, &found, &e), 0);
    assert_true(found);
    assert_true(json_equal(found_value, value));
}

static void test_actions(void **state)
{
    (void)state;
    struct digest kept = put("kept");
    struct digest garbage = put("garbage");
    struct digest a = key_of("a");
    struct digest b = key_of("b");
    struct digest c = key_of("c");
    assert_false(has_action(&a));
    action(&a, &kept);
    action(&b, &garbage);
    action(&c, &a); /* names a digest that never was a blob */
    assert_true(has_action(&a));
    ref("kept", "text/plain", &kept);
    AUTO(cas_gc_result_dispose) struct cas_gc_result result = {0};
    gc(false, &result);
    assert_int_equal(result.removed_actions, 1);
    assert_true(has_action(&a));
    assert_false(has_action(&b));
    assert_true(has_action(&c));
    struct err e = ERR_INIT;
    struct cas_gc_options options = {.all_actions = true};
    cas_gc_result_dispose(&result);
    assert_int_equal(cas_gc(cas, &options, &result, &e), 0);
    assert_int_equal(result.removed_actions, 2);
    assert_false(has_action(&a));
}

static void test_action_damage(void **state)
{
    (void)state;
    struct digest output = put("output");
    struct digest a = key_of("a");
    struct digest b = key_of("b");
    char hex[DIGEST_TEXT_MAX];
    char name[DIGEST_TEXT_MAX + 16];
    (void)snprintf(name, sizeof(name), "actions/%s", digest_hex(&a, hex));
    static const char *const bad[] = {"", "{", "[]", "{\"key\":1,\"value\":{}}", "\xff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_file(name, bad[i], strlen(bad[i]));
        assert_false(has_action(&a));
    }
    /* One that was kept under another key's name. */
    action(&b, &output);
    struct err e = ERR_INIT;
    AUTO_FREE char *from = NULL;
    AUTO_FREE char *to = NULL;
    char name_b[DIGEST_TEXT_MAX + 16];
    (void)snprintf(name_b, sizeof(name_b), "actions/%s", digest_hex(&b, hex));
    assert_int_equal(path_join(&from, store, name_b, &e), 0);
    assert_int_equal(path_join(&to, store, name, &e), 0);
    assert_int_equal(rename(from, to), 0);
    assert_false(has_action(&a));
    action(&a, &output);
    assert_true(has_action(&a));
}

/* ---- listings ---- */

static void test_list(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct digest last = {0};
    for (char c = 'a'; c < 'u'; c++)
        (void)put((const char[]){c, 0});
    write_file("blobs/sha256/zz-not-a-digest", "x", 1);
    write_file("blobs/sha256/README", "x", 1);
    AUTO(cas_listing_dispose) struct cas_listing listing = {0};
    assert_int_equal(cas_list(cas, &listing, &e), 0);
    assert_int_equal(listing.count, 20);
    for (size_t i = 0; i < listing.count; i++) {
        assert_int_equal(listing.blobs[i].size, 1);
        assert_true(i == 0 || digest_compare(&last, &listing.blobs[i].digest) < 0);
        last = listing.blobs[i].digest;
    }
    assert_int_equal(listing.stranger_count, 2);
    assert_string_equal(listing.strangers[0], "README");
    /* The collector leaves names alone that it does not know. */
    AUTO(cas_gc_result_dispose) struct cas_gc_result result = {0};
    gc(false, &result);
    assert_int_equal(result.removed_count, 20);
    AUTO(cas_listing_dispose) struct cas_listing after = {0};
    assert_int_equal(cas_list(cas, &after, &e), 0);
    assert_int_equal(after.count, 0);
    assert_int_equal(after.stranger_count, 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fresh, wipe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refs),          TEST(test_ref_refused),
        TEST(test_foreign_index), TEST(test_index_hostile),
        TEST(test_index_bounds),  TEST(test_gc),
        TEST(test_gc_upgrade),    TEST(test_gc_fails_closed),
        TEST(test_gc_busy),       TEST(test_gc_missing),
        TEST(test_actions),       TEST(test_long_action),
        TEST(test_action_damage), TEST(test_list),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
