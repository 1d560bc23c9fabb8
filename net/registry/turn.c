/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/turn.h"

#include "base/digest.h"
#include "base/scope.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { TRIES_A_SECOND = 50 };

int turn_take(const char *what, unsigned seconds, int *fd, struct err *e)
{
    const struct timespec pause = {.tv_nsec = 1000000000L / TRIES_A_SECOND};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct digest digest;
    char hex[DIGEST_TEXT_MAX];
    *fd = -1;
    int rc = digest_bytes(DIGEST_SHA256, what, strlen(what), &digest, e);
    if (rc < 0)
        return rc;
    /* A name that begins with a zero byte is no file. */
    (void)snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "assay-turn-%s",
                   digest_hex(&digest, hex));
    socklen_t len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(at.sun_path + 1));
    AUTO_CLOSE int opened = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (opened < 0)
        return err_os(e, errno, "cannot make a socket");
    for (unsigned i = 0; bind(opened, (const struct sockaddr *)&at, len) != 0; i++) {
        if (errno != EADDRINUSE)
            return err_os(e, errno, "cannot wait for other processes");
        if (i >= seconds * TRIES_A_SECOND)
            return 0;
        (void)nanosleep(&pause, NULL);
    }
    *fd = steal_fd(&opened);
    return 0;
}
