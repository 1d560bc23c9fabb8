/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two texts side by side: the first two bytes say where the second begins. What is told as
 * differing, put from the second into the first, must give the second; and every difference has a
 * cause that can be said.
 */
#include "tests/fuzz/memory_bytes.h"
#include "verifier/explain/cause.h"
#include "verifier/explain/compare.h"
#include "verifier/explain/explanation.h"
#include "verifier/explain/kinds.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 60000 }; /* a run that is longer is told in parts */

struct told {
    const uint8_t *a;
    const uint8_t *b;
    size_t a_len;
    size_t a_at; /* taken over so far */
    struct buf made;
    struct explanation *explanation;
    bool bytes_only; /* nothing but runs of bytes was told */
};

static int found(void *context, const struct difference *d, struct err *e)
{
    struct told *t = context;
    if (d->kind != DIFFERENCE_CONTENT) {
        t->bytes_only = false;
    } else if (t->bytes_only) {
        if (d->hunk_a.offset < t->a_at || d->hunk_a.offset + d->hunk_a.run > t->a_len)
            abort();
        if (buf_add(&t->made, t->a + t->a_at, (size_t)d->hunk_a.offset - t->a_at, e) < 0 ||
            buf_add(&t->made, d->hunk_b.bytes + d->hunk_b.before, d->hunk_b.run, e) < 0)
            abort();
        t->a_at = (size_t)d->hunk_a.offset + d->hunk_a.run;
    }
    return explanation_add(t->explanation, d, e);
}

static void check(struct told *t, size_t b_len)
{
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT(16 << 20);
    json_t *document = NULL;
    if (explanation_text(t->explanation, &text, &e) < 0 ||
        explanation_json(t->explanation, &document, &e) < 0)
        abort();
    json_decref(document);
    if (!t->bytes_only)
        return;
    if (buf_add(&t->made, t->a + t->a_at, t->a_len - t->a_at, &e) < 0 || t->made.len != b_len ||
        (b_len > 0 && memcmp(t->made.data, t->b, b_len) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct budget budget;
    const struct object_kind *kind = NULL;
    if (size < 2 || size > TEXT_MAX)
        return 0;
    size_t cut = (size_t)data[0] << 8 | data[1];
    cut = cut > size - 2 ? size - 2 : cut;
    struct told t = {.a = data + 2,
                     .b = data + 2 + cut,
                     .a_len = cut,
                     .made = BUF_INIT(4 * TEXT_MAX),
                     .bytes_only = true};
    const struct compare c = {.budget = &budget, .found = found, .context = &t};
    AUTO_BYTES *a = memory_bytes(t.a, cut);
    AUTO_BYTES *b = memory_bytes(t.b, size - 2 - cut);
    budget_start(&budget, host_real(), "/tmp");
    budget.decoded = 8 << 20;
    budget.depth = 4;
    t.bytes_only =
        kind_of(a, &kind, &e) == 0 && kind == NULL && kind_of(b, &kind, &e) == 0 && kind == NULL;
    if (explanation_new(NULL, 0, &budget, &t.explanation, &e) < 0)
        abort();
    if (compare_bytes(&c, a, b, "fuzz", &e) == 0)
        check(&t, size - 2 - cut);
    explanation_free(t.explanation);
    buf_dispose(&t.made);
    return 0;
}
