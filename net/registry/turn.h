/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking turns on one machine at what a server cannot do in one step: a name that one process at a
 * time has, and loses with it, in Linux's abstract namespace of sockets. It leaves no file.
 */
#ifndef ASSAY_NET_REGISTRY_TURN_H
#define ASSAY_NET_REGISTRY_TURN_H

#include "base/err.h"

/*
 * Waits for the turn at `what`, any text; caller closes *fd when it is over. After `seconds` it
 * goes on without (*fd is -1): somebody stuck, or hostile, stops nobody. ERR_HOST without sockets.
 */
int turn_take(const char *what, unsigned seconds, int *fd, struct err *e);

#endif
