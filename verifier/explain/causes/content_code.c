/* SPDX-License-Identifier: Apache-2.0 */
/* Code that differs. No cause before this one claims any: it stands before those that read texts.
 */
#include "verifier/explain/causes/causes.h"

#include <elf.h>
#include <string.h>

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)side_b;
    (void)out;
    if (d->kind != DIFFERENCE_CONTENT || d->object_a == NULL || d->member_a == NULL ||
        strcmp(d->object_a->kind->name, "elf") != 0)
        return false;
    const struct field *flags = field_find(d->member_a->fields, d->member_a->field_count, "flags");
    return flags != NULL && (flags->number & SHF_EXECINSTR) != 0;
}

const struct cause cause_content_code = {
    .id = "content.code",
    .title = "code that nothing explains",
    .weight = CAUSE_CODE,
    .advice = "look at it first: other code runs",
    .command = "objdump -d …",
    .normalize = normalize,
};
