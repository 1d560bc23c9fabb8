/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join.parts: blobs at given places of one blob, zeros between them (a firmware
 * and the kernel that it jumps to, as a machine finds them in memory).
 */
#include "base/sparse.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { PARTS_MAX = 64 };
#define PART_END_MAX ((uint64_t)1 << 40)

struct params {
    uint64_t *offsets;
    size_t count;
};

static int rises(const struct param_list *list, const struct jcur *item, const void *items,
                 size_t index, struct err *e)
{
    const uint64_t *offsets = items;
    (void)list;
    if (index > 0 && offsets[index] <= offsets[index - 1])
        return jcur_fail(item, e, "offsets must rise");
    return 0;
}

static const struct param one_offset = {.type = PARAM_TYPE_U64, .max = PART_END_MAX};
static const struct param_list offset_list = {PARAM_VALUES(uint64_t, &one_offset),
                                              .max = PARTS_MAX,
                                              .per_input = "offsets",
                                              .after = rises,
                                              .said_min = 1,
                                              .said_unique = true};
static const struct param rows[] = {
    {PARAM_LIST("offsets", uint64_t, struct params, offsets, count, &offset_list)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

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

int step_join_parts_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    const uint64_t *offsets = ((const struct params *)params)->offsets;

    int rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e);
    if (rc < 0)
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
    .params = &takes,
};
