/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps of sparse files, in each of the forms that archives have them: one that is kept is ordered,
 * does not overlap, and is walked from the file's beginning to its end, each byte once.
 */
#include "base/buf.h"
#include "formats/tar/tar_header.h"
#include "formats/tar/tar_map.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void walk(struct tar_map *m, uint64_t size)
{
    uint64_t at = 0;
    uint64_t stored = 0;
    for (size_t i = 0;; i++) {
        bool is_data = false;
        uint64_t run = tar_map_run(m, &is_data);
        if (run == 0)
            break;
        must(i <= 2 * m->count + 1 && run <= size - at);
        uint64_t half = run / 2;
        tar_map_take(m, half); /* in two halves */
        bool same = false;
        must(half == run || (tar_map_run(m, &same) == run - half && same == is_data));
        tar_map_take(m, run - half);
        at += run;
        stored += is_data ? run : 0;
    }
    must(at == size && stored == m->data);
}

static void check(struct tar_map *m)
{
    struct err e = ERR_INIT;
    uint64_t before = 0;
    uint64_t sum = 0;
    must(m->count <= TAR_PIECES_MAX);
    for (size_t i = 0; i < m->count; i++) {
        must(m->pieces[i].offset >= before);
        before = m->pieces[i].offset + m->pieces[i].len;
        must(before >= m->pieces[i].offset && before <= INT64_MAX);
        sum += m->pieces[i].len;
    }
    must(sum == m->data);
    must(tar_map_close(m, before, sum + 1, &e) < 0);
    must(before == 0 || tar_map_close(m, before - 1, sum, &e) < 0);
    must(tar_map_close(m, before, sum, &e) == 0);
    walk(m, before);
    uint64_t more = before < INT64_MAX - 5 ? before + 5 : before;
    must(tar_map_close(m, more, sum, &e) == 0);
    walk(m, more);
}

static int add_blocks(struct tar_map *m, const uint8_t *data, size_t size, struct err *e)
{
    struct tar_map_text text = {0};
    uint8_t block[TAR_BLOCK];
    bool done = false;
    int rc = 0;
    while (rc == 0 && !done && size > 0) {
        size_t part = size < TAR_BLOCK ? size : TAR_BLOCK;
        memset(block, 0, sizeof(block));
        memcpy(block, data, part);
        rc = tar_map_add_block(m, &text, block, &done, e);
        data += part;
        size -= part;
    }
    must(rc < 0 || !done || (text.left == 0 && !text.odd));
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    for (int form = 0; form < 3; form++) {
        struct tar_map m = {0};
        int rc = form == 0   ? tar_map_add_text(&m, data, size, &e)
                 : form == 1 ? tar_map_add_fields(&m, data, size / TAR_PIECE, &e)
                             : add_blocks(&m, data, size, &e);
        if (rc == 0)
            check(&m);
        else
            must(rc == -ERR_INPUT);
        tar_map_dispose(&m);
    }
    return 0;
}
