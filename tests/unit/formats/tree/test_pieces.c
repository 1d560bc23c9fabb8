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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
