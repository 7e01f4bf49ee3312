/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/job_status.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/paths.h"

#define PATH_BYTES 256

static void job_status_path_of(const struct domm_uuid *migration, bool source,
                               char path_r[PATH_BYTES])
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(migration, uuid);
    snprintf(path_r, PATH_BYTES, "%s/job-%s.%s", domm_run_directory, uuid,
             source ? "source" : "destination");
}

static struct json_object *job_guest_json(const struct domm_session *session, unsigned int g)
{
    struct json_object *object = json_object_new_object();
    domm_json_text(object, "name", session->guests[g].facts.name);
    domm_json_number(object, "memory_bytes", session->guests[g].facts.memory_kib * 1024);
    domm_json_number(object, "rounds", session->report.guests[g].rounds);
    domm_json_number(object, "sent_bytes", session->report.guests[g].bytes);
    return object;
}

void domm_job_status_write(const struct domm_session *session)
{
    char path[PATH_BYTES];
    struct domm_error ignored;
    if (!session->journal)
        return;
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *guests = json_object_new_array();
    domm_json_text(root, "state", domm_migration_states[session->machine.state].name);
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++)
        json_object_array_add(guests, job_guest_json(session, g));
    json_object_object_add(root, "guests", guests);
    job_status_path_of(&session->offer.migration, session->machine.setup.source, path);
    const char *text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
    (void)domm_file_replace_unsynced(path, text, strlen(text), &ignored);
}

void domm_job_status_remove(const struct domm_session *session)
{
    char path[PATH_BYTES];
    if (!session->journal)
        return;
    job_status_path_of(&session->offer.migration, session->machine.setup.source, path);
    unlink(path);
}

struct json_object *domm_job_status_read(const struct domm_uuid *migration, bool source)
{
    char path[PATH_BYTES];
    job_status_path_of(migration, source, path);
    if (access(path, R_OK))
        return NULL;
    return json_object_from_file(path);
}
