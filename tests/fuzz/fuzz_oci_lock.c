/* SPDX-License-Identifier: Apache-2.0 */
/* Locking an image whose manifest, or index, is the input; its configuration and one layer are
 * there. */
#include "base/file.h"
#include "base/json.h"
#include "builder/lock/oci_layout.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cas *store;

/* sha256:8365…: what the seeds name */
static const char config[] =
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":["
    "\"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef\"]}}";
static const char layer[1024];

static void must(int rc)
{
    if (rc != 0)
        abort();
}

static void clean(void)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *path = strdup(cas_path(store));
    cas_close(store);
    if (path != NULL)
        (void)dir_remove(path, &e);
}

static void open_store(void)
{
    struct err e = ERR_INIT;
    struct digest digest;
    AUTO_FREE char *dir = NULL;
    must(dir_make_temp("/tmp", "fuzz-oci-lock-", &dir, &e));
    must(cas_open(dir, CAS_CREATE, &store, &e));
    must(cas_put(store, config, sizeof(config) - 1, &digest, &e));
    must(cas_put(store, layer, sizeof(layer), &digest, &e));
    must(atexit(clean));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct digest manifest;
    AUTO_LOCKED locked = {0};
    AUTO_FREE char *blob = NULL;
    char hex[DIGEST_TEXT_MAX];
    bool ours = false;
    if (store == NULL)
        open_store();
    /* Not through the store, which would sync every one of them. */
    must(digest_bytes(DIGEST_SHA256, data, size, &manifest, &e));
    must(str_format(&blob, &e, "%s/blobs/sha256/%s", cas_path(store), digest_hex(&manifest, hex)));
    if (!cas_has(store, &manifest, NULL)) {
        AUTO_CLOSE int fd = open(blob, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        must(fd < 0);
        must(fd_write_all(fd, data, size, blob, &e));
        ours = true;
    }
    const struct oci_request request = {
        .layout = cas_path(store),
        .manifest = &manifest,
        .platform = "linux/amd64",
        .name = "image",
        .keep_config = true,
        .cas = store,
    };
    if (oci_lock(&request, &locked, &e) == 0) {
        AUTO_JSON json_t *inputs = NULL;
        must(locked_inputs(&locked, &inputs, &e));
        if (json_array_size(inputs) != locked.blob_count || locked.image_count != 1)
            abort();
    } else if (e.code != ERR_INPUT) {
        abort();
    }
    if (ours)
        (void)unlink(blob);
    return 0;
}
