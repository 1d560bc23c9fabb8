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
    bool salt_given;
    bool uuid_given;
    struct verity_ids ids;
};

static int read_salt(const struct jcur *params, struct params *p, struct err *e)
{
    struct jcur c;
    const char *text = NULL;
    int rc;

    if ((rc = jcur_get(params, "salt", &c, e)) < 0 ||
        (rc = jcur_string(&c, 2 * VERITY_SALT_MAX, &text, e)) < 0)
        return rc;
    p->salt_given = strcmp(text, ID_DERIVED) != 0;
    if (!p->salt_given)
        return 0;
    p->ids.salt_len = strlen(text) / 2;
    if (!hex_decode(text, strlen(text), p->ids.salt, p->ids.salt_len))
        return jcur_fail(&c, e, "a salt is an even number of lower-case hex digits or '%s'",
                         ID_DERIVED);
    return 0;
}

static int read_params(const struct jcur *params, size_t input_count, struct params *out,
                       struct err *e)
{
    static const char *const keys[] = {"append", "salt", "uuid", NULL};
    struct params p = {0};
    int rc;

    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (rc = params_bool(params, "append", &p.append, e)) < 0 ||
        (rc = read_salt(params, &p, e)) < 0 ||
        (rc = params_uuid(params, "uuid", &p.uuid_given, p.ids.uuid, e)) < 0)
        return rc;
    if (input_count > 1 && p.salt_given && p.uuid_given)
        return jcur_fail(params, e, "nothing is derived, and yet there is a second input");
    *out = p;
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    struct params p;

    return read_params(params, input_count, &p, e);
}

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

static int derive(struct cas *cas, const struct step_input *inputs, size_t input_count,
                  struct params *p, struct err *e)
{
    uint8_t id[UUID_SIZE];
    int rc;

    if (input_count > 1) {
        if ((rc = ids_of_blob(cas, &inputs[1], id, e)) < 0)
            return rc;
        if (!p->uuid_given)
            memcpy(p->ids.uuid, id, UUID_SIZE);
        if (!p->salt_given)
            memcpy(p->ids.salt, id, UUID_SIZE);
        if (!p->salt_given)
            p->ids.salt_len = UUID_SIZE;
        return 0;
    }
    if (!p->uuid_given &&
        (rc = id_derive_uuid(&inputs[0].digest, "encode.verity uuid", p->ids.uuid, e)) < 0)
        return rc;
    if (p->salt_given)
        return 0;
    p->ids.salt_len = DIGEST_SHA256_SIZE;
    return id_derive(&inputs[0].digest, "encode.verity salt", p->ids.salt, e);
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

static int encode(const struct step_context *context, const struct params *p, const uint8_t *data,
                  size_t len, struct step_output *out, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    uint64_t offset = 0;

    if (!p->append && len % VERITY_BLOCK != 0)
        return err_set(e, ERR_INPUT,
                       "a hash tree of its own needs data of whole blocks of %d bytes, not %zu "
                       "bytes: with \"append\" it is padded",
                       VERITY_BLOCK, len);
    int rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e);
    if (rc < 0)
        return rc;
    int fd = cas_writer_fd(writer);
    if ((p->append && (rc = copy_data(fd, data, len, &offset, e)) < 0) ||
        (rc = verity_write(data, len, &p->ids, fd, offset, context->jobs, e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    struct params p = {0};
    const uint8_t *data = NULL;
    size_t len = 0;
    int rc;

    if ((rc = read_params(params, input_count, &p, e)) < 0 ||
        (rc = derive(context->cas, inputs, input_count, &p, e)) < 0 ||
        (rc = cas_map(context->cas, &inputs[0].digest, &data, &len, e)) < 0)
        return rc;
    rc = encode(context, &p, data, len, out, e);
    cas_unmap(data, len);
    return rc;
}

const struct step_kind step_encode_verity = {
    .name = "encode.verity",
    .min_inputs = 1,
    .max_inputs = 2,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
    .wide = true,
};
