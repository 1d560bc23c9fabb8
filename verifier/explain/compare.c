/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/compare_internal.h"

#include "verifier/explain/kinds.h"

#include <string.h>

int walk_tell(struct walk *w, struct difference *d, struct err *e)
{
    d->path = buf_str(&w->path);
    w->found++;
    return w->c->found(w->c->context, d, e);
}

int walk_tell_member(struct walk *w, const char *member, struct difference *d, struct err *e)
{
    size_t before = w->path.len;
    int rc = member[0] == 0 ? 0 : buf_addf(&w->path, e, before > 0 ? " » %s" : "%s", member);
    if (rc == 0)
        rc = walk_tell(w, d, e);
    buf_cut(&w->path, before);
    return rc;
}

static int tell_unread(struct walk *w, const struct err *why, uint64_t bytes, struct err *e)
{
    char line[ERR_FRAME_MAX];
    struct difference d = {.kind = DIFFERENCE_UNREAD, .bytes = bytes};
    d.note = err_line(why, line, sizeof(line));
    return walk_tell(w, &d, e);
}

/* What looks like a format and breaks it is no error of the comparison: it is bytes, and says so.
 */
static int open_kind(struct walk *w, const struct object_kind *kind, struct bytes *bytes,
                     struct object **out, bool *damaged, struct err *e)
{
    struct err broken = ERR_INIT;
    int rc = object_open(kind, bytes, bytes->name, NULL, w->c->budget, out, &broken);
    if (rc == 0)
        return 0;
    if (rc != -ERR_INPUT && rc != -ERR_UNDECIDED) {
        *e = broken;
        return rc;
    }
    *damaged = true;
    return tell_unread(w, &broken, 0, e);
}

static int walk_same_kind(struct walk *w, const struct object_kind *kind, struct bytes *a,
                          struct bytes *b, struct err *e)
{
    AUTO_OBJECT *first = NULL;
    AUTO_OBJECT *second = NULL;
    bool damaged = false;
    int rc = budget_depth(w->c->budget, w->depth + 1, e);
    if (rc < 0)
        return rc;
    if ((rc = open_kind(w, kind, a, &first, &damaged, e)) < 0 ||
        (rc = open_kind(w, kind, b, &second, &damaged, e)) < 0)
        return rc;
    if (damaged)
        return walk_leaf(w, a, b, e);
    w->depth++;
    rc = walk_objects(w, first, second, e);
    w->depth--;
    return rc;
}

static int tell_kinds(struct walk *w, const char *a, const char *b, enum field_class class,
                      struct err *e)
{
    const struct field x = {"format", class, FIELD_TEXT, 0, (const uint8_t *)a, strlen(a)};
    const struct field y = {"format", class, FIELD_TEXT, 0, (const uint8_t *)b, strlen(b)};
    struct difference d = {.kind = DIFFERENCE_FIELD, .a = &x, .b = &y};
    return walk_tell(w, &d, e);
}

/* Two formats: trees are compared by what both have, wrapped bytes by what is in them. */
static int walk_two_kinds(struct walk *w, const struct object_kind *ka,
                          const struct object_kind *kb, struct bytes *a, struct bytes *b,
                          struct err *e)
{
    AUTO_OBJECT *first = NULL;
    AUTO_OBJECT *second = NULL;
    AUTO_BYTES *inner = NULL;
    bool damaged = false;
    int rc = 0;
    bool wraps_a = ka != NULL && ka->wrapper;
    bool wraps_b = kb != NULL && kb->wrapper;
    bool trees = ka != NULL && kb != NULL && ka->tree && kb->tree;
    if (!trees && !wraps_a && !wraps_b)
        return walk_leaf(w, a, b, e);
    rc = tell_kinds(w, ka == NULL ? "bytes" : ka->name, kb == NULL ? "bytes" : kb->name,
                    trees ? FIELD_FORMAT : FIELD_COMPRESSOR, e);
    if (rc < 0 || (rc = budget_depth(w->c->budget, ++w->depth, e)) < 0)
        return rc;
    if ((trees || wraps_a) && (rc = open_kind(w, ka, a, &first, &damaged, e)) < 0)
        return rc;
    if ((trees || wraps_b) && (rc = open_kind(w, kb, b, &second, &damaged, e)) < 0)
        return rc;
    if (damaged)
        rc = walk_leaf(w, a, b, e);
    else if (trees)
        rc = walk_objects(w, first, second, e);
    else if (wraps_a && (rc = object_content(first, &first->members[0], &inner, e)) == 0)
        rc = walk_bytes(w, inner, b, e);
    else if (!wraps_a && (rc = object_content(second, &second->members[0], &inner, e)) == 0)
        rc = walk_bytes(w, a, inner, e);
    w->depth--;
    return rc;
}

int walk_bytes(struct walk *w, struct bytes *a, struct bytes *b, struct err *e)
{
    const struct object_kind *ka = NULL;
    const struct object_kind *kb = NULL;
    uint64_t first = 0;
    int rc = 0;
    if (a->size == b->size && (rc = bytes_compare(a, 0, b, 0, a->size, &first, e)) == 0 &&
        first == a->size)
        return 0;
    if (rc < 0 || (rc = kind_of(a, &ka, e)) < 0 || (rc = kind_of(b, &kb, e)) < 0)
        return rc;
    if (ka != kb)
        return walk_two_kinds(w, ka, kb, a, b, e);
    return ka == NULL ? walk_leaf(w, a, b, e) : walk_same_kind(w, ka, a, b, e);
}

/* A limit that was hit ends the walk; what was found so far stands, and that it ended is told. */
static int settle(struct walk *w, int rc, struct err *e)
{
    struct err why = ERR_INIT;
    if (rc != -ERR_UNDECIDED || w->c->budget->hit == NULL)
        return rc;
    why = *e;
    *e = (struct err)ERR_INIT;
    return tell_unread(w, &why, 0, e);
}

int compare_bytes(const struct compare *c, struct bytes *a, struct bytes *b, const char *path,
                  struct err *e)
{
    struct walk w = {.c = c, .path = BUF_INIT(COMPARE_PATH_MAX)};
    int rc = buf_add_str(&w.path, path, e);
    if (rc == 0)
        rc = settle(&w, walk_bytes(&w, a, b, e), e);
    buf_dispose(&w.path);
    return rc;
}

static int compare_opened(struct walk *w, struct object *dir_a, struct object *dir_b,
                          struct bytes *a, struct bytes *b, struct err *e)
{
    const struct object_kind *kind = NULL;
    AUTO_OBJECT *tree = NULL;
    if (dir_a != NULL && dir_b != NULL && dir_a->kind == dir_b->kind)
        return walk_objects(w, dir_a, dir_b, e);
    if ((dir_a != NULL && !dir_a->kind->tree) || (dir_b != NULL && !dir_b->kind->tree))
        return err_set(e, ERR_INPUT, "an OCI layout is compared with another one only");
    if (dir_a == NULL && dir_b == NULL)
        return walk_bytes(w, a, b, e);
    struct bytes *file = a != NULL ? a : b;
    int rc = kind_of(file, &kind, e);
    if (rc == 0 && (kind == NULL || !kind->tree))
        rc = err_set(e, ERR_INPUT,
                     "'%s' is a directory and '%s' is no file system to compare it with",
                     dir_a != NULL ? dir_a->name : dir_b->name, file->name);
    if (rc < 0 || (rc = object_open(kind, file, file->name, NULL, w->c->budget, &tree, e)) < 0)
        return rc;
    rc = tell_kinds(w, dir_a != NULL ? "directory" : kind->name,
                    dir_a != NULL ? kind->name : "directory", FIELD_FORMAT, e);
    if (rc < 0)
        return rc;
    return dir_a != NULL ? walk_objects(w, dir_a, tree, e) : walk_objects(w, tree, dir_b, e);
}

int compare_paths(const struct compare *c, const char *a, const char *b, struct err *e)
{
    struct walk w = {.c = c, .path = BUF_INIT(COMPARE_PATH_MAX)};
    AUTO_BYTES *bytes_a = NULL;
    AUTO_BYTES *bytes_b = NULL;
    AUTO_OBJECT *dir_a = NULL;
    AUTO_OBJECT *dir_b = NULL;
    int rc = kind_open_path(a, c->budget, &bytes_a, &dir_a, e);
    if (rc == 0)
        rc = kind_open_path(b, c->budget, &bytes_b, &dir_b, e);
    if (rc == 0)
        rc = compare_opened(&w, dir_a, dir_b, bytes_a, bytes_b, e);
    rc = settle(&w, rc, e);
    buf_dispose(&w.path);
    return rc;
}
