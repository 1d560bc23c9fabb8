/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over a document that people wrote: like base's jcur, but its
 * complaints say FILE:LINE:COLUMN, and an unknown key names the nearest known
 * one. Without a YAML document (a plan's parameters) they name the JSON path.
 */
#ifndef ASSAY_BASE_YAML_YCUR_H
#define ASSAY_BASE_YAML_YCUR_H

#include "base/yaml/yaml.h"

#include <stdint.h>

/* A place in a document. Everything is borrowed; `up` must outlive it. */
struct ycur {
    const struct yaml_doc *doc; /* NULL: a JSON document called `key` at its root */
    json_t *value;
    const struct ycur *up;
    const char *key;
    size_t index;
};

struct ycur ycur_root(const struct yaml_doc *doc);
struct ycur ycur_json(json_t *value, const char *what);

/* "FILE:LINE:COLUMN: …" with the code given; the position of this value, or of its key. */
int ycur_fail(const struct ycur *c, enum err_code code, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int ycur_fail_key(const struct ycur *c, enum err_code code, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* "FILE:LINE:COLUMN" (or "at $.path") of this value, for complaints that come later; caller frees.
 */
int ycur_where(const struct ycur *c, char **out, struct err *e);

/* The file that this value stands in, borrowed from the document; NULL without a YAML document. */
const char *ycur_file(const struct ycur *c);

/* It is a map and has no keys but these (NULL-terminated). */
int ycur_map(const struct ycur *c, const char *const *keys, struct err *e);
/* It is a map with keys of the writer's choice. */
int ycur_open_map(const struct ycur *c, struct err *e);
/* It is a list of at most `max` items. */
int ycur_list(const struct ycur *c, size_t max, size_t *count, struct err *e);
bool ycur_opt(const struct ycur *c, const char *key, struct ycur *out);
int ycur_get(const struct ycur *c, const char *key, struct ycur *out, struct err *e);
struct ycur ycur_item(const struct ycur *c, size_t index);
/* The keys of a map in byte order; borrowed strings in an array that the caller frees. */
int ycur_keys(const struct ycur *c, const char ***keys, size_t *count, struct err *e);

/* A text of 1 to `max` bytes (ycur_text0: may be empty). Borrowed. */
int ycur_text(const struct ycur *c, size_t max, const char **out, struct err *e);
int ycur_text0(const struct ycur *c, size_t max, const char **out, struct err *e);
int ycur_bool(const struct ycur *c, bool *out, struct err *e);
int ycur_int(const struct ycur *c, int64_t min, int64_t max, int64_t *out, struct err *e);
/* The text is the index of one of `names` (NULL-terminated). */
int ycur_choice(const struct ycur *c, const char *const *names, size_t *out, struct err *e);

#endif
