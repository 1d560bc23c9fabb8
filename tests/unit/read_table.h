/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of the documentation, for tests that compare them with tables of the code. */
#ifndef ASSAY_TESTS_UNIT_READ_TABLE_H
#define ASSAY_TESTS_UNIT_READ_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"

#include <string.h>

/* The page's text; dispose it. */
static inline void read_page(const char *path, struct buf *out)
{
    struct err e = ERR_INIT;
    if (file_read(path, out, &e) < 0)
        fail_msg("cannot read %s: tests run at the top of the tree", path);
}

/* The row behind the table's head, or behind the row before; NULL when the table is over. *len: its
 * length without the newline. */
static inline const char *table_row(const char *before, size_t *len)
{
    const char *row = strchr(before, '\n');
    if (row == NULL || row[1] != '|')
        return NULL;
    *len = strcspn(row + 1, "\n");
    return row + 1;
}

/* The first row of the table whose head is the line `head`. */
static inline const char *table_find(const char *page, const char *head, size_t *len)
{
    const char *at = strstr(page, head);
    if (at == NULL)
        fail_msg("no table '%s'", head);
    at = at != NULL ? strchr(at, '\n') : NULL; /* the line of dashes */
    return at != NULL ? table_row(at + 1, len) : NULL;
}

enum { TABLE_NAMES = 8, TABLE_NAME = 64 };

/* The names in backticks of the row's first column; their number. */
static inline size_t table_names(const char *row, char out[TABLE_NAMES][TABLE_NAME])
{
    const char *end = strchr(row + 1, '|');
    size_t count = 0;
    for (const char *p = strchr(row, '`'); p != NULL && p < end; p = strchr(p, '`')) {
        size_t len = strcspn(p + 1, "`");
        assert_true(len < TABLE_NAME && count < TABLE_NAMES);
        memcpy(out[count], p + 1, len);
        out[count++][len] = '\0';
        p += len + 2;
    }
    return count;
}

#endif
