/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/console.h"

#include "base/text.h"

#include <string.h>

/* What a guest prints stays in its line; a tab does no harm. */
static void clean(char *line)
{
    for (char *end = line; end != NULL; line = end + 1) {
        end = strchr(line, '\t');
        if (end != NULL)
            *end = 0;
        text_clean(line);
        if (end == NULL)
            return;
        *end = '\t';
    }
}

/* Serial drivers end lines with CR LF, some with CR CR LF. */
static void end_line(struct console *c)
{
    while (c->len > 0 && c->line[c->len - 1] == '\r')
        c->len--;
    c->lines++;
    if (c->expect != NULL && !c->too_long && strlen(c->expect) == c->len &&
        memcmp(c->line, c->expect, c->len) == 0)
        c->seen = true;
    for (size_t i = 0; i < c->len; i++)
        if (c->line[i] == '\0')
            c->line[i] = '?';
    c->line[c->len] = '\0';
    clean(c->line);
    if (c->show != NULL)
        c->show(c->show_context, c->line);
    c->len = 0;
    c->too_long = false;
}

bool console_feed(void *console, const uint8_t *data, size_t len)
{
    struct console *c = console;
    for (size_t i = 0; i < len && !c->seen; i++) {
        if (data[i] == '\n')
            end_line(c);
        else if (c->len < CONSOLE_LINE_MAX - 1)
            c->line[c->len++] = (char)data[i];
        else
            c->too_long = true;
    }
    return !c->seen;
}

void console_end(struct console *c)
{
    if (c->len > 0 && !c->seen)
        end_line(c);
}

bool console_can_print(const char *line)
{
    size_t len = strlen(line);
    if (len == 0 || len >= CONSOLE_LINE_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char b = (unsigned char)line[i];
        if (b < 0x20 || b == 0x7f)
            return false;
    }
    return true;
}
