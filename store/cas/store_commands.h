/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of assay-store that have files of their own, and what all commands share. */
#ifndef ASSAY_STORE_CAS_STORE_COMMANDS_H
#define ASSAY_STORE_CAS_STORE_COMMANDS_H

#include "base/cli.h"
#include "store/cas/cas.h"

/* The store of --store or its default. */
int store_open(const struct cli *cli, unsigned flags, struct cas **out, struct err *e);
/* "12.3 MiB" into `text`; returns it. */
const char *store_bytes(uint64_t bytes, char text[32]);
/* A new object that begins with the store's path. */
int store_result(const struct cas *cas, json_t **out, struct err *e);
int store_blob_json(const struct digest *digest, uint64_t size, json_t **out, struct err *e);
int store_counts_json(json_t *doc, const char *key, uint64_t count, uint64_t bytes, struct err *e);
uint64_t store_total(const struct cas_listing *listing);

int store_run_add(struct cli *cli, struct err *e);
int store_run_verify(struct cli *cli, struct err *e);
int store_run_pin(struct cli *cli, struct err *e);
int store_run_unpin(struct cli *cli, struct err *e);
int store_run_rm_ref(struct cli *cli, struct err *e);
int store_run_gc(struct cli *cli, struct err *e);

#endif
