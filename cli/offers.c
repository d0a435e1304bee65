#include "cli/offers.h"

#include "cli/client.h"
#include "cli/field.h"
#include "core/clock.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 1000 };

struct listed {
    cJSON *experiments;
    int64_t until_ms;
};

static bool take_page(void *context, cJSON *page, struct error *error) {
    struct listed *listed = context;
    field_clean(page);
    json_move_items(page, listed->experiments);
    return clock_steady_ms() < listed->until_ms ||
           error_set(error, ERROR_UNREACHABLE, "there are too many to be listed while one waits");
}

/* Words that come twice are the shells' business. */
static void print_experiments(const cJSON *experiments) {
    const cJSON *one;
    cJSON_ArrayForEach(one, experiments) {
        const char *group = field_text(one, "group", "");
        if (strcmp(group, field_text(one->next, "group", "")) != 0) /* the members stand together */
            printf("%s\tgroup\n", group);
    }
    cJSON_ArrayForEach(one, experiments) {
        printf("%s\t%s\n", field_text(one, "name", ""), field_text(one, "state", ""));
    }
    cJSON_ArrayForEach(one, experiments) {
        printf("%.0f\t%s, %s\n", field_number(one, "id", 0), field_text(one, "name", ""),
               field_text(one, "state", ""));
    }
}

static bool offer_experiments(struct client *client) {
    struct listed listed = {cJSON_CreateArray(), clock_steady_ms() + PATIENCE_MS};
    struct error unsaid;
    cJSON *all = cJSON_CreateObject();
    bool good = client_pages(client, "list", all, take_page, &listed, &unsaid);
    print_experiments(listed.experiments);
    cJSON_Delete(listed.experiments);
    cJSON_Delete(all);
    return good;
}

static bool offer_workers(struct client *client) {
    cJSON *answer = NULL;
    const cJSON *worker;
    struct error unsaid;
    bool good = client_ask(client, "workers", NULL, "worker_list", &answer, &unsaid);
    field_clean(answer);
    cJSON_ArrayForEach(worker, field_at(answer, "workers")) {
        printf("%s\t%s\n", field_text(worker, "worker", ""), field_text(worker, "state", ""));
    }
    cJSON_Delete(answer);
    return good;
}

static const struct offer {
    const char *kind;
    bool (*print)(struct client *client);
} kinds[] = {{"experiments", offer_experiments}, {"workers", offer_workers}};

static const struct offer *find(const char *kind) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    return NULL;
}

bool offers_known(const char *kind) {
    return find(kind) != NULL;
}

int offers_print(const struct command_input *input) {
    struct command_input hasty = *input;
    struct client client = {0};
    struct error unsaid;
    if (hasty.timeout_ms > PATIENCE_MS)
        hasty.timeout_ms = PATIENCE_MS;
    bool good = client_open(&hasty, &client, &unsaid) && find(input->arguments[0])->print(&client);
    client_close(&client);
    return good ? 0 : ERROR_UNREACHABLE;
}
