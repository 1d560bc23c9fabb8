/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of sysusers.d: what systemd-sysusers of systemd 252 made of the same files. */
#include "tests/unit/finish_common.h"

static const struct finish_options sysusers = {
    .arch = "amd64", .time = 1790000000, .sysusers = true};

static const struct {
    const char *name;
    const char *before;
    const char *after;
} files[] = {
    {"passwd",
     "root:x:0:0:root:/root:/bin/bash\n"
     "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
     "_old:x:997:50::/:/bin/sh\n",
     "root:x:0:0:root:/root:/bin/bash\n"
     "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
     "_old:x:997:50::/:/bin/sh\n"
     "first:x:995:995::/:/usr/sbin/nologin\n"
     "alone:x:994:994:One who is alone:/var/lib/alone:/bin/sh\n"
     "with-group:x:40:50::/:/usr/sbin/nologin\n"
     "by-name:x:993:50:In staff:/:/usr/sbin/nologin\n"
     "fixed:x:30:30::/:/usr/sbin/nologin\n"
     "daemon-two:x:992:992::/:/usr/sbin/nologin\n"
     "taken:x:996:996::/:/usr/sbin/nologin\n"
     "abel:x:991:991::/:/usr/sbin/nologin\n"},
    {"group",
     "root:x:0:\n"
     "daemon:x:1:\n"
     "staff:x:50:zed\n"
     "taken:x:996:\n",
     "root:x:0:\n"
     "daemon:x:1:\n"
     "staff:x:50:abel,alone,zed\n"
     "taken:x:996:\n"
     "late:x:45:\n"
     "journal:x:999:alone\n"
     "extra:x:998:alone\n"
     "first:x:995:\n"
     "alone:x:994:\n"
     "fixed:x:30:\n"
     "daemon-two:x:992:\n"
     "abel:x:991:\n"},
    {"shadow",
     "root:*:20000:0:99999:7:::\n"
     "daemon:*:20000:0:99999:7:::\n"
     "_old:*:1::::::\n",
     "root:*:20000:0:99999:7:::\n"
     "daemon:*:20000:0:99999:7:::\n"
     "_old:*:1::::::\n"
     "first:!*:20717::::::\n"
     "alone:!*:20717::::::\n"
     "with-group:!*:20717::::::\n"
     "by-name:!*:20717::::::\n"
     "fixed:!*:20717::::::\n"
     "daemon-two:!*:20717::::::\n"
     "taken:!*:20717::::::\n"
     "abel:!*:20717::::::\n"},
    {"gshadow",
     "root:*::\n"
     "daemon:*::\n"
     "staff:*::zed\n"
     "taken:!::\n",
     "root:*::\n"
     "daemon:*::\n"
     "staff:*::abel,alone,zed\n"
     "taken:!::\n"
     "late:!*::\n"
     "journal:!*::alone\n"
     "extra:!*::alone\n"
     "first:!*::\n"
     "alone:!*::\n"
     "fixed:!*::\n"
     "daemon-two:!*::\n"
     "abel:!*::\n"},
};
static const char first[] = "u first -\n"
                            "g late 45\n";
static const char second[] = "# a comment\n"
                             "u alone - \"One who is alone\" /var/lib/alone /bin/sh\n"
                             "g journal - -\n"
                             "u with-group 40:50\n"
                             "u by-name -:staff 'In staff'\n"
                             "u fixed 30\n"
                             "u daemon-two 1\n"
                             "m alone staff\n"
                             "m alone journal\n"
                             "m alone extra\n"
                             "m abel staff\n"
                             "u root 0 \"not this\"\n"
                             "g taken -\n"
                             "u taken 996\n";

static struct root system_root(void)
{
    struct root r = root_new();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        put_text(&r, "etc", files[i].name, files[i].before);
    return r;
}

static void assert_file(const struct root *r, const char *name, const char *wanted)
{
    AUTO_BUF text = BUF_INIT(65536);
    AUTO_FREE char *path = NULL;
    assert_int_equal(path_join(&path, "etc", name, &e), 0);
    read_file(r, path, &text);
    assert_string_equal(buf_str(&text), wanted);
}

static void test_users(void **state)
{
    (void)state;
    struct root r = system_root();
    put_text(&r, "usr/lib/sysusers.d", "a.conf", first);
    put_text(&r, "usr/lib/sysusers.d", "b.conf", second);
    put_text(&r, "usr/lib/sysusers.d", "not.txt", "nothing\n");
    assert_int_equal(finish(&r, &sysusers), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        assert_file(&r, files[i].name, files[i].after);
    root_free(&r);
}

/* A file of /etc counts in the place of a package's of that name; a second run adds nothing. */
static void test_again(void **state)
{
    (void)state;
    struct root r = system_root();
    put_text(&r, "etc/sysusers.d", "b.conf", "");
    put_text(&r, "usr/lib/sysusers.d", "a.conf",
             "u root 0\ng staff 50\nm zed staff\nu zed 5\nu! off 7\n");
    put_text(&r, "usr/lib/sysusers.d", "b.conf", second);
    assert_int_equal(finish(&r, &sysusers), 0);
    assert_file(&r, "group",
                "root:x:0:\ndaemon:x:1:\nstaff:x:50:zed\ntaken:x:996:\nzed:x:5:\noff:x:7:\n");
    assert_file(&r, "shadow",
                "root:*:20000:0:99999:7:::\ndaemon:*:20000:0:99999:7:::\n_old:*:1::::::\n"
                "zed:!*:20717::::::\noff:!*:20717:::::1:\n");
    root_free(&r);
}

/* Without the files there is nobody to add to. */
static void test_none(void **state)
{
    (void)state;
    struct root r = root_new();
    put_text(&r, "usr/lib/sysusers.d", "a.conf", second);
    assert_int_equal(finish(&r, &sysusers), 0);
    assert_null(tree_find(r.tree, "etc", false));
    root_free(&r);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "u Name -",     "u",          "u a:b -",      "x name -", "r - 500-600", "u n 4294967296",
        "u n /path",    "u n -:no",   "u n 5:6666",   "g n x",    "m n",         "u n - \"open",
        "u n - a:b",    "u n - - ..", "u n - - / sh", "u %m -",   "m n -",       "u n - a / /b c d",
        "u n - \"a\"b",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct root r = system_root();
        put_text(&r, "usr/lib/sysusers.d", "a.conf", bad[i]);
        assert_int_equal(finish(&r, &sysusers), -ERR_INPUT);
        root_free(&r);
    }
    struct root r = system_root();
    char line[ERR_FRAME_MAX];
    put_text(&r, "usr/lib/sysusers.d", "a.conf", "r - 500-600\n");
    assert_int_equal(finish(&r, &sysusers), -ERR_INPUT);
    assert_string_equal(
        err_line(&e, line, sizeof(line)),
        "finish: sysusers: 'usr/lib/sysusers.d/a.conf': '-' is no name of a user or a group");
    root_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
