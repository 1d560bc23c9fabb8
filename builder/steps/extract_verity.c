/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract.verity: what there is to know of a dm-verity hash tree, as text: its root hash, or all
 * that it takes to use it (docs/formats/verity.md).
 */
#include "base/encoding.h"
#include "base/version.h"
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/verity/verity.h"

enum { TEXT_MAX = 4096 };

static const char *const forms[] = {"root-hash", "json", NULL};
enum form { FORM_ROOT_HASH, FORM_JSON };

struct params {
    bool appended;
    size_t form;
};

static int check_inputs(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    bool appended = ((const struct params *)fields)->appended;
    if (appended != (r->input_count == 1))
        return jcur_fail(object, e, "%s",
                         appended ? "a tree that is appended has its data"
                                  : "a tree of its own needs its data as well");
    return 0;
}

static const struct param rows[] = {
    {PARAM_BOOL("appended", struct params, appended)},
    {PARAM_CHOICE("form", struct params, form, forms)},
    {PARAM_RULE(check_inputs)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

static int put_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len, struct err *e)
{
    AUTO_BUF hex = BUF_INIT(TEXT_MAX);

    int rc = hex_encode(bytes, len, &hex, e);
    if (rc < 0)
        return rc;
    return json_put_string(object, key, buf_str(&hex), e);
}

static int format_json(const struct verity_facts *f, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    char uuid[UUID_TEXT_MAX];
    int rc;

    if (o == NULL)
        return err_oom(e);
    if ((rc = json_put_string(o, "type", ASSAY_URI "verity/v1", e)) < 0 ||
        (rc = json_put_string(o, "algorithm", "sha256", e)) < 0 ||
        (rc = json_put_u64(o, "hashType", 1, e)) < 0 ||
        (rc = json_put_u64(o, "dataBlockSize", VERITY_BLOCK, e)) < 0 ||
        (rc = json_put_u64(o, "hashBlockSize", VERITY_BLOCK, e)) < 0 ||
        (rc = json_put_u64(o, "dataBlocks", f->data_blocks, e)) < 0 ||
        (rc = json_put_u64(o, "hashOffset", f->hash_offset, e)) < 0 ||
        (rc = json_put_string(o, "uuid", uuid_format(f->ids.uuid, uuid), e)) < 0 ||
        (rc = put_hex(o, "salt", f->ids.salt, f->ids.salt_len, e)) < 0 ||
        (rc = put_hex(o, "rootHash", f->root, sizeof(f->root), e)) < 0)
        return rc;
    return jcs_format(o, out, e);
}

static int facts(struct cas *cas, const struct step_input *inputs, bool appended,
                 struct verity_facts *out, struct err *e)
{
    const uint8_t *tree = NULL;
    const uint8_t *data = NULL;
    size_t len = 0;
    size_t data_len = 0;

    int rc = cas_map(cas, &inputs[0].digest, &tree, &len, e);
    if (rc < 0)
        return rc;
    rc = appended ? 0 : cas_map(cas, &inputs[1].digest, &data, &data_len, e);
    if (rc == 0)
        rc = verity_read(tree, len, appended, data, data_len, out, e);
    if (rc == 0 && !appended && out->data_blocks * VERITY_BLOCK != data_len)
        rc = err_set(e, ERR_INPUT, "the hash tree is not of these %zu bytes", data_len);
    if (data != NULL)
        cas_unmap(data, data_len);
    cas_unmap(tree, len);
    return rc < 0 ? err_wrap(e, "cannot read the hash tree '%s'", inputs[0].id) : 0;
}

int step_extract_verity_run(const struct step_context *context, void *params,
                            const struct step_input *inputs, size_t input_count,
                            struct step_output *out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    struct verity_facts f = {0};
    const struct params *p = params;
    int rc;

    (void)input_count;
    if ((rc = facts(context->cas, inputs, p->appended, &f, e)) < 0 ||
        (rc = p->form == FORM_ROOT_HASH ? hex_encode(f.root, sizeof(f.root), &text, e)
                                        : format_json(&f, &text, e)) < 0)
        return rc;
    struct step_output fresh = {.kind = VALUE_BLOB, .size = text.len};
    if ((rc = cas_put(context->cas, text.data, text.len, &fresh.digest, e)) < 0)
        return rc;
    *out = fresh;
    return 0;
}

const struct step_kind step_extract_verity = {
    .name = "extract.verity",
    .min_inputs = 1,
    .max_inputs = 2,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
};
