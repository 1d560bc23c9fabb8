/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a root file system in the place of scripts: libraries, whole and damaged, names.
 */
#include "tests/unit/finish_common.h"

#include "builder/debian/finishing.h"

#include <elf.h>
#include <stdlib.h>

/* ---- a library: headers, a dynamic section, its strings
 * ------------------------------------------ */

enum {
    PHOFF = sizeof(Elf64_Ehdr),
    DYNAMIC = PHOFF + 2 * sizeof(Elf64_Phdr),
    STRINGS = DYNAMIC + 3 * sizeof(Elf64_Dyn),
    LIBRARY = STRINGS + 32
};

static void make_library(uint8_t out[LIBRARY], const char *soname)
{
    Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
                    .e_type = ET_DYN,
                    .e_machine = EM_X86_64,
                    .e_phoff = PHOFF,
                    .e_phentsize = sizeof(Elf64_Phdr),
                    .e_phnum = 2};
    const Elf64_Phdr p[2] = {
        {.p_type = PT_LOAD, .p_vaddr = 0x1000, .p_filesz = LIBRARY},
        {.p_type = PT_DYNAMIC, .p_offset = DYNAMIC, .p_filesz = 3 * sizeof(Elf64_Dyn)}};
    const Elf64_Dyn d[3] = {{.d_tag = DT_SONAME, .d_un.d_val = 1},
                            {.d_tag = DT_STRTAB, .d_un.d_ptr = 0x1000 + STRINGS},
                            {.d_tag = DT_NULL}};
    memset(out, 0, LIBRARY);
    memcpy(out, &h, sizeof(h));
    memcpy(out + PHOFF, p, sizeof(p));
    memcpy(out + DYNAMIC, d, sizeof(d));
    memcpy(out + STRINGS + 1, soname, strlen(soname));
}

static const struct finish_options libraries = {.arch = "amd64", .time = 7, .libraries = true};

static void test_libraries(void **state)
{
    (void)state;
    uint8_t lib[LIBRARY];
    AUTO_BUF cache = BUF_INIT(4096);
    struct root r = root_new();
    make_library(lib, "libx.so.1");
    put(&r, "usr/lib/x86_64-linux-gnu", "libx.so.1.2.3", lib, sizeof(lib));
    put(&r, "usr/lib/x86_64-linux-gnu", "not-a-lib.so.1", lib, sizeof(lib));
    put_text(&r, "usr/lib/x86_64-linux-gnu", "libscript.so", "INPUT ( libx.so.1 )\n");
    assert_int_equal(finish(&r, &libraries), 0);
    /* The name that programs ask for was in no package. */
    const struct tree_node *link = tree_find(r.tree, "usr/lib/x86_64-linux-gnu/libx.so.1", false);
    assert_non_null(link);
    assert_string_equal(link->inode->target, "libx.so.1.2.3");
    read_file(&r, "etc/ld.so.cache", &cache);
    assert_memory_equal(cache.data, "glibc-ld.so.cache1.1\1\0\0\0", 24);
    static const char path[] = "/usr/lib/x86_64-linux-gnu/libx.so.1";
    assert_memory_equal(cache.data + 72, path, sizeof(path)); /* the soname is its end */
    assert_int_equal(cache.data[48 + 4], 72 + sizeof(path) - sizeof("libx.so.1"));
    root_free(&r);
}

/* No byte of a library that is wrong, and no end before its own, does more than leave it out. */
static void test_damaged(void **state)
{
    (void)state;
    uint8_t lib[LIBRARY];
    for (size_t i = 0; i < LIBRARY; i++) {
        struct root r = root_new();
        make_library(lib, "libx.so.1");
        put(&r, "usr/lib", "liba.so.1", lib, i);
        lib[i] = (uint8_t)~lib[i];
        put(&r, "usr/lib", "libb.so.1", lib, sizeof(lib));
        assert_int_equal(finish(&r, &libraries), 0);
        root_free(&r);
    }
}

static void test_conf(void **state)
{
    (void)state;
    uint8_t lib[LIBRARY];
    AUTO_BUF cache = BUF_INIT(4096);
    struct root r = root_new();
    make_library(lib, "liby.so.2");
    put(&r, "opt/own", "liby.so.2", lib, sizeof(lib));
    put_text(&r, "etc", "ld.so.conf", "# all\ninclude ld.so.conf.d/*.conf\n");
    put_text(&r, "etc/ld.so.conf.d", "own.conf", "  /opt/own/ # here\n");
    put_text(&r, "etc/ld.so.conf.d", "other", "/nowhere\n");
    assert_int_equal(finish(&r, &libraries), 0);
    read_file(&r, "etc/ld.so.cache", &cache);
    assert_string_equal((const char *)cache.data + 72, "/opt/own/liby.so.2");
    root_free(&r);

    struct root loop = root_new();
    put_text(&loop, "etc", "ld.so.conf", "include /etc/ld.so.conf\n");
    assert_int_equal(finish(&loop, &libraries), -ERR_INPUT);
    root_free(&loop);
}

static void test_compare(void **state)
{
    (void)state;
    static const char *const rising[] = {"lib.so",     "libx.so",      "libx.so.2", "libx.so.9",
                                         "libx.so.10", "libx.so.10.1", "liby.so"};
    for (size_t i = 0; i < sizeof(rising) / sizeof(rising[0]); i++)
        for (size_t k = 0; k < sizeof(rising) / sizeof(rising[0]); k++) {
            int order = library_compare(rising[i], rising[k]);
            assert_int_equal(order < 0 ? -1 : order > 0, i < k ? -1 : i > k);
        }
    assert_true(library_compare("a99999999999999999999999", "a5") > 0);
}

/* ---- units
 * ----------------------------------------------------------------------------------------- */

static const char *target_of(const struct root *r, const char *path)
{
    const struct tree_node *node = tree_find(r->tree, path, false);
    return node != NULL && node->inode->type == TREE_SYMLINK ? node->inode->target : NULL;
}

static void put_units(struct root *r)
{
    static const char dir[] = "usr/lib/systemd/system";
    put_text(r, dir, "a.service",
             "[Unit]\nWantedBy=no.target\n[Install]\n# Alias=no.service\nAlias=b.service "
             "c.service\nWantedBy=x.target \\\n y.target\nAlso=off.service\n");
    put_text(r, dir, "off.service", "[Install]\nRequiredBy=x.target\n");
    put_text(r, dir, "never.service", "[Install]\nWantedBy=x.target\n");
    put_text(r, dir, "t@.service", "[Install]\nDefaultInstance=one\nWantedBy=x.target");
    put_text(r, dir, "u@.service", "[Install]\nWantedBy=x.target\n");
    put_text(r, dir, "empty.service", "");
    put_text(r, dir, "not a unit", "[Install]\nWantedBy=x.target\n");
    (void)add_symlink(r->tree, dir, "masked.service", "/dev/null");
    (void)add_symlink(r->tree, dir, "other.service", "a.service");
    put_text(r, "usr/lib/systemd/system-preset", "90.preset", "disable off.*\ndisable never.*\n");
    put_text(r, "usr/lib/systemd/system-preset", "10.preset", "disable a.service\n");
    put_text(r, "etc/systemd/system-preset", "10.preset", "# of this machine\n");
}

static void test_units(void **state)
{
    (void)state;
    const char *enable[] = {"u@two.service"};
    const char *absent[] = {"masked.service"};
    struct finish_options o = {.arch = "amd64", .units = true, .enable = enable, .enable_count = 1};
    struct root r = root_new();
    put_units(&r);
    assert_int_equal(finish(&r, &o), 0);
    static const char a[] = "/lib/systemd/system/a.service";
    static const char own[] = "etc/systemd/system";
    assert_string_equal(target_of(&r, "etc/systemd/system/b.service"), a);
    assert_string_equal(target_of(&r, "etc/systemd/system/c.service"), a);
    assert_string_equal(target_of(&r, "etc/systemd/system/x.target.wants/a.service"), a);
    assert_string_equal(target_of(&r, "etc/systemd/system/y.target.wants/a.service"), a);
    assert_string_equal(target_of(&r, "etc/systemd/system/x.target.requires/off.service"),
                        "/lib/systemd/system/off.service");
    assert_string_equal(target_of(&r, "etc/systemd/system/x.target.wants/t@one.service"),
                        "/lib/systemd/system/t@.service");
    assert_string_equal(target_of(&r, "etc/systemd/system/x.target.wants/u@two.service"),
                        "/lib/systemd/system/u@.service");
    assert_int_equal(tree_find(r.tree, own, true)->inode->child_count, 5);
    assert_int_equal(
        tree_find(r.tree, "etc/systemd/system/x.target.wants", true)->inode->child_count, 3);
    root_free(&r);

    struct root none = root_new();
    put_units(&none);
    o.enable = absent;
    assert_int_equal(finish(&none, &o), -ERR_INPUT);
    assert_says("there is no unit 'masked.service'");
    root_free(&none);
}

/* ---- PAM
 * ------------------------------------------------------------------------------------------- */

static const char template[] =
    "# mine\n# here are the per-package modules (the \"Primary\" block)\n$x\n"
    "# here's the fallback if no module succeeds\nauth deny\n"
    "# and here are more per-package modules (the \"Additional\" block)\n$y\n"
    "# end of pam-auth-update config\n";

static void test_pam(void **state)
{
    (void)state;
    static const struct finish_options o = {.arch = "amd64", .pam = true};
    AUTO_BUF text = BUF_INIT(4096);
    struct root r = root_new();
    put_text(&r, "usr/share/pam", "common-auth", template);
    put_text(
        &r, "usr/share/pam-configs", "low",
        "Name: l\nDefault: yes\nPriority: 1\nAuth-Type: Primary\nAuth:\n [success=end] b.so x  y\n"
        "Auth-Initial:\n [success=end] b.so first\n");
    put_text(&r, "usr/share/pam-configs", "high",
             "Name: h\nDefault: yes\nPriority: 10\nConflicts: gone\nAuth-Type: Primary\n"
             "Auth-Final:\n\t[success=end default=ignore]\ta.so\n");
    put_text(&r, "usr/share/pam-configs", "gone",
             "Default: yes\nPriority: 5\nAuth-Type: Primary\nAuth:\n\trequired c.so\n");
    put_text(&r, "usr/share/pam-configs", "off",
             "Default: no\nPriority: 9\nAuth-Type: Primary\nAuth:\n\trequired d.so\n");
    assert_int_equal(finish(&r, &o), 0);
    read_file(&r, "etc/pam.d/common-auth", &text);
    assert_string_equal(buf_str(&text),
                        "# mine\n# here are the per-package modules (the \"Primary\" block)\n"
                        "auth\t[success=2 default=ignore]\ta.so \nauth\t[success=1] b.so x y\n"
                        "# here's the fallback if no module succeeds\nauth deny\n"
                        "# and here are more per-package modules (the \"Additional\" block)\n"
                        "# end of pam-auth-update config\n");
    root_free(&r);

    struct root bad = root_new();
    put_text(&bad, "usr/share/pam", "common-auth", "nothing\n");
    put_text(&bad, "usr/share/pam-configs", "x", "Default: yes\n");
    assert_int_equal(finish(&bad, &o), -ERR_INPUT);
    assert_says("the template of common-auth has no '# here are the per-package modules");
    root_free(&bad);
}

/* ---- names of hosts
 * ------------------------------------------------------------------------------- */

static void test_hostnames(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "web", "web-1", "web.example.org", "1a"};
    static const char *const bad[] = {"",  "-a",  "a-",  "a..b", ".a",  "a.",
                                      "A", "a_b", "a b", "a\nb", "a-.b"};
    char longest[80];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(finish_hostname_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(finish_hostname_valid(bad[i]));
    memset(longest, 'a', sizeof(longest));
    longest[63] = 0;
    assert_true(finish_hostname_valid(longest));
    longest[63] = 'a';
    longest[64] = 0;
    assert_false(finish_hostname_valid(longest));
}

static void test_once(void **state)
{
    (void)state;
    struct root r = root_new();
    const struct finish_options o = {.arch = "amd64", .hostname = "web"};
    put_text(&r, "etc", "hostname", "other\n");
    assert_int_equal(finish(&r, &o), -ERR_INPUT);
    char line[ERR_FRAME_MAX];
    assert_string_equal(err_line(&e, line, sizeof(line)),
                        "finish: hostname: 'etc/hostname' is there already");
    root_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libraries), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_conf),      cmocka_unit_test(test_compare),
        cmocka_unit_test(test_units),     cmocka_unit_test(test_pam),
        cmocka_unit_test(test_hostnames), cmocka_unit_test(test_once),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
