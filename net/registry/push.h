/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images and artifacts to a repository. An image is what an OCI layout has; an
 * artifact is a file in a manifest of its own (OCI 1.1: artifactType, the empty
 * configuration, one layer), which may refer to a subject.
 */
#ifndef ASSAY_NET_REGISTRY_PUSH_H
#define ASSAY_NET_REGISTRY_PUSH_H

#include "net/registry/upload.h"

struct push {
    struct endpoint *ep;
    uint64_t chunk; /* as in upload_blob */
    const struct digest
        *expected; /* of the manifest; NULL = any. ERR_INPUT before anything is sent */
};

/* A manifest that the registry has. */
struct pushed {
    struct digest digest;
    uint64_t size;
    const char *media_type; /* static */
    size_t blobs;           /* sent */
    size_t there;           /* not sent: the registry had them */
    bool registered;        /* as in upload_manifest */
    bool tagged;            /* attached through the fallback tag */
};

/*
 * The image of an OCI layout directory: the only one of its index.json, or the one called `name`
 * (NULL: the only one), with everything below it. `tag`: NULL = by digest only. ERR_INPUT: several,
 * none, or a blob that is missing or damaged; nothing gets the tag then.
 */
int push_layout(const struct push *push, const char *layout, const char *name, const char *tag,
                struct pushed *out, struct err *e);

struct artifact {
    const char *path;
    const char *type;             /* artifactType, and its layer's media type */
    const char *title;            /* NULL: the file's name */
    const struct pushed *subject; /* NULL: none */
};

/* One file. With a subject, whoever asks what refers to that finds it. */
int push_artifact(const struct push *push, const struct artifact *artifact, const char *tag,
                  struct pushed *out, struct err *e);

/* What REF names there now, to attach to. */
int push_subject(const struct push *push, const char *name, struct pushed *out, struct err *e);

/* Whether the text is a media type as registries take them: TYPE/SUBTYPE (RFC 6838). */
bool push_type_valid(const char *text);
/* What a file is, by its name or, when it is JSON, by what it says. ERR_USAGE: nobody can tell;
 * `option` is what to give then. */
int push_type(const char *path, const char *option, char **out, struct err *e);

#endif
