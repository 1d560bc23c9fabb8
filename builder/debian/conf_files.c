/* SPDX-License-Identifier: Apache-2.0 */
/* Files of systemd's: a directory of the administrator's over those of packages. */
#include "builder/debian/conf_files.h"

#include <string.h>

enum { TEXT_MAX = 1 << 20 };

static const struct tree_node *child_at(const struct tree_node *dir, size_t at)
{
    return dir == NULL || at == dir->inode->child_count ? NULL : dir->inode->children[at];
}

static int take_lines(struct rootfs_writer *w, const char *path, conf_line *take, void *context,
                      struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    bool found = false;
    int rc = rootfs_get(w, path, &text, &found, e);
    for (char *line = (char *)text.data; rc == 0 && found && line != NULL && *line != 0;) {
        char *eol = strchr(line, '\n');
        if (eol != NULL)
            *eol = 0;
        size_t blank = strspn(line, " \t\r");
        if (line[blank] != '#' && line[blank] != 0)
            rc = take(context, line + blank, e);
        line = eol != NULL ? eol + 1 : NULL;
    }
    return rc < 0 ? err_wrap(e, "'%.200s'", path) : 0;
}

/* A file that is a link to nowhere hides those of its name. */
static bool is_mask(const struct tree_node *file)
{
    return file->inode->type == TREE_SYMLINK && strcmp(file->inode->target, "/dev/null") == 0;
}

int conf_files_read(struct rootfs_writer *w, const char *const dirs[CONF_DIRS], conf_line *take,
                    void *context, struct err *e)
{
    const struct tree_node *dir[CONF_DIRS];
    size_t at[CONF_DIRS] = {0};
    int rc = 0;
    for (size_t i = 0; i < CONF_DIRS; i++) {
        dir[i] = tree_find(w->tree, dirs[i], true);
        if (dir[i] != NULL && dir[i]->inode->type != TREE_DIR)
            dir[i] = NULL;
    }
    while (rc == 0) {
        AUTO_FREE char *path = NULL;
        const struct tree_node *next = NULL;
        size_t from = 0;
        for (size_t i = 0; i < CONF_DIRS; i++) {
            const struct tree_node *file = child_at(dir[i], at[i]);
            if (file != NULL && (next == NULL || strcmp(file->name, next->name) < 0)) {
                next = file;
                from = i;
            }
        }
        if (next == NULL)
            break;
        for (size_t i = 0; i < CONF_DIRS; i++) {
            const struct tree_node *file = child_at(dir[i], at[i]);
            at[i] += file != NULL && strcmp(file->name, next->name) == 0;
        }
        if (!str_ends(next->name, ".conf") || is_mask(next))
            continue;
        rc = str_format(&path, e, "%s/%s", dirs[from], next->name);
        if (rc == 0)
            rc = take_lines(w, path, take, context, e);
    }
    return rc;
}
