/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/lines.h"

#include "verifier/explain/sequence.h"

#include <stdlib.h>

static int by_bytes(const void *a, const void *b)
{
    return piece_order(a, b);
}

bool lines_sorted(const struct hunk *text, struct buf *out)
{
    struct err e = ERR_INIT;
    AUTO_SEQUENCE lines = {0};
    if (sequence_lines(&lines, text->bytes, text->run, &e) < 0)
        return false;
    if (lines.count > 1)
        qsort(lines.list, lines.count, sizeof(*lines.list), by_bytes);
    for (size_t i = 0; i < lines.count; i++)
        if (buf_add(out, lines.list[i].text, lines.list[i].len, &e) < 0)
            return false;
    return true;
}

bool lines_collated(const struct hunk *a, const struct hunk *b)
{
    struct err e = ERR_INIT;
    AUTO_SEQUENCE x = {0};
    AUTO_SEQUENCE y = {0};
    if (sequence_lines(&x, a->bytes, a->run, &e) < 0 ||
        sequence_lines(&y, b->bytes, b->run, &e) < 0)
        return false;
    bool a_bytes = sequence_sorted(&x, piece_order);
    bool b_bytes = sequence_sorted(&y, piece_order);
    return a_bytes != b_bytes && sequence_sorted(a_bytes ? &y : &x, piece_order_words);
}
