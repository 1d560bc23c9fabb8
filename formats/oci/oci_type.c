/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/oci/oci_type.h"

#include <stddef.h>
#include <string.h>

enum part { INDEX, MANIFEST, CONFIG, LAYER };

static const struct row {
    const char *type;
    enum part part;
    const char *compression; /* of layers */
} rows[] = {
    {MEDIA_OCI_MANIFEST, MANIFEST, NULL},     {MEDIA_OCI_INDEX, INDEX, NULL},
    {MEDIA_DOCKER_MANIFEST, MANIFEST, NULL},  {MEDIA_DOCKER_INDEX, INDEX, NULL},
    {MEDIA_OCI_CONFIG, CONFIG, NULL},         {MEDIA_DOCKER_CONFIG, CONFIG, NULL},
    {MEDIA_OCI_LAYER, LAYER, "none"},         {MEDIA_OCI_LAYER_GZIP, LAYER, "gzip"},
    {MEDIA_OCI_LAYER_ZSTD, LAYER, "zstd"},    {MEDIA_DOCKER_LAYER, LAYER, "none"},
    {MEDIA_DOCKER_LAYER_GZIP, LAYER, "gzip"}, {MEDIA_DOCKER_LAYER_ZSTD, LAYER, "zstd"},
};

static const struct row *find(const char *type)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].type, type) == 0)
            return &rows[i];
    return NULL;
}

static bool is(const char *type, enum part part)
{
    const struct row *row = find(type);
    return row != NULL && row->part == part;
}

bool oci_type_is_index(const char *type)
{
    return is(type, INDEX);
}

bool oci_type_is_manifest(const char *type)
{
    return is(type, MANIFEST);
}

bool oci_type_is_config(const char *type)
{
    return is(type, CONFIG);
}

const char *oci_type_document(const char *type)
{
    const struct row *row = find(type);
    return row != NULL && (row->part == INDEX || row->part == MANIFEST) ? row->type : NULL;
}

const char *oci_type_compression(const char *type)
{
    const struct row *row = find(type);
    return row != NULL ? row->compression : NULL;
}
