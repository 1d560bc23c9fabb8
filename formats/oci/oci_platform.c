/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/oci/oci_platform.h"

#include <stdio.h>
#include <string.h>

enum { VARIANTS_MAX = 5, RANK_NO_PLATFORM = 1, RANK_FIRST = 2, RANK_EXACT = 1000 };

/* Each variant runs what is for those before it. */
static const struct architecture {
    const char *name;
    const char *unsaid;
    const char *variants[VARIANTS_MAX];
} architectures[] = {
    {"amd64", "v1", {"v1", "v2", "v3", "v4"}},
    {"arm", "v7", {"v5", "v6", "v7", "v8"}},
    {"arm64", "v8", {"v8", "v9"}},
};

static const struct architecture *find(const char *name)
{
    for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++)
        if (strcmp(architectures[i].name, name) == 0)
            return &architectures[i];
    return NULL;
}

/* VARIANTS_MAX: not one of them. */
static size_t place_of(const struct architecture *a, const char *variant)
{
    size_t i = 0;
    while (i < VARIANTS_MAX && (a->variants[i] == NULL || strcmp(a->variants[i], variant) != 0))
        i++;
    return i;
}

/* Cuts `part` and a slash off the text; NULL: it begins otherwise. */
static const char *after(const char *text, const char *part)
{
    size_t len = strlen(part);
    if (text == NULL || strncmp(text, part, len) != 0)
        return NULL;
    text += len;
    return *text == '/' ? text + 1 : *text == '\0' ? text : NULL;
}

/* Higher is better, 0 is no use. */
static unsigned rank_of(const char *wanted, const char *os, const char *arch, const char *variant)
{
    const char *variant_wanted = after(after(wanted, os), arch);
    if (variant_wanted == NULL)
        return 0;
    if (strcmp(variant_wanted, variant != NULL ? variant : "") == 0)
        return RANK_EXACT;
    const struct architecture *a = find(arch);
    if (a == NULL)
        return 0;
    size_t most = place_of(a, *variant_wanted != '\0' ? variant_wanted : a->unsaid);
    size_t has = place_of(a, variant != NULL ? variant : a->unsaid);
    return most < VARIANTS_MAX && has <= most ? RANK_FIRST + (unsigned)has : 0;
}

static void show(struct oci_choice *c, const char *os, const char *arch, const char *variant)
{
    char text[64];
    size_t len = strlen(c->there);
    int n = snprintf(text, sizeof(text), "%s%.20s/%.20s%s%.10s", len > 0 ? ", " : "", os, arch,
                     variant != NULL ? "/" : "", variant != NULL ? variant : "");
    if (n > 0 && len + (size_t)n < sizeof(c->there))
        memcpy(c->there + len, text, (size_t)n + 1);
}

void oci_choice_offer(struct oci_choice *c, size_t index, const char *os, const char *arch,
                      const char *variant)
{
    unsigned rank = os == NULL ? RANK_NO_PLATFORM : rank_of(c->wanted, os, arch, variant);
    if (os != NULL)
        show(c, os, arch, variant);
    if (rank == 0 || rank < c->rank)
        return;
    c->several = rank == c->rank;
    c->rank = rank;
    if (!c->several)
        c->index = index;
}

const char *oci_choice_problem(struct oci_choice *c, char *text, size_t size)
{
    if (c->rank > 0 && !c->several)
        return NULL;
    if (c->rank == RANK_NO_PLATFORM)
        (void)snprintf(text, size, "no image for %.100s, and several that do not say for what",
                       c->wanted);
    else if (c->several)
        (void)snprintf(text, size, "more than one image for %.100s", c->wanted);
    else
        (void)snprintf(text, size, "no image for %.100s%s%s", c->wanted,
                       c->there[0] != '\0' ? ", only for " : "", c->there);
    return text;
}
