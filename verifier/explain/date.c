/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/date.h"

#include <string.h>

/*
 * d: a digit; M: a month's name, three letters; W: a weekday's; Y: a year from 1970 to 2099; m, D,
 * h, i, t: two digits of a month, day, hour, minute or second; _: a digit or a blank; p: AM or PM;
 * z: a zone's name. Anything else stands for itself. The longest are first.
 */
static const char *const forms[] = {
    "W, D M Y h:i:t",
    "W M _d h:i:t p z Y",
    "W M _d h:i:t z Y",
    "W D M Y h:i:t p z",
    "W D M Y h:i:t z",
    "W M _d h:i:t Y",
    "W _d M Y h:i:t",
    "Y-m-DTh:i:t",
    "Y-m-D h:i:t",
    "Y/m/D h:i:t",
    "M _d Y h:i:t",
    "W M _d h:i:t",
    "Y-m-D h:i",
    "Y-m-DTh:i",
    "YmDTh:i",
    "YmDThit",
    "M _d Y",
    "M _d h:i:t",
    "D M Y",
    "Y-m-D",
    "Y/m/D",
    "D/m/Y",
    "m/D/Y",
    "D.m.Y",
    "h:i:t",
    "YmDhit",
    "YmD",
};

struct fields {
    int year, month, day, hour, minute, second;
    bool has_day;
    bool has_time;
    bool afternoon;
    bool half; /* AM or PM was said */
    bool zoned;
    int32_t offset;
};

static bool digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool two_digits(const uint8_t *p, size_t len, int low, int high, int *out)
{
    if (len < 2 || !digit(p[0]) || !digit(p[1]))
        return false;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return *out >= low && *out <= high;
}

static bool year(const uint8_t *p, size_t len, int *out)
{
    int century = 0;
    int rest = 0;
    if (len < 4 || !two_digits(p, 2, 19, 20, &century) || !two_digits(p + 2, 2, 0, 99, &rest))
        return false;
    *out = century * 100 + rest;
    return *out >= 1970;
}

/* Which of the names, three letters each; -1: none. */
static int one_of(const uint8_t *p, size_t len, const char *names)
{
    for (int i = 0; len >= 3 && names[0] != 0; names += 3, i++)
        if (memcmp(p, names, 3) == 0)
            return i;
    return -1;
}

/* Zones that have one meaning in practice. */
static const struct {
    const char *name;
    int minutes;
} zones[] = {
    {"UTC", 0},    {"GMT", 0},    {"WET", 0},    {"WEST", 60},  {"BST", 60},   {"CET", 60},
    {"CEST", 120}, {"EET", 120},  {"EEST", 180}, {"MSK", 180},  {"JST", 540},  {"KST", 540},
    {"AEST", 600}, {"AEDT", 660}, {"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300},
    {"MST", -420}, {"MDT", -360}, {"PST", -480}, {"PDT", -420},
};

static size_t zone_name(const uint8_t *p, size_t len, struct fields *f)
{
    size_t n = 0;
    while (n < len && n < 5 && p[n] >= 'A' && p[n] <= 'Z')
        n++;
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
        if (strlen(zones[i].name) == n && memcmp(zones[i].name, p, n) == 0) {
            f->zoned = true;
            f->offset = zones[i].minutes * 60;
            return n;
        }
    return 0;
}

static size_t half_day(const uint8_t *p, size_t len, struct fields *f)
{
    if (len < 2 || p[1] != 'M' || (p[0] != 'A' && p[0] != 'P'))
        return 0;
    f->half = true;
    f->afternoon = p[0] == 'P';
    return 2;
}

static size_t one_digit(const uint8_t *p, size_t len, int *out)
{
    if (len == 0 || !digit(p[0]))
        return 0;
    *out = *out * 10 + (p[0] - '0');
    return 1;
}

/* What a letter of a form takes; 0: it does not match. */
static size_t match_one(char letter, const uint8_t *p, size_t len, struct fields *f)
{
    switch (letter) {
    case 'Y':
        return year(p, len, &f->year) ? 4 : 0;
    case 'M':
        f->month = one_of(p, len, "JanFebMarAprMayJunJulAugSepOctNovDec") + 1;
        return f->month > 0 ? 3 : 0;
    case 'W':
        return one_of(p, len, "MonTueWedThuFriSatSun") >= 0 ? 3 : 0;
    case 'm':
        return two_digits(p, len, 1, 12, &f->month) ? 2 : 0;
    case 'D':
        f->has_day = two_digits(p, len, 1, 31, &f->day);
        return f->has_day ? 2 : 0;
    case 'h':
        f->has_time = two_digits(p, len, 0, 23, &f->hour);
        return f->has_time ? 2 : 0;
    case 'i':
        return two_digits(p, len, 0, 59, &f->minute) ? 2 : 0;
    case 't':
        return two_digits(p, len, 0, 60, &f->second) ? 2 : 0;
    case '_':
        f->day = 0;
        return len > 0 && p[0] == ' ' ? 1 : one_digit(p, len, &f->day);
    case 'd':
        f->has_day = true;
        return one_digit(p, len, &f->day);
    case 'p':
        return half_day(p, len, f);
    case 'z':
        return zone_name(p, len, f);
    default:
        return len > 0 && p[0] == (uint8_t)letter;
    }
}

static size_t match_form(const char *form, const uint8_t *p, size_t len, struct fields *f)
{
    size_t at = 0;
    *f = (struct fields){0};
    for (; *form != 0; form++) {
        size_t n = match_one(*form, p + at, len - at, f);
        if (n == 0)
            return 0;
        at += n;
    }
    return at;
}

/* ".123456", "Z", " +0100", "+01:00", " UTC" behind a time. */
static size_t match_rest(const uint8_t *p, size_t len, struct fields *f)
{
    size_t at = 0;
    int hours = 0;
    int minutes = 0;
    if (at + 1 < len && (p[at] == '.' || p[at] == ',') && digit(p[at + 1]))
        for (at++; at < len && digit(p[at]); at++)
            ;
    size_t zone = at + (at < len && p[at] == ' ');
    size_t name = zone_name(p + zone, len - zone, f);
    if (name > 0)
        return zone + name;
    if (at < len && p[at] == 'Z') {
        f->zoned = true;
        return at + 1;
    }
    if (len - zone >= 5 && (p[zone] == '+' || p[zone] == '-') &&
        two_digits(p + zone + 1, 2, 0, 14, &hours)) {
        size_t behind = zone + 3 + (p[zone + 3] == ':');
        if (behind + 2 <= len && two_digits(p + behind, 2, 0, 59, &minutes)) {
            f->zoned = true;
            f->offset = (hours * 3600 + minutes * 60) * (p[zone] == '-' ? -1 : 1);
            return behind + 2;
        }
    }
    return at;
}

/* Days since 1970 of a day of the Gregorian calendar. */
static int64_t days_of(int y, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    int past = y - 1;
    int64_t days = (int64_t)past * 365 + past / 4 - past / 100 + past / 400 - 719162;
    return days + before[month - 1] + (leap && month > 2) + day - 1;
}

static struct date make(size_t len, const struct fields *f)
{
    struct date d = {.len = len, .zoned = f->zoned, .offset = f->offset};
    d.complete = f->year > 0 && f->month > 0 && f->has_day && f->has_time;
    if (!d.complete)
        return d;
    int hour = f->half ? f->hour % 12 + (f->afternoon ? 12 : 0) : f->hour;
    d.seconds = days_of(f->year, f->month, f->day) * 86400 + (int64_t)hour * 3600 +
                (int64_t)f->minute * 60 + f->second;
    return d;
}

/* Seconds, or thousandths of them, since 1970: of 2001 to 2128. */
static size_t match_seconds(const uint8_t *p, size_t len)
{
    size_t n = 0;
    while (n < len && digit(p[n]))
        n++;
    return (n != 10 && n != 13) || p[0] < '1' || p[0] > '4' ? 0 : n;
}

struct date date_read(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct fields f;
        size_t n = match_form(forms[i], text, len, &f);
        if (n > 0 && (n == len || !digit(text[n]) || !digit(text[n - 1])))
            return make(n + (f.has_time && !f.zoned ? match_rest(text + n, len - n, &f) : 0), &f);
    }
    return (struct date){.len = match_seconds(text, len)};
}

struct date date_at(const uint8_t *text, size_t at, size_t len)
{
    bool fresh = at == 0 || !digit(text[at - 1]);
    return fresh ? date_read(text + at, len - at) : (struct date){0};
}
