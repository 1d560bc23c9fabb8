/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/tar_check.h"

#include "formats/tar/tar_header.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* What it is when it is no tar. */
static const char *name_of(const uint8_t *data, size_t len)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *name;
    } known[] = {
        {"\x1f\x8b", 2, "gzip"},
        {"\x28\xb5\x2f\xfd", 4, "zstd"},
        {"\xfd"
         "7zXZ\0",
         6, "xz"},
        {"BZh", 3, "bzip2"},
        {"\x5d\0\0", 3, "lzma"},
        {"LZIP", 4, "lzip"},
        {"\x04\x22\x4d\x18", 4, "lz4"},
        {"\x02\x21\x4c\x18", 4, "lz4 of old"},
        {"\x89LZO", 4, "lzop"},
        {"\x1f\x9d", 2, "compress (.Z)"},
        {"PK\x03\x04", 4, "a zip archive"},
        {"PK\x05\x06", 4, "an empty zip archive"},
        {"7z\xbc\xaf\x27\x1c", 6, "a 7z archive"},
        {"Rar!\x1a\x07", 6, "a rar archive"},
        {"!<arch>\n", 8, "an ar archive, like a Debian package"},
        {"0707", 4, "a cpio archive"},
        {"\xed\xab\xee\xdb", 4, "an RPM package"},
        {"hsqs", 4, "a squashfs image"},
        {"\x7f"
         "ELF",
         4, "a program"},
        {"#!", 2, "a script"},
        {"<", 1, "HTML or XML"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (len >= known[i].len && memcmp(data, known[i].bytes, known[i].len) == 0)
            return known[i].name;
    return NULL;
}

static bool is_tar(const uint8_t *block)
{
    int64_t sum = 0;
    if (tar_is_zero(block))
        return true;
    return tar_number(block, TAR_CHECKSUM, &sum) &&
           ((uint64_t)sum == tar_sum(block) || sum == tar_sum_signed(block));
}

static int judge(const uint8_t *block, size_t len, enum compression kind, const char *advice,
                 struct err *e)
{
    if (len == 0 || (len == TAR_BLOCK && is_tar(block)))
        return 0;
    const char *name = name_of(block, len);
    const char *outer = kind == COMPRESSION_NONE ? "" : compression_names[kind];
    const char *in = kind == COMPRESSION_NONE ? "" : " in ";
    if (name == NULL)
        return err_set(e, ERR_INPUT, "it is no tar%s%s%s", in, outer, advice);
    return err_set(e, ERR_INPUT,
                   "it is %s%s%s, which is not unpacked: a tar is, plain or in gzip, xz or zstd%s",
                   name, in, outer, advice);
}

int tar_check(int fd, const char *advice, enum compression *out, struct err *e)
{
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    uint8_t block[TAR_BLOCK];
    struct stat st;
    enum compression kind = COMPRESSION_NONE;
    size_t len = 0;
    int rc = compression_of_file(fd, &kind, e);
    if (rc < 0)
        return rc;
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot look at the file");
    struct source_file file = {.fd = fd, .left = (uint64_t)st.st_size};
    struct source from = source_from_file(&file);
    if (kind != COMPRESSION_NONE) {
        if ((rc = decompressor_new(kind, &from, NULL, &d, e)) < 0)
            return rc;
        from = decompressor_source(d);
    }
    if ((rc = source_fill(&from, block, sizeof(block), &len, e)) < 0 ||
        (rc = judge(block, len, kind, advice, e)) < 0)
        return rc;
    *out = kind;
    return 0;
}
