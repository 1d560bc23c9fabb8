/* SPDX-License-Identifier: Apache-2.0 */
/* What sources are named by and made of: rules of what to ignore, git's objects, URLs, docker's
 * manifest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "builder/sources/docker_archive.h"
#include "builder/sources/git_credential.h"
#include "builder/sources/git_object.h"
#include "builder/sources/ignore.h"
#include "builder/sources/words.h"

#include <string.h>

/* ---- ignore ---- */

static void rules(struct ignore **g, const char *text)
{
    struct err e = ERR_INIT;
    assert_int_equal(ignore_new(g, &e), 0);
    assert_int_equal(ignore_add_lines(*g, text, strlen(text), "rules", &e), 0);
}

static void test_ignore(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        const char *path;
        bool covered;
    } cases[] = {
        {"", "a", false},
        {"a", "a", true},
        {"a", "a/b", true},
        {"a", "ab", false},
        {"a", "x/a", false},
        {"**/a", "x/a", true},
        {"/a/", "a", true},
        {"a\n!a", "a", false},
        {"!a\na", "a", true},
        {"a\n!a/b", "a/b", false},
        {"a\n!a/b", "a/c", true},
        {"a\n!a/b\na/b/c", "a/b/c", true},
        {"a\n!a/b\na/b/c", "a/b/d", false},
        {"*.o", "x.o", true},
        {"*.o", "d/x.o", false},
        {"# a\n\n  b  \r\n", "a", false},
        {"# a\n\n  b  \r\n", "b", true},
        {"\\#a", "#a", true},
        {"\\!a", "!a", true},
        {"a", "", false},
        {"**", "a/b/c", true},
        {"./foo", "foo", true},
        {".//foo/./", "foo/x", true},
        {"a//b", "a/b", true},
        {"a/./b", "a/b", true},
        {"foo/../a", "a", true},
        {"foo/../a", "foo/a", false},
        {"a/b/../../c/d/..", "c", true},
        {"//a", "a", true},
        {"/../a", "a", true},
        {"../a", "a", false},
        {"a/../../b", "b", false},
        {"...", "...", true},
        {"..a/.b", "..a/.b", true},
        {"foo/../*.o", "x.o", true},
        {"./**/x", "a/x", true},
        {"a\n! a", "a", false},
        {"a\n !\ta/./ ", "a", false},
        {" #a", "#a", true},
        {"\xef\xbb\xbf"
         "a",
         "a", true},
        {"a\v\f", "a", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_IGNORE struct ignore *g = NULL;
        rules(&g, cases[i].rules);
        if (ignore_covers(g, cases[i].path) != cases[i].covered)
            fail_msg("rules '%s', path '%s'", cases[i].rules, cases[i].path);
    }
    assert_false(ignore_covers(NULL, "a"));
    AUTO_IGNORE struct ignore *back = NULL;
    rules(&back, "a\n!b");
    assert_true(ignore_brings_back(back));
}

static void test_ignore_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "!",  "/",  "!/",     "[",  "a\\", ".",         "./",
                                      "a/..", "!.", "! ", " ! ./ ", "//", "/..", "!a/b/../.."};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_IGNORE struct ignore *g = NULL;
        struct err e = ERR_INIT;
        assert_int_equal(ignore_new(&g, &e), 0);
        assert_int_equal(ignore_add(g, bad[i], &e), -ERR_INPUT);
    }
    AUTO_IGNORE struct ignore *g = NULL;
    struct err e = ERR_INIT;
    char line[512];
    assert_int_equal(ignore_new(&g, &e), 0);
    assert_int_equal(ignore_add_lines(g, "a\0b", 3, "x", &e), -ERR_INPUT);
    assert_int_equal(ignore_add_lines(g, "a\n\n[", 4, "x", &e), -ERR_INPUT);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "x:3: "));
    int rc = 0;
    for (int i = 0; rc == 0 && i <= IGNORE_RULES_MAX; i++)
        rc = ignore_add(g, "a", &e);
    assert_int_equal(rc, -ERR_INPUT);
}

/* ---- git ---- */

static void id_of(const char *type, const char *text, size_t id_len, const char *wanted)
{
    struct err e = ERR_INIT;
    struct git_hasher *h = NULL;
    struct git_id id;
    char hex[GIT_HEX_MAX + 1];
    assert_int_equal(git_hasher_new(type, strlen(text), id_len, &h, &e), 0);
    assert_int_equal(git_hasher_update(h, text, strlen(text), &e), 0);
    assert_int_equal(git_hasher_final(h, &id, &e), 0);
    git_hasher_free(h);
    assert_string_equal(git_id_format(&id, hex), wanted);
}

/* The ids that git itself gives to these. */
static void test_git_ids(void **state)
{
    (void)state;
    id_of("blob", "", 20, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    id_of("blob", "hello\n", 20, "ce013625030ba8dba906f756967f9e9ca394464a");
    id_of("tree", "", 20, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    id_of("blob", "hello\n", 32,
          "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4");
    struct git_id id;
    assert_true(git_id_parse("ce013625030ba8dba906f756967f9e9ca394464a", &id));
    assert_int_equal(id.len, 20);
    assert_false(git_id_parse("CE013625030BA8DBA906F756967F9E9CA394464A", &id));
    assert_false(git_id_parse("ce0136", &id));
}

struct seen {
    size_t count;
    struct git_entry entries[8];
};

static int see(void *context, const struct git_entry *entry, struct err *e)
{
    struct seen *s = context;
    (void)e;
    assert_true(s->count < 8);
    s->entries[s->count++] = *entry;
    return 0;
}

#define ID "01234567890123456789"
static int walk(const char *text, size_t len, struct seen *s)
{
    struct err e = ERR_INIT;
    *s = (struct seen){0};
    return git_tree_walk(text, len, 20, see, s, &e);
}
#define WALK(text, seen) walk(text, sizeof(text) - 1, seen)

static void test_git_tree(void **state)
{
    (void)state;
    struct seen s;
    assert_int_equal(WALK("", &s), 0);
    /* "a.b" comes before the tree "a", which counts as "a/". */
    assert_int_equal(
        WALK("100644 a.b\0" ID "40000 a\0" ID "100755 b\0" ID "120000 c\0" ID "160000 d\0" ID, &s),
        0);
    assert_int_equal(s.count, 5);
    assert_string_equal(s.entries[1].name, "a");
    assert_int_equal(s.entries[1].type, GIT_TREE);
    assert_int_equal(s.entries[2].type, GIT_EXECUTABLE);
    assert_int_equal(s.entries[3].type, GIT_LINK);
    assert_int_equal(s.entries[4].type, GIT_SUBMODULE);
    assert_memory_equal(s.entries[4].id.bytes, ID, 20);
    assert_int_equal(WALK("40000 a\0" ID "100644 a.b\0" ID, &s), -ERR_INPUT);
    assert_int_equal(WALK("100644 a\0" ID "100644 a\0" ID, &s), -ERR_INPUT);
    assert_int_equal(WALK("100644 b\0" ID "100644 a\0" ID, &s), -ERR_INPUT);
    assert_int_equal(WALK("100644 \0" ID, &s), -ERR_INPUT);
    assert_int_equal(WALK("100644 .\0" ID, &s), -ERR_INPUT);
    assert_int_equal(WALK("100644 ..\0" ID, &s), -ERR_INPUT);
    assert_int_equal(WALK("100644 .GIT\0" ID, &s), -ERR_INPUT);
    assert_int_equal(WALK("100644 a/b\0" ID, &s), -ERR_INPUT);
    assert_int_equal(WALK("100644 a\0"
                          "short",
                          &s),
                     -ERR_INPUT);
    assert_int_equal(WALK("100644 a", &s), -ERR_INPUT);
    assert_int_equal(WALK("100644", &s), -ERR_INPUT);
}

/* What git read-tree makes of each mode; the last ones are none that it could have. */
static void test_git_modes(void **state)
{
    (void)state;
    static const struct {
        const char *mode;
        int type;
    } cases[] = {
        {"40000", GIT_TREE},
        {"040000", GIT_TREE},
        {"0040000", GIT_TREE},
        {"40755", GIT_TREE},
        {"100644", GIT_FILE},
        {"0100644", GIT_FILE},
        {"100600", GIT_FILE},
        {"100664", GIT_FILE},
        {"100611", GIT_FILE},
        {"100755", GIT_EXECUTABLE},
        {"100775", GIT_EXECUTABLE},
        {"100700", GIT_EXECUTABLE},
        {"104755", GIT_EXECUTABLE},
        {"120000", GIT_LINK},
        {"120777", GIT_LINK},
        {"160000", GIT_SUBMODULE},
        {"", -1},
        {"0", -1},
        {"644", -1},
        {"20644", -1},
        {"60644", -1},
        {"140000", -1},
        {"100648", -1},
        {"10064x", -1},
        {"1100644", -1},
        {"77777777777", -1},
        {"-100644", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen s;
        char entry[64];
        int n = snprintf(entry, sizeof(entry), "%s a", cases[i].mode);
        memcpy(entry + n + 1, ID, 20);
        int rc = walk(entry, (size_t)n + 21, &s);
        if (rc != (cases[i].type < 0 ? -ERR_INPUT : 0) ||
            (rc == 0 && (int)s.entries[0].type != cases[i].type))
            fail_msg("mode '%s'", cases[i].mode);
    }
}

static void test_git_commit(void **state)
{
    (void)state;
    static const char good[] = "tree ce013625030ba8dba906f756967f9e9ca394464a\nauthor x\n";
    struct err e = ERR_INIT;
    struct git_id id;
    char hex[GIT_HEX_MAX + 1];
    assert_int_equal(git_commit_tree(good, sizeof(good) - 1, 20, &id, &e), 0);
    assert_string_equal(git_id_format(&id, hex), "ce013625030ba8dba906f756967f9e9ca394464a");
    for (size_t len = 0; len < 46; len++)
        assert_int_equal(git_commit_tree(good, len, 20, &id, &e), -ERR_INPUT);
    assert_int_equal(git_commit_tree(good, sizeof(good) - 1, 32, &id, &e), -ERR_INPUT);
}

/* ---- what git's credential helpers answer ---- */

static void test_git_credentials(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *user;
        const char *secret; /* NULL: refused */
    } cases[] = {
        {"protocol=https\nhost=h\nusername=u\npassword=p\n", "u", "p"},
        {"password=p=q r\nusername=\n", "", "p=q r"},
        {"username=u\npassword=p", "u", "p"},
        {"username=a\npassword=b\nusername=c\npassword=d\n", "c", "d"},
        {"usernames=x\nusername=u\npassword=\nquit=0\n", "u", ""},
        {"", NULL, NULL},
        {"\n\n", NULL, NULL},
        {"username=s3cr3t\n", NULL, NULL},
        {"password=s3cr3t\n", NULL, NULL},
        {"username=u\npassword=s3cr3t\r\n", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_CREDENTIALS found = {0};
        struct err e = ERR_INIT;
        char line[1024];
        int rc = git_credential_parse(cases[i].text, strlen(cases[i].text), &found, &e);
        assert_int_equal(rc, cases[i].secret != NULL ? 0 : -ERR_INPUT);
        assert_null(strstr(err_line(&e, line, sizeof(line)), "s3cr3t"));
        if (rc == 0) {
            assert_string_equal(found.user, cases[i].user);
            assert_string_equal(found.secret, cases[i].secret);
        }
    }
    AUTO_CREDENTIALS none = {0};
    struct err e = ERR_INIT;
    assert_int_equal(git_credential_parse("username=u\npassword=a\0b\n", 24, &none, &e),
                     -ERR_INPUT);
    assert_null(none.secret);
}

/* ---- words ---- */

static void test_words(void **state)
{
    (void)state;
    static const char *const good[] = {"main",
                                       "v1.0",
                                       "refs/tags/v1",
                                       "a-b_c+d/e",
                                       "0123abc",
                                       "pkg@1.0.0",
                                       "@scope/pkg@1.0",
                                       "#12",
                                       "a=b",
                                       "a,b",
                                       "_x",
                                       "+x",
                                       "=x",
                                       "a@",
                                       "a./b",
                                       "a.locks",
                                       "@/x",
                                       "z\xc3\xbcrich",
                                       "\xe2\x9c\x93",
                                       "a{b}",
                                       "a!b$c&d'e(f)g;h<i>j|k\"`%"};
    static const char *const bad[] = {"",     "-x",       "a..b",  "a b",  "a~1",    "a^",   "a:b",
                                      "@{u}", "/a",       "a//b",  "a/",   "a.lock", ".a",   "a\nb",
                                      "@",    "a@{0}",    "a?",    "a*",   "a[b",    "a\\b", "a.",
                                      "a/.b", "a.lock/b", "a\x7f", "a\x01"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(commit_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(commit_valid(bad[i]));
    assert_true(url_remote_valid("https://example.org/a?b=c"));
    assert_true(url_remote_valid("https://example.org"));
    assert_true(url_remote_valid("http://127.0.0.1:80/a"));
    assert_false(url_remote_valid("https:///a"));
    assert_false(url_remote_valid("https://u@example.org/a"));
    assert_false(url_remote_valid("https://example.org/a b"));
    assert_false(url_remote_valid("https://example.org/a#b"));
    assert_false(url_remote_valid("ssh://example.org/a"));
    assert_true(object_id_valid("ce013625030ba8dba906f756967f9e9ca394464a"));
    assert_false(object_id_valid("ce013625030ba8dba906f756967f9e9ca394464"));
}

static void test_url_name(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *name;
    } cases[] = {
        {"https://example.org/a/b.tar?x=/y", "a/b.tar"},
        {"https://example.org", "index"},
        {"https://example.org/?q", "index"},
        {"https://example.org:81//a/", "a"},
        {"file:///srv/private/x.tar", "x.tar"},
        {"file:x.tar", "x.tar"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_FREE char *name = NULL;
        assert_int_equal(url_name(cases[i].url, &name, &e), 0);
        assert_string_equal(name, cases[i].name);
    }
}

/* ---- docker ---- */

static int docker(const char *text, const char *wanted, struct docker_image *out)
{
    struct err e = ERR_INIT;
    return docker_manifest_parse(text, strlen(text), wanted, out, &e);
}

static void test_docker(void **state)
{
    (void)state;
    static const char one[] = "[{\"Config\":\"a.json\",\"RepoTags\":[\"x/y:1\",\"tool:latest\"],"
                              "\"Layers\":[\"./l//m\",\"n\"],\"More\":{}}]";
    static const char two[] = "[{\"Config\":\"a\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"l\"]},"
                              "{\"Config\":\"b\",\"RepoTags\":null,\"Layers\":[\"l\"]}]";
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "[1]",
        "[{}]",
        "[{\"Config\":\"\",\"Layers\":[\"l\"]}]",
        "[{\"Config\":\"/a\",\"Layers\":[\"l\"]}]",
        "[{\"Config\":\"a\",\"Layers\":[\"../l\"]}]",
        "[{\"Config\":\"a\",\"Layers\":[1]}]",
    };
    AUTO(docker_image_dispose) struct docker_image image = {0};
    assert_int_equal(docker(one, NULL, &image), 0);
    assert_string_equal(image.config, "a.json");
    assert_int_equal(image.layer_count, 2);
    assert_string_equal(image.layers[0], "l/m");
    static const char *const names[] = {"x/y:1", "tool", "tool:latest", "docker.io/library/tool"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        docker_image_dispose(&image);
        assert_int_equal(docker(one, names[i], &image), 0);
    }
    AUTO(docker_image_dispose) struct docker_image none = {0};
    assert_int_equal(docker(one, "x/y", &none), -ERR_INPUT);
    assert_int_equal(docker(one, "tool:2", &none), -ERR_INPUT);
    assert_int_equal(docker(two, NULL, &none), -ERR_INPUT);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(docker(bad[i], NULL, &none), -ERR_INPUT);
    static const char *const empty[] = {
        "[{\"Config\":\"a\",\"Layers\":[]}]",
        "[{\"Config\":\"a\",\"Layers\":null}]",
        "[{\"Config\":\"a\"}]",
    };
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        AUTO(docker_image_dispose) struct docker_image image_of_none = {0};
        assert_int_equal(docker(empty[i], NULL, &image_of_none), 0);
        assert_int_equal(image_of_none.layer_count, 0);
    }
    assert_int_equal(docker(two, "x:1", &none), 0);
    assert_string_equal(none.config, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ignore),    cmocka_unit_test(test_ignore_refused),
        cmocka_unit_test(test_git_ids),   cmocka_unit_test(test_git_tree),
        cmocka_unit_test(test_git_modes), cmocka_unit_test(test_git_commit),
        cmocka_unit_test(test_words),     cmocka_unit_test(test_url_name),
        cmocka_unit_test(test_docker),    cmocka_unit_test(test_git_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
