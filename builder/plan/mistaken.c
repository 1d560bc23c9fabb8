/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/mistaken.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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

/* What is signed, or is to be: its first member is none that a recipe has. */
static bool is_attestation(const struct head *h)
{
    static const char *const members[] = {
        "\"_type\"",         "\"dsseEnvelope\"", "\"payload\"",
        "\"payloadType\"",   "\"predicate\"",    "\"signatures\"",
        "\"predicateType\"", "\"subject\"",      "\"verificationMaterial\""};
    const char *text = (const char *)h->bytes;
    text += strspn(text, " \t\r\n");
    if (*text != '{')
        return false;
    text += 1 + strspn(text + 1, " \t\r\n");
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (strncmp(text, members[i], strlen(members[i])) == 0)
            return true;
    return strncmp(text, "\"mediaType\"", 11) == 0 && strstr(text, ".sigstore.bundle") != NULL;
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

/* Files of another kind that a recipe may be mistaken for. */
static int refuse_for_recipe(const char *path, const struct head *h, struct err *e)
{
    if (is_plan(h))
        return err_set(e, ERR_INPUT,
                       "'%s' is a plan, locked already: 'assay build %s -o DIR' builds it", path,
                       path);
    if (is_attestation(h))
        return err_set(e, ERR_INPUT,
                       "'%s' is a bundle, an envelope or a statement, not a recipe: 'assay build' "
                       "builds the plan that provenance carries",
                       path);
    if (has(h, 257, "ustar", 5))
        return err_set(e, ERR_INPUT,
                       "'%s' is a tar, not a recipe: images go behind --images, and 'assay build' "
                       "builds a plan with its inputs",
                       path);
    return 0;
}

static int refuse_for_plan(const char *path, const struct head *h, struct err *e)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(e, ERR_INPUT,
                       "'%s' is a directory, not a plan: 'assay diff A B' compares such, and image "
                       "layouts",
                       path);
    if (is_recipe(h))
        return err_set(e, ERR_INPUT,
                       "'%s' is a recipe, not a plan: 'assay lock %s -o PLAN' makes one", path,
                       path);
    return 0;
}

int mistaken(const char *path, enum mistaken_for taken, struct err *e)
{
    AUTO_FREE struct head *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return err_oom(e);
    read_head(path, h);
    const char *kind = image_kind(h);
    const char *wanted = taken == MISTAKEN_FOR_PLAN ? "plan" : "recipe";
    int rc =
        taken == MISTAKEN_FOR_PLAN ? refuse_for_plan(path, h, e) : refuse_for_recipe(path, h, e);
    if (rc < 0)
        return rc;
    if (kind != NULL)
        return err_set(e, ERR_INPUT, "'%s' is %s, not a %s: 'assay diff A B' compares such files",
                       path, kind, wanted);
    return 0;
}
