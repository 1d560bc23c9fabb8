/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/layers/deb_control.h"

#include "formats/layers/deb_reader.h"
#include "formats/tar/tar_reader.h"

#include <string.h>

static const char *const text_names[DEB_TEXTS] = {"control", "conffiles", "triggers"};

void deb_control_free(struct deb_control *c)
{
    if (c == NULL)
        return;
    for (int i = 0; i < DEB_TEXTS; i++)
        free(c->text[i]);
    for (size_t i = 0; i < c->count; i++)
        free(c->files[i].name);
    free(c->files);
    free(c);
}

static void scope_deb_control(struct deb_control **c)
{
    deb_control_free(*c);
}

/* It becomes the end of a file name, "NAME.postinst". */
static bool name_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > DEB_CONTROL_NAME_MAX || name[0] < 'a' || name[0] > 'z')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
            name[i] != '-' && name[i] != '_')
            return false;
    return true;
}

/* The contents go into the pack, and into `text` when that is not NULL. */
static int read_content(struct tar_reader *tar, struct pack_writer *pack, struct buf *text,
                        struct tree_content *content, struct err *e)
{
    int rc = pack_writer_begin(pack, e);
    while (rc == 0) {
        const uint8_t *data;
        size_t len = 0;
        rc = tar_reader_data(tar, &data, &len, e);
        if (rc < 0 || len == 0)
            break;
        rc = pack_writer_write(pack, data, len, e);
        if (rc == 0 && text != NULL)
            rc = buf_add(text, data, len, e);
    }
    return rc < 0 ? rc : pack_writer_end(pack, content, e);
}

static int read_text(struct tar_reader *tar, struct buf *text, struct err *e)
{
    int rc = 0;
    for (size_t len = 1; rc == 0 && len > 0;) {
        const uint8_t *data;
        rc = tar_reader_data(tar, &data, &len, e);
        if (rc == 0 && len > 0)
            rc = buf_add(text, data, len, e);
    }
    return rc;
}

static int text_index(const char *name)
{
    for (int i = 0; i < DEB_TEXTS; i++)
        if (strcmp(name, text_names[i]) == 0)
            return i;
    return -1;
}

static int keep_text(struct deb_control *c, int index, struct buf *text, struct err *e)
{
    if (memchr(buf_str(text), 0, text->len) != NULL)
        return err_set(e, ERR_INPUT, "its '%s' has a NUL", text_names[index]);
    c->len[index] = text->len;
    c->text[index] = buf_steal(text);
    return c->text[index] == NULL ? err_oom(e) : 0;
}

static int add_file(struct deb_control *c, size_t *cap, struct tar_reader *tar,
                    const struct tar_entry *n, struct pack_writer *pack, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DEB_CONTROL_TEXT_MAX);
    int index = text_index(n->path);
    bool twice = index == DEB_CONTROL && c->text[DEB_CONTROL] != NULL;
    for (size_t i = 0; i < c->count; i++)
        twice = twice || strcmp(c->files[i].name, n->path) == 0;
    if (twice)
        return err_set(e, ERR_INPUT, "its control archive has '%s' twice", n->path);
    if (c->count == DEB_CONTROL_FILES_MAX)
        return err_set(e, ERR_INPUT, "its control archive has more than %d files",
                       (int)DEB_CONTROL_FILES_MAX);
    if (index >= 0 && n->size > DEB_CONTROL_TEXT_MAX)
        return err_set(e, ERR_INPUT, "its '%s' is longer than %d bytes", n->path,
                       (int)DEB_CONTROL_TEXT_MAX);
    int rc = 0;
    if (pack == NULL && index != DEB_CONTROL)
        return 0;
    if (index == DEB_CONTROL) {
        rc = read_text(tar, &text, e);
        return rc < 0 ? rc : keep_text(c, index, &text, e);
    }
    if ((rc = array_grow(&c->files, cap, c->count + 1, sizeof(*c->files), e)) < 0)
        return rc;
    struct deb_control_file *file = &c->files[c->count];
    *file = (struct deb_control_file){0};
    if ((rc = str_copy(&file->name, n->path, e)) < 0)
        return rc;
    c->count++;
    rc = read_content(tar, pack, index >= 0 ? &text : NULL, &file->content, e);
    return rc < 0 || index < 0 ? rc : keep_text(c, index, &text, e);
}

static int compare_files(const void *a, const void *b)
{
    const struct deb_control_file *x = a;
    const struct deb_control_file *y = b;
    return strcmp(x->name, y->name);
}

static int read_archive(const struct source *plain, struct pack_writer *pack, struct deb_control *c,
                        struct err *e)
{
    AUTO_TAR_READER struct tar_reader *tar = NULL;
    size_t cap = 0;
    int rc = tar_reader_new(plain, &tar, e);
    if (rc == 0)
        tar_reader_like_dpkg(tar);
    while (rc == 0) {
        struct tar_entry *n = NULL;
        rc = tar_reader_next(tar, &n, e);
        if (rc < 0 || n == NULL)
            break;
        if (n->path[0] == 0 && n->type == TREE_DIR)
            continue;
        if (n->type != TREE_FILE || n->hard_link || !name_valid(n->path))
            return err_set(e, ERR_INPUT, "its control archive has '%.100s', which is no plain file",
                           n->path);
        rc = add_file(c, &cap, tar, n, pack, e);
    }
    if (rc == 0 && c->text[DEB_CONTROL] == NULL)
        rc = err_set(e, ERR_INPUT, "its control archive has no 'control'");
    if (rc == 0 && c->count > 1)
        qsort(c->files, c->count, sizeof(*c->files), compare_files); /* unique: a total order */
    return rc;
}

int deb_control_read(const struct source *from, enum compression compression,
                     struct pack_writer *pack, struct deb_control **out, struct err *e)
{
    AUTO(scope_deb_control) struct deb_control *c = calloc(1, sizeof(*c));
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    struct decompress_options o = {.total_max = DEB_CONTROL_TOTAL_MAX, .tail_max = DEB_TAIL_MAX};
    if (c == NULL)
        return err_oom(e);
    int rc = decompressor_new(compression, from, &o, &d, e);
    if (rc < 0)
        return rc;
    struct source plain = decompressor_source(d);
    if ((rc = read_archive(&plain, pack, c, e)) < 0)
        return err_wrap(e, "cannot read the control archive");
    *out = steal_ptr(&c);
    return 0;
}
