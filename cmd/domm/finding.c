/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "cmd/domm/output.h"
#include "lib/base/text.h"

static const char *const levels[] = {
    [LEVEL_OK] = "ok", [LEVEL_WARN] = "warn", [LEVEL_FAIL] = "fail"};

void cmd_findings_begin(struct cmd_findings *findings_r)
{
    *findings_r = (struct cmd_findings){.list = json_object_new_array()};
}

static void find_text(struct cmd_findings *findings, enum cmd_level level, const char *check,
                      const char *advice, const char *found)
{
    struct json_object *finding = json_object_new_object();
    domm_json_text(finding, "check", check);
    domm_json_text(finding, "level", levels[level]);
    domm_json_text(finding, "found", found);
    json_object_object_add(finding, "advice",
                           advice && *advice ? json_object_new_string(advice) : NULL);
    json_object_array_add(findings->list, finding);
    findings->warned += level == LEVEL_WARN;
    if (level == LEVEL_FAIL && !findings->failed++)
        findings->code = DOMM_PREFLIGHT;
}

void cmd_find(struct cmd_findings *findings, enum cmd_level level, const char *check,
              const char *advice, const char *found, ...)
{
    char text[1024];
    va_list args;
    va_start(args, found);
    vsnprintf(text, sizeof(text), found, args);
    va_end(args);
    find_text(findings, level, check, advice, domm_make_printable(text));
}

int cmd_find_outcome(struct cmd_findings *findings, const char *check, int rc,
                     const struct domm_error *err, const char *found)
{
    bool first = !findings->failed;
    if (!rc) {
        find_text(findings, LEVEL_OK, check, NULL, found);
        return 0;
    }
    find_text(findings, LEVEL_FAIL, check, err->hint, err->text);
    if (first)
        findings->code = err->code;
    return rc;
}

static const char *member(struct json_object *finding, const char *key)
{
    return json_object_get_string(json_object_object_get(finding, key));
}

static void finding_print_text(const struct cmd_findings *findings)
{
    for (size_t i = 0; i < json_object_array_length(findings->list); i++) {
        struct json_object *finding = json_object_array_get_idx(findings->list, i);
        const char *advice = member(finding, "advice");
        printf("%-4s  %-12s  %s\n", member(finding, "level"), member(finding, "check"),
               member(finding, "found"));
        if (advice)
            printf("%-4s  %-12s  do: %s\n", "", "", advice);
    }
}

int cmd_findings_end(struct cmd_findings *findings, bool json, struct domm_error *err)
{
    size_t failed = findings->failed, warned = findings->warned;
    cleanup_json struct json_object *root = json_object_new_object();
    if (!json)
        finding_print_text(findings);
    json_object_object_add(root, "findings", findings->list);
    domm_json_number(root, "failed", failed);
    domm_json_number(root, "warned", warned);
    if (json)
        cmd_print_json(root);
    if (!failed)
        return 0;
    return domm_fail(err, findings->code, "%zu failed, %zu to look at", failed, warned);
}
