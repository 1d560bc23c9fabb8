/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tar/tar_header.h"

#include "base/byte_order.h"
#include "base/encoding.h"
#include "formats/tar/tar_reader.h"
#include "formats/tree/tree_internal.h"

#include <string.h>

const struct tar_field tar_fields[TAR_PLACES] = {
    [TAR_NAME] = {0, 100},          [TAR_MODE] = {100, 8},        [TAR_UID] = {108, 8},
    [TAR_GID] = {116, 8},           [TAR_SIZE] = {124, 12},       [TAR_MTIME] = {136, 12},
    [TAR_CHECKSUM] = {148, 8},      [TAR_TYPE] = {156, 1},        [TAR_LINK] = {157, 100},
    [TAR_MAGIC] = {257, 8},         [TAR_UNAME] = {265, 32},      [TAR_GNAME] = {297, 32},
    [TAR_MAJOR] = {329, 8},         [TAR_MINOR] = {337, 8},       [TAR_PREFIX] = {345, 155},
    [TAR_REST] = {500, 12},         [TAR_GNU_ATIME] = {345, 12},  [TAR_GNU_CTIME] = {357, 12},
    [TAR_GNU_SPARSE] = {386, 96},   [TAR_GNU_MORE] = {482, 1},    [TAR_GNU_REAL_SIZE] = {483, 12},
    [TAR_STAR_PREFIX] = {345, 131}, [TAR_STAR_ATIME] = {476, 12}, [TAR_STAR_CTIME] = {488, 12},
    [TAR_STAR_MAGIC] = {508, 4},
};

const uint8_t tar_magic_posix[8] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
const uint8_t tar_magic_gnu[8] = {'u', 's', 't', 'a', 'r', ' ', ' ', 0};

bool tar_is_zero(const uint8_t *block)
{
    return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

/* ---- reading numbers ---- */

bool tar_octal(const uint8_t *field, size_t len, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;
    while (i < len && field[i] == ' ')
        i++;
    size_t digits = digits_read(field + i, len - i, 8, &v);
    if (digits == DIGITS_TOO_MANY)
        return false;
    for (i += digits; i < len; i++)
        if (field[i] != ' ' && field[i] != 0)
            return false;
    *out = v;
    return true;
}

bool tar_base256(const uint8_t *field, size_t len, int64_t *out)
{
    bool negative = (field[0] & 0x40) != 0;
    uint64_t v = negative ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = field[i];
        if (i == 0)
            byte = negative ? (uint8_t)(byte | 0x80) : (uint8_t)(byte & 0x7f);
        if (v >> 55 != (negative ? 0x1ff : 0))
            return false;
        v = v << 8 | byte;
    }
    if (v >> 63 != negative)
        return false;
    memcpy(out, &v, sizeof(v));
    return true;
}

bool tar_number(const uint8_t *block, enum tar_place p, int64_t *out)
{
    const uint8_t *field = tar_at(block, p);
    uint64_t v = 0;
    if ((field[0] & 0x80) != 0)
        return tar_base256(field, tar_fields[p].len, out);
    if (!tar_octal(field, tar_fields[p].len, &v) || v > INT64_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

uint64_t tar_sum(const uint8_t *block)
{
    const struct tar_field own = tar_fields[TAR_CHECKSUM];
    uint64_t sum = (uint64_t)own.len * ' ';
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= own.start && i < (size_t)own.start + own.len ? 0 : block[i];
    return sum;
}

int64_t tar_sum_signed(const uint8_t *block)
{
    int64_t sum = (int64_t)tar_sum(block);
    const struct tar_field own = tar_fields[TAR_CHECKSUM];
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if ((i < own.start || i >= (size_t)own.start + own.len) && block[i] >= 0x80)
            sum -= 0x100;
    return sum;
}

/* ---- writing numbers ---- */

void tar_put_octal(uint8_t *field, size_t len, uint64_t v)
{
    field[len - 1] = 0;
    for (size_t i = len - 1; i-- > 0; v >>= 3)
        field[i] = (uint8_t)('0' + (v & 7));
}

void tar_put(uint8_t *block, enum tar_place p, int64_t v)
{
    const struct tar_field f = tar_fields[p];
    tar_put_octal(block + f.start, f.len, tar_fits_octal(v, f.len) ? (uint64_t)v : 0);
}

void tar_put_number(uint8_t *field, size_t len, uint64_t v)
{
    if (v >> (3 * (len - 1)) == 0) {
        tar_put_octal(field, len, v);
        return;
    }
    memset(field, 0, len);
    if (len > sizeof(v))
        put_be64(field + len - sizeof(v), v);
    else
        put_be(field, v, len);
    field[0] = 0x80;
}

void tar_seal(uint8_t *block)
{
    uint8_t *field = block + tar_fields[TAR_CHECKSUM].start;
    size_t digits = (size_t)tar_fields[TAR_CHECKSUM].len - 1; /* with the NUL */
    tar_put_octal(field, digits, tar_sum(block));
    field[digits] = ' ';
}

/* ---- paths ---- */

int tar_path_clean(char *path, struct err *e)
{
    if (path[0] == '/')
        return err_set(e, ERR_INPUT, "'%.200s' is an absolute path", path);
    char *to = path;
    size_t depth = 0;
    for (const char *p = path; *p != 0;) {
        size_t len = strcspn(p, "/");
        const char *next = p + len + strspn(p + len, "/");
        if (len == 0 || (len == 1 && p[0] == '.')) {
            p = next;
            continue;
        }
        if (len == 2 && p[0] == '.' && p[1] == '.')
            return err_set(e, ERR_INPUT, "a path has a '..' in it");
        if (len > TREE_NAME_MAX || ++depth > TREE_DEPTH_MAX ||
            (size_t)(to - path) + len > TREE_PATH_MAX)
            return err_set(e, ERR_INPUT, "a path is too long or too deep");
        if (to != path)
            *to++ = '/';
        memmove(to, p, len);
        to += len;
        p = next;
    }
    if ((size_t)(to - path) > TREE_PATH_MAX)
        return err_set(e, ERR_INPUT, "a path is too long or too deep");
    *to = 0;
    return 0;
}
