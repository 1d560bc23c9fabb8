/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_references(void **state)
{
    static const char *const references[] = {
        "registry.example/app:1",
        "registry.example:5000/team/app:1.2-rc_3",
        "registry.example/app@sha256:" HEX,
        "registry.example/app:1@sha256:" HEX,
        "localhost/app:1",
        "127.0.0.1:5000/a/b:c",
        "[::1]:5000/app:1",
        "[::1]/app@sha256:" HEX,
        "host:1/app:latest",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
        if (!remote_is_reference(references[i]))
            fail_msg("'%s' is a reference", references[i]);
}

static void test_files(void **state)
{
    static const char *const files[] = {
        "",
        "app:1",
        "out/app:1",
        "./app:1",
        "../app:1",
        "/abs.olute/app:1",
        "registry.example/app",
        "registry.example:5000/app",
        "registry.example/a:b/app",
        "registry.example/app*:1",
        "registry.example/app:[12]",
        "[ab]/app:1",
        "[a:b/app:1",
        "[",
        "[/",
        "user:secret@registry.example/app:1",
        "https://registry.example/app:1",
        "-o.x/app:1",
        "a b.c/app:1",
        "registry.example/caf\xc3\xa9:1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (remote_is_reference(files[i]))
            fail_msg("'%s' is no reference", files[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
