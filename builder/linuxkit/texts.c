/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/texts.h"

const char linuxkit_hosts[] = "127.0.0.1       localhost\n"
                              "::1     localhost ip6-localhost ip6-loopback\n"
                              "fe00::0 ip6-localnet\n"
                              "ff00::0 ip6-mcastprefix\n"
                              "ff02::1 ip6-allnodes\n"
                              "ff02::2 ip6-allrouters\n";

const char linuxkit_volume_version[] = "{\n\t\t\"imageLayoutVersion\": \"1.0.0\"\n\t}";
