/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML for recipes: strict reading into JSON values, with positions kept so
 * that every later complaint can say FILE:LINE:COLUMN (docs/formats/yaml.md).
 *
 * Refused: invalid UTF-8, duplicate keys, keys that are not strings, tags other
 * than the core ones, a second document, numbers whose reading differs between
 * YAML versions, NUL, and anything over the bounds below. Anchors, aliases and
 * `<<` merges work; what they expand to counts against the bounds, so an alias
 * bomb is an error, not a full memory.
 */
#ifndef ASSAY_BASE_YAML_YAML_H
#define ASSAY_BASE_YAML_YAML_H

#include "base/buf.h"

#include <jansson.h>

enum {
    YAML_BYTES_MAX = 1024 * 1024,         /* of a file */
    YAML_AGAIN_MAX = 64 * YAML_BYTES_MAX, /* of a text of it that was indented anew */
    YAML_DEPTH_MAX = 32,                  /* of nested lists and maps */
    YAML_NODES_MAX = 65536,               /* values after aliases are expanded */
    YAML_TEXT_MAX = 4 * YAML_BYTES_MAX,   /* bytes of strings and keys after aliases are expanded */
};

/* The prefix is yaml_doc_: libyaml has functions of its own called yaml_free and the like. */
struct yaml_doc;

/* 1-based; columns count characters. `file` is the document's, borrowed. */
struct yaml_mark {
    unsigned long line;
    unsigned long column;
    const char *file;
};

/*
 * `file` is what errors call it (copied). Every defect is ERR_INPUT,
 * "FILE:LINE:COLUMN: …". Caller frees *out with yaml_doc_free.
 */
int yaml_doc_parse(const void *data, size_t len, const char *file, struct yaml_doc **out,
                   struct err *e);
/* "-" is standard input, "stdin" in complaints; a URL is ERR_USAGE. */
int yaml_doc_read(const char *path, struct yaml_doc **out, struct err *e);
void yaml_doc_free(struct yaml_doc *doc);

/*
 * The same as LinuxKit's YAML library reads: numbers as in yaml_go_scalar.h (up to 64 bits; a
 * natural number beyond int64_t is a real), and only the first document of a file, whatever follows
 * it.
 */
int yaml_doc_parse_go(const void *data, size_t len, const char *file, struct yaml_doc **out,
                      struct err *e);
/* What a NUL is in texts that were read so: U+FFFF, which no text may have itself. */
#define YAML_NUL "\xef\xbf\xbf"
/* "-" is standard input. */
int yaml_doc_read_go(const char *path, struct yaml_doc **out, struct err *e);

/* How a scalar is written. */
enum yaml_style { YAML_PLAIN, YAML_SINGLE, YAML_DOUBLE, YAML_LITERAL, YAML_FOLDED };

/* A scalar of a file, and where go-yaml would stand when it wrote it: in a collection that is
 * indented by `indent`. */
struct yaml_written {
    const char *text; /* with YAML_NUL */
    enum yaml_style style;
    size_t indent;
    bool item; /* of a block list, else of a map */
    bool flow; /* somewhere inside brackets or braces */
    bool key;
    bool comment; /* of a block text: behind its '|' or '>', or behind its key */
    bool foot;    /* of a block text: the document's last, and comments follow it */
    struct yaml_mark mark;
};

/* What is done to every scalar of a file, keys too, before anything is decoded; each once, however
 * many aliases name it. *changed is a new text (taken) or stays NULL. */
struct yaml_pass {
    int (*scalar)(void *context, const struct yaml_written *at, char **changed, struct err *e);
    void *context;
};
/* With such a pass; NULL: none. */
int yaml_doc_parse_go_pass(const void *data, size_t len, const char *file,
                           const struct yaml_pass *pass, struct yaml_doc **out, struct err *e);
int yaml_doc_read_go_pass(const char *path, const struct yaml_pass *pass, struct yaml_doc **out,
                          struct err *e);
/* yaml_doc_parse_go of a text that was made here, out of a file that was read: up to
 * YAML_AGAIN_MAX. */
int yaml_doc_parse_go_again(const void *data, size_t len, const char *file, struct yaml_doc **out,
                            struct err *e);

/*
 * A document put together from others: `root` holds values of theirs beside
 * new ones, whose places yaml_doc_note tells. Takes the parts and the root, also on failure.
 */
int yaml_doc_merge(struct yaml_doc **parts_taken, size_t count, json_t *root_taken,
                   struct yaml_doc **out, struct err *e);
/* Where a place of the new values (see yaml_doc_find) was written. */
int yaml_doc_note(struct yaml_doc *doc, const json_t *parent, const char *key, size_t index,
                  const struct yaml_mark *value, const struct yaml_mark *at_key, struct err *e);

/* The document's value; borrowed. No two places of it share an array or object. */
json_t *yaml_doc_root(const struct yaml_doc *doc);
const char *yaml_doc_file(const struct yaml_doc *doc);
/* Where the document's value starts. */
struct yaml_mark yaml_doc_start(const struct yaml_doc *doc);
/*
 * Where the member `key` (or, when key is NULL, the item `index`) of the object
 * or array `parent` stands: of the value, and of the key (may be NULL). False
 * when it is no place of this document.
 */
bool yaml_doc_find(const struct yaml_doc *doc, const json_t *parent, const char *key, size_t index,
                   struct yaml_mark *value, struct yaml_mark *at_key);

static inline void scope_yaml(struct yaml_doc **doc)
{
    yaml_doc_free(*doc);
}
#define AUTO_YAML AUTO(scope_yaml)

/* How a plain scalar reads (yaml_scalar.c). */
enum yaml_scalar { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_TEXT, YAML_AMBIGUOUS };
/* *number is set for YAML_BOOL (0, 1) and YAML_INT; *real for YAML_FLOAT. */
enum yaml_scalar yaml_doc_resolve(const char *text, size_t len, long long *number, double *real);

#endif
