/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests, indexes and lists of referrers: what is taken obeys what the headers promise, and a
 * list that was taken is taken again. */
#include "base/json.h"
#include "net/registry/image.h"
#include "net/registry/pull.h"
#include "net/registry/referrers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool fine)
{
    if (!fine)
        abort();
}

static void check_descriptor(const struct image_descriptor *d)
{
    check(d->digest.alg == DIGEST_SHA256 && d->media_type != NULL && d->json != NULL);
    check(d->size <= (uint64_t)1 << 53);
}

/* A file's name never leaves its directory. */
static void check_name(const struct image_descriptor *d)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *name = NULL;
    if (pull_file_name(d, &name, &e) != 0) {
        check(e.code == ERR_INPUT);
        return;
    }
    check(name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0 &&
          strcmp(name, "..") != 0);
}

static void check_list(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *list = json_array();
    AUTO_JSON json_t *again = json_array();
    AUTO_JSON json_t *index = json_object();
    AUTO_BUF text = BUF_INIT(4 * 1024 * 1024);
    if (referrers_parse(data, size, NULL, list, &e) != 0 || json_array_size(list) == 0)
        return;
    check(json_put(index, "manifests", json_incref(list), &e) == 0);
    if (jcs_format(index, &text, &e) == 0) {
        check(referrers_parse(text.data, text.len, NULL, again, &e) == 0);
        check(json_equal(list, again));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_IMAGE image = {0};
    const struct image_descriptor *chosen = NULL;
    if (image_parse(data, size, "image", &image, &e) != 0) {
        check(e.code == ERR_INPUT && image.items == NULL && image.document == NULL);
        return 0;
    }
    check(image_type_is_document(image.media_type));
    check(image.count <= IMAGE_ITEMS_MAX);
    if (!image.is_index) {
        check_descriptor(&image.config);
        check(image.artifact_type != NULL);
    }
    if (image.has_subject)
        check_descriptor(&image.subject);
    for (size_t i = 0; i < image.count; i++) {
        check_descriptor(&image.items[i]);
        check_name(&image.items[i]);
    }
    if (image.is_index && image_choose(&image, "linux/amd64", &chosen, &e) == 0)
        check(chosen >= image.items && chosen < image.items + image.count);
    check_list(data, size);
    return 0;
}
