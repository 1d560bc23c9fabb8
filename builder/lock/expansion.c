/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that expand too far are named while there is a recipe that can allow them more. */
#include "builder/lock/expansion.h"

#include "base/cli.h"
#include "base/place.h"
#include "builder/recipe/recipe.h"
#include "formats/layers/layers.h"

#include <inttypes.h>
#include <string.h>

/* gzip reaches 1032. */
enum { EXPANSION_ADVISED = 1100 };

static enum compression compression_of(const char *name)
{
    enum compression kind = COMPRESSION_NONE;
    for (size_t i = 0; compression_names[i] != NULL; i++)
        if (strcmp(compression_names[i], name) == 0)
            kind = (enum compression)i;
    return kind;
}

static int check_layer(const struct locked_image *image, size_t index, const struct locked_blob *b,
                       struct cas *cas, unsigned ratio, struct err *e)
{
    const struct locked_layer *layer = &image->layers[index];
    struct layers_expansion found;
    char digest[DIGEST_TEXT_MAX];
    if (strcmp(layer->form, "tar") != 0 || layer->compression == NULL)
        return 0;
    int rc = layers_check_expansion(cas, &b->digest, compression_of(layer->compression), ratio,
                                    &found, e);
    if (rc < 0 || !found.exceeded)
        return rc;
    return err_set(e, ERR_INPUT,
                   "image '%s': layer %zu (%.19s…): '%.200s' expands to more than %u times its "
                   "compressed bytes, as a decompression bomb does: if it is none, allow more with "
                   "'limits: {expansion: %d}' in an assay.yml, or --expansion %d",
                   PLACE_SHOWN(image->name), index, digest_format(&b->digest, digest), found.file,
                   ratio == 0 ? DECOMPRESS_RATIO_MAX : ratio, EXPANSION_ADVISED, EXPANSION_ADVISED);
}

int expansion_check(const struct locked *locked, struct cas *cas, unsigned ratio, struct err *e)
{
    for (size_t i = 0; i < locked->image_count; i++) {
        const struct locked_image *image = &locked->images[i];
        for (size_t k = 0; k < image->layer_count; k++) {
            int rc = check_layer(image, k, &locked->blobs[image->layers[k].blob], cas, ratio, e);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

int expansion_option(const struct cli *cli, uint32_t *out, struct err *e)
{
    uint64_t value = cli_number(cli, "expansion", 0);
    if (value != 0 && (value < DECOMPRESS_RATIO_MAX || value > (uint64_t)RECIPE_EXPANSION_MAX))
        return err_set(e, ERR_USAGE, "--expansion is %d to %" PRId64, (int)DECOMPRESS_RATIO_MAX,
                       RECIPE_EXPANSION_MAX);
    *out = value > DECOMPRESS_RATIO_MAX ? (uint32_t)value : 0;
    return 0;
}
