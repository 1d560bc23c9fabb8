/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/cause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *cause_id(const struct difference *d)
{
    struct err e = ERR_INIT;
    const struct cause *c = NULL;
    assert_int_equal(cause_of(d, &c, &e), 0);
    return c->id;
}

static const char *field_cause(enum field_class class, uint64_t a, uint64_t b)
{
    const struct field x = {.name = "f", .class = class, .number = a};
    const struct field y = {.name = "f", .class = class, .number = b};
    const struct difference d = {.kind = DIFFERENCE_FIELD, .path = "", .a = &x, .b = &y};
    return cause_id(&d);
}

static void test_field_classes(void **state)
{
    (void)state;
    static const struct {
        enum field_class class;
        const char *id;
    } rows[] = {{FIELD_MEANING, "content.data"},
                {FIELD_TIME, "time.mtime"},
                {FIELD_TIME_MADE, "time.superblock"},
                {FIELD_OWNER, "owner.uid_gid"},
                {FIELD_OWNER_NAME, "owner.names"},
                {FIELD_XATTR, "xattr"},
                {FIELD_ID, "fs.uuid"},
                {FIELD_SEED, "fs.seed"},
                {FIELD_HOST, "host.name"},
                {FIELD_PATH, "path.build"},
                {FIELD_VERSION, "tool.version"},
                {FIELD_COMPRESSOR, "compress.tool"},
                {FIELD_FORMAT, "archive.format"},
                {FIELD_LAYOUT, "pack.layout"},
                {FIELD_CHECKSUM, "pack.checksum"},
                {FIELD_SIGNATURE, "signature.embedded"},
                {FIELD_ORDER, "order.hash"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(field_cause(rows[i].class, 1, 2), rows[i].id);
}

/* A umask takes bits away from one side; anything else about a mode is not one's doing. */
static void test_umask(void **state)
{
    (void)state;
    assert_string_equal(field_cause(FIELD_MODE, 0666, 0644), "mode.umask");
    assert_string_equal(field_cause(FIELD_MODE, 0750, 0777), "mode.umask");
    assert_string_equal(field_cause(FIELD_MODE, 0755, 0775), "mode.umask");
    assert_string_equal(field_cause(FIELD_MODE, 0755, 04755), "content.data");
    assert_string_equal(field_cause(FIELD_MODE, 0644, 0755), "content.data");
    assert_string_equal(field_cause(FIELD_MODE, 0664, 0646), "content.data");
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        enum difference_kind kind;
        const char *id;
    } rows[] = {{DIFFERENCE_ONLY_A, "absent"},        {DIFFERENCE_ONLY_B, "extra"},
                {DIFFERENCE_MOVED, "moved"},          {DIFFERENCE_ORDER, "order.entries"},
                {DIFFERENCE_PACKING, "pack.layout"},  {DIFFERENCE_UNREAD, "unread"},
                {DIFFERENCE_CONTENT, "content.data"}, {DIFFERENCE_TYPE, "content.data"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct difference d = {.kind = rows[i].kind, .path = "x"};
        assert_string_equal(cause_id(&d), rows[i].id);
    }
}

static const char *text_cause(const char *a, const char *b)
{
    size_t head = 0;
    size_t tail = 0;
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    while (a[head] == b[head])
        head++;
    while (tail < a_len - head && tail < b_len - head && a[a_len - 1 - tail] == b[b_len - 1 - tail])
        tail++;
    const struct difference d = {.kind = DIFFERENCE_CONTENT,
                                 .path = "x",
                                 .hunk_a = {.bytes = (const uint8_t *)a,
                                            .before = head,
                                            .run = a_len - head - tail,
                                            .after = tail,
                                            .offset = head},
                                 .hunk_b = {.bytes = (const uint8_t *)b,
                                            .before = head,
                                            .run = b_len - head - tail,
                                            .after = tail,
                                            .offset = head}};
    return cause_id(&d);
}

/* A word within a line: what stands around it is judged elsewhere. */
static const char *word_cause(const char *a, const char *b)
{
    struct difference d = {.kind = DIFFERENCE_CONTENT, .path = "x"};
    const char *texts[2] = {a, b};
    char plain[2][128];
    struct hunk *hunks[2] = {&d.hunk_a, &d.hunk_b};
    for (size_t i = 0; i < 2; i++) {
        size_t before = (size_t)(strchr(texts[i], '{') - texts[i]);
        const char *close = strchr(texts[i], '}');
        size_t run = (size_t)(close - texts[i]) - before - 1;
        (void)snprintf(plain[i], sizeof(plain[i]), "%.*s%.*s%s", (int)before, texts[i], (int)run,
                       texts[i] + before + 1, close + 1);
        *hunks[i] = (struct hunk){.bytes = (const uint8_t *)plain[i],
                                  .before = before,
                                  .run = run,
                                  .after = strlen(close + 1),
                                  .apart_before = before,
                                  .apart_after = strlen(close + 1)};
    }
    return cause_id(&d);
}

/* The word in braces is the one that differs. */
static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        const char *id;
    } rows[] = {
        {"hostname: {alpha}", "hostname: {beta}", "host.name"},
        {"built on {alpha.example}", "built on {b}", "host.name"},
        {"BUILD_HOST={a-1}", "BUILD_HOST={b-2}", "host.name"},
        {"hostname: {alpha}", "hostname: {12}", "content.data"},
        {"ghost: {alpha}", "ghost: {beta}", "content.data"},
        {"user={joe}", "user={root}", "user.name"},
        {"superuser={joe}", "superuser={root}", "content.data"},
        {"compiled by {joe}", "compiled by {root}", "user.name"},
        {"uname {6.1.0-28-amd64}", "uname {6.5.1}", "kernel.uname"},
        {"uname {6.1.0-28-amd64}", "uname {other}", "content.data"},
        {"make {-j8}", "make {-j12}", "cpu.count"},
        {"nproc: {8}", "nproc: {16}", "cpu.count"},
        {"nproc: {8}", "nproc: {100000}", "content.data"},
        {"price: {8}", "price: {16}", "content.data"},
        {"x {1b4e28ba-2fa1-11d2-883f-0016d3cca427}", "x {00000000-2fa1-11d2-883f-0016d3cca427}",
         "random.id"},
        {"nonce={0123456789abcdef}", "nonce={fedcba9876543210}", "random.id"},
        {"nonce={0123456789abcdef}", "nonce={fedcba98}", "content.data"},
        {"sum={0123456789abcdef}", "sum={fedcba9876543210}", "content.data"},
        {"LANG={C}", "LANG={de_DE.UTF-8}", "locale"},
        {"LANG={C}", "LANG={x}", "content.data"},
        {"generated by tool {1.2}", "generated by tool {1.3~rc1}", "tool.version"},
        {"needs tool {1.2}", "needs tool {1.3}", "content.data"},
        {"at {2026-11-29T10:00:00Z}", "at {2026-11-29T11:00:00+01:00}", "tz"},
        {"{Sun Nov 29 10:00:00 UTC 2026}", "{Sun Nov 29 05:00:00 EST 2026}", "tz"},
        {"{Sun Nov 29 10:00:00 UTC 2026}", "{Sun Nov 29 05:00:01 EST 2026}", "time.embedded"},
        {"{Sun 29 Nov 2026 01:00:00 PM UTC}", "{Sun Nov 29 13:00:00 UTC 2026}", "tz"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(word_cause(rows[i].a, rows[i].b), rows[i].id);
        assert_string_equal(word_cause(rows[i].b, rows[i].a), rows[i].id);
    }
}

/* The same lines in another order: somebody's sorting. Nothing else about lines is explained. */
static void test_lines(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        const char *id;
    } rows[] = {
        {"Beta\nalpha\n", "alpha\nBeta\n", "locale"},
        {"a\nb\nc\n", "c\na\nb\n", "order.entries"},
        {"a\nb\nc\n", "c\na\nx\n", "content.data"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct difference d = {
            .kind = DIFFERENCE_LINES,
            .path = "x",
            .hunk_a = {.bytes = (const uint8_t *)rows[i].a, .run = strlen(rows[i].a)},
            .hunk_b = {.bytes = (const uint8_t *)rows[i].b, .run = strlen(rows[i].b)}};
        assert_string_equal(cause_id(&d), rows[i].id);
    }
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        const char *id;
    } rows[] = {
        {"built 2026-11-29T10:00:00Z.", "built 2026-11-30T11:22:33Z.", "time.embedded"},
        {"Sun Nov 29 10:00:00 2026", "Mon Nov 30 09:59:59 2026", "time.embedded"},
        {"Sun, 29 Nov 2026 10:00:00 +0000", "Mon, 30 Nov 2026 09:59:59 +0200", "time.embedded"},
        {"Nov 29 2026", "Dec  1 2026", "time.embedded"},
        {"at 10:00:00.5", "at 23:01:07", "time.embedded"},
        {"t=1764000000;", "t=1796003126;", "time.embedded"},
        /* A date and more than a date. */
        {"built 2026-11-29 yes", "built 2026-11-30 no", "content.data"},
        {"2026-11-29", "2026-13-29", "content.data"},
        {"123456", "123457", "content.data"},
        {"version 1.2.3", "version 1.2.4", "content.data"},
        {"/build/one/src/a.c:7", "/tmp/x/src/a.c:7", "path.build"},
        {"in \"/home/a/p/lib.c\"", "in \"/home/bb/p/lib.c\"", "path.build"},
        {"/build/one/src/a.c", "/build/one/src/b.c", "content.data"},
        {"/usr/bin/a", "/usr/bin/b", "content.data"},
        {"one/src/a.c", "two/src/a.c", "content.data"},
        {"/a/x.c and 1", "/b/x.c and 2", "content.data"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(text_cause(rows[i].a, rows[i].b), rows[i].id);
        assert_string_equal(text_cause(rows[i].b, rows[i].a), rows[i].id);
    }
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < cause_count; i++) {
        assert_ptr_equal(cause_find(causes[i]->id), causes[i]);
        assert_true(strlen(causes[i]->title) > 0 && strlen(causes[i]->advice) > 0);
    }
    assert_null(cause_find("no.such"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_field_classes), cmocka_unit_test(test_umask),
        cmocka_unit_test(test_kinds),         cmocka_unit_test(test_texts),
        cmocka_unit_test(test_words),         cmocka_unit_test(test_lines),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
