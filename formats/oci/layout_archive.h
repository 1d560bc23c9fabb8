/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI layout in a tar archive (plain, gzip, zstd or xz), unpacked for the time of a run. */
#ifndef ASSAY_FORMATS_OCI_LAYOUT_ARCHIVE_H
#define ASSAY_FORMATS_OCI_LAYOUT_ARCHIVE_H

#include "base/err.h"

/* Unpacks oci-layout, index.json and blobs/sha256/<hex> into `directory`, which exists and is
 * empty; other files are skipped, anything but files and directories is ERR_INPUT. */
int layout_unpack(const char *archive, const char *directory, struct err *e);

#endif
