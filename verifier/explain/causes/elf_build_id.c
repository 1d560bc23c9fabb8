/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/causes/causes.h"

#include <string.h>

enum { NOTE_HEAD = 16 }; /* sizes, type and "GNU\0": they must be equal */

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    const struct hunk *h = side_b ? &d->hunk_b : &d->hunk_a;
    (void)out;
    return d->kind == DIFFERENCE_CONTENT && d->object_a != NULL && d->member_a != NULL &&
           d->member_b != NULL && strcmp(d->object_a->kind->name, "elf") == 0 &&
           strcmp(d->member_a->path, ".note.gnu.build-id") == 0 &&
           d->member_a->size == d->member_b->size && h->offset >= NOTE_HEAD;
}

const struct cause cause_elf_build_id = {
    .id = "elf.build_id",
    .title = "the build id, which follows from what else differs",
    .weight = CAUSE_METADATA,
    .advice = "nothing: it follows from the other differences of the program",
    .command = "gcc -Wl,--build-id=sha1 -ffile-prefix-map=$PWD=. …",
    .normalize = normalize,
};
