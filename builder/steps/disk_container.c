/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steps/disk_container.h"

#include "builder/steps/params.h"
#include "formats/stream/gzip_writer.h"

int disk_container_put(struct disk_container *c, const void *data, size_t len, struct err *e)
{
    c->at += len;
    return sink_write(&c->out, data, len, e);
}

int disk_container_put_block(struct disk_container *c, uint64_t i, struct err *e)
{
    int rc = blocks_read(c->blocks, i, c->one, e);
    return rc < 0 ? rc : disk_container_put(c, c->one, c->blocks->block, e);
}

int disk_container_put_used(struct disk_container *c, struct err *e)
{
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < c->blocks->count; i++)
        if (blocks_used(c->blocks, i))
            rc = disk_container_put_block(c, i, e);
    return rc;
}

int disk_container_run(const struct step_context *context, const struct step_input *input,
                       const struct disk_container_options *o, struct step_output *out,
                       struct err *e)
{
    AUTO_BLOCKS b = {.fd = -1};
    AUTO_FREE uint8_t *one = malloc(o->block);
    AUTO_CAS_WRITER struct cas_writer *w = NULL;
    AUTO_GZIP_WRITER struct gzip_writer *zip = NULL;
    struct disk_container c = {
        .blocks = &b, .input = input, .params = o->params, .jobs = context->jobs, .one = one};
    int rc;

    if (one == NULL)
        return err_oom(e);
    if ((rc = blocks_open(context->cas, &input->digest, input->size, o->size, o->unit, o->block, &b,
                          e)) < 0 ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &w, e)) < 0 ||
        (rc = gzip_writer_optional(sink_cas(w), o->level, context->jobs, &zip, &c.out, e)) < 0 ||
        (rc = o->write(&c, e)) < 0 || (rc = gzip_writer_finish(zip, e)) < 0)
        return rc;
    return output_commit(w, out, e);
}
