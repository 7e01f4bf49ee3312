/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reports changes: in lines of text or JSON, and to syslog. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "cmd/kernel-check/check.h"
#include "lib/base/json.h"
#include "lib/base/log.h"

static const char *const kinds[CHANGES] = {
    [CHANGE_KERNEL] = "kernel", [CHANGE_UNMAPPED] = "unmapped",     [CHANGE_TEXT] = "text",
    [CHANGE_RODATA] = "rodata", [CHANGE_SYSCALL] = "syscall table", [CHANGE_GATE] = "idt",
};

static void now_text(char text_r[DOMM_TIMESTAMP])
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    domm_timestamp(&now, text_r);
}

/* NAME+0xOFFSET, or only the address. */
static void report_describe(const struct reporter *reporter, uint64_t address, char *text_r,
                            size_t room)
{
    struct domm_symbol symbol;
    const struct kallsyms *symbols = reporter->knowledge->symbols;
    ssize_t position = symbols && address >= KERNEL_MAP ? kallsyms_find_at(symbols, address) : -1;
    if (position >= 0)
        kallsyms_get(symbols, (size_t)position, &symbol);
    /* Beyond the last symbol are modules, which the table does not contain. */
    if (position < 0 || !symbol.size)
        snprintf(text_r, room, "0x%" PRIx64, address);
    else
        snprintf(text_r, room, "%s+0x%" PRIx64, symbol.name, address - symbol.address);
}

static bool is_table(const struct change *change)
{
    return change->kind == CHANGE_SYSCALL || change->kind == CHANGE_GATE;
}

static uint64_t entry_number(const struct reporter *reporter, const struct change *change)
{
    const struct baseline *baseline = reporter->knowledge->baseline;
    return change->kind == CHANGE_GATE
               ? (change->address - baseline->areas[AREA_IDT].start) / GATE_BYTES
               : (change->address - reporter->knowledge->syscall_table) / 8;
}

/* The target of an entry. The address of a gate is in three parts (Intel SDM volume 3, 6.14.1). */
static uint64_t entry_target(const struct change *change, const unsigned char *bytes)
{
    uint64_t low, high;
    memcpy(&low, bytes, sizeof(low));
    memcpy(&high, bytes + 8, sizeof(high));
    if (change->kind == CHANGE_SYSCALL)
        return low;
    return (low & 0xffff) | (low >> 32 & 0xffff0000) | high << 32;
}

static void hex(const struct change *change, const unsigned char *bytes,
                char text_r[2 * CHANGE_BYTES + 1])
{
    size_t kept = change->size < CHANGE_BYTES ? change->size : CHANGE_BYTES;
    for (size_t i = 0; i < kept; i++)
        snprintf(text_r + 2 * i, 3, "%02x", bytes[i]);
}

static bool has_bytes(const struct change *change)
{
    return change->kind != CHANGE_KERNEL && change->kind != CHANGE_UNMAPPED;
}

/* The text of a line, after the time and the event. */
static void describe_change(const struct reporter *reporter, const struct change *change,
                            char *text_r, size_t room)
{
    char at[DOMM_SYMBOL_LENGTH + 24], from[DOMM_SYMBOL_LENGTH + 24], to[DOMM_SYMBOL_LENGTH + 24];
    char was[2 * CHANGE_BYTES + 1], now[2 * CHANGE_BYTES + 1];
    if (change->kind == CHANGE_KERNEL) {
        snprintf(text_r, room, "kernel: not the kernel of the baseline, or loaded elsewhere");
        return;
    }
    report_describe(reporter, change->address, at, sizeof(at));
    if (change->kind == CHANGE_UNMAPPED) {
        snprintf(text_r, room, "unmapped 0x%" PRIx64 " %s", change->address, at);
    } else if (is_table(change)) {
        report_describe(reporter, entry_target(change, change->was), from, sizeof(from));
        report_describe(reporter, entry_target(change, change->now), to, sizeof(to));
        snprintf(text_r, room, "%s 0x%" PRIx64 " %s: entry %" PRIu64 ": %s -> %s",
                 kinds[change->kind], change->address, at, entry_number(reporter, change), from,
                 to);
    } else {
        hex(change, change->was, was);
        hex(change, change->now, now);
        snprintf(text_r, room, "%s 0x%" PRIx64 " %s: %zu bytes: %s -> %s", kinds[change->kind],
                 change->address, at, change->size, was, now);
    }
}

static void add_address(struct json_object *object, const char *key, uint64_t address)
{
    char text[24];
    snprintf(text, sizeof(text), "0x%" PRIx64, address);
    domm_json_text(object, key, text);
}

static void add_symbol(const struct reporter *reporter, struct json_object *object, const char *key,
                       uint64_t address)
{
    char text[DOMM_SYMBOL_LENGTH + 24];
    report_describe(reporter, address, text, sizeof(text));
    domm_json_text(object, key, text);
}

static void add_bytes(const struct reporter *reporter, struct json_object *object,
                      const struct change *change)
{
    char was[2 * CHANGE_BYTES + 1], now[2 * CHANGE_BYTES + 1];
    hex(change, change->was, was);
    hex(change, change->now, now);
    domm_json_number(object, "bytes", change->size);
    domm_json_text(object, "was", was);
    domm_json_text(object, "now", now);
    if (!is_table(change))
        return;
    domm_json_number(object, "entry", entry_number(reporter, change));
    add_symbol(reporter, object, "was_target", entry_target(change, change->was));
    add_symbol(reporter, object, "now_target", entry_target(change, change->now));
}

static struct json_object *new_event(const char *event)
{
    struct json_object *object = json_object_new_object();
    char when[DOMM_TIMESTAMP];
    now_text(when);
    domm_json_text(object, "time", when);
    domm_json_text(object, "event", event);
    return object;
}

static void print_json(struct json_object *object)
{
    cleanup_free char *text = domm_json_format(object, JSON_C_TO_STRING_PLAIN);
    puts(text ? text : "null");
}

static void print_text(const char *event, const char *text)
{
    char when[DOMM_TIMESTAMP];
    now_text(when);
    printf("%s %s: %s\n", when, event, text);
}

static void report_to_syslog(const struct reporter *reporter, const char *event, const char *text)
{
    bool alarm = strcmp(event, "changed") == 0 || strcmp(event, "unsettled") == 0 ||
                 strcmp(event, "unreadable") == 0;
    if (reporter->syslog)
        syslog(LOG_AUTHPRIV | (alarm ? LOG_ALERT : LOG_NOTICE), "%s: %s", event, text);
}

void report_change(const struct reporter *reporter, const char *event, const struct change *change)
{
    char text[4 * DOMM_SYMBOL_LENGTH];
    describe_change(reporter, change, text, sizeof(text));
    report_to_syslog(reporter, event, text);
    if (!reporter->json) {
        print_text(event, text);
        return;
    }
    cleanup_json struct json_object *object = new_event(event);
    domm_json_text(object, "area", kinds[change->kind]);
    if (change->kind != CHANGE_KERNEL) {
        add_address(object, "address", change->address);
        add_symbol(reporter, object, "symbol", change->address);
    }
    if (has_bytes(change))
        add_bytes(reporter, object, change);
    print_json(object);
}

void report_state(const struct reporter *reporter, const char *event, const char *text)
{
    report_to_syslog(reporter, event, text);
    if (!reporter->json) {
        print_text(event, text);
        return;
    }
    cleanup_json struct json_object *object = new_event(event);
    domm_json_text(object, "text", text);
    print_json(object);
}

void report_pass(const struct reporter *reporter, size_t pages, uint64_t milliseconds,
                 const struct changes *changes, const struct changes *unsettled)
{
    char text[192];
    uint64_t n_unsettled = unsettled->count + unsettled->more;
    if (!reporter->json) {
        int used = snprintf(text, sizeof(text),
                            "%zu pages in %" PRIu64 " ms: %zu changes, %" PRIu64
                            " more pages with changes",
                            pages, milliseconds, changes->count, changes->more);
        if (n_unsettled)
            snprintf(text + used, sizeof(text) - (size_t)used, ", %" PRIu64 " unsettled",
                     n_unsettled);
        print_text("checked", text);
        return;
    }
    cleanup_json struct json_object *object = new_event("checked");
    domm_json_number(object, "pages", pages);
    domm_json_number(object, "milliseconds", milliseconds);
    domm_json_number(object, "changes", changes->count);
    domm_json_number(object, "more_pages", changes->more);
    domm_json_number(object, "unsettled", n_unsettled);
    print_json(object);
}

int report_flush(struct domm_error *err)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing to standard output");
    return 0;
}
