/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every reader of a format gives, so that two things can be compared without knowing what they
 * are: an object has fields (facts of its own), and members, each with fields and, maybe, content.
 *
 * A reader's promise: fields and contents together say everything that the bytes say, except how
 * the bytes are packed. What belongs to nothing (gaps, padding that is not zero, bytes behind the
 * end) is a member of type MEMBER_GAP, so that nothing can hide. Everything in the bytes is
 * hostile: what breaks the format is ERR_INPUT and says where.
 */
#ifndef ASSAY_FORMATS_OBJECT_OBJECT_H
#define ASSAY_FORMATS_OBJECT_OBJECT_H

#include "formats/object/arena.h"
#include "formats/object/budget.h"
#include "formats/stream/bytes.h"
#include "formats/stream/sink.h"

/* What a field is about; causes go by it. */
enum field_class {
    FIELD_MEANING,    /* what users see: a link's target, a device's number */
    FIELD_TIME,       /* of a member */
    FIELD_TIME_MADE,  /* when the whole was made */
    FIELD_OWNER,      /* uid, gid */
    FIELD_OWNER_NAME, /* user and group by name */
    FIELD_MODE,       /* permission bits */
    FIELD_XATTR,      /* an extended attribute, ACLs and capabilities included */
    FIELD_ID,         /* UUID, serial number, build id: random, or derived from something */
    FIELD_SEED,       /* random numbers that decide an order or a hash */
    FIELD_HOST,       /* host, user, or kernel that it was made on */
    FIELD_PATH,       /* a path of the machine that it was made on */
    FIELD_VERSION,    /* which tool made it */
    FIELD_COMPRESSOR, /* which compression, its options and level */
    FIELD_FORMAT,     /* dialect, version of the format, block size, flags */
    FIELD_LAYOUT,     /* where things lie, how much room there is */
    FIELD_CHECKSUM,   /* follows from the rest */
    FIELD_SIGNATURE,  /* an embedded signature */
    FIELD_ORDER, /* names, a line each, in an order that says nothing: compared by those that both
                    sides have */
};

enum field_form {
    FIELD_NUMBER,
    FIELD_SIGNED,
    FIELD_OCTAL,
    FIELD_SECONDS,
    FIELD_TEXT,
    FIELD_LITERAL, /* a text that is no string: 1, not "1" */
    FIELD_BYTES,
};

struct field {
    const char *name; /* "mtime", "xattr.security.capability": unique in its object or member */
    enum field_class class;
    enum field_form form;
    uint64_t number; /* FIELD_SIGNED, FIELD_SECONDS: an int64_t */
    const uint8_t *data;
    size_t len;
};

enum member_type {
    MEMBER_FILE,
    MEMBER_DIRECTORY,
    MEMBER_SYMLINK,
    MEMBER_HARDLINK, /* another name of an earlier member: field "link" */
    MEMBER_CHAR,
    MEMBER_BLOCK,
    MEMBER_FIFO,
    MEMBER_SOCKET,
    MEMBER_PART, /* a section, a partition, a layer: bytes that have a name */
    MEMBER_GAP,  /* bytes that belong to nothing */
};

struct member {
    const char *path; /* raw bytes without NUL; "" is the root directory. Not resolved by anybody */
    uint32_t nth;     /* among members of the same path: 0, 1, … */
    enum member_type type;
    bool has_content;
    uint64_t size;              /* of the content */
    uint64_t position;          /* in the order in which the object has them */
    const struct field *fields; /* sorted by name */
    size_t field_count;
    bool any_order;  /* the order of its content's lines says nothing */
    bool signature;  /* it vouches for the rest */
    bool code;       /* machines run it */
    uint64_t cookie; /* the reader's own */
};

struct object;

enum object_same {
    OBJECT_UNKNOWN,
    OBJECT_SAME,      /* equal contents */
    OBJECT_REPACKED,  /* equal contents, stored in other bytes though nothing else asked for it */
    OBJECT_DIFFERENT, /* other contents */
};

struct object_kind {
    const char *name; /* "squashfs" */
    bool ordered;     /* the order of its members is part of it */
    bool tree;    /* a file system: comparable with any other one, by the fields that both have */
    bool wrapper; /* one member, "content": compression and the like */
    /* By the first bytes (up to OBJECT_HEAD_MAX), or by looking further. */
    bool (*is)(const struct bytes *bytes, const uint8_t *head, size_t head_len);
    /* Adds fields and members (object_add_*) and sets o->state. */
    int (*open)(struct object *o, struct err *e);
    /* A member's content, in order. */
    int (*content)(struct object *o, const struct member *m, struct sink to, struct err *e);
    /* The same without copying, where it is stored as it is: a new reference, or NULL. The member
     * may be NULL. */
    int (*slice)(struct object *o, const struct member *m, struct bytes **out, struct err *e);
    /* Evidence about two members of two objects of this kind, of equal size, that is cheaper than
     * decoding both; may be NULL. */
    int (*same)(struct object *a, const struct member *am, struct object *b,
                const struct member *bm, enum object_same *out, struct err *e);
    void (*close)(struct object *o); /* frees o->state; may be NULL */
};

enum { OBJECT_HEAD_MAX = 4096 };

struct object {
    const struct object_kind *kind;
    struct bytes *bytes; /* NULL: a directory */
    const char *name;    /* in errors; borrowed */
    struct budget *budget;
    struct arena arena;
    struct field *fields; /* sorted by name */
    size_t field_count;
    size_t field_room;
    struct member *members; /* sorted by path, then nth */
    size_t member_count;
    size_t member_room;
    void *state;
    /* While it is opened: the fields of the member that is being added. */
    struct field *pending;
    size_t pending_count;
    size_t pending_room;
};

/* Keeps the bytes (NULL for kinds that have none). */
int object_open(const struct object_kind *kind, struct bytes *bytes, const char *name, void *state,
                struct budget *budget, struct object **out, struct err *e);
void object_close(struct object *o);
static inline void scope_object(struct object **o)
{
    object_close(*o);
}
#define AUTO_OBJECT AUTO(scope_object) struct object

/* The content as bytes: a slice, memory, or an unlinked file below the budget's scratch directory.
 */
int object_content(struct object *o, const struct member *m, struct bytes **out, struct err *e);

/* ---- for readers, while they open ---- */

/* Fields of the object itself. Names, texts and bytes are copied; names need not be static. */
int object_field(struct object *o, struct field field, struct err *e);
/* Fields of the member that object_member() adds next. */
int object_member_field(struct object *o, struct field field, struct err *e);
/* Takes the pending fields; `m->fields` is set here, `nth` when all are there. */
int object_member(struct object *o, const struct member *m, struct err *e);

/* Whether a field of that form has bytes, and no number. */
static inline bool field_has_bytes(const struct field *f)
{
    return f->form >= FIELD_TEXT;
}
/* The field of that name; NULL when there is none. */
const struct field *field_find(const struct field *fields, size_t count, const char *name);
bool field_equal(const struct field *a, const struct field *b);
/* As a person reads it: "0644", "2026-11-29T10:00:00Z", "'text'", "1f 8b …"; cut where it is long.
 * Appends. */
int field_show(const struct field *f, struct buf *out, struct err *e);

#endif
