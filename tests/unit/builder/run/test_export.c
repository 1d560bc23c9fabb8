/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts into a directory: all or nothing, never over something that is not an artifact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "builder/run/export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char *dir;
static char *out;
static struct cas *cas;

static int setup(void **state)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *store = NULL;
    (void)state;
    return dir_make_temp("/tmp", "assay-test-export.", &dir, &e) < 0 ||
                   path_join(&store, dir, "store", &e) < 0 || path_join(&out, dir, "out", &e) < 0 ||
                   cas_open(store, CAS_CREATE, &cas, &e) < 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    cas_close(cas);
    int rc = dir_remove(dir, &e);
    free(dir);
    free(out);
    return rc;
}

/* `name` beneath the output directory; valid until the next call. */
static const char *at(const char *name)
{
    static char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", out, name);
    return path;
}

static void holds(const char *name, const char *text)
{
    struct err e = ERR_INIT;
    AUTO_BUF data = BUF_INIT(4096);
    assert_int_equal(file_read(at(name), &data, &e), 0);
    assert_string_equal(buf_str(&data), text);
}

static size_t entries(void)
{
    size_t count = 0;
    AUTO_CLOSEDIR DIR *d = opendir(out);
    assert_non_null(d);
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    return count;
}

static void put(const char *name, const char *text)
{
    struct err e = ERR_INIT;
    assert_int_equal(file_replace(at(name), text, strlen(text), 0600, &e), 0);
}

static struct export_item blob(const char *name, const char *text)
{
    struct err e = ERR_INIT;
    struct export_item item = {.name = name};
    assert_int_equal(cas_put(cas, text, strlen(text), &item.digest, &e), 0);
    return item;
}

static void test_files(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct stat st;
    struct export_item items[] = {blob("a", "one"), {.name = "b", .data = "two", .len = 3}};
    assert_int_equal(export_check(out, items, 2, &e), 0);
    assert_int_equal(export_write(out, cas, items, 2, &e), 0);
    holds("a", "one");
    holds("b", "two");
    assert_int_equal(stat(at("b"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    items[0] = blob("a", "three");
    assert_int_equal(export_write(out, cas, items, 2, &e), 0);
    holds("a", "three");
    assert_int_equal(entries(), 2);
}

/* The second cannot be written, so the first keeps what it was. */
static void test_all_or_nothing(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct export_item items[] = {blob("a", "new"), {.name = "b"}};
    items[1].digest = items[0].digest;
    items[1].digest.bytes[0] ^= 1;
    assert_int_equal(export_check(out, items, 2, &e), 0);
    put("a", "old");
    assert_int_equal(export_write(out, cas, items, 2, &e), -ERR_INPUT);
    holds("a", "old");
    assert_int_equal(entries(), 1);
}

static void test_stale_staging(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    const struct export_item item = blob("a", "new");
    assert_int_equal(export_check(out, &item, 1, &e), 0);
    assert_int_equal(dir_make(at(".assay-build.dead/deep"), &e), 0);
    put(".assay-build.dead/deep/file", "left");
    assert_int_equal(export_write(out, cas, &item, 1, &e), 0);
    assert_int_equal(entries(), 1);
}

static void test_directories_stay(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct export_item item = blob("a", "new");
    assert_int_equal(dir_make(out, &e), 0);
    assert_int_equal(dir_make(at("a"), &e), 0);
    put("a/mine", "mine");
    assert_int_equal(export_check(out, &item, 1, &e), -ERR_USAGE);
    assert_int_equal(export_write(out, cas, &item, 1, &e), -ERR_USAGE);
    item.form = EXPORT_MACHINE;
    put("a/config.json", "{}");
    assert_int_equal(export_check(out, &item, 1, &e), -ERR_USAGE);
    put("a/hash_tree.sht", "");
    assert_int_equal(export_check(out, &item, 1, &e), 0);
    item.form = EXPORT_LAYOUT;
    assert_int_equal(export_check(out, &item, 1, &e), -ERR_USAGE);
    holds("a/mine", "mine");
    put("a/oci-layout", "{}");
    assert_int_equal(export_check(out, &item, 1, &e), 0);
    /* A file is no layout, a link to one is not either. */
    item.name = "b";
    put("b", "file");
    assert_int_equal(export_check(out, &item, 1, &e), -ERR_USAGE);
    assert_int_equal(symlink("a", at("c")), 0);
    item.name = "c";
    assert_int_equal(export_check(out, &item, 1, &e), -ERR_USAGE);
}

static void test_link_is_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    const struct export_item item = blob("a", "new");
    assert_int_equal(dir_make(out, &e), 0);
    put("other", "precious");
    assert_int_equal(symlink("other", at("a")), 0);
    assert_int_equal(export_check(out, &item, 1, &e), -ERR_USAGE);
    assert_int_equal(export_write(out, cas, &item, 1, &e), -ERR_USAGE);
    holds("other", "precious");
    holds("a", "precious"); /* by the link, which stays */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_or_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_staging, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directories_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_link_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
