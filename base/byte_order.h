/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers in bytes, little-endian and big-endian: the only place that knows byte order. The caller
 * has checked that the bytes are there; for bytes from outside, buf.h has a reader that checks.
 */
#ifndef ASSAY_BASE_BYTE_ORDER_H
#define ASSAY_BASE_BYTE_ORDER_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_le16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return le16toh(v);
}
static inline uint32_t get_le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}
static inline uint64_t get_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}
static inline uint16_t get_be16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof(v));
    return be16toh(v);
}
static inline uint32_t get_be32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return be32toh(v);
}
static inline uint64_t get_be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return be64toh(v);
}

/* What does not fit is cut off: callers that may have more check it. */
static inline void put_le16(uint8_t *p, uint32_t v)
{
    const uint16_t word = htole16((uint16_t)v);
    memcpy(p, &word, sizeof(word));
}
static inline void put_le32(uint8_t *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof(v));
}
static inline void put_le64(uint8_t *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof(v));
}
static inline void put_be16(uint8_t *p, uint32_t v)
{
    const uint16_t word = htobe16((uint16_t)v);
    memcpy(p, &word, sizeof(word));
}
static inline void put_be32(uint8_t *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, sizeof(v));
}
static inline void put_be64(uint8_t *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, sizeof(v));
}

/* Where the width is not the same in every case. */
static inline void put_le(uint8_t *p, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}
static inline void put_be(uint8_t *p, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[bytes - 1 - i] = (uint8_t)(value >> (8 * i));
}

#endif
