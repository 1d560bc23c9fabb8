/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers: archives applied to a tree one over another, bottom first, without
 * unpacking anything to disk (docs/formats/layers.md).
 *
 * Tar layers follow the OCI image specification (whiteouts, opaque directories);
 * Debian packages follow what dpkg does, and refuse what it would have to
 * decide. The result does not depend on the number of threads.
 */
#ifndef ASSAY_FORMATS_LAYERS_LAYERS_H
#define ASSAY_FORMATS_LAYERS_LAYERS_H

#include "base/progress.h"
#include "formats/stream/decompress.h"
#include "formats/tree/glob.h"
#include "formats/tree/tree.h"

/*
 * What the entries of a stack may take: each counts LAYERS_ENTRY_COST bytes (about what it needs
 * until it is in the tree), its path, its link target and its attributes; what filters drop counts
 * nothing.
 */
enum { LAYERS_COST_MAX = 1 << 30, LAYERS_ENTRY_COST = 512 };

enum layer_form { LAYER_TAR, LAYER_DEB, LAYER_FILE };

struct layer_input {
    const char *name; /* for messages: the plan's id of the blob */
    struct digest blob;
    enum layer_form form;
    enum compression compression; /* tar; a package says its own */
    struct digest diff_id;        /* of the uncompressed tar; alg 0 = not given */
    const char *path;             /* file: the blob is the content of this one; borrowed */
    uint16_t mode;                /* file */
};

struct layer_place {
    struct glob *match;  /* owned */
    const char *path;    /* borrowed, as below */
    const char *pattern; /* what `match` was made from */
};

/* A file of a package's control.tar, kept in the layer's pack. */
struct deb_control_file {
    char *name;
    struct tree_content content; /* its pack is filled in before `applied` */
};

enum deb_text { DEB_CONTROL, DEB_CONFFILES, DEB_TRIGGERS, DEB_TEXTS };

/* What a package's control.tar has (deb_control.c). */
struct deb_control {
    char *text[DEB_TEXTS]; /* NUL-terminated; NULL: the package has no such file */
    size_t len[DEB_TEXTS];
    struct deb_control_file *files; /* all but `control`, sorted by name */
    size_t count;
};
void deb_control_free(struct deb_control *c);

enum layers_meeting { LAYERS_CLASH, LAYERS_OLDER_STAYS, LAYERS_NEWER_WINS };

/*
 * What packages mean beyond their files, for whoever makes an installed system
 * of them (builder/debian). With it a stack has packages only; they are applied
 * in the order that `begin` gives, a directory has what the last one says, and
 * bin, sbin and lib lead to /usr whether a package needs them or not.
 */
struct layers_packages {
    void *context;
    /* Once, after all were read: `order` is a permutation of the layers. Controls are borrowed. */
    int (*begin)(void *context, const struct deb_control *const *controls, size_t count,
                 size_t *order, struct err *e);
    /* Where a path of that layer goes instead; NULL: nowhere else. Borrowed. */
    const char *(*divert)(void *context, size_t layer, const char *path);
    /* Both have a path that is no directory. */
    enum layers_meeting (*meet)(void *context, size_t older, size_t newer);
    /* `path`, as the tree has it, is the older layer's no more. */
    int (*lost)(void *context, size_t older, const char *path, struct err *e);
    /* An entry is in the tree; `shipped` is its path in the archive, "" for the root. */
    int (*placed)(void *context, size_t layer, const char *shipped, struct err *e);
    /* All of a layer is; takes its control. */
    int (*applied)(void *context, size_t layer, struct deb_control *control_taken, struct err *e);
};

struct layers_options {
    struct glob_list
        *include; /* NULL or empty = everything; each pattern has to choose something */
    struct glob_list *exclude;
    const struct layer_place *places;
    size_t place_count;
    unsigned expansion; /* of compressed bytes at most; 0: DECOMPRESS_RATIO_MAX */
    bool usr_merged;    /* packages: /bin, /sbin, /lib* are rewritten to /usr/… */
    int64_t clamp;      /* mtimes above are lowered to it; what nothing says the time of has it */
    const struct layers_packages *packages; /* NULL: packages are archives and nothing else */
    unsigned jobs;
    struct progress *progress;
};

/* Where a merged /usr has a path: "usr/" when it stands in front of it there, else "". */
const char *layers_merged_prefix(const char *path);

/*
 * ERR_INPUT names the layer. Contents are in new packs of the store, or, of
 * layers that are not compressed, in the layers themselves.
 */
int layers_flatten(struct cas *cas, const struct layer_input *layers, size_t count,
                   const struct layers_options *options, struct tree **out, struct err *e);

/* What expands too far, of a layer. */
struct layers_expansion {
    bool exceeded;
    char file[TREE_PATH_MAX + 1]; /* the entry that was reached; "" before the first */
};
/*
 * Whether a tar layer, of the given compression, expands more than `ratio` times (0:
 * DECOMPRESS_RATIO_MAX), as layers_flatten would refuse. It is read only when what it says of its
 * own length leaves that open: a gzip layer of more than 4 GiB, and an xz one, may yet be refused.
 * Other faults are none here.
 */
int layers_check_expansion(struct cas *cas, const struct digest *blob, enum compression kind,
                           unsigned ratio, struct layers_expansion *out, struct err *e);

#endif
