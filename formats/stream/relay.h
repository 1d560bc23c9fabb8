/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads between the two ends of a stream: what one end makes of the bytes and what the other one
 * does run side by side, a few chunks apart. Bytes, order and errors are those of the stream
 * without a thread; where none can be had, there is none.
 */
#ifndef ASSAY_FORMATS_STREAM_RELAY_H
#define ASSAY_FORMATS_STREAM_RELAY_H

#include "base/scope.h"
#include "formats/stream/sink.h"
#include "formats/stream/source.h"

/* A source that a thread reads ahead. `from` is copied; its context stays the caller's, and must
 * not be used before the relay is freed. */
struct source_relay;
int source_relay_new(const struct source *from, struct source_relay **out, struct err *e);
struct source source_relay_source(struct source_relay *r);
void source_relay_free(struct source_relay *r);

/* A sink that a thread writes behind. `to` is copied, and its context not to be used before the
 * relay has been finished or freed. An error of it comes with some later write, or at the end. */
struct sink_relay;
int sink_relay_new(const struct sink *to, struct sink_relay **out, struct err *e);
struct sink sink_relay_sink(struct sink_relay *r);
/* All that was written has come to `to`. Nothing is written after it. */
int sink_relay_finish(struct sink_relay *r, struct err *e);
void sink_relay_free(struct sink_relay *r);

static inline void scope_source_relay(struct source_relay **r)
{
    source_relay_free(*r);
}
#define AUTO_SOURCE_RELAY AUTO(scope_source_relay)
static inline void scope_sink_relay(struct sink_relay **r)
{
    sink_relay_free(*r);
}
#define AUTO_SINK_RELAY AUTO(scope_sink_relay)

#endif
