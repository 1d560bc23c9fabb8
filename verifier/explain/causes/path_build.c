/* SPDX-License-Identifier: Apache-2.0 */
/* A path of the building machine, in a field or in the content: the same end, another beginning. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/token.h"

#include <string.h>

struct range {
    size_t start;
    size_t end;
};

static bool in_path(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && strchr("/._-+~@%", c) != NULL);
}

/* The absolute path that the run is in. */
static bool path_around(const struct token *t, struct range *out)
{
    size_t start = t->run_start;
    size_t end = t->run_end;
    for (size_t i = t->run_start; i < t->run_end; i++)
        if (!in_path(t->text[i]))
            return false;
    while (start > 0 && in_path(t->text[start - 1]))
        start--;
    while (end < t->len && in_path(t->text[end]))
        end++;
    const uint8_t *slash = memchr(t->text + start, '/', end - start);
    if (slash == NULL || (size_t)(slash - t->text) > t->run_start)
        return false;
    *out = (struct range){(size_t)(slash - t->text), end};
    return true;
}

/* How much of the ends of both paths is equal, whole components only. */
static size_t common_end(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    size_t n = 0;
    size_t whole = 0;
    while (n < a_len && n < b_len && a[a_len - 1 - n] == b[b_len - 1 - n]) {
        n++;
        if (a[a_len - n] == '/')
            whole = n;
    }
    return whole;
}

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    static const char mark[] = "\x01path";
    struct err e = ERR_INIT;
    struct token a;
    struct token b;
    struct range pa;
    struct range pb;
    if (difference_is_field(d, FIELD_PATH))
        return true;
    if (!token_of(d, false, &a) || !token_of(d, true, &b) || !path_around(&a, &pa) ||
        !path_around(&b, &pb))
        return false;
    size_t same =
        common_end(a.text + pa.start, pa.end - pa.start, b.text + pb.start, pb.end - pb.start);
    if (same < 2)
        return false;
    const struct token *t = side_b ? &b : &a;
    const struct range *p = side_b ? &pb : &pa;
    return buf_add(out, t->text, p->start, &e) == 0 && buf_add(out, mark, sizeof(mark), &e) == 0 &&
           buf_add(out, t->text + p->end - same, t->len - (p->end - same), &e) == 0;
}

const struct cause cause_path_build = {
    .id = "path.build",
    .title = "the directory that it was built in",
    .weight = CAUSE_METADATA,
    .advice = "build in a fixed directory or map it away",
    .command = "gcc -ffile-prefix-map=$PWD=. …",
    .normalize = normalize,
};
