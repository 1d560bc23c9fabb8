/* SPDX-License-Identifier: Apache-2.0 */
/* Where an exchange may go, and what the lines of an answer say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/scope.h"
#include "net/http/http_answer.h"
#include "net/http/http_place.h"

#include <stdio.h>
#include <string.h>

static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *to;
        const char *url; /* NULL: refused, and */
        const char *why; /* this is said */
    } cases[] = {
        {"/x", "https://h.test/x", ""},
        {"c?d", "https://h.test/a/c?d", ""},
        {"//other.test/x", "https://other.test/x", ""},
        {"https://other.test:81/x", "https://other.test:81/x", ""},
        {"/a b", "https://h.test/a%20b", ""},
        {"", NULL, "'h.test' goes to nowhere"},
        {"http://h.test/x", NULL, "goes from https to http: refused"},
        {"file:///etc/passwd", NULL, "goes from https to file: refused"},
        {"ftp://h.test/", NULL, "goes from https to ftp: refused"},
        {"https://u@h.test/", NULL, "which names a user: refused"},
        {"https://:p@h.test/", NULL, "which names a user: refused"},
        {"https://[::1/x", NULL, "which is no URL: refused"},
        {"https://h.test:99999/", NULL, "which is no URL: refused"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        struct http_place place;
        AUTO_FREE char *url = NULL;
        char line[1024];
        int rc = http_place_follow("https://h.test/a/b", cases[i].to, "goes", &url, &place, &e);
        assert_int_equal(rc, cases[i].url != NULL ? 0 : -ERR_INPUT);
        if (rc == 0)
            assert_string_equal(url, cases[i].url);
        else if (strstr(err_line(&e, line, sizeof(line)), cases[i].why) == NULL)
            fail_msg("'%s' gives '%s'", cases[i].to, line);
    }
    assert_true(http_same_host("https://h.test/a", "https://h.test/b"));
    assert_false(http_same_host("https://h.test/a", "https://h.test:81/a"));
    assert_false(http_same_host("https://h.test/a", "http://h.test/a"));
}

static const char *say(struct http_answer *a, const char *line)
{
    return http_answer_line(a, line, strlen(line));
}

static void test_lines(void **state)
{
    (void)state;
    struct http_answer a;
    http_answer_clear(&a);
    assert_null(say(&a, "HTTP/1.1 206 Partial Content\r\n"));
    assert_null(say(&a, "content-range:  bytes 100-199/200\r\n"));
    assert_null(say(&a, "Location: /x\r\n"));
    assert_null(say(&a, "WWW-Authenticate: Basic realm=\"a\"\r\n"));
    assert_null(say(&a, "WWW-Authenticate: Bearer realm=\"b\"\r\n"));
    assert_null(say(&a, "Link: </v2/next>; rel=\"next\"\r\n"));
    assert_null(say(&a, "Link: </v2/other>; rel=\"prev\"\r\n"));
    assert_null(say(&a, "Range: 0-99\r\n"));
    assert_null(say(&a, "Docker-Content-Digest: sha256:00\r\n"));
    assert_null(say(&a, "Nonsense\r\n"));
    assert_int_equal(a.range_start, 100);
    assert_int_equal(a.taken, 100);
    assert_string_equal(a.location, "/x");
    assert_string_equal(a.challenge, "Basic realm=\"a\",Bearer realm=\"b\"");
    assert_string_equal(a.link, "/v2/next");
    assert_string_equal(a.digest, "sha256:00");
    assert_null(say(&a, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(a.location, "");
    assert_int_equal(a.range_start, UINT64_MAX);
    static const char *const names[] = {"Location", "Docker-Content-Digest", "OCI-Subject",
                                        "WWW-Authenticate"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char line[12000];
        int n = snprintf(line, sizeof(line), "%s: ", names[i]);
        memset(line + n, 'x', 10000);
        memcpy(line + n + 10000, "\r\n", 3);
        assert_string_equal(say(&a, line), names[i]);
    }
}

static void test_misplaced(void **state)
{
    (void)state;
    static const struct {
        long status;
        uint64_t start;
        uint64_t from;
        bool misplaced;
    } cases[] = {
        {206, 5, 5, false},          {206, 0, 0, false}, {206, 4, 5, true},
        {206, 6, 5, true},           {206, 0, 5, true},  {206, UINT64_MAX, 5, true},
        {206, UINT64_MAX, 0, false}, {206, 1, 0, true},  {200, UINT64_MAX, 5, false},
        {416, UINT64_MAX, 5, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_answer a;
        http_answer_clear(&a);
        a.status = cases[i].status;
        a.range_start = cases[i].start;
        assert_int_equal(http_misplaced(&a, cases[i].from), cases[i].misplaced);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_misplaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
