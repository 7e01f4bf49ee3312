/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "lib/base/json.h"
#include "lib/xen/restore_vifs.h"

#define VIFS "nics"

/* libxl's configuration of a domain says how much memory it has, and the stub does not. */
static bool restore_is_stub(struct json_object *config)
{
    struct json_object *build = NULL, *memory = NULL;
    return !json_object_object_get_ex(config, "b_info", &build) ||
           !json_object_object_get_ex(build, "max_memkb", &memory);
}

/* The source's, which all have a devid and a MAC: libxl would store just the same. */
int domm_restore_merge_vifs(const char *stored, const char *source, char **merged_r,
                            struct domm_error *err)
{
    cleanup_json struct json_object *config = json_tokener_parse(stored);
    cleanup_json struct json_object *theirs = json_tokener_parse(source);
    struct json_object *vifs = NULL;
    if (!json_object_is_type(config, json_type_object) || restore_is_stub(config))
        return domm_fail(err, DOMM_FAILED, "libxl has not stored the restored configuration");
    if (!json_object_is_type(theirs, json_type_object))
        return domm_fail(err, DOMM_REFUSED, "the guest's configuration is no JSON object");
    if (json_object_object_get_ex(theirs, VIFS, &vifs))
        json_object_object_add(config, VIFS, json_object_get(vifs));
    const char *text = json_object_to_json_string_ext(config, JSON_C_TO_STRING_NOSLASHESCAPE);
    *merged_r = text ? strdup(text) : NULL;
    return *merged_r ? 0 : domm_no_memory(err);
}
