/* SPDX-License-Identifier: Apache-2.0 */
/* Where files have data, compared with the plainest way to find it. */
#include "tests/unit/encode_common.h"

#include "formats/tree/pieces.h"

enum { PAGE = 4096, PAGES_MAX = 64 };

static uint32_t seed = 1;

static uint32_t next(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

/* Pieces of units of that size, one comparison a unit. */
static size_t plain(const uint8_t *bytes, uint64_t size, uint64_t unit, struct tree_piece *out)
{
    static const uint8_t zeros[PAGES_MAX * PAGE];
    size_t count = 0;
    for (uint64_t at = 0; at < size; at += unit) {
        uint64_t len = size - at < unit ? size - at : unit;
        if (memcmp(bytes + at, zeros, len) == 0)
            continue;
        if (count > 0 && out[count - 1].offset + out[count - 1].len == at)
            out[count - 1].len += len;
        else
            out[count++] = (struct tree_piece){.offset = at, .len = len};
    }
    return count;
}

static void check(struct tree_reader *r, const struct tree_content *c, const uint8_t *bytes,
                  size_t max)
{
    struct tree_piece wanted[PAGES_MAX];
    struct tree_pieces p;
    uint64_t unit = PAGE;
    size_t count = plain(bytes, c->size, unit, wanted);
    while (count > max)
        count = plain(bytes, c->size, unit *= 2, wanted);
    assert_int_equal(tree_pieces_find(r, c, PAGE, max, &p, &e), 0);
    assert_int_equal(p.unit, unit);
    assert_int_equal(p.count, count);
    if (count > 0)
        assert_memory_equal(p.items, wanted, count * sizeof(*wanted));
    tree_pieces_dispose(&p);
}

static void test_random(void **state)
{
    (void)state;
    enum { FILES = 300 };
    static uint8_t bytes[PAGES_MAX * PAGE];
    for (unsigned i = 0; i < FILES; i++) {
        AUTO_TREE struct tree *t = new_tree();
        struct tree_packer *packer = new_packer(t);
        struct tree_reader *reader = NULL;
        size_t size = next() % sizeof(bytes) + 1;
        unsigned pages = next() % 40;
        memset(bytes, 0, sizeof(bytes));
        for (unsigned k = 0; k < pages; k++)
            bytes[next() % size] = 1;
        struct tree_node *before = add(t, "", "a", TREE_FILE, 0644);
        struct tree_node *file = add(t, "", "f", TREE_FILE, 0644);
        fill(packer, before, "before", 6);
        fill(packer, file, bytes, size);
        commit(packer);
        assert_int_equal(tree_reader_new(t, store, &reader, &e), 0);
        for (size_t max = 1; max <= 9; max += 2)
            check(reader, &file->inode->content, bytes, max);
        check(reader, &file->inode->content, bytes, 1000);
        tree_reader_free(reader);
    }
}

/* A reader that has been asked before says what a new one says, whatever was asked in what order.
 */
static void test_next_data_any_order(void **state)
{
    (void)state;
    enum { FILES = 6, RUNS = 5, RUN = 128 * 1024, QUESTIONS = 500 };
    static uint8_t bytes[RUN];
    static const char *const names[FILES] = {"a", "b", "c", "d", "e", "f"};
    const struct tree_content *contents[FILES];
    AUTO_TREE struct tree *t = new_tree();
    struct tree_packer *packer = new_packer(t);
    struct tree_reader *used = NULL;
    unsigned later = 0;
    memset(bytes, 1, sizeof(bytes));
    for (unsigned i = 0; i < FILES; i++) {
        struct tree_node *file = add(t, "", names[i], TREE_FILE, 0644);
        assert_int_equal(tree_packer_begin(packer, &e), 0);
        for (unsigned k = 0; k < RUNS;
             k++) /* data, zeros, data, …; the next file: zeros, data, … */
            assert_int_equal((i + k) % 2 == 0 ? tree_packer_write(packer, bytes, RUN - i, &e)
                                              : tree_packer_zeros(packer, RUN - i, &e),
                             0);
        assert_int_equal(tree_packer_end(packer, file->inode, &e), 0);
        contents[i] = &file->inode->content;
    }
    commit(packer);
    assert_int_equal(tree_reader_new(t, store, &used, &e), 0);
    for (unsigned n = 0; n < QUESTIONS; n++) {
        unsigned i = next() % FILES;
        uint64_t run = RUN - i;
        uint64_t offset = next() % (RUNS * run);
        struct tree_reader *fresh = NULL;
        assert_int_equal(tree_reader_new(t, store, &fresh, &e), 0);
        uint64_t answer = tree_reader_next_data(used, contents[i], offset);
        assert_true(answer == tree_reader_next_data(fresh, contents[i], offset));
        /* Whatever is skipped is zeros: it does not reach beyond the run that it is in. */
        bool zeros = (i + offset / run) % 2 == 1;
        assert_true(zeros ? answer <= (offset / run + 1) * run : answer == offset);
        later += answer > offset;
        tree_reader_free(fresh);
    }
    assert_true(later > 0);
    tree_reader_free(used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_next_data_any_order)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
