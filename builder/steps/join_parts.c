/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join.parts: blobs at given places of one blob, zeros between them (a firmware
 * and the kernel that it jumps to, as a machine finds them in memory).
 */
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/stream/sparse.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { PARTS_MAX = 64 };
#define PART_END_MAX ((uint64_t)1 << 40)

static int read_offsets(const struct jcur *params, size_t input_count, uint64_t *out, struct err *e)
{
    static const char *const keys[] = {"offsets", NULL};
    struct jcur list;
    size_t count = 0;
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (rc = jcur_get(params, "offsets", &list, e)) < 0 ||
        (rc = jcur_array(&list, PARTS_MAX, &count, e)) < 0)
        return rc;
    if (count != input_count)
        return jcur_fail(&list, e, "%zu offsets for %zu inputs", count, input_count);
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        if ((rc = jcur_u64(&item, PART_END_MAX, &out[i], e)) < 0)
            return rc;
        if (i > 0 && out[i] <= out[i - 1])
            return jcur_fail(&item, e, "offsets must rise");
    }
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    uint64_t offsets[PARTS_MAX] = {0};

    return read_offsets(params, input_count, offsets, e);
}

static int copy_part(struct cas *cas, const struct step_input *in, uint64_t offset, uint64_t limit,
                     int to, struct err *e)
{
    AUTO_CLOSE int fd = -1;
    uint64_t size = 0;

    int rc = cas_open_blob(cas, &in->digest, &fd, &size, e);
    if (rc < 0)
        return rc;
    if (size > limit - offset)
        return err_set(e, ERR_INPUT,
                       "'%s' has %" PRIu64 " bytes, but the next part begins %" PRIu64
                       " bytes behind its start",
                       in->id, size, limit - offset);
    if (ftruncate(to, (off_t)(offset + size)) != 0)
        return err_os(e, errno, "cannot write '%s'", in->id);
    return sparse_copy(fd, 0, size, to, offset, in->id, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    uint64_t offsets[PARTS_MAX] = {0};
    int rc;

    if ((rc = read_offsets(params, input_count, offsets, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0)
        return rc;
    for (size_t i = 0; i < input_count; i++) {
        uint64_t limit = i + 1 < input_count ? offsets[i + 1] : 2 * PART_END_MAX;
        if ((rc = copy_part(context->cas, &inputs[i], offsets[i], limit, cas_writer_fd(writer),
                            e)) < 0)
            return rc;
    }
    return output_commit(writer, out, e);
}

const struct step_kind step_join_parts = {
    .name = "join.parts",
    .min_inputs = 1,
    .max_inputs = PARTS_MAX,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
};
