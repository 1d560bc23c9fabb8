/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/registry.h"

#include "base/place.h"
#include "builder/lock/oci_layout.h"
#include "net/registry/repository.h"

/* What reading an image asks for, from the repository. */
static int fetch(void *context, const struct oci_wanted *list, size_t count, struct err *e)
{
    AUTO_FREE struct wanted *wanted = array_new(count + 1, sizeof(*wanted));
    if (wanted == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++)
        wanted[i] = (struct wanted){list[i].digest, list[i].size, list[i].is_manifest};
    return repository_fetch_all(context, wanted, count, e);
}

int registry_lock(struct network *network, const char *registry, const char *reference,
                  const char *platform, const char *name, bool keep_config, struct locked *out,
                  struct err *e)
{
    struct client *client = &network->client;
    AUTO_REPOSITORY repository = {.count = 0};
    struct reference r;
    client->label = name;
    client->done = client->total = 0;
    int rc = reference_parse(reference, registry, &r, e);
    if (rc < 0 || (rc = repository_open(client, &r, &network->mirrors, &repository, e)) < 0)
        return rc;
    struct digest manifest = r.digest;
    if (manifest.alg == 0 && (rc = repository_resolve(&repository, r.tag, &manifest, e)) < 0)
        return rc;
    const struct oci_origin origin = {fetch, &repository, r.path};
    const struct oci_request request = {
        .layout = cas_path(client->cas),
        .origin = &origin,
        .manifest = &manifest,
        .platform = platform,
        .name = name,
        .keep_config = keep_config,
        .cas = client->cas,
    };
    if ((rc = oci_lock(&request, out, e)) < 0)
        return err_wrap(e, "image '%s'", PLACE_SHOWN(reference));
    return 0;
}
