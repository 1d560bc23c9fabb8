/*
 * Layers: archives applied to a tree one over another, bottom first, without
 * unpacking anything to disk (docs/formats/tree.md, "Layers").
 *
 * Tar layers follow the OCI image specification (whiteouts, opaque directories);
 * Debian packages follow what dpkg does, and refuse what it would have to
 * decide. The result does not depend on the number of threads.
 */
#ifndef ASSAY_BUILDER_TREE_LAYERS_H
#define ASSAY_BUILDER_TREE_LAYERS_H

#include "base/progress.h"
#include "builder/tree/decompress.h"
#include "builder/tree/glob.h"
#include "builder/tree/tree.h"

enum layer_form { LAYER_TAR, LAYER_DEB };

struct layer_input {
    const char *name; /* for messages: the plan's id of the blob */
    struct digest blob;
    enum layer_form form;
    enum compression compression; /* tar; a package says its own */
    struct digest diff_id;        /* of the uncompressed tar; alg 0 = not given */
};

struct layer_place {
    struct glob *match; /* owned */
    char *path;         /* owned */
    char *pattern;      /* owned: what `match` was made from */
};

struct layers_options {
    struct glob_list *include; /* NULL or empty = everything */
    struct glob_list *exclude;
    const struct layer_place *places;
    size_t place_count;
    bool usr_merged; /* packages: /bin, /sbin, /lib* are rewritten to /usr/… */
    int64_t clamp;   /* mtimes above are lowered to it; what nothing says the time of has it */
    unsigned jobs;
    struct progress *progress;
};

/*
 * ERR_INPUT names the layer. Contents are in new packs of the store, or, of
 * layers that are not compressed, in the layers themselves.
 */
int layers_flatten(struct cas *cas, const struct layer_input *layers, size_t count,
                   const struct layers_options *options, struct tree **out, struct err *e);

#endif
