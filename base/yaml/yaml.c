/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml/yaml.h"

#include "base/file.h"
#include "base/place.h"
#include "base/yaml/yaml_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct reading {
    bool go;     /* as LinuxKit's library reads */
    bool longer; /* YAML_AGAIN_MAX instead of YAML_BYTES_MAX */
    const struct yaml_pass *pass;
};

static int parse(const void *data, size_t len, const char *file, struct reading how,
                 struct yaml_doc **out, struct err *e)
{
    if (len > (how.longer ? YAML_AGAIN_MAX : YAML_BYTES_MAX))
        return err_set(e, ERR_INPUT, "%s: longer than 1 MiB", file);
    AUTO_YAML struct yaml_doc *doc = calloc(1, sizeof(*doc));
    if (doc == NULL)
        return err_oom(e);
    int rc = str_copy(&doc->file, file, e);
    if (rc < 0 || (rc = yaml_doc_compose(doc, data, len, how.go, how.pass, e)) < 0)
        return rc;
    *out = steal_ptr(&doc);
    return 0;
}

static int read_stdin(struct buf *out, struct err *e)
{
    char chunk[4096];
    for (;;) {
        ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_os(e, errno, "cannot read standard input");
        if (got == 0)
            return 0;
        int rc = buf_add(out, chunk, (size_t)got, e);
        if (rc < 0)
            return rc;
    }
}

static int read_and_parse(const char *path, struct reading how, struct yaml_doc **out,
                          struct err *e)
{
    AUTO_BUF text = BUF_INIT(YAML_BYTES_MAX);
    bool input = strcmp(path, "-") == 0;
    if (str_starts(path, "http://") || str_starts(path, "https://"))
        return err_set(e, ERR_USAGE, "'%s': URLs are not read: fetch the file first",
                       PLACE_SHOWN(path));
    int rc = input ? read_stdin(&text, e) : file_read(path, &text, e);
    if (rc < 0)
        return rc;
    return parse(buf_str(&text), text.len, input ? "stdin" : path, how, out, e);
}

int yaml_doc_parse(const void *data, size_t len, const char *file, struct yaml_doc **out,
                   struct err *e)
{
    return parse(data, len, file, (struct reading){.go = false}, out, e);
}

int yaml_doc_parse_go(const void *data, size_t len, const char *file, struct yaml_doc **out,
                      struct err *e)
{
    return parse(data, len, file, (struct reading){.go = true}, out, e);
}

int yaml_doc_parse_go_pass(const void *data, size_t len, const char *file,
                           const struct yaml_pass *pass, struct yaml_doc **out, struct err *e)
{
    return parse(data, len, file, (struct reading){.go = true, .pass = pass}, out, e);
}

int yaml_doc_parse_go_again(const void *data, size_t len, const char *file, struct yaml_doc **out,
                            struct err *e)
{
    return parse(data, len, file, (struct reading){.go = true, .longer = true}, out, e);
}

int yaml_doc_read(const char *path, struct yaml_doc **out, struct err *e)
{
    return read_and_parse(path, (struct reading){.go = false}, out, e);
}

int yaml_doc_read_go(const char *path, struct yaml_doc **out, struct err *e)
{
    return yaml_doc_read_go_pass(path, NULL, out, e);
}

int yaml_doc_read_go_pass(const char *path, const struct yaml_pass *pass, struct yaml_doc **out,
                          struct err *e)
{
    return read_and_parse(path, (struct reading){.go = true, .pass = pass}, out, e);
}

void yaml_doc_free(struct yaml_doc *doc)
{
    if (doc == NULL)
        return;
    for (size_t i = 0; i < doc->part_count; i++)
        yaml_doc_free(doc->parts[i]);
    free(doc->parts);
    for (size_t i = 0; i < doc->row_count; i++)
        free(doc->rows[i].key);
    free(doc->rows);
    free(doc->file);
    json_decref(doc->root);
    free(doc);
}

json_t *yaml_doc_root(const struct yaml_doc *doc)
{
    return doc->root;
}

const char *yaml_doc_file(const struct yaml_doc *doc)
{
    return doc->file;
}

struct yaml_mark yaml_doc_start(const struct yaml_doc *doc)
{
    struct yaml_mark mark = doc->start;
    if (mark.file == NULL)
        mark.file = doc->file;
    return mark;
}

static bool find_row(const struct yaml_doc *doc, const json_t *parent, const char *key,
                     size_t index, struct yaml_mark *value, struct yaml_mark *at_key)
{
    /* Only a complaint asks, and there is one complaint a run: a walk through all rows will do. The
     * last note of a place counts. */
    for (size_t i = doc->row_count; i-- > 0;) {
        const struct row *r = &doc->rows[i];
        if (r->parent != parent || (key == NULL) != (r->key == NULL))
            continue;
        if (key != NULL ? strcmp(key, r->key) != 0 : index != r->index)
            continue;
        *value = r->value;
        if (value->file == NULL)
            value->file = doc->file;
        if (at_key != NULL) {
            *at_key = key != NULL ? r->at_key : r->value;
            at_key->file = value->file;
        }
        return true;
    }
    return false;
}

bool yaml_doc_find(const struct yaml_doc *doc, const json_t *parent, const char *key, size_t index,
                   struct yaml_mark *value, struct yaml_mark *at_key)
{
    if (find_row(doc, parent, key, index, value, at_key))
        return true;
    for (size_t i = 0; i < doc->part_count; i++)
        if (find_row(doc->parts[i], parent, key, index, value, at_key))
            return true;
    return false;
}

/* ---- merged documents ------------------------------------------------------- */

int yaml_doc_merge(struct yaml_doc **parts_taken, size_t count, json_t *root_taken,
                   struct yaml_doc **out, struct err *e)
{
    AUTO_YAML struct yaml_doc *doc = calloc(1, sizeof(*doc));
    struct yaml_doc **parts = array_new(count + 1, sizeof(*parts));
    if (doc == NULL || parts == NULL || root_taken == NULL) {
        for (size_t i = 0; i < count; i++)
            yaml_doc_free(parts_taken[i]);
        free(parts);
        json_decref(root_taken);
        return err_oom(e);
    }
    memcpy(parts, parts_taken, count * sizeof(*parts));
    doc->parts = parts;
    doc->part_count = count;
    doc->root = root_taken;
    int rc = str_copy(&doc->file, count > 0 ? parts[count - 1]->file : "", e);
    if (rc < 0)
        return rc;
    if (count > 0)
        doc->start = yaml_doc_start(parts[0]);
    *out = steal_ptr(&doc);
    return 0;
}

int yaml_doc_note(struct yaml_doc *doc, const json_t *parent, const char *key, size_t index,
                  const struct yaml_mark *value, const struct yaml_mark *at_key, struct err *e)
{
    int rc = array_grow(&doc->rows, &doc->row_cap, doc->row_count + 1, sizeof(*doc->rows), e);
    if (rc < 0)
        return rc;
    struct row row = {.parent = parent, .index = index, .value = *value, .at_key = *at_key};
    if (key != NULL && (rc = str_copy(&row.key, key, e)) < 0)
        return rc;
    doc->rows[doc->row_count++] = row;
    return 0;
}
