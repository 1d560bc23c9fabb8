/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a temporary directory, trees made by hand, and writers and steps run on them: shared
 * by the tests of formats' writers and of steps. */
#ifndef ASSAY_TESTS_UNIT_ENCODE_COMMON_H
#define ASSAY_TESTS_UNIT_ENCODE_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "builder/steps/step.h"
#include "formats/oci/oci_layout_write.h"
#include "formats/stream/gzip_writer.h"
#include "formats/tree/view.h"

#include <string.h>

static struct err e;
static char *scratch;
static struct cas *store;

static int setup(void **state)
{
    (void)state;
    AUTO_FREE char *path = NULL;
    if (dir_make_temp("/tmp", "assay-test-encode.", &scratch, &e) < 0 ||
        path_join(&path, scratch, "store", &e) < 0)
        return -1;
    return cas_open(path, CAS_CREATE, &store, &e);
}

static int teardown(void **state)
{
    (void)state;
    cas_close(store);
    int rc = dir_remove(scratch, &e);
    free(scratch);
    return rc;
}

/* ---- trees ------------------------------------------------------------------ */

static inline struct tree *new_tree(void)
{
    struct tree *t = NULL;
    assert_int_equal(tree_new(&t, &e), 0);
    return t;
}

static inline struct tree_node *add(struct tree *t, const char *dir, const char *name,
                                    enum tree_type type, uint16_t mode)
{
    struct tree_node *parent = NULL;
    struct tree_node *node = NULL;
    struct tree_inode *inode = NULL;
    assert_int_equal(tree_make_dirs(t, dir, 7, &parent, &e), 0);
    assert_int_equal(tree_inode_new(t, type, &inode, &e), 0);
    inode->mode = mode;
    assert_int_equal(tree_link(t, parent, name, inode, &node, &e), 0);
    return node;
}

static inline struct tree_node *add_symlink(struct tree *t, const char *dir, const char *name,
                                            const char *target)
{
    struct tree_node *node = add(t, dir, name, TREE_SYMLINK, 0777);
    node->inode->target = strdup(target);
    assert_non_null(node->inode->target);
    return node;
}

static inline struct tree_node *add_link(struct tree *t, const char *dir, const char *name,
                                         const struct tree_node *to)
{
    struct tree_node *parent = NULL;
    struct tree_node *node = NULL;
    assert_int_equal(tree_make_dirs(t, dir, 7, &parent, &e), 0);
    assert_int_equal(tree_link(t, parent, name, to->inode, &node, &e), 0);
    return node;
}

static inline void fill(struct tree_packer *p, const struct tree_node *node, const void *data,
                        size_t len)
{
    assert_int_equal(tree_packer_begin(p, &e), 0);
    assert_int_equal(tree_packer_write(p, data, len, &e), 0);
    assert_int_equal(tree_packer_end(p, node->inode, &e), 0);
}

static inline struct tree_packer *new_packer(struct tree *t)
{
    struct tree_packer *p = NULL;
    assert_int_equal(tree_packer_new(t, store, &p, &e), 0);
    return p;
}

static inline void commit(struct tree_packer *p)
{
    assert_int_equal(tree_packer_commit(p, &e), 0);
    tree_packer_free(p);
}

/* The same bytes for the same seed; they do not compress. */
static inline void noise(uint8_t *data, size_t len, uint64_t seed)
{
    uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (uint8_t)(x >> 32);
    }
}

/* ---- writers ---------------------------------------------------------------- */

/* All of a tree; dispose it. */
static inline void view_all(const struct tree *t, struct view *v)
{
    assert_int_equal(view_build(t, NULL, v, &e), 0);
}

static inline uint64_t get_le(const uint8_t *p, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | p[i];
    return value;
}

/* The last error has this in it. */
static inline void assert_says(const char *part)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    (void)err_line(&e, line, sizeof(line));
    if (strstr(line, part) == NULL)
        fail_msg("'%s' does not say '%s'", line, part);
}

/* ---- steps ------------------------------------------------------------------ */

static inline int try_step(const char *kind_name, const struct tree *t, const char *params_text,
                           unsigned jobs, struct step_output *out)
{
    AUTO_JSON json_t *params = NULL;
    const struct step_kind *kind = step_kind_find(&builder_steps, kind_name);
    assert_non_null(kind);
    assert_int_equal(json_parse(params_text, strlen(params_text), "params", NULL, &params, &e), 0);
    struct jcur root = jcur_root(params, "params");
    struct step_input input = {.id = "in", .kind = VALUE_TREE, .tree = t};
    struct step_context context = {.cas = store, .jobs = jobs};
    return step_run(&builder_runners, kind, &context, &root, &input, 1, out, &e);
}

static inline struct digest run_step(const char *kind, const struct tree *t, const char *params,
                                     unsigned jobs)
{
    struct step_output out = {0};
    int rc = try_step(kind, t, params, jobs, &out);
    if (rc < 0) {
        char line[1024];
        fail_msg("%s: %s", kind, err_line(&e, line, sizeof(line)));
    }
    struct digest d = out.digest;
    step_output_dispose(&out);
    return d;
}

/* It is refused with this code, and the message has this in it. */
static inline void assert_refused(const char *kind, const struct tree *t, const char *params,
                                  enum err_code code, const char *part)
{
    struct step_output out = {0};
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    assert_int_equal(try_step(kind, t, params, 2, &out), -(int)code);
    (void)err_line(&e, line, sizeof(line));
    if (strstr(line, part) == NULL)
        fail_msg("'%s' does not say '%s'", line, part);
    assert_null(out.related);
    assert_int_equal(out.digest.alg, 0);
}

static inline void read_blob(const struct digest *d, struct buf *out)
{
    assert_int_equal(cas_get(store, d, out, &e), 0);
}

/* Runs with 1, 2, 4 and 7 jobs, wants one result, and reads it. */
static inline struct digest run_all_jobs(const char *kind, const struct tree *t, const char *params,
                                         struct buf *out)
{
    static const unsigned jobs[] = {2, 4, 7};
    struct digest first = run_step(kind, t, params, 1);
    for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
        struct digest again = run_step(kind, t, params, jobs[i]);
        assert_true(digest_equal(&first, &again));
    }
    if (out != NULL)
        read_blob(&first, out);
    return first;
}

#endif
