/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every reader that a thing can be told as: opened, all contents read, compared with itself
 * (nothing may be found) and with a copy that is cut in half.
 */
#include "tests/fuzz/memory_bytes.h"
#include "verifier/explain/compare.h"
#include "verifier/explain/kinds.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int ignore(void *context, const void *data, size_t len, struct err *e)
{
    uint64_t *total = context;
    (void)data;
    (void)e;
    *total += len;
    return 0;
}

static void limit(struct budget *b)
{
    budget_start(b, host_real(), "/tmp");
    b->members = 2000;
    b->memory = 16 << 20;
    b->decoded = 8 << 20;
    b->depth = 4;
}

static void read_all(struct bytes *bytes)
{
    const struct object_kind *kind = NULL;
    struct err e = ERR_INIT;
    struct budget budget;
    AUTO_OBJECT *o = NULL;
    limit(&budget);
    if (kind_of(bytes, &kind, &e) < 0 || kind == NULL ||
        object_open(kind, bytes, "fuzz", NULL, &budget, &o, &e) < 0)
        return;
    for (size_t i = 0; i < o->member_count; i++) {
        uint64_t total = 0;
        const struct sink to = {.write = ignore, .context = &total};
        if (o->members[i].has_content && o->kind->content != NULL &&
            o->members[i].size < budget.decoded && o->members[i].type != MEMBER_GAP)
            (void)o->kind->content(o, &o->members[i], to, &e);
    }
}

static int count(void *context, const struct difference *d, struct err *e)
{
    uint64_t *found = context;
    (void)e;
    (void)d;
    ++*found;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct budget budget;
    uint64_t found = 0;
    const struct compare c = {.budget = &budget, .found = count, .context = &found};
    AUTO_BYTES *whole = memory_bytes(data, size);
    AUTO_BYTES *again = memory_bytes(data, size);
    AUTO_BYTES *half = memory_bytes(data, size / 2);
    read_all(whole);
    limit(&budget);
    if (compare_bytes(&c, whole, again, "fuzz", &e) == 0 && found > 0)
        abort();
    limit(&budget);
    if (size > 0 && compare_bytes(&c, whole, half, "fuzz", &e) == 0 && found == 0)
        abort();
    return 0;
}
