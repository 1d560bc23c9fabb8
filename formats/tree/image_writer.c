/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/image_writer.h"

#include "base/scope.h"

int image_writer_open(struct image_writer *w, const struct tree *t, struct cas *cas,
                      struct sink sink, struct err *e)
{
    *w = (struct image_writer){.sink = sink, .chunk = malloc(IMAGE_CHUNK)};
    return w->chunk == NULL ? err_oom(e) : tree_reader_new(t, cas, &w->reader, e);
}

void image_writer_dispose(struct image_writer *w)
{
    tree_reader_free(w->reader);
    free(w->chunk);
    *w = (struct image_writer){0};
}

int image_put(struct image_writer *w, const void *data, size_t len, struct err *e)
{
    w->at += len;
    return sink_write(&w->sink, data, len, e);
}

int image_zeros_to(struct image_writer *w, uint64_t at, struct err *e)
{
    uint64_t len = at > w->at ? at - w->at : 0;

    w->at += len;
    return len > 0 ? sink_zeros(&w->sink, len, e) : 0;
}

int image_align(struct image_writer *w, uint64_t unit, struct err *e)
{
    return image_zeros_to(w, (w->at + unit - 1) / unit * unit, e);
}

int image_content(struct image_writer *w, const struct tree_content *c, uint64_t from, uint64_t end,
                  struct err *e)
{
    int rc = 0;

    for (uint64_t at = from; rc == 0 && at < end;) {
        uint64_t data = tree_reader_next_data(w->reader, c, at);
        if (data > end)
            data = end;
        size_t len = end - data < IMAGE_CHUNK ? (size_t)(end - data) : IMAGE_CHUNK;
        rc = image_zeros_to(w, w->at + (data - at), e);
        if (rc == 0 && len > 0 &&
            (rc = tree_reader_read(w->reader, c, data, w->chunk, len, e)) == 0)
            rc = image_put(w, w->chunk, len, e);
        at = data + len;
        if (rc == 0 && w->what != NULL)
            progress_show(w->progress, w->what, w->at, w->total);
    }
    return rc;
}

int tree_content_write(const struct tree *t, struct cas *cas, const struct tree_content *c,
                       struct sink to, struct err *e)
{
    AUTO_IMAGE_WRITER w = {0};
    int rc = image_writer_open(&w, t, cas, to, e);
    return rc < 0 ? rc : image_content(&w, c, 0, c->size, e);
}
