/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hostile sources are made of: the first byte says whether the rest is read as rules of what
 * to ignore, as a git tree, as a git commit, as docker's manifest.json, or as what git's credential
 * helpers answer.
 */
#include "base/buf.h"
#include "builder/sources/docker_archive.h"
#include "builder/sources/git_credential.h"
#include "builder/sources/git_object.h"
#include "builder/sources/ignore.h"
#include "formats/tree/tree.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rules(const uint8_t *data, size_t size, struct err *e)
{
    AUTO_IGNORE struct ignore *g = NULL;
    if (ignore_new(&g, e) < 0)
        abort();
    if (ignore_add_lines(g, (const char *)data, size, "rules", e) < 0)
        return;
    (void)ignore_covers(g, "a/b.c/d");
    /* The last rule decides. */
    if (ignore_add(g, "!**", e) == 0 && ignore_covers(g, "a/b.c/d"))
        abort();
}

static int names(void *context, const struct git_entry *entry, struct err *e)
{
    (void)context;
    (void)e;
    if (!tree_name_valid(entry->name))
        abort();
    return 0;
}

static void docker(const uint8_t *data, size_t size, const char *wanted, struct err *e)
{
    AUTO(docker_image_dispose) struct docker_image image = {0};
    if (docker_manifest_parse(data, size, wanted, &image, e) < 0)
        return;
    if (image.config == NULL || image.config[0] == '\0' || image.config[0] == '/')
        abort();
}

static void credentials(const uint8_t *data, size_t size, struct err *e)
{
    AUTO_CREDENTIALS found = {0};
    if (git_credential_parse((const char *)data, size, &found, e) == 0 &&
        (strchr(found.user, '\n') != NULL || strchr(found.secret, '\n') != NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct git_id id;
    if (size == 0)
        return 0;
    if (data[0] == 'c') {
        credentials(data + 1, size - 1, &e);
        return 0;
    }
    size_t id_len = (data[0] & 4) != 0 ? 32 : 20;
    switch (data[0] & 3) {
    case 0:
        rules(data + 1, size - 1, &e);
        break;
    case 1:
        (void)git_tree_walk(data + 1, size - 1, id_len, names, NULL, &e);
        break;
    case 2:
        (void)git_commit_tree(data + 1, size - 1, id_len, &id, &e);
        break;
    default:
        docker(data + 1, size - 1, (data[0] & 4) != 0 ? "tool" : NULL, &e);
        break;
    }
    return 0;
}
