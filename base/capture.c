/* SPDX-License-Identifier: Apache-2.0 */
#include "base/capture.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STREAMS_MAX = 4, CHUNK = 65536 };

int64_t monotonic_ms(void)
{
    struct timespec ts = {0};
    if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
        return 0;
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Keeps the last max bytes of all that was added. */
static int add_tail(struct buf *b, const uint8_t *data, size_t len, struct err *e)
{
    if (len >= b->max) {
        data += len - b->max;
        len = b->max;
        b->len = 0;
    } else if (b->len > b->max - len) {
        size_t gone = b->len - (b->max - len);
        memmove(b->data, b->data + gone, b->len - gone);
        b->len -= gone;
    }
    return buf_add(b, data, len, e);
}

static int take(struct capture_stream *s, const uint8_t *data, size_t len, bool *stop,
                struct err *e)
{
    if (s->sink != NULL && !s->sink(s->sink_context, data, len))
        *stop = true;
    if (s->buf == NULL)
        return 0;
    if (s->tail)
        return add_tail(s->buf, data, len, e);
    if (len > s->buf->max - s->buf->len)
        return err_set(e, ERR_INPUT, "%s is larger than %zu bytes", s->name, s->buf->max);
    return buf_add(s->buf, data, len, e);
}

/* One read. *more is false when there is nothing to read now or ever. */
static int read_once(struct capture_stream *s, bool *more, bool *stop, struct err *e)
{
    uint8_t chunk[CHUNK];
    *more = false;
    ssize_t n = read(s->fd, chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR) {
        *more = true;
        return 0;
    }
    if (n < 0 && errno == EAGAIN)
        return 0;
    /* A socket is reset when the other end did not read all that it was sent. */
    bool reset = n < 0 && errno == ECONNRESET;
    if (n < 0 && !reset)
        return err_os(e, errno, "cannot read %s", s->name);
    if (n == 0 || reset) {
        s->fd = -1;
        return 0;
    }
    *more = true;
    return take(s, chunk, (size_t)n, stop, e);
}

/*
 * After the child's end a grandchild may still hold the pipe and fill it for ever, so what is
 * drained is bounded: the pipe's own capacity (at most 1 MiB unprivileged) is all that the child
 * itself can have left behind.
 */
static int drain(struct capture_stream *streams, size_t count, bool *stop, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        bool more = streams[i].fd >= 0;
        for (unsigned reads = 0; more && !*stop && streams[i].fd >= 0 && reads < 256; reads++) {
            int rc = read_once(&streams[i], &more, stop, e);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* The earlier of two moments; negative = never. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static bool is_past(int64_t moment)
{
    return moment >= 0 && monotonic_ms() >= moment;
}

static int wait_ms(int64_t until)
{
    if (until < 0)
        return -1;
    int64_t left = until - monotonic_ms();
    if (left <= 0)
        return 0;
    return left > 60000 ? 60000 : (int)left;
}

static int read_ready(struct capture_stream *streams, const struct pollfd *fds, size_t count,
                      bool *stop, struct err *e)
{
    for (size_t i = 0; i < count && !*stop; i++) {
        bool more = false;
        if (fds[i].revents == 0 || streams[i].fd < 0)
            continue;
        int rc = read_once(&streams[i], &more, stop, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int feed_once(struct capture_feed *f, struct err *e)
{
    ssize_t n = write(f->fd, f->data, f->len);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n < 0 && errno == EPIPE) {
        f->fd = -1; /* it reads no more; why is for its exit status to say */
        return 0;
    }
    if (n < 0)
        return err_os(e, errno, "cannot write to a process");
    f->data += n;
    f->len -= (size_t)n;
    return 0;
}

static struct pollfd poll_feed(const struct capture_feed *f)
{
    bool wanted = f != NULL && f->fd >= 0 && f->len > 0;
    return (struct pollfd){.fd = wanted ? f->fd : -1, .events = POLLOUT};
}

static int64_t idle_from_now(const struct capture_limits *limits)
{
    return limits->idle_ms > 0 ? monotonic_ms() + limits->idle_ms : -1;
}

int capture_run(struct capture_stream *streams, size_t count, struct capture_feed *feed, int end_fd,
                const struct capture_limits *limits, enum capture_end *end, struct err *e)
{
    struct pollfd fds[STREAMS_MAX + 2];
    bool stop = false;
    if (count > STREAMS_MAX)
        return err_set(e, ERR_HOST, "too many streams to capture");
    for (int64_t idle = idle_from_now(limits);;) {
        for (size_t i = 0; i < count; i++)
            fds[i] = (struct pollfd){.fd = streams[i].fd, .events = POLLIN};
        fds[count] = (struct pollfd){.fd = end_fd, .events = POLLIN};
        fds[count + 1] = poll_feed(feed);
        int n = poll(fds, count + 2, wait_ms(earlier(limits->deadline_ms, idle)));
        if (n < 0 && errno != EINTR)
            return err_os(e, errno, "cannot wait for a process");
        bool ended = n > 0 && fds[count].revents != 0;
        int rc = 0;
        if (n > 0)
            rc =
                ended ? drain(streams, count, &stop, e) : read_ready(streams, fds, count, &stop, e);
        if (rc == 0 && n > 0 && !ended && fds[count + 1].revents != 0)
            rc = feed_once(feed, e);
        if (rc < 0)
            return rc;
        if (ended || stop) {
            *end = stop ? CAPTURE_STOPPED : CAPTURE_ENDED;
            return 0;
        }
        /* A child that never stops printing must not keep the deadline from being looked at. */
        if (is_past(limits->deadline_ms) || (n <= 0 && is_past(idle))) {
            *end = is_past(limits->deadline_ms) ? CAPTURE_EXPIRED : CAPTURE_IDLE;
            return 0;
        }
        /* The time that a sink takes is not the child's. */
        if (n > 0)
            idle = idle_from_now(limits);
    }
}
