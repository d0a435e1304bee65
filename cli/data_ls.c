#include "cli/data_ls.h"

#include "cli/client.h"
#include "cli/field.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/waiting.h"
#include "core/text.h"

static const struct column columns[] = {
    {"name", COLUMN_NAME},
    {"listing", COLUMN_LEFT | COLUMN_MINOR_FIRST},
    {"files", COLUMN_RIGHT | COLUMN_MINOR},
    {"size", COLUMN_RIGHT},
    {"here", COLUMN_LEFT},
    {"pushed", COLUMN_RIGHT | COLUMN_MINOR},
    {"needed", COLUMN_RIGHT},
    {"named by", COLUMN_ELASTIC | COLUMN_MINOR_LAST},
};

enum { SUM_SHOWN = 12, IDS_SHOWN = 8 }; /* digits of a listing's sum; ids of who names it */

static void add_ids(struct table *table, const cJSON *listing) {
    struct text text = {0};
    const double all = field_number(listing, "experiments", 0);
    double shown = 0;
    const cJSON *id;
    cJSON_ArrayForEach(id, field_at(listing, "ids")) {
        if (shown++ < IDS_SHOWN)
            text_format(&text, "%s%.0f", text.length > 0 ? " " : "", id->valuedouble);
    }
    if (all > IDS_SHOWN)
        text_format(&text, " and %.0f more", all - IDS_SHOWN);
    table_add(table, "%s", all > 0 ? text_string(&text) : "");
    text_free(&text);
}

static void print_listings(const cJSON *listings, double now_ms) {
    struct table table = TABLE_OF(columns);
    struct screen screen = screen_of(stdout);
    const cJSON *listing;
    cJSON_ArrayForEach(listing, listings) {
        char text[FORMAT_SIZE];
        const double missing = field_number(listing, "missing_files", 0);
        const double ago_ms = now_ms - field_number(listing, "pushed_ms", now_ms);
        table_add(&table, "%s", field_text(listing, "name", "?"));
        table_add(&table, "%.*s", SUM_SHOWN, field_text(listing, "listing", "?"));
        table_add(&table, "%.0f", field_number(listing, "files", 0));
        table_add(&table, "%s", format_bytes(text, (uint64_t)field_number(listing, "bytes", 0)));
        if (missing > 0)
            table_add_styled(&table, STYLE_BAD, "%.0f missing", missing);
        else
            table_add(&table, "all");
        table_add(&table, "%s ago", format_duration(text, ago_ms > 0 ? ago_ms / 1000 : 0));
        table_add(&table, "%.0f", field_number(listing, "unfinished", 0));
        add_ids(&table, listing);
    }
    if (table.count == 0)
        puts("no data sets; assay data push FILE brings one");
    else
        table_print(&table, &screen, 0);
    table_free(&table);
}

/* Counts what the coordinator lacks of each listing, which it looks up so many files at a time. */
static bool count_missing(struct client *client, cJSON *listings, struct error *error) {
    struct waiting waiting = waiting_begin();
    double folder = 0;
    cJSON *listing, *answer;
    cJSON_ArrayForEach(listing, listings) {
        cJSON_AddNumberToObject(listing, "missing_files", 0);
    }
    while (folder >= 0) {
        char text[64];
        cJSON *body = cJSON_CreateObject();
        snprintf(text, sizeof text, "%.0f %% of the files looked up\n", folder / 2.56);
        waiting_tell(&waiting, text);
        cJSON_AddNumberToObject(body, "from", folder);
        if (!client_ask(client, "survey", body, "surveyed", &answer, error))
            break;
        cJSON_ArrayForEach(listing, listings) {
            cJSON *count = cJSON_GetObjectItemCaseSensitive(listing, "missing_files");
            const cJSON *more = cJSON_GetObjectItemCaseSensitive(
                field_at(answer, "missing"), field_text(listing, "listing", ""));
            if (more != NULL)
                cJSON_SetNumberValue(count, count->valuedouble + more->valuedouble);
        }
        folder = field_number(answer, "next", -1);
        cJSON_Delete(answer);
    }
    waiting_end(&waiting);
    return folder < 0;
}

int data_ls(const struct command_input *input) {
    struct client client = {0};
    struct error error = {0};
    cJSON *answer = NULL;
    int status = 0;
    if (!client_open(input, &client, &error) ||
        !client_ask(&client, "listings", NULL, "listed", &answer, &error) ||
        !count_missing(&client, cJSON_GetObjectItemCaseSensitive(answer, "listings"), &error)) {
        status = command_fail(&error);
    } else if (input->json) {
        status = output_json(field_at(answer, "listings")) ? 0 : ERROR_FAILED;
    } else {
        field_clean(answer);
        print_listings(field_at(answer, "listings"), client_now_ms(&client));
    }
    cJSON_Delete(answer);
    client_close(&client);
    return status;
}
