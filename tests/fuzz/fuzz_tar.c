/* SPDX-License-Identifier: Apache-2.0 */
/* A tar archive: whatever is read stays within the bounds that tar_reader.h states. */
#include "base/buf.h"
#include "formats/tar/tar_reader.h"
#include "tests/fuzz/mend_tar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void check_path(const char *path)
{
    AUTO_FREE char *copy = strdup(path);
    struct err e = ERR_INIT;
    must(copy != NULL && strlen(path) <= TREE_PATH_MAX && path[0] != '/');
    must(tar_path_clean(copy, &e) == 0 && strcmp(copy, path) == 0); /* it is clean already */
}

static void check_entry(const struct tar_entry *n, size_t size)
{
    check_path(n->path);
    must(n->mode <= 07777 && (n->path[0] != 0 || n->type == TREE_DIR));
    must(n->hard_link == (n->link != NULL && n->type == TREE_FILE));
    must((n->type == TREE_SYMLINK || n->hard_link) == (n->link != NULL));
    if (n->hard_link)
        check_path(n->link);
    must(n->size == 0 || (n->type == TREE_FILE && !n->hard_link && n->offset <= size));
    must(!n->sparse || (n->type == TREE_FILE && !n->hard_link && n->size <= TAR_HOLES_MAX + size));
    for (size_t i = 1; i < n->xattr_count; i++)
        must(strcmp(n->xattrs[i - 1].name, n->xattrs[i].name) < 0);
}

/* Holes take time, not thought: of each no more than this is read. */
enum { CONTENT_MAX = 1 << 20 };

static void read_all(const uint8_t *data, size_t size, bool sparse)
{
    struct err e = ERR_INIT;
    struct source_bytes bytes = {.p = data, .left = size};
    struct source from = source_from_bytes(&bytes);
    AUTO_TAR_READER struct tar_reader *r = NULL;
    must(tar_reader_new(&from, &r, &e) == 0);
    if (sparse) { /* as layers are read */
        tar_reader_take_sparse(r);
        tar_reader_open_end(r);
    }
    for (unsigned i = 0;; i++) {
        struct tar_entry *n = NULL;
        if (tar_reader_next(r, &n, &e) < 0)
            return;
        if (n == NULL)
            break;
        check_entry(n, size);
        uint64_t got = 0;
        size_t len = i % 2; /* every other one is skipped */
        while (len > 0 && got < CONTENT_MAX) {
            const uint8_t *piece;
            if (tar_reader_data(r, &piece, &len, &e) < 0)
                return;
            got += len;
        }
        must(i % 2 == 0 || got == n->size || (n->size > CONTENT_MAX && got >= CONTENT_MAX));
        must(sparse || !n->sparse);
    }
    must(bytes.left == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE uint8_t *mended = malloc(size + 1);
    must(mended != NULL);
    if (size > 0)
        memcpy(mended, data, size);
    mend_sums(mended, size);
    read_all(data, size, true);
    read_all(mended, size, false);
    read_all(mended, size, true);
    return 0;
}
