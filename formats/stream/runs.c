/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/runs.h"

#include <string.h>

struct run_bytes {
    struct bytes base;
    struct bytes *whole;
    struct runs runs;
};

void runs_dispose(struct runs *r)
{
    free(r->list);
    *r = (struct runs){0};
}

int runs_add(struct runs *r, const struct run *run, const char *name, struct err *e)
{
    struct run *last = r->count == 0 ? NULL : &r->list[r->count - 1];
    uint64_t end = 0;
    if (run->len == 0 || !add_u64(run->at, run->len, &end) || !add_u64(run->from, run->len, &end) ||
        (last != NULL && run->at < last->at + last->len))
        return err_set(e, ERR_INPUT, "%s: its pieces are not in order", name);
    if (last != NULL && run->at == last->at + last->len && run->from == last->from + last->len) {
        last->len += run->len;
        return 0;
    }
    int rc = array_grow(&r->list, &r->room, r->count + 1, sizeof(*r->list), e);
    if (rc == 0)
        r->list[r->count++] = *run;
    return rc;
}

/* The first piece that ends behind `at`. */
static size_t find(const struct runs *r, uint64_t at)
{
    size_t low = 0;
    for (size_t high = r->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (r->list[middle].at + r->list[middle].len > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The zeros before the next piece: how many of `len`. */
static size_t hole_before(const struct runs *r, size_t next, uint64_t offset, size_t len)
{
    uint64_t start = next < r->count ? r->list[next].at : UINT64_MAX;
    if (start <= offset)
        return 0;
    return start - offset < len ? (size_t)(start - offset) : len;
}

static int read_runs(const struct bytes *b, uint64_t offset, void *out, size_t len, struct err *e)
{
    const struct run_bytes *x = (const struct run_bytes *)b;
    uint8_t *to = out;
    int rc = 0;
    size_t next = find(&x->runs, offset);
    while (rc == 0 && len > 0) {
        size_t part = hole_before(&x->runs, next, offset, len);
        if (part > 0) {
            memset(to, 0, part);
        } else {
            const struct run *r = &x->runs.list[next++];
            uint64_t left = r->len - (offset - r->at);
            part = left < len ? (size_t)left : len;
            rc = x->whole->read(x->whole, r->from + (offset - r->at), to, part, e);
        }
        to += part;
        len -= part;
        offset += part;
    }
    return rc;
}

static void destroy_runs(struct bytes *b)
{
    struct run_bytes *x = (struct run_bytes *)b;
    bytes_drop(x->whole);
    runs_dispose(&x->runs);
}

/* Cuts off what lies behind the size, and checks that the rest is there. */
static int settle(struct runs *r, uint64_t size, const struct bytes *whole, struct err *e)
{
    while (r->count > 0 && r->list[r->count - 1].at >= size)
        r->count--;
    if (r->count > 0) {
        struct run *last = &r->list[r->count - 1];
        last->len = last->len > size - last->at ? size - last->at : last->len;
    }
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].from > whole->size || r->list[i].len > whole->size - r->list[i].from)
            return err_set(e, ERR_INPUT, "%s: a piece lies outside of it", whole->name);
    return 0;
}

int bytes_of_runs(struct bytes *whole, struct runs *taken, uint64_t size, const char *name,
                  struct bytes **out, struct err *e)
{
    AUTO_RUNS runs = *taken;
    *taken = (struct runs){0};
    int rc = settle(&runs, size, whole, e);
    if (rc < 0)
        return rc;
    if (runs.count == 1 && runs.list[0].at == 0 && runs.list[0].len == size)
        return bytes_slice(whole, runs.list[0].from, size, name, out, e);
    struct run_bytes *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return err_oom(e);
    b->base = (struct bytes){.size = size, .read = read_runs, .destroy = destroy_runs};
    b->whole = bytes_keep(whole);
    b->runs = runs;
    runs = (struct runs){0};
    return bytes_finish(&b->base, name, out, e);
}
