/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of kernel modules, of modules made by hand: whole, compressed, damaged, in circles. */
#include "tests/unit/finish_common.h"

#include "builder/debian/module_index.h"
#include "builder/debian/module_lists.h"

#include <elf.h>
#include <lzma.h>
#include <stdlib.h>

static const struct finish_options modules = {.arch = "amd64", .time = 7, .modules = true};
static const char dir[] = "usr/lib/modules/6.1.0-1-amd64";
static const char kernel[] = "usr/lib/modules/6.1.0-1-amd64/kernel";

/* ---- a module: sections of what it says, its symbols and their names ---------------------------
 */

enum { SYMBOLS = 8, STRINGS = 256, INFO = 256, SECTIONS = 5, MODULE = 2048 };

struct layout {
    Elf64_Ehdr header;
    Elf64_Shdr sections[SECTIONS];
    Elf64_Sym symbols[SYMBOLS];
    char strings[STRINGS];
    char info[INFO];
    char names[64];
};

/* Words of `exports` and of `needs`, and `info` with '|' where a NUL goes. */
static size_t make_module(uint8_t out[MODULE], const char *exports, const char *needs,
                          const char *info)
{
    struct layout m = {
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
                   .e_type = ET_REL,
                   .e_machine = EM_X86_64,
                   .e_shoff = offsetof(struct layout, sections),
                   .e_shentsize = sizeof(Elf64_Shdr),
                   .e_shnum = SECTIONS,
                   .e_shstrndx = 4},
        .sections = {{0},
                     {.sh_name = 1,
                      .sh_type = SHT_SYMTAB,
                      .sh_offset = offsetof(struct layout, symbols),
                      .sh_size = sizeof(m.symbols)},
                     {.sh_name = 9,
                      .sh_type = SHT_STRTAB,
                      .sh_offset = offsetof(struct layout, strings),
                      .sh_size = STRINGS},
                     {.sh_name = 17,
                      .sh_type = SHT_PROGBITS,
                      .sh_offset = offsetof(struct layout, info),
                      .sh_size = INFO},
                     {.sh_name = 26,
                      .sh_type = SHT_STRTAB,
                      .sh_offset = offsetof(struct layout, names),
                      .sh_size = sizeof(m.names)}},
        .names = "\0.symtab\0.strtab\0.modinfo\0.shstrtab",
    };
    const char *lists[2] = {exports, needs};
    size_t count = 1;
    size_t at = 1;
    for (size_t i = 0; i < 2; i++) {
        for (const char *p = lists[i]; *p != 0; p += *p == ' ') {
            size_t len = strcspn(p, " ");
            assert_true(count < SYMBOLS && at + len + 8 < STRINGS);
            m.symbols[count].st_name = (Elf64_Word)at;
            m.symbols[count++].st_shndx = i == 0 ? SHN_ABS : SHN_UNDEF;
            at += (size_t)snprintf(m.strings + at, STRINGS - at, "%s%.*s", i == 0 ? "__crc_" : "",
                                   (int)len, p) +
                  1;
            p += len;
        }
    }
    for (size_t i = 0; info[i] != 0; i++)
        m.info[i] = info[i] == '|' ? '\0' : info[i];
    memcpy(out, &m, sizeof(m));
    return sizeof(m);
}

static void put_module(struct root *r, const char *name, const char *exports, const char *needs,
                       const char *info)
{
    uint8_t bytes[MODULE];
    size_t len = make_module(bytes, exports, needs, info);
    put(r, kernel, name, bytes, len);
}

static void assert_list(const struct root *r, const char *name, const char *wanted)
{
    AUTO_BUF text = BUF_INIT(65536);
    AUTO_FREE char *path = NULL;
    assert_int_equal(path_join(&path, dir, name, &e), 0);
    read_file(r, path, &text);
    assert_string_equal(buf_str(&text), wanted);
}

/* ---- lists -------------------------------------------------------------------------------------
 */

static void test_lists(void **state)
{
    (void)state;
    struct root r = root_new();
    put_text(&r, dir, "modules.order", "kernel/top.ko\nkernel/gone.ko\nkernel/base-a.ko\n");
    put_module(&r, "base-a.ko", "low", "printk", "license=GPL|alias=pci:v*d-[a-b]-|alias=bad]|");
    put_module(&r, "mid.ko", "middle", "low printk",
               "||alias=char-major-10-236|softdep=pre: top|alias=devname:mid|alias=devname:not|");
    put_module(&r, "top.ko", "", "middle low", "weakdep=mid|alias=char-major-1-1");
    (void)add_symlink(r.tree, kernel, "link.ko", "top.ko");
    (void)add(r.tree, "usr/lib/modules/6.1.0-1-amd64/build", "x.ko", TREE_FILE, 0644);
    assert_int_equal(finish(&r, &modules), 0);
    /* In the order's lines, and mid.ko, which it does not have, last. */
    assert_list(&r, "modules.dep",
                "kernel/top.ko: kernel/mid.ko kernel/base-a.ko\nkernel/base-a.ko:\n"
                "kernel/mid.ko: kernel/base-a.ko\n");
    assert_list(&r, "modules.alias",
                "# Aliases extracted from modules themselves.\nalias char-major-1-1 top\n"
                "alias pci:v*d-[a-b]- base_a\nalias bad] base_a\nalias char-major-10-236 mid\n"
                "alias devname:mid mid\nalias devname:not mid\n");
    assert_list(&r, "modules.symbols",
                "# Aliases for symbols, used by symbol_request().\nalias symbol:middle mid\n"
                "alias symbol:low base_a\n");
    assert_list(&r, "modules.softdep",
                "# Soft dependencies extracted from modules themselves.\nsoftdep mid pre: top\n");
    assert_list(&r, "modules.weakdep",
                "# Weak dependencies extracted from modules themselves.\nweakdep top mid\n");
    assert_list(&r, "modules.devname",
                "# Device nodes to trigger on-demand module loading.\nmid mid c10:236\n");
    const struct tree_node *made =
        tree_find(r.tree, "usr/lib/modules/6.1.0-1-amd64/modules.dep.bin", false);
    assert_int_equal(made->inode->mode, 0644);
    assert_int_equal(made->inode->mtime, 7);
    root_free(&r);
}

static void test_updates(void **state)
{
    (void)state;
    uint8_t bytes[MODULE];
    size_t len = make_module(bytes, "", "", "alias=new|");
    struct root r = root_new();
    put_module(&r, "x.ko", "", "", "alias=old|");
    put(&r, "usr/lib/modules/6.1.0-1-amd64/updates", "x.ko", bytes, len);
    put_text(&r, "usr/lib/modules/6.1.0-2-amd64", "modules.dep", "is there\n");
    put_text(&r, "usr/lib/modules/6.1.0-2-amd64", "no-module.ko", "is not looked at\n");
    assert_int_equal(finish(&r, &modules), 0);
    assert_list(&r, "modules.dep", "updates/x.ko:\n");
    assert_list(&r, "modules.alias", "# Aliases extracted from modules themselves.\nalias new x\n");
    root_free(&r);
}

static void test_compressed(void **state)
{
    (void)state;
    uint8_t bytes[MODULE];
    uint8_t packed[MODULE * 2];
    size_t used = 0;
    size_t len = make_module(bytes, "", "", "alias=packed|");
    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, bytes, len, packed, &used,
                                             sizeof(packed)),
                     LZMA_OK);
    struct root r = root_new();
    put_module(&r, "a.ko", "", "", "");
    put(&r, kernel, "x.ko.xz", packed, used);
    put_text(&r, dir, "modules.order", "kernel/x.ko\nkernel/a.ko\n");
    assert_int_equal(finish(&r, &modules), 0);
    assert_list(&r, "modules.dep", "kernel/x.ko.xz:\nkernel/a.ko:\n");
    root_free(&r);

    struct root cut = root_new();
    put(&cut, kernel, "x.ko.xz", packed, used / 2);
    assert_int_equal(finish(&cut, &modules), -ERR_INPUT);
    root_free(&cut);
}

/* The index of "ab" (twice), "abc" and "ad": what the keys have in common stands once. */
static void test_index(void **state)
{
    (void)state;
    AUTO_MODULE_INDEX x = MODULE_INDEX_INIT;
    AUTO_BUF out = BUF_INIT(4096);
    static const uint8_t wanted[] =
        "\xb0\x07\xf4\x57\0\2\0\1\x20\0\0\x3e"         /* the root is at 62: it has children */
        "\0\0\0\1\0\0\0\1c\0"                          /* 12: abc */
        "cc\x40\0\0\x0c\0\0\0\2\0\0\0\0x\0\0\0\0\2y\0" /* 22: ab; its values by priority */
        "\0\0\0\1\0\0\0\1z\0"                          /* 44: ad */
        "bd\x60\0\0\x16\0\0\0\0\x40\0\0\x2c";          /* 54: what begins with a */
    assert_int_equal(module_index_add(&x, "ab", "y", 2, &e), 0);
    assert_int_equal(module_index_add(&x, "ad", "z", 1, &e), 0);
    assert_int_equal(module_index_add(&x, "abc", "c", 1, &e), 0);
    assert_int_equal(module_index_add(&x, "ab", "x", 0, &e), 0);
    assert_int_equal(module_index_add(&x, "\xc3\xa4", "x", 0, &e), -ERR_INPUT);
    assert_int_equal(module_index_write(&x, &out, &e), 0);
    assert_memory_equal(out.data + 12, wanted + 12, sizeof(wanted) - 13);
    assert_memory_equal(out.data, wanted, 8);
}

/* ---- hostile ------------------------------------------------------------------------------------
 */

/* A byte that is wrong, and an end before its own, is refused or changes nothing else. */
static void test_damaged(void **state)
{
    (void)state;
    uint8_t bytes[MODULE];
    size_t len = make_module(bytes, "a b", "c d", "alias=x|");
    for (size_t i = 0; i < len; i++) {
        struct root r = root_new();
        bytes[i] = (uint8_t)~bytes[i];
        put(&r, kernel, "x.ko", bytes, len);
        bytes[i] = (uint8_t)~bytes[i];
        int rc = finish(&r, &modules);
        assert_true(rc == 0 || rc == -ERR_INPUT);
        root_free(&r);
    }
    for (size_t i = 0; i < len - sizeof(((struct layout *)0)->names); i += 7) {
        struct root r = root_new();
        put(&r, kernel, "x.ko", bytes, i);
        assert_int_equal(finish(&r, &modules), -ERR_INPUT);
        root_free(&r);
    }
}

static void refused(struct root *r, const char *wanted)
{
    char line[ERR_FRAME_MAX];
    assert_int_equal(finish(r, &modules), -ERR_INPUT);
    assert_string_equal(err_line(&e, line, sizeof(line)), wanted);
    root_free(r);
}

static void test_refused(void **state)
{
    (void)state;
    struct root circle = root_new();
    put_module(&circle, "a.ko", "in_a", "in_b", "");
    put_module(&circle, "b.ko", "in_b", "in_a", "");
    refused(&circle,
            "finish: modules: 'kernel/b.ko' is in a circle of modules that need each other");

    struct root other = root_new();
    put_text(&other, kernel, "a.ko", "#!/bin/sh\n");
    refused(&other,
            "finish: modules: 'usr/lib/modules/6.1.0-1-amd64/kernel/a.ko' is no sound kernel "
            "module: it is no ELF file");

    struct root lines = root_new();
    put_module(&lines, "a.ko", "", "", "alias=x\nalias y z|");
    refused(&lines, "finish: modules: 'kernel/a.ko' says 'alias=' with an end of line");

    struct root settings = root_new();
    put_module(&settings, "a.ko", "", "", "");
    put_text(&settings, "etc/depmod.d", "own.conf", "search updates built-in\n");
    refused(&settings,
            "finish: modules: 'etc/depmod.d/own.conf' has settings of depmod, which are not "
            "known here: exclude it, or set 'modules: false'");

    struct root none = root_new();
    put_text(&none, "usr/lib/modules/extra", "a.ko", "in no version\n");
    assert_int_equal(finish(&none, &modules), 0);
    root_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),      cmocka_unit_test(test_updates),
        cmocka_unit_test(test_compressed), cmocka_unit_test(test_index),
        cmocka_unit_test(test_damaged),    cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
