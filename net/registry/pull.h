/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images and artifacts of a repository into the store, and out of it as files.
 */
#ifndef ASSAY_NET_REGISTRY_PULL_H
#define ASSAY_NET_REGISTRY_PULL_H

#include "net/registry/image.h"
#include "net/registry/repository.h"

/*
 * Everything below the manifest or index `root` is in the store then. `platform` ("linux/amd64";
 * NULL: all of an index): of an index only that image, whose manifest *root becomes. *image is the
 * manifest or index itself (image_dispose).
 */
int pull_fetch(struct repository *repository, const char *platform, struct digest *root,
               struct image *image, struct err *e);

/*
 * The files of an artifact's manifest. `path` is the file when it has one and `path` is no
 * directory; else a directory, made when missing, where they get the names that the manifest says:
 * plain names only, others are ERR_INPUT, as is a name twice. Those that are there are replaced.
 */
int pull_export(struct cas *cas, const struct image *image, const char *path, struct err *e);
/* The same for one of several artifacts of a directory: a name that is taken gets the manifest's
 * digest in front. `taken` holds the names so far (an object, names are added). */
int pull_export_among(struct cas *cas, const struct image *image, const struct digest *manifest,
                      const char *directory, json_t *taken, struct err *e);

/* What a file of it is called: its title, else its digest's hex. ERR_INPUT when that is no name. */
int pull_file_name(const struct image_descriptor *file, char **out, struct err *e);

#endif
