/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of a package's control archive: any bytes are read or refused with
 * ERR_INPUT, what was read lies inside the text, what says who comes first
 * is an order, and what is written of it reads as the same. The first byte says which text it is.
 */
#include "builder/debian/control.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct err e;

static void inside(const char *p, size_t len, const char *text, size_t size)
{
    if (p < text || len > size || (size_t)(p - text) > size - len)
        abort();
}

static void read_relations(const struct control_field *f, const char *version)
{
    const char *cursor = f->value;
    bool more = true;
    while (more) {
        struct relation r;
        const char *before = cursor;
        int rc = relation_next(&cursor, f->value + f->value_len, &r, &more, &e);
        if (rc != 0 && rc != -ERR_INPUT)
            abort();
        if (rc < 0)
            return;
        inside(cursor, 0, f->value, f->value_len);
        if (!more)
            return;
        if (cursor <= before || r.name[0] == 0 || strpbrk(r.name, "/ \n,|:(") != NULL)
            abort();
        inside(r.at, strlen(r.name), f->value, f->value_len);
        int there = version_compare(version, r.version);
        int back = version_compare(r.version, version);
        if ((there < 0) != (back > 0) || (there > 0) != (back < 0) ||
            version_compare(r.version, r.version) != 0)
            abort();
        if (r.op == RELATION_LE && relation_satisfied(&r, version) != (there <= 0))
            abort();
    }
}

/* What is written of a package reads as the same package again. */
static void write_again(const struct control *c)
{
    static const char own[] = "Status: install ok installed\n";
    AUTO_BUF first = BUF_INIT(1 << 24);
    AUTO_BUF second = BUF_INIT(1 << 24);
    AUTO_CONTROL again;
    if (control_status(c, "", &first, &e) < 0)
        abort();
    char *status = strstr(buf_str(&first), own);
    if (status == NULL)
        abort();
    AUTO_BUF text = BUF_INIT(1 << 24);
    size_t before = (size_t)(status - buf_str(&first));
    if (buf_add(&text, first.data, before, &e) < 0 ||
        buf_add_str(&text, status + strlen(own), &e) < 0 ||
        control_parse(buf_str(&text), text.len, &again, &e) < 0 ||
        control_status(&again, "", &second, &e) < 0 || first.len != second.len ||
        memcmp(first.data, second.data, first.len) != 0)
        abort();
}

static void read_control(const char *text, size_t size)
{
    AUTO_CONTROL c;
    int rc = control_parse(text, size, &c, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (rc < 0)
        return;
    if (control_field(&c, "status") != NULL || control_field(&c, "PACKAGE") == NULL ||
        strpbrk(c.package, "/ \n") != NULL || strpbrk(c.arch, "/ \n") != NULL)
        abort();
    for (size_t i = 0; i < c.count; i++) {
        inside(c.fields[i].name, c.fields[i].name_len, text, size);
        inside(c.fields[i].value, c.fields[i].value_len, text, size);
        read_relations(&c.fields[i], c.version);
    }
    write_again(&c);
}

static void read_conffiles(const char *text, size_t size)
{
    const char *cursor = text;
    const char *path = NULL;
    size_t len = 1;
    while (len > 0 && conffiles_next(&cursor, &path, &len, &e) == 0)
        if (len > 0) {
            inside(path, len, text, size);
            if (path[0] != '/' || memchr(path, '\n', len) != NULL)
                abort();
        }
}

static void read_triggers(const char *text, size_t size)
{
    const char *cursor = text;
    bool more = true;
    struct trigger t;
    while (more && triggers_next(&cursor, &t, &more, &e) == 0)
        if (more) {
            inside(t.name, t.len, text, size);
            if (t.name[0] != '/' && !package_name_valid(t.name, t.len))
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = malloc(size); /* exactly as long as what is in it, and its NUL */
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = 0;
    if (data[0] % 3 == 0)
        read_control(text, size - 1);
    else if (memchr(text, 0, size - 1) == NULL && data[0] % 3 == 1)
        read_conffiles(text, size - 1);
    else if (memchr(text, 0, size - 1) == NULL)
        read_triggers(text, size - 1);
    free(text);
    return 0;
}
