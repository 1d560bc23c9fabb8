/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kind of step takes for parameters, as a table: a row for each, in the order in which they
 * are looked at. From the table come the check of a plan's parameters, the kind's struct, and the
 * definition in schemas/plan.schema.json (step_schema.h). What a row cannot say is a rule or a
 * reader of the kind's own, which the table names at its place.
 *
 *   struct params {
 *       uint64_t time;
 *       bool xattrs;
 *   };
 *   static const struct param rows[] = {
 *       {PARAM_U64("time", struct params, time), .max = UINT32_MAX},
 *       {PARAM_BOOL("xattrs", struct params, xattrs)},
 *   };
 *   static const struct step_params takes = {STEP_PARAMS(rows, struct params)};
 */
#ifndef ASSAY_BUILDER_PLAN_STEP_PARAMS_H
#define ASSAY_BUILDER_PLAN_STEP_PARAMS_H

#include "base/json.h"
#include "formats/stream/compressor.h"
#include "formats/tree/glob.h"

#include <stddef.h>

/* What an input's index is when its parameter is left out. */
#define PARAM_NO_INPUT SIZE_MAX

enum param_type {
    PARAM_TYPE_BOOL,
    PARAM_TYPE_U32,
    PARAM_TYPE_U64,
    PARAM_TYPE_I64,
    PARAM_TYPE_SIZE,
    PARAM_TYPE_TEXT,
    PARAM_TYPE_CHOICE,
    PARAM_TYPE_CONST, /* a choice that picked this table */
    PARAM_TYPE_DIGEST,
    PARAM_TYPE_COMPRESSOR, /* two parameters: "compressor" and "level" */
    PARAM_TYPE_GLOBS,
    PARAM_TYPE_INPUT,
    PARAM_TYPE_OBJECT,
    PARAM_TYPE_LIST,
    PARAM_TYPE_OTHER,
    PARAM_TYPE_THERE, /* only that it is there; another row, or a rule, reads it */
    PARAM_TYPE_RULE,  /* no parameter: what several must be to each other */
    PARAM_TYPES
};

/* How much of a row the schema has. */
enum param_said {
    SAID_ALL,
    SAID_FROM,    /* of a number: where its range begins */
    SAID_TYPE,    /* no bound at all */
    SAID_BY_HAND, /* nothing: the schema's part is written by hand, as PARAM_OTHER's is */
};

/* What custom code may know while parameters are read. */
struct param_reading {
    void *params; /* the kind's struct, as far as it is filled */
    size_t input_count;
    bool *used; /* inputs that PARAM_INPUT rows have named so far */
};

/* A text that parameters of several kinds can have. */
struct param_text {
    size_t max; /* bytes */
    bool (*valid)(const char *text);
    /* What is wrong with one that is not: "no path", for the error "'TEXT' is no path". */
    const char *is;
    int quoted;             /* bytes of TEXT that the error has; 0: all */
    const char *complaint;  /* in place of `is`: the whole error */
    const char *definition; /* the schema's "$defs" entry for it, or NULL */
    size_t said_min;        /* what the schema says: characters, 0 = nothing */
    size_t said_max;
    const char *pattern;
};

struct param_compression {
    size_t index; /* into the row's compressors */
    int level;
};

struct param;
struct step_params {
    const struct param *rows;
    size_t row_count;
    size_t size; /* of the struct that the rows fill */
    /* Frees what custom code has put there, however far it came. May be NULL. */
    void (*dispose)(void *fields);
};

struct param_list {
    size_t max;
    size_t item_size;
    const struct param *item; /* each item is a value such as this row's, which has no key; or */
    const struct step_params *const *objects; /* each is one of these objects */
    size_t object_count;
    /* Which of the objects an item is; may be NULL when there is one. */
    int (*pick)(const struct param_reading *r, const struct jcur *item, size_t *out, struct err *e);
    const char *per_input; /* "layers": there are as many as inputs */
    /* Refuses an item that is read for what was read before it. May be NULL. */
    int (*after)(const struct param_list *list, const struct jcur *item, const void *items,
                 size_t index, struct err *e);
    size_t said_min; /* items */
    bool said_unique;
};

struct param {
    const char *key;
    enum param_type type;
    size_t offset;
    size_t count_offset; /* lists */
    bool optional;       /* left out, its field is zero, `absent` or PARAM_NO_INPUT */
    enum param_said said;
    const char *definition; /* the schema's "$defs" entry that says it, or NULL */
    /* Numbers are at most `max` (signed ones from `min` on, with `max` below 2^63). Then unsigned
     * ones are from `min` on, multiples of `multiple` unless that is 0, and fit: or `complaint` is
     * the error. For multiples it is only "a size", and becomes "a size is a multiple of 512". */
    int64_t min;
    uint64_t max;
    uint64_t multiple;
    bool (*fits)(uint64_t number);
    const char *complaint;
    uint64_t absent;
    const struct param_text *text;
    const char *const *names;                    /* NULL-terminated */
    const struct compressor *const *compressors; /* ends with NULL */
    const struct param_list *list;
    bool once;     /* an input: no other row names it */
    bool in_range; /* an input: the error says which there are */
    /* Of an object: refuses all but what it must be. May be NULL. */
    int (*check)(const struct jcur *object, struct err *e);
    /* Of PARAM_OTHER; without a key, `c` is the object that has the parameters. */
    int (*read)(const struct param_reading *r, const struct jcur *c, void *field, struct err *e);
    /* `object` has the parameters, `fields` is what was read of it so far. */
    int (*rule)(const struct param_reading *r, const struct jcur *object, const void *fields,
                struct err *e);
};

/* The place of a member that must have the type. */
#define PARAM_FIELD(type, s, member)                                                               \
    (offsetof(s, member) + 0 * sizeof((type *)0 == &((s *)0)->member))
#define PARAM_OF(name, kind, c_type, s, member)                                                    \
    .key = (name), .type = (kind), .offset = PARAM_FIELD(c_type, s, member)

#define PARAM_BOOL(key, s, member) PARAM_OF(key, PARAM_TYPE_BOOL, bool, s, member)
#define PARAM_U32(key, s, member) PARAM_OF(key, PARAM_TYPE_U32, uint32_t, s, member)
#define PARAM_U64(key, s, member) PARAM_OF(key, PARAM_TYPE_U64, uint64_t, s, member)
#define PARAM_I64(key, s, member) PARAM_OF(key, PARAM_TYPE_I64, int64_t, s, member)
#define PARAM_SIZE(key, s, member) PARAM_OF(key, PARAM_TYPE_SIZE, size_t, s, member)
/* Borrowed from the document. */
#define PARAM_TEXT(key, s, member, what)                                                           \
    PARAM_OF(key, PARAM_TYPE_TEXT, const char *, s, member), .text = (what)
/* The index in the names. */
#define PARAM_CHOICE(key, s, member, words)                                                        \
    PARAM_OF(key, PARAM_TYPE_CHOICE, size_t, s, member), .names = (words)
/* It is names[index], as whoever picked the table has seen. */
#define PARAM_CONST(key, s, member, words, index)                                                  \
    PARAM_OF(key, PARAM_TYPE_CONST, size_t, s, member), .names = (words), .max = (index)
#define PARAM_DIGEST(key, s, member) PARAM_OF(key, PARAM_TYPE_DIGEST, struct digest, s, member)
#define PARAM_COMPRESSOR(s, member, list)                                                          \
    PARAM_OF("compressor", PARAM_TYPE_COMPRESSOR, struct param_compression, s, member),            \
        .compressors = (list)
#define PARAM_GLOBS(key, s, member) PARAM_OF(key, PARAM_TYPE_GLOBS, struct glob_list *, s, member)
#define PARAM_INPUT(key, s, member) PARAM_OF(key, PARAM_TYPE_INPUT, size_t, s, member)
/* Borrowed from the document. */
#define PARAM_OBJECT(key, s, member, checked_by)                                                   \
    PARAM_OF(key, PARAM_TYPE_OBJECT, json_t *, s, member), .check = (checked_by)
/* An array of `c_type` on the heap, and their count. */
#define PARAM_LIST(key, c_type, s, member, count, of)                                              \
    PARAM_OF(key, PARAM_TYPE_LIST, c_type *, s, member),                                           \
        .count_offset = PARAM_FIELD(size_t, s, count), .list = (of)
#define PARAM_OTHER(name, c_type, s, member, read_by)                                              \
    PARAM_OF(name, PARAM_TYPE_OTHER, c_type, s, member), .read = (read_by)
#define PARAM_THERE(name) .key = (name), .type = PARAM_TYPE_THERE
#define PARAM_RULE(by) .type = PARAM_TYPE_RULE, .rule = (by)

#define STEP_PARAMS(table, s)                                                                      \
    .rows = (table), .row_count = sizeof(table) / sizeof((table)[0]), .size = sizeof(s)

/* In a list: items are such structs, which these tables fill. */
#define PARAM_ITEMS(s, ...)                                                                        \
    .item_size = sizeof(s), .objects = (const struct step_params *const[]){__VA_ARGS__},           \
    .object_count = sizeof((const struct step_params *const[]){__VA_ARGS__}) /                     \
                    sizeof(const struct step_params *)
/* Or values, as the row says. */
#define PARAM_VALUES(c_type, row) .item_size = sizeof(c_type), .item = (row)

/* A kind without parameters. */
extern const struct step_params step_params_none;

/* Fills *out, `takes->size` bytes; dispose it whatever the result. ERR_INPUT names the place. */
int step_params_read(const struct step_params *takes, const struct jcur *params, size_t input_count,
                     void *out, struct err *e);
void step_params_dispose(const struct step_params *takes, void *params);
/* The same without a result. */
int step_params_check(const struct step_params *takes, const struct jcur *params,
                      size_t input_count, struct err *e);

#endif
