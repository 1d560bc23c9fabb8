/* SPDX-License-Identifier: Apache-2.0 */
/* What of a place may be shown, and what of other programs' words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/place.h"

#include <string.h>

static void test_shown(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"a/b:1", "a/b:1"},
        {"localhost:5000/a/b", "localhost:5000/a/b"},
        {"[::1]:5000/a", "[::1]:5000/a"},
        {"a/b@sha256:00", "a/b@sha256:00"},
        {"host:5000/a@sha256:00", "host:5000/a@sha256:00"},
        {"a/b@1.0", "a/b@1.0"},
        {"https://host/pkg@1.0", "https://host/pkg@1.0"},
        {"file:///srv/a", "file:///srv/a"},
        {"user:pw@host/a", "…@host/a"},
        {"user:pw@host/a@sha256:00", "…@host/a@sha256:00"},
        {"user:p/w@host/a", "…@host/a"},
        {"user:p@w@host/a", "…@host/a"},
        {"user:12/34@host/a", "…@host/a"},
        {"token@host/a", "…@host/a"},
        {"docker.io/token@host/a", "…@host/a"},
        {"docker.io/token@host/a@sha256:00", "…@host/a@sha256:00"},
        {"https://user:pw@host/a", "https://…@host/a"},
        {"https://token@host/a", "https://…@host/a"},
        {"https://user:p/w@host/a", "https://…@host/a"},
        {"https://user:p?w@host/a", "https://…@host/a"},
        {"https://user:p w@host/a", "https://…@host/a"},
        {"https://user:p://w@host/a", "https://…@host/a"},
        {"https://host/a?sig=pw", "https://host/a?…"},
        {"https://host/a#pw", "https://host/a?…"},
        {"https://user:pw@host/a?sig=pw&x=@", "https://…@"},
        {"HOST=user:pw@mirror", "…@mirror"},
        {"://pw@", "…@"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(PLACE_SHOWN(cases[i][0]), cases[i][1]);
    char longer[1000];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(strlen(PLACE_SHOWN(longer)), PLACE_SHOWN_MAX - 1);
}

static void test_public(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"https://host/a?sig=pw", "https://host/a"},
        {"https://user:pw@host/a?x#y", "https://host/a"},
        {"https://host/a#y", "https://host/a"},
        {"https://host/a@1", "https://host/a@1"},
        {"../dir", "../dir"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_FREE char *text = NULL;
        assert_int_equal(place_public(cases[i][0], &text, &e), 0);
        assert_string_equal(text, cases[i][1]);
    }
}

static void test_messages(void **state)
{
    (void)state;
    static const char *const env[] = {
        "PATH=/bin:user@pw",          "no_proxy=pw",
        "http_proxy=user:s%33cr3t@p", "https_proxy=http://u:p@ss w/rd@host:1",
        "ALL_PROXY=http://x:1",       NULL};
    static const char hidden[] = "what it says is not shown: a proxy's password is in it";
    static const char *const cases[][2] = {
        {"", ""},
        {"no URL: at all", "no URL: at all"},
        {"unable to access 'https://host/x?token=pw/': Could not resolve host: host",
         "unable to access 'https://host/x?…': Could not resolve host: host"},
        {"see https://u:pw@h/x and http://h/y.", "see https://…@h/x and http://h/y."},
        {"bad 'http://u:a b'c@h', sorry", "bad 'http://…@h', sorry"},
        {"bad <ftp://u:a@h>", "bad <ftp://…@h>"},
        {"\"https://u:a@h", "\"https://…@h"},
        {":// x://y@", ":// x://…@"},
        {"unsupported proxy syntax in 'http://user:s%33cr3t@p'", hidden},
        {"proxy said s3cr3t", hidden},
        {"in p@ss w/rd", hidden},
        {"http://x:1 refused", "http://x:1 refused"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[PLACE_MESSAGE_MAX];
        assert_string_equal(place_message(cases[i][0], env, out), cases[i][1]);
    }
    char out[PLACE_MESSAGE_MAX];
    assert_string_equal(place_message("s3cr3t", NULL, out), "s3cr3t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_public),
        cmocka_unit_test(test_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
