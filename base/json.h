/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON over jansson, and RFC 8785 canonical output.
 *
 * json_parse refuses duplicate keys, NUL in strings, trailing bytes, documents
 * that are too long or too deep, and numbers outside +-(2^53-1). The cursor
 * (struct jcur) walks a parsed document, refuses unknown keys and wrong types,
 * and its errors name the JSON path: "at $.inputs[3].digest: …".
 */
#ifndef ASSAY_BASE_JSON_H
#define ASSAY_BASE_JSON_H

#include "base/buf.h"
#include "base/digest.h"

#include <jansson.h>

struct json_limits {
    size_t bytes;   /* 0 = 16 MiB */
    unsigned depth; /* 0 = 64 */
    bool secret;    /* the document may hold secrets: errors say where, and quote nothing of it */
};

/* *out is new (json_decref). `what` names the document in errors ("plan 'x.json'"). */
int json_parse(const void *data, size_t len, const char *what, const struct json_limits *limits,
               json_t **out, struct err *e);
/* Reads a whole regular file and parses it. ERR_INPUT when it is missing. */
int json_read_file(const char *path, const struct json_limits *limits, json_t **out, struct err *e);
/* RFC 8785 (JCS). Appends; no final newline. */
int jcs_format(const json_t *value, struct buf *out, struct err *e);
/* For people: two-space indented, members in insertion order, final newline. Appends. */
int json_pretty(const json_t *value, struct buf *out, struct err *e);

/* A place in a parsed document. Borrowed; `up` must outlive it. */
struct jcur {
    json_t *value;
    const struct jcur *up;
    const char *key; /* of this value in its parent object; the document's name at the root */
    size_t index;    /* in its parent array when key is NULL */
};

struct jcur jcur_root(json_t *value, const char *what);
/* Fails with ERR_INPUT at this place. */
int jcur_fail(const struct jcur *c, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__
#define jcur_fail(...) err_is_negative(jcur_fail(__VA_ARGS__))
#endif
/* It is an object and has no keys but these (NULL-terminated list). */
int jcur_object(const struct jcur *c, const char *const *keys, struct err *e);
/* It is an object; unknown keys are allowed (formats that demand monotonic reading). */
int jcur_open_object(const struct jcur *c, struct err *e);
/* A required member. */
int jcur_get(const struct jcur *c, const char *key, struct jcur *out, struct err *e);
/* An optional member; false when absent (or null when the document's format allows that: it does
 * not here). */
bool jcur_opt(const struct jcur *c, const char *key, struct jcur *out);
/* It is an array of at most `max` items. */
int jcur_array(const struct jcur *c, size_t max, size_t *count, struct err *e);
/* The array that a member is; Go's empty lists are null, or not there at all: *count is then 0. */
int jcur_list(const struct jcur *c, const char *key, size_t max, struct jcur *list, size_t *count,
              struct err *e);
struct jcur jcur_item(const struct jcur *c, size_t index);
/* Strings: at most `max` bytes. Borrowed from the document. */
int jcur_string(const struct jcur *c, size_t max, const char **out, struct err *e);
int jcur_bool(const struct jcur *c, bool *out, struct err *e);
/* An integer in [0, max]. */
int jcur_u64(const struct jcur *c, uint64_t max, uint64_t *out, struct err *e);
int jcur_i64(const struct jcur *c, int64_t min, int64_t max, int64_t *out, struct err *e);
/* "sha256:…" */
int jcur_digest(const struct jcur *c, struct digest *out, struct err *e);
/* The string is the index of one of `names` (NULL-terminated). */
int jcur_choice(const struct jcur *c, const char *const *names, size_t *out, struct err *e);
/* jcur_get + the reader, for the common case. */
int jcur_get_string(const struct jcur *c, const char *key, size_t max, const char **out,
                    struct err *e);
int jcur_get_u64(const struct jcur *c, const char *key, uint64_t max, uint64_t *out, struct err *e);
int jcur_get_digest(const struct jcur *c, const char *key, struct digest *out, struct err *e);

/* Building: sets object[key] to a new string / integer; ERR_HOST when out of memory or not UTF-8.
 */
int json_put(json_t *object, const char *key, json_t *value_taken, struct err *e);
int json_put_string(json_t *object, const char *key, const char *text, struct err *e);
int json_put_u64(json_t *object, const char *key, uint64_t number, struct err *e);
int json_put_digest(json_t *object, const char *key, const struct digest *d, struct err *e);
/* Appends to an array. */
int json_push(json_t *array, json_t *value_taken, struct err *e);

#endif
