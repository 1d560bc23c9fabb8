/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/containers.h"

#include "builder/linuxkit/oci_spec.h"

#include <string.h>

enum { CONFIG_MAX = 4 * 1024 * 1024 };

bool containers_run(const struct recipe *recipe, const char *image)
{
    const struct linuxkit *lk = recipe->system;
    for (size_t i = 0; lk != NULL && i < lk->container_count; i++)
        if (strcmp(lk->containers[i].image.name, image) == 0)
            return true;
    return false;
}

static int check_one(const struct recipe *recipe, const struct locked *locked, size_t index,
                     struct cas *cas, struct err *e)
{
    const struct linuxkit_container *k = &recipe->system->containers[index];
    const struct locked_image *image = locked_image_find(locked, k->image.name);
    AUTO(oci_spec_image_config_dispose) struct oci_spec_image_config config = {0};
    AUTO_BUF text = BUF_INIT(CONFIG_MAX);
    if (image == NULL || !image->has_config)
        return 0;
    int rc = cas_get(cas, &locked->blobs[image->config].digest, &text, e);
    if (rc < 0)
        return rc;
    if ((rc = oci_spec_image_config_parse(buf_str(&text), text.len, k->image.name, &config, e)) < 0)
        return err_wrap(e, "%s", k->image.at);
    return linuxkit_check_container(&recipe->system_at, recipe->system, index, config.entry,
                                    config.config, e);
}

int containers_check(const struct recipe *recipe, const struct locked *locked, struct cas *cas,
                     struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && recipe->system != NULL && i < recipe->system->container_count;
         i++)
        rc = check_one(recipe, locked, i, cas, e);
    return rc;
}
