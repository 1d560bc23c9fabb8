/* SPDX-License-Identifier: Apache-2.0 */
/* Streams with a thread in them: the bytes, the end and the errors are those without one. (What a
 * thread uses stands before its relay, which so goes first.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "formats/stream/relay.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 3 * 1024 * 1024 };

static struct err e;

/* Bytes that say where they are, and perhaps an error behind `fails`. */
struct made {
    uint64_t at;
    uint64_t end;
    uint64_t fails;
    size_t step; /* at most so many at once */
};

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at ^ at >> 8 ^ at >> 16);
}

static int make(void *context, void *data, size_t len, size_t *got, struct err *err)
{
    struct made *m = context;
    uint8_t *p = data;
    if (m->at >= m->fails)
        return err_set(err, ERR_INPUT, "failed at %llu", (unsigned long long)m->at);
    size_t n = 0;
    for (; n < len && n < m->step && m->at < m->end && m->at < m->fails; n++)
        p[n] = byte_at(m->at++);
    *got = n;
    return 0;
}

/* Reads pieces of `step` bytes; the number that came before the end or the error. */
static uint64_t read_all(const struct source *s, size_t step, int *rc)
{
    static uint8_t piece[MOST];
    uint64_t at = 0;
    size_t got = 1;
    *rc = 0;
    while (*rc == 0 && got > 0) {
        *rc = s->read(s->context, piece, step, &got, &e);
        for (size_t i = 0; *rc == 0 && i < got; i++)
            assert_int_equal(piece[i], byte_at(at++));
    }
    return at;
}

static void test_source(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 262143, 262144, 262145, 1048576, 1048577, MOST};
    static const size_t steps[] = {1000, 262144, 300000, MOST};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (size_t k = 0; k < 16; k++) {
            struct made m = {.end = sizes[i], .fails = UINT64_MAX, .step = steps[k / 4]};
            AUTO_SOURCE_RELAY struct source_relay *r = NULL;
            const struct source from = {.context = &m, .read = make};
            int rc = 0;
            assert_int_equal(source_relay_new(&from, &r, &e), 0);
            const struct source s = source_relay_source(r);
            assert_int_equal(read_all(&s, steps[k % 4], &rc), sizes[i]);
            assert_int_equal(rc, 0);
            assert_int_equal(read_all(&s, steps[k % 4], &rc), 0); /* the end stays */
            assert_int_equal(rc, 0);
        }
}

/* What came before the error is given out first. */
static void test_source_error(void **state)
{
    (void)state;
    static const uint64_t places[] = {0, 1, 262144, 262145, 2000000};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct made m = {.end = MOST, .fails = places[i], .step = 5000};
        AUTO_SOURCE_RELAY struct source_relay *r = NULL;
        const struct source from = {.context = &m, .read = make};
        char line[128];
        int rc = 0;
        assert_int_equal(source_relay_new(&from, &r, &e), 0);
        const struct source s = source_relay_source(r);
        assert_int_equal(read_all(&s, 7000, &rc), places[i]);
        assert_int_equal(rc, -ERR_INPUT);
        assert_non_null(strstr(err_line(&e, line, sizeof(line)), "failed at"));
    }
}

/* Who reads may go away at any time. */
static void test_source_left(void **state)
{
    (void)state;
    for (uint64_t left = 0; left < 2000000; left += 190000) {
        struct made m = {.end = UINT64_MAX, .fails = UINT64_MAX, .step = MOST};
        AUTO_SOURCE_RELAY struct source_relay *r = NULL;
        const struct source from = {.context = &m, .read = make};
        assert_int_equal(source_relay_new(&from, &r, &e), 0);
        const struct source s = source_relay_source(r);
        uint8_t byte[1000];
        size_t got = 0;
        for (uint64_t at = 0; at < left; at += got)
            assert_int_equal(s.read(s.context, byte, sizeof(byte), &got, &e), 0);
    }
}

/* ---- sinks -------------------------------------------------------------------------- */

struct taken {
    uint64_t at;
    uint64_t fails;
};

static int take(void *context, const void *data, size_t len, struct err *err)
{
    struct taken *t = context;
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        if (t->at == t->fails)
            return err_set(err, ERR_HOST, "full");
        if (p[i] != byte_at(t->at))
            abort(); /* not on the thread that may fail the test */
        t->at++;
    }
    return 0;
}

static int write_all(const struct sink *s, uint64_t count, size_t step)
{
    static uint8_t piece[MOST];
    for (uint64_t at = 0; at < count;) {
        size_t n = count - at < step ? (size_t)(count - at) : step;
        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(at + i);
        int rc = sink_write(s, piece, n, &e);
        if (rc < 0)
            return rc;
        at += n;
    }
    return 0;
}

static void test_sink(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 262143, 262144, 262145, 1048577, MOST};
    static const size_t steps[] = {1000, 262144, 300000, MOST};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (size_t k = 0; k < 4; k++) {
            struct taken t = {.fails = UINT64_MAX};
            AUTO_SINK_RELAY struct sink_relay *r = NULL;
            const struct sink to = {.context = &t, .write = take};
            assert_int_equal(sink_relay_new(&to, &r, &e), 0);
            const struct sink s = sink_relay_sink(r);
            assert_int_equal(write_all(&s, sizes[i], steps[k]), 0);
            assert_int_equal(sink_relay_finish(r, &e), 0);
            assert_int_equal(t.at, sizes[i]);
        }
}

/* An error comes with a later write, or at the end; never is it lost. */
static void test_sink_error(void **state)
{
    (void)state;
    static const uint64_t places[] = {0, 1, 262144, 262145, MOST - 1};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct taken t = {.fails = places[i]};
        AUTO_SINK_RELAY struct sink_relay *r = NULL;
        const struct sink to = {.context = &t, .write = take};
        char line[128];
        assert_int_equal(sink_relay_new(&to, &r, &e), 0);
        const struct sink s = sink_relay_sink(r);
        int rc = write_all(&s, MOST, 5000);
        if (rc == 0)
            rc = sink_relay_finish(r, &e);
        assert_int_equal(rc, -ERR_HOST);
        assert_string_equal(err_line(&e, line, sizeof(line)), "full");
        assert_int_equal(t.at, places[i]);
    }
}

/* Who writes may give up at any time: the rest is not written. */
static void test_sink_left(void **state)
{
    (void)state;
    for (uint64_t left = 0; left < 2000000; left += 190000) {
        struct taken t = {.fails = UINT64_MAX};
        AUTO_SINK_RELAY struct sink_relay *r = NULL;
        const struct sink to = {.context = &t, .write = take};
        assert_int_equal(sink_relay_new(&to, &r, &e), 0);
        const struct sink s = sink_relay_sink(r);
        assert_int_equal(write_all(&s, left, 1000), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source),      cmocka_unit_test(test_source_error),
        cmocka_unit_test(test_source_left), cmocka_unit_test(test_sink),
        cmocka_unit_test(test_sink_error),  cmocka_unit_test(test_sink_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
