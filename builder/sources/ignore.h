/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a source directory leaves out: a list of patterns, the last that
 * matches a path decides, one that begins with '!' brings it back
 * (docs/reference/recipe.md, "directory: files as they stand").
 *
 * Patterns are those of formats/tree/glob.h, against the path below the
 * directory; what is said of a directory holds for all that is in it.
 */
#ifndef ASSAY_BUILDER_SOURCES_IGNORE_H
#define ASSAY_BUILDER_SOURCES_IGNORE_H

#include "base/err.h"
#include "base/scope.h"

#include <stdbool.h>

enum { IGNORE_RULES_MAX = 4096, IGNORE_FILE_MAX = 1 << 20 };

struct ignore;
int ignore_new(struct ignore **out, struct err *e);
void ignore_free(struct ignore *g);
/*
 * One rule: a pattern, with '!' before it to bring back; blanks at the ends of both go. The pattern
 * is cleaned like a path: "./a", "a//b", "a/./b", "x/../a" and "/a/" mean what they mean to a
 * shell. ERR_INPUT: nothing is left of it, or too many rules.
 */
int ignore_add(struct ignore *g, const char *rule, struct err *e);
/* The lines of a file, in order, as moby reads .dockerignore: blank ones and those that begin with
 * '#' are nothing. Errors name `what` and the line. */
int ignore_add_lines(struct ignore *g, const char *text, size_t len, const char *what,
                     struct err *e);
/* Whether the path (without leading slash) stays out. NULL ignores nothing. */
bool ignore_covers(const struct ignore *g, const char *path);
/* Whether something below an ignored directory may be brought back. */
bool ignore_brings_back(const struct ignore *g);

static inline void scope_ignore(struct ignore **g)
{
    ignore_free(*g);
}
#define AUTO_IGNORE AUTO(scope_ignore)

#endif
