/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict reader of Debian packages (deb(5), format 2.0): an ar archive of
 * debian-binary, control.tar*, data.tar*, in this order; members whose names
 * begin with '_' are skipped, any other is refused. Gives control.tar*, then data.tar*,
 * as streams.
 */
#ifndef ASSAY_FORMATS_LAYERS_DEB_READER_H
#define ASSAY_FORMATS_LAYERS_DEB_READER_H

#include "formats/stream/decompress.h"

/*
 * What may stand in a member behind what dpkg reads of it: dpkg-deb copies members through pipes of
 * this size, and fails where one is left full.
 */
enum { DEB_TAIL_MAX = 65536 };

struct deb_reader;
/* Reads up to control.tar*. `from` is copied; its context must outlive the reader. */
int deb_reader_open(const struct source *from, struct deb_reader **out, struct err *e);
/* From control.tar*, of which any part was read, on to data.tar*. */
int deb_reader_data(struct deb_reader *r, struct err *e);
/* The two in one: control.tar* is skipped. */
int deb_reader_new(const struct source *from, struct deb_reader **out, struct err *e);
void deb_reader_free(struct deb_reader *r);
/* Of the member that is being read, as its name says. */
enum compression deb_reader_compression(const struct deb_reader *r);
/* Where that member begins in the package. */
uint64_t deb_reader_offset(const struct deb_reader *r);
/* The bytes of that member, as they are; valid as long as `r`. */
struct source deb_reader_source(struct deb_reader *r);
/* After the data was read: what follows must be well formed, and the package end. */
int deb_reader_finish(struct deb_reader *r, struct err *e);

static inline void scope_deb_reader(struct deb_reader **r)
{
    deb_reader_free(*r);
}
#define AUTO_DEB_READER AUTO(scope_deb_reader)

#endif
