/* SPDX-License-Identifier: Apache-2.0 */
/* A program of which nothing but its build id, and the name of its debugging information, differs.
 */
#include "verifier/explain/causes/causes.h"

#include <string.h>

static bool is_id(const struct member *m)
{
    return strcmp(m->path, ".note.gnu.build-id") == 0 || strcmp(m->path, ".gnu_debuglink") == 0;
}

static bool equal(struct object *a, const struct member *x, struct object *b,
                  const struct member *y)
{
    struct err e = ERR_INIT;
    AUTO_BYTES *first = NULL;
    AUTO_BYTES *second = NULL;
    uint64_t at = 0;
    if (strcmp(x->path, y->path) != 0 || x->nth != y->nth || x->type != y->type ||
        x->has_content != y->has_content || x->field_count != y->field_count)
        return false;
    for (size_t i = 0; i < x->field_count; i++)
        if (!field_equal(&x->fields[i], &y->fields[i]))
            return false;
    if (is_id(x) || !x->has_content)
        return true;
    return x->size == y->size && object_content(a, x, &first, &e) == 0 &&
           object_content(b, y, &second, &e) == 0 && first->size == second->size &&
           bytes_compare(first, 0, second, 0, first->size, &at, &e) == 0 && at == first->size;
}

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    struct object *a = d->object_a;
    struct object *b = d->object_b;
    (void)out;
    if (side_b)
        return true; /* a's answer was about both */
    if (d->kind != DIFFERENCE_CONTENT || a == NULL || d->member_a == NULL || d->member_b == NULL ||
        strcmp(a->kind->name, "elf") != 0 || !is_id(d->member_a) ||
        a->member_count != b->member_count || a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!field_equal(&a->fields[i], &b->fields[i]))
            return false;
    for (size_t i = 0; i < a->member_count; i++)
        if (!equal(a, &a->members[i], b, &b->members[i]))
            return false;
    return true;
}

const struct cause cause_elf_build_id_only = {
    .id = "elf.build_id_only",
    .title = "nothing but the build id",
    .weight = CAUSE_METADATA,
    .advice =
        "find what differed before the program was stripped: often paths in debugging information",
    .command = "gcc -Wl,--build-id=sha1 -ffile-prefix-map=$PWD=. …",
    .normalize = normalize,
};
