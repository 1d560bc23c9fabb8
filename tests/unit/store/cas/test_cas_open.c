/* SPDX-License-Identifier: Apache-2.0 */
/* Making and opening blob stores: what is one, and what is refused. */
#include "tests/unit/store/cas/cas_common.h"

static void test_create(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct cas *cas = NULL;
    fails(cas_open(store, 0, &cas, &e), ERR_INPUT, &e, "cannot open store");
    fails(cas_open(store, CAS_READ_ONLY | CAS_CREATE, &cas, &e), ERR_INPUT, &e, "cannot open");
    cas_close(open_store(CAS_CREATE));
    AUTO_FREE char *layout = at("oci-layout");
    AUTO_FREE char *index = at("index.json");
    AUTO_BUF text = BUF_INIT(1000);
    assert_int_equal(file_read(layout, &text, &e), 0);
    assert_string_equal(buf_str(&text), "{\"imageLayoutVersion\":\"1.0.0\"}");
    assert_int_equal(access(index, R_OK), 0);
    assert_int_equal(entries("tmp"), 0);
    cas_close(open_store(CAS_CREATE));
    cas_close(open_store(0));
    cas_close(open_store(CAS_READ_ONLY));
    cas_close(NULL);
}

static void test_create_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct cas *cas = NULL;
    AUTO_FREE char *other = at("letter.txt");
    assert_int_equal(mkdir(store, 0755), 0);
    fails(cas_open(store, 0, &cas, &e), ERR_INPUT, &e, "'oci-layout' is missing");
    assert_int_equal(file_replace(other, "x", 1, 0644, &e), 0);
    fails(cas_open(store, CAS_CREATE, &cas, &e), ERR_INPUT, &e, "holds 'letter.txt'");
    assert_int_equal(entries("."), 1);
}

/* What a creation that was killed leaves is taken up again. */
static void test_create_resumed(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *temp = at("tmp");
    AUTO_FREE char *half = at("tmp/w1-1");
    assert_int_equal(dir_make(temp, &e), 0);
    assert_int_equal(file_replace(half, "half", 4, 0600, &e), 0);
    AUTO_CAS struct cas *cas = open_store(CAS_CREATE);
    struct digest digest;
    put(cas, "x", &digest);
    assert_int_equal(entries("tmp"), 0);
}

static void test_layout_hostile(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"imageLayoutVersion\":\"2.0.0\"}",
        "{\"imageLayoutVersion\":1}",
        "{\"imageLayoutVersion\":\"1.0.0\",\"imageLayoutVersion\":\"1.0.0\"}",
        "{"};
    cas_close(open_store(CAS_CREATE));
    AUTO_FREE char *layout = at("oci-layout");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cas *cas = NULL;
        assert_int_equal(file_replace(layout, bad[i], strlen(bad[i]), 0644, &e), 0);
        fails(cas_open(store, 0, &cas, &e), ERR_INPUT, &e, "");
        fails(cas_open(store, CAS_CREATE, &cas, &e), ERR_INPUT, &e, "");
    }
    static const char more[] = "{\"imageLayoutVersion\":\"1.0.0\",\"else\":1}\n";
    assert_int_equal(file_replace(layout, more, strlen(more), 0644, &e), 0);
    cas_close(open_store(0));
}

static void test_linked_directories(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct cas *cas = NULL;
    cas_close(open_store(CAS_CREATE));
    AUTO_FREE char *blobs = at("blobs");
    AUTO_FREE char *moved = at("elsewhere");
    assert_int_equal(rename(blobs, moved), 0);
    assert_int_equal(symlink("elsewhere", blobs), 0);
    fails(cas_open(store, 0, &cas, &e), ERR_INPUT, &e, "cannot open directory 'blobs'");
    fails(cas_open(store, CAS_READ_ONLY, &cas, &e), ERR_INPUT, &e, "cannot open directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create),         TEST(test_create_refused),     TEST(test_create_resumed),
        TEST(test_layout_hostile), TEST(test_linked_directories),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
