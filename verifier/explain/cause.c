/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/cause.h"

#include "verifier/explain/causes/causes.h"

#include <string.h>

enum { NORMAL_MAX = 8 * 1024 * 1024 };

#define CAUSE_LISTED(name) &cause_##name,
const struct cause *const causes[] = {CAUSES(CAUSE_LISTED)};
const size_t cause_count = sizeof(causes) / sizeof(causes[0]);

const struct cause *cause_find(const char *id)
{
    for (size_t i = 0; i < cause_count; i++)
        if (strcmp(causes[i]->id, id) == 0)
            return causes[i];
    return NULL;
}

bool difference_is_field(const struct difference *d, enum field_class class)
{
    const struct field *f = d->a != NULL ? d->a : d->b;
    return d->kind == DIFFERENCE_FIELD && f->class == class;
}

static bool explains(const struct cause *c, const struct difference *d)
{
    AUTO_BUF a = BUF_INIT(NORMAL_MAX);
    AUTO_BUF b = BUF_INIT(NORMAL_MAX);
    if (!c->normalize(d, false, &a) || !c->normalize(d, true, &b))
        return false;
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int cause_of(const struct difference *d, const struct cause **out, struct err *e)
{
    for (size_t i = 0; i < cause_count; i++)
        if (explains(causes[i], d)) {
            *out = causes[i];
            return 0;
        }
    return err_set(e, ERR_HOST, "no cause takes a difference at '%.255s'", d->path);
}
