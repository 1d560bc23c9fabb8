/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/sequence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void letters(struct sequence *s, const char *text)
{
    struct err e = ERR_INIT;
    for (; *text != 0; text++)
        assert_int_equal(sequence_add(s, (const uint8_t *)text, 1, &e), 0);
}

/* How few letters must be taken out and put in, by the table that needs no thought. */
static size_t fewest(const char *a, const char *b)
{
    size_t table[32][32];
    size_t n = strlen(a);
    size_t m = strlen(b);
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            size_t best = i + j;
            if (i > 0 && table[i - 1][j] + 1 < best)
                best = table[i - 1][j] + 1;
            if (j > 0 && table[i][j - 1] + 1 < best)
                best = table[i][j - 1] + 1;
            if (i > 0 && j > 0 && a[i - 1] == b[j - 1] && table[i - 1][j - 1] < best)
                best = table[i - 1][j - 1];
            table[i][j] = best;
        }
    return table[n][m];
}

/* Blocks are in order, what is between them is equal, and they are as small as can be. */
static void check(const char *a, const char *b)
{
    struct err e = ERR_INIT;
    AUTO_SEQUENCE x = {0};
    AUTO_SEQUENCE y = {0};
    AUTO_FREE struct block *blocks = NULL;
    size_t count = 0;
    size_t edits = 0;
    size_t i = 0;
    size_t j = 0;
    letters(&x, a);
    letters(&y, b);
    assert_int_equal(sequences_number(&x, &y, &e), 0);
    assert_int_equal(sequences_differ(&x, &y, 100, &blocks, &count, &e), 0);
    assert_non_null(blocks);
    for (size_t k = 0; k <= count; k++) {
        const struct block end = {strlen(a), strlen(a), strlen(b), strlen(b)};
        const struct block *z = k < count ? &blocks[k] : &end;
        assert_true(z->a_start >= i && z->b_start >= j);
        assert_int_equal(z->a_start - i, z->b_start - j);
        assert_memory_equal(a + i, b + j, z->a_start - i);
        edits += z->a_end - z->a_start + z->b_end - z->b_start;
        i = z->a_end;
        j = z->b_end;
    }
    assert_int_equal(edits, fewest(a, b));
    /* With one edit less there is no answer. */
    if (edits > 0) {
        AUTO_FREE struct block *none = NULL;
        assert_int_equal(sequences_differ(&x, &y, edits - 1, &none, &count, &e), 0);
        assert_null(none);
    }
}

static void test_differ(void **state)
{
    (void)state;
    check("", "");
    check("", "abc");
    check("abc", "");
    check("abcabba", "cbabac");
    check("aaaa", "aa");
    check("xay", "xby");
    /* All words of up to five letters of two, against each other. */
    for (unsigned p = 1; p < 64; p++)
        for (unsigned q = 1; q < 64; q++) {
            char a[8] = {0};
            char b[8] = {0};
            for (unsigned i = 0; (p >> i) > 1; i++)
                a[i] = (char)('a' + (p >> i & 1));
            for (unsigned i = 0; (q >> i) > 1; i++)
                b[i] = (char)('a' + (q >> i & 1));
            check(a, b);
        }
}

static void test_share(void **state)
{
    struct err e = ERR_INIT;
    AUTO_SEQUENCE a = {0};
    AUTO_SEQUENCE b = {0};
    bool permuted = false;
    (void)state;
    letters(&a, "abcb");
    letters(&b, "bbac");
    assert_int_equal(sequences_number(&a, &b, &e), 0);
    assert_int_equal(sequences_permuted(&a, &b, &permuted, &e), 0);
    assert_true(permuted);
    letters(&b, "x");
    assert_int_equal(sequences_number(&a, &b, &e), 0);
    assert_int_equal(sequences_permuted(&a, &b, &permuted, &e), 0);
    assert_false(permuted);
    assert_int_equal(sequences_share(&a, &b, &e), 0);
    assert_int_equal(a.count, 4);
    assert_int_equal(b.count, 4);
}

static struct piece piece(const char *text)
{
    return (struct piece){(const uint8_t *)text, strlen(text), 0};
}

static void test_order(void **state)
{
    (void)state;
    const struct piece upper = piece("Beta");
    const struct piece lower = piece("alpha");
    const struct piece marked = piece("_a-lpha.");
    assert_true(piece_order(&upper, &lower) < 0);
    assert_true(piece_order_words(&upper, &lower) > 0);
    assert_int_equal(piece_order_words(&marked, &lower), 0);
    assert_true(piece_order(&marked, &lower) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differ),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
