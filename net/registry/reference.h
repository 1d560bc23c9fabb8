/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References to images of registries, "[HOST/]PATH[:TAG][@DIGEST]", as the
 * distribution project's grammar has them. The first part is a host when it
 * has a dot, a colon or an upper-case letter, or is "localhost".
 */
#ifndef ASSAY_NET_REGISTRY_REFERENCE_H
#define ASSAY_NET_REGISTRY_REFERENCE_H

#include "base/digest.h"

enum { REFERENCE_MAX = 512, REFERENCE_PATH_MAX = 255, REFERENCE_TAG_MAX = 128 };
#define REFERENCE_HOST_DEFAULT "docker.io"

struct reference {
    char host[256]; /* "docker.io", "localhost:5000", "[::1]:5000" */
    char path[REFERENCE_PATH_MAX + 1];
    char tag[REFERENCE_TAG_MAX + 1]; /* "latest" when neither tag nor digest was given, else "" */
    struct digest digest;            /* alg 0: none */
};

/*
 * `host` is for references without one; NULL = docker.io, where a path of one
 * part is below "library/". ERR_INPUT for everything that the grammar does not
 * have, and for digests other than sha256.
 */
int reference_parse(const char *text, const char *host, struct reference *out, struct err *e);
/*
 * "HOST[:PORT][/PREFIX]" and a repository's path, one of them "": what of that host's it is, with
 * neither tag nor digest. ERR_INPUT when the parts are no reference.
 */
int reference_place(const char *place, const char *path, struct reference *out, struct err *e);
/* "name", "name:port", "1.2.3.4:port", "[v6]:port". */
bool reference_host_valid(const char *host);

#endif
