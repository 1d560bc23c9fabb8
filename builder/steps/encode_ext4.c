/* SPDX-License-Identifier: Apache-2.0 */
/* encode.ext4: a tree as an ext4 image (docs/formats/ext4.md). */
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/ext4/ext4.h"

#include <string.h>

#define SIZE_LIMIT (UINT64_C(1) << 44)

static bool label_valid(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || *p == '/')
            return false;
    }
    return true;
}

static int read_params(const struct jcur *params, struct ext4_params *out, bool *uuid_given,
                       struct err *e)
{
    static const char *const keys[] = {"exclude", "label", "size", "time", "uuid", "xattrs", NULL};
    struct ext4_params p = {0};
    struct jcur c;
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (rc = jcur_get_u64(params, "time", UINT32_MAX, &p.time, e)) < 0 ||
        (rc = params_bool(params, "xattrs", &p.xattrs, e)) < 0 ||
        (rc = params_uuid(params, "uuid", uuid_given, p.uuid, e)) < 0 ||
        (rc = view_check_exclude(params, e)) < 0 || (rc = jcur_get(params, "label", &c, e)) < 0 ||
        (rc = jcur_string(&c, EXT4_LABEL_MAX, &p.label, e)) < 0)
        return rc;
    if (!label_valid(p.label))
        return jcur_fail(&c, e, "'%s' is no label of printable ASCII", p.label);
    if ((rc = jcur_get(params, "size", &c, e)) < 0 ||
        (rc = jcur_u64(&c, SIZE_LIMIT, &p.size, e)) < 0)
        return rc;
    if (p.size % EXT4_BLOCK != 0)
        return jcur_fail(&c, e, "a size is a multiple of %d", EXT4_BLOCK);
    *out = p;
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    struct ext4_params p;
    bool given = false;

    (void)input_count;
    return read_params(params, &p, &given, e);
}

static int make_ids(const struct digest *tree, bool uuid_given, struct ext4_params *p,
                    struct err *e)
{
    uint8_t seed[DIGEST_SHA256_SIZE];

    int rc = id_derive(tree, "encode.ext4 hash seed", seed, e);
    if (rc < 0)
        return rc;
    memcpy(p->hash_seed, seed, sizeof(p->hash_seed));
    return uuid_given ? 0 : id_derive_uuid(tree, "encode.ext4 uuid", p->uuid, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_VIEW view = {0};
    AUTO_EXT4_LAYOUT layout = {0};
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct ext4_params p = {0};
    bool given = false;
    int rc;

    (void)input_count;
    if ((rc = read_params(params, &p, &given, e)) < 0 ||
        (rc = make_ids(&inputs[0].digest, given, &p, e)) < 0 ||
        (rc = view_build(inputs[0].tree, params, &view, e)) < 0 ||
        (rc = ext4_layout(&view, &p, &layout, e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, (uint64_t)layout.blocks * EXT4_BLOCK, &writer,
                             e)) < 0 ||
        (rc = ext4_write(&layout, inputs[0].tree, context->cas, context->progress, sink_cas(writer),
                         e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_ext4 = {
    .name = "encode.ext4",
    .min_inputs = 1,
    .max_inputs = 1,
    .takes = VALUE_TREE,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
};
