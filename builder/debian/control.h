/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A package's control file: one stanza of deb822, read strictly, and what the
 * rest of this folder asks of it.
 */
#ifndef ASSAY_BUILDER_DEBIAN_CONTROL_H
#define ASSAY_BUILDER_DEBIAN_CONTROL_H

#include "base/buf.h"

enum {
    CONTROL_FIELDS_MAX = 256,
    CONTROL_NAME_MAX = 120, /* of a package, as in recipes */
    CONTROL_WORD_MAX = 128, /* of a version, an architecture, the name of a field */
};

/* Spans of the text. A value begins behind the colon and its blanks, and has no newline at its end.
 */
struct control_field {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

struct control {
    const char *text; /* borrowed */
    struct control_field *fields;
    size_t count;
    size_t cap;
    char package[CONTROL_NAME_MAX + 1];
    char version[CONTROL_WORD_MAX + 1];
    char arch[CONTROL_WORD_MAX + 1];
    bool same; /* Multi-Arch: same */
};

/*
 * Values are without the blanks at their ends.
 *
 * Refused (ERR_INPUT): control bytes, lines that are neither a field nor go on
 * with one, a field twice (in any case), more than one stanza, names, versions
 * and architectures that are not what Debian policy says, the fields that
 * only dpkg itself may write into its database, and values that dpkg refuses.
 */
int control_parse(const char *text, size_t len, struct control *out, struct err *e);
void control_dispose(struct control *c); /* also after a failure */
#define AUTO_CONTROL AUTO(control_dispose) struct control
/* The field of that name, in any case; NULL: there is none. */
const struct control_field *control_field(const struct control *c, const char *name);

/* The name that dpkg's database has for the package's files: "libc6:amd64" when Multi-Arch is
 * same. */
int control_file_name(const struct control *c, char **out, struct err *e);

/* ---- fields.c: what dpkg reads by rules of its own ---- */

/* Whether dpkg takes the fields that it knows; ERR_INPUT. */
int control_check(const struct control *c, struct err *e);
/* The stanza that dpkg has of the package when it is installed, and an empty line; `conffiles` is
 * its field of that name, or "". */
int control_status(const struct control *c, const char *conffiles, struct buf *out, struct err *e);

bool package_name_valid(const char *name, size_t len);

enum relation_op { RELATION_ANY, RELATION_LT, RELATION_LE, RELATION_EQ, RELATION_GE, RELATION_GT };

/* One alternative of a dependency. */
struct relation {
    const char *at; /* the name in the text; borrowed */
    char name[CONTROL_NAME_MAX + 1];
    char arch[CONTROL_WORD_MAX + 1]; /* behind its colon; "" when there is none */
    enum relation_op op;
    char version[CONTROL_WORD_MAX + 1];
    char joint; /* what stands behind it: ',', '|', or 0 at the end */
};

/*
 * The next alternative of a field's value; *more is false at its end. What dpkg reads is read; what
 * stands in brackets of build dependencies is refused, as is all that is no relation, an empty one
 * too.
 */
int relation_next(const char **cursor, const char *end, struct relation *out, bool *more,
                  struct err *e);
/* Debian policy 5.6.12: negative, 0 or positive. */
int version_compare(const char *a, const char *b);
bool relation_satisfied(const struct relation *r, const char *version);

/* ---- lists.c: the other texts of a control archive, NUL-terminated ---- */

enum { CONTROL_PATH_MAX = 4095 };

/* The next path of `conffiles`, borrowed; *len is 0 at the end. What is only to be removed is
 * passed over. */
int conffiles_next(const char **cursor, const char **path, size_t *len, struct err *e);

struct trigger {
    const char *name; /* borrowed: a path, or a name like a package's */
    size_t len;
    bool no_await;
};
/* The next trigger that `triggers` is interested in; *more is false at the end. */
int triggers_next(const char **cursor, struct trigger *out, bool *more, struct err *e);

#endif
