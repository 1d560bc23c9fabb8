/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runner/qmp.h"

#include <string.h>

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n{\"return\": {}}\r\n"
#define RESUMED "{\"timestamp\": {\"seconds\": 1}, \"event\": \"RESUME\"}\r\n"
#define PANICKED "{\"event\": \"GUEST_PANICKED\", \"data\": {\"action\": \"poweroff\"}}\r\n"
#define ENDED(reason)                                                                              \
    "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"" reason "\"}}\r\n"

/* Feeds the text in pieces of every size: where a read ends must not matter. */
static void tells(const char *text, bool started, bool panicked, const char *reason)
{
    size_t len = strlen(text);
    for (size_t piece = 1; piece <= len; piece++) {
        struct qmp q = {0};
        for (size_t at = 0; at < len; at += piece)
            assert_true(
                qmp_feed(&q, (const uint8_t *)text + at, len - at < piece ? len - at : piece));
        assert_int_equal(q.started, started);
        assert_int_equal(q.panicked, panicked);
        assert_string_equal(q.reason, reason);
    }
}

static void test_events(void **state)
{
    (void)state;
    tells(GREETING, false, false, "");
    tells(GREETING RESUMED, true, false, "");
    tells(GREETING RESUMED ENDED("guest-reset"), true, false, "guest-reset");
    tells(GREETING RESUMED PANICKED ENDED("guest-panic"), true, true, "guest-panic");
    tells(GREETING ENDED("host-qmp-quit"), false, false, "host-qmp-quit");
    tells(ENDED("longer than any reason that QEMU has a name for"), false, false,
          "longer than any reason that QEM");
}

/* What is not an event, or not a whole one, tells nothing. */
static void test_others(void **state)
{
    (void)state;
    tells("{\"event\": \"RESUME\"}", false, false, "");
    tells("\n\r\n{\n}\n[]\n7\nRESUME\n{\"event\": 7}\n{\"events\": \"RESUME\"}\n", false, false,
          "");
    tells("{\"event\": \"SHUTDOWN\"}\n{\"event\": \"SHUTDOWN\", \"data\": []}\n", false, false, "");
    tells("{\"return\": {\"event\": \"GUEST_PANICKED\"}}\n", false, false, "");
}

static void test_long(void **state)
{
    (void)state;
    static char line[QMP_LINE_MAX + 1];
    struct qmp q = {0};
    memset(line, ' ', sizeof(line));
    assert_true(qmp_feed(&q, (const uint8_t *)line, sizeof(line)));
    assert_true(qmp_feed(&q, (const uint8_t *)RESUMED, strlen(RESUMED)));
    assert_false(q.started);
    assert_true(qmp_feed(&q, (const uint8_t *)RESUMED, strlen(RESUMED)));
    assert_true(q.started);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
