/* SPDX-License-Identifier: Apache-2.0 */
/* encode.verity: the dm-verity hash tree of a blob, or the blob with it (docs/formats/verity.md).
 */
#include "base/encoding.h"
#include "base/file.h"
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/verity/verity.h"

#include <inttypes.h>
#include <string.h>

enum { ID_BLOB_MAX = 1024, ID_HEX = 2 * UUID_SIZE };

struct params {
    bool append;
    const char *salt; /* hex digits or ID_DERIVED */
    const char *uuid;
};

static bool is_derived(const char *text)
{
    return strcmp(text, ID_DERIVED) == 0;
}

static bool salt_valid(const char *text)
{
    uint8_t salt[VERITY_SALT_MAX];
    size_t len = strlen(text);
    return is_derived(text) || hex_decode(text, len, salt, len / 2);
}

static const struct param_text salt_text = {
    .max = 2 * VERITY_SALT_MAX,
    .valid = salt_valid,
    .complaint = "a salt is an even number of lower-case hex digits or '" ID_DERIVED "'",
    .pattern = "^(derived|([0-9a-f]{2}){0,256})$",
};

static int check_derived(const struct param_reading *r, const struct jcur *object,
                         const void *fields, struct err *e)
{
    const struct params *p = fields;
    if (r->input_count > 1 && !is_derived(p->salt) && !is_derived(p->uuid))
        return jcur_fail(object, e, "nothing is derived, and yet there is a second input");
    return 0;
}

static const struct param rows[] = {
    {PARAM_BOOL("append", struct params, append)},
    {PARAM_TEXT("salt", struct params, salt, &salt_text)},
    {PARAM_TEXT("uuid", struct params, uuid, &param_text_uuid)},
    {PARAM_RULE(check_derived)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

/*
 * Salt and UUID of what the second input says: a line "ALGORITHM:HEX" or "HEX", of which the first
 * 32 digits count.
 */
static int ids_of_blob(struct cas *cas, const struct step_input *input, uint8_t out[UUID_SIZE],
                       struct err *e)
{
    AUTO_BUF text = BUF_INIT(ID_BLOB_MAX);

    if (cas_get(cas, &input->digest, &text, e) < 0)
        return err_wrap(e, "cannot take salt and UUID from '%s'", input->id);
    const char *hex = buf_str(&text);
    const char *colon = strchr(hex, ':');
    if (colon != NULL)
        hex = colon + 1;
    size_t len = strspn(hex, "0123456789abcdef");
    bool ends = hex[len] == '\0' || (hex[len] == '\n' && hex[len + 1] == '\0');
    if (strlen(buf_str(&text)) != text.len || len < ID_HEX || !ends ||
        !hex_decode(hex, ID_HEX, out, UUID_SIZE))
        return err_set(e, ERR_INPUT,
                       "cannot take salt and UUID from '%s': it is no line of at least %d "
                       "lower-case hex digits",
                       input->id, ID_HEX);
    return 0;
}

/* Salt and UUID: given, or of the second input, or derived from the first. */
static int make_ids(struct cas *cas, const struct step_input *inputs, size_t input_count,
                    const struct params *p, struct verity_ids *out, struct err *e)
{
    uint8_t id[UUID_SIZE] = {0};
    int rc;

    if (input_count > 1 && (rc = ids_of_blob(cas, &inputs[1], id, e)) < 0)
        return rc;
    if (input_count > 1 && is_derived(p->uuid))
        memcpy(out->uuid, id, UUID_SIZE);
    else if ((rc = id_uuid(p->uuid, &inputs[0].digest, "encode.verity uuid", out->uuid, e)) < 0)
        return rc;
    if (!is_derived(p->salt)) {
        out->salt_len = strlen(p->salt) / 2;
        (void)hex_decode(p->salt, strlen(p->salt), out->salt, out->salt_len);
        return 0;
    }
    if (input_count > 1) {
        out->salt_len = UUID_SIZE;
        memcpy(out->salt, id, UUID_SIZE);
        return 0;
    }
    out->salt_len = DIGEST_SHA256_SIZE;
    return id_derive(&inputs[0].digest, "encode.verity salt", out->salt, e);
}

/* The data, and zeros up to a whole block. */
static int copy_data(int fd, const uint8_t *data, size_t len, uint64_t *padded, struct err *e)
{
    static const uint8_t zeros[VERITY_BLOCK];
    size_t rest = len % VERITY_BLOCK;
    int rc;

    if ((rc = fd_write_all(fd, data, len, "the data", e)) < 0 ||
        (rest != 0 && (rc = fd_write_all(fd, zeros, VERITY_BLOCK - rest, "the data", e)) < 0))
        return rc;
    *padded = len + (rest != 0 ? VERITY_BLOCK - rest : 0);
    return 0;
}

static int encode(const struct step_context *context, bool append, const struct verity_ids *ids,
                  const uint8_t *data, size_t len, struct step_output *out, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    uint64_t offset = 0;

    if (!append && len % VERITY_BLOCK != 0)
        return err_set(e, ERR_INPUT,
                       "a hash tree of its own needs data of whole blocks of %d bytes, not %zu "
                       "bytes: with \"append\" it is padded",
                       VERITY_BLOCK, len);
    int rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e);
    if (rc < 0)
        return rc;
    int fd = cas_writer_fd(writer);
    if ((append && (rc = copy_data(fd, data, len, &offset, e)) < 0) ||
        (rc = verity_write(data, len, ids, fd, offset, context->jobs, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

int step_encode_verity_run(const struct step_context *context, void *params,
                           const struct step_input *inputs, size_t input_count,
                           struct step_output *out, struct err *e)
{
    const struct params *p = params;
    struct verity_ids ids = {0};
    const uint8_t *data = NULL;
    size_t len = 0;
    int rc;

    if ((rc = make_ids(context->cas, inputs, input_count, p, &ids, e)) < 0 ||
        (rc = cas_map(context->cas, &inputs[0].digest, &data, &len, e)) < 0)
        return rc;
    rc = encode(context, p->append, &ids, data, len, out, e);
    cas_unmap(data, len);
    return rc;
}

const struct step_kind step_encode_verity = {
    .name = "encode.verity",
    .min_inputs = 1,
    .max_inputs = 2,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
    .wide = true,
};
