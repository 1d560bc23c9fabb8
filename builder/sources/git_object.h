/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git's objects: their ids recomputed from their bytes, trees and commits read
 * strictly (gitformat "object", SHA-1 and SHA-256 repositories). What git says
 * is never believed: an object counts when its bytes have the id asked for.
 */
#ifndef ASSAY_BUILDER_SOURCES_GIT_OBJECT_H
#define ASSAY_BUILDER_SOURCES_GIT_OBJECT_H

#include "base/err.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stdint.h>

enum { GIT_ID_MAX = 32, GIT_HEX_MAX = 2 * GIT_ID_MAX, GIT_NAME_MAX = 255 };

struct git_id {
    size_t len; /* 20 (SHA-1) or 32 (SHA-256) */
    uint8_t bytes[GIT_ID_MAX];
};

/* 40 or 64 lower-case hex digits. */
bool git_id_parse(const char *text, struct git_id *out);
/* `text` has GIT_HEX_MAX + 1 bytes; returns it. */
char *git_id_format(const struct git_id *id, char *text);
int git_id_compare(const struct git_id *a, const struct git_id *b);

/* The id of an object while its bytes pass by. */
struct git_hasher;
/* `type`: "blob", "tree", "commit"; `id_len` chooses the algorithm. */
int git_hasher_new(const char *type, uint64_t size, size_t id_len, struct git_hasher **out,
                   struct err *e);
int git_hasher_update(struct git_hasher *h, const void *data, size_t len, struct err *e);
int git_hasher_final(struct git_hasher *h, struct git_id *out, struct err *e);
void git_hasher_free(struct git_hasher *h);

/* The tree that a commit names. */
int git_commit_tree(const void *data, size_t len, size_t id_len, struct git_id *out, struct err *e);

enum git_type { GIT_TREE, GIT_FILE, GIT_EXECUTABLE, GIT_LINK, GIT_SUBMODULE };

struct git_entry {
    enum git_type type;
    char name[GIT_NAME_MAX + 1]; /* one component; not ".", ".." or ".git" */
    struct git_id id;
};

/* Called for each entry, in the tree's order, which must be git's own: so none is there twice. */
typedef int git_visit(void *context, const struct git_entry *entry, struct err *e);
int git_tree_walk(const void *data, size_t len, size_t id_len, git_visit *visit, void *context,
                  struct err *e);

#endif
