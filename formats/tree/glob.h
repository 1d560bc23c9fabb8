/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path patterns (docs/formats/tree.md, "Patterns"). Bytes, not characters;
 * paths have no leading or trailing slash.
 *
 *   ?      one byte but '/'          [a-z] [!a-z]   one byte of, or not of, a set; never '/'
 *   *      any bytes but '/'         \x             x itself
 *   **     any bytes; as a whole component followed by '/', zero or more directories
 *
 * Matching takes time proportional to path length times pattern length at
 * worst, whatever the pattern.
 */
#ifndef ASSAY_FORMATS_TREE_GLOB_H
#define ASSAY_FORMATS_TREE_GLOB_H

#include "base/json.h"

enum { GLOB_PATTERN_MAX = 4096, GLOB_LIST_MAX = 4096 };

struct glob;
/* ERR_INPUT: empty, too long, a leading slash, a set without end, a '\' at the end. */
int glob_new(const char *pattern, struct glob **out, struct err *e);
void glob_free(struct glob *g);
/* The whole path matches. Thread-safe. */
bool glob_match(const struct glob *g, const char *path);

static inline void scope_glob(struct glob **g)
{
    glob_free(*g);
}
#define AUTO_GLOB AUTO(scope_glob)

/*
 * The lists that steps have as include and exclude. A list covers a path when a
 * pattern matches it or one of the directories above it: what is said of a
 * directory holds for all that is in it.
 */
struct glob_list;
int glob_list_new(struct glob_list **out, struct err *e);
void glob_list_free(struct glob_list *l);
int glob_list_add(struct glob_list *l, const char *pattern, struct err *e);
/* A JSON array of patterns. */
int glob_list_parse(const struct jcur *array, struct glob_list **out, struct err *e);
size_t glob_list_count(const struct glob_list *l);
/* The root's path "" is covered by nothing. Thread-safe. NULL covers nothing. */
bool glob_list_covers(const struct glob_list *l, const char *path);
/*
 * The same of a list that chooses what is taken: which of its patterns covered a path is
 * remembered, and the first that covered none can be told afterwards (NULL: each did). Thread-safe.
 * Borrowed.
 */
bool glob_list_chooses(struct glob_list *l, const char *path);
const char *glob_list_unmatched(const struct glob_list *l);

static inline void scope_glob_list(struct glob_list **l)
{
    glob_list_free(*l);
}
#define AUTO_GLOB_LIST AUTO(scope_glob_list)

#endif
