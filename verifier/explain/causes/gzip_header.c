/* SPDX-License-Identifier: Apache-2.0 */
/* What gzip writes of the machine and the moment: only the header differs, not what is packed. */
#include "verifier/explain/causes/causes.h"

#include <string.h>

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    static const char *const fields[] = {"mtime", "name", "os"};
    (void)side_b;
    (void)out;
    if (d->kind != DIFFERENCE_FIELD || d->object_a == NULL || d->member_a != NULL ||
        strcmp(d->object_a->kind->name, "gzip") != 0)
        return false;
    const char *name = d->a != NULL ? d->a->name : d->b->name;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strcmp(name, fields[i]) == 0)
            return true;
    return false;
}

const struct cause cause_gzip_header = {
    .id = "gzip.header",
    .title = "the time, name and system in gzip's header",
    .weight = CAUSE_METADATA,
    .advice = "leave name and time out of the header",
    .command = "gzip -n; tar --use-compress-program='gzip -n' …",
    .normalize = normalize,
};
