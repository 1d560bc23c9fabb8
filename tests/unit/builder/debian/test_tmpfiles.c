/* SPDX-License-Identifier: Apache-2.0 */
/* What tmpfiles.d declares: what systemd-tmpfiles of systemd 252 made of the same root. */
#include "tests/unit/finish_common.h"

static const struct finish_options tmpfiles = {
    .arch = "amd64", .time = 1790000000, .tmpfiles = true};

static const char lines[] = "# comment\n"
                            "d /var/lib/made/deep 0750 web log 10d\n"
                            "d\t/var/lib/made 1777 - - -\n"
                            "D \"/var/lib/a b\" 0700 33 55\n"
                            "q /var/vol\n"
                            "d /var/lib/old :0700 :web :log\n"
                            "e /var/lib/o?d 0711 - log\n"
                            "f /var/lib/made/file 0640 web log - text\\x20with\\ttabs %%\\n\n"
                            "f /etc/text 0600 - - - not this\n"
                            "f+ /etc/forced - - - - new\n"
                            "F /etc/also 0604\n"
                            "f! /etc/boot\n"
                            "f^ /etc/cred - - - - x\n"
                            "f /etc/%m - - - - x\n"
                            "L /etc/link - web log - ../srv\n"
                            "L /etc/had - - - - other\n"
                            "L+ /etc/blocked - - - - ../srv\n"
                            "L /etc/conf\n"
                            "C /etc/deep\n"
                            "C /var/empty - web - - /etc/skel\n"
                            "C /var/full - - - - /etc/skel\n"
                            "C /etc/none - - - - /nothing\n"
                            "C /etc/skel2 0700 - - - /etc/skel\n"
                            "p /var/pipe 0620\n"
                            "p+ /var/lib/was 0600 web\n"
                            "d /var/lib/made 0700\n"
                            "z /etc/text 0444 web\n"
                            "Z /var/lib/old ~2775 web log\n"
                            "z /var/lib/old/* - 0 -\n"
                            "r /etc/passwd\n"
                            "x /var/lib/*\n"
                            "h /var/lib - - - - +C\n"
                            "d /root/.x :0700 :web :log\n";

static const char made[] = " d 755 0:0\n"
                           "etc d 755 0:0\n"
                           "etc/also f 604 0:0\n"
                           "etc/blocked l 777 0:0 ../srv\n"
                           "etc/conf l 777 0:0 /usr/share/factory/etc/conf\n"
                           "etc/deep d 755 0:0\n"
                           "etc/deep/g f 644 0:0\n"
                           "etc/forced f 644 0:0\n"
                           "etc/group f 644 0:0\n"
                           "etc/had l 777 0:0 elsewhere\n"
                           "etc/link l 777 33:55 ../srv\n"
                           "etc/passwd f 644 0:0\n"
                           "etc/skel d 755 0:0\n"
                           "etc/skel/one f 644 0:0\n"
                           "etc/skel/sub d 755 0:0\n"
                           "etc/skel/sub/two f 644 0:0\n"
                           "etc/skel/three l 777 0:0 one\n"
                           "etc/skel2 d 700 0:0\n"
                           "etc/skel2/one f 644 0:0\n"
                           "etc/skel2/sub d 755 0:0\n"
                           "etc/skel2/sub/two f 644 0:0\n"
                           "etc/skel2/three l 777 0:0 one\n"
                           "etc/text f 444 33:0\n"
                           "instead d 755 0:55\n"
                           "root d 755 0:0\n"
                           "root/.x d 700 33:55\n"
                           "srv d 755 0:0\n"
                           "var d 755 0:0\n"
                           "var/empty d 755 33:0\n"
                           "var/empty/one f 644 33:0\n"
                           "var/empty/sub d 755 33:0\n"
                           "var/empty/sub/two f 644 33:0\n"
                           "var/empty/three l 777 33:0 one\n"
                           "var/full d 755 0:0\n"
                           "var/full/one f 644 0:0\n"
                           "var/lib d 755 0:0\n"
                           "var/lib/a b d 700 33:55\n"
                           "var/lib/made d 1777 0:0\n"
                           "var/lib/made/deep d 750 33:55\n"
                           "var/lib/made/file f 640 33:55\n"
                           "var/lib/old d 2775 33:55\n"
                           "var/lib/old/below d 2775 0:55\n"
                           "var/lib/old/below/x f 775 33:55\n"
                           "var/lib/old/file f 664 0:55\n"
                           "var/lib/old/link l 777 0:55 x\n"
                           "var/lib/was p 600 33:0\n"
                           "var/pipe p 620 0:0\n"
                           "var/vol d 755 0:0\n";

static const struct {
    const char *dir;
    const char *name;
    const char *text;
} before[] = {
    {"etc", "passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:44::/:/bin/sh\n"},
    {"etc", "group", "root:x:0:\nweb:x:44:\nlog:x:55:\n"},
    {"etc/skel", "one", "one\n"},
    {"etc/skel/sub", "two", "two\n"},
    {"usr/share/factory/etc", "conf", "f\n"},
    {"usr/share/factory/etc/deep", "g", "g\n"},
    {"var/lib/old", "file", "old\n"},
    {"var/full", "one", "kept\n"},
    {"etc", "text", "text\n"},
    {"etc", "forced", "text\n"},
    {"etc", "blocked", "text\n"},
    {"var/lib", "was", "other\n"},
};

static struct root system_root(void)
{
    struct root r = root_new();
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        put_text(&r, before[i].dir, before[i].name, before[i].text);
    put_text(&r, "var/lib/old/below", "x", "x\n");
    tree_find(r.tree, "var/lib/old/below/x", false)->inode->mode = 0755;
    add_symlink(r.tree, "var/lib/old", "link", "x");
    add_symlink(r.tree, "etc/skel", "three", "one");
    add_symlink(r.tree, "etc", "had", "elsewhere");
    add(r.tree, "var", "empty", TREE_DIR, 0755);
    add(r.tree, "", "srv", TREE_DIR, 0755);
    return r;
}

/* As find -printf '%P %y %m %U:%G %l' says it; not of usr and the files that declare. */
static int list_one(void *context, const char *path, struct tree_node *node, struct err *error)
{
    static const char types[] = "dflcbps";
    const struct tree_inode *inode = node->inode;
    if (strncmp(path, "usr", 3) == 0 || strncmp(path, "etc/tmpfiles.d", 14) == 0)
        return 0;
    return buf_addf(context, error, "%s %c %o %u:%u%s%s\n", path, types[inode->type], inode->mode,
                    inode->uid, inode->gid, inode->target != NULL ? " " : "",
                    inode->target != NULL ? inode->target : "");
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines by their bytes, as sort has them. */
static void assert_listed(const struct root *r, const char *wanted)
{
    AUTO_BUF list = BUF_INIT(1 << 20);
    AUTO_BUF sorted = BUF_INIT(1 << 20);
    char *at[256];
    size_t count = 0;
    assert_int_equal(tree_walk(r->tree, list_one, &list, &e), 0);
    for (char *p = strtok((char *)list.data, "\n"); p != NULL; p = strtok(NULL, "\n"))
        at[count++] = p;
    qsort(at, count, sizeof(at[0]), compare_lines);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(buf_addf(&sorted, &e, "%s\n", at[i]), 0);
    assert_string_equal(buf_str(&sorted), wanted);
}

static void assert_text(const struct root *r, const char *path, const char *wanted)
{
    AUTO_BUF text = BUF_INIT(4096);
    read_file(r, path, &text);
    assert_string_equal(buf_str(&text), wanted);
}

static void test_made(void **state)
{
    (void)state;
    struct root r = system_root();
    put_text(&r, "usr/lib/tmpfiles.d", "a.conf", lines);
    put_text(&r, "usr/lib/tmpfiles.d", "b.conf", "d /never\n");
    put_text(&r, "usr/lib/tmpfiles.d", "c.conf", "d /never\n");
    put_text(&r, "usr/lib/tmpfiles.d", "d.txt", "d /never\n");
    put_text(&r, "etc/tmpfiles.d", "b.conf", "d /instead - - log\n");
    add_symlink(r.tree, "etc/tmpfiles.d", "c.conf", "/dev/null");
    assert_int_equal(finish(&r, &tmpfiles), 0);
    assert_listed(&r, made);
    assert_text(&r, "var/lib/made/file", "text with\ttabs %\n");
    assert_text(&r, "etc/text", "text\n");
    assert_text(&r, "etc/forced", "new");
    assert_text(&r, "var/full/one", "kept\n");
    assert_text(&r, "var/empty/sub/two", "two\n");
    root_free(&r);
}

/* What systemd 252 does not know yet, or a machine has to do by itself. */
static void test_more(void **state)
{
    (void)state;
    struct root r = root_new();
    put_text(&r, "etc/skel", "one", "one\n");
    put_text(&r, "srv/skel", "one", "kept\n");
    put_text(&r, "srv/skel", "two", "two\n");
    put_text(&r, "srv", "file", "");
    put_text(&r, "usr/lib/tmpfiles.d", "a.conf",
             "C+ /srv/skel - - - - /etc/skel\n"
             "L? /srv/a - - - - file\n"
             "L? /srv/b - - - - nothing\n"
             "d= /srv/file 0700\n"
             "d %S/state\n"
             "f /srv/arch - - - - %a %t\n"
             "f /var/log/%H - - - - x\n"
             "f /srv/at - - - - %b\n"
             "d /run/x - nobody\n"
             "d /var/run/x - nobody\n"
             "c /srv/null 0666 - - - 1:3\n"
             "b /srv/disk 0660 - 6 - 254:0\n"
             "w /srv/file - - - - x\n"
             "a+ /srv - - - - d:group::r-x\n");
    assert_int_equal(finish(&r, &tmpfiles), 0);
    assert_listed(&r, " d 755 0:0\n"
                      "etc d 755 0:0\n"
                      "etc/skel d 755 0:0\n"
                      "etc/skel/one f 644 0:0\n"
                      "srv d 755 0:0\n"
                      "srv/a l 777 0:0 file\n"
                      "srv/arch f 644 0:0\n"
                      "srv/disk b 660 0:6\n"
                      "srv/file d 700 0:0\n"
                      "srv/null c 666 0:0\n"
                      "srv/skel d 755 0:0\n"
                      "srv/skel/one f 644 0:0\n"
                      "srv/skel/two f 644 0:0\n"
                      "var d 755 0:0\n"
                      "var/lib d 755 0:0\n"
                      "var/lib/state d 755 0:0\n");
    assert_text(&r, "srv/arch", "x86-64 /run");
    assert_text(&r, "srv/skel/one", "kept\n");
    const struct tree_inode *disk = tree_find(r.tree, "srv/disk", false)->inode;
    assert_int_equal(disk->major, 254);
    assert_int_equal(disk->minor, 0);
    root_free(&r);
}

/* Directories that are declared come before what is in them, in whatever file they stand. */
static void test_order(void **state)
{
    (void)state;
    struct root r = root_new();
    put_text(&r, "usr/lib/tmpfiles.d", "a.conf", "f /srv/a/b/c\nz /srv/a/* 0711\n");
    put_text(&r, "usr/lib/tmpfiles.d", "b.conf", "d /srv/a/b 0700\nL /srv/a - - - - ../opt\n");
    assert_int_equal(finish(&r, &tmpfiles), 0);
    assert_listed(&r, " d 755 0:0\n"
                      "opt d 755 0:0\n"
                      "opt/b d 711 0:0\n"
                      "opt/b/c f 644 0:0\n"
                      "srv d 755 0:0\n"
                      "srv/a l 777 0:0 ../opt\n");
    root_free(&r);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "d",
        "k /srv",
        "d\\x2 /srv",
        "d \"/srv",
        "d srv",
        "d /",
        "d /srv/../etc",
        "d /srv 0999",
        "d /srv 10000",
        "d /srv ~",
        "d /srv - nobody",
        "d /srv - - nobody",
        "d /%y",
        "d /srv%",
        "f /srv/x - - - - \\q",
        "f /etc",
        "d /etc/passwd",
        "d /etc/passwd/x",
        "p /etc/passwd",
        "c /srv/x",
        "c /srv/x - - - - 1",
        "c /srv/x - - - - 1:x",
        "c /srv/x - - - - 99999:1",
        "z /srv/{a,b} 0644",
        "z /srv/********* 0644",
        "C /etc/a/b - - - - /etc",
        "d /srv/\\x41\\000",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct root r = system_root();
        put_text(&r, "usr/lib/tmpfiles.d", "a.conf", bad[i]);
        assert_int_equal(finish(&r, &tmpfiles), -ERR_INPUT);
        root_free(&r);
    }
    struct root r = system_root();
    char line[ERR_FRAME_MAX];
    put_text(&r, "usr/lib/tmpfiles.d", "a.conf", "d /srv/x - nobody\n");
    assert_int_equal(finish(&r, &tmpfiles), -ERR_INPUT);
    assert_string_equal(
        err_line(&e, line, sizeof(line)),
        "finish: tmpfiles: 'usr/lib/tmpfiles.d/a.conf': there is no user 'nobody': declare it");
    root_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made),
        cmocka_unit_test(test_more),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
