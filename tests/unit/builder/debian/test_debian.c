/* SPDX-License-Identifier: Apache-2.0 */
/* Root file systems of Debian packages: control files, relations, versions, order, overlaps, the
 * database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "builder/debian/control.h"
#include "builder/debian/rootfs.h"
#include "tests/unit/formats/tar/archive.h"

#include <stdlib.h>

static struct err e;
static struct cas *cas;
static char *store_path;

/* ---- control files ------------------------------------------------------------- */

#define HEAD "Package: ab\nVersion: 1\nArchitecture: all\n"

static int parse(const char *text)
{
    AUTO_CONTROL c;
    return control_parse(text, strlen(text), &c, &e);
}

static void test_control(void **state)
{
    (void)state;
    AUTO_CONTROL c;
    static const char text[] =
        "\nPackage: libx+1.0\nversion: 1:2.0~rc1-3+b1 \nArchitecture: amd64\n"
        "Multi-Arch: same\nDescription: short\n long\n .\n more\nEmpty:\n\n\n";
    assert_int_equal(control_parse(text, strlen(text), &c, &e), 0);
    assert_string_equal(c.package, "libx+1.0");
    assert_string_equal(c.version, "1:2.0~rc1-3+b1");
    assert_string_equal(c.arch, "amd64");
    assert_true(c.same);
    const struct control_field *f = control_field(&c, "DESCRIPTION");
    assert_non_null(f);
    assert_int_equal(f->value_len, strlen("short\n long\n .\n more"));
    assert_memory_equal(f->value, "short\n long\n .\n more", f->value_len);
    assert_int_equal(control_field(&c, "Empty")->value_len, 0);
    assert_null(control_field(&c, "Long"));
    AUTO_FREE char *name = NULL;
    assert_int_equal(control_file_name(&c, &name, &e), 0);
    assert_string_equal(name, "libx+1.0:amd64");
}

static void test_bad_control(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n\n",
        "Package: ab\nVersion: 1\n",
        "Version: 1\nArchitecture: all\n",
        "Package: Ab\nVersion: 1\nArchitecture: all\n",
        "Package: a\nVersion: 1\nArchitecture: all\n",
        "Package: ../b\nVersion: 1\nArchitecture: all\n",
        "Package: -ab\nVersion: 1\nArchitecture: all\n",
        "Package: ab\nVersion: x\nArchitecture: all\n",
        "Package: ab\nVersion: 1/2\nArchitecture: all\n",
        "Package: ab\nVersion: 1\nArchitecture: a b\n",
        "Package: ab\nVersion: 1\nArchitecture: ../x\n",
        "Package: ab\n c\nVersion: 1\nArchitecture: all\n",
        HEAD "PACKAGE: cd\n",
        HEAD "Status: install ok installed\n",
        HEAD "conffiles:\n /etc/x 0\n",
        HEAD "Triggers-Pending: x\n",
        HEAD "\nPackage: cd\nVersion: 1\nArchitecture: all\n",
        HEAD "no field\n",
        HEAD ": x\n",
        HEAD "-A: x\n",
        HEAD "#A: x\n",
        HEAD "A b: x\n",
        HEAD "Description: x\n \t\n y\n",
        HEAD "A: \r\n",
        HEAD "A: \001\n",
        HEAD "A: \177\n",
        " begins\nPackage: ab\nVersion: 1\nArchitecture: all\n",
    };
    assert_int_equal(parse(HEAD), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parse(bad[i]) != -ERR_INPUT)
            fail_msg("taken: %s", bad[i]);
    AUTO_BUF many = BUF_INIT(1 << 16);
    AUTO_CONTROL c;
    assert_int_equal(buf_add_str(&many, HEAD, &e), 0);
    for (int i = 3; i < CONTROL_FIELDS_MAX; i++)
        assert_int_equal(buf_addf(&many, &e, "X-%d: y\n", i), 0);
    assert_int_equal(parse(buf_str(&many)), 0);
    assert_int_equal(buf_add_str(&many, "Last: y\n", &e), 0);
    assert_int_equal(parse(buf_str(&many)), -ERR_INPUT);
    assert_int_equal(control_parse("Package: a\0b\n", 13, &c, &e), -ERR_INPUT);
}

/* What dpkg makes of a field when it installs the package; where `kept` is NULL, it refuses it. */
static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *said;
        const char *kept;
    } cases[] = {
        {"Filename: a\nSize: 1\nMD5sum:\n x\n", ""},
        {"Filename: a b\nSize: 1\n", NULL},
        {"MSDOS-Filename:\nA1: x\n", NULL},
        {"Essential: YES\n", "Essential: yes\n"},
        {"Protected: No\n", ""},
        {"Essential: true\n", NULL},
        {"Priority: OPTIONAL\n", "Priority: optional\n"},
        {"Priority: vital indeed\n", "Priority: vital indeed\n"},
        {"Priority: optionally\n", NULL},
        {"Priority: extra\nClass: required\n", "Priority: required\n"},
        {"Multi-Arch: maybe\n", NULL},
        {"Multi-Arch: same\n", NULL}, /* and for all architectures */
        {"Multi-Arch: Foreign \n", "Multi-Arch: foreign\n"},
        {"Section:\nOrigin: \nBugs: b\n", "Bugs: b\n"},
        {"Optional: b|C (1)\nSuggests: a\n", "Suggests: b | c (= 1), a\n"},
        {"Depends:\nRecommends: a:any(>=0:1)\n", "Recommends: a:any (>= 1)\n"},
        {"Depends: a (>= 0:1:2), b (< 007:1)\n", "Depends: a (>= 0:1:2), b (<= 7:1)\n"},
        {"Conflicts: a | b\n", NULL},
        {"Provides: a (= 1), b (2), c\n", "Provides: a (= 1), b (= 2), c\n"},
        {"Provides: a, b (>= 1)\n", NULL},
        {"Provides: a (< 1)\n", NULL},
        {"Suggests: a b\n", NULL},
        {"Revision: 2\n", NULL},
        {"X-Own : a \n", "X-Own: a\n"},
        {"X-Own:\n a\nX-Two:\nX-3: b\n", "X-Own:\n a\nX-Two:\nX-3: b\n"},
        {"X: a\n", NULL},
        {"XY: a", NULL},
        {"XY:\n", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_CONTROL c;
        AUTO_BUF text = BUF_INIT(4096);
        AUTO_BUF got = BUF_INIT(4096);
        assert_int_equal(buf_addf(&text, &e, HEAD "%s", cases[i].said), 0);
        int rc = control_parse(buf_str(&text), text.len, &c, &e);
        if ((rc == 0) != (cases[i].kept != NULL))
            fail_msg("%s: %d", cases[i].said, rc);
        if (rc < 0)
            continue;
        assert_int_equal(control_status(&c, "Conffiles:\n /x y\n", &got, &e), 0);
        assert_non_null(strstr(buf_str(&got), "Status: install ok installed\n"));
        assert_non_null(strstr(buf_str(&got), "\nConffiles:\n /x y\n"));
        assert_non_null(strstr(buf_str(&got), cases[i].kept));
        assert_int_equal(got.len, strlen(HEAD) + strlen("Status: install ok installed\n") +
                                      strlen("Conffiles:\n /x y\n") + strlen(cases[i].kept) + 1);
    }
}

/* ---- relations and versions ------------------------------------------------------- */

static void test_relations(void **state)
{
    (void)state;
    static const char text[] = " ab (>= 1.0) | Cd:any,\n ef(<<2) , gh (1:3-1)";
    static const struct {
        const char *name;
        const char *arch;
        enum relation_op op;
        const char *version;
        char joint;
    } wanted[] = {{"ab", "", RELATION_GE, "1.0", '|'},
                  {"cd", "any", RELATION_ANY, "", ','},
                  {"ef", "", RELATION_LT, "2", ','},
                  {"gh", "", RELATION_EQ, "1:3-1", 0}};
    const char *cursor = text;
    struct relation r;
    bool more = true;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(relation_next(&cursor, text + strlen(text), &r, &more, &e), 0);
        assert_true(more);
        assert_string_equal(r.name, wanted[i].name);
        assert_string_equal(r.arch, wanted[i].arch);
        assert_int_equal(r.joint, wanted[i].joint);
        assert_int_equal(r.op, wanted[i].op);
        assert_string_equal(r.version, wanted[i].version);
        assert_memory_equal(r.at + 1, wanted[i].name + 1, 1);
    }
    assert_int_equal(relation_next(&cursor, text + strlen(text), &r, &more, &e), 0);
    assert_false(more);
    static const char *const bad[] = {"ab [amd64]", "ab (>= )",    "ab (>= 1",
                                      "ab (= 1/2)", "ab <stage1>", "ab cd",
                                      "ab:",        "${shlibs}",   "| ab",
                                      "ab (~ 1)",   "ab,",         ", ab",
                                      "ab |",       ",",           "ab:a_b",
                                      "-ab",        "ab (= 1-)",   "ab (= 2147483648:1)",
                                      "ab (= 1:)",  "ab (= 1:-1)", "ab (= 1:x)"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cursor = bad[i];
        if (relation_next(&cursor, bad[i] + strlen(bad[i]), &r, &more, &e) != -ERR_INPUT)
            fail_msg("taken: %s", bad[i]);
    }
}

static int sign(int n)
{
    return n < 0 ? -1 : n > 0;
}

static void test_versions(void **state)
{
    (void)state;
    /* each is older than the next; as dpkg --compare-versions says */
    static const char *const rising[] = {
        "0~~",   "0~",     "0",    "0a",    "0+",    "0.1~rc1", "0.1",  "0.1-1",   "0.1-1+b1",
        "0.1-2", "0.1-10", "0.1a", "0.1+b", "0.2",   "0.10",    "1",    "1.0-1~x", "1.0-1",
        "1.0.0", "2",      "10",   "1:0",   "1:0-1", "1:1.2-3", "2:0.1"};
    size_t count = sizeof(rising) / sizeof(rising[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            if (sign(version_compare(rising[i], rising[k])) != (i < k ? -1 : i > k))
                fail_msg("%s against %s", rising[i], rising[k]);
    assert_int_equal(version_compare("1.0", "1.00"), 0);
    assert_int_equal(version_compare("0:1", "1"), 0);
    assert_int_equal(version_compare("1-0", "1"), 0);
    struct relation r = {.op = RELATION_GT, .version = "1.0"};
    assert_true(relation_satisfied(&r, "1.0-1"));
    assert_false(relation_satisfied(&r, "1.0"));
}

/* ---- packages ------------------------------------------------------------------------ */

enum { PACKAGES_MAX = 8 };

struct set {
    struct layer_input inputs[PACKAGES_MAX];
    size_t count;
    struct rootfs_options o;
};
#define SET_INIT                                                                                   \
    {                                                                                              \
        .o = {.arch = "amd64", .layers = {.clamp = 1000, .jobs = 2} }                              \
    }

/* A package: `control` after its name, other control files, and the data. */
static void push(struct set *s, const char *name, const char *control, const struct entry *info,
                 const struct entry *data)
{
    AUTO_BUF text = BUF_INIT(1 << 16);
    AUTO_BUF control_tar = BUF_INIT(1 << 20);
    AUTO_BUF data_tar = BUF_INIT(1 << 20);
    AUTO_BUF deb = BUF_INIT(1 << 21);
    assert_int_equal(
        buf_addf(&text, &e, "Package: %s\nVersion: 1.0\n%s%s", name, control,
                 strstr(control, "Architecture:") != NULL ? "" : "Architecture: all\n"),
        0);
    const struct entry own[] = {{"./", '5'}, {"./control", '0', NULL, buf_str(&text)}, {NULL}};
    for (const struct entry *n = own; n->name != NULL; n++)
        archive_entry(&control_tar, n);
    for (const struct entry *n = info; n != NULL && n->name != NULL; n++)
        archive_entry(&control_tar, n);
    archive_end(&control_tar);
    archive_make(&data_tar, data);
    archive_add(&deb, "!<arch>\n", 8);
    archive_member(&deb, "debian-binary", "2.0\n", 4);
    archive_member(&deb, "control.tar", control_tar.data, control_tar.len);
    archive_member(&deb, "data.tar", data_tar.data, data_tar.len);
    struct layer_input *l = &s->inputs[s->count++];
    *l = (struct layer_input){.name = name};
    assert_int_equal(cas_put(cas, deb.data, deb.len, &l->blob, &e), 0);
}

static int make(const struct set *s, struct tree **out)
{
    return rootfs_make(cas, s->inputs, s->count, &s->o, out, &e);
}

static void made(const struct set *s, struct tree **out)
{
    char line[1024];
    if (make(s, out) != 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
}

static void refused(const struct set *s, const char *why)
{
    AUTO_TREE struct tree *t = NULL;
    char line[1024];
    assert_int_equal(make(s, &t), -ERR_INPUT);
    assert_null(t);
    if (strstr(err_line(&e, line, sizeof(line)), why) == NULL)
        fail_msg("'%s' does not say '%s'", line, why);
}

static void has(const struct tree *t, const char *path, const char *content)
{
    struct tree_reader *r = NULL;
    char text[4096];
    const struct tree_node *n = tree_find(t, path, true);
    if (n == NULL || n->inode->type != TREE_FILE)
        fail_msg("no file '%s'", path);
    assert_in_range(n->inode->content.size, 0, sizeof(text) - 1);
    assert_int_equal(tree_reader_new(t, cas, &r, &e), 0);
    assert_int_equal(
        tree_reader_read(r, &n->inode->content, 0, text, (size_t)n->inode->content.size, &e), 0);
    text[n->inode->content.size] = 0;
    tree_reader_free(r);
    assert_string_equal(text, content);
}

static void leads(const struct tree *t, const char *path, const char *target)
{
    const struct tree_node *n = tree_find(t, path, false);
    assert_non_null(n);
    assert_int_equal(n->inode->type, TREE_SYMLINK);
    assert_string_equal(n->inode->target, target);
}

static void test_database(void **state)
{
    (void)state;
    struct set s = SET_INIT;
    AUTO_TREE struct tree *t = NULL;
    const struct entry info[] = {
        {"./conffiles", '0', NULL, "/etc/a.conf\nremove-on-upgrade /etc/b\n"},
        {"./postinst", '0', NULL, "#!/bin/sh\n"},
        {"./triggers", '0', NULL,
         "# x\ninterest-noawait /usr/lib\n"
         "interest nb\nactivate cd\n"},
        {NULL}};
    const struct entry data[] = {{"./", '5'},
                                 {"./bin/", '5'},
                                 {"./bin/ab", '0', NULL, "one"},
                                 {"./etc/", '5'},
                                 {"./etc/a.conf", '0', NULL, "conf"},
                                 {"./lib64/", '5'},
                                 {"./lib64/ld", '2', "/lib/ld"},
                                 {NULL}};
    push(&s, "zz", "Architecture: amd64\nMulti-Arch: same\nDescription: d\n e\nHomepage: h\n", info,
         data);
    push(&s, "ab", "", NULL, (const struct entry[]){{"./usr/", '5'}, {NULL}});
    made(&s, &t);
    has(t, "var/lib/dpkg/status",
        "Package: ab\nStatus: install ok installed\nArchitecture: all\nVersion: 1.0\n\n"
        "Package: zz\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\n"
        "Version: 1.0\nConffiles:\n /etc/a.conf 3a8e4c06e471595f6eb262bb9b5582d9\n"
        "Description: d\n e\nHomepage: h\n\n");
    has(t, "var/lib/dpkg/info/zz:amd64.list",
        "/.\n/bin\n/bin/ab\n/etc\n/etc/a.conf\n/lib64\n/lib64/ld\n");
    has(t, "var/lib/dpkg/info/zz:amd64.md5sums", "f97c5d29941bfb1b2fdab0874906ab82  bin/ab\n");
    has(t, "var/lib/dpkg/info/zz:amd64.postinst", "#!/bin/sh\n");
    assert_int_equal(tree_find(t, "var/lib/dpkg/info/zz:amd64.postinst", true)->inode->mode, 0755);
    has(t, "var/lib/dpkg/info/ab.list", "/usr\n");
    has(t, "var/lib/dpkg/info/format", "1\n");
    has(t, "var/lib/dpkg/triggers/File", "/usr/lib zz:amd64/noawait\n");
    has(t, "var/lib/dpkg/triggers/nb", "zz:amd64\n");
    assert_null(tree_find(t, "var/lib/dpkg/triggers/cd", true));
    assert_null(tree_find(t, "var/lib/dpkg/info/zz:amd64.control", true));
    leads(t, "bin", "usr/bin");
    leads(t, "sbin", "usr/sbin");
    leads(t, "lib", "usr/lib");
    leads(t, "lib64", "usr/lib64");
    assert_null(tree_find(t, "lib32", false));
    assert_null(tree_find(t, "etc/passwd", true));
    assert_int_equal(tree_find(t, "var/lib/dpkg/status", true)->inode->mtime, 1000);
}

/* Directories and same paths say in which order packages came. */
static void test_order(void **state)
{
    (void)state;
    struct set s = SET_INIT;
    AUTO_TREE struct tree *t = NULL;
#define DIR_OF(mode) ((const struct entry[]){{"./d/", '5', NULL, NULL, 0, mode}, {NULL}})
    /* By name: ab (needs virtual, so zz before it), cd (a circle with ef), ef. */
    push(&s, "ef", "Depends: cd\n", NULL, DIR_OF(0751));
    push(&s, "ab", "Depends: nothing | virtual (>= 1)\n", NULL, DIR_OF(0752));
    push(&s, "cd", "Pre-Depends: ef\n", NULL, DIR_OF(0753));
    push(&s, "zz", "Provides: other, virtual (= 2)\n", NULL, DIR_OF(0754));
    made(&s, &t);
    /* zz, ab, ef, cd: what cd says holds. */
    assert_int_equal(tree_find(t, "d", true)->inode->mode, 0753);
    struct set less = SET_INIT;
    AUTO_TREE struct tree *u = NULL;
    push(&less, "ab", "Depends: virtual\n", NULL, DIR_OF(0752));
    push(&less, "zz", "Provides: virtual\n", NULL, DIR_OF(0754));
    made(&less, &u);
    assert_int_equal(tree_find(u, "d", true)->inode->mode, 0752);
}

static void test_replaces(void **state)
{
    (void)state;
    const struct entry one[] = {{"./bin/x", '0', NULL, "one"}, {"./y", '0', NULL, "y"}, {NULL}};
    const struct entry two[] = {{"./usr/bin/x", '0', NULL, "two"}, {"./y", '0', NULL, "y"}, {NULL}};
    for (int turn = 0; turn < 2; turn++) {
        struct set s = SET_INIT;
        AUTO_TREE struct tree *t = NULL;
        /* Whoever comes first, "new" has it. */
        push(&s, "new", turn ? "Replaces: old (<< 2)\nDepends: old\n" : "Replaces: old (<< 2)\n",
             NULL, two);
        push(&s, "old", turn ? "" : "Depends: new\n", NULL, one);
        made(&s, &t);
        has(t, "usr/bin/x", "two");
        has(t, "var/lib/dpkg/info/new.list", "/usr/bin/x\n/y\n");
        has(t, "var/lib/dpkg/info/old.list", "");
    }
    struct set s = SET_INIT;
    push(&s, "new", "Replaces: old (<< 1)\n", NULL, two);
    push(&s, "old", "", NULL, one);
    refused(&s, "in both 'new' and 'old'");
}

static void test_divert(void **state)
{
    (void)state;
    static const struct rootfs_divert diverts[] = {{"/bin/x", "/bin/x.distrib", "mine"}};
    struct set s = SET_INIT;
    AUTO_TREE struct tree *t = NULL;
    s.o.diverts = diverts;
    s.o.divert_count = 1;
    push(&s, "mine", "", NULL, (const struct entry[]){{"./usr/bin/x", '0', NULL, "m"}, {NULL}});
    push(&s, "their", "", NULL,
         (const struct entry[]){{"./bin/x", '0', NULL, "t"}, {"./bin/z", '1', "./bin/x"}, {NULL}});
    made(&s, &t);
    has(t, "bin/x", "m");
    has(t, "usr/bin/x.distrib", "t");
    has(t, "bin/z", "t");
    has(t, "var/lib/dpkg/diversions", "/bin/x\n/bin/x.distrib\nmine\n");
    has(t, "var/lib/dpkg/info/their.list", "/bin/x\n/bin/z\n");
}

static void test_declared(void **state)
{
    (void)state;
    static const char *in[] = {"video"};
    static struct rootfs_user users[] = {
        {"app", 1000, 1000, "An app", "/home/app", "/bin/sh", in, 1},
        {"bare", 7, 44, "", "/nonexistent", "/bin/false", NULL, 0}};
    static const struct rootfs_group groups[] = {{"extra", 2000}};
    static struct rootfs_link slaves[] = {{"a.1", "/usr/man/a.1", "/usr/man/b.1"}};
    static const struct rootfs_alternative alternatives[] = {
        {{"a", "/usr/bin/a", "/usr/bin/b"}, -5, slaves, 1}};
    const struct entry data[] = {
        {"./usr/share/base-passwd/passwd.master", '0', NULL, "root:*:0:0:root:/root:/bin/bash\n"},
        {"./usr/share/base-passwd/group.master", '0', NULL,
         "root:*:0:\nshadow:*:42:\nvideo:*:44:x\n"},
        {"./usr/bin/b", '0', NULL, "b"},
        {"./usr/man/b.1", '0', NULL, "m"},
        {NULL}};
    struct set s = SET_INIT;
    AUTO_TREE struct tree *t = NULL;
    push(&s, "base-passwd", "", NULL, data);
    s.o.users = users;
    s.o.user_count = 2;
    s.o.groups = groups;
    s.o.group_count = 1;
    s.o.alternatives = alternatives;
    s.o.alternative_count = 1;
    made(&s, &t);
    has(t, "etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\napp:x:1000:1000:An app:/home/app:/bin/sh\n"
        "bare:x:7:44::/nonexistent:/bin/false\n");
    has(t, "etc/shadow", "root:*::0:99999:7:::\napp:!::0:99999:7:::\nbare:!::0:99999:7:::\n");
    has(t, "etc/group", "root:x:0:\nshadow:x:42:\nvideo:x:44:x,app\nextra:x:2000:\napp:x:1000:\n");
    has(t, "etc/gshadow", "root:*::\nshadow:*::\nvideo:*::x,app\nextra:!::\napp:!::\n");
    assert_int_equal(tree_find(t, "etc/shadow", true)->inode->gid, 42);
    assert_int_equal(tree_find(t, "etc/shadow", true)->inode->mode, 0640);
    assert_int_equal(tree_find(t, "home/app", true)->inode->uid, 1000);
    assert_null(tree_find(t, "nonexistent", true));
    leads(t, "usr/bin/a", "/etc/alternatives/a");
    leads(t, "etc/alternatives/a", "/usr/bin/b");
    has(t, "usr/man/a.1", "m");
    has(t, "var/lib/dpkg/alternatives/a",
        "auto\n/usr/bin/a\na.1\n/usr/man/a.1\n\n/usr/bin/b\n-5\n/usr/man/b.1\n\n");
    users[1].uid = 1000;
    refused(&s, "is there already");
    users[1].uid = 7;
    in[0] = "nobody-has-it";
    refused(&s, "which is not there");
    in[0] = "video";
    slaves[0].path = "/usr/man/c.1";
    refused(&s, "there is no '/usr/man/c.1'");
    slaves[0].path = "/usr/man/b.1";
    slaves[0].link = "/usr/bin/b";
    refused(&s, "'/usr/bin/b' is there already");
    slaves[0].link = "/usr/man/a.1";
}

static void test_refused(void **state)
{
    (void)state;
    const struct entry none[] = {{NULL}};
    static const struct {
        struct entry info;
        const char *why;
    } bad[] = {
        {{"./control", '0', NULL, HEAD}, "'control' twice"},
        {{"./list", '0', NULL, "/etc/passwd\n"}, "'list'"},
        {{"./a/b", '0', NULL, "x"}, "no plain file"},
        {{"./postinst", '2', "/etc/passwd"}, "no plain file"},
        {{"./x.y", '0', NULL, "x"}, "no plain file"},
        {{"./conffiles", '0', NULL, "etc/x\n"}, "no absolute, plain path"},
        {{"./triggers", '0', NULL, "interest ../x\n"}, "its triggers"},
        {{"./triggers", '0', NULL, "interested x\n"}, "its triggers"},
        {{"./triggers", '0', NULL, "interest\n"}, "its triggers"},
        {{"./triggers", '0', NULL, "interest File\n"}, "its triggers"},
        {{"./conffiles", '0', NULL, "a\0b", 3}, "NUL"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct set s = SET_INIT;
        const struct entry info[] = {bad[i].info, {NULL}};
        push(&s, "ab", "", info, none);
        refused(&s, bad[i].why);
    }
    static const struct {
        const char *control;
        const char *why;
    } texts[] = {
        {"Status: install ok installed\n", "not the package's to say"},
        {"Depends: ${x}\n", "no relation"},
        {"Provides: ../x\n", "no relation"},
        {"Replaces: a b\n", "no relation"},
        {"Architecture: riscv64\n", "not for 'amd64'"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct set s = SET_INIT;
        push(&s, "ab", texts[i].control, NULL, none);
        refused(&s, texts[i].why);
    }
    struct set twice = SET_INIT;
    push(&twice, "ab", "", NULL, none);
    push(&twice, "ab", "Architecture: amd64\n", NULL, none);
    refused(&twice, "both the package 'ab'");
    struct set status = SET_INIT;
    push(&status, "ab", "", NULL,
         (const struct entry[]){{"./var/lib/dpkg/status", '0', NULL, "Package: xy\n"}, {NULL}});
    refused(&status, "is there already");
    struct set newline = SET_INIT;
    push(&newline, "ab", "", NULL, (const struct entry[]){{"./a\nb", '0', NULL, "x"}, {NULL}});
    refused(&newline, "a newline");
    struct set odd = SET_INIT; /* its database would lie elsewhere: inside all the same */
    AUTO_TREE struct tree *t = NULL;
    push(&odd, "ab", "", NULL, (const struct entry[]){{"./var", '2', "../../x"}, {NULL}});
    made(&odd, &t);
    has(t, "x/lib/dpkg/info/format", "1\n");
}

/* The same for any number of threads and any order of the inputs. */
static void test_same(void **state)
{
    (void)state;
    struct digest first = {0};
    for (unsigned turn = 0; turn < 4; turn++) {
        struct set s = SET_INIT;
        AUTO_TREE struct tree *t = NULL;
        struct digest d;
        static const char *const names[] = {"aa", "bb", "cc", "dd"};
        for (unsigned i = 0; i < 4; i++)
            push(&s, names[(i + turn) % 4], "", NULL, DIR_OF(0755));
        s.o.layers.jobs = turn + 1;
        made(&s, &t);
        assert_int_equal(tree_digest(t, &d, &e), 0);
        if (turn == 0)
            first = d;
        assert_true(digest_equal(&d, &first));
    }
}

static int setup(void **state)
{
    (void)state;
    AUTO_FREE char *dir = NULL;
    if (dir_make_temp("/tmp", "assay-unit.", &dir, &e) < 0 ||
        path_join(&store_path, dir, "store", &e) < 0)
        return -1;
    return cas_open(store_path, CAS_CREATE, &cas, &e);
}

static int teardown(void **state)
{
    (void)state;
    cas_close(cas);
    *strrchr(store_path, '/') = 0;
    int rc = dir_remove(store_path, &e);
    free(store_path);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control),  cmocka_unit_test(test_bad_control),
        cmocka_unit_test(test_fields),   cmocka_unit_test(test_relations),
        cmocka_unit_test(test_versions), cmocka_unit_test(test_database),
        cmocka_unit_test(test_order),    cmocka_unit_test(test_replaces),
        cmocka_unit_test(test_divert),   cmocka_unit_test(test_declared),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
