/* SPDX-License-Identifier: Apache-2.0 */
/* PATTERN NUL PATH: against a matcher that tries everything, where that is short enough. */
#include "formats/tree/glob.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Plain recursion, straight from the description in glob.h; patterns without sets and escapes. */
static bool slow(const char *p, const char *s, bool start, unsigned *budget)
{
    if (*budget == 0)
        return false;
    (*budget)--;
    if (*p == 0)
        return *s == 0;
    if (*p == '*') {
        size_t stars = strspn(p, "*");
        const char *rest = p + stars;
        if (stars >= 2 && start && *rest == '/') {
            for (const char *at = s;; at = strchr(at, '/') + 1) {
                if (slow(rest + 1, at, true, budget))
                    return true;
                /* A directory has a name. */
                if (*at == '/' || strchr(at, '/') == NULL)
                    return false;
            }
        }
        for (;; s++) {
            if (slow(rest, s, false, budget))
                return true;
            if (*s == 0 || (*s == '/' && stars == 1))
                return false;
        }
    }
    if (*s == 0 || (*p == '?' ? *s == '/' : *p != *s))
        return false;
    return slow(p + 1, s + 1, *p == '/', budget);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *text = malloc(size + 1);
    AUTO_GLOB struct glob *g = NULL;
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    size_t len = strlen(text);
    const char *path = len < size ? text + len + 1 : "";
    if (glob_new(text, &g, &e) < 0)
        return 0;
    bool fast = glob_match(g, path);
    unsigned budget = 100000;
    if (strpbrk(text, "[\\") == NULL && len < 64 && strlen(path) < 64) {
        bool expected = slow(text, path, true, &budget);
        if (budget > 0 && fast != expected)
            abort();
    }
    return 0;
}
