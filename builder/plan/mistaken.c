/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/mistaken.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { HEAD = 40 * 1024 };

/* Magic numbers of what `assay build` and others make. */
static const struct {
    const char *name;
    size_t offset;
    const char *bytes;
    size_t len;
} images[] = {
    {"a squashfs image", 0, "hsqs", 4},
    {"an erofs image", 1024, "\xe2\xe1\xf5\xe0", 4},
    {"an ext4 image", 1080, "\x53\xef", 2},
    {"an ISO image", 32769, "CD001", 5},
    {"a qcow2 image", 0, "QFI\xfb", 4},
    {"a program or kernel", 0,
     "\x7f"
     "ELF",
     4},
    {"compressed with gzip", 0, "\x1f\x8b", 2},
    {"compressed with zstd", 0, "\x28\xb5\x2f\xfd", 4},
    {"compressed with xz", 0,
     "\xfd"
     "7zXZ",
     5},
    {"a cpio archive", 0, "070701", 6},
    {"a disk image", 510, "\x55\xaa", 2},
};

struct head {
    uint8_t bytes[HEAD + 1];
    size_t len;
};

static bool has(const struct head *h, size_t offset, const char *bytes, size_t len)
{
    return offset + len <= h->len && memcmp(h->bytes + offset, bytes, len) == 0;
}

static const char *image_kind(const struct head *h)
{
    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
        if (has(h, images[i].offset, images[i].bytes, images[i].len))
            return images[i].name;
    return NULL;
}

/* A line begins with one of the keys that a recipe, or a LinuxKit file, must have. */
static bool is_recipe(const struct head *h)
{
    static const char *const keys[] = {
        "artifacts:", "images:", "kernel:", "init:", "onboot:", "system:", "services:", "files:"};
    const char *text = (const char *)h->bytes;
    if (memchr(text, 0, h->len) != NULL)
        return false;
    for (const char *line = text; *line != '\0';) {
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            if (strncmp(line, keys[i], strlen(keys[i])) == 0)
                return true;
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return false;
}

/* Its canonical form begins with these members; the type comes last. */
static bool is_plan(const struct head *h)
{
    static const char start[] = "{\"arch\":\"";
    return has(h, 0, start, strlen(start)) &&
           strstr((const char *)h->bytes, ",\"inputs\":[") != NULL;
}

static void read_head(const char *path, struct head *h)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = 0;
    while (fd >= 0 && h->len < HEAD &&
           (n = pread(fd, h->bytes + h->len, HEAD - h->len, (off_t)h->len)) > 0)
        h->len += (size_t)n;
    h->bytes[h->len] = 0;
}

int mistaken(const char *path, enum mistaken_for taken, struct err *e)
{
    AUTO_FREE struct head *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return err_oom(e);
    read_head(path, h);
    const char *kind = image_kind(h);
    const char *wanted = taken == MISTAKEN_FOR_PLAN ? "plan" : "recipe";
    if (taken == MISTAKEN_FOR_PLAN && is_recipe(h))
        return err_set(e, ERR_INPUT,
                       "'%s' is a recipe, not a plan: 'assay lock %s -o PLAN' makes one", path,
                       path);
    if (taken == MISTAKEN_FOR_RECIPE && is_plan(h))
        return err_set(e, ERR_INPUT,
                       "'%s' is a plan, locked already: 'assay build %s -o DIR' builds it", path,
                       path);
    if (taken == MISTAKEN_FOR_RECIPE && has(h, 257, "ustar", 5))
        return err_set(e, ERR_INPUT,
                       "'%s' is a tar, not a recipe: images go behind --images, and 'assay build' "
                       "builds a plan with its inputs",
                       path);
    if (kind != NULL)
        return err_set(e, ERR_INPUT, "'%s' is %s, not a %s: 'assay diff A B' compares such files",
                       path, kind, wanted);
    return 0;
}
