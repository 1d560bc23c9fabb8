/* SPDX-License-Identifier: Apache-2.0 */
/* A Debian package, its data decompressed as it says, with small bounds. */
#include "formats/layers/deb_reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct source_bytes bytes = {.p = data, .left = size};
    struct source from = source_from_bytes(&bytes);
    AUTO_DEB_READER struct deb_reader *deb = NULL;
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    struct decompress_options o = {.total_max = 1 << 22};
    if (deb_reader_open(&from, &deb, &e) < 0)
        return 0;
    /* Some of control.tar is read, and the rest of it skipped. */
    uint8_t control[300];
    size_t control_len = 0;
    struct source first = deb_reader_source(deb);
    if (source_fill(&first, control, size % sizeof(control) + 1, &control_len, &e) < 0 ||
        deb_reader_data(deb, &e) < 0)
        return 0;
    struct source packed = deb_reader_source(deb);
    if (deb_reader_offset(deb) > size ||
        decompressor_new(deb_reader_compression(deb), &packed, &o, &d, &e) < 0)
        abort();
    struct source plain = decompressor_source(d);
    uint64_t total = 0;
    for (size_t got = 1; got > 0;) {
        uint8_t piece[3000];
        got = 0;
        if (plain.read(plain.context, piece, sizeof(piece), &got, &e) < 0)
            return 0;
        total += got;
    }
    if (total > o.total_max)
        abort();
    if (deb_reader_finish(deb, &e) == 0 && bytes.left > 0)
        abort();
    return 0;
}
