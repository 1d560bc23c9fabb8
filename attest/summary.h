/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an attestation says, digested for people and scripts: one JSON document from any bundle,
 * envelope or statement (attest show --json), and the same in plain words. Nothing is verified
 * here.
 */
#ifndef ASSAY_ATTEST_SUMMARY_H
#define ASSAY_ATTEST_SUMMARY_H

#include "attest/dsse.h"
#include "attest/statement.h"

/* Takes a bundle, a bare envelope or a statement. ERR_INPUT. *out is new. */
int summary_make(const void *data, size_t len, const char *what, json_t **out, struct err *e);
/*
 * Plain words, with a final newline; appends. Text of the attestation is shown with control
 * characters and their like replaced (base/text.h), so it cannot repaint a terminal.
 */
int summary_explain(const json_t *summary, struct buf *out, struct err *e);

#endif
