/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/date.h"
#include "verifier/explain/token.h"

/* The line with a mark in the place of each date; the differing run must lie in dates. */
static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    static const char mark[] = "\x01"
                               "date";
    struct err e = ERR_INIT;
    struct token t;
    size_t covered = 0;
    if (!token_of(d, side_b, &t))
        return false;
    for (size_t at = 0; at < t.len;) {
        size_t n = date_at(t.text, at, t.len).len;
        if (buf_add(out, n > 0 ? (const void *)mark : t.text + at, n > 0 ? sizeof(mark) : 1, &e) <
            0)
            return false;
        size_t end = at + (n > 0 ? n : 1);
        if (n > 0 && end > t.run_start && at < t.run_end)
            covered += (end < t.run_end ? end : t.run_end) - (at > t.run_start ? at : t.run_start);
        at = end;
    }
    return covered > 0;
}

const struct cause cause_time_embedded = {
    .id = "time.embedded",
    .title = "dates in the content",
    .weight = CAUSE_METADATA,
    .advice = "honour SOURCE_DATE_EPOCH where the date is written; in C, do without __DATE__ and "
              "__TIME__",
    .command = "SOURCE_DATE_EPOCH=0 make; gcc -Wdate-time …",
    .normalize = normalize,
};
