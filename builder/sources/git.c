/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/git.h"

#include "base/file.h"
#include "base/place.h"
#include "builder/sources/git_remote.h"
#include "builder/sources/git_session.h"
#include "builder/sources/words.h"

#include <string.h>

enum { ENTRIES_MAX = 1 << 20, COMMIT_MAX = 4 * 1024 * 1024, ERRORS_MAX = 4096, TEXT_MAX = 4096 };

/* ---- one run ------------------------------------------------------------------------------- */

struct directory {
    struct git_id id;
    struct tree_node *node;
    unsigned depth;
};

struct file {
    struct git_id id;
    enum git_type type;
    char *name; /* links: they are made when their targets are known */
    struct tree_node *dir;
    struct tree_inode *inode;
};

struct run {
    const struct git_options *o;
    const struct git_repository *repository;
    struct git_session *session;
    struct tree_blob *blob;
    struct directory *dirs;
    size_t dir_count;
    size_t dir_cap;
    struct file *files;
    size_t file_count;
    size_t file_cap;
    struct buf text; /* the tree, commit or link being read */
    const struct directory *current;
    size_t entries;
};

static void run_dispose(struct run *r)
{
    for (size_t i = 0; i < r->file_count; i++)
        free(r->files[i].name);
    free(r->files);
    free(r->dirs);
    buf_dispose(&r->text);
    git_session_free(r->session);
}

/* What the name means now. An id means itself. */
static int resolve(struct run *r, struct git_id *out, struct err *e)
{
    char said[PLACE_MESSAGE_MAX];
    const struct git_repository *repository = r->repository;
    AUTO_BUF output = BUF_INIT(TEXT_MAX);
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    AUTO_FREE char *name = NULL;
    struct git_id asked;
    int status = 0;
    bool by_id = git_id_parse(r->o->commit, &asked);
    bool remote = url_is_remote(r->o->repository);
    int rc = str_format(&name, e, "%s^{commit}", remote && !by_id ? GIT_REMOTE_REF : r->o->commit);
    if (rc < 0)
        return rc;
    const char *const args[] = {"rev-parse", "--verify", "--quiet", "--end-of-options", name, NULL};
    if ((rc = git_run(repository, args, &output, &errors, &status, e)) < 0)
        return rc;
    if (status != 0)
        return err_set(e, ERR_INPUT, "there is no commit '%s'%s%.300s", r->o->commit,
                       errors.len > 0 ? ": " : "", git_complaint(&errors, repository->env, said));
    while (output.len > 0 && output.data[output.len - 1] == '\n')
        output.data[--output.len] = 0;
    if (!git_id_parse(buf_str(&output), out))
        return err_set(e, ERR_INPUT, "git resolves '%s' to no commit id", r->o->commit);
    if (by_id && git_id_compare(out, &asked) != 0)
        return err_set(e, ERR_INPUT, "'%s' is no commit, but the id of a tag", r->o->commit);
    return 0;
}

/* ---- objects that are read whole ---------------------------------------------------------------
 */

static int text_begin(void *context, size_t index, uint64_t size, struct err *e)
{
    struct run *r = context;
    (void)index;
    (void)size;
    (void)e;
    buf_cut(&r->text, 0);
    return 0;
}

static int text_data(void *context, size_t index, const void *data, size_t len, struct err *e)
{
    struct run *r = context;
    (void)index;
    return buf_add(&r->text, data, len, e);
}

static int text_end(void *context, size_t index, struct err *e)
{
    (void)context;
    (void)index;
    (void)e;
    return 0;
}

static int read_text(struct run *r, const struct git_id *id, const char *type, uint64_t max,
                     struct err *e)
{
    const struct git_request request = {id, 1, type, max, text_begin, text_data, text_end, r};
    return git_session_read(r->session, &request, e);
}

struct search {
    const char *name;
    size_t len;
    bool found;
    struct git_entry entry;
};

static int search_visit(void *context, const struct git_entry *entry, struct err *e)
{
    struct search *s = context;
    (void)e;
    if (strlen(entry->name) == s->len && memcmp(entry->name, s->name, s->len) == 0) {
        s->found = true;
        s->entry = *entry;
    }
    return 0;
}

/* From the commit's tree to that of `path`. */
static int descend(struct run *r, struct git_id *tree, struct err *e)
{
    for (const char *p = r->o->path; p != NULL && *p != '\0';) {
        struct search s = {.name = p, .len = strcspn(p, "/")};
        int rc = read_text(r, tree, "tree", GIT_TREE_BYTES_MAX, e);
        if (rc < 0 || (rc = git_tree_walk(buf_str(&r->text), r->text.len, tree->len, search_visit,
                                          &s, e)) < 0)
            return rc;
        if (!s.found || s.entry.type != GIT_TREE)
            return err_set(e, ERR_INPUT, "the commit has no directory '%s'", r->o->path);
        *tree = s.entry.id;
        p += s.len + (p[s.len] == '/');
    }
    return 0;
}

/* ---- trees: one level of directories after the other -------------------------------------------
 */

static int add_directory(struct run *r, const struct git_entry *n, struct err *e)
{
    struct directory next = {.id = n->id, .depth = r->current->depth + 1};
    struct tree_node *parent = r->current->node;
    if (next.depth > TREE_DEPTH_MAX)
        return err_set(e, ERR_INPUT, "more than %d directories deep", TREE_DEPTH_MAX);
    int rc = tree_blob_add_dir(r->blob, parent, n->name, &next.node, e);
    if (rc < 0)
        return rc;
    size_t at = (size_t)(r->current - r->dirs); /* growing moves it */
    rc = array_grow(&r->dirs, &r->dir_cap, r->dir_count + 1, sizeof(*r->dirs), e);
    if (rc < 0)
        return rc;
    r->current = &r->dirs[at];
    r->dirs[r->dir_count++] = next;
    return 0;
}

static int add_file(struct run *r, const struct git_entry *n, struct err *e)
{
    struct file f = {.id = n->id, .type = n->type, .dir = r->current->node};
    int rc = array_grow(&r->files, &r->file_cap, r->file_count + 1, sizeof(*r->files), e);
    if (rc < 0)
        return rc;
    rc = n->type == GIT_LINK
             ? str_copy(&f.name, n->name, e)
             : tree_blob_add_file(r->blob, f.dir, n->name, n->type == GIT_EXECUTABLE, &f.inode, e);
    if (rc == 0)
        r->files[r->file_count++] = f;
    return rc;
}

static int entry_visit(void *context, const struct git_entry *entry, struct err *e)
{
    struct run *r = context;
    if (++r->entries > ENTRIES_MAX)
        return err_set(e, ERR_INPUT, "the tree has more than %d entries", ENTRIES_MAX);
    if (entry->type == GIT_SUBMODULE)
        return err_set(e, ERR_INPUT,
                       "'%s' is a submodule, which is not fetched: make it an image of its own",
                       entry->name);
    return entry->type == GIT_TREE ? add_directory(r, entry, e) : add_file(r, entry, e);
}

struct level {
    struct run *run;
    size_t first;
};

static int tree_begin(void *context, size_t index, uint64_t size, struct err *e)
{
    return text_begin(((struct level *)context)->run, index, size, e);
}

static int tree_data(void *context, size_t index, const void *data, size_t len, struct err *e)
{
    return text_data(((struct level *)context)->run, index, data, len, e);
}

static int tree_end(void *context, size_t index, struct err *e)
{
    struct level *l = context;
    struct run *r = l->run;
    r->current = &r->dirs[l->first + index];
    return git_tree_walk(buf_str(&r->text), r->text.len, r->current->id.len, entry_visit, r, e);
}

static int read_trees(struct run *r, const struct git_id *root, struct err *e)
{
    int rc = array_grow(&r->dirs, &r->dir_cap, 1, sizeof(*r->dirs), e);
    if (rc < 0)
        return rc;
    r->dirs[0] = (struct directory){.id = *root, .node = tree_root(r->blob->tree), .depth = 1};
    r->dir_count = 1;
    for (size_t first = 0; rc == 0 && first < r->dir_count;) {
        size_t count = r->dir_count - first;
        struct level level = {r, first};
        AUTO_FREE struct git_id *ids = array_new(count, sizeof(*ids));
        if (ids == NULL)
            return err_oom(e);
        for (size_t i = 0; i < count; i++)
            ids[i] = r->dirs[first + i].id;
        const struct git_request request = {ids,        count,     "tree",   GIT_TREE_BYTES_MAX,
                                            tree_begin, tree_data, tree_end, &level};
        rc = git_session_read(r->session, &request, e);
        first += count;
    }
    return rc;
}

/* ---- files: each content once ------------------------------------------------------------------
 */

static int compare_files(const void *a, const void *b)
{
    const struct file *x = *(const struct file *const *)a;
    const struct file *y = *(const struct file *const *)b;
    int order = git_id_compare(&x->id, &y->id);
    return order != 0 ? order : (x > y) - (x < y); /* of one array: a total order */
}

struct contents {
    struct run *run;
    const struct file **files; /* sorted by id */
    size_t *firsts;            /* where the files of object i begin; one more at the end */
};

static bool any(const struct contents *c, size_t index, bool link)
{
    for (size_t i = c->firsts[index]; i < c->firsts[index + 1]; i++)
        if ((c->files[i]->type == GIT_LINK) == link)
            return true;
    return false;
}

static int content_begin(void *context, size_t index, uint64_t size, struct err *e)
{
    struct contents *c = context;
    buf_cut(&c->run->text, 0);
    if (any(c, index, true) && size > TREE_PATH_MAX)
        return err_set(e, ERR_INPUT, "the link '%s' has a target of %llu bytes",
                       c->files[c->firsts[index]]->name, (unsigned long long)size);
    return tree_packer_begin(c->run->blob->packer, e);
}

static int content_data(void *context, size_t index, const void *data, size_t len, struct err *e)
{
    struct contents *c = context;
    int rc = tree_packer_write(c->run->blob->packer, data, len, e);
    return rc == 0 && any(c, index, true) ? buf_add(&c->run->text, data, len, e) : rc;
}

static int content_end(void *context, size_t index, struct err *e)
{
    struct contents *c = context;
    struct tree_inode first = {.type = TREE_FILE};
    int rc = tree_packer_end(c->run->blob->packer, &first, e);
    for (size_t i = c->firsts[index]; rc == 0 && i < c->firsts[index + 1]; i++) {
        const struct file *f = c->files[i];
        const struct buf *text = &c->run->text;
        if (f->type != GIT_LINK)
            f->inode->content = first.content;
        else if (memchr(buf_str(text), '\0', text->len) != NULL)
            rc = err_set(e, ERR_INPUT, "the target of the link '%s' has a NUL byte", f->name);
        else
            rc = tree_blob_add_link(c->run->blob, f->dir, f->name, buf_str(text), e);
    }
    return rc;
}

static int read_files(struct run *r, struct err *e)
{
    AUTO_FREE const struct file **files = array_new(r->file_count + 1, sizeof(*files));
    AUTO_FREE struct git_id *ids = array_new(r->file_count + 1, sizeof(*ids));
    AUTO_FREE size_t *firsts = array_new(r->file_count + 1, sizeof(*firsts));
    size_t count = 0;
    if (files == NULL || ids == NULL || firsts == NULL)
        return err_oom(e);
    for (size_t i = 0; i < r->file_count; i++)
        files[i] = &r->files[i];
    if (r->file_count > 1)
        qsort(files, r->file_count, sizeof(*files), compare_files);
    for (size_t i = 0; i < r->file_count; i++) {
        if (i > 0 && git_id_compare(&files[i]->id, &files[i - 1]->id) == 0)
            continue;
        ids[count] = files[i]->id;
        firsts[count++] = i;
    }
    firsts[count] = r->file_count;
    struct contents c = {r, files, firsts};
    const struct git_request request = {ids,           count,        "blob",      UINT64_C(1) << 40,
                                        content_begin, content_data, content_end, &c};
    return git_session_read(r->session, &request, e);
}

/* ---- the whole
 * ----------------------------------------------------------------------------------- */

static int check_tree(const struct run *r, const struct git_source *source, struct err *e)
{
    if (r->o->tree == NULL || strcmp(r->o->tree, source->tree) == 0)
        return 0;
    return err_set(e, ERR_INPUT, "the tree is %s, and not %s", source->tree, r->o->tree);
}

static int read_commit(struct run *r, struct git_source *out, struct err *e)
{
    struct git_id commit;
    struct git_id tree;
    struct git_source source;
    int rc = resolve(r, &commit, e);
    if (rc < 0 || (rc = git_session_open(r->repository, &r->session, e)) < 0 ||
        (rc = read_text(r, &commit, "commit", COMMIT_MAX, e)) < 0 ||
        (rc = git_commit_tree(buf_str(&r->text), r->text.len, commit.len, &tree, e)) < 0 ||
        (rc = descend(r, &tree, e)) < 0)
        return rc;
    (void)git_id_format(&commit, source.commit);
    (void)git_id_format(&tree, source.tree);
    if ((rc = check_tree(r, &source, e)) < 0 || (rc = read_trees(r, &tree, e)) < 0 ||
        (rc = read_files(r, e)) < 0)
        return rc;
    *out = source;
    return 0;
}

int git_read(const struct git_options *options, struct tree_blob *b, struct git_source *out,
             struct err *e)
{
    AUTO(git_remote_close) struct git_remote remote = GIT_REMOTE_INIT;
    const struct git_repository local = {.directory = options->repository,
                                         .limits = options->limits};
    bool far = url_is_remote(options->repository);
    AUTO(run_dispose) struct run r = {
        .o = options,
        .repository = far ? &remote.repository : &local,
        .blob = b,
        .text = BUF_INIT(GIT_TREE_BYTES_MAX),
    };
    int rc = far ? git_remote_fetch(options, &remote, e) : 0;
    if (rc < 0 || (rc = read_commit(&r, out, e)) < 0)
        return err_wrap(e, "git '%s'", PLACE_SHOWN(options->repository));
    return 0;
}
