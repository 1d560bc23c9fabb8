/* SPDX-License-Identifier: Apache-2.0 */
/* What locking is made of: package stanzas, dependencies, the list of inputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "builder/lock/apt.h"
#include "builder/lock/packages.h"
#include "builder/plan/locked.h"
#include "builder/plan/plan.h"

#include <string.h>

#define SUM "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STANZA                                                                                     \
    "Package: greeting\nVersion: 2:1.0-1\nArchitecture: riscv64\nSource: hello (1.0)\n"            \
    "Depends: a (>= 1), b:any |\n c [riscv64], d\nPre-Depends: e\n"                                \
    "Filename: pool/main/h/hello/x.deb\nSize: 12\nSHA256: " SUM "\n"

static int parse(const char *text, struct packages *out, struct err *e)
{
    return packages_parse(text, strlen(text), out, e);
}

static void test_stanza(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_PACKAGES list = {0};
    assert_int_equal(parse("\n" STANZA "Description: x\n more: of it\n\n\n" STANZA, &list, &e), 0);
    assert_int_equal(list.count, 2);
    const struct package *p = packages_find(&list, "greeting");
    assert_ptr_equal(p, &list.items[0]);
    assert_string_equal(p->source, "hello");
    assert_string_equal(p->version, "2:1.0-1");
    assert_string_equal(p->path, "pool/main/h/hello/x.deb");
    assert_int_equal(p->size, 12);
    assert_null(packages_find(&list, "hello"));
    static const char *const names[] = {"e", "a", "b", "c", "d"};
    static const bool alternatives[] = {false, false, false, true, false};
    const char *cursor = p->depends;
    char name[128];
    bool alternative;
    for (size_t i = 0; i < 5; i++) {
        assert_true(depends_next(&cursor, name, &alternative));
        assert_string_equal(name, names[i]);
        assert_int_equal(alternative, alternatives[i]);
    }
    assert_false(depends_next(&cursor, name, &alternative));
    AUTO_FREE char *file = NULL;
    assert_int_equal(apt_file(p, &file, &e), 0);
    assert_string_equal(file, "greeting_2%3a1.0-1_riscv64.deb");
}

static void test_stanza_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        const char *to;
    } cases[] = {
        {"Package: greeting\n", ""},
        {"Version: 2:1.0-1\n", "Version:\n"},
        {"Size: 12", "Size: 12x"},
        {"Size: 12", "Size: -1"},
        {"Size: 12", "Size: 9999999999999999"},
        {"Size: 12", "size: 12\nSize: 12"},
        {"SHA256: 0", "SHA256: "},
        {"SHA256: 0", "SHA256: X"},
        {"Filename: pool", "Filename: /pool"},
        {"Filename: pool", "Filename: ../pool"},
        {"Filename: pool/main", "Filename: pool/../main"},
        {"Architecture: riscv64\n", "no field name\n"},
        {"Package: greeting\n", " a line that continues nothing\nPackage: greeting\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_PACKAGES list = {0};
        char text[2048];
        const char *at = strstr(STANZA, cases[i].from);
        assert_non_null(at);
        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - STANZA), STANZA, cases[i].to,
                       at + strlen(cases[i].from));
        if (parse(text, &list, &e) != -ERR_INPUT)
            fail_msg("accepted: '%s'", cases[i].to);
    }
}

static json_t *origin(void)
{
    return json_pack("{s:{s:s}}", "file", "name", "x");
}

static void test_inputs(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_LOCKED l = {0};
    struct digest one;
    struct digest two;
    struct digest three;
    size_t index = 99;
    assert_int_equal(digest_bytes(DIGEST_SHA256, "1", 1, &one, &e), 0);
    assert_int_equal(digest_bytes(DIGEST_SHA256, "2", 1, &two, &e), 0);
    assert_int_equal(digest_bytes(DIGEST_SHA256, "3", 1, &three, &e), 0);
    assert_int_equal(locked_add_blob(&l, "deb.", "g++", &one, 1, origin(), &index, &e), 0);
    assert_int_equal(index, 0);
    assert_string_equal(l.blobs[0].id, "deb.g__");
    assert_int_equal(locked_add_blob(&l, "deb.", "other", &one, 1, origin(), &index, &e), 0);
    assert_int_equal(index, 0); /* the same bytes are one input */
    assert_int_equal(l.blob_count, 1);
    assert_int_equal(locked_add_blob(&l, "deb.", "g__", &two, 1, origin(), &index, &e), 0);
    assert_string_equal(l.blobs[1].id, "deb.g__.2");
    assert_int_equal(locked_add_blob(&l, "deb.", "G++", &three, 1, origin(), &index, &e), 0);
    assert_string_equal(l.blobs[2].id, "deb.g__.3");
    struct locked_image *image = NULL;
    assert_int_equal(locked_add_image(&l, "a", &image, &e), 0);
    assert_non_null(locked_image_find(&l, "a"));
    assert_null(locked_image_find(&l, "b"));
}

static void test_ids(void **state)
{
    (void)state;
    static const char *const names[] = {"linux-image-6.12+deb13", "docker.io/LK/a:v1@sha256:0", "",
                                        "\xc3\xbc", "a b\n"};
    struct err e = ERR_INIT;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        AUTO_FREE char *id = NULL;
        assert_int_equal(locked_id("image.", names[i], &id, &e), 0);
        assert_true(plan_id_valid(id));
    }
    char lengthy[400];
    memset(lengthy, 'x', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = '\0';
    AUTO_FREE char *id = NULL;
    assert_int_equal(locked_id("image.", lengthy, &id, &e), 0);
    assert_true(plan_id_valid(id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stanza),
        cmocka_unit_test(test_stanza_refused),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
